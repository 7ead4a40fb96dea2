//! `# wfrun: allow area/name`: comments that silence findings of a file.

use std::ops::RangeInclusive;
use std::sync::Arc;

use granit_parser::Event;

use crate::parse::{events, to_span};
use crate::source::to_u32;
use crate::{CodeInfo, Diagnostic, Severity, Source, Span, closest};

/// The kind of note that this module makes.
const UNUSED: &str = "check/unused-allow";

/// Takes away the warnings and notes about `source` that its comments allow, and notes the comments that allow nothing.
///
/// `# wfrun: allow a/b, c/d -- why` at the end of a line holds for that line. On a line of its own it holds for the next
/// line with content and what is nested below it, and above the first key for the whole file. A finding belongs to the
/// line on which its place or its focus begins. Errors are never silenced. `known` are all codes there are. Findings
/// about other files are passed on as they are, and all are if the text is not YAML.
pub fn allow(source: &Arc<Source>, diagnostics: Vec<Diagnostic>, known: &[CodeInfo]) -> Vec<Diagnostic> {
    // Most files have no such comment, and need no second look.
    if !source.text().contains("wfrun") {
        return diagnostics;
    }
    let Some(scalars) = scalars(source) else { return diagnostics };
    let comments = comments(source, &scalars);
    let mut notes = Vec::new();
    let mut allowed: Vec<Allowed<'_>> = Vec::new();
    for comment in &comments {
        match parse(source, comment.span) {
            Some(Ok(codes)) => {
                let lines = scope(source, &scalars, comment);
                allowed.extend(codes.into_iter().map(|code| Allowed { code, lines: lines.clone(), used: false }));
            }
            Some(Err(note)) => notes.push(note),
            None => {}
        }
    }
    let broken = diagnostics.iter().any(|it| it.is_error() && is_about(it, source));
    let mut kept: Vec<_> = diagnostics.into_iter().filter(|it| !silenced(it, source, &mut allowed)).collect();
    // What a file with errors would be warned about is not known.
    notes.extend(allowed.iter().filter(|it| it.code.text != UNUSED).filter_map(|it| it.note(source, known, broken)));
    notes.retain(|it| !silenced(it, source, &mut allowed));
    kept.extend(notes);
    kept.extend(allowed.iter().filter(|it| it.code.text == UNUSED).filter_map(|it| it.note(source, known, broken)));
    kept
}

/// A comment: from its `#` to the end of the line.
struct Comment {
    span: Span,
    line: u32,
    /// Whether nothing else is on its line.
    alone: bool,
}

/// A code that a comment names.
struct Named<'a> {
    text: &'a str,
    span: Span,
}

/// A code and the lines on which it is allowed.
struct Allowed<'a> {
    code: Named<'a>,
    lines: RangeInclusive<u32>,
    used: bool,
}

impl Allowed<'_> {
    /// What is wrong with the comment, if it silenced nothing.
    fn note(&self, source: &Arc<Source>, known: &[CodeInfo], broken: bool) -> Option<Diagnostic> {
        if self.used {
            return None;
        }
        let name = self.code.text;
        let (message, help) = match known.iter().find(|it| it.name == name) {
            None => {
                let near = closest(name, known.iter().map(|it| it.name));
                let help = near.map_or_else(
                    || "a code is what a message shows in brackets, such as `yaml/duplicate-key`".to_owned(),
                    |it| format!("did you mean `{it}`?"),
                );
                (format!("there is no finding `{name}` to allow"), help)
            }
            Some(it) if it.severity == Severity::Error => {
                let help = "GitHub refuses the workflow as well: mend it, and remove the comment";
                (format!("`{name}` is an error, which cannot be allowed"), help.to_owned())
            }
            Some(_) if broken => return None,
            Some(_) => (format!("`{name}` is allowed here, but not found"), "remove the comment".to_owned()),
        };
        Some(Diagnostic::note(UNUSED, message).at(source, self.code.span).help(help))
    }
}

fn is_about(found: &Diagnostic, source: &Arc<Source>) -> bool {
    found.place.as_ref().is_some_and(|it| it.source == *source)
}

