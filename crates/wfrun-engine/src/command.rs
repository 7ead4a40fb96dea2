//! Workflow commands in a step's output.
//!
//! Source: GitHub: execution rules E4.
use std::collections::HashMap;

use memchr::memmem;

/// One command found in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Its name, in lower case; one of the registered commands.
    pub name: &'static str,
    /// Its properties; keys in lower case, not trimmed.
    pub properties: HashMap<String, String>,
    /// What stands behind it, decoded.
    pub data: String,
}

/// All commands there are; any other name leaves the line a line.
pub(crate) const NAMES: &[&str] = &[
    "debug",
    "notice",
    "warning",
    "error",
    "group",
    "endgroup",
    "add-mask",
    "add-matcher",
    "remove-matcher",
    "echo",
    "stop-commands",
    "set-output",
    "save-state",
    "set-env",
    "add-path",
    "internal-set-repo-path",
];

/// Whether a line can hold a command at all; most do not, and this is asked of each.
pub(crate) fn may_be_command(line: &str) -> bool {
    line.trim_start().starts_with("::") || line.contains("##[")
}

/// Whether any of these lines can hold a command: as [`may_be_command`], for many lines at once.
pub(crate) fn may_have_commands(lines: &str) -> bool {
    let (bytes, is_space) = (lines.as_bytes(), |it: char| it.is_whitespace() && it != '\n');
    let begins = |at| {
        lines.get(..at).is_some_and(|before| matches!(before.trim_end_matches(is_space).as_bytes(), [] | [.., b'\n']))
    };
    memmem::find(bytes, b"##[").is_some() || memmem::find_iter(bytes, b"::").any(begins)
}

/// Finds the command in a line, if it is one: `::name k=v::data`, or the older `##[name k=v]data` anywhere in it.
pub fn parse_command(line: &str) -> Option<Command> {
    let command = |written: Written<'_>| {
        let name = NAMES.iter().find(|it| it.eq_ignore_ascii_case(written.name))?;
        Some(Command { name, properties: written.properties(), data: written.data() })
    };
    v2(line).and_then(command).or_else(|| legacy(line).and_then(command))
}

/// A command as it stands in a line.
#[derive(Debug, Clone, Copy)]
struct Written<'a> {
    name: &'a str,
    properties: &'a str,
    data: &'a str,
    is_legacy: bool,
}

fn v2(line: &str) -> Option<Written<'_>> {
    let body = line.trim_start().strip_prefix("::")?;
    let (head, data) = body.split_once("::")?;
    let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
    Some(Written { name, properties: properties.trim(), data, is_legacy: false })
}

fn legacy(line: &str) -> Option<Written<'_>> {
    let (_, body) = line.split_once("##[")?;
    let (head, data) = body.split_once(']')?;
    let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
    Some(Written { name, properties, data, is_legacy: true })
}

impl Written<'_> {
    fn properties(&self) -> HashMap<String, String> {
        let (between, decode): (char, fn(&str) -> String) =
            if self.is_legacy { (';', unescape_legacy) } else { (',', unescape_v2_property) };
        self.properties.split(between).filter_map(|it| property(it, decode)).collect()
    }

    fn data(&self) -> String {
        if self.is_legacy {
            return unescape_legacy(self.data);
        }
        unescape(self.data, &[("%0D", "\r"), ("%0A", "\n"), ("%25", "%")])
    }
}

/// Both sides must say something. Signs of equality at their beginnings are lost, as .NET's `Split` loses them.
fn property(pair: &str, decode: fn(&str) -> String) -> Option<(String, String)> {
    let (key, value) = pair.trim_start_matches('=').split_once('=')?;
    let value = value.trim_start_matches('=');
    (!value.is_empty()).then(|| (key.to_ascii_lowercase(), decode(value)))
}

fn unescape_v2_property(text: &str) -> String {
    unescape(text, &[("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")])
}

fn unescape_legacy(text: &str) -> String {
    unescape(text, &[("%3B", ";"), ("%0D", "\r"), ("%0A", "\n"), ("%5D", "]"), ("%25", "%")])
}

/// One replacement after the other, as GitHub does it: `%250A` becomes `%0A`.
fn unescape(text: &str, table: &[(&str, &str)]) -> String {
    table.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// Whether commands are stopped in a step, and by which token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StopCommands {
    token: Option<String>,
}

impl StopCommands {
    /// Whether GitHub refuses a token.
    pub fn refuses(token: &str) -> bool {
        token.is_empty()
            || token.eq_ignore_ascii_case("pause-logging")
            || NAMES.iter().any(|it| it.eq_ignore_ascii_case(token))
    }

    /// Stops commands until `token`.
    pub fn stop(&mut self, token: &str) {
        self.token = Some(token.to_owned());
    }

