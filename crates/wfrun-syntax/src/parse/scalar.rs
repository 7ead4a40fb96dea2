//! The kind of a scalar.
//!
//! Source: GitHub: planning rules P1.2 (`YamlObjectReader` of actions/runner: YAML 1.2's core schema).

use crate::{ScalarStyle, number::parse_hex_or_octal};

/// A scalar whose kind is found.
#[derive(Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Number(f64),
    String,
}

/// Why a scalar does not go with its tag; the texts are GitHub's.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TagError {
    /// A typed tag on a quoted or block scalar.
    Style,
    /// The text is not of the tag's type, or a hexadecimal number is wider than 32 bits.
    Value(&'static str),
    /// None of the five tags GitHub knows.
    Unknown,
}

const PREFIX: &str = "tag:yaml.org,2002:";

/// Finds the kind of a scalar with an optional tag, which is given in full: `tag:yaml.org,2002:int`.
pub(super) fn resolve(text: &str, style: ScalarStyle, tag: Option<&str>) -> Result<Scalar, TagError> {
    let Some(tag) = tag else {
        return if style == ScalarStyle::Plain { resolve_plain(text) } else { Ok(Scalar::String) };
    };
    let kind = tag.strip_prefix(PREFIX).ok_or(TagError::Unknown)?;
    let found = match kind {
        "str" => return Ok(Scalar::String),
        "null" => null(text),
        "bool" => boolean(text),
        "int" => integer(text).transpose()?,
        "float" => float(text),
        _ => return Err(TagError::Unknown),
    };
    if style != ScalarStyle::Plain {
        return Err(TagError::Style);
    }
    let kinds = ["null", "bool", "int", "float"];
    found.ok_or_else(|| TagError::Value(kinds.into_iter().find(|it| *it == kind).unwrap_or("str")))
}

fn resolve_plain(text: &str) -> Result<Scalar, TagError> {
    if let Some(found) = null(text).or_else(|| boolean(text)) {
        return Ok(found);
    }
    Ok(integer(text).transpose()?.or_else(|| float(text)).unwrap_or(Scalar::String))
}

fn null(text: &str) -> Option<Scalar> {
    matches!(text, "" | "~" | "null" | "Null" | "NULL").then_some(Scalar::Null)
}

fn boolean(text: &str) -> Option<Scalar> {
    match text {
        "true" | "True" | "TRUE" => Some(Scalar::Bool(true)),
        "false" | "False" | "FALSE" => Some(Scalar::Bool(false)),
        _ => None,
    }
}

fn integer(text: &str) -> Option<Result<Scalar, TagError>> {
    if let Some(number) = parse_hex_or_octal(text) {
        let digits = &text[2..];
        let radix = if text.starts_with("0x") { 16 } else { 8 };
        let looks_so = !digits.is_empty() && digits.chars().all(|it| it.is_digit(radix));
        return looks_so.then(|| number.map(Scalar::Number).ok_or(TagError::Value("int")));
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_integer = !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit());
    is_integer.then(|| text.parse().map(Scalar::Number).map_err(|_| TagError::Value("int")))
}

fn float(text: &str) -> Option<Scalar> {
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Some(Scalar::Number(f64::NAN));
    }
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Some(Scalar::Number(sign * f64::INFINITY));
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |it: &str| it.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_fits = exponent.is_none_or(|it| {
        let it = it.strip_prefix(['+', '-']).unwrap_or(it);
        !it.is_empty() && digits(it)
    });
    let looks_so = digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty()) && exponent_fits;
    if !looks_so {
        return None;
    }
    unsigned.parse().ok().map(|it: f64| Scalar::Number(sign * it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_have_the_kinds_of_the_core_schema() {
        for text in ["", "~", "null", "Null", "NULL"] {
            assert_eq!(resolve(text, ScalarStyle::Plain, None), Ok(Scalar::Null), "{text}");
        }
        for (text, expected) in [("true", true), ("True", true), ("TRUE", true), ("False", false)] {
            assert_eq!(resolve(text, ScalarStyle::Plain, None), Ok(Scalar::Bool(expected)), "{text}");
        }
        for (text, expected) in [
            ("0755", 755.0),
            ("-00755", -755.0),
            ("+1", 1.0),
            ("-0", 0.0),
            ("0xFF", 255.0),
            ("0o10", 8.0),
            ("0xFFFFFFFF", -1.0),
            ("1.", 1.0),
            (".5", 0.5),
            ("-.5", -0.5),
            ("1e3", 1000.0),
            ("1.10", 1.1),
            (".inf", f64::INFINITY),
            ("-.INF", f64::NEG_INFINITY),
            ("1e400", f64::INFINITY),
        ] {
            assert_eq!(resolve(text, ScalarStyle::Plain, None), Ok(Scalar::Number(expected)), "{text}");
        }
        for text in [
            "yes",
            "on",
            "off",
            "y",
            "tRUE",
            "nULL",
            "1_000",
            "1:30",
            "2024-01-01",
            "0b1",
            "0X1F",
            "-0x1",
            "0xG",
            "0x",
            "NaN",
            "Infinity",
            ".",
            "e5",
            "1e",
            "1.2.3",
            "+.nan",
            "inf",
            "+",
            "-",
        ] {
            assert_eq!(resolve(text, ScalarStyle::Plain, None), Ok(Scalar::String), "{text}");
        }
        assert_eq!(resolve("0x1FFFFFFFF", ScalarStyle::Plain, None), Err(TagError::Value("int")));
        assert_eq!(resolve("1", ScalarStyle::SingleQuoted, None), Ok(Scalar::String));
        assert_eq!(resolve("1", ScalarStyle::Folded, None), Ok(Scalar::String));
    }

    #[test]
    fn tags_are_the_five_of_the_core_schema() {
        let plain = |text, tag: &str| resolve(text, ScalarStyle::Plain, Some(&format!("{PREFIX}{tag}")));
        assert_eq!(plain("1", "str"), Ok(Scalar::String));
        assert_eq!(plain("1", "float"), Ok(Scalar::Number(1.0)));
        assert_eq!(plain("", "null"), Ok(Scalar::Null));
        assert_eq!(plain("FALSE", "bool"), Ok(Scalar::Bool(false)));
        assert_eq!(plain("test", "int"), Err(TagError::Value("int")));
        assert_eq!(plain("x", "null"), Err(TagError::Value("null")));
        assert_eq!(plain("x", "timestamp"), Err(TagError::Unknown));
        assert_eq!(resolve("x", ScalarStyle::Plain, Some("!x")), Err(TagError::Unknown));
        assert_eq!(resolve("1", ScalarStyle::Literal, Some("tag:yaml.org,2002:int")), Err(TagError::Style));
        assert_eq!(resolve("1", ScalarStyle::Literal, Some("tag:yaml.org,2002:str")), Ok(Scalar::String));
    }
}
