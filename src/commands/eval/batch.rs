//! `wfrun eval --batch`: lines in, lines out, in order.
use std::borrow::Cow;
use std::fmt;
use std::io::{self, BufRead, BufReader, BufWriter, Read as _, Write};

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use wfrun_expr::{Called, EvalError, Object, Scope, Value};

use super::FUNCTIONS;
use crate::exit::Exit;

/// Most bytes of a line.
const LONGEST: u64 = 16 * 1024 * 1024;

/// Answers every line of standard input; exit code 2 if one was not of the form.
pub(super) fn run() -> anyhow::Result<Exit> {
    let stdin = BufReader::with_capacity(1 << 16, io::stdin().lock());
    let stdout = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    match answer_all(stdin, stdout) {
        Ok(true) => Ok(Exit::Success),
        Ok(false) => Ok(Exit::Invalid),
        // A closed pipe is the reader's wish.
        Err(err) if err.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Success),
        Err(err) => Err(err.into()),
    }
}

/// Tells whether all lines were of the form.
fn answer_all<R: io::Read>(mut input: BufReader<R>, mut output: impl Write) -> io::Result<bool> {
    let mut line = Vec::new();
    let mut number = 0_u64;
    let mut all_good = true;
    loop {
        // Nothing is held back while more input is waited for.
        if input.buffer().is_empty() {
            output.flush()?;
        }
        line.clear();
        let read = input.by_ref().take(LONGEST).read_until(b'\n', &mut line)?;
        if read == 0 {
            output.flush()?;
            return Ok(all_good);
        }
        number += 1;
        let cut = read as u64 == LONGEST && line.last() != Some(&b'\n');
        if cut {
            skip_line(&mut input)?;
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let problem =
            if cut { Err(format!("the line is longer than {LONGEST} bytes")) } else { answer(&line, &mut output)? };
        if let Err(problem) = problem {
            all_good = false;
            let message = format!("line {number}: {problem}");
            write_error(&mut output, id_of(&line).as_deref(), "input", &message)?;
        }
    }
}

fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        let (used, done) = match buffer.iter().position(|it| *it == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        input.consume(used);
        if done {
            return Ok(());
        }
    }
}

/// One line of input.
#[derive(Deserialize)]
struct Question<'l> {
    #[serde(borrow, default)]
    id: Option<&'l RawValue>,
    #[serde(borrow)]
    expr: Cow<'l, str>,
    /// Each is read only if the expression asks for it.
    #[serde(borrow, default)]
    contexts: Option<Given<'l>>,
}

/// The contexts of a line, which are not read yet.
#[derive(Default)]
struct Given<'l>(Vec<(Cow<'l, str>, &'l RawValue)>);

impl<'de: 'l, 'l> Deserialize<'de> for Given<'l> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(GivenVisitor)
    }
}

struct GivenVisitor;

impl<'de> Visitor<'de> for GivenVisitor {
    type Value = Given<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of contexts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Given<'de>, A::Error> {
        let mut given = Vec::new();
        while let Some(Name(name)) = access.next_key()? {
            given.push((name, access.next_value()?));
        }
        Ok(Given(given))
    }
}

/// A key that is copied only if it has escapes in it.
#[derive(Deserialize)]
struct Name<'l>(#[serde(borrow)] Cow<'l, str>);

