//! Names of images, taken apart.

/// A name of an image: `host/path:tag@digest`.
///
/// Any text is one; whether Docker takes it is another matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageName<'a> {
    /// The registry's host, with its port if it has one; none for a name of Docker Hub's.
    pub host: Option<&'a str>,
    /// What the registry calls it: `library/python`.
    pub path: &'a str,
    /// What is behind the colon, if there is one.
    pub tag: Option<&'a str>,
    /// What is behind the `@`, if there is one, as `sha256:…`.
    pub digest: Option<&'a str>,
}

impl<'a> ImageName<'a> {
    /// Takes a name apart.
    ///
    /// Source: distribution project, reference grammar: what is before the first slash is a host if it has a dot or a colon, or is
    /// `localhost`.
    pub fn of(text: &'a str) -> Self {
        let (rest, digest) = text.split_once('@').map_or((text, None), |(rest, digest)| (rest, Some(digest)));
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            Some(_) | None => (rest, None),
        };
        let (host, path) = match name.split_once('/') {
            Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (Some(host), path),
            Some(_) | None => (None, name),
        };
        Self { host, path, tag, digest }
    }

    /// The name without tag and digest.
    pub fn repository(&self) -> String {
        self.host.map_or_else(|| self.path.to_owned(), |host| format!("{host}/{}", self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::ImageName;

    /// Source: distribution project, reference grammar.
    #[test]
    fn names_are_taken_apart() {
        for (text, host, path, tag, digest) in [
            ("a", None, "a", None, None),
            ("a:1", None, "a", Some("1"), None),
            ("library/a:1", None, "library/a", Some("1"), None),
            ("localhost/a/b", Some("localhost"), "a/b", None, None),
            ("127.0.0.1:5/a", Some("127.0.0.1:5"), "a", None, None),
            ("127.0.0.1:5/a:1@sha256:00", Some("127.0.0.1:5"), "a", Some("1"), Some("sha256:00")),
            ("[::1]:5/a:1", Some("[::1]:5"), "a", Some("1"), None),
            ("ghcr.io/a/b@sha256:00", Some("ghcr.io"), "a/b", None, Some("sha256:00")),
            // Of no use, and yet apart.
            ("", None, "", None, None),
            ("/a", None, "/a", None, None),
            ("a:", None, "a", Some(""), None),
            ("a@", None, "a", None, Some("")),
            ("ghcr.io", None, "ghcr.io", None, None),
        ] {
            let name = ImageName::of(text);
            assert_eq!(name, ImageName { host, path, tag, digest }, "{text}");
            let end = |sign: char, it: Option<&str>| it.map(|it| format!("{sign}{it}")).unwrap_or_default();
            assert_eq!(name.repository() + &end(':', tag) + &end('@', digest), text);
        }
    }
}
