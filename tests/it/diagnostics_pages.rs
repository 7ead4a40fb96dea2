//! The pages of `docs/diagnostics/`: each example gives the message that its page shows.
//!
//! `WFRUN_BLESS=1 cargo test --test it diagnostics_pages` writes the messages anew.
use std::fs;
use std::path::{Path, PathBuf};

use crate::repo::Repo;

/// Where a block without a file's name goes.
const EXAMPLE: &str = ".github/workflows/example.yml";

/// A fenced block: what follows the opening backquotes, and its text.
struct Block<'a> {
    language: &'a str,
    file: Option<&'a str>,
    text: &'a str,
}

#[test]
fn examples_give_the_messages_of_their_pages() {
    let bless = std::env::var_os("WFRUN_BLESS").is_some();
    let mut wrong = Vec::new();
    for path in pages() {
        let page = fs::read_to_string(&path).expect("a page");
        let code = code_of(&path);
        let Some(message) = message(&page, &code) else { continue };
        let kind = page.split("**").nth(1).unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
        if !message.starts_with(&format!("{kind}[{code}]: ")) {
            wrong.push(format!("docs/diagnostics/{code}.md: the example gives no such {kind}, but\n\n{message}"));
            continue;
        }
        let (before, rest) = page.split_once("\n## Message\n\n```text\n").expect("a message");
        let (shown, after) = rest.split_once("```\n").expect("a closed block");
        if shown == message {
            continue;
        }
        if bless {
            let new = format!("{before}\n## Message\n\n```text\n{message}```\n{after}");
            fs::write(&path, new).expect("the page is written");
        } else {
            wrong.push(format!("docs/diagnostics/{code}.md should show\n\n{message}"));
        }
    }
    let way_out = "WFRUN_BLESS=1 cargo test --test it diagnostics_pages writes them anew";
    assert!(wrong.is_empty(), "{}\n{way_out}", wrong.join("\n"));
}

/// All pages but the index.
fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/diagnostics");
    let areas = fs::read_dir(root).expect("the folder of pages").flatten().filter(|it| it.path().is_dir());
    let mut pages: Vec<_> =
        areas.flat_map(|it| fs::read_dir(it.path()).expect("a folder")).flatten().map(|it| it.path()).collect();
    pages.sort();
    assert!(pages.len() > 50, "{} pages", pages.len());
    pages
}

fn code_of(path: &Path) -> String {
    let part = |it: &Path| it.file_stem().expect("a name").to_string_lossy().into_owned();
    format!("{}/{}", part(path.parent().expect("an area")), part(path))
}

/// What the example of a page makes wfrun say; `None` if the page says that it has none.
fn message(page: &str, code: &str) -> Option<String> {
    if page.contains("\nNot from a file: ") {
        return None;
    }
    let example = page.split("\n## Example\n").nth(1).unwrap_or_else(|| panic!("{code}: no example"));
    let blocks = blocks(example.split("\n## ").next().unwrap_or_default());
    let files: Vec<_> = blocks.iter().filter(|it| it.language != "console").collect();
    let repo = Repo::of(&files.iter().map(|it| (it.file.unwrap_or(EXAMPLE), it.text)).collect::<Vec<_>>());
    let command = blocks.iter().find(|it| it.language == "console").map_or("$ wfrun check", |it| it.text.trim());
    let mut words = command.strip_prefix("$ ").expect("a command").split(' ').peekable();
    let mut variables = Vec::new();
    while let Some(pair) = words.next_if(|it| *it != "wfrun") {
        variables.push(pair.split_once('=').expect("NAME=VALUE before `wfrun`"));
    }
    let arguments: Vec<_> = words.skip(1).collect();
    let output = repo.command(&arguments).envs(variables).output().expect("wfrun starts");
    let root = format!("{}/", repo.root().display().to_string().trim_end_matches('/'));
    let is_check = arguments.first() == Some(&"check");
    let said = if is_check && !output.stdout.is_empty() { &output.stdout } else { &output.stderr };
    let said = String::from_utf8_lossy(said).replace(&root, "");
    let is_finding = |line: &&str| ["error[", "warning[", "note["].iter().any(|it| line.starts_with(it));
    let start = said.lines().find(is_finding).and_then(|it| said.find(it)).unwrap_or_default();
    Some(said[start..].to_owned())
}

/// The fenced blocks of a part of a page.
fn blocks(text: &str) -> Vec<Block<'_>> {
    let parts = text.split("```").collect::<Vec<_>>();
    let inside = parts.chunks(2).filter_map(|it| it.get(1));
    inside
        .map(|part| {
            let (info, text) = part.split_once('\n').expect("a line after the opening of a block");
            let (language, file) = info.split_once(' ').map_or((info, None), |(it, file)| (it, Some(file)));
            Block { language, file, text }
        })
        .collect()
}
