//! Which names git takes, and what a remote's address says.

/// Whether git takes a name for a branch or tag. Source: git-check-ref-format(1).
pub(super) fn is_ref_name(name: &str) -> bool {
    let bad_char = |it: char| it.is_control() || " ~^:?*[\\".contains(it);
    // git means these letters, in this case.
    #[expect(clippy::case_sensitive_file_extension_comparisons, reason = "it is no file's extension")]
    let bad_part = |it: &str| it.is_empty() || it.starts_with('.') || it.ends_with(".lock");
    let whole = name.ends_with('.') || name.starts_with('-') || name.contains("..") || name.contains("@{");
    !whole && !name.contains(bad_char) && !name.split('/').any(bad_part)
}

/// `owner/name` of a remote's address.
pub(super) fn slug_of(url: &str) -> Option<String> {
    let path = url.trim_end_matches('/').trim_end_matches(".git");
    let mut parts = path.rsplit(['/', ':']);
    let (name, owner) = (parts.next()?, parts.next()?);
    let legal = |it: &str| !it.is_empty() && it.chars().all(|it| it.is_ascii_alphanumeric() || "-_.".contains(it));
    (legal(name) && legal(owner) && url.contains(':')).then(|| format!("{owner}/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ref_names() {
        for good in ["main", "feature/x", "v1.2", "refs/heads/a-b_c"] {
            assert!(is_ref_name(good), "{good}");
        }
        for bad in ["", "bad ref", "a..b", "/a", "a/", "x.lock", ".x", "a~1", "a^", "-x", "a@{1}"] {
            assert!(!is_ref_name(bad), "{bad}");
        }
    }

    #[test]
    fn slugs() {
        for (url, expected) in [
            ("git@github.com:octo/demo.git", Some("octo/demo")),
            ("https://github.com/octo/demo", Some("octo/demo")),
            ("ssh://git@github.com/octo/demo.git/", Some("octo/demo")),
            ("/srv/git/demo.git", None),
        ] {
            assert_eq!(slug_of(url).as_deref(), expected, "{url}");
        }
    }
}
