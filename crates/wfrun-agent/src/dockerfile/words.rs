//! Words, key-value pairs, flags and JSON lists of instructions.

use super::{Fault, Place};

/// Words between blanks.
pub(super) fn split(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// A JSON list of strings; anything else is not meant as one.
pub(super) fn json_words(text: &str) -> Option<Vec<String>> {
    if !text.starts_with('[') {
        return None;
    }
    serde_json::from_str(text).ok()
}

/// Words between blanks that are not quoted; quotes and escapes stay in them.
pub(super) fn quoted_words(text: &str, escape: char) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            (letter, None) if letter.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                continue;
            }
            ('\'' | '"', None) => quote = Some(letter),
            (letter, Some(open)) if letter == open => quote = None,
            (letter, quote) if letter == escape && quote != Some('\'') => {
                word.push(letter);
                word.extend(letters.next());
                continue;
            }
            _ => {}
        }
        word.push(letter);
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// `k=v k2="v 2"`, or the old form `k all the rest`.
pub(super) fn pairs(place: &Place, name: &str, rest: &str, escape: char) -> Result<Vec<(String, String)>, Fault> {
    let words = quoted_words(rest, escape);
    let first = words.first().map(String::as_str).unwrap_or_default();
    if !first.contains('=') {
        let (key, value) = rest.split_once(char::is_whitespace).ok_or_else(|| {
            place.parse_error(format!("{name} must have two arguments")).help(format!("write `{name} {rest}=value`"))
        })?;
        return Ok(vec![(key.to_owned(), value.trim().to_owned())]);
    }
    let pair = |word: &String| match word.split_once('=') {
        Some(("", _)) => Err(place.parse_error(format!("{name} names can not be blank"))),
        Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
        None => {
            let message = format!("Syntax error - can't find = in \"{word}\". Must be of the form: name=value");
            Err(place.parse_error(message))
        }
    };
    words.iter().map(pair).collect()
}

/// The `--name=value` words before an instruction's arguments.
#[derive(Debug, Default)]
pub(super) struct Flags {
    flags: Vec<(String, String)>,
}

impl Flags {
    /// Takes the flags off the front; gives what remains. Only some instructions have any.
    pub(super) fn take<'t>(name: &str, rest: &'t str) -> (Self, &'t str) {
        let mut flags = Self::default();
        let mut rest = rest;
        if known(name).is_empty() {
            return (flags, rest);
        }
        while let Some(flag) = rest.strip_prefix("--") {
            let (flag, after) = flag.split_once(char::is_whitespace).unwrap_or((flag, ""));
            let (key, value) = flag.split_once('=').unwrap_or((flag, "true"));
            flags.flags.push((key.to_owned(), value.to_owned()));
            rest = after.trim_start();
        }
        (flags, rest)
    }

    pub(super) fn get(&self, name: &str) -> Option<String> {
        self.flags.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    }

    /// Fails for a flag that the instruction does not have.
    pub(super) fn all_known(&self, place: &Place, name: &str, rest: &str) -> Result<(), Fault> {
        let known = known(name);
        match self.flags.iter().find(|(key, _)| !known.contains(&key.as_str())) {
            None => Ok(()),
            Some((key, _)) => {
                let fault = place.parse_error(format!("unknown flag: --{key}"));
                Err(fault.help(format!(
                    "`{name} … {rest}` takes {}",
                    known.iter().map(|it| format!("--{it}")).collect::<Vec<_>>().join(", ")
                )))
            }
        }
    }
}

/// `mount`, `network` and `security` matter to `RUN` only where it is carried out, `link` and `parents` to no result here.
fn known(name: &str) -> &'static [&'static str] {
    match name {
        "FROM" => &["platform"],
        "COPY" => &["from", "chown", "chmod", "link"],
        "ADD" => &["chown", "chmod", "link"],
        "RUN" => &["mount", "network", "security"],
        "HEALTHCHECK" => &["interval", "timeout", "start-period", "start-interval", "retries"],
        _ => &[],
    }
}
