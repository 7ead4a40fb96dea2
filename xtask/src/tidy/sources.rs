//! Rules for single files: their size, their shape, and words that have no place in them.

use super::Finding;
use crate::tree::TextFile;

const LONG: usize = 500;
const TOO_LONG: usize = 800;

/// Folders of one machine; a path that only ends so, as `/home/runner/work/`, is another thing.
const MACHINE_PATHS: [&str; 2] = [concat!("/wo", "rk/"), concat!("/ro", "ot/")];

/// What is left behind by accident.
const LEFTOVERS: [&str; 3] = [concat!("dbg", "!("), concat!("<<<<", "<<< "), concat!(">>>>", ">>> ")];

/// Checks all files.
pub(super) fn check(files: &[TextFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        findings.extend(words(file));
        if file.is_rust() {
            findings.extend(size(file));
            findings.extend(shape(file));
        }
    }
    findings
}

fn size(file: &TextFile) -> Option<Finding> {
    match file.text.lines().count() {
        lines if lines > TOO_LONG => {
            Some(Finding::error(&file.path, format!("{lines} lines, at most {TOO_LONG}: split it")))
        }
        lines if lines > LONG => Some(Finding::note(&file.path, format!("{lines} lines, look again at {LONG}"))),
        _ => None,
    }
}

fn shape(file: &TextFile) -> Option<Finding> {
    if file.path.ends_with("/mod.rs") {
        return Some(Finding::error(&file.path, "`foo.rs` beside `foo/` instead of `mod.rs`"));
    }
    if !file.path.ends_with("/lib.rs") {
        return None;
    }
    let mut in_list = false;
    for (index, line) in file.text.lines().enumerate() {
        if !in_list && !belongs_in_lib(line) {
            let place = format!("{}:{}", file.path, index + 1);
            return Some(Finding::error(place, "lib.rs is a table of contents: only docs, `mod` and `pub use`"));
        }
        // A `use` may be broken over lines.
        in_list = (in_list || line.contains("use ") && !line.trim_start().starts_with("//"))
            && !line.trim_end().ends_with(';');
    }
    None
}

fn belongs_in_lib(line: &str) -> bool {
    let line = line.trim();
    let starts = ["//", "mod ", "pub mod ", "pub(crate) mod ", "pub use ", "pub(crate) use ", "#![", "#[cfg(", "#[doc"];
    line.is_empty() || starts.iter().any(|start| line.starts_with(start))
}

fn words(file: &TextFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let place = || format!("{}:{}", file.path, index + 1);
        if let Some(path) = MACHINE_PATHS.iter().find(|path| names_path(line, path)) {
            findings.push(Finding::error(place(), format!("names `{path}…`, a folder of one machine")));
        }
        if let Some(word) = LEFTOVERS.iter().find(|word| line.contains(**word)) {
            findings.push(Finding::error(place(), format!("`{word}` was left behind")));
        }
        if has_bare_todo(line) {
            findings.push(Finding::error(place(), "a to-do has an issue number: `#12`"));
        }
    }
    findings
}

fn names_path(line: &str, path: &str) -> bool {
    let before = |at: usize| line[..at].chars().next_back();
    let inside_longer = |it: char| it.is_alphanumeric() || "_-.}/)>*".contains(it);
    line.match_indices(path).any(|(at, _)| !before(at).is_some_and(inside_longer))
}

fn has_bare_todo(line: &str) -> bool {
    const WORD: &str = concat!("TO", "DO");
    line.match_indices(WORD).any(|(at, _)| {
        let (before, after) = (line[..at].chars().next_back(), &line[at + WORD.len()..]);
        let word = !before.is_some_and(|it| it.is_alphanumeric() || it == '_')
            && !after.starts_with(|it: char| it.is_alphanumeric() || it == '_');
        let numbered = after
            .trim_start_matches(['(', ' ', ':'])
            .strip_prefix('#')
            .is_some_and(|it| it.starts_with(|it: char| it.is_ascii_digit()));
        word && !numbered
    })
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::Weight;
    use crate::tree::TextFile;

    fn errors(path: &str, text: &str) -> usize {
        let file = TextFile { path: path.to_owned(), text: text.to_owned() };
        check(&[file]).iter().filter(|it| it.weight == Weight::Error).count()
    }

    #[test]
    fn words() {
        let todo = concat!("TO", "DO");
        for (text, expected) in [
            (format!("// {todo}: later"), 1),
            (format!("// {todo}(#12): later"), 0),
            (format!("// {todo} #12"), 0),
            (format!("MAST{todo}N"), 0),
            (format!("// {}x", concat!("/wo", "rk/")), 1),
            (format!("\"{}x\"", concat!("/ro", "ot/")), 1),
            (format!("/home/runner{}x", concat!("/wo", "rk/")), 0),
            (format!("$HOME{}x", concat!("/wo", "rk/")), 0),
            (concat!("dbg", "!(x)").to_owned(), 1),
        ] {
            assert_eq!(errors("a.rs", &text), expected, "{text}");
        }
    }

    #[test]
    fn size() {
        assert_eq!(errors("a.rs", &"\n".repeat(800)), 0);
        assert_eq!(errors("a.rs", &"\n".repeat(801)), 1);
        assert_eq!(errors("a.md", &"\n".repeat(2000)), 0);
    }

    #[test]
    fn shape() {
        let contents = "//! Docs.\n\nmod a;\npub mod b;\n\n#[cfg(test)]\nmod tests;\n\npub use a::{\n    One, Two,\n    Three,\n};\npub use b::Four;\n";
        assert_eq!(errors("crates/x/src/lib.rs", contents), 0);
        assert_eq!(errors("crates/x/src/lib.rs", "//! Docs.\nfn f() {}\n"), 1);
        assert_eq!(errors("crates/x/src/lib.rs", "pub struct X {\n    a: u8,\n}\n"), 1);
        assert_eq!(errors("crates/x/src/a/mod.rs", ""), 1);
    }
}