/// Whether a comment allows it; each that does counts as used.
fn silenced(found: &Diagnostic, source: &Arc<Source>, allowed: &mut [Allowed<'_>]) -> bool {
    if found.is_error() || !is_about(found, source) {
        return false;
    }
    let starts = found.place.iter().map(|it| it.span).chain(found.focus);
    let lines: Vec<u32> = starts.map(|it| source.location(it.start).line).collect();
    let code = found.code.as_str();
    let matching = allowed.iter_mut().filter(|it| it.code.text == code && lines.iter().any(|at| it.lines.contains(at)));
    matching.fold(false, |_, it| {
        it.used = true;
        true
    })
}

/// Reads a comment: the codes that it allows, or what is wrong with it; `None` if it is not for wfrun.
fn parse(source: &Arc<Source>, span: Span) -> Option<Result<Vec<Named<'_>>, Diagnostic>> {
    let text = source.slice(span);
    let body = text.trim_start_matches('#').trim_start().strip_prefix("wfrun")?.trim_start().strip_prefix(':')?;
    let words = body.split(" --").next().unwrap_or_default();
    let (verb, codes) = words.trim_start().split_once([' ', '\t']).unwrap_or((words.trim(), ""));
    let place = |part: &str| {
        // Both are slices of one text.
        let start = span.start + to_u32(part.as_ptr().addr() - text.as_ptr().addr());
        Span::new(start, start + to_u32(part.len()))
    };
    let named = codes.split([',', ' ', '\t']).filter(|it| !it.is_empty());
    let named: Vec<_> = named.map(|text| Named { text, span: place(text) }).collect();
    if verb == "allow" && !named.is_empty() {
        return Some(Ok(named));
    }
    let message = if verb == "allow" {
        "`wfrun: allow` names no finding".to_owned()
    } else {
        format!("`wfrun: {verb}` means nothing")
    };
    let note = Diagnostic::note(UNUSED, message).at(source, span);
    Some(Err(note.help("write `# wfrun: allow area/name`, with the code that the message shows in brackets")))
}

/// The lines for which a comment holds.
fn scope(source: &Arc<Source>, scalars: &[Span], comment: &Comment) -> RangeInclusive<u32> {
    if !comment.alone {
        return comment.line..=comment.line;
    }
    if scalars.first().is_none_or(|it| comment.span.start < it.start) {
        return 1..=source.line_count();
    }
    let line = |number: u32| source.line_span(number).map(|it| source.slice(it)).unwrap_or_default();
    let indent = |text: &str| text.len() - text.trim_start_matches(' ').len();
    let is_content = |number: &u32| {
        let text = line(*number).trim_start();
        !text.is_empty() && !text.starts_with('#')
    };
    let is_item = |text: &str| text.trim_start().starts_with("- ") || text.trim() == "-";
    let last = source.line_count();
    let Some(first) = (comment.line + 1..=last).find(is_content) else { return comment.line..=comment.line };
    let (depth, first_is_item) = (indent(line(first)), is_item(line(first)));
    // A sequence may stand as deep as the key that it belongs to.
    let is_nested = |text: &str| indent(text) > depth || (indent(text) == depth && is_item(text) && !first_is_item);
    let beyond = (first + 1..=last).filter(is_content).find(|it| !is_nested(line(*it)));
    first..=beyond.map_or(last, |it| it - 1)
}

/// All comments: a `#` at the start of a line, after a blank, or right behind the end of a value, outside of every scalar.
fn comments(source: &Arc<Source>, scalars: &[Span]) -> Vec<Comment> {
    let mut found = Vec::new();
    for line in 1..=source.line_count() {
        let Some(span) = source.line_span(line) else { continue };
        let text = source.slice(span);
        let starts = text.match_indices('#').map(|(at, _)| at).find(|at| {
            let before = &text[..*at];
            let offset = span.start + to_u32(*at);
            before.chars().next_back().is_none_or(|it| " \t\u{feff}[]{},'\"|>".contains(it))
                && !is_inside(scalars, offset)
        });
        if let Some(at) = starts {
            let alone = text[..at].trim_matches([' ', '\t', '\u{feff}']).is_empty();
            found.push(Comment { span: Span::new(span.start + to_u32(at), span.end), line, alone });
        }
    }
    found
}

