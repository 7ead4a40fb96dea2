//! `.actrc`: where it lies, and what its lines say.
use std::path::{Path, PathBuf};

use super::files::short;
use super::flags::{Flag, Takes};
use crate::environment::Environment;

/// A file of flags.
#[derive(Debug, Clone)]
pub(crate) struct Rc {
    /// As one would type it.
    pub(crate) path: PathBuf,
    /// What it says, empty lines left out.
    pub(crate) lines: Vec<Line>,
}

/// A line of such a file.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// From 1.
    pub(crate) number: usize,
    /// As it is written, without the value of a secret.
    pub(crate) shown: String,
    /// What it gives; nothing where it does not begin with a dash, which people use for comments.
    pub(crate) given: Option<Given>,
}

/// A flag with its value.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    /// Nothing for one that act does not have.
    pub(crate) flag: Option<&'static Flag>,
    /// `true` of a switch that stands alone.
    pub(crate) value: Option<String>,
}

/// The files that are there, in the order in which act reads them: the later wins.
///
/// Source: `configLocations` in cmd/root.go of <https://github.com/nektos/act>
///
/// Unlike with act, the third is looked for in the repository's root or in the folder of `-C`; act looks where it is started.
pub(crate) fn rc_files(folder: &Path, environment: &Environment) -> Vec<Rc> {
    let config = environment.config.join("act/actrc");
    let own = short(&folder.join(".actrc"));
    let mut read: Vec<PathBuf> = Vec::new();
    let mut all = Vec::new();
    for path in [config, environment.home.join(".actrc"), own] {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        // Who stands in their home would have it twice.
        let whole = path.canonicalize().unwrap_or_else(|_| path.clone());
        if !read.contains(&whole) {
            read.push(whole);
            all.push(Rc { path, lines: lines(&text, &Environment::variable) });
        }
    }
    all
}

