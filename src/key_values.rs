//! Files of names and values: dotenv, or a flat YAML mapping.
use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;
use wfrun_syntax::{Checked, Diagnostic, Node, Source, Span};

use crate::output::Help;

/// A value and where it was given.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Given {
    /// The name as written.
    pub(crate) name: String,
    /// The value.
    pub(crate) value: String,
}

/// Reads a file by its ending: `.yml` and `.yaml` are YAML, all else is dotenv.
pub(crate) fn read(path: &Path) -> anyhow::Result<Checked<Vec<Given>>> {
    let text = std::fs::read_to_string(path).map_err(|err| {
        let help = "give the path of a dotenv or YAML file, relative to where wfrun is started";
        Help::error("file/unreadable", format!("failed to read {}: {err}", path.display()), help)
    })?;
    let source = Source::new(path.display().to_string(), text);
    let is_yaml = path.extension().is_some_and(|it| it == "yml" || it == "yaml");
    Ok(if is_yaml { yaml(&source) } else { dotenv(&source) })
}

/// Splits `NAME=VALUE`.
pub(crate) fn pair(text: &str, option: &str) -> anyhow::Result<(String, String)> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(Help::error("cli/pair", format!("`{option} {text}` is no pair"), "write NAME=VALUE")),
    }
}

/// Puts files and options together; the later wins, names compare as written.
pub(crate) fn collect(
    files: &[std::path::PathBuf],
    pairs: &[String],
    option: &str,
) -> anyhow::Result<Checked<IndexMap<String, String>>> {
    let mut all = Checked::clean(IndexMap::new());
    for path in files {
        let Checked { value, diagnostics } = read(path)?;
        all.value.extend(value.into_iter().map(|it| (it.name, it.value)));
        all.diagnostics.extend(diagnostics);
    }
    for text in pairs {
        let (name, value) = pair(text, option)?;
        all.value.insert(name, value);
    }
    Ok(all)
}

fn yaml(source: &Arc<Source>) -> Checked<Vec<Given>> {
    let Checked { value, mut diagnostics } = wfrun_syntax::parse(source);
    // An empty file is a null, and no other root that is not a mapping comes back.
    let Some(mapping) = value.as_ref().and_then(Node::as_mapping) else {
        return Checked { value: Vec::new(), diagnostics };
    };
    let mut given = Vec::new();
    for entry in mapping {
        if let Some(value) = entry.value.scalar_text() {
            given.push(Given { name: entry.key.value.clone(), value });
        } else {
            let message = format!("the value of `{}` is {}", entry.key.value, entry.value.describe());
            let found = Diagnostic::error("file/not-a-text", message);
            diagnostics.push(found.at(source, entry.value.span).help("a value is one text; quote it if need be"));
        }
    }
    Checked { value: given, diagnostics }
}

fn dotenv(source: &Arc<Source>) -> Checked<Vec<Given>> {
    let mut reader = Dotenv { source, text: source.text(), at: 0 };
    let mut all = Checked::clean(Vec::new());
    while reader.at < reader.text.len() {
        match reader.line() {
            Ok(given) => all.value.extend(given),
            Err(found) => all.diagnostics.push(found),
        }
    }
    all
}

/// A dotenv file as it is read.
struct Dotenv<'a> {
    source: &'a Arc<Source>,
    text: &'a str,
    at: usize,
}

