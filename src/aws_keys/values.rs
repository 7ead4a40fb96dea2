//! AWS keys by what they look like.
use std::collections::BTreeSet;

use super::KeyPart;

/// `AKIA` or `ASIA` and 16 more: no other secret looks like that.
pub(super) fn is_key_id(value: &str) -> bool {
    let rest = value.strip_prefix("AKIA").or_else(|| value.strip_prefix("ASIA"));
    rest.is_some_and(|it| it.len() == 16 && it.chars().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit()))
}

/// 40 letters of Base64, of each kind; also other secrets look like that.
pub(super) fn is_secret_key(value: &str) -> bool {
    let has = |is: fn(&char) -> bool| value.chars().any(|it| is(&it));
    value.len() == 40
        && value.chars().all(of_key)
        && has(char::is_ascii_uppercase)
        && has(char::is_ascii_lowercase)
        && has(char::is_ascii_digit)
}

/// Whether a text holds a key id.
pub(super) fn has_key_id(text: &str) -> bool {
    words(text).any(|(_, it)| is_key_id(it))
}

fn of_key(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '/' | '+')
}

/// The longest pieces of a text that a key could be, with their places.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split(|it| !of_key(it)).map(move |it| {
        let start = at;
        // What separates them may have several bytes, but is one character.
        at += it.len() + text[at + it.len()..].chars().next().map_or(0, char::len_utf8);
        (start, it)
    })
}

/// What takes the place of keys within texts.
#[derive(Debug)]
pub(super) struct Replacement {
    id: String,
    secret: String,
    /// Real values that are known.
    known: Vec<(String, KeyPart)>,
    /// Real values that were found.
    found: BTreeSet<String>,
}

impl Replacement {
    pub(super) fn new(id: String, secret: String) -> Self {
        Self { id, secret, known: Vec::new(), found: BTreeSet::new() }
    }

    /// A real value. A short one would be found where nobody meant it.
    pub(super) fn know(&mut self, real: &str, part: KeyPart) {
        const SHORTEST: usize = 16;
        if real.len() >= SHORTEST {
            self.known.push((real.to_owned(), part));
        }
    }

    /// The text with other keys in it; nothing where it holds none.
    pub(super) fn of(&mut self, text: &str) -> Option<String> {
        let mut out = text.to_owned();
        for (real, part) in &self.known {
            let other = match part {
                KeyPart::Id => self.id.as_str(),
                KeyPart::Secret => self.secret.as_str(),
                KeyPart::Session => "",
            };
            out = out.replace(real, other);
        }
        // Keys that nobody gave alone: the id tells that what looks like the other half is one.
        let mine = (self.id.clone(), self.secret.clone());
        let is_other = |it: &str| it != mine.0 && it != mine.1;
        if words(&out).any(|(_, it)| is_key_id(it) && is_other(it)) {
            let before = std::mem::take(&mut out);
            let mut end = 0;
            for (start, word) in words(&before) {
                let other = match word {
                    it if is_key_id(it) && is_other(it) => &mine.0,
                    it if is_secret_key(it) && is_other(it) => &mine.1,
                    _ => continue,
                };
                out.push_str(&before[end..start]);
                out.push_str(other);
                end = start + word.len();
                self.found.insert(word.to_owned());
            }
            out.push_str(&before[end..]);
        }
        (out != text).then_some(out)
    }

    /// Keys that were found within texts.
    pub(super) fn into_found(self) -> impl Iterator<Item = String> {
        self.found.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "AKIAIOSFODNN7EXAMPLE";
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    #[test]
    fn what_looks_like_a_key() {
        assert!(is_key_id(ID));
        for it in ["AKIAIOSFODNN7EXAMPL", "ghp_abc", "AKIAiosfodnn7example"] {
            assert!(!is_key_id(it), "{it}");
        }
        assert!(is_secret_key(SECRET));
        for it in [
            "ghp_abcdefghijABCDEFGHIJ0123456789abcdef",
            "0123456789abcdef0123456789abcdef01234567",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKE",
        ] {
            assert!(!is_secret_key(it), "{it}");
        }
    }

    #[test]
    fn keys_within_texts() {
        let mut replacement = Replacement::new("ID".to_owned(), "KEY".to_owned());
        replacement.know("known-value-of-a-key", KeyPart::Secret);
        for (text, expected) in [
            (format!("{{\"id\":\"{ID}\",\"key\":\"{SECRET}\"}}"), Some("{\"id\":\"ID\",\"key\":\"KEY\"}".to_owned())),
            (format!("[prod]\nid = {ID}\nkey={SECRET}\n"), Some("[prod]\nid = ID\nkey=KEY\n".to_owned())),
            (format!("ö{ID}ö"), Some("öIDö".to_owned())),
            ("a known-value-of-a-key b".to_owned(), Some("a KEY b".to_owned())),
            // Nothing tells what this is.
            (SECRET.to_owned(), None),
            (format!("X{ID}"), None),
            (String::new(), None),
        ] {
            assert_eq!(replacement.of(&text), expected, "{text}");
        }
        assert_eq!(replacement.into_found().collect::<Vec<_>>(), [ID, SECRET]);
    }
}
