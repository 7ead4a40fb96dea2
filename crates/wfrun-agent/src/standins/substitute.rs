//! What takes a tool's place that this machine does not have: the nearest version, said and declared.

use std::cmp::Reverse;

use super::error::StandInError;
use super::semver::{Range, SemVer};
use super::tool_cache::{Tool, ToolCache, architecture};
use super::toolkit::{self, Annotation, How};

/// Which number of a version names a release line, within which versions are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// Node 20, Java 17: versions of another major may take the place.
    Major,
    /// Python 3.11, Go 1.22: versions of another major may not.
    Minor,
}

/// What this machine has for a request.
#[derive(Debug)]
pub(super) struct Choice<T> {
    pub(super) version: SemVer,
    pub(super) what: T,
    /// It is what was asked for; else the nearest to that.
    pub(super) is_asked_for: bool,
}

/// Chooses among what this machine has: the highest in the range, else the nearest. `None` where none could take the place.
pub(super) fn choose<T>(range: &Range, line: Line, all: Vec<(SemVer, T)>) -> Option<Choice<T>> {
    let versions = || all.iter().map(|(version, _)| version);
    let best = versions().filter(|it| range.contains(it)).max().cloned();
    let is_asked_for = best.is_some();
    let version = best.or_else(|| nearest(range, line, versions()).cloned())?;
    let (_, what) = all.into_iter().find(|(it, _)| *it == version)?;
    Some(Choice { version, what, is_asked_for })
}

/// A tool that can be had: in the tool cache, or of this machine.
#[derive(Debug)]
pub(super) enum Available<T> {
    Cached(Tool),
    Installed(T),
}

/// All of a tool that can be had. What the tool cache has comes before what is of the same version on this machine.
pub(super) fn available<T>(
    cache: &ToolCache,
    (name, program): (&str, &str),
    installed: Vec<(SemVer, T)>,
) -> Vec<(SemVer, Available<T>)> {
    let cached = cache.all(name, architecture(), program).into_iter().map(|(it, tool)| (it, Available::Cached(tool)));
    cached.chain(installed.into_iter().map(|(it, tool)| (it, Available::Installed(tool)))).collect()
}

impl<T> Available<T> {
    /// The tool; one of this machine is put into the tool cache by `make`.
    pub(super) fn take(self, make: impl FnOnce(T) -> Result<Tool, StandInError>) -> Result<Tool, StandInError> {
        match self {
            Self::Cached(tool) => {
                toolkit::info(&format!("Found in cache @ {}", tool.folder.display()));
                Ok(tool)
            }
            Self::Installed(installed) => make(installed),
        }
    }
}

/// The nearest of `versions`: of the same release line the highest, else of the line at the smallest distance (the newer of
/// two at the same distance) the highest. No prerelease if there is a release.
pub(super) fn nearest<'a>(range: &Range, line: Line, versions: impl Iterator<Item = &'a SemVer>) -> Option<&'a SemVer> {
    let wanted = range.wanted();
    let distance = |version: &SemVer| match line {
        Line::Major => version.major.abs_diff(wanted.major),
        Line::Minor => version.minor.abs_diff(wanted.minor),
    };
    let fits = |version: &&SemVer| line == Line::Major || version.major == wanted.major;
    versions.filter(fits).min_by_key(|it| (it.is_prerelease(), distance(it), Reverse((*it).clone())))
}

/// Says and declares that `used` takes the place of the version asked for. `tool` is as people write it: `Python`.
pub(super) fn say(tool: &str, asked: &str, used: &str, line: Line) {
    let same = match line {
        Line::Major => "the same major version",
        Line::Minor => "the same minor version",
    };
    let message = format!(
        "{tool} {asked} is not on this machine: {used} is used instead, the nearest there is ({same}, else the smallest \
         distance, the newer of two). GitHub would use {asked}. Install {tool} {asked} to run it for real."
    );
    say_in_words(tool, &message);
    declare(&format!("{} {asked}", tool.to_lowercase()), &format!("{used} used: nearest on this machine"));
}

/// Says something of a tool that is not the one asked for.
pub(super) fn say_in_words(tool: &str, message: &str) {
    toolkit::warning_at(
        message,
        &Annotation { title: Some(&format!("Another version of {tool}")), ..Annotation::default() },
    );
}

