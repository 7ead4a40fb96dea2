//! Small things that every view does with text: durations, counts, cutting, cleaning.
use std::borrow::Cow;
use std::ops::Range;

use console::{AnsiCodeIterator, measure_text_width, truncate_str};
use jiff::Timestamp;

use crate::Style;
use crate::theme::Label;

/// `0.3s`, `12.3s`, `2m 05s`, `1h 02m`.
pub(crate) fn duration(ms: u64) -> String {
    let tenths = (ms + 50) / 100;
    if tenths < 600 {
        return format!("{}.{}s", tenths / 10, tenths % 10);
    }
    let seconds = (ms + 500) / 1000;
    let minutes = seconds / 60;
    if minutes < 60 {
        return format!("{minutes}m {:02}s", seconds % 60);
    }
    format!("{}h {:02}m", minutes / 60, minutes % 60)
}

/// A size in bytes for people, everywhere the same: `242 B`, `1.2 kB`, `19 MB`. Powers of 1000, as GitHub counts, and cut off.
pub fn bytes(size: u64) -> String {
    let mut unit = (1, "B");
    for next in [(1_000, "kB"), (1_000_000, "MB"), (1_000_000_000, "GB"), (1_000_000_000_000, "TB")] {
        if size >= next.0 {
            unit = next;
        }
    }
    let (whole, tenths) = (size / unit.0, size % unit.0 * 10 / unit.0);
    if whole < 10 && unit.0 > 1 { format!("{whole}.{tenths} {}", unit.1) } else { format!("{whole} {}", unit.1) }
}

/// `5 minutes ago`, `just now`.
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(then.as_second());
    let units = [(86_400, "day"), (3600, "hour"), (60, "minute")];
    match units.iter().find(|(unit, _)| seconds >= *unit) {
        Some((unit, name)) => {
            let number = seconds / unit;
            format!("{number} {name}{} ago", if number == 1 { "" } else { "s" })
        }
        None => "just now".to_owned(),
    }
}

/// `1 warning`, `2 warnings`, `1 simulated`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// `` `a`, `b` ``
pub(crate) fn quoted(names: &[String]) -> String {
    names.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ")
}

/// A text as a shell takes it for one word.
pub fn shell_word(text: &str) -> String {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "-_./=:@+,".contains(it);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// `text` cut to `width` columns; escape sequences take none.
pub(crate) fn cut(text: &str, width: usize, style: Style) -> Cow<'_, str> {
    truncate_str(text, width, style.ellipsis())
}

/// `text` filled up with spaces to `width` columns.
pub(crate) fn pad(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(measure_text_width(text));
    format!("{text}{}", " ".repeat(missing))
}

