//! `fromJSON`: a reader as lenient as GitHub's.
//!
//! It takes comments, single quotes, names without quotes, trailing commas and text behind the value.
//! Source: GitHub: planning rules P3.10 (Newtonsoft.Json's `JToken.ReadFrom`).

use wfrun_syntax::is_dotnet_whitespace;

use crate::{Array, Object, Value, parse_number};

/// Most levels of collections.
const MAX_DEPTH: usize = 100;

/// Reads the first JSON value of a text; the error is the message GitHub prints.
///
/// Differs: of malformed JSON the message names the same place and cause as GitHub's in the common cases only.
pub(super) fn read(text: &str) -> Result<Value, String> {
    let mut reader = Reader { text, at: 0, path: Vec::new() };
    reader.skip_space()?;
    if reader.rest().is_empty() {
        return Err("Error reading JToken from JsonReader. Path '', line 0, position 0.".to_owned());
    }
    reader.value()
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    path: Vec<Step>,
}

enum Step {
    Name(String),
    Item(usize),
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self, it: char) -> bool {
        let taken = self.rest().starts_with(it);
        if taken {
            self.at += it.len_utf8();
        }
        taken
    }

    fn skip_space(&mut self) -> Result<(), String> {
        loop {
            self.at = self.text.len() - self.rest().trim_start_matches(is_dotnet_whitespace).len();
            if self.rest().starts_with("//") {
                self.at += self.rest().find(['\n', '\r']).unwrap_or(self.rest().len());
            } else if self.rest().starts_with("/*") {
                let len = self.rest().find("*/").ok_or_else(|| self.error("Unexpected end while parsing comment."))?;
                self.at += len + 2;
            } else {
                return Ok(());
            }
        }
    }

    fn value(&mut self) -> Result<Value, String> {
        match self.peek() {
            Some('{') => self.object(),
            Some('[') => self.array(),
            Some(quote @ ('"' | '\'')) => self.string(quote).map(Value::from),
            Some('-' | '.' | '0'..='9') => self.number(),
            Some(it) => self.word(it),
            None => Err(self.error("Unexpected end of content while loading JToken.")),
        }
    }

    fn word(&mut self, first: char) -> Result<Value, String> {
        let known = [
            ("null", Value::Null),
            ("undefined", Value::Null),
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("NaN", Value::Number(f64::NAN)),
            ("Infinity", Value::Number(f64::INFINITY)),
        ];
        for (word, value) in known {
            let ends = |rest: &str| !rest.starts_with(|it: char| it.is_alphanumeric() || it == '_' || it == '$');
            if self.rest().strip_prefix(word).is_some_and(ends) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.error(&format!("Unexpected character encountered while parsing value: {first}.")))
    }

    fn number(&mut self) -> Result<Value, String> {
        if self.rest().starts_with("-Infinity") {
            self.at += "-Infinity".len();
            return Ok(Value::Number(f64::NEG_INFINITY));
        }
        let goes_on = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '+' | '.');
        let len = self.rest().find(|it| !goes_on(it)).unwrap_or(self.rest().len());
        let word = &self.rest()[..len];
        let number = integer_with_prefix(word).unwrap_or_else(|| parse_number(word));
        if number.is_nan() {
            return Err(self.error(&format!("Input string '{word}' is not a valid number.")));
        }
        self.at += len;
        Ok(Value::Number(number))
    }

    fn string(&mut self, quote: char) -> Result<String, String> {
        self.at += 1;
        // UTF-16, because an escape may be half a character.
        let mut units: Vec<u16> = Vec::new();
        loop {
            let Some(it) = self.peek() else {
                return Err(self.error(&format!("Unterminated string. Expected delimiter: {quote}.")));
            };
            self.at += it.len_utf8();
            match it {
                _ if it == quote => return Ok(String::from_utf16_lossy(&units)),
                '\\' => units.push(self.escape()?),
                _ => units.extend_from_slice(it.encode_utf16(&mut [0; 2])),
            }
        }
    }

    fn escape(&mut self) -> Result<u16, String> {
        let it = self.peek().ok_or_else(|| self.error("Unterminated string. Expected delimiter: \"."))?;
        self.at += it.len_utf8();
        Ok(match it {
            'b' => 8,
            't' => 9,
            'n' => 10,
            'f' => 12,
            'r' => 13,
            '"' | '\'' | '\\' | '/' => u16::try_from(u32::from(it)).unwrap_or_default(),
            'u' => {
                let digits = self.rest().get(..4).filter(|it| it.bytes().all(|it| it.is_ascii_hexdigit()));
                let unit = digits.and_then(|it| u16::from_str_radix(it, 16).ok());
                let unit = unit.ok_or_else(|| self.error("Invalid Unicode escape sequence."))?;
                self.at += 4;
                unit
            }
            _ => return Err(self.error(&format!("Bad JSON escape sequence: \\{it}."))),
        })
    }

    fn array(&mut self) -> Result<Value, String> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.enter(Step::Item(items.len()))?;
            self.skip_space()?;
            if self.take(']') {
                self.path.pop();
                return Ok(Value::Array(Array::new(items)));
            }
            if self.peek() == Some(',') {
                // A missing item is read as nothing at all.
                items.push(Value::Null);
            } else {
                items.push(self.value()?);
            }
            self.path.pop();
            self.separator(']', "JArray")?;
        }
    }

    fn object(&mut self) -> Result<Value, String> {
        self.at += 1;
        let mut members: Vec<(String, Value)> = Vec::new();
        loop {
            self.skip_space()?;
            if self.take('}') {
                return Ok(Value::Object(members.into_iter().collect::<Object>()));
            }
            let name = self.name()?;
            self.enter(Step::Name(name.clone()))?;
            self.skip_space()?;
            if !self.take(':') {
                let found = self.peek().map_or_else(String::new, String::from);
                return Err(self
                    .error(&format!("Invalid character after parsing property name. Expected ':' but got: {found}.")));
            }
            self.skip_space()?;
            let value = self.value()?;
            self.path.pop();
            members.push((name, value));
            self.separator('}', "JObject")?;
        }
    }

    fn name(&mut self) -> Result<String, String> {
        match self.peek() {
            Some(quote @ ('"' | '\'')) => self.string(quote),
            Some(it) if it.is_alphanumeric() || it == '_' || it == '$' => {
                let goes_on = |it: char| it.is_alphanumeric() || it == '_' || it == '$';
                let len = self.rest().find(|it| !goes_on(it)).unwrap_or(self.rest().len());
                let name = self.rest()[..len].to_owned();
                self.at += len;
                Ok(name)
            }
            Some(it) => Err(self.error(&format!("Invalid property identifier character: {it}."))),
            None => Err(self.error("Unexpected end of content while loading JObject.")),
        }
    }

    /// Reads `,`, or stops before the closing bracket.
    fn separator(&mut self, closing: char, what: &str) -> Result<(), String> {
        self.skip_space()?;
        match self.peek() {
            Some(',') => {
                self.at += 1;
                Ok(())
            }
            Some(it) if it == closing => Ok(()),
            Some(it) => {
                Err(self.error(&format!("After parsing a value an unexpected character was encountered: {it}.")))
            }
            None => Err(self.error(&format!("Unexpected end of content while loading {what}."))),
        }
    }

    fn enter(&mut self, step: Step) -> Result<(), String> {
        if self.path.len() >= MAX_DEPTH {
            return Err(self.error(&format!("The reader's MaxDepth of {MAX_DEPTH} has been exceeded.")));
        }
        self.path.push(step);
        Ok(())
    }

    /// Adds path, line and position (in UTF-16 units) to a message, in Newtonsoft's way.
    fn error(&self, what: &str) -> String {
        let before = &self.text[..self.at];
        let line = before.matches('\n').count() + usize::from(!before.is_empty());
        let position = before.rsplit('\n').next().unwrap_or_default().encode_utf16().count();
        let mut path = String::new();
        for step in &self.path {
            match step {
                Step::Name(name) if path.is_empty() => path.push_str(name),
                Step::Name(name) => path = format!("{path}.{name}"),
                Step::Item(at) => path = format!("{path}[{at}]"),
            }
        }
        format!("{what} Path '{path}', line {line}, position {position}.")
    }
}

/// Newtonsoft reads `0x1F`, and `017` as octal.
fn integer_with_prefix(word: &str) -> Option<f64> {
    let (digits, radix) = match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (word.strip_prefix('0').filter(|it| !it.is_empty())?, 8),
    };
    // `from_str_radix` would take a sign between prefix and digits.
    if !digits.bytes().all(|it| it.is_ascii_alphanumeric()) {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "every number becomes a double")]
    i64::from_str_radix(digits, radix).ok().map(|it| it as f64)
}