/// Writes the answer to a line, or tells why it is none that can be answered.
fn answer(line: &[u8], output: &mut impl Write) -> io::Result<Result<(), String>> {
    let Ok(line) = std::str::from_utf8(line) else { return Ok(Err(format!("not UTF-8; {FORM}"))) };
    let question: Question<'_> = match serde_json::from_str(line) {
        Ok(question) => question,
        Err(err) => return Ok(Err(not_of_the_form(&err))),
    };
    let id = question.id.map(RawValue::get);
    let Given(given) = question.contexts.unwrap_or_default();
    let names: Vec<&str> = given.iter().map(|(name, _)| name.as_ref()).collect();
    let expr = match wfrun_expr::parse_in(&question.expr, &names, FUNCTIONS) {
        Ok(expr) => expr,
        Err(err) => {
            let kind = if err.kind.is_lexing() { "lexing" } else { "parsing" };
            return write_error(output, id, kind, &err.message).map(Ok);
        }
    };
    let contexts = match read(&given, &expr.contexts_used()) {
        Ok(contexts) => contexts,
        Err(err) => return Ok(Err(not_of_the_form(&err))),
    };
    match wfrun_expr::evaluate(&expr, &Line { contexts: &contexts }) {
        Ok(trace) => {
            let kind = trace.value().kind().name();
            for piece in ["{\"id\":", id.unwrap_or("null"), ",\"kind\":\"", kind, "\",\"value\":"] {
                output.write_all(piece.as_bytes())?;
            }
            serde_json::to_writer(&mut *output, trace.value())?;
            output.write_all(b"}\n")?;
        }
        Err(EvalError::NotYet { function, .. }) => {
            let message = format!("`{function}` reads files, which only `wfrun eval` of one expression does");
            write_error(output, id, "evaluation", &message)?;
        }
        Err(err) => write_error(output, id, "evaluation", &err.to_string())?,
    }
    Ok(Ok(()))
}

/// Reads the contexts that are used; of names that differ in case the last value counts.
fn read(given: &[(Cow<'_, str>, &RawValue)], used: &[String]) -> serde_json::Result<Object> {
    let used = |name: &str| used.iter().any(|it| it.eq_ignore_ascii_case(name));
    let wanted = given.iter().filter(|(name, _)| used(name));
    let read = wanted.map(|(name, raw)| Ok((name.clone().into_owned(), serde_json::from_str::<Value>(raw.get())?)));
    read.collect::<serde_json::Result<Vec<_>>>().map(Object::from_iter)
}

const FORM: &str = "each line is to be a JSON object {\"id\":…,\"expr\":\"…\",\"contexts\":{…}}";

fn not_of_the_form(err: &serde_json::Error) -> String {
    // The number of the line within the line says nothing.
    let what = err.to_string().replace(&format!(" at line {} column", err.line()), " at column");
    format!("{what}; {FORM}")
}

/// The id of a line that is an object, whatever else is wrong with it.
fn id_of(line: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Named<'l> {
        #[serde(borrow)]
        id: &'l RawValue,
    }
    serde_json::from_slice::<Named<'_>>(line).ok().map(|it| it.id.get().to_owned())
}

fn write_error(output: &mut impl Write, id: Option<&str>, kind: &str, message: &str) -> io::Result<()> {
    write!(output, "{{\"id\":{},\"error\":{{\"kind\":\"{kind}\",\"message\":", id.unwrap_or("null"))?;
    serde_json::to_writer(&mut *output, message)?;
    output.write_all(b"}}\n")
}

/// The contexts of a line, and no others.
struct Line<'l> {
    contexts: &'l Object,
}