/// Says and declares that another processor's tool was asked for than this machine can run.
pub(super) fn say_architecture(tool: &str, asked: &str, own: &str) {
    toolkit::warning(&format!("architecture `{asked}` is not this machine's: {tool} for {own} is used"));
    declare(&format!("{} for {asked}", tool.to_lowercase()), &format!("{own} used: this machine's"));
}

/// Says and declares that nobody was asked for the newest version, as `check-latest: true` wants.
///
/// The line is the one of the real actions where the list of versions cannot be had.
pub(super) fn say_latest_is_not_asked(tool: &str, asked: &str, spec: &str) {
    toolkit::info(&format!("Failed to resolve version {spec} from manifest"));
    let detail = "the newest on this machine that satisfies it; nobody was asked for a newer one";
    declare(&format!("{} {asked}, check-latest", tool.to_lowercase()), detail);
}

/// Says and declares that a name for the newest version, such as `latest`, is read as the newest of this machine.
pub(super) fn say_newest_is_not_known(tool: &str, asked: &str, used: &str) {
    let message = format!(
        "{tool} {asked} is {used} here, the newest on this machine. GitHub would use the newest there is. Name a version to \
         have the same on both."
    );
    say_in_words(tool, &message);
    declare(&format!("{} {asked}", tool.to_lowercase()), &format!("{used} used: the newest on this machine"));
}

/// Declares that something else took the place of `subject`.
pub(super) fn declare(subject: &str, detail: &str) {
    toolkit::declare(How::StandIn, subject, detail);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chooses_the_nearest() {
        let cases = [
            // (asked for, on the machine, used)
            (Line::Minor, "3.11", "3.10.1 3.12.1", "3.12.1"),
            (Line::Minor, "3.11", "3.10.1 3.13.0", "3.10.1"),
            (Line::Minor, "3.11", "3.9.1 3.13.0 3.13.2", "3.13.2"),
            (Line::Minor, "3.11.9", "3.11.2 3.11.7 3.12.0", "3.11.7"),
            (Line::Minor, "3.14", "3.12.1 3.13.0 2.7.18", "3.13.0"),
            (Line::Minor, "3.14", "3.14.0-rc1 3.13.0", "3.13.0"),
            (Line::Minor, "3.14", "3.14.0-rc1", "3.14.0-rc1"),
            (Line::Minor, "<3.6", "3.9.1 3.12.1", "3.9.1"),
            (Line::Minor, ">=3.9 <3.10", "3.8.1 3.11.1", "3.8.1"),
            (Line::Minor, "2.7", "3.11.2", ""),
            (Line::Minor, "3.11", "", ""),
            (Line::Major, "22", "18.1.0 20.2.0", "20.2.0"),
            (Line::Major, "19", "18.1.0 18.9.0 20.2.0", "20.2.0"),
            (Line::Major, "20.9.0", "20.2.0 20.10.0 21.0.0", "20.10.0"),
            (Line::Major, "8", "20.2.0", "20.2.0"),
            (Line::Major, "22", "18.1.0 22.0.0-rc.1", "18.1.0"),
        ];
        for (line, asked, present, expected) in cases {
            let range = Range::strict(asked).expect("is a range");
            let versions: Vec<SemVer> = present.split_whitespace().filter_map(SemVer::parse).collect();
            let used = nearest(&range, line, versions.iter()).map(ToString::to_string).unwrap_or_default();
            assert_eq!(used, expected, "{asked} of {present}");
        }
    }

    #[test]
    fn what_satisfies_comes_first() {
        let all = |text: &str| text.split(' ').filter_map(|it| Some((SemVer::parse(it)?, it.to_owned()))).collect();
        let range = Range::strict(">=18").expect("is a range");
        let chosen =
            |line: Line, present: &str| choose(&range, line, all(present)).map(|it| (it.what, it.is_asked_for));
        assert_eq!(chosen(Line::Major, "18.1.0 20.2.0 16.0.0"), Some(("20.2.0".to_owned(), true)));
        assert_eq!(chosen(Line::Major, "14.1.0 16.2.0"), Some(("16.2.0".to_owned(), false)));
        assert_eq!(chosen(Line::Minor, "14.1.0 16.2.0"), None);
    }
}
