//! What a region's registry remembers.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::repositories::encryption_or_default;
use super::templates::Template;
use crate::account_file::TagMutability;
use crate::clock::epoch_seconds;
use crate::ids::Arns;

/// The registry of a region.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Ecr {
    /// Repositories by name.
    pub(crate) repositories: IndexMap<String, Repository>,
    /// Account settings that were put, by name.
    #[serde(default)]
    pub(crate) settings: IndexMap<String, String>,
    /// Repository creation templates by prefix.
    #[serde(default)]
    pub(super) templates: IndexMap<String, Template>,
}

impl Ecr {
    pub(crate) fn has_templates(&self) -> bool {
        !self.templates.is_empty()
    }

    /// Whether a repository has a blob or manifest with this digest.
    pub(crate) fn names(&self, digest: &str) -> bool {
        self.repositories.values().any(|it| it.blobs.contains_key(digest) || it.manifests.contains_key(digest))
    }
}

/// A repository. Bytes lie in the registry's blob store, shared by all; here is what belongs to it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Repository {
    pub(crate) created_at_ms: u64,
    pub(crate) mutability: TagMutability,
    /// Wildcards of the tags for which the opposite of `mutability` holds.
    #[serde(default)]
    pub(crate) exclusions: Vec<String>,
    #[serde(default)]
    pub(crate) scan_on_push: bool,
    /// The `encryptionConfiguration` it was created with.
    #[serde(default)]
    pub(crate) encryption: Option<Value>,
    /// AWS' tags, not those of images.
    #[serde(default)]
    pub(crate) resource_tags: IndexMap<String, String>,
    /// The repository policy's text.
    #[serde(default)]
    pub(crate) policy: Option<String>,
    /// The lifecycle policy's text.
    #[serde(default)]
    pub(crate) lifecycle: Option<String>,
    /// Layers and configurations: digest and size in bytes.
    pub(crate) blobs: IndexMap<String, u64>,
    /// Manifests by digest, in order of their first push.
    pub(crate) manifests: IndexMap<String, Manifest>,
    /// Tags and the digests of their manifests.
    pub(crate) tags: IndexMap<String, String>,
}

/// A manifest that was pushed.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Manifest {
    pub(crate) media_type: String,
    /// Of the configuration, or the manifest's own `artifactType`.
    pub(crate) artifact_media_type: Option<String>,
    /// The manifest itself, in bytes.
    pub(crate) size: u64,
    /// Layers and configuration as they were pushed, in bytes; 0 for an index.
    pub(crate) image_size: u64,
    pub(crate) pushed_at_ms: u64,
    /// When it was pulled, to a day.
    #[serde(default)]
    pub(crate) pulled_at_ms: Option<u64>,
    /// The manifest that this one is about.
    pub(crate) subject: Option<String>,
    /// Digests of configuration and layers, or of an index' manifests.
    #[serde(default)]
    pub(crate) parts: Vec<String>,
}

/// Why an image stays.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Undeleted {
    /// It is not there.
    NotFound,
    /// These indexes name it.
    Referenced(Vec<String>),
}

impl Repository {
    pub(crate) fn new(created_at_ms: u64, mutability: TagMutability) -> Self {
        Self {
            created_at_ms,
            mutability,
            exclusions: Vec::new(),
            scan_on_push: false,
            encryption: None,
            resource_tags: IndexMap::new(),
            policy: None,
            lifecycle: None,
            blobs: IndexMap::new(),
            manifests: IndexMap::new(),
            tags: IndexMap::new(),
        }
    }

    /// The digest of a tag, or of a digest that is there.
    pub(crate) fn resolve(&self, reference: &str) -> Option<&str> {
        let tagged = self.tags.get(reference).map(String::as_str);
        tagged.or_else(|| self.manifests.get_key_value(reference).map(|(digest, _)| digest.as_str()))
    }

    /// The tags of a digest, in order of their first push.
    pub(crate) fn tags_of(&self, digest: &str) -> Vec<&str> {
        self.tags.iter().filter(|(_, tagged)| *tagged == digest).map(|(tag, _)| tag.as_str()).collect()
    }

    /// Whether `tag` must stay with its image once it is there.
    pub(crate) fn is_immutable(&self, tag: &str) -> bool {
        self.mutability.fixes(&self.exclusions, tag)
    }

    /// Removes a tag; its image goes when that was the last one, as on AWS.
    ///
    /// Source: AWS ECR API reference, `BatchDeleteImage`.
    pub(crate) fn remove_tag(&mut self, tag: &str) -> Result<String, Undeleted> {
        let digest = self.tags.get(tag).cloned().ok_or(Undeleted::NotFound)?;
        if self.tags_of(&digest).len() == 1 {
            self.remove_image(&digest)?;
        } else {
            self.tags.shift_remove(tag);
        }
        Ok(digest)
    }

