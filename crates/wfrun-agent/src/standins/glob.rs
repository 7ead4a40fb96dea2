//! The patterns of `path`, as `@actions/glob` reads them.
//!
//! Source: actions/toolkit, `packages/glob`, with its usual options: links are followed, broken ones passed over, a
//! folder stands for all that is in it.

pub(super) mod name_pattern;

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::error::StandInError;
use name_pattern::NamePattern;

/// What was found, and where it was looked for.
pub(super) struct Found {
    /// Files, in the order in which they were found.
    pub(super) files: Vec<PathBuf>,
    /// The folders and files that the search began at.
    pub(super) search_paths: Vec<PathBuf>,
}

/// Where relative patterns begin.
pub(super) struct Places<'a> {
    pub(super) working_folder: &'a Path,
    pub(super) home: &'a Path,
}

/// Finds the files that the lines of `patterns` name. A line after `!` takes matches away, one after `#` says nothing.
pub(super) fn find(patterns: &str, places: &Places<'_>, with_hidden: bool) -> Result<Found, StandInError> {
    let lines = patterns.split('\n').map(str::trim).filter(|it| !it.is_empty() && !it.starts_with('#'));
    let patterns: Vec<Pattern> = lines.map(|it| Pattern::read(it, places)).collect::<Result<_, _>>()?;
    let search_paths = search_paths(&patterns);
    let mut search = Search { patterns: &patterns, with_hidden, above: Vec::new(), files: Vec::new() };
    for path in &search_paths {
        search.look_at(path);
    }
    Ok(Found { files: search.files, search_paths })
}

struct Pattern {
    negated: bool,
    /// Below the root.
    segments: Vec<Segment>,
    /// It ends in `/`, and so names folders only.
    folders_only: bool,
    /// The part before the first wildcard.
    search_path: PathBuf,
}

enum Segment {
    /// `**`
    Any,
    Name(NamePattern),
}

impl Pattern {
    fn read(line: &str, places: &Places<'_>) -> Result<Self, StandInError> {
        let (mut rest, mut negated) = (line, false);
        while let Some(after) = rest.strip_prefix('!') {
            (rest, negated) = (after.trim(), !negated);
        }
        if rest.is_empty() {
            return Err(StandInError::action("pattern cannot be empty"));
        }
        let literals: Vec<Option<String>> =
            rest.split('/').filter(|it| !it.is_empty()).map(NamePattern::literal).collect();
        let is_bad = |(index, it): (usize, &Option<String>)| match it.as_deref() {
            Some("..") => true,
            Some(".") => index > 0 || rest.starts_with('/'),
            Some(_) | None => false,
        };
        if literals.iter().enumerate().any(is_bad) {
            return Err(StandInError::action(format!(
                "Invalid pattern '{rest}'. Relative pathing '.' and '..' is not allowed."
            )));
        }
        let (base, rest) = match rest.strip_prefix('.').filter(|it| it.is_empty() || it.starts_with('/')) {
            Some(rest) => (places.working_folder, rest),
            None => match rest.strip_prefix('~').filter(|it| it.is_empty() || it.starts_with('/')) {
                Some(rest) => (places.home, rest),
                None if rest.starts_with('/') => (Path::new("/"), rest),
                None => (places.working_folder, rest),
            },
        };
        // Names of the base are what they are, also with a wildcard in them.
        let mut segments: Vec<Segment> =
            names(base).into_iter().map(|it| Segment::Name(NamePattern::exactly(&it))).collect();
        let mut search_path = base.to_path_buf();
        let mut is_literal = true;
        for text in rest.split('/').filter(|it| !it.is_empty()) {
            match NamePattern::literal(text).filter(|it| !it.is_empty() && is_literal) {
                Some(literal) => search_path.push(literal),
                None => is_literal = false,
            }
            segments.push(if text == "**" { Segment::Any } else { Segment::Name(NamePattern::of_path(text)) });
        }
        Ok(Self { negated, segments, folders_only: rest.ends_with('/') && rest != "/", search_path })
    }

    /// Whether it matches a file, and a folder. What is below a folder that matches does so, too.
    fn matches(&self, names: &[String]) -> (bool, bool) {
        let itself = matches(&self.segments, names, false);
        let is_below = (0..names.len()).any(|end| matches(&self.segments, &names[..end], false));
        (is_below || (itself && !self.folders_only), itself || is_below)
    }

    /// Whether something below could match.
    fn may_match_below(&self, names: &[String]) -> bool {
        matches(&self.segments, names, true) || self.matches(names).1
    }
}

/// Whether names match segments from first to last; `partly`, whether they are the beginning of ones that may.
/// `**` at the end matches the folder before it as well.
fn matches(segments: &[Segment], names: &[String], partly: bool) -> bool {
    match (segments.split_first(), names.split_first()) {
        (None, None) | (Some((Segment::Any, [])), _) => true,
        (None, Some(_)) => false,
        (Some(_), None) => partly,
        (Some((Segment::Any, rest)), Some((_, below))) => {
            matches(rest, names, partly) || matches(segments, below, partly)
        }
        (Some((Segment::Name(pattern), rest)), Some((name, below))) => {
            pattern.matches(name) && matches(rest, below, partly)
        }
    }
}

/// Where to begin: none twice, and none below another.
fn search_paths(patterns: &[Pattern]) -> Vec<PathBuf> {
    let all: Vec<&PathBuf> = patterns.iter().filter(|it| !it.negated).map(|it| &it.search_path).collect();
    let mut paths: Vec<PathBuf> = Vec::new();
    for path in &all {
        let is_below = all.iter().any(|it| path.starts_with(it) && path != it);
        if !is_below && !paths.contains(path) {
            paths.push((*path).clone());
        }
    }
    paths
}

struct Search<'a> {
    patterns: &'a [Pattern],
    with_hidden: bool,
    /// The real paths of the folders that the search is in: a link back to one of them is not followed.
    above: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

impl Search<'_> {
    fn look_at(&mut self, path: &Path) {
        let names = names(path);
        let mut matched = (false, false);
        for pattern in self.patterns {
            let (file, folder) = pattern.matches(&names);
            matched = if pattern.negated {
                (matched.0 && !file, matched.1 && !folder)
            } else {
                (matched.0 || file, matched.1 || folder)
            };
        }
        let may_go_on = self.patterns.iter().any(|it| !it.negated && it.may_match_below(&names));
        let Some(facts) = fs::metadata(path).ok().filter(|_| matched.0 || matched.1 || may_go_on) else { return };
        let is_hidden = path.file_name().is_some_and(|it| it.as_bytes().starts_with(b"."));
        if is_hidden && !self.with_hidden {
            return;
        }
        if !facts.is_dir() {
            if matched.0 {
                self.files.push(path.to_owned());
            }
            return;
        }
        let Some(real) = may_go_on.then(|| fs::canonicalize(path).ok()).flatten() else { return };
        if self.above.contains(&real) {
            return;
        }
        self.above.push(real);
        let mut children: Vec<PathBuf> =
            fs::read_dir(path).into_iter().flatten().flatten().map(|it| it.path()).collect();
        // As Node lists folders.
        children.sort_by(|a, b| a.as_os_str().as_bytes().cmp(b.as_os_str().as_bytes()));
        for child in children {
            self.look_at(&child);
        }
        self.above.pop();
    }
}

fn names(path: &Path) -> Vec<String> {
    path.iter().filter(|it| *it != "/").map(|it| it.to_string_lossy().into_owned()).collect()
}

#[cfg(test)]
mod tests;
