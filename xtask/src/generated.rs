//! Files made from others: `cargo xtask gen` writes them, `tidy` compares them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, Result};

use crate::diagnostics;
use crate::process::say;
use crate::tidy::Finding;
use crate::tree::{self, TextFile};

const DIFFERENCES: &str = "docs/differences.md";

const HEAD: &str = "\
# Differences

What wfrun is known to do otherwise than GitHub, AWS or Docker. Each line stands in the source beside the code it is about;
this page is made from those lines by `cargo xtask gen`.
";

/// Writes all generated files.
pub(crate) fn write() -> Result<()> {
    for (name, text) in all(&tree::text_files()?) {
        let path = tree::root().join(name);
        let folder = path.parent().context("a file lies in a folder")?;
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be created", folder.display()))?;
        fs::write(&path, &text).with_context(|| format!("{} cannot be written", path.display()))?;
        say(format!("{name}: {} lines", text.lines().count()));
    }
    Ok(())
}

/// The generated files that are not what their sources say.
pub(crate) fn stale(files: &[TextFile]) -> Vec<Finding> {
    let current = |path: &str| files.iter().find(|it| it.path == path).map_or("", |it| it.text.as_str());
    let stale = all(files).into_iter().filter(|(path, text)| current(path) != text);
    stale.map(|(path, _)| Finding::error(path, "is stale: `cargo xtask gen` writes it anew")).collect()
}

/// All generated files, by path.
fn all(files: &[TextFile]) -> Vec<(&'static str, String)> {
    let mut all = vec![(DIFFERENCES, differences(files))];
    all.extend(diagnostics::generated(files));
    all
}

/// The page of all `Differs:` lines, by crate and file.
fn differences(files: &[TextFile]) -> String {
    let mut by_crate: BTreeMap<&str, Vec<(&str, String)>> = BTreeMap::new();
    let sources = files.iter().filter(|it| it.is_rust() && !it.path.starts_with("xtask/"));
    for file in sources {
        let name = file.path.strip_prefix("crates/").and_then(|it| it.split('/').next()).unwrap_or("wfrun");
        for sentence in sentences(&file.text) {
            by_crate.entry(name).or_default().push((&file.path, sentence));
        }
    }
    let mut page = HEAD.to_owned();
    for (name, lines) in by_crate {
        write!(page, "\n## {name}\n\n").expect("a String takes all text");
        for (path, sentence) in lines {
            let file = path.rsplit('/').next().unwrap_or(path);
            writeln!(page, "- {sentence} ([{file}](../{path}))").expect("a String takes all text");
        }
    }
    page
}

/// The sentences after `Differs:` in comments, with the comment lines that continue them.
fn sentences(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        let line = line.trim_start();
        let comment = ["///", "//!", "//"].iter().find_map(|mark| line.strip_prefix(mark)).map(str::trim);
        match comment {
            Some(words) if words.starts_with("Differs: ") => {
                found.push(without_links(words.trim_start_matches("Differs: ")));
                open = true;
            }
            Some(words) if open && !words.is_empty() && !words.starts_with("Source: ") && !ended(found.last()) => {
                if let Some(last) = found.last_mut() {
                    last.push(' ');
                    last.push_str(&without_links(words));
                }
            }
            Some(_) | None => open = false,
        }
    }
    found
}

fn ended(sentence: Option<&String>) -> bool {
    sentence.is_some_and(|it| it.ends_with('.'))
}

/// Links of rustdoc lead nowhere on the page: ``[`X`](crate::X)`` and ``[`X`]`` become `` `X` ``.
fn without_links(words: &str) -> String {
    let mut text = String::new();
    let mut rest = words;
    while let Some((before, after)) = rest.split_once("[`") {
        let Some((name, after)) = after.split_once("`]") else { break };
        write!(text, "{before}`{name}`").expect("a String takes all text");
        rest = match after.strip_prefix('(').and_then(|it| it.split_once(')')) {
            Some((_, after)) => after,
            None => after,
        };
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::{all, differences, sentences, stale};
    use crate::tree::TextFile;

    #[test]
    fn sentences_of_comments() {
        let text = "/// Does it.\n/// Differs: one sentence\n/// over two lines.\n/// Source: x\n\n    // Differs: in a plain comment.\n    // Why.\nlet x = \"Differs: in text\";\n//! Differs: see [`X`](crate::X) and [`Y`].\n";
        assert_eq!(sentences(text), ["one sentence over two lines.", "in a plain comment.", "see `X` and `Y`."]);
    }

    #[test]
    fn a_new_line_makes_the_page_stale() {
        let file = |path: &str, text: &str| TextFile { path: path.to_owned(), text: text.to_owned() };
        let mut files = vec![file("crates/wfrun-x/src/a.rs", "/// Differs: so.\n")];
        assert_eq!(stale(&files).len(), 3);
        let page = differences(&files);
        assert!(page.contains("## wfrun-x\n\n- so. ([a.rs](../crates/wfrun-x/src/a.rs))"), "{page}");
        files.extend(all(&files).iter().map(|(path, text)| file(path, text)));
        assert_eq!(stale(&files), []);
        files[0].text.push_str("/// Differs: and so.\n");
        assert_eq!(stale(&files).len(), 1);
    }
}