    /// Removes a manifest, its tags, and the layers that no other manifest names. Returns the tags.
    pub(crate) fn remove_image(&mut self, digest: &str) -> Result<Vec<String>, Undeleted> {
        let found = self.manifests.get(digest).ok_or(Undeleted::NotFound)?;
        let names = |manifest: &Manifest, part: &str| manifest.parts.iter().any(|it| it == part);
        let indexes: Vec<_> =
            self.manifests.iter().filter(|(_, it)| names(it, digest)).map(|(it, _)| it.clone()).collect();
        if !indexes.is_empty() {
            return Err(Undeleted::Referenced(indexes));
        }
        let parts = found.parts.clone();
        let tags = self.tags_of(digest).into_iter().map(ToOwned::to_owned).collect();
        self.manifests.shift_remove(digest);
        self.tags.retain(|_, tagged| tagged != digest);
        let manifests = &self.manifests;
        let is_left = |part: &String| manifests.values().any(|it| names(it, part));
        self.blobs.retain(|blob, _| !parts.contains(blob) || is_left(blob));
        Ok(tags)
    }

    /// As `DescribeRepositories` shows it.
    pub(super) fn described(&self, name: &str, arns: Arns<'_>, host: &str) -> Value {
        json!({
            "repositoryArn": arns.repository(name),
            "registryId": arns.account,
            "repositoryName": name,
            "repositoryUri": format!("{host}/{name}"),
            "createdAt": epoch_seconds(self.created_at_ms),
            "imageTagMutability": self.mutability,
            "imageTagMutabilityExclusionFilters": super::mutability::described(&self.exclusions),
            "imageScanningConfiguration": { "scanOnPush": self.scan_on_push },
            "encryptionConfiguration": encryption_or_default(self.encryption.as_ref()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Manifest, Repository, Undeleted};
    use crate::account_file::TagMutability;

    fn manifest(parts: &[&str]) -> Manifest {
        Manifest {
            media_type: String::new(),
            artifact_media_type: None,
            size: 0,
            image_size: 0,
            pushed_at_ms: 0,
            pulled_at_ms: None,
            subject: None,
            parts: parts.iter().map(|part| (*part).to_owned()).collect(),
        }
    }

    #[test]
    fn which_tags_are_immutable() {
        use TagMutability::{Immutable, ImmutableWithExclusion, Mutable, MutableWithExclusion};
        for (mutability, latest, version) in [
            (Mutable, false, false),
            (Immutable, true, true),
            (ImmutableWithExclusion, false, true),
            (MutableWithExclusion, true, false),
        ] {
            let mut repository = Repository::new(0, mutability);
            repository.exclusions = vec!["lat*".to_owned()];
            assert_eq!((repository.is_immutable("latest"), repository.is_immutable("v1")), (latest, version));
        }
    }

    #[test]
    fn wildcards_of_exclusions() {
        for (filter, tag, want) in [
            ("latest", "latest", true),
            ("latest", "latest2", false),
            ("lat*", "latest", true),
            ("*test", "latest", true),
            ("*at*", "latest", true),
            ("a*a", "a", false),
            ("a*b*c", "abc", true),
            ("a*b*c", "acb", false),
            ("*", "", true),
            ("v*", "latest", false),
        ] {
            let mut repository = Repository::new(0, TagMutability::MutableWithExclusion);
            repository.exclusions = vec![filter.to_owned()];
            assert_eq!(repository.is_immutable(tag), want, "{filter} {tag}");
        }
    }

    #[test]
    fn an_image_takes_only_its_own_layers_along() {
        let mut repository = Repository::new(0, TagMutability::Mutable);
        repository.manifests.insert("m1".into(), manifest(&["shared", "own"]));
        repository.manifests.insert("m2".into(), manifest(&["shared"]));
        repository.manifests.insert("index".into(), manifest(&["m2"]));
        for blob in ["shared", "own", "fresh"] {
            repository.blobs.insert(blob.into(), 1);
        }
        for (tag, digest) in [("a", "m1"), ("b", "m1"), ("c", "m2")] {
            repository.tags.insert(tag.into(), digest.into());
        }
        assert_eq!(repository.remove_tag("x"), Err(Undeleted::NotFound));
        assert_eq!(repository.remove_tag("a"), Ok("m1".to_owned()));
        assert!(repository.manifests.contains_key("m1"), "another tag holds it");
        assert_eq!(repository.remove_tag("b"), Ok("m1".to_owned()));
        assert_eq!(repository.blobs.keys().collect::<Vec<_>>(), ["shared", "fresh"]);
        let held = Err(Undeleted::Referenced(vec!["index".to_owned()]));
        assert_eq!(repository.remove_tag("c"), held.clone().map(|()| String::new()));
        assert_eq!(repository.remove_image("m2"), held.map(|()| Vec::new()));
        assert_eq!(repository.remove_image("index"), Ok(Vec::new()));
        assert_eq!(repository.remove_image("m2"), Ok(vec!["c".to_owned()]));
        assert_eq!(repository.blobs.keys().collect::<Vec<_>>(), ["fresh"]);
    }
}