impl Scope for Line<'_> {
    fn context(&self, name: &str) -> Value {
        self.contexts.get(name).cloned().unwrap_or_default()
    }

    fn call(&self, function: &str, _: &[Value]) -> Called {
        super::called(function)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(input: &str) -> (Vec<String>, bool) {
        let mut output = Vec::new();
        let good = answer_all(BufReader::new(input.as_bytes()), &mut output).expect("memory can be read and written");
        (String::from_utf8(output).expect("text").lines().map(str::to_owned).collect(), good)
    }

    #[test]
    fn every_line_has_its_answer() {
        for (line, expected, good) in [
            (r#"{"id":1,"expr":"1 == '1'"}"#, r#"{"id":1,"kind":"Boolean","value":true}"#, true),
            (
                r#"{"id":"a","expr":"a.B","contexts":{"A":{"b":[1.5,null]}}}"#,
                r#"{"id":"a","kind":"Array","value":[1.5,null]}"#,
                true,
            ),
            (r#"{"expr":"''","id":{"n":1.0}}"#, r#"{"id":{"n":1.0},"kind":"String","value":""}"#, true),
            (r#"{"expr":"","contexts":null}"#, r#"{"id":null,"kind":"Null","value":null}"#, true),
            (
                r#"{"id":1,"expr":"a.b","contexts":{"a":{"b":1},"A":{"B":2}}}"#,
                r#"{"id":1,"kind":"Number","value":2}"#,
                true,
            ),
            (
                r#"{"id":1,"expr":"a == A","contexts":{"a":{},"b":[]}}"#,
                r#"{"id":1,"kind":"Boolean","value":true}"#,
                true,
            ),
            (r#"{"id":2,"expr":"NaN"}"#, r#"{"id":2,"kind":"Number","value":"NaN"}"#, true),
            (r#"{"id":2,"expr":"-Infinity"}"#, r#"{"id":2,"kind":"Number","value":"-Infinity"}"#, true),
            (
                r#"{"id":3,"expr":"always() && success() && !failure() && !cancelled()"}"#,
                r#"{"id":3,"kind":"Boolean","value":true}"#,
                true,
            ),
            (
                r#"{"id":4,"expr":"github.ref","contexts":{"env":{}}}"#,
                r#"{"id":4,"error":{"kind":"parsing","message":"Unrecognized named-value: 'github'. Located at position 1 within expression: github.ref"}}"#,
                true,
            ),
            (
                r#"{"id":5,"expr":"\"x\""}"#,
                r#"{"id":5,"error":{"kind":"lexing","message":"Unexpected symbol: '\"x\"'. Located at position 1 within expression: \"x\""}}"#,
                true,
            ),
            (
                r#"{"id":6,"expr":"format('{')"}"#,
                r#"{"id":6,"error":{"kind":"evaluation","message":"The following format string is invalid: {"}}"#,
                true,
            ),
            (
                r#"{"id":7,"expr":"hashFiles('a')"}"#,
                r#"{"id":7,"error":{"kind":"evaluation","message":"`hashFiles` reads files, which only `wfrun eval` of one expression does"}}"#,
                true,
            ),
            (
                r#"{"id":8,"expr":1}"#,
                r#"{"id":8,"error":{"kind":"input","message":"line 1: invalid type: integer `1`, expected a string at column 16; each line is to be a JSON object {\"id\":…,\"expr\":\"…\",\"contexts\":{…}}"}}"#,
                false,
            ),
            (
                r#"{"id":9,"expr":"1","contexts":[]}"#,
                r#"{"id":9,"error":{"kind":"input","message":"line 1: invalid type: sequence, expected an object of contexts at column 30; each line is to be a JSON object {\"id\":…,\"expr\":\"…\",\"contexts\":{…}}"}}"#,
                false,
            ),
        ] {
            assert_eq!(answered(line), (vec![expected.to_owned()], good), "{line}");
        }
    }

    #[test]
    fn a_broken_line_does_not_stop_the_rest() {
        let (lines, good) = answered("{\"id\":1,\"expr\":\"1\"}\n\n{oops\n  \r\n{\"id\":2,\"expr\":\"2\"}\r\n");
        assert!(!good);
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0], r#"{"id":1,"kind":"Number","value":1}"#);
        assert!(
            lines[1].starts_with(r#"{"id":null,"error":{"kind":"input","message":"line 3: key must be a string"#),
            "{}",
            lines[1]
        );
        assert_eq!(lines[2], r#"{"id":2,"kind":"Number","value":2}"#);
    }

    #[test]
    fn a_line_has_a_greatest_length() {
        let long = usize::try_from(LONGEST).expect("it fits");
        let (lines, good) = answered(&format!("{}\n{{\"id\":2,\"expr\":\"2\"}}\n", "x".repeat(long + 5)));
        assert!(!good);
        assert_eq!(
            lines[0],
            r#"{"id":null,"error":{"kind":"input","message":"line 1: the line is longer than 16777216 bytes"}}"#
        );
        assert_eq!(lines[1], r#"{"id":2,"kind":"Number","value":2}"#);
    }
}
