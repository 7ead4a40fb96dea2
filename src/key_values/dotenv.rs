//! dotenv, as act reads it.
use std::sync::Arc;

use indexmap::IndexMap;
use wfrun_syntax::{Checked, Diagnostic, Source, Span};

use super::Given;

/// Reads the lines of a file.
///
/// Source: <https://github.com/joho/godotenv>, parser.go, which act reads such files with; `NAME<<WORD` is of GitHub's own
/// environment files.
///
/// Unlike with act, a reference to a name that stands nowhere before is left as it is written: a password with a `$` in it
/// must not lose a part in silence. act puts a variable of this machine in its place, or nothing.
pub(super) fn dotenv(source: &Arc<Source>) -> Checked<Vec<Given>> {
    Dotenv::new(source).read()
}

/// The names that values refer to and that stand nowhere before, with the line in which the value begins.
pub(crate) fn unknown_names(text: &str) -> Vec<(usize, String)> {
    let source = Source::new(".env", text);
    let mut reader = Dotenv::new(&source);
    reader.read();
    reader.unknown
}

/// A dotenv file as it is read.
struct Dotenv<'a> {
    source: &'a Arc<Source>,
    text: &'a str,
    at: usize,
    /// Where what is read begins.
    start: usize,
    /// What stands before, for references.
    known: IndexMap<String, String>,
    /// References to what does not, with their lines.
    unknown: Vec<(usize, String)>,
}

impl<'a> Dotenv<'a> {
    fn new(source: &'a Arc<Source>) -> Self {
        Self { source, text: source.text(), at: 0, start: 0, known: IndexMap::new(), unknown: Vec::new() }
    }

    fn read(&mut self) -> Checked<Vec<Given>> {
        let mut all = Checked::clean(Vec::new());
        while self.at < self.text.len() {
            self.start = self.at;
            match self.line() {
                Ok(given) => {
                    self.known.extend(given.iter().map(|it| (it.name.clone(), it.value.clone())));
                    all.value.extend(given);
                }
                Err(found) => all.diagnostics.push(found),
            }
        }
        all
    }

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
        if let Some(word) = after.trim_start().strip_prefix("<<") {
            let value = self.until(word.trim()).ok_or_else(|| self.broken(start, line, "the end word never comes"))?;
            return Ok(Some(Given { name: name.to_owned(), value }));
        }
        // As in YAML, which godotenv takes, too.
        let Some(value) = after.trim_start().strip_prefix(['=', ':']) else {
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
            _ => self.with_references(value.split(" #").next().unwrap_or_default().trim_end(), true),
        };
        Ok(Some(Given { name: name.to_owned(), value }))
    }

    /// Reads the value that opens with `quote` at `opened`, and moves behind its line.
    fn quoted(&mut self, quote: char, opened: usize) -> Option<String> {
        let inside = self.text.get(opened + 1..)?;
        let mut value = String::new();
        // From here on nothing was put in the place of references yet.
        let mut open = 0;
        let mut chars = inside.char_indices();
        while let Some((index, it)) = chars.next() {
            match it {
                _ if it == quote => {
                    let end = opened + 1 + index;
                    let line_end = self.text.get(end..)?.find('\n').map_or(self.text.len(), |it| end + it + 1);
                    self.at = line_end;
                    if quote == '"' {
                        let tail = self.with_references(value.get(open..)?, false);
                        value.replace_range(open.., &tail);
                    }
                    return Some(value);
                }
                '\\' if quote == '"' => {
                    let tail = self.with_references(value.get(open..)?, false);
                    value.replace_range(open.., &tail);
                    value.push(match chars.next()?.1 {
                        'n' => '\n',
                        't' => '\t',
                        'r' => '\r',
                        other => other,
                    });
                    open = value.len();
                }
                _ => value.push(it),
            }
        }
        None
    }

    /// Reads lines up to one that is `word`, and moves behind it.
    fn until(&mut self, word: &str) -> Option<String> {
        let begin = self.at;
        let mut end = begin;
        for line in self.text.get(begin..)?.split_inclusive('\n') {
            if !word.is_empty() && line.trim_end_matches(['\r', '\n']) == word {
                self.at = end + line.len();
                let value = self.text.get(begin..end)?;
                let value = value.strip_suffix('\n').unwrap_or(value);
                return Some(value.strip_suffix('\r').unwrap_or(value).to_owned());
            }
            end += line.len();
        }
        None
    }

    /// Puts values in the place of `$NAME` and `${NAME}`; with `escapes`, `\$` is a dollar sign.
    fn with_references(&mut self, text: &str, escapes: bool) -> String {
        let mut whole = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            if let Some(before) = before.strip_suffix('\\').filter(|_| escapes) {
                whole.extend([before, "$"]);
                rest = after;
                continue;
            }
            whole.push_str(before);
            let (name, behind) = reference(after);
            if let Some(value) = self.known.get(name) {
                whole.push_str(value);
                rest = behind;
            } else {
                if !name.is_empty() {
                    let line = self.source.location(u32::try_from(self.start).unwrap_or(0)).line;
                    self.unknown.push((usize::try_from(line).unwrap_or(0), name.to_owned()));
                }
                whole.push('$');
                rest = after;
            }
        }
        whole + rest
    }

    fn broken(&self, start: usize, line: &str, why: &str) -> Diagnostic {
        let end = start + line.trim_end().len();
        let span = Span::new(u32::try_from(start).unwrap_or(0), u32::try_from(end).unwrap_or(0));
        let found = Diagnostic::error("file/broken-line", format!("the line cannot be read: {why}"));
        found.at(self.source, span).help("write NAME=VALUE, one a line; `#` begins a comment")
    }
}

