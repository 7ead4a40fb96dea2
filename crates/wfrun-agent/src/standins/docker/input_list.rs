//! Inputs that are lists, as docker's actions read them.

use crate::standins::toolkit;

/// How an input's text is taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Split {
    /// At line breaks and commas.
    Commas,
    /// At line breaks; a comma belongs to its entry, and quotes hold a line break.
    Lines,
    /// At line breaks, and quotes are letters as others.
    RawLines,
}

/// The entries of an input.
pub(super) fn input_list(name: &str, split: Split) -> Vec<String> {
    list(&toolkit::input(name), split)
}

/// The entries of a text: trimmed, without empty ones.
///
/// Source: `docker/actions-toolkit`, `src/util.ts`, `getList`, over `csv-parse` with `relaxQuotes`.
pub(super) fn list(text: &str, split: Split) -> Vec<String> {
    let records = records(text, split != Split::RawLines);
    let mut entries = Vec::new();
    for record in records {
        match (split, record.as_slice()) {
            // A quoted field's commas split it, too.
            (Split::Commas, [one]) => entries.extend(one.split(',').map(str::to_owned)),
            (Split::Commas, _) => entries.extend(record),
            (Split::Lines | Split::RawLines, _) => entries.push(record.join(",")),
        }
    }
    entries.into_iter().filter(|it| !it.is_empty()).map(|it| it.trim().to_owned()).collect()
}

/// The fields of a line with commas, quoted where need be: `type=image,"name=a,b"`.
pub(super) fn fields(line: &str) -> Vec<String> {
    records(line, true).into_iter().next().unwrap_or_default().into_iter().map(|it| it.trim().to_owned()).collect()
}

/// The records of a CSV text. A quote in the middle of a field is a letter, and so is what follows a closing one.
fn records(text: &str, with_quotes: bool) -> Vec<Vec<String>> {
    let (mut records, mut record, mut field) = (Vec::new(), Vec::new(), String::new());
    let mut letters = text.chars().peekable();
    let mut is_start = true;
    while let Some(letter) = letters.next() {
        match letter {
            '"' if with_quotes && is_start => {
                is_start = false;
                let (inside, is_closed) = quoted(&mut letters);
                if is_closed {
                    field.push_str(&inside);
                } else {
                    field.push('"');
                    field.push_str(&inside);
                }
            }
            ',' => {
                record.push(std::mem::take(&mut field));
                is_start = true;
            }
            '\r' if letters.peek() == Some(&'\n') => {}
            '\n' => {
                record.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut record));
                is_start = true;
            }
            other => {
                is_start = false;
                field.push(other);
            }
        }
    }
    record.push(field);
    records.push(record);
    records.retain(|record| record.len() > 1 || record.iter().any(|it| !it.is_empty()));
    records
}

/// What stands up to the closing quote, `""` being one; and whether there is one.
fn quoted(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> (String, bool) {
    let mut inside = String::new();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if letters.peek() == Some(&'"') => {
                letters.next();
                inside.push('"');
            }
            '"' => return (inside, true),
            other => inside.push(other),
        }
    }
    (inside, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_lists() {
        let cases: &[(&str, Split, &[&str])] = &[
            ("", Split::Commas, &[]),
            ("a:1,b:2", Split::Commas, &["a:1", "b:2"]),
            ("a:1\nb:2, c:3\n\n  d:4", Split::Commas, &["a:1", "b:2", "c:3", "d:4"]),
            ("a\r\nb", Split::Commas, &["a", "b"]),
            ("\"a,b\"", Split::Commas, &["a", "b"]),
            ("a,,b,", Split::Commas, &["a", "b"]),
            ("A=1,2\nB=3", Split::Lines, &["A=1,2", "B=3"]),
            ("\"MULTI=one\ntwo\"\nB=\"x\"", Split::Lines, &["MULTI=one\ntwo", "B=\"x\""]),
            ("\"A=say \"\"hi\"\"\"", Split::Lines, &["A=say \"hi\""]),
            ("type=image,\"name=a,b\"", Split::Lines, &["type=image,name=a,b"]),
            ("type=image,\"name=a,b\"", Split::RawLines, &["type=image,\"name=a,b\""]),
        ];
        for (text, split, want) in cases {
            assert_eq!(list(text, *split), *want, "{text:?} {split:?}");
        }
        assert_eq!(fields("type=image,\"name=a,b\", push=true"), ["type=image", "name=a,b", "push=true"]);
        assert_eq!(fields("./out"), ["./out"]);
    }
}
