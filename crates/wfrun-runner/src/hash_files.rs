//! `hashFiles`: one digest over the files of the workspace that match.
//!
//! Source: GitHub: execution rules E9.11.
use std::fs::{DirEntry, File, FileType};
use std::io;
use std::path::{Path, PathBuf};

use regex::Regex;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// Files could not be hashed.
#[derive(Debug, Error)]
pub enum HashError {
    /// A pattern is malformed.
    #[error("the pattern `{pattern}` of hashFiles is malformed")]
    Pattern {
        /// As written.
        pattern: String,
    },
    /// A file could not be read.
    #[error("hashFiles could not read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        err: io::Error,
    },
}

struct Rule {
    exclude: bool,
    regex: Regex,
}

/// Hashes the files below `workspace` that match `patterns`, in the order of their names.
///
/// Gives back hex digits of SHA-256 over the files' own SHA-256 digests, or nothing where no file matches.
/// A pattern that begins with `!` takes files out again; folders themselves do not count; links are not followed,
/// unless the first pattern is `--follow-symbolic-links`.
pub fn hash_files(workspace: &Path, patterns: &[String]) -> Result<String, HashError> {
    let (follow, patterns) = match patterns.split_first() {
        Some((first, rest)) if first.eq_ignore_ascii_case("--follow-symbolic-links") => (true, rest),
        _ => (false, patterns),
    };
    let lines = patterns.iter().flat_map(|it| it.lines()).map(str::trim);
    let rules = lines.filter(|it| !it.is_empty() && !it.starts_with('#')).map(rule).collect::<Result<Vec<_>, _>>()?;
    let root = std::fs::canonicalize(workspace).unwrap_or_else(|_| workspace.to_owned());
    let mut walk = Walk { root, follow, found: Vec::new() };
    walk.visit(workspace, "");
    let mut files: Vec<String> = walk.found.into_iter().filter(|it| selects(&rules, it)).collect();
    if files.is_empty() {
        return Ok(String::new());
    }
    files.sort();
    let mut all = Sha256::new();
    for it in &files {
        let path = workspace.join(it);
        all.update(digest(&path).map_err(|err| HashError::Read { path, err })?);
    }
    Ok(hex::encode(all.finalize()))
}

/// The last rule that matches decides.
fn selects(rules: &[Rule], path: &str) -> bool {
    rules.iter().fold(false, |selected, it| if it.regex.is_match(path) { !it.exclude } else { selected })
}

fn digest(path: &Path) -> io::Result<Vec<u8>> {
    let mut hasher = Sha256::new();
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = io::Read::read(&mut file, &mut buffer)?;
        if count == 0 {
            return Ok(hasher.finalize().to_vec());
        }
        hasher.update(buffer.get(..count).unwrap_or_default());
    }
}

/// A walk over the files below a folder.
struct Walk {
    /// The folder, without links in its path.
    root: PathBuf,
    follow: bool,
    found: Vec<String>,
}

impl Walk {
    /// Depth first; what cannot be listed is not there.
    ///
    /// Differs: a link is followed only within the workspace, also with `--follow-symbolic-links`.
    fn visit(&mut self, folder: &Path, prefix: &str) {
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        for entry in entries.flatten() {
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            match self.kind(&entry) {
                Some(kind) if kind.is_dir() => self.visit(&entry.path(), &format!("{name}/")),
                Some(kind) if kind.is_file() => self.found.push(name),
                Some(_) | None => {}
            }
        }
    }

    fn kind(&self, entry: &DirEntry) -> Option<FileType> {
        let own = entry.file_type().ok()?;
        if !(own.is_symlink() && self.follow) {
            return Some(own);
        }
        let target = std::fs::canonicalize(entry.path()).ok()?;
        // A link to a folder that it stands in would never end.
        let loops = std::fs::canonicalize(entry.path().parent()?).ok()?.starts_with(&target);
        let inside = target.starts_with(&self.root) && !loops;
        inside.then(|| std::fs::metadata(target).map(|it| it.file_type()).ok()).flatten()
    }
}

