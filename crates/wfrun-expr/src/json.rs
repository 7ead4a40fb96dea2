//! Values as JSON: `toJSON`, and the plain JSON of journals and reports.

use std::fmt::{self, Write as _};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use wfrun_syntax::format_number;

use crate::{
    Array, Object, Value,
    memory::{Counter, Exceeded},
};

/// Writes what `toJSON` returns.
///
/// Source: GitHub: planning rules P3.9.
pub(crate) fn write(value: &Value) -> String {
    write_counted(value, &mut Counter::new(usize::MAX)).unwrap_or_default()
}

/// Writes what `toJSON` returns and counts each piece, as GitHub does, before the next is written.
pub(crate) fn write_counted(value: &Value, counter: &mut Counter) -> Result<String, Exceeded> {
    let mut writer = Writer { out: String::new(), counted: 0, counter };
    writer.value(value, 0)?;
    Ok(writer.out)
}

struct Writer<'c> {
    out: String,
    /// Bytes of `out` that were counted.
    counted: usize,
    counter: &'c mut Counter,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value, level: usize) -> Result<(), Exceeded> {
        match value {
            Value::Array(items) if !items.is_empty() => {
                self.out.push('[');
                self.count()?;
                for (at, item) in items.iter().enumerate() {
                    self.start_line(level + 1, at > 0);
                    self.value(item, level + 1)?;
                }
                self.start_line(level, false);
                self.out.push(']');
            }
            Value::Object(members) if !members.is_empty() => {
                self.out.push('{');
                self.count()?;
                for (at, (key, member)) in members.iter().enumerate() {
                    self.start_line(level + 1, at > 0);
                    write_string(&mut self.out, key);
                    self.count()?;
                    self.out.push_str(": ");
                    self.value(member, level + 1)?;
                }
                self.start_line(level, false);
                self.out.push('}');
            }
            Value::Array(_) => self.out.push_str("[]"),
            Value::Object(_) => self.out.push_str("{}"),
            Value::Null => self.out.push_str("null"),
            Value::String(it) => write_string(&mut self.out, it),
            Value::Bool(_) | Value::Number(_) => self.out.push_str(&value.text()),
        }
        self.count()
    }

    fn start_line(&mut self, level: usize, comma: bool) {
        if comma {
            self.out.push(',');
        }
        self.out.push('\n');
        for _ in 0..level {
            self.out.push_str("  ");
        }
    }

    /// Counts what was written since the last time.
    fn count(&mut self) -> Result<(), Exceeded> {
        let piece = self.out.get(self.counted..).unwrap_or_default();
        self.counted += piece.len();
        self.counter.add_text(piece)
    }
}

fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for it in text.chars() {
        match it {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                write!(out, "\\u{:04x}", u32::from(it)).expect("a String takes any text");
            }
            _ => out.push(it),
        }
    }
    out.push('"');
}

/// Returns a whole number JSON readers keep exact; as GitHub has doubles only, 1.0 is written 1.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0).then_some(number as i64)
}

/// Plain JSON; numbers JSON does not have are the strings `NaN`, `Infinity` and `-Infinity`.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(it) => serializer.serialize_bool(*it),
            Self::Number(it) => match whole(*it) {
                Some(whole) => serializer.serialize_i64(whole),
                None if it.is_finite() => serializer.serialize_f64(*it),
                None => serializer.serialize_str(&format_number(*it)),
            },
            Self::String(it) => serializer.serialize_str(it),
            Self::Array(it) => it.serialize(serializer),
            Self::Object(it) => it.serialize(serializer),
        }
    }
}

impl Serialize for Array {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// Any JSON; objects look up members without case.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E>(self, it: bool) -> Result<Value, E> {
        Ok(Value::Bool(it))
    }

    fn visit_i64<E>(self, it: i64) -> Result<Value, E> {
        Ok(Value::Number(nearest(&serde_json::Number::from(it))))
    }

    fn visit_u64<E>(self, it: u64) -> Result<Value, E> {
        Ok(Value::Number(nearest(&serde_json::Number::from(it))))
    }

    fn visit_f64<E>(self, it: f64) -> Result<Value, E> {
        Ok(Value::Number(it))
    }

    fn visit_str<E>(self, it: &str) -> Result<Value, E> {
        Ok(Value::from(it))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(Array::new(items)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut members: Vec<(String, Value)> = Vec::new();
        while let Some(member) = access.next_entry()? {
            members.push(member);
        }
        Ok(Value::Object(Object::from_members(members)))
    }
}

fn nearest(number: &serde_json::Number) -> f64 {
    number.as_f64().unwrap_or(f64::NAN)
}

impl From<serde_json::Value> for Value {
    fn from(value: serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(it) => Self::Bool(it),
            serde_json::Value::Number(it) => Self::Number(nearest(&it)),
            serde_json::Value::String(it) => Self::from(it),
            serde_json::Value::Array(items) => Self::Array(items.into_iter().map(Self::from).collect()),
            serde_json::Value::Object(members) => {
                Self::Object(members.into_iter().map(|(key, value)| (key, Self::from(value))).collect())
            }
        }
    }
}

impl From<Value> for serde_json::Value {
    fn from(value: Value) -> Self {
        Self::from(&value)
    }
}

impl From<&Value> for serde_json::Value {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(it) => Self::Bool(*it),
            Value::Number(it) => match whole(*it) {
                Some(whole) => Self::from(whole),
                None if it.is_finite() => Self::from(*it),
                None => Self::String(format_number(*it)),
            },
            Value::String(it) => Self::String(it.to_string()),
            Value::Array(items) => Self::Array(items.iter().map(Self::from).collect()),
            Value::Object(members) => {
                Self::Object(members.iter().map(|(key, value)| (key.to_owned(), Self::from(value))).collect())
            }
        }
    }
}
