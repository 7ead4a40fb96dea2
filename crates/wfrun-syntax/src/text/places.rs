//! Where each character of a scalar's value stands in the scalar as it was written.

use crate::ScalarStyle;

/// For each byte of a value the bytes of the raw text its character is written with.
pub(super) type Places = Vec<(usize, usize)>;

/// Aligns a value with its raw text; `None` if they do not fit together.
pub(super) fn align(raw: &str, value: &str, style: ScalarStyle) -> Option<Places> {
    let places = match style {
        ScalarStyle::Plain => align_flow(raw, 0, raw.len(), value, |_| None)?,
        ScalarStyle::SingleQuoted => align_flow(raw, 1, raw.len().checked_sub(1)?, value, single_quote)?,
        ScalarStyle::DoubleQuoted => align_flow(raw, 1, raw.len().checked_sub(1)?, value, escape)?,
        ScalarStyle::Literal => align_block(raw, value, false)?,
        ScalarStyle::Folded => align_block(raw, value, true)?,
    };
    (places.len() == value.len()).then_some(places)
}

/// What an escape at the start of a text stands for: its length, and the length of its value in bytes.
struct Escape {
    raw: usize,
    value: usize,
}

fn single_quote(rest: &str) -> Option<Escape> {
    rest.starts_with("''").then_some(Escape { raw: 2, value: 1 })
}

fn escape(rest: &str) -> Option<Escape> {
    let code = rest.strip_prefix('\\')?.chars().next()?;
    let digits = match code {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        // An escaped line break joins lines, with the indentation that follows.
        '\n' | '\r' => {
            let behind = rest[1..].trim_start_matches(['\r', '\n', ' ', '\t']);
            return Some(Escape { raw: rest.len() - behind.len(), value: 0 });
        }
        'N' => return Some(Escape { raw: 2, value: '\u{85}'.len_utf8() }),
        '_' => return Some(Escape { raw: 2, value: '\u{a0}'.len_utf8() }),
        'L' | 'P' => return Some(Escape { raw: 2, value: '\u{2028}'.len_utf8() }),
        _ => return Some(Escape { raw: 1 + code.len_utf8(), value: 1 }),
    };
    let number = u32::from_str_radix(rest.get(2..2 + digits)?, 16).ok()?;
    if (0xd800..0xdc00).contains(&number) {
        // Two escapes make one character.
        let second = rest.get(8..12).filter(|_| rest[6..].starts_with("\\u"))?;
        u32::from_str_radix(second, 16).ok()?;
        return Some(Escape { raw: 12, value: 4 });
    }
    Some(Escape { raw: 2 + digits, value: char::from_u32(number)?.len_utf8() })
}

/// Aligns plain and quoted scalars: line breaks fold, everything else is itself or an escape.
fn align_flow(
    raw: &str,
    start: usize,
    end: usize,
    value: &str,
    unescape: fn(&str) -> Option<Escape>,
) -> Option<Places> {
    let mut places = Vec::with_capacity(value.len());
    let mut at = start;
    while at < end {
        let rest = raw.get(at..end)?;
        if let Some(breaks) = line_break(rest) {
            // One break is a blank, n are n - 1 line feeds; either way they are as many bytes.
            places.extend(std::iter::repeat_n((at, at + breaks.len), breaks.lines.saturating_sub(1).max(1)));
            at += breaks.len;
        } else if let Some(Escape { raw: len, value: bytes }) = unescape(rest) {
            let joined = bytes == 0;
            places.extend(std::iter::repeat_n((at, at + len), bytes));
            at += len;
            if joined && at > end {
                return None;
            }
        } else {
            let it = rest.chars().next()?;
            if value.get(places.len()..)?.chars().next()? != it {
                return None;
            }
            places.extend(std::iter::repeat_n((at, at + it.len_utf8()), it.len_utf8()));
            at += it.len_utf8();
        }
    }
    Some(places)
}

struct Breaks {
    len: usize,
    lines: usize,
}

/// Measures blanks, line breaks and indentation at the start of a text, if there is a line break among them.
fn line_break(rest: &str) -> Option<Breaks> {
    let behind = rest.trim_start_matches([' ', '\t', '\r', '\n']);
    let run = &rest[..rest.len() - behind.len()];
    let lines = run.matches('\n').count() + run.matches('\r').count() - run.matches("\r\n").count();
    (lines > 0).then_some(Breaks { len: run.len(), lines })
}

/// A line of a block scalar without its indentation, and its line break.
struct Line {
    start: usize,
    end: usize,
    next: usize,
}

fn align_block(raw: &str, value: &str, folded: bool) -> Option<Places> {
    let header = raw.find(['\n', '\r'])?;
    let body = header + if raw[header..].starts_with("\r\n") { 2 } else { 1 };
    let indent = indentation(&raw[body..], value);
    let lines = split_lines(raw, body, indent);
    let mut places = Vec::with_capacity(value.len());
    let mut last_end = None;
    for line in lines {
        let text = &raw[line.start..line.end];
        if folded && text.is_empty() {
            continue;
        }
        if let Some((from, _)) = last_end.filter(|_| folded) {
            // Between two lines stand a blank or line feeds, whichever the value has.
            let rest = value.get(places.len()..)?;
            let feeds = rest.len() - rest.trim_start_matches('\n').len();
            let joins = if feeds > 0 { feeds } else { usize::from(rest.starts_with(' ')) };
            places.extend(std::iter::repeat_n((from, line.start), joins));
        }
        if !value.get(places.len()..)?.starts_with(text) {
            return None;
        }
        push_each(&mut places, text, line.start);
        last_end = Some((line.end, line.next));
        if !folded && places.len() < value.len() {
            places.push((line.end, line.next));
        }
    }
    let rest = value.get(places.len()..)?;
    if !rest.chars().all(|it| it == '\n') {
        return None;
    }
    let end = last_end.unwrap_or((raw.len(), raw.len()));
    places.extend(std::iter::repeat_n(end, rest.len()));
    Some(places)
}

fn push_each(places: &mut Places, text: &str, start: usize) {
    for (at, it) in text.char_indices() {
        let place = (start + at, start + at + it.len_utf8());
        places.extend(std::iter::repeat_n(place, it.len_utf8()));
    }
}

/// Finds how far the content is indented: the first line that is not blank shows it.
fn indentation(body: &str, value: &str) -> usize {
    let blanks = |it: &str| it.len() - it.trim_start_matches(' ').len();
    let first = |text: &str| text.split(['\n', '\r']).find(|it| !it.trim_matches(' ').is_empty()).map(blanks);
    first(body).unwrap_or_default().saturating_sub(first(value).unwrap_or_default())
}

fn split_lines(raw: &str, body: usize, indent: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut at = body;
    while at < raw.len() {
        let rest = &raw[at..];
        let len = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let feed = if rest[len..].starts_with("\r\n") { 2 } else { usize::from(len < rest.len()) };
        let blanks = rest[..len].len() - rest[..len].trim_start_matches(' ').len();
        lines.push(Line { start: at + blanks.min(indent), end: at + len, next: at + len + feed });
        at += len + feed;
    }
    lines
}