fn rule(pattern: &str) -> Result<Rule, HashError> {
    let (exclude, body) = match pattern.strip_prefix('!') {
        Some(rest) => (true, rest.trim_start()),
        None => (false, pattern),
    };
    let body = body.trim_start_matches("./").trim_end_matches('/');
    let regex = Regex::new(&translate(body)).map_err(|_| HashError::Pattern { pattern: pattern.to_owned() })?;
    Ok(Rule { exclude, regex })
}

/// The globs of @actions/glob: `*`, `?`, `[…]`, `**`; hidden files match; a folder matches all below it.
fn translate(body: &str) -> String {
    let mut out = String::from("^");
    for (index, segment) in body.split('/').enumerate() {
        if segment == "**" {
            out.push_str(if index == 0 { "(?:.*/)?" } else { "/(?:.*/)?" });
            continue;
        }
        if index > 0 && !out.ends_with("(?:.*/)?") {
            out.push('/');
        }
        let mut chars = segment.chars();
        while let Some(it) = chars.next() {
            match it {
                '*' => out.push_str("[^/]*"),
                '?' => out.push_str("[^/]"),
                '[' => {
                    let class: String = chars.by_ref().take_while(|it| *it != ']').collect();
                    let (negated, class) = match class.strip_prefix(['!', '^']) {
                        Some(rest) => ("^", rest.to_owned()),
                        None => ("", class),
                    };
                    let class = class.replace('\\', "\\\\").replace('[', "\\[");
                    out.extend(["[", negated, &class, "]"]);
                }
                '\\' => out.push_str(&regex::escape(&chars.next().unwrap_or('\\').to_string())),
                it => out.push_str(&regex::escape(&it.to_string())),
            }
        }
    }
    if out.ends_with("(?:.*/)?") {
        out.push_str(".*");
    }
    out.push_str("(?:/.*)?$");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a temporary folder");
        for (path, text) in [
            ("requirements.txt", "a\n"),
            ("sub/requirements.txt", "b\n"),
            ("sub/deep/requirements.txt", "c\n"),
            ("sub/other.txt", "d\n"),
            (".hidden/requirements.txt", "e\n"),
        ] {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            std::fs::write(path, text).expect("a file");
        }
        dir
    }

    /// The digests of the digests, as coreutils compute them.
    fn expected(texts: &[&str]) -> String {
        let mut all = Sha256::new();
        for it in texts {
            all.update(Sha256::digest(it.as_bytes()));
        }
        hex::encode(all.finalize())
    }

    #[track_caller]
    fn check(patterns: &[&str], texts: &[&str]) {
        let dir = tree();
        let patterns: Vec<String> = patterns.iter().map(|it| (*it).to_owned()).collect();
        let found = hash_files(dir.path(), &patterns).expect("hashed");
        let expected = if texts.is_empty() { String::new() } else { expected(texts) };
        assert_eq!(found, expected, "{patterns:?}");
    }

    #[test]
    fn links_are_followed_on_demand_and_only_inside() {
        let dir = tree();
        let link =
            |target: &str, name: &str| std::os::unix::fs::symlink(target, dir.path().join(name)).expect("a link");
        link("sub", "again");
        link("/etc", "away");
        link("..", "sub/up");
        let hash = |patterns: &[&str]| {
            let patterns: Vec<String> = patterns.iter().map(|it| (*it).to_owned()).collect();
            hash_files(dir.path(), &patterns).expect("hashed")
        };
        assert_eq!(hash(&["again/*.txt"]), "");
        assert_eq!(hash(&["--follow-symbolic-links", "again/*.txt"]), expected(&["d\n", "b\n"]));
        assert_eq!(hash(&["--follow-symbolic-links", "away/*"]), "");
    }

    #[test]
    fn patterns() {
        check(&["**/requirements.txt"], &["e\n", "a\n", "c\n", "b\n"]);
        check(&["requirements.txt"], &["a\n"]);
        check(&["sub/**"], &["c\n", "d\n", "b\n"]);
        check(&["sub"], &["c\n", "d\n", "b\n"]);
        check(&["sub/*.txt", "!sub/other.txt"], &["b\n"]);
        check(&["**/o*r.txt"], &["d\n"]);
        check(&["**/[or]ther.txt"], &["d\n"]);
        check(&["nothing"], &[]);
    }
}