    /// Whether `line` is plain text because commands are stopped; a command named like the token resumes them.
    pub fn swallows(&mut self, line: &str) -> bool {
        let Some(token) = &self.token else { return false };
        let is_token = |it: Option<Written<'_>>| it.is_some_and(|it| it.name.eq_ignore_ascii_case(token));
        if is_token(v2(line)) || is_token(legacy(line)) {
            self.token = None;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Many lines at once are asked the same as one by one.
        #[test]
        fn commands_in_blocks(lines in "[a :#\\[\n\t\u{2003}é]{0,24}") {
            prop_assert_eq!(may_have_commands(&lines), lines.split('\n').any(may_be_command));
        }
    }

    /// Name, properties and data.
    type Expected<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);

    #[track_caller]
    fn check(line: &str, expected: Option<Expected<'_>>) {
        let found = parse_command(line);
        let found = found.as_ref().map(|it| {
            let mut pairs: Vec<_> = it.properties.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            pairs.sort_unstable();
            (it.name, pairs, it.data.as_str())
        });
        let expected = expected.map(|(name, pairs, data)| (name, pairs.to_vec(), data));
        assert_eq!(found, expected, "{line:?}");
    }

    /// Source: GitHub: execution rules E4.1, in its order.
    #[test]
    fn recognition() {
        // Form v2: leading white space is trimmed, then it must start with `::`.
        check("::warning::text", Some(("warning", &[], "text")));
        check(" \t::warning::text", Some(("warning", &[], "text")));
        check("text ::warning::x", None);
        // Legacy: anywhere in the line; only the first `##[`, up to the next `]`; text before it is discarded.
        check("x ##[error]bad", Some(("error", &[], "bad")));
        check("##[nothing]##[error]bad", None);
        check("##[error]a]b", Some(("error", &[], "a]b")));
        check("##[error", None);
        // v2 that is no command may still be a legacy one.
        check("::foo::##[error]bad", Some(("error", &[], "bad")));
        // Without a second `::` it is a plain line.
        check("::warning text", None);
        // Between: a name, one or more spaces, properties.
        check("::error   file=a.js::x", Some(("error", &[("file", "a.js")], "x")));
        // Data is all behind, may contain `::`, and is not trimmed.
        check("::notice::  x::y ", Some(("notice", &[], "  x::y ")));
        // The name is one of the registered ones, whatever its case; any other leaves the line a line.
        check("::SET-OUTPUT name=x::1", Some(("set-output", &[("name", "x")], "1")));
        check("::foo::bar", None);
        check("::::", None);
        // Properties: split at `,`, empty parts dropped, each at its first `=`, both sides needed.
        check("::error file=a,,line=3::x", Some(("error", &[("file", "a"), ("line", "3")], "x")));
        check("::error file=,=b,c::x", Some(("error", &[], "x")));
        check("::error title=a=b::x", Some(("error", &[("title", "a=b")], "x")));
        // As a whole they are trimmed, single keys are not.
        check("::error  file=a, line=3 ::x", Some(("error", &[(" line", "3"), ("file", "a")], "x")));
        // Keys compare without case.
        check("::error endLine=4::x", Some(("error", &[("endline", "4")], "x")));
        // Legacy properties are separated by `;`.
        check("##[error file=a,b;line=3]x", Some(("error", &[("file", "a,b"), ("line", "3")], "x")));
        check("##[add-matcher]/tmp/a.json", Some(("add-matcher", &[], "/tmp/a.json")));
    }

    /// Source: GitHub: execution rules E4.1, the table of escapes.
    #[test]
    fn escapes() {
        check("::notice::a%0Db%0Ac%25d", Some(("notice", &[], "a\rb\nc%d")));
        check("::notice::a%3Ab%2Cc", Some(("notice", &[], "a%3Ab%2Cc")));
        check("::notice title=a%0D%0A%3A%2C%25::x", Some(("notice", &[("title", "a\r\n:,%")], "x")));
        check(
            "##[notice title=a%3B%0D%0A%5D%25]%3B%0D%0A%5D%25",
            Some(("notice", &[("title", "a;\r\n]%")], ";\r\n]%")),
        );
        // One after the other, `%25` last; digits in capitals only.
        check("::notice::%250A", Some(("notice", &[], "%0A")));
        check("::notice::%0a", Some(("notice", &[], "%0a")));
    }

    /// Source: GitHub: execution rules E4.3.
    #[test]
    fn stopping() {
        let mut stop = StopCommands::default();
        assert!(!stop.swallows("::warning::a"));
        for refused in ["", "Pause-Logging", "warning", "Stop-Commands"] {
            assert!(StopCommands::refuses(refused), "{refused:?}");
        }
        for resumes in ["::TOK12345::", "  ::tok12345 a=b::c", "##[tok12345]", "text ##[Tok12345]"] {
            stop.stop("tok12345");
            assert!(stop.swallows("::warning::shown"));
            assert!(stop.swallows("::tok12345"), "no command, so no token");
            assert!(stop.swallows(resumes), "{resumes:?}");
            assert!(!stop.swallows("::warning::b"), "{resumes:?}");
        }
    }
}
