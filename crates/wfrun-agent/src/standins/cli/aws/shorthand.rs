//! Shorthand for structures: `k=v,k2=[a,b],k3={x=y}`.
//!
//! Source: AWS CLI user guide, "Using shorthand syntax".

use serde_json::{Map, Number, Value};

use super::error::CliError;
use super::model::{Model, Type};

/// Reads shorthand; all scalars are text until [`convert`] gives them their types. The error is the reason alone.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    Reader { letters: text.chars().collect(), at: 0 }.parameter()
}

/// Gives text the types of the model, and makes a list of one where a list belongs.
pub(super) fn convert(model: &Model, kind: &Type, value: Value) -> Result<Value, CliError> {
    Ok(match (kind, value) {
        (Type::Structure(name), Value::Object(mut members)) => {
            for member in model.members(name) {
                if let Some(value) = members.get_mut(member.name) {
                    *value = convert(model, &member.kind, value.take())?;
                }
            }
            Value::Object(members)
        }
        (Type::List(kind, _), Value::Array(items)) => {
            Value::Array(items.into_iter().map(|item| convert(model, kind, item)).collect::<Result<_, _>>()?)
        }
        (Type::List(kind, _), other) => Value::Array(vec![convert(model, kind, other)?]),
        (Type::Map(kind), Value::Object(members)) => {
            let converted = members.into_iter().map(|(name, value)| Ok((name, convert(model, kind, value)?)));
            Value::Object(converted.collect::<Result<_, CliError>>()?)
        }
        (Type::Integer(_), Value::String(text)) => integer(&text)?,
        (Type::Float, Value::String(text)) => {
            let number = text.parse().ok().and_then(Number::from_f64);
            let error = || CliError::General(format!("could not convert string to float: '{text}'"));
            Value::Number(number.ok_or_else(error)?)
        }
        (Type::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("true") => true.into(),
        (Type::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("false") => false.into(),
        (_, value) => value,
    })
}

/// Reads an integer as Python's `int()`.
pub(super) fn integer(text: &str) -> Result<Value, CliError> {
    let number = text.trim().parse::<i64>();
    number.map(Value::from).map_err(|_| CliError::General(format!("invalid literal for int() with base 10: '{text}'")))
}

struct Reader {
    letters: Vec<char>,
    at: usize,
}

/// What may follow in a value: within the first value of a list, or in a later one, where `=` says that it is a key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    First,
    Later,
}

impl Reader {
    fn parameter(&mut self) -> Result<Value, String> {
        let mut members = Map::new();
        loop {
            let start = self.at;
            let (key, value) = self.pair(Self::values)?;
            if members.insert(key.clone(), value).is_some() {
                let place = self.pointed(start);
                return Err(format!(
                    "Second instance of key \"{key}\" encountered for input:\n{place}\n\
                     This is often because there is a preceding \",\" instead of a space."
                ));
            }
            if self.at >= self.letters.len() {
                return Ok(Value::Object(members));
            }
            self.expect(',')?;
        }
    }

    fn pair(&mut self, value: fn(&mut Self) -> Result<Value, String>) -> Result<(String, Value), String> {
        let start = self.at;
        while self.current().is_some_and(|letter| letter.is_ascii_alphanumeric() || "-_.#/:".contains(letter)) {
            self.at += 1;
        }
        let key = self.letters[start..self.at].iter().collect();
        self.expect('=')?;
        Ok((key, value(self)?))
    }

    fn values(&mut self) -> Result<Value, String> {
        match self.current() {
            None => Ok(Value::String(String::new())),
            Some('[' | '{') => self.explicit(),
            Some(_) => self.comma_list(),
        }
    }

    /// `a` or `a,b`; a comma before `key=` belongs to the next pair.
    fn comma_list(&mut self) -> Result<Value, String> {
        let first = self.scalar(Place::First)?;
        let mut items = vec![first];
        loop {
            self.skip_space();
            if self.current() != Some(',') {
                break;
            }
            let comma = self.at;
            self.expect(',')?;
            let item = self.scalar(Place::Later);
            self.skip_space();
            match item {
                Ok(item) if matches!(self.current(), None | Some(',')) => items.push(item),
                Err(reason) if self.current().is_none() => return Err(reason),
                Ok(_) | Err(_) => {
                    self.at = comma;
                    break;
                }
            }
        }
        Ok(if items.len() == 1 { items.remove(0) } else { Value::Array(items) })
    }

    fn explicit(&mut self) -> Result<Value, String> {
        match self.current() {
            Some('[') => {
                let mut items = Vec::new();
                self.enclosed('[', ']', |reader| {
                    items.push(reader.explicit()?);
                    Ok(())
                })?;
                Ok(Value::Array(items))
            }
            Some('{') => {
                let mut members = Map::new();
                self.enclosed('{', '}', |reader| {
                    let (key, value) = reader.pair(Self::explicit)?;
                    members.insert(key, value);
                    Ok(())
                })?;
                Ok(Value::Object(members))
            }
            Some(_) | None => self.scalar(Place::First),
        }
    }

    fn enclosed(
        &mut self,
        open: char,
        close: char,
        mut element: impl FnMut(&mut Self) -> Result<(), String>,
    ) -> Result<(), String> {
        self.expect(open)?;
        while self.current() != Some(close) {
            element(self)?;
            self.skip_space();
            if self.current() != Some(close) {
                self.expect(',')?;
            }
        }
        self.at += 1;
        Ok(())
    }

    fn scalar(&mut self, place: Place) -> Result<Value, String> {
        if let Some(quote @ ('\'' | '"')) = self.current() {
            return self.quoted(quote);
        }
        let mut text = String::new();
        while let Some(letter) = self.current() {
            let escaped_comma = letter == '\\' && self.letters.get(self.at + 1) == Some(&',');
            if escaped_comma {
                text.push(',');
                self.at += 2;
                continue;
            }
            if !may_stand(letter, text.is_empty(), place) {
                break;
            }
            text.push(letter);
            self.at += 1;
        }
        if text.is_empty() && place == Place::Later {
            return Err(self.syntax("<second>", "<none>"));
        }
        Ok(Value::String(text.trim_end().to_owned()))
    }

    fn quoted(&mut self, quote: char) -> Result<Value, String> {
        let mut text = String::new();
        let mut at = self.at + 1;
        loop {
            match self.letters.get(at) {
                None => {
                    let kind = if quote == '"' { "<double quoted>" } else { "<singled quoted>" };
                    return Err(self.syntax(kind, "<none>"));
                }
                Some('\\') if self.letters.get(at + 1).is_some_and(|next| *next == quote || *next == '\\') => {
                    text.push(self.letters[at + 1]);
                    at += 2;
                }
                Some(letter) if *letter == quote => break,
                Some(letter) => {
                    text.push(*letter);
                    at += 1;
                }
            }
        }
        self.at = at + 1;
        Ok(Value::String(text))
    }

    fn expect(&mut self, wanted: char) -> Result<(), String> {
        self.skip_space();
        match self.current() {
            Some(letter) if letter == wanted => {
                self.at += 1;
                self.skip_space();
                Ok(())
            }
            Some(letter) => Err(self.syntax(&wanted.to_string(), &letter.to_string())),
            None => Err(self.syntax(&wanted.to_string(), "EOF")),
        }
    }

    fn syntax(&self, expected: &str, received: &str) -> String {
        let place = self.pointed(self.at);
        format!("Expected: '{expected}', received: '{received}' for input:\n {place}")
    }

    /// The input with a `^` below the place.
    fn pointed(&self, at: usize) -> String {
        let line_end = self.letters[at..].iter().position(|letter| *letter == '\n').map(|offset| at + offset);
        let line_start = self.letters[..at].iter().rposition(|letter| *letter == '\n').map_or(0, |start| start + 1);
        let (before, after) = self.letters.split_at(line_end.unwrap_or(self.letters.len()));
        let (before, after) = (before.iter().collect::<String>(), after.iter().collect::<String>());
        format!("{before}\n{}^{after}", " ".repeat(at - line_start))
    }

    fn current(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.current().is_some_and(|letter| letter.is_ascii_whitespace()) {
            self.at += 1;
        }
    }
}

/// Whether a letter may stand in an unquoted value.
fn may_stand(letter: char, first: bool, place: Place) -> bool {
    match letter {
        '"' | '\'' | ',' => false,
        '=' => !first && place == Place::First,
        '[' | '{' | ' ' | '\t' | '\n' => !first,
        ']' => first || place == Place::Later,
        '}' => !first && place == Place::Later,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads() {
        let cases = [
            ("a=b", r#"{"a":"b"}"#),
            ("a=b,c=d", r#"{"a":"b","c":"d"}"#),
            ("a=b,c,d=e", r#"{"a":["b","c"],"d":"e"}"#),
            ("a=[b,c],d={e=f,g=[h]}", r#"{"a":["b","c"],"d":{"e":"f","g":["h"]}}"#),
            (
                "awsvpcConfiguration={subnets=[s-1,s-2],assignPublicIp=ENABLED}",
                r#"{"awsvpcConfiguration":{"subnets":["s-1","s-2"],"assignPublicIp":"ENABLED"}}"#,
            ),
            (r#"a="b, c",d='e=f'"#, r#"{"a":"b, c","d":"e=f"}"#),
            (r"a=b\,c", r#"{"a":"b,c"}"#),
            ("a=", r#"{"a":""}"#),
            ("key=A,value=x=y", r#"{"key":"A","value":"x=y"}"#),
            ("imageTag=latest", r#"{"imageTag":"latest"}"#),
            ("a= b c ,d=e", r#"{"a":"b c","d":"e"}"#),
        ];
        for (text, want) in cases {
            assert_eq!(parse(text).expect(text).to_string(), want, "{text}");
        }
    }

    #[test]
    fn points_at_what_is_wrong() {
        let cases = [
            ("a", "Expected: '=', received: 'EOF' for input:\n a\n ^"),
            ("a={b=[c,d]", "Expected: ',', received: 'EOF' for input:\n a={b=[c,d]\n          ^"),
            ("a=b,c", ""),
            ("a=\"b", "Expected: '<double quoted>', received: '<none>' for input:\n a=\"b\n  ^"),
        ];
        for (text, want) in cases {
            let error = parse(text).err().unwrap_or_default();
            assert_eq!(error, want, "{text}");
        }
    }

    #[test]
    fn gives_types() {
        let model = Model::load("ecs");
        let kind = Type::Structure("DeploymentConfiguration");
        let value = parse("maximumPercent=200,deploymentCircuitBreaker={enable=true,rollback=False}").expect("reads");
        let converted = convert(&model, &kind, value).expect("converts");
        assert_eq!(
            converted.to_string(),
            r#"{"maximumPercent":200,"deploymentCircuitBreaker":{"enable":true,"rollback":false}}"#
        );
        let one = convert(&model, &Type::List(Box::new(Type::Integer(0)), 0), Value::from("3")).expect("converts");
        assert_eq!(one.to_string(), "[3]");
        let error = convert(&model, &Type::Integer(0), Value::from("x")).expect_err("is no number");
        assert_eq!(error.to_string(), "invalid literal for int() with base 10: 'x'");
    }
}