/// Rows with their cells below each other, two blanks between; numbers, in the columns `right`, stand at the right.
pub fn columns<const N: usize>(rows: &[[String; N]], right: Range<usize>) -> Vec<String> {
    let width = |column: usize| rows.iter().map(|it| measure_text_width(&it[column])).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
            if right.contains(&column) {
                " ".repeat(width.saturating_sub(measure_text_width(cell))) + cell
            } else {
                pad(cell, width)
            }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// Breaks `text` between words into lines of at most `width` columns; a longer word stays whole, and so does what
/// stands between backquotes.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words(text) {
        match lines.last_mut() {
            Some(last) if measure_text_width(last) + 1 + measure_text_width(&word) <= width => {
                last.push(' ');
                last.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

/// Adds the lines of a paragraph that starts with `begin`, and goes on as far in.
pub(crate) fn paragraph(begin: &str, message: &str, style: Style, text: &mut String) {
    let indent = measure_text_width(begin);
    let mut begin = begin.to_owned();
    for line in wrap(&one_line(message), style.width.saturating_sub(indent).max(20)) {
        text.extend([begin.as_str(), &line, "\n"]);
        begin = " ".repeat(indent);
    }
}

/// Adds what to do about something, behind an arrow that stands `indent` columns in.
pub(crate) fn way_out(indent: usize, message: &str, style: Style, text: &mut String) {
    let arrow = style.paint(Label::Notice, if style.unicode { "→ " } else { "-> " });
    paragraph(&format!("{}{arrow}", " ".repeat(indent)), message, style, text);
}

/// The words of a text; code between backquotes is one.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut in_code = false;
    for word in text.split_whitespace() {
        match words.last_mut() {
            Some(last) if in_code => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
        in_code ^= word.matches('`').count() % 2 == 1;
    }
    // A lone backquote begins no code.
    if in_code { text.split_whitespace().map(str::to_owned).collect() } else { words }
}

/// A line of a program as it may be shown: colours stay where there is colour, everything else that moves a cursor,
/// rings a bell or sets a title goes, and of a line that was overwritten with carriage returns the last state remains.
pub(crate) fn clean(line: &str, style: Style) -> Cow<'_, str> {
    if (is_plain(line) && !line.contains('\n')) || !line.contains(|it: char| it.is_control() && it != '\t') {
        return Cow::Borrowed(line);
    }
    let line = line.trim_end_matches('\r');
    let line = line.rsplit('\r').find(|it| !it.is_empty()).unwrap_or_default();
    let mut cleaned = String::with_capacity(line.len());
    let mut colored = false;
    for (part, is_code) in AnsiCodeIterator::new(line) {
        if !is_code {
            cleaned.extend(part.chars().filter(|it| *it == '\t' || !it.is_control()));
        } else if style.color && is_color(part) {
            cleaned.push_str(part);
            colored = true;
        }
    }
    if colored {
        cleaned.push_str("\u{1b}[0m");
    }
    Cow::Owned(cleaned)
}

/// Whether lines are of nothing but ASCII characters that can be shown.
pub(crate) fn is_plain(lines: &str) -> bool {
    none_of(lines, |it| !(b' '..0x7f).contains(&it) && it != b'\t' && it != b'\n')
}

/// Whether no byte is such a one. Looks at all of them: without a way out early it takes many at a time.
pub(crate) fn none_of(text: &str, is_such: impl Fn(u8) -> bool) -> bool {
    !text.as_bytes().iter().fold(false, |found, it| found | is_such(*it))
}

/// A text on one line: one space for each run of blanks, and no control characters.
pub(crate) fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.contains(char::is_control) { line.replace(char::is_control, "") } else { line }
}

fn is_color(code: &str) -> bool {
    let inner = code.strip_prefix("\u{1b}[").and_then(|it| it.strip_suffix('m'));
    inner.is_some_and(|it| it.bytes().all(|byte| byte.is_ascii_digit() || byte == b';' || byte == b':'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations() {
        let cases = [
            (0, "0.0s"),
            (49, "0.0s"),
            (251, "0.3s"),
            (12_345, "12.3s"),
            (59_949, "59.9s"),
            (59_950, "1m 00s"),
            (125_000, "2m 05s"),
            (3_599_499, "59m 59s"),
            (3_599_500, "1h 00m"),
            (3_720_000, "1h 02m"),
        ];
        for (ms, expected) in cases {
            assert_eq!(duration(ms), expected, "{ms}");
        }
    }

    #[test]
    fn sizes() {
        let cases = [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (1_990, "1.9 kB"),
            (10_500, "10 kB"),
            (20_006_445, "20 MB"),
            (5_000_000_000, "5.0 GB"),
            (u64::MAX, "18446744 TB"),
        ];
        for (size, expected) in cases {
            assert_eq!(bytes(size), expected, "{size}");
        }
    }

    #[test]
    fn cleaning() {
        let plain = Style::plain(80);
        let color = Style { color: true, ..plain };
        let cases = [
            ("as is\tä***", "as is\tä***", "as is\tä***"),
            ("\u{1b}[32mok\u{1b}[0m", "ok", "\u{1b}[32mok\u{1b}[0m\u{1b}[0m"),
            ("\u{1b}[2K\u{1b}[1Aup", "up", "up"),
            ("10%\r50%\r100%\r", "100%", "100%"),
            ("be\u{7}ep\u{8}", "beep", "beep"),
            ("\r", "", ""),
        ];
        for (line, without, with) in cases {
            assert_eq!(clean(line, plain), without, "{line:?}");
            assert_eq!(clean(line, color), with, "{line:?}");
        }
    }

    #[test]
    fn wide_characters_count_twice() {
        let style = Style { unicode: true, ..Style::plain(80) };
        assert_eq!(cut("日本語テスト", 7, style), "日本語…");
        assert_eq!(pad("日本", 6), "日本  ");
        assert_eq!(wrap("日本 語テ スト", 9), ["日本 語テ", "スト"]);
        assert_eq!(wrap("see `a b c` d", 5), ["see", "`a b c`", "d"]);
        assert_eq!(wrap("a ` b c", 3), ["a `", "b c"]);
    }

    proptest! {
        #[test]
        fn nothing_cleaned_can_move_the_cursor(line in "[a\\x00-\\x1f\\x7f\\[\\]0-9;mKAJé\\\\]{0,40}") {
            let cleaned = clean(&line, Style::plain(80));
            prop_assert!(cleaned.chars().all(|it| it == '\t' || !it.is_control()), "{cleaned:?}");
        }

        #[test]
        fn wrapped_words_are_the_words(text in "[a-z日 ]{0,80}", width in 1_usize..30) {
            let lines = wrap(&text, width);
            prop_assert_eq!(lines.join(" "), one_line(&text));
            for line in lines {
                prop_assert!(measure_text_width(&line) <= width || !line.contains(' '));
            }
        }
    }
}
