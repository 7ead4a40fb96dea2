//! Whether a line of `schedule` is one that GitHub takes.
use thiserror::Error;

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum CronError {
    /// Another number of fields than five.
    #[error("there are {0} fields, and must be 5: minute hour day month weekday")]
    Fields(usize),
    /// A field that cannot be read or is out of range.
    #[error("`{text}` is no {name}: {range}")]
    Field {
        /// The field.
        text: String,
        /// Which one it is.
        name: &'static str,
        /// What it may be.
        range: &'static str,
    },
}

struct Range {
    name: &'static str,
    words: &'static str,
    least: u32,
    most: u32,
    /// Names of the values from `least` on.
    names: &'static [&'static str],
}

const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const RANGES: [Range; 5] = [
    Range { name: "minute", words: "0-59", least: 0, most: 59, names: &[] },
    Range { name: "hour", words: "0-23", least: 0, most: 23, names: &[] },
    Range { name: "day of the month", words: "1-31", least: 1, most: 31, names: &[] },
    Range { name: "month", words: "1-12 or jan-dec", least: 1, most: 12, names: MONTHS },
    Range { name: "day of the week", words: "0-6 or sun-sat", least: 0, most: 6, names: DAYS },
];

/// Checks a line: five fields of `*`, numbers, names, lists, ranges and steps.
///
/// Source: GitHub: planning rules 2.8.
pub(super) fn check(line: &str) -> Result<(), CronError> {
    let fields: Vec<_> = line.split(' ').filter(|it| !it.is_empty()).collect();
    // GitHub splits at blanks and takes none at the ends.
    if fields.len() != RANGES.len() || line.starts_with(' ') || line.ends_with(' ') {
        return Err(CronError::Fields(line.split(' ').filter(|it| !it.is_empty()).count()));
    }
    for (field, range) in fields.iter().zip(&RANGES) {
        if !field.split(',').all(|it| is_item(it, range)) {
            return Err(CronError::Field { text: (*field).to_owned(), name: range.name, range: range.words });
        }
    }
    Ok(())
}

fn is_item(text: &str, range: &Range) -> bool {
    match text.split_once('/') {
        Some((start, step)) => {
            let positive = step.parse::<u32>().is_ok_and(|it| it > 0 && (range.least..=range.most).contains(&it));
            positive && is_span(start, range)
        }
        None => is_span(text, range),
    }
}

fn is_span(text: &str, range: &Range) -> bool {
    if text == "*" {
        return true;
    }
    match text.split_once('-') {
        Some((from, to)) => match (value(from, range), value(to, range)) {
            (Some(from), Some(to)) => from <= to,
            _ => false,
        },
        None => value(text, range).is_some(),
    }
}

fn value(text: &str, range: &Range) -> Option<u32> {
    let named = range.names.iter().position(|it| text.eq_ignore_ascii_case(it)).and_then(|it| u32::try_from(it).ok());
    let digits = text.bytes().all(|it| it.is_ascii_digit());
    let number = named.map(|it| it + range.least).or_else(|| text.parse().ok().filter(|_| digits))?;
    (range.least..=range.most).contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        for line in [
            "* * * * *",
            "*/15 0-6,12 1 JAN-mar mon-FRI",
            "0  3 * * 0",
            "5/10 * * * *",
            "0-59/2 * 31 12 sat",
            "00 01 * * *",
        ] {
            assert_eq!(check(line), Ok(()), "{line}");
        }
        for line in [
            "",
            "* * * *",
            "* * * * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * 32 * *",
            "* * * 13 *",
            "* * * * 7",
            "@daily",
            "*/0 * * * *",
            "* * * foo *",
            "5-1 * * * *",
            "1,,2 * * * *",
            "1/ * * * *",
            "? * * * *",
            "* * L * *",
            "+1 * * * *",
            "mon * * * *",
            " * * * * *",
        ] {
            assert!(check(line).is_err(), "{line}");
        }
    }
}