impl Dotenv<'_> {
    /// Reads a line, or more where a quoted value spans them.
    fn line(&mut self) -> Result<Option<Given>, Diagnostic> {
        let start = self.at;
        let rest = self.text.get(start..).unwrap_or_default();
        let line = rest.split_inclusive('\n').next().unwrap_or_default();
        self.at += line.len();
        let trimmed = line.trim_start_matches('\u{feff}').trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            return Ok(None);
        }
        let body = trimmed.strip_prefix("export ").unwrap_or(trimmed).trim_start();
        let name_end =
            body.find(|it: char| !it.is_alphanumeric() && !matches!(it, '_' | '-' | '.')).unwrap_or(body.len());
        let (name, after) = body.split_at(name_end);
        let Some(value) = after.trim_start().strip_prefix('=') else {
            return Err(self.broken(start, line, "expected NAME=VALUE"));
        };
        if name.is_empty() {
            return Err(self.broken(start, line, "there is no name before `=`"));
        }
        let value = value.trim_start();
        let value = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let opened = start + line.find(value).unwrap_or(0);
                self.quoted(quote, opened).ok_or_else(|| self.broken(start, line, "the quote is never closed"))?
            }
            // A comment needs a blank before it, or values could not hold `#`.
            _ => value.split(" #").next().unwrap_or_default().trim_end().to_owned(),
        };
        Ok(Some(Given { name: name.to_owned(), value }))
    }

    /// Reads the value that opens with `quote` at `opened`, and moves behind its line.
    fn quoted(&mut self, quote: char, opened: usize) -> Option<String> {
        let inside = self.text.get(opened + 1..)?;
        let mut value = String::new();
        let mut chars = inside.char_indices();
        while let Some((index, it)) = chars.next() {
            match it {
                _ if it == quote => {
                    let end = opened + 1 + index;
                    let line_end = self.text.get(end..)?.find('\n').map_or(self.text.len(), |it| end + it + 1);
                    self.at = line_end;
                    return Some(value);
                }
                '\\' if quote == '"' => value.push(match chars.next()?.1 {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    other => other,
                }),
                _ => value.push(it),
            }
        }
        None
    }

    fn broken(&self, start: usize, line: &str, why: &str) -> Diagnostic {
        let end = start + line.trim_end().len();
        let span = Span::new(u32::try_from(start).unwrap_or(0), u32::try_from(end).unwrap_or(0));
        let found = Diagnostic::error("file/broken-line", format!("the line cannot be read: {why}"));
        found.at(self.source, span).help("write NAME=VALUE, one a line; `#` begins a comment")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let read = dotenv(&Source::new(".env", text));
        assert!(read.diagnostics.is_empty(), "{:?}", read.diagnostics);
        let pairs: Vec<_> = read.value.iter().map(|it| (it.name.as_str(), it.value.as_str())).collect();
        assert_eq!(pairs, expected, "{text:?}");
    }

    #[test]
    fn dotenv_values() {
        check("A=1\nB = two words \n# no\n\nexport C=3", &[("A", "1"), ("B", "two words"), ("C", "3")]);
        check("A=\"x\\ny\" # why\nB='$1\\n'\n", &[("A", "x\ny"), ("B", "$1\\n")]);
        check("A=\"one\ntwo\"\nB=2", &[("A", "one\ntwo"), ("B", "2")]);
        check("A=a#b #c\nB=\n", &[("A", "a#b"), ("B", "")]);
        check("A=x=y\r\n", &[("A", "x=y")]);
    }

    #[test]
    fn broken_lines_are_said_and_the_rest_is_read() {
        let source = Source::new(".env", "A=1\nnonsense\nB=\"open\n");
        let read = dotenv(&source);
        assert_eq!(read.value.len(), 1);
        let places: Vec<_> = read.diagnostics.iter().map(ToString::to_string).collect();
        insta::assert_debug_snapshot!(places, @r###"
        [
            "error[file/broken-line]: the line cannot be read: expected NAME=VALUE (.env:2:1)",
            "error[file/broken-line]: the line cannot be read: the quote is never closed (.env:3:1)",
        ]
        "###);
    }

    #[test]
    fn yaml_values() {
        let read = yaml(&Source::new("s.yml", "A: 1\nB: 'x y'\nC: [1]\n"));
        assert_eq!(read.value.len(), 2);
        assert_eq!(read.diagnostics.len(), 1);
    }
}
