//! What a script writes into `GITHUB_OUTPUT`, as far as a line of it says so by itself.
use std::collections::HashSet;
use std::ops::Range;

use wfrun_expr::{Expr, Piece, Template, pieces};

use crate::contexts::STEP;

/// What the shell or GitHub puts text in the place of.
#[derive(Debug, PartialEq)]
enum What<'s> {
    /// `$NAME` or `${NAME}`, and nothing that takes a part of it.
    Variable(&'s str),
    /// What stands between `${{` and `}}`.
    Expression(&'s str),
    /// What stands between `$(` and `)`, or between backquotes.
    Substitution(&'s str),
}

/// A part of a line that a shell runs by itself, but for pipes.
#[derive(Debug, PartialEq)]
struct Command<'s> {
    /// Where it begins in the line.
    start: usize,
    text: &'s str,
    /// Each with where it stands in the line.
    mentions: Vec<(usize, What<'s>)>,
}

/// Where a script writes a value into an output for which `names` of variables stand, or expressions for which `holds` is true.
pub(super) fn write_of(
    script: &str,
    output: &str,
    mut names: HashSet<String>,
    holds: &dyn Fn(&Expr) -> bool,
) -> Option<Range<u32>> {
    let mut start = 0;
    for line in script.split_inclusive('\n') {
        for command in commands(line.trim_end()) {
            let is_it = |from: usize, to: usize, names: &HashSet<String>| {
                let mut inside = command.mentions.iter().filter(|(at, _)| (from..to).contains(at));
                inside.any(|(_, what)| stands_for(what, names, holds))
            };
            let end = command.start + command.text.len();
            if let Some(at) = command.text.find("GITHUB_OUTPUT")
                && let Some(name) = assigned(command.text, output)
                && is_it(command.start + name, command.start + at, &names)
            {
                let from = start + command.start + name;
                return Some(u32::try_from(from).ok()?..u32::try_from(from + output.len()).ok()?);
            }
            if let Some((name, value)) = variable(command.text) {
                let is_it = is_it(command.start + value, end, &names);
                if is_it {
                    names.insert(name.to_owned())
                } else {
                    names.remove(name)
                };
            }
        }
        start += line.len();
    }
    None
}

fn stands_for(what: &What<'_>, names: &HashSet<String>, holds: &dyn Fn(&Expr) -> bool) -> bool {
    match what {
        What::Variable(name) => names.contains(*name),
        What::Expression(text) => {
            let template = Template::parse(&format!("${{{{{text}}}}}"), &STEP);
            template.is_ok_and(|it| it.expr().is_some_and(holds))
        }
        // Source: AWS STS API reference, `GetCallerIdentity`: `Account` is its number alone.
        What::Substitution(text) => text.contains("sts get-caller-identity") && text.contains("Account"),
    }
}

/// Where `NAME=` begins.
fn assigned(text: &str, name: &str) -> Option<usize> {
    let is_of_name = |it: char| it.is_alphanumeric() || it == '_' || it == '-';
    text.match_indices('=').find_map(|(at, _)| {
        let begin = at.checked_sub(name.len())?;
        let is_it = text.get(begin..at)?.eq_ignore_ascii_case(name) && !text[..begin].ends_with(is_of_name);
        is_it.then_some(begin)
    })
}

/// `NAME=value`: the name, and where the value begins.
fn variable(text: &str) -> Option<(&str, usize)> {
    let words = text.trim_start();
    let words = ["export ", "readonly ", "local "].iter().find_map(|it| words.strip_prefix(it)).unwrap_or(words);
    let (name, value) = words.split_once('=')?;
    is_name(name).then(|| (name, text.len() - value.len()))
}

fn is_name(text: &str) -> bool {
    let mut all = text.chars();
    all.next().is_some_and(|it| it.is_ascii_alphabetic() || it == '_')
        && all.all(|it| it.is_ascii_alphanumeric() || it == '_')
}

/// Takes a line apart at `;`, `&&` and `||`.
fn commands(line: &str) -> Vec<Command<'_>> {
    let (mut found, mut mentions) = (Vec::new(), Vec::new());
    let (mut begin, mut at, mut quote) = (0, 0, None);
    while let Some(rest) = line.get(at..).filter(|it| !it.is_empty()) {
        let first = rest.chars().next().unwrap_or_default();
        let separator = [";", "&&", "||"].into_iter().find(|it| quote.is_none() && rest.starts_with(it));
        // GitHub puts expressions in before any shell reads the line.
        let (length, what) = if let Some(Piece::Expression { inner, range }) = pieces(rest).next() {
            (range.len(), Some(What::Expression(inner)))
        } else if quote == Some('\'') && first != '\'' {
            (first.len_utf8(), None)
        } else {
            match first {
                '\\' => (1 + rest[1..].chars().next().map_or(0, char::len_utf8), None),
                '\'' | '"' => {
                    quote = match quote {
                        None => Some(first),
                        Some(it) if it == first => None,
                        Some(it) => Some(it),
                    };
                    (1, None)
                }
                '$' => dollar(rest),
                '`' => {
                    let length = rest[1..].find('`').unwrap_or(rest.len() - 1);
                    (length + 2, rest.get(1..=length).map(What::Substitution))
                }
                '#' if quote.is_none() && line[..at].chars().next_back().is_none_or(char::is_whitespace) => break,
                _ => (separator.map_or(first.len_utf8(), str::len), None),
            }
        };
        mentions.extend(what.map(|it| (at, it)));
        if separator.is_some() {
            found.push(Command { start: begin, text: &line[begin..at], mentions: std::mem::take(&mut mentions) });
            begin = at + length;
        }
        at += length;
    }
    let end = at.min(line.len());
    found.push(Command { start: begin, text: line.get(begin..end).unwrap_or_default(), mentions });
    found
}

/// What begins with `$`: how long it is, and what it is.
fn dollar(text: &str) -> (usize, Option<What<'_>>) {
    if let Some(inside) = text.strip_prefix("${") {
        let length = inside.find('}').unwrap_or(inside.len());
        return (length + 3, inside.get(..length).filter(|it| is_name(it)).map(What::Variable));
    }
    if let Some(inside) = text.strip_prefix("$(") {
        let mut depth = 1;
        let end = inside.find(|it| {
            depth += i32::from(it == '(') - i32::from(it == ')');
            depth == 0
        });
        let length = end.unwrap_or(inside.len());
        return (length + 3, inside.get(..length).map(What::Substitution));
    }
    let name = &text[1..];
    let length = name.find(|it: char| !it.is_ascii_alphanumeric() && it != '_').unwrap_or(name.len());
    (length + 1, Some(&name[..length]).filter(|it| is_name(it)).map(What::Variable))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_apart() {
        let line = r#"A=1; echo "$B '${C}' ${D%x} $(f $E)" 'no $F' \$G ${{ a.b }} && x | y `z` # $H"#;
        let found: Vec<_> = commands(line).into_iter().map(|it| (it.text.trim(), it.mentions)).collect();
        let texts: Vec<_> = found.iter().map(|(text, _)| *text).collect();
        assert_eq!(texts, ["A=1", r#"echo "$B '${C}' ${D%x} $(f $E)" 'no $F' \$G ${{ a.b }}"#, "x | y `z`"]);
        let mentioned: Vec<_> = found.into_iter().flat_map(|(_, it)| it).map(|(_, what)| what).collect();
        let expected = [
            What::Variable("B"),
            What::Variable("C"),
            What::Substitution("f $E"),
            What::Expression(" a.b "),
            What::Substitution("z"),
        ];
        assert_eq!(mentioned, expected);
    }

    /// What is not closed goes to the end of the line, and nothing is cut inside of a character.
    #[test]
    fn any_line_is_taken() {
        for line in
            ["", "$", "${", "${é", "$(", "$(é", "`", "`é", "'é", "\"$", "\\", "\\é", "${{", "${{é", "é;é", "a=é $é"]
        {
            let all = commands(line);
            assert!(!all.is_empty(), "{line}");
            assert_eq!(write_of(line, "é", HashSet::new(), &|_| true), None, "{line}");
        }
    }
}
