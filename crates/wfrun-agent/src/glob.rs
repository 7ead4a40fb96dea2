//! Files by patterns, as `@actions/glob` finds them: the stand-ins' inputs and `hashFiles`.
//!
//! Source: actions/toolkit, `packages/glob` (0.7.0).

pub(crate) mod name_pattern;
mod reach;

use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use thiserror::Error;

use name_pattern::NamePattern;
pub use reach::{Kind, Reach};

/// Why nothing can be found.
#[derive(Debug, Error)]
pub enum GlobError {
    /// A pattern that cannot be, in the words of `@actions/glob`.
    #[error("{0}")]
    Pattern(String),
    /// A file or folder could not be looked at.
    #[error("failed to look at `{}`", path.display())]
    Look {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// What was found, and where it was looked for.
#[derive(Debug)]
pub struct Found {
    /// What matches and is no folder, in the order in which it was found.
    pub files: Vec<PathBuf>,
    /// The folders and files that the search began at.
    pub search_paths: Vec<PathBuf>,
}

/// Where relative patterns begin.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// The working folder: patterns without a beginning, and those with `./`.
    pub working_folder: &'a Path,
    /// The home folder: patterns with `~/`.
    pub home: &'a Path,
}

/// What is searched, and how.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// The files there are.
    pub reach: &'a Reach,
    /// A link to a folder is that folder, and a broken link is nothing; otherwise both are as files.
    pub follows_links: bool,
    /// What begins with a dot counts, too.
    pub with_hidden: bool,
    /// `[[:alpha:]]` and its like, which `@actions/glob` has since 0.7, with version 10 of `minimatch`.
    pub with_classes: bool,
}

/// Finds the files that the lines of `patterns` name. A line after `!` takes matches away, one after `#` says nothing.
///
/// Folders are walked depth first and in the order of bytes, from each search path in turn, in the order of the patterns.
pub fn find(patterns: &str, places: &Places<'_>, options: &Options<'_>) -> Result<Found, GlobError> {
    let lines = patterns.split('\n').map(trim).filter(|it| !it.is_empty() && !it.starts_with('#'));
    let read = |line| Pattern::read(line, places, options.with_classes);
    let patterns: Vec<Pattern> = lines.map(read).collect::<Result<_, _>>()?;
    let search_paths = search_paths(&patterns);
    let mut search = Search { patterns: &patterns, options, above: Vec::new(), files: Vec::new() };
    for path in &search_paths {
        search.begin(path)?;
    }
    Ok(Found { files: search.files, search_paths })
}

/// As JavaScript trims.
fn trim(text: &str) -> &str {
    text.trim_matches(|it: char| (it.is_whitespace() && it != '\u{85}') || it == '\u{feff}')
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
    fn read(line: &str, places: &Places<'_>, with_classes: bool) -> Result<Self, GlobError> {
        let (mut rest, mut negated) = (line, false);
        while let Some(after) = rest.strip_prefix('!') {
            (rest, negated) = (trim(after), !negated);
        }
        if rest.is_empty() {
            return Err(GlobError::Pattern("pattern cannot be empty".to_owned()));
        }
        let literals: Vec<Option<String>> =
            rest.split('/').filter(|it| !it.is_empty()).map(NamePattern::literal).collect();
        let is_bad = |(index, it): (usize, &Option<String>)| match it.as_deref() {
            Some("..") => true,
            Some(".") => index > 0 || rest.starts_with('/'),
            Some(_) | None => false,
        };
        if literals.iter().enumerate().any(is_bad) {
            return Err(GlobError::Pattern(format!(
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
            segments.push(if text == "**" {
                Segment::Any
            } else {
                Segment::Name(NamePattern::of_path(text, with_classes))
            });
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
///
/// From the last segment to the first, and for all rests of the names at once: `**` again and again costs no more than one.
fn matches(segments: &[Segment], names: &[String], partly: bool) -> bool {
    let count = names.len();
    // Whether the segments from here on match the names from `at` on.
    let mut rests: Vec<bool> = (0..=count).map(|at| at == count).collect();
    for (number, segment) in segments.iter().enumerate().rev() {
        let behind = std::mem::replace(&mut rests, vec![false; count + 1]);
        for at in (0..=count).rev() {
            rests[at] = match segment {
                Segment::Any if number + 1 == segments.len() => true,
                _ if at == count => partly,
                Segment::Any => behind[at] || rests[at + 1],
                Segment::Name(pattern) => behind[at + 1] && pattern.matches(&names[at]),
            };
        }
    }
    rests[0]
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
    options: &'a Options<'a>,
    /// The real paths of the folders that the search is in: a link back to one of them is not followed.
    above: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

impl Search<'_> {
    fn begin(&mut self, path: &Path) -> Result<(), GlobError> {
        match self.options.reach.resolve(path, false) {
            Ok(Some(real)) => self.look_at(path, &real),
            Ok(None) => Ok(()),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(GlobError::Look { path: path.to_owned(), source }),
        }
    }

    /// Looks at a path as the patterns have it, and where that really is: without a link on the way to it.
    fn look_at(&mut self, path: &Path, real: &Path) -> Result<(), GlobError> {
        let failed = |source| GlobError::Look { path: path.to_owned(), source };
        let names = names(path);
        let matched = self.matched(&names);
        let may_go_on = self.patterns.iter().any(|it| !it.negated && it.may_match_below(&names));
        if !(matched.0 || matched.1 || may_go_on) {
            return Ok(());
        }
        let looked = match self.options.reach.look(real, self.options.follows_links) {
            Ok(looked) => looked,
            Err(err) if err.kind() == io::ErrorKind::NotFound => None,
            Err(err) => return Err(failed(err)),
        };
        let Some((real, kind)) = looked else { return Ok(()) };
        let is_hidden = path.file_name().is_some_and(|it| it.as_bytes().starts_with(b"."));
        if is_hidden && !self.options.with_hidden {
            return Ok(());
        }
        if kind != Kind::Folder {
            if matched.0 {
                self.files.push(path.to_owned());
            }
            return Ok(());
        }
        if !may_go_on || self.above.contains(&real) {
            return Ok(());
        }
        let names = self.options.reach.names(&real).map_err(failed)?;
        self.above.push(real.clone());
        let looked = names.iter().try_for_each(|it| self.look_at(&path.join(it), &real.join(it)));
        self.above.pop();
        looked
    }

    /// Whether a file and a folder of that path match; the last pattern that says something decides.
    fn matched(&self, names: &[String]) -> (bool, bool) {
        self.patterns.iter().fold((false, false), |matched, pattern| {
            let (file, folder) = pattern.matches(names);
            if pattern.negated {
                (matched.0 && !file, matched.1 && !folder)
            } else {
                (matched.0 || file, matched.1 || folder)
            }
        })
    }
}

fn names(path: &Path) -> Vec<String> {
    path.iter().filter(|it| *it != "/").map(|it| it.to_string_lossy().into_owned()).collect()
}

#[cfg(test)]
mod tests;
