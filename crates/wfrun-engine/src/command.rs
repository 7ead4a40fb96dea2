//! Workflow commands in a step's output.
//!
//! Source: GitHub: execution rules E4.
use std::collections::HashMap;

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

/// Finds the command in a line, if it is one: `::name k=v::data`, or the older `##[name k=v]data` anywhere in it.
pub fn parse_command(line: &str) -> Option<Command> {
    parse_v2(line).or_else(|| parse_legacy(line))
}

fn parse_v2(line: &str) -> Option<Command> {
    let body = line.trim_start().strip_prefix("::")?;
    let (head, data) = body.split_once("::")?;
    let (name, properties) = split_head(head)?;
    let pairs = properties.trim().split(',').filter(|it| !it.is_empty());
    let properties = pairs.filter_map(|it| property(it, unescape_v2_property)).collect();
    Some(Command { name, properties, data: unescape(data, &[("%0D", "\r"), ("%0A", "\n"), ("%25", "%")]) })
}

fn parse_legacy(line: &str) -> Option<Command> {
    let (_, body) = line.split_once("##[")?;
    let (head, data) = body.split_once(']')?;
    let (name, properties) = split_head(head)?;
    let pairs = properties.trim().split(';').filter(|it| !it.is_empty());
    let properties = pairs.filter_map(|it| property(it, unescape_legacy)).collect();
    Some(Command { name, properties, data: unescape_legacy(data) })
}

fn split_head(head: &str) -> Option<(&'static str, &str)> {
    let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
    let name = NAMES.iter().find(|it| it.eq_ignore_ascii_case(name))?;
    Some((name, properties))
}

fn property(pair: &str, decode: fn(&str) -> String) -> Option<(String, String)> {
    let (key, value) = pair.split_once('=')?;
    let both = !key.is_empty() && !value.is_empty();
    both.then(|| (key.to_ascii_lowercase(), decode(value)))
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
    /// Stops commands until `token`; false where GitHub refuses the token.
    pub fn stop(&mut self, token: &str) -> bool {
        let refused = token.is_empty()
            || token.eq_ignore_ascii_case("pause-logging")
            || NAMES.iter().any(|it| it.eq_ignore_ascii_case(token));
        if !refused {
            self.token = Some(token.to_owned());
        }
        !refused
    }

    /// Whether `line` is plain text because commands are stopped; the line with the token resumes them.
    pub fn swallows(&mut self, line: &str) -> bool {
        let Some(token) = &self.token else { return false };
        let line = line.trim_start();
        let resumes = [format!("::{token}::"), format!("##[{token}]")];
        if resumes.iter().any(|it| line.get(..it.len()).is_some_and(|start| start.eq_ignore_ascii_case(it))) {
            self.token = None;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    /// Source: GitHub: execution rules E4.1.
    #[test]
    fn grammar() {
        check("::warning::text", Some(("warning", &[], "text")));
        check("  ::SET-OUTPUT name=x::1", Some(("set-output", &[("name", "x")], "1")));
        check(
            "::error file=a.js,line=3,title=a=b::100%250A",
            Some(("error", &[("file", "a.js"), ("line", "3"), ("title", "a=b")], "100%0A")),
        );
        check("::error file=a, line=3::x", Some(("error", &[(" line", "3"), ("file", "a")], "x")));
        check("::notice title=a%3Ab%2Cc::x%0Ay::z", Some(("notice", &[("title", "a:b,c")], "x\ny::z")));
        check("::foo::bar", None);
        check("::warning text", None);
        check("text ::warning::x", None);
        check("x ##[error]bad", Some(("error", &[], "bad")));
        check("##[add-matcher]/tmp/a.json", Some(("add-matcher", &[], "/tmp/a.json")));
        check("##[set-output name=a;other=]v%5D", Some(("set-output", &[("name", "a")], "v]")));
        check("::set-output name=::v", Some(("set-output", &[], "v")));
    }

    /// Source: GitHub: execution rules E4.3.
    #[test]
    fn stopping() {
        let mut stop = StopCommands::default();
        assert!(!stop.swallows("::warning::a"));
        assert!(!stop.stop(""));
        assert!(!stop.stop("Pause-Logging"));
        assert!(!stop.stop("warning"));
        assert!(stop.stop("tok12345"));
        assert!(stop.swallows("::warning::shown"));
        assert!(stop.swallows("::TOK12345::"));
        assert!(!stop.swallows("::warning::b"));
    }
}
