//! Strings, names, numbers and words.

use wfrun_syntax::is_dotnet_whitespace;

use super::Reader;
use crate::{Value, parse_number};

/// Most digits of an integer.
///
/// Source: GitHub: `MaximumJavascriptIntegerCharacterLength` of Newtonsoft.Json 13.
const MAX_INTEGER: usize = 380;

impl Reader<'_> {
    /// Reads what starts with `first` and is no collection.
    pub(super) fn scalar(&mut self, first: char) -> Result<Value, String> {
        let second = self.cursor.rest().chars().nth(1);
        match (first, second) {
            ('"' | '\'', _) => self.string(first).map(Value::from),
            ('t', _) => self.word("true", Value::Bool(true), "Error parsing boolean value."),
            ('f', _) => self.word("false", Value::Bool(false), "Error parsing boolean value."),
            ('n', Some('u')) => self.word("null", Value::Null, "Error parsing null value."),
            ('n', None) => {
                self.cursor.bump();
                Err(self.cursor.error("Unexpected end when reading JSON."))
            }
            ('n', Some('e')) => {
                let read = self.word("new", Value::Null, "Unexpected content while parsing JSON.");
                read.and_then(|_| Err(self.unexpected(first)))
            }
            // GitHub makes a string of what is not defined.
            ('u', _) => self.word("undefined", Value::from(""), "Error parsing undefined value."),
            ('N', _) => self.word("NaN", Value::Number(f64::NAN), "Error parsing NaN value."),
            ('I', _) => self.word("Infinity", Value::Number(f64::INFINITY), "Error parsing Infinity value."),
            ('-', Some('I')) => {
                self.word("-Infinity", Value::Number(f64::NEG_INFINITY), "Error parsing -Infinity value.")
            }
            _ if first == '-' || first == '.' || first.is_numeric() => self.number(),
            _ => Err(self.unexpected(first)),
        }
    }

    fn unexpected(&self, found: char) -> String {
        self.cursor.error(&format!("Unexpected character encountered while parsing value: {found}."))
    }

    fn word(&mut self, word: &str, value: Value, otherwise: &str) -> Result<Value, String> {
        let rest = self.cursor.rest();
        let same = rest.chars().zip(word.chars()).take_while(|(a, b)| a == b).count();
        if rest.encode_utf16().take(word.len()).count() < word.len() {
            self.cursor.skip_all();
            return Err(self.cursor.error("Unexpected end when reading JSON."));
        }
        self.cursor.skip(same);
        let ends = match rest.get(same..).unwrap_or_default().as_bytes() {
            [] | [b',' | b'}' | b']' | 0, ..] | [b'/', b'/' | b'*', ..] => true,
            _ => rest.get(same..).is_some_and(|it| it.starts_with(is_dotnet_whitespace)),
        };
        if same == word.len() && ends {
            return Ok(value);
        }
        Err(self.cursor.error(otherwise))
    }

    fn number(&mut self) -> Result<Value, String> {
        let rest = self.cursor.rest();
        let goes_on = |it: char| matches!(it, '-' | '+' | '.' | 'x' | 'X') || it.is_ascii_hexdigit();
        let len = rest.find(|it| !goes_on(it)).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(len);
        self.cursor.skip(len);
        if let Some(found) = behind.chars().next()
            && !matches!(found, ',' | '}' | ']' | ')' | '/' | '\0')
            && !is_dotnet_whitespace(found)
        {
            let what = format!("Unexpected character encountered while parsing number: {found}.");
            return Err(self.cursor.error(&what));
        }
        if len > MAX_INTEGER && word.bytes().skip(1).all(|it| it.is_ascii_digit()) {
            self.cursor.finish_value();
            return Err(self.cursor.error(&format!("JavaScript integer {word} is too large to parse.")));
        }
        let number = if has_prefix(word) { integer_with_prefix(word) } else { parse_decimal(word) };
        number.map(Value::Number).ok_or_else(|| {
            self.cursor.finish_value();
            self.cursor.error(&format!("Input string '{word}' is not a valid number."))
        })
    }

    pub(super) fn string(&mut self, quote: char) -> Result<String, String> {
        self.cursor.bump();
        // UTF-16, because an escape may be half a character.
        let mut units: Vec<u16> = Vec::new();
        let mut text = String::new();
        loop {
            let rest = self.cursor.rest();
            let plain = rest.find([quote, '\\']).unwrap_or(rest.len());
            let (before, behind) = rest.split_at(plain);
            if !before.is_empty() {
                flush(&mut units, &mut text);
                text.push_str(before);
            }
            self.cursor.skip(plain);
            match behind.chars().next() {
                None => return Err(self.unterminated(quote)),
                Some('\\') => {
                    self.cursor.bump();
                    units.push(self.escape(quote)?);
                }
                Some(_) => {
                    self.cursor.bump();
                    flush(&mut units, &mut text);
                    return Ok(text);
                }
            }
        }
    }

    fn unterminated(&self, quote: char) -> String {
        self.cursor.error(&format!("Unterminated string. Expected delimiter: {quote}."))
    }

    fn escape(&mut self, quote: char) -> Result<u16, String> {
        let it = self.cursor.bump().ok_or_else(|| self.unterminated(quote))?;
        Ok(match it {
            'b' => 8,
            't' => 9,
            'n' => 10,
            'f' => 12,
            'r' => 13,
            '"' | '\'' | '\\' | '/' => u16::try_from(u32::from(it)).unwrap_or_default(),
            'u' => self.unicode()?,
            _ => return Err(self.cursor.error(&format!("Bad JSON escape sequence: \\{it}."))),
        })
    }

    /// The four digits behind `\u`; the reader wants to see one character more.
    fn unicode(&mut self) -> Result<u16, String> {
        let rest = self.cursor.rest();
        if rest.encode_utf16().take(5).count() < 5 {
            return Err(self.cursor.error("Unexpected end while parsing Unicode escape sequence."));
        }
        let digits = rest.get(..4).filter(|it| it.bytes().all(|it| it.is_ascii_hexdigit()));
        let Some(unit) = digits.and_then(|it| u16::from_str_radix(it, 16).ok()) else {
            let digits: String = rest.chars().take(4).collect();
            return Err(self.cursor.error(&format!("Invalid Unicode escape sequence: \\u{digits}.")));
        };
        self.cursor.skip(4);
        Ok(unit)
    }

    /// Reads the name of a member and the colon behind it.
    pub(super) fn name(&mut self, first: char) -> Result<String, String> {
        let name = if matches!(first, '"' | '\'') {
            self.string(first)?
        } else if is_identifier(first) {
            let rest = self.cursor.rest();
            let len = rest.find(|it| !is_identifier(it)).unwrap_or(rest.len());
            let (name, behind) = rest.split_at(len);
            self.cursor.skip(len);
            match behind.chars().next() {
                None => return Err(self.cursor.error("Unexpected end while parsing unquoted property name.")),
                Some(it) if it == ':' || it == '\0' || is_dotnet_whitespace(it) => name.to_owned(),
                Some(it) => {
                    let what = format!("Invalid JavaScript property identifier character: {it}.");
                    return Err(self.cursor.error(&what));
                }
            }
        } else {
            return Err(self.cursor.error(&format!("Invalid property identifier character: {first}.")));
        };
        self.cursor.skip_space();
        if self.cursor.peek() != Some(':') {
            // GitHub prints U+0000 where the text ends.
            let found = self.cursor.peek().unwrap_or_default();
            let what = format!("Invalid character after parsing property name. Expected ':' but got: {found}.");
            return Err(self.cursor.error(&what));
        }
        self.cursor.bump();
        Ok(name)
    }
}