/// Source: `readArgsFile` in cmd/root.go of <https://github.com/nektos/act>
fn lines(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Vec<Line> {
    let numbered = text.lines().zip(1..).filter(|(text, _)| !text.trim().is_empty());
    numbered.flat_map(|(text, number)| line(text.trim(), number, variable)).collect()
}

/// More than one, where switches stand together: `-bn`.
fn line(text: &str, number: usize, variable: &dyn Fn(&str) -> Option<String>) -> Vec<Line> {
    let whole = expand(text, variable);
    // What nobody reads as an option may hold anything, a secret with a misspelt flag among them.
    let named = || match text.split_once('=') {
        Some((name, _)) => format!("{name}=…"),
        None => text.to_owned(),
    };
    if !whole.starts_with('-') {
        return vec![Line { number, shown: named(), given: None }];
    }
    // The first blank ends the flag, and quotes mean nothing.
    let (word, behind) = match whole.split_once(char::is_whitespace) {
        Some((word, value)) => (word, Some(value.trim())),
        None => (whole.as_str(), None),
    };
    let (switches, word) = apart(word);
    let flag = Flag::find(word.split('=').next().unwrap_or_default());
    let attached = match (word.starts_with("--"), word.split_once('=')) {
        (true, Some((_, value))) => Some(value),
        (true, None) => None,
        // Of a letter, the value may follow at once.
        (false, _) => word.get(2..).filter(|it| !it.is_empty()).map(|it| it.strip_prefix('=').unwrap_or(it)),
    };
    let is_switch = flag.is_some_and(|it| matches!(it.takes, Takes::Switch(_)));
    let value = attached.or(behind).map(str::to_owned).or_else(|| is_switch.then(|| "true".to_owned()));
    let shown = match flag {
        Some(flag) if flag.name == "secret" => hidden(text),
        Some(flag) if flag.is_secret() => format!("{} ***", flag.long()),
        Some(_) => text.to_owned(),
        None => named(),
    };
    let on = |it| Given { flag: Some(it), value: Some("true".to_owned()) };
    let all = switches.into_iter().map(on).chain([Given { flag, value }]);
    all.map(|it| Line { number, shown: shown.clone(), given: Some(it) }).collect()
}

/// The switches that stand before another letter behind one dash, and that letter with what follows.
fn apart(word: &str) -> (Vec<&'static Flag>, String) {
    let mut switches = Vec::new();
    let Some(mut rest) = word.strip_prefix('-').filter(|it| !it.starts_with('-')) else {
        return (switches, word.to_owned());
    };
    while let Some(flag) = Flag::find(&format!("-{rest}")).filter(|it| matches!(it.takes, Takes::Switch(_)))
        && let Some(behind) = rest.get(1..).filter(|it| it.starts_with(char::is_alphabetic))
    {
        switches.push(flag);
        rest = behind;
    }
    (switches, format!("-{rest}"))
}

/// A line without what stands behind the name of its secret.
fn hidden(text: &str) -> String {
    let end = text.find(char::is_whitespace).unwrap_or(0);
    match text.get(end..).and_then(|it| it.find('=')).map(|it| end + it + 1) {
        Some(at) => format!("{}***", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// `$NAME` and `${NAME}`; one that is not set is empty.
fn expand(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> String {
    let mut whole = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        whole.push_str(before);
        let is_name = |it: char| it.is_ascii_alphanumeric() || it == '_';
        let (name, behind) = match after.strip_prefix('{').and_then(|it| it.split_once('}')) {
            Some(braced) => braced,
            None => after.split_at(after.find(|it| !is_name(it)).unwrap_or(after.len())),
        };
        if name.is_empty() {
            whole.push('$');
            rest = after;
            continue;
        }
        whole.push_str(&variable(name).unwrap_or_default());
        rest = behind;
    }
    whole + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_split_as_act_splits_them() {
        let variable = |name: &str| (name == "TAG").then(|| "v2".to_owned());
        let table = [
            ("-P ubuntu-latest=image:$TAG", Some("platform"), Some("ubuntu-latest=image:v2")),
            ("  --platform=ubuntu-latest=a  ", Some("platform"), Some("ubuntu-latest=a")),
            ("-Pubuntu-latest=a", Some("platform"), Some("ubuntu-latest=a")),
            ("--env A=b c  d", Some("env"), Some("A=b c  d")),
            ("--env A=\"b\"", Some("env"), Some("A=\"b\"")),
            ("--bind", Some("bind"), Some("true")),
            ("--pull=false", Some("pull"), Some("false")),
            ("--job\ttest", Some("job"), Some("test")),
            ("--env A=${NOTHING}x$", Some("env"), Some("A=x$")),
            ("--secret-file", Some("secret-file"), None),
            ("--nonsense 1", None, Some("1")),
        ];
        for (text, name, value) in table {
            let line = lines(text, &variable).remove(0);
            let given = line.given.expect("a flag");
            assert_eq!((given.flag.map(|it| it.name), given.value.as_deref()), (name, value), "{text}");
        }
        let all = lines("# a comment\n\nwords\n-b\n", &variable);
        let told: Vec<_> = all.iter().map(|it| (it.number, it.given.is_some())).collect();
        assert_eq!(told, [(1, false), (3, false), (4, true)]);
        let together: Vec<_> = lines("-bqn\n-vsA=b", &variable).into_iter().filter_map(|it| it.given).collect();
        let told: Vec<_> = together.iter().map(|it| (it.flag.map(|it| it.name), it.value.as_deref())).collect();
        let (on, secret) = (Some("true"), Some("A=b"));
        let expected = [("bind", on), ("quiet", on), ("dryrun", on), ("verbose", on), ("secret", secret)];
        assert_eq!(told, expected.map(|(name, value)| (Some(name), value)));
    }

    #[test]
    fn values_of_secrets_are_not_shown() {
        for (text, shown) in [
            ("-s TOKEN=abc", "-s TOKEN=***"),
            ("--secret TOKEN=a=b", "--secret TOKEN=***"),
            ("--secret TOKEN", "--secret TOKEN"),
            ("--secret=TOKEN=abc", "--secret=***"),
            ("-sTOKEN=abc", "-sTOKEN=***"),
            ("-vsTOKEN=abc", "-vsTOKEN=***"),
            ("--secrets TOKEN=abc", "--secrets TOKEN=…"),
            ("TOKEN=abc", "TOKEN=…"),
            ("--replace-ghe-action-token-with-github-com abc", "--replace-ghe-action-token-with-github-com ***"),
        ] {
            assert_eq!(lines(text, &|_| None).remove(0).shown, shown);
        }
    }
}
