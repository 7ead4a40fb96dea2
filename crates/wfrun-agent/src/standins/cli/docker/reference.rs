//! Names of images: `registry/path:tag@digest`.

use std::fmt;

use super::error::DockerError;
use crate::image_name::ImageName;

/// The registry of names that have none.
pub(super) const DOCKER_HUB: &str = "docker.io";

/// A name of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    /// Host and port, where the name has them.
    pub(super) registry: Option<String>,
    /// What follows: `news-api`, `library/python`.
    pub(super) path: String,
    pub(super) tag: Option<String>,
    pub(super) digest: Option<String>,
}

impl Reference {
    /// Reads a name by Docker's rules.
    ///
    /// Source: Docker, "`docker image tag`", "Description"; the grammar is that of the distribution project's references.
    pub(super) fn parse(text: &str) -> Result<Self, DockerError> {
        let invalid = || DockerError::failed(format!("invalid reference format: \"{text}\" is not a name of an image"));
        let ImageName { host, path, tag, digest } = ImageName::of(text);
        if digest.is_some_and(|digest| !is_digest(digest)) || tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(invalid());
        }
        if path.chars().any(|letter| letter.is_ascii_uppercase()) {
            let message = format!("invalid reference format: repository name ({path}) must be lowercase");
            return Err(DockerError::failed(message));
        }
        if !path.split('/').all(is_path_component) {
            return Err(invalid());
        }
        let registry = host.filter(|host| *host != DOCKER_HUB).map(str::to_owned);
        let path = if text.starts_with(DOCKER_HUB) { path.trim_start_matches("library/") } else { path };
        let (tag, digest) = (tag.map(str::to_owned), digest.map(str::to_owned));
        Ok(Self { registry, path: path.to_owned(), tag, digest })
    }

    /// The name without tag and digest, as Docker shows it.
    pub(super) fn repository(&self) -> String {
        self.registry.as_ref().map_or_else(|| self.path.clone(), |host| format!("{host}/{}", self.path))
    }

    /// The name with the tag `latest` where it has neither tag nor digest.
    #[must_use]
    pub(super) fn with_default_tag(mut self) -> Self {
        if self.tag.is_none() && self.digest.is_none() {
            self.tag = Some("latest".to_owned());
        }
        self
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repository())?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        self.digest.as_ref().map_or(Ok(()), |digest| write!(f, "@{digest}"))
    }
}

fn is_tag(tag: &str) -> bool {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    tag.len() <= 128 && tag.starts_with(is_word) && tag.chars().all(|letter| is_word(letter) || ".-".contains(letter))
}

/// Whether a text is `sha256:` and 64 hexadecimal digits.
pub(super) fn is_digest(digest: &str) -> bool {
    digest.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && hex.chars().all(|c| c.is_ascii_hexdigit()))
}

fn is_path_component(component: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    component.starts_with(is_plain)
        && component.ends_with(is_plain)
        && component.chars().all(|letter| is_plain(letter) || "._-".contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names() {
        let cases = [
            ("news-api", "news-api:latest", None),
            ("news-api:1.0", "news-api:1.0", None),
            ("docker.io/library/python:3.11-slim", "python:3.11-slim", None),
            ("bitnami/redis", "bitnami/redis:latest", None),
            ("127.0.0.1:5557/news-api", "127.0.0.1:5557/news-api:latest", Some("127.0.0.1:5557")),
            ("localhost/a/b:x", "localhost/a/b:x", Some("localhost")),
            (
                "123456789012.dkr.ecr.us-east-1.amazonaws.com/news-api:abc",
                "123456789012.dkr.ecr.us-east-1.amazonaws.com/news-api:abc",
                Some("123456789012.dkr.ecr.us-east-1.amazonaws.com"),
            ),
        ];
        for (text, shown, registry) in cases {
            let reference = Reference::parse(text).expect(text).with_default_tag();
            assert_eq!((reference.to_string().as_str(), reference.registry.as_deref()), (shown, registry));
        }
    }

    #[test]
    fn refuses_what_is_no_name() {
        for text in ["", "News", "a//b", "/news-api:1", "a:", "a:b c", "a@sha256:1", "-a", "a/B"] {
            assert!(
                Reference::parse(text).expect_err(text).to_string().starts_with("invalid reference format"),
                "{text}"
            );
        }
    }
}
