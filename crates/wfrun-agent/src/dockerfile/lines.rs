//! Logical lines: comments gone, continued lines joined, heredocs attached.

use super::{Fault, Heredoc, Place};

/// An instruction as text.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) place: Place,
    pub(super) heredocs: Vec<Heredoc>,
}

/// The escape character, and the instructions, or what is wrong with them.
pub(super) fn read(text: &str, file: &str) -> (char, Vec<Result<Line, Fault>>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut found = Vec::new();
    let escape = escape_directive(text, file).unwrap_or_else(|fault| {
        found.push(Err(fault));
        '\\'
    });
    let mut lines = text.lines().enumerate();
    while let Some((index, first)) = lines.next() {
        let first = first.trim_start();
        if first.trim().is_empty() || first.starts_with('#') {
            continue;
        }
        let mut joined = String::new();
        let mut line = first;
        while let Some(part) = continued(line, escape) {
            joined.push_str(part);
            // Comments and empty lines do not end a continued instruction.
            let next = lines.by_ref().map(|(_, line)| line).find(|line| {
                let line = line.trim_start();
                !line.is_empty() && !line.starts_with('#')
            });
            line = next.unwrap_or_default();
        }
        joined.push_str(line);
        let place = Place { file: file.to_owned(), line: index + 1, text: joined.trim().to_owned() };
        found.push(with_heredocs(place, &mut lines));
    }
    (escape, found)
}

/// An instruction with the heredocs that it opens, taken from the lines behind it.
fn with_heredocs<'t>(place: Place, lines: &mut impl Iterator<Item = (usize, &'t str)>) -> Result<Line, Fault> {
    let mut heredocs = Vec::new();
    for mut heredoc in opened(&place.text) {
        heredoc.content = content(&heredoc, lines).ok_or_else(|| {
            let fault = place.parse_error(format!("unterminated heredoc: {}", heredoc.name));
            fault.help(format!("end it with a line that is `{}` and nothing else", heredoc.name))
        })?;
        heredocs.push(heredoc);
    }
    Ok(Line { place, heredocs })
}

/// Source: Docker, "Dockerfile reference", "Parser directives".
fn escape_directive(text: &str, file: &str) -> Result<char, Fault> {
    for (index, line) in text.lines().enumerate() {
        let Some((name, value)) = line.strip_prefix('#').and_then(|line| line.split_once('=')) else {
            break;
        };
        match name.trim().to_ascii_lowercase().as_str() {
            "escape" => {
                return match value.trim() {
                    "\\" => Ok('\\'),
                    "`" => Ok('`'),
                    other => {
                        let place = Place { file: file.to_owned(), line: index + 1, text: line.to_owned() };
                        let message = format!("invalid escape token '{other}' does not match ` or \\");
                        Err(place.parse_error(message))
                    }
                };
            }
            "syntax" | "check" => {}
            _ => break,
        }
    }
    Ok('\\')
}

/// What stands before the escape character at a line's end.
fn continued(line: &str, escape: char) -> Option<&str> {
    let part = line.trim_end().strip_suffix(escape)?;
    // A doubled one is a character of the line.
    (!part.ends_with(escape)).then_some(part)
}

/// The heredocs that an instruction opens: `<<EOF`, `<<-EOF`, `<<"EOF"`.
fn opened(text: &str) -> Vec<Heredoc> {
    let name = text.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
    if !matches!(name.as_str(), "RUN" | "COPY" | "ADD") {
        return Vec::new();
    }
    text.split_whitespace().filter_map(word).collect()
}

/// Reads a word as the opening of a heredoc.
pub(super) fn word(word: &str) -> Option<Heredoc> {
    let rest = word.trim_start_matches(|letter: char| letter.is_ascii_digit()).strip_prefix("<<")?;
    let (strips_tabs, rest) = rest.strip_prefix('-').map_or((false, rest), |rest| (true, rest));
    let unquoted = ['"', '\''].iter().find_map(|quote| rest.strip_prefix(*quote)?.strip_suffix(*quote));
    let name = unquoted.unwrap_or(rest);
    let is_name =
        |name: &str| !name.is_empty() && name.chars().all(|it| it.is_ascii_alphanumeric() || "_.".contains(it));
    is_name(name).then(|| Heredoc {
        name: name.to_owned(),
        expands: unquoted.is_none(),
        strips_tabs,
        content: String::new(),
    })
}

fn content<'t>(heredoc: &Heredoc, lines: &mut impl Iterator<Item = (usize, &'t str)>) -> Option<String> {
    let mut content = String::new();
    for (_, line) in lines {
        let line = if heredoc.strips_tabs { line.trim_start_matches('\t') } else { line };
        if line == heredoc.name {
            return Some(content);
        }
        content.push_str(line);
        content.push('\n');
    }
    None
}
