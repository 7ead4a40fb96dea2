//! Which files and folders the patterns of `path` name.

use std::fs;
use std::path::{Component, Path, PathBuf};

/// The files and folders that exist and match, sorted, none inside another.
///
/// A folder stands for all that is in it. `~` is the home folder, relative patterns start at the workspace, `*`, `?`,
/// `[…]` and `**` match (also hidden names), a pattern after `!` takes matches away again.
/// Source: `@actions/glob`, as `@actions/cache` uses it (without implied descendants).
pub(super) fn resolve(patterns: &[String], workspace: &Path, home: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(excluded) => {
                let excluded = segments(excluded, workspace, home);
                found.retain(|path| !matches(&excluded, &names_of(path)));
            }
            None => expand(Path::new("/"), &segments(pattern, workspace, home), &mut found),
        }
    }
    found.sort();
    found.dedup();
    let mut outermost: Vec<PathBuf> = Vec::new();
    for path in found {
        if !outermost.iter().any(|folder| path.starts_with(folder)) {
            outermost.push(path);
        }
    }
    outermost
}

fn segments(pattern: &str, workspace: &Path, home: &Path) -> Vec<String> {
    let rooted = match pattern.strip_prefix('~') {
        Some("") => home.to_path_buf(),
        Some(rest) if rest.starts_with('/') => home.join(rest.trim_start_matches('/')),
        Some(_) | None => workspace.join(pattern),
    };
    let mut names: Vec<String> = Vec::new();
    for component in rooted.components() {
        match component {
            Component::Prefix(_) | Component::RootDir | Component::CurDir => {}
            Component::ParentDir => {
                names.pop();
            }
            Component::Normal(name) => names.push(name.to_string_lossy().into_owned()),
        }
    }
    names
}

fn names_of(path: &Path) -> Vec<String> {
    let normal = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
        Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => None,
    });
    normal.collect()
}

fn expand(base: &Path, rest: &[String], found: &mut Vec<PathBuf>) {
    let Some((segment, rest)) = rest.split_first() else {
        if fs::symlink_metadata(base).is_ok() {
            found.push(base.to_path_buf());
        }
        return;
    };
    if segment == "**" {
        expand(base, rest, found);
        for (path, is_folder) in children(base) {
            if is_folder {
                expand(
                    &path,
                    std::slice::from_ref(segment).iter().chain(rest).cloned().collect::<Vec<_>>().as_slice(),
                    found,
                );
            } else if rest.is_empty() {
                found.push(path);
            } else if let [last] = rest
                && matches_name(last, &name_of(&path))
            {
                found.push(path);
            }
        }
    } else if segment.contains(['*', '?', '[']) {
        for (path, _) in children(base) {
            if matches_name(segment, &name_of(&path)) {
                expand(&path, rest, found);
            }
        }
    } else {
        expand(&base.join(segment), rest, found);
    }
}

fn children(folder: &Path) -> Vec<(PathBuf, bool)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    // Links are matched but not followed.
    entries.map(|entry| (entry.path(), entry.file_type().is_ok_and(|kind| kind.is_dir()))).collect()
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn matches(pattern: &[String], names: &[String]) -> bool {
    match (pattern.split_first(), names.split_first()) {
        (None, None) => true,
        (Some((segment, rest)), _) if segment == "**" => {
            matches(rest, names) || names.split_first().is_some_and(|(_, names)| matches(pattern, names))
        }
        (Some((segment, rest)), Some((name, names))) => matches_name(segment, name) && matches(rest, names),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

/// One name against one segment with `*`, `?` and `[…]`.
fn matches_name(segment: &str, name: &str) -> bool {
    let segment: Vec<char> = segment.chars().collect();
    let name: Vec<char> = name.chars().collect();
    matches_chars(&segment, &name)
}

fn matches_chars(pattern: &[char], name: &[char]) -> bool {
    let Some((first, rest)) = pattern.split_first() else { return name.is_empty() };
    match first {
        '*' => (0..=name.len()).any(|at| matches_chars(rest, &name[at..])),
        '?' => name.split_first().is_some_and(|(_, name)| matches_chars(rest, name)),
        '[' => match (rest.iter().position(|c| *c == ']').filter(|at| *at > 0), name.split_first()) {
            (Some(end), Some((letter, name))) => in_set(&rest[..end], *letter) && matches_chars(&rest[end + 1..], name),
            (None, Some((letter, name))) => *letter == '[' && matches_chars(rest, name),
            (_, None) => false,
        },
        literal => name.split_first().is_some_and(|(letter, name)| letter == literal && matches_chars(rest, name)),
    }
}

fn in_set(set: &[char], letter: char) -> bool {
    let (negated, set) = match set.split_first() {
        Some(('!' | '^', rest)) => (true, rest),
        Some(_) | None => (false, set),
    };
    let mut inside = false;
    let mut at = 0;
    while at < set.len() {
        if let [low, '-', high, ..] = set[at..] {
            inside |= (low..=high).contains(&letter);
            at += 3;
        } else {
            inside |= set[at] == letter;
            at += 1;
        }
    }
    inside != negated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolves_patterns() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let workspace = root.path().join("w/repo");
        let home = root.path().join("home");
        for file in [
            "w/repo/a/x.txt",
            "w/repo/a/.hid/y.txt",
            "w/repo/b/x.txt",
            "w/repo/b/z.log",
            "home/.cache/pip/p",
            "w/out/o",
        ] {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().expect("has a parent")).expect("can create");
            fs::write(path, "").expect("can write");
        }
        let cases: &[(&[&str], &[&str])] = &[
            (&["~/.cache/pip"], &["home/.cache/pip"]),
            (&["~"], &["home"]),
            (&["a", "b/x.txt", "nowhere"], &["w/repo/a", "w/repo/b/x.txt"]),
            (&["a", "a/x.txt"], &["w/repo/a"]),
            (&["**/x.txt"], &["w/repo/a/x.txt", "w/repo/b/x.txt"]),
            (&["**/*.txt", "!b/**"], &["w/repo/a/.hid/y.txt", "w/repo/a/x.txt"]),
            (&["b/*", "!b/*.log"], &["w/repo/b/x.txt"]),
            (&["[ab]/?.txt"], &["w/repo/a/x.txt", "w/repo/b/x.txt"]),
            (&["[!a]/x.txt"], &["w/repo/b/x.txt"]),
            (&["a/**"], &["w/repo/a"]),
            (&["../out"], &["w/out"]),
            (&["."], &["w/repo"]),
            (&["nowhere*"], &[]),
        ];
        for (patterns, expected) in cases {
            let patterns: Vec<String> = patterns.iter().map(|it| (*it).to_owned()).collect();
            let expected: Vec<PathBuf> = expected.iter().map(|it| root.path().join(it)).collect();
            assert_eq!(resolve(&patterns, &workspace, &home), expected, "{patterns:?}");
        }
    }
}
