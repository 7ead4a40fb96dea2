//! Names that a client may hand to git.

/// Whether a text can be the name of a ref, a branch or a commit, and nothing else: no option, no range, no path.
///
/// Source: `git check-ref-format`.
pub(super) fn is_name(text: &str) -> bool {
    let is_part =
        |it: &str| !it.is_empty() && !it.starts_with('.') && it.strip_suffix(".lock").is_none() && !it.ends_with('.');
    let is_bad = |it: char| it.is_control() || " ~^:?*[\\".contains(it);
    text.len() <= 1024
        && !text.starts_with('-')
        && !text.contains("..")
        && !text.contains("@{")
        && text != "@"
        && !text.contains(is_bad)
        && text.split('/').all(is_part)
}

/// Whether a text is a whole commit id.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|it| it.is_ascii_hexdigit())
}

/// The path of a file in a tree, without slashes around it; none for one that leads elsewhere.
pub(super) fn tree_path(text: &str) -> Option<&str> {
    let path = text.trim_matches('/');
    let is_part = |it: &str| !it.is_empty() && it != "." && it != ".." && !it.contains('\0') && !it.contains('\n');
    (path.is_empty() || path.split('/').all(is_part)).then_some(path)
}

/// The same of a file that is to be written: git's own folder is none of a tree's.
pub(super) fn written_path(text: &str) -> Option<&str> {
    let is_own = |it: &str| it.eq_ignore_ascii_case(".git");
    tree_path(text).filter(|it| !it.is_empty() && !it.split('/').any(is_own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in ["main", "feature/x", "v1.2", "heads/main", "a-b", "0123456", "ünïcode"] {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "",
            "-x",
            "--output=x",
            "a..b",
            "a b",
            "a:b",
            "a^",
            "a~1",
            "@{1}",
            "@",
            "a//b",
            "/a",
            ".a",
            "a.lock",
            "a\n",
        ] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn paths() {
        for (path, taken) in [
            ("a/b.txt", Some("a/b.txt")),
            ("/a/", Some("a")),
            ("", Some("")),
            ("-x", Some("-x")),
            ("../x", None),
            ("a/../b", None),
            ("a//b", None),
            ("./a", None),
            ("a\0b", None),
        ] {
            assert_eq!(tree_path(path), taken, "{path:?}");
        }
        for (path, taken) in [("a/b", true), ("", false), (".git/x", false), ("a/.GIT", false), (".gitignore", true)] {
            assert_eq!(written_path(path).is_some(), taken, "{path:?}");
        }
    }
}