/// Whether an offset lies in a scalar; `scalars` are in the order of the file.
fn is_inside(scalars: &[Span], offset: u32) -> bool {
    let next = scalars.partition_point(|it| it.start <= offset);
    next.checked_sub(1).and_then(|it| scalars.get(it)).is_some_and(|it| offset < it.end)
}

/// The places of all scalars that are not empty, of block scalars without the header; `None` if the text is not YAML.
fn scalars(source: &Arc<Source>) -> Option<Vec<Span>> {
    let mut found = Vec::new();
    for event in events(source) {
        let (event, place) = event.ok()?;
        if !matches!(event, Event::Scalar(..)) {
            continue;
        }
        let span = to_span(&place);
        let text = source.slice(span);
        let is_block = text.starts_with(['|', '>']);
        let header = if is_block { text.find('\n').unwrap_or(text.len()) } else { 0 };
        found.push(Span::new(span.start + to_u32(header), span.end));
    }
    found.retain(|it| !it.is_empty());
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[CodeInfo] = &[
        CodeInfo { name: "a/error", severity: Severity::Error, sentence: "", advice: "" },
        CodeInfo { name: "a/warning", severity: Severity::Warning, sentence: "", advice: "" },
        CodeInfo { name: "a/note", severity: Severity::Note, sentence: "", advice: "" },
        CodeInfo { name: UNUSED, severity: Severity::Note, sentence: "", advice: "" },
    ];

    /// Findings are where the text says so: `W` is a warning, `N` a note, `E` an error. Gives back the lines of what is
    /// left, and of the notes about comments.
    fn left(text: &str) -> String {
        let source = Source::new("a.yml", text);
        let found = text.char_indices().filter_map(|(at, it)| {
            let span = Span::new(to_u32(at), to_u32(at + 1));
            let found = match it {
                'W' => Diagnostic::warning("a/warning", "w"),
                'N' => Diagnostic::note("a/note", "n"),
                'E' => Diagnostic::error("a/error", "e"),
                _ => return None,
            };
            Some(found.at(&source, span))
        });
        let kept = allow(&source, found.collect(), KNOWN);
        let line = |it: &Diagnostic| {
            let line = it.place.as_ref().expect("all have places").start().line;
            let sign = if it.code.as_str() == UNUSED { "?" } else { &it.message };
            format!("{sign}{line}")
        };
        kept.iter().map(line).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn where_a_comment_holds() {
        for (text, expected) in [
            ("a: W\n", "w1"),
            ("a: W # wfrun: allow a/warning\n", ""),
            ("a: W # wfrun: allow a/warning -- it is meant\n", ""),
            ("a: W #wfrun:allow a/warning\n", ""),
            ("a: N\nb: W # wfrun: allow a/warning, a/note\n", "n1 ?2"),
            ("a: W\nb: W # wfrun: allow a/warning\n", "w1"),
            ("# wfrun: allow a/warning\na: W\nb: W\n", ""),
            ("\u{feff}# wfrun: allow a/warning\r\na: W\r\n", ""),
            ("---\n# wfrun: allow a/warning\n\na: W\nb: W\n", ""),
            ("a: 1\n# wfrun: allow a/warning\nb:\n  c: W\n\n  d:\n    - W\ne: W\n", "w8"),
            ("a: 1\n# wfrun: allow a/warning\n# why\n\nb: W\nc: W\n", "w6"),
            ("a: 1\n# wfrun: allow a/warning\nb:\n- W\n- W\nc: W\n", "w6"),
            ("a:\n# wfrun: allow a/warning\n- b: W\n  c: W\n- d: W\n", "w5"),
            ("a:\n  - 1\n  # wfrun: allow a/warning\n  - W\n", ""),
            ("é: 1\n# wfrun: allow a/warning\nü: {é: W}\n", ""),
        ] {
            assert_eq!(left(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_looks_like_a_comment() {
        for (text, expected) in [
            ("a: |\n  # wfrun: allow a/warning\n  W\n", "w3"),
            ("a: |\n  x\n# wfrun: allow a/warning\nb: W\n", ""),
            ("a: |\n  x\n  # wfrun: allow a/warning\nb: W\n", "w4"),
            ("a:\n  - b: |\n      x\n\n  # wfrun: allow a/warning\n  - W\n", ""),
            ("a: | # wfrun: allow a/warning\n  x\nb: W\n", "?1 w3"),
            ("a: '# wfrun: allow a/warning' #W\n", "w1"),
            ("a: 'x # wfrun: allow a/warning'\nb: W\n", "w2"),
            ("a: x# wfrun: allow a/warning W\n", "w1"),
            ("a: \"x\n  # wfrun: allow a/warning\n  W\"\n", "w3"),
            ("? # wfrun: allow a/warning\n  W\n: b\n", "w2 ?1"),
        ] {
            assert_eq!(sorted(&left(text)), sorted(expected), "{text:?}");
        }
    }

    fn sorted(words: &str) -> Vec<&str> {
        let mut words: Vec<_> = words.split(' ').collect();
        words.sort_unstable();
        words
    }

    #[test]
    fn comments_that_allow_nothing() {
        let note = |text: &str| {
            let source = Source::new("a.yml", text);
            let kept = allow(&source, Vec::new(), KNOWN);
            let line = |it: &Diagnostic| {
                let place = it.place.as_ref().expect("it has a place");
                format!("{} `{}`; {}", it.message, place.text(), it.help.as_deref().unwrap_or("no help"))
            };
            kept.iter().map(line).collect::<Vec<_>>().join("\n")
        };
        for (comment, expected) in [
            (
                "allow a/error",
                "`a/error` is an error, which cannot be allowed `a/error`; GitHub refuses the workflow as well: mend it, and remove the comment",
            ),
            ("allow a/warnin", "there is no finding `a/warnin` to allow `a/warnin`; did you mean `a/warning`?"),
            ("allow a/warning -- so", "`a/warning` is allowed here, but not found `a/warning`; remove the comment"),
            ("allow a/warning, check/unused-allow", ""),
            (
                "allow check/unused-allow",
                "`check/unused-allow` is allowed here, but not found `check/unused-allow`; remove the comment",
            ),
            (
                "allow",
                "`wfrun: allow` names no finding `# wfrun: allow`; write `# wfrun: allow area/name`, with the code that the message shows in brackets",
            ),
            (
                "alow x",
                "`wfrun: alow` means nothing `# wfrun: alow x`; write `# wfrun: allow area/name`, with the code that the message shows in brackets",
            ),
        ] {
            assert_eq!(note(&format!("é: 1 # wfrun: {comment}\n")), expected, "{comment}");
        }
        assert_eq!(note("a: 1 # run by wfrun\n"), "", "plain talk");
    }

    #[test]
    fn errors_stay_and_hide_what_is_unused() {
        for (text, expected) in [
            ("# wfrun: allow a/warning\na: E\n", "e2"),
            ("a: E # wfrun: allow a/error\n", "e1 ?1"),
            ("# wfrun: allow a/warning\na: [W\n", "w2"),
            ("a: [W]# wfrun: allow a/warning\n", ""),
        ] {
            assert_eq!(left(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_finding_is_on_the_lines_of_its_place_and_of_its_focus() {
        for (comment_line, silenced) in [(1, true), (2, true), (3, false)] {
            let mut lines = ["a: \"x", "  y\"", "b: 1"].map(str::to_owned);
            lines[comment_line - 1] += " # wfrun: allow a/warning";
            // Inside of quotes a comment is none: line 1 can only be reached from above.
            let text = if comment_line == 1 {
                "z: 1\n# wfrun: allow a/warning\na: \"x\n  y\"\nb: 1".to_owned()
            } else {
                lines.join("\n")
            };
            let source = Source::new("a.yml", text.as_str());
            let (start, focus) = (text.find('"').expect("it is there"), text.find('y').expect("it is there"));
            let found = Diagnostic::warning("a/warning", "w").at(&source, Span::new(to_u32(start), to_u32(focus + 2)));
            let found = found.focus(Span::new(to_u32(focus), to_u32(focus + 1)));
            let kept = allow(&source, vec![found], KNOWN);
            assert_eq!(!kept.iter().any(|it| it.code.as_str() == "a/warning"), silenced, "{text}");
        }
    }
}