/// The name that is referred to behind a dollar sign, and what follows; empty where there is none.
fn reference(text: &str) -> (&str, &str) {
    let is_name = |it: char| it.is_ascii_uppercase() || it.is_ascii_digit() || it == '_';
    if let Some((name, behind)) = text.strip_prefix('{').and_then(|it| it.split_once('}'))
        && name.chars().all(is_name)
    {
        return (name, behind);
    }
    text.split_at(text.find(|it| !is_name(it)).unwrap_or(text.len()))
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

    /// Each row was seen with act 0.2.89, but for the last four.
    #[test]
    fn values_as_act_reads_them() {
        check("T_A=1\nT_B = two words # c\n", &[("T_A", "1"), ("T_B", "two words")]);
        check("T_A=1\nexport T_C='single $T_A'", &[("T_A", "1"), ("T_C", "single $T_A")]);
        check("A=1\nB=2 3\nD=\"double $A ${B}\\nnext\"", &[("A", "1"), ("B", "2 3"), ("D", "double 1 2 3\nnext")]);
        check("A=1\nE=$A-\\$x", &[("A", "1"), ("E", "1-$x")]);
        check("F: yaml", &[("F", "yaml")]);
        check("G={\"foo\": \"bar\"}", &[("G", "{\"foo\": \"bar\"}")]);
        check("H=a#b\nJ=plain\\n\nL=", &[("H", "a#b"), ("J", "plain\\n"), ("L", "")]);
        check("K=\"a\\$b\"", &[("K", "a$b")]);
        // Names in small letters are none.
        check("b=1\nK=$b", &[("b", "1"), ("K", "$b")]);
        check("A=$A-${NONE}", &[("A", "$A-${NONE}")]);
        check("A=1\nB=\"\\$A$A\"", &[("A", "1"), ("B", "$A1")]);
        check("A<<END\none\ntwo\nEND\nB=2", &[("A", "one\ntwo"), ("B", "2")]);
        check("A<<E\nE\n", &[("A", "")]);
    }

    #[test]
    fn references_to_nothing() {
        let text = "A=1\nB=$A$C\n# $D\nE='$F'\nG=\"${H}\"\nI=\\$J $k\n";
        assert_eq!(unknown_names(text), [(2, "C".to_owned()), (5, "H".to_owned())]);
        // What is no reference where the file is read is none here: comments, and values over several lines.
        let text = "A=1 # $B\nC='one\nD=$E'\nF<<END\nG=$H\nEND\nI=\"\nJ=$K\"\nL=$K";
        assert_eq!(unknown_names(text), [(7, "K".to_owned()), (9, "K".to_owned())]);
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
}
