//! The outputs of a build: `imageid`, `digest` and `metadata`.

use serde_json::{Map, Value, json};

use crate::standins::error::StandInError;
use crate::standins::toolkit;

const MANIFEST_TYPE: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// What a registry has got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pushed {
    digest: String,
    size: u64,
}

impl Pushed {
    /// Reads the last line of `docker push`: `TAG: digest: sha256:… size: 528`.
    pub(super) fn read(line: &str) -> Option<Self> {
        let (_, rest) = line.split_once(": digest: ")?;
        let (digest, size) = rest.split_once(" size: ")?;
        let hex = digest.strip_prefix("sha256:")?;
        let is_digest = hex.len() == 64 && hex.bytes().all(|it| it.is_ascii_hexdigit());
        is_digest.then_some(())?;
        Some(Self { digest: digest.to_owned(), size: size.trim().parse().ok()? })
    }
}

/// A build that has ended.
#[derive(Debug)]
pub(super) struct Built {
    /// The image's id; `None` where nothing was exported.
    pub(super) id: Option<String>,
    /// Whether an engine keeps the image under its id, and no builder of its own.
    pub(super) is_in_engine: bool,
    pub(super) pushed: Option<Pushed>,
    pub(super) tags: Vec<String>,
}

impl Built {
    /// The digest of the manifest; an engine that nothing was pushed from has the image's id in its place.
    ///
    /// Source: Docker Engine, `BuildKit`'s exporter `moby`. A builder of its own tells the digest of a manifest that is made
    /// for the export, and nothing here makes one: there is none then.
    fn digest(&self) -> Option<&str> {
        match &self.pushed {
            Some(pushed) => Some(&pushed.digest),
            None => self.id.as_deref().filter(|_| self.is_in_engine),
        }
    }

    /// What is known of what buildx writes by `--metadata-file`, in its order.
    ///
    /// Source: Docker, "docker buildx build", `--metadata-file`.
    fn metadata(&self) -> Option<Value> {
        let mut known = Map::new();
        known.insert("containerimage.config.digest".to_owned(), json!(self.id.as_ref()?));
        if let Some(pushed) = &self.pushed {
            let descriptor = json!({ "mediaType": MANIFEST_TYPE, "digest": pushed.digest, "size": pushed.size });
            known.insert("containerimage.descriptor".to_owned(), descriptor);
        }
        if let Some(digest) = self.digest() {
            known.insert("containerimage.digest".to_owned(), json!(digest));
        }
        if !self.tags.is_empty() {
            known.insert("image.name".to_owned(), json!(self.tags.join(",")));
        }
        Some(Value::Object(known))
    }

    pub(super) fn put_out(&self) -> Result<(), StandInError> {
        let metadata = self.metadata().map(|it| serde_json::to_string_pretty(&it).unwrap_or_default());
        for (group, output, value) in [
            ("ImageID", "imageid", self.id.as_deref()),
            ("Digest", "digest", self.digest()),
            ("Metadata", "metadata", metadata.as_deref()),
        ] {
            if let Some(value) = value {
                toolkit::start_group(group);
                toolkit::info(value);
                toolkit::set_output(output, value)?;
                toolkit::end_group();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_a_push_says() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        let read = Pushed::read(&format!("v1: digest: {digest} size: 528"));
        assert_eq!(read, Some(Pushed { digest, size: 528 }));
        for line in ["v1: digest: sha256:12 size: 3", "The push refers to repository [a]", "5f70bf18a086: Pushed"] {
            assert_eq!(Pushed::read(line), None, "{line}");
        }
    }

    #[test]
    fn metadata_has_what_is_known() {
        let keys = |built: &Built| -> Vec<String> {
            let metadata = built.metadata();
            metadata.iter().filter_map(Value::as_object).flat_map(|it| it.keys().cloned()).collect()
        };
        let id = Some("sha256:1".to_owned());
        let pushed = Some(Pushed { digest: "sha256:2".to_owned(), size: 3 });
        let of_registry =
            Built { id: id.clone(), is_in_engine: false, pushed, tags: vec!["a".to_owned(), "b".to_owned()] };
        let (config, digest) = ("containerimage.config.digest", "containerimage.digest");
        assert_eq!(keys(&of_registry), [config, "containerimage.descriptor", digest, "image.name"]);
        assert_eq!(of_registry.metadata().expect("is there")["image.name"], "a,b");
        assert_eq!(of_registry.digest(), Some("sha256:2"));
        let of_engine = Built { id: id.clone(), is_in_engine: true, pushed: None, tags: Vec::new() };
        assert_eq!(
            (keys(&of_engine), of_engine.digest()),
            (vec![config.to_owned(), digest.to_owned()], Some("sha256:1"))
        );
        let loaded = Built { id, is_in_engine: false, pushed: None, tags: Vec::new() };
        assert_eq!((keys(&loaded), loaded.digest()), (vec![config.to_owned()], None));
        let nothing = Built { id: None, is_in_engine: true, pushed: None, tags: Vec::new() };
        assert_eq!((nothing.metadata(), nothing.digest()), (None, None));
    }
}
