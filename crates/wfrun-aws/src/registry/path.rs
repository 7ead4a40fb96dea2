//! The paths of the registry's API. Repository names may contain slashes, so paths are read from the right.

/// What a path below `/v2/` names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Path<'a> {
    /// `/v2/`
    Base,
    /// `/v2/_catalog`
    Catalog,
    /// `/v2/<name>/blobs/<digest>`
    Blob { name: &'a str, digest: &'a str },
    /// `/v2/<name>/blobs/uploads/`
    Uploads { name: &'a str },
    /// `/v2/<name>/blobs/uploads/<id>`
    Upload { name: &'a str, id: &'a str },
    /// `/v2/<name>/manifests/<tag or digest>`
    Manifest { name: &'a str, reference: &'a str },
    /// `/v2/<name>/tags/list`
    Tags { name: &'a str },
    /// `/v2/<name>/referrers/<digest>`
    Referrers { name: &'a str, digest: &'a str },
    /// Nothing the registry has.
    Unknown,
}

impl<'a> Path<'a> {
    pub(super) fn read(path: &'a str) -> Self {
        let rest = path.strip_prefix("/v2").unwrap_or_default();
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        if rest.is_empty() {
            return Self::Base;
        }
        if rest == "_catalog" {
            return Self::Catalog;
        }
        if let Some(name) = rest.strip_suffix("/tags/list") {
            return Self::Tags { name };
        }
        if let Some(name) = rest.strip_suffix("/blobs/uploads/").or_else(|| rest.strip_suffix("/blobs/uploads")) {
            return Self::Uploads { name };
        }
        if let Some((name, id)) = split_last(rest, "/blobs/uploads/") {
            return Self::Upload { name, id };
        }
        if let Some((name, digest)) = split_last(rest, "/blobs/") {
            return Self::Blob { name, digest };
        }
        if let Some((name, reference)) = split_last(rest, "/manifests/") {
            return Self::Manifest { name, reference };
        }
        split_last(rest, "/referrers/").map_or(Self::Unknown, |(name, digest)| Self::Referrers { name, digest })
    }
}

fn split_last<'a>(text: &'a str, infix: &str) -> Option<(&'a str, &'a str)> {
    text.rsplit_once(infix).filter(|(name, last)| !name.is_empty() && !last.is_empty() && !last.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::Path;

    #[test]
    fn paths_are_read_from_the_right() {
        let cases = [
            ("/v2", Path::Base),
            ("/v2/", Path::Base),
            ("/v2/_catalog", Path::Catalog),
            ("/v2/a/b/blobs/sha256:0", Path::Blob { name: "a/b", digest: "sha256:0" }),
            ("/v2/blobs/manifests/blobs/uploads/", Path::Uploads { name: "blobs/manifests" }),
            ("/v2/a/blobs/uploads", Path::Uploads { name: "a" }),
            ("/v2/a/blobs/uploads/7", Path::Upload { name: "a", id: "7" }),
            ("/v2/a/manifests/latest", Path::Manifest { name: "a", reference: "latest" }),
            ("/v2/a/tags/list", Path::Tags { name: "a" }),
            ("/v2/a/referrers/sha256:0", Path::Referrers { name: "a", digest: "sha256:0" }),
            ("/v2/a/manifests/x/y", Path::Unknown),
            ("/v2/a", Path::Unknown),
            ("/v2//manifests/x", Path::Unknown),
        ];
        for (text, want) in cases {
            assert_eq!(Path::read(text), want, "{text}");
        }
    }
}
