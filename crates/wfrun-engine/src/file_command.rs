//! The grammar of the files `GITHUB_ENV`, `GITHUB_OUTPUT` and `GITHUB_STATE`.
//!
//! Source: GitHub: execution rules E3.2.
use thiserror::Error;

/// Why a file could not be read to its end. What stood before the error holds.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FileCommandError {
    /// A line that is neither `name=value` nor the start of a heredoc.
    #[error("Invalid format '{line}'")]
    Format {
        /// The line.
        line: String,
    },
    /// `<<` without a name or a delimiter.
    #[error("Invalid format '{line}'. Name must not be empty and delimiter must not be empty")]
    EmptyName {
        /// The line.
        line: String,
    },
    /// A name that is empty where one is needed: what .NET says of it.
    #[error("Value cannot be null. (Parameter 'name')")]
    NoName,
    /// A heredoc that never ends.
    #[error("Invalid value. Matching delimiter not found '{delimiter}'")]
    NoDelimiter {
        /// What should have ended it.
        delimiter: String,
    },
    /// A heredoc whose last line is not ended.
    #[error("Invalid value. EOF marker missing new line.")]
    Unterminated,
}

/// Reads a file of names and values; gives back what was read, and what stopped it.
///
/// Nothing is trimmed; only `\n` ends a line; an empty name is an error unless `empty_names`.
pub fn parse_key_values(text: &str, empty_names: bool) -> (Vec<(String, String)>, Option<FileCommandError>) {
    let mut rest = text;
    let mut pairs = Vec::new();
    while !rest.is_empty() {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        rest = after;
        if line.is_empty() {
            continue;
        }
        let single = line.find('=');
        let heredoc = line.find("<<");
        let read = match (single, heredoc) {
            (Some(at), None) => Ok(split_single(line, at)),
            (Some(at), Some(opens)) if at < opens => Ok(split_single(line, at)),
            (_, Some(opens)) => read_heredoc(line, opens, &mut rest),
            (None, None) => Err(FileCommandError::Format { line: line.to_owned() }),
        };
        match read {
            Ok((name, _)) if name.is_empty() && !empty_names => {
                return (pairs, Some(FileCommandError::NoName));
            }
            Ok(pair) => pairs.push(pair),
            Err(err) => return (pairs, Some(err)),
        }
    }
    (pairs, None)
}

fn split_single(line: &str, at: usize) -> (String, String) {
    let (name, value) = line.split_at(at);
    (name.to_owned(), value.get(1..).unwrap_or_default().to_owned())
}

/// Reads a heredoc whose first line is `line`; takes its body off `rest`.
fn read_heredoc(line: &str, opens: usize, rest: &mut &str) -> Result<(String, String), FileCommandError> {
    let name = line.get(..opens).unwrap_or_default();
    let delimiter = line.get(opens + 2..).unwrap_or_default();
    if name.is_empty() || delimiter.is_empty() {
        return Err(FileCommandError::EmptyName { line: line.to_owned() });
    }
    let body = *rest;
    let mut at = 0;
    loop {
        let remaining = body.get(at..).unwrap_or_default();
        if remaining.is_empty() {
            return Err(FileCommandError::NoDelimiter { delimiter: delimiter.to_owned() });
        }
        match remaining.split_once('\n') {
            Some((line, after)) if line == delimiter => {
                *rest = after;
                break;
            }
            Some((line, _)) => at += line.len() + 1,
            None if remaining == delimiter => {
                *rest = "";
                break;
            }
            None => return Err(FileCommandError::Unterminated),
        }
    }
    // The last line's end belongs to the delimiter.
    let value = body.get(..at.saturating_sub(1)).unwrap_or_default();
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let (pairs, err) = parse_key_values(text, false);
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!((pairs.as_slice(), err), (expected, None), "{text:?}");
    }

    #[track_caller]
    fn check_error(text: &str, read: usize, message: &str) {
        let (pairs, err) = parse_key_values(text, false);
        assert_eq!((pairs.len(), err.map(|it| it.to_string()).as_deref()), (read, Some(message)), "{text:?}");
    }

    /// Source: GitHub: execution rules E3.2, the table of cases.
    #[test]
    fn values() {
        check("A=1", &[("A", "1")]);
        check("A=", &[("A", "")]);
        check("A=b=c\nA==b\n", &[("A", "b=c"), ("A", "=b")]);
        check(" A = 1 ", &[(" A ", " 1 ")]);
        check("A=x<<y", &[("A", "x<<y")]);
        check("A<<E=F\n1\nE=F\n", &[("A", "1")]);
        check("A<<EOF\nl1\nl2\nEOF\n", &[("A", "l1\nl2")]);
        check("A<<EOF\nEOF\n", &[("A", "")]);
        check("A<<EOF\n\nv\n\nEOF", &[("A", "\nv\n")]);
        check("A<<EOF\n\nEOF\n", &[("A", "")]);
        check("A<<EOF\n\n\nEOF\n", &[("A", "\n")]);
        check("A<<EOF\nEOF \n EOF\nEOF", &[("A", "EOF \n EOF")]);
        check("x=1\n\ny=2\n", &[("x", "1"), ("y", "2")]);
        check("export A=1", &[("export A", "1")]);
        // What a mark at the beginning means is known to whoever reads the file.
        check("\u{feff}A=1\n", &[("\u{feff}A", "1")]);
    }

    #[test]
    fn carriage_returns_are_kept() {
        check("A=1\r\n", &[("A", "1\r")]);
        check("A<<EOF\r\nv\r\nEOF\r\n", &[("A", "v\r")]);
        check_error("A=1\n\r\n", 1, "Invalid format '\r'");
    }

    #[test]
    fn errors_keep_what_stood_before() {
        check_error("x=1\nbad\ny=2\n", 1, "Invalid format 'bad'");
        check_error("b<<E\nl1\n", 0, "Invalid value. Matching delimiter not found 'E'");
        check_error("b<<E\nl1", 0, "Invalid value. EOF marker missing new line.");
        check_error("A<<\n", 0, "Invalid format 'A<<'. Name must not be empty and delimiter must not be empty");
        check_error("<<EOF\n", 0, "Invalid format '<<EOF'. Name must not be empty and delimiter must not be empty");
        check_error("=v\n", 0, "Value cannot be null. (Parameter 'name')");
        assert_eq!(parse_key_values("=v", true), (vec![(String::new(), "v".to_owned())], None));
    }
}