/// Half a character becomes U+FFFD.
fn flush(units: &mut Vec<u16>, text: &mut String) {
    if !units.is_empty() {
        text.push_str(&String::from_utf16_lossy(units));
        units.clear();
    }
}

fn is_identifier(it: char) -> bool {
    it.is_alphanumeric() || it == '_' || it == '$'
}

fn parse_decimal(word: &str) -> Option<f64> {
    let number = if word.contains(['x', 'X']) { f64::NAN } else { parse_number(word) };
    (!number.is_nan()).then_some(number)
}

/// Whether a number is one of base 16 or 8.
fn has_prefix(word: &str) -> bool {
    word.strip_prefix('0').is_some_and(|it| !it.is_empty() && !it.starts_with(['.', 'e', 'E']))
}

/// `0x1F`, and `017` as octal, in 64 bits.
#[expect(clippy::cast_precision_loss, reason = "every number becomes a double")]
fn integer_with_prefix(word: &str) -> Option<f64> {
    let (digits, radix) = match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (word, 8),
    };
    // `from_str_radix` would take a sign between prefix and digits.
    let plain = digits.bytes().all(|it| it.is_ascii_alphanumeric());
    plain.then(|| u64::from_str_radix(digits, radix).ok()).flatten().map(|it| it.cast_signed() as f64)
}
