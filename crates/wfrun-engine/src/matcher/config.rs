//! The file of a problem matcher, read and checked in GitHub's words.
use std::collections::HashSet;

use serde_json::{Map, Value as Json};

use super::Problem;
use super::pattern::Pattern;

/// One matcher of a file.
#[derive(Debug)]
pub(crate) struct MatcherConfig {
    pub(crate) owner: String,
    severity: Option<String>,
    from_path: Option<String>,
    pub(crate) patterns: Vec<PatternConfig>,
}

/// One of its patterns, with the groups that the parts of a problem are in.
#[derive(Debug)]
pub(crate) struct PatternConfig {
    pub(crate) regexp: Pattern,
    pub(crate) file: Option<usize>,
    pub(crate) line: Option<usize>,
    pub(crate) column: Option<usize>,
    pub(crate) severity: Option<usize>,
    pub(crate) code: Option<usize>,
    pub(crate) message: Option<usize>,
    pub(crate) from_path: Option<usize>,
    pub(crate) is_loop: bool,
}

impl MatcherConfig {
    pub(super) fn with_defaults(&self, mut problem: Problem) -> Problem {
        let is_empty = |it: &Option<String>| it.as_ref().is_none_or(String::is_empty);
        if is_empty(&problem.severity) && self.severity.is_some() {
            problem.severity.clone_from(&self.severity);
        }
        if is_empty(&problem.from_path) && self.from_path.is_some() {
            problem.from_path.clone_from(&self.from_path);
        }
        problem
    }
}

/// Reads a file of matchers; one without any is none.
///
/// Differs: the message about a file that is no JSON, or has a value of a wrong type, is our own.
pub(crate) fn read_matchers(text: &str) -> Result<Vec<MatcherConfig>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let json = read_json(text)?;
    let Some(file) = json.as_object() else { return Err("The file must hold an object".to_owned()) };
    let matchers = list(file, "problemMatcher")?;
    let matchers = matchers.iter().map(matcher).collect::<Result<Vec<_>, _>>()?;
    let mut owners = HashSet::new();
    match matchers.iter().find(|it| !owners.insert(it.owner.to_lowercase())) {
        Some(twice) => Err(format!("Duplicate owner name '{}'", twice.owner)),
        None => Ok(matchers),
    }
}

/// As Newtonsoft's reader, which takes comments, single quotes, commas at the end and names without quotes.
///
/// Source: actions/runner, `IOUtil.LoadObject`, and its test `IssueMatcherL0`, whose file has a comma at the end.
/// Differs: the file of a problem matcher may have no line break within a string, and in a comment no backslash that would be no
/// escape in a string.
fn read_json(text: &str) -> Result<Json, String> {
    serde_json::from_str(text).or_else(|err| lenient(text).ok_or_else(|| format!("The file is no valid JSON: {err}")))
}

/// As deep as `serde_json` reads; the other reader has no bound of its own, and goes deeper with each bracket.
const DEEPEST: usize = 128;

fn lenient(text: &str) -> Option<Json> {
    // Those in strings and comments count, too: nobody nests a matcher so deep.
    let mut depth = 0_usize;
    for letter in text.chars() {
        match letter {
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return None;
        }
    }
    // JSON5 has more escapes: `\d` would be `d`, where GitHub refuses the file.
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter == '\\' && !letters.next().is_some_and(|it| "\"'\\/bfnrtu".contains(it)) {
            return None;
        }
    }
    json5::from_str(text).ok()
}

fn matcher(json: &Json) -> Result<MatcherConfig, String> {
    let object = json.as_object().ok_or("Each member of `problemMatcher` must be an object")?;
    let owner = text(object, "owner")?.unwrap_or_default();
    if owner.is_empty() {
        return Err("Owner must not be empty".to_owned());
    }
    let severity = text(object, "severity")?.filter(|it| !it.is_empty());
    let known = |it: &String| ["error", "warning", "notice"].iter().any(|word| it.eq_ignore_ascii_case(word));
    if let Some(severity) = severity.as_ref().filter(|it| !known(it)) {
        return Err(format!("Matcher '{owner}' contains unexpected default severity '{severity}'"));
    }
    let written = list(object, "pattern")?;
    if written.is_empty() {
        return Err(format!("Matcher '{owner}' does not contain any patterns"));
    }
    let mut taken = HashSet::new();
    let mut patterns = Vec::new();
    for (at, it) in written.iter().enumerate() {
        let is_loop_place = at > 0 && at + 1 == written.len();
        patterns.push(pattern(it, is_loop_place, &mut taken)?);
    }
    if !taken.contains("message") {
        return Err("At least one pattern must set 'message'".to_owned());
    }
    let from_path = text(object, "fromPath")?.filter(|it| !it.is_empty());
    Ok(MatcherConfig { owner, severity, from_path, patterns })
}

fn pattern(json: &Json, is_loop_place: bool, taken: &mut HashSet<&'static str>) -> Result<PatternConfig, String> {
    let object = json.as_object().ok_or("Each member of `pattern` must be an object")?;
    let is_loop = match member(object, "loop") {
        None | Some(Json::Bool(false)) => false,
        Some(Json::Bool(true)) => true,
        Some(_) => return Err(wrong("loop", "true or false")),
    };
    if is_loop && !is_loop_place {
        return Err("Only the last pattern in a multiline matcher may set 'loop'".to_owned());
    }
    if is_loop && member(object, "message").is_none() {
        return Err("The loop pattern must set 'message'".to_owned());
    }
    let regexp = Pattern::new(&text(object, "regexp")?.unwrap_or_default())?;
    let mut group = |name: &'static str| -> Result<Option<usize>, String> {
        let Some(number) = number(object, name)? else { return Ok(None) };
        if !taken.insert(name) {
            return Err(format!("The property '{name}' is set twice"));
        }
        let group = usize::try_from(number).ok().filter(|it| *it < regexp.groups());
        let group = group.ok_or_else(|| format!("The property '{name}' is set to {number} which is out of range"))?;
        Ok(Some(group))
    };
    let (file, line, column) = (group("file")?, group("line")?, group("column")?);
    let (severity, code, message) = (group("severity")?, group("code")?, group("message")?);
    let from_path = group("fromPath")?;
    Ok(PatternConfig { regexp, file, line, column, severity, code, message, from_path, is_loop })
}

/// A member by its name, whatever its case if none has the very name; null is none. As Json.NET looks for it.
fn member<'a>(object: &'a Map<String, Json>, name: &str) -> Option<&'a Json> {
    let found = object.get(name).or_else(|| {
        let mut members = object.iter();
        members.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    });
    found.filter(|it| !it.is_null())
}

fn list<'a>(object: &'a Map<String, Json>, name: &str) -> Result<&'a [Json], String> {
    match member(object, name) {
        None => Ok(&[]),
        Some(Json::Array(items)) => Ok(items),
        Some(_) => Err(wrong(name, "a list")),
    }
}

fn text(object: &Map<String, Json>, name: &str) -> Result<Option<String>, String> {
    match member(object, name) {
        None => Ok(None),
        Some(Json::String(text)) => Ok(Some(text.clone())),
        Some(Json::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(wrong(name, "a text")),
    }
}

fn number(object: &Map<String, Json>, name: &str) -> Result<Option<i64>, String> {
    let number = match member(object, name) {
        None => return Ok(None),
        Some(Json::String(text)) => text.trim().parse().ok(),
        Some(other) => other.as_i64(),
    };
    number.map(Some).ok_or_else(|| wrong(name, "a whole number"))
}

fn wrong(name: &str, wanted: &str) -> String {
    format!("`{name}` must be {wanted}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expected: &str) {
        let read = read_matchers(json).map(|it| it.len().to_string());
        assert_eq!(read.unwrap_or_else(|message| message), expected, "{json}");
    }

    #[track_caller]
    fn check_matcher(members: &str, expected: &str) {
        check(&format!(r#"{{"problemMatcher": [{{{members}}}]}}"#), expected);
    }

    /// Source: GitHub: execution rules E4.5, the table of what is validated.
    #[test]
    fn validation() {
        let good = r#""pattern": [{"regexp": "(.*)", "message": 1}]"#;
        let check_good = |members: &str, expected: &str| check_matcher(&format!("{members}, {good}"), expected);
        // owner
        check_good(r#""x": 1"#, "Owner must not be empty");
        check_good(r#""owner": """#, "Owner must not be empty");
        check_good(r#""owner": "o""#, "1");
        let twice = format!(r#"{{"problemMatcher": [{{"owner": "A", {good}}}, {{"owner": "a", {good}}}]}}"#);
        check(&twice, "Duplicate owner name 'a'");
        // severity
        for severity in ["", "error", "Warning", "NOTICE"] {
            check_good(&format!(r#""owner": "o", "severity": "{severity}""#), "1");
        }
        check_good(r#""owner": "o", "severity": "fatal""#, "Matcher 'o' contains unexpected default severity 'fatal'");
        // pattern
        let check_patterns = |patterns: &str, expected: &str| {
            check_matcher(&format!(r#""owner": "o", "pattern": {patterns}"#), expected);
        };
        check_patterns("[]", "Matcher 'o' does not contain any patterns");
        check_patterns(r#"{"regexp": "(.*)", "message": 1}"#, "`pattern` must be a list");
        check_patterns(
            r#"[{"regexp": "(.*)", "message": 2}]"#,
            "The property 'message' is set to 2 which is out of range",
        );
        check_patterns(
            r#"[{"regexp": "(.*)", "message": 1, "line": -1}]"#,
            "The property 'line' is set to -1 which is out of range",
        );
        check_patterns(
            r#"[{"regexp": "(a)", "file": 1}, {"regexp": "(b)", "file": 1, "message": 1}]"#,
            "The property 'file' is set twice",
        );
        check_patterns(r#"[{"regexp": "(a)", "file": 1}]"#, "At least one pattern must set 'message'");
        check_patterns(r#"[{"regexp": "all of it", "message": 0}]"#, "1");
        check_patterns(r#"[{"regexp": "(a)", "message": "1"}]"#, "1");
        check_patterns(r#"[{"regexp": "(a)", "message": true}]"#, "`message` must be a whole number");
        // loop
        let only_last = "Only the last pattern in a multiline matcher may set 'loop'";
        check_patterns(r#"[{"regexp": "(a)", "message": 1, "loop": true}]"#, only_last);
        check_patterns(r#"[{"regexp": "a", "message": 0, "loop": true}, {"regexp": "b"}]"#, only_last);
        check_patterns(
            r#"[{"regexp": "a", "message": 0}, {"regexp": "b", "loop": true}]"#,
            "The loop pattern must set 'message'",
        );
        check_patterns(r#"[{"regexp": "a", "file": 0}, {"regexp": "b", "message": 0, "loop": true}]"#, "1");
    }

    #[test]
    fn files_without_matchers() {
        check("", "0");
        check("{}", "0");
        check("\u{feff}{\"ProblemMatcher\": []}", "0");
        check("[]", "The file must hold an object");
        for text in ["{", "{\"problemMatcher\": [\"\\d\",]}", "{\"problemMatcher\": [\"a\nb\"]}", "{} {}"] {
            let err = read_matchers(text).expect_err("it is no JSON");
            assert!(err.starts_with("The file is no valid JSON: "), "{text}: {err}");
        }
    }

    /// A file of brackets must not take the whole run with it.
    #[test]
    fn json_is_read_to_a_depth() {
        for text in ["[".repeat(500_000), "{a:".repeat(200_000), "[".repeat(129) + &"]".repeat(129)] {
            let read = read_json(&text);
            assert!(read.is_err_and(|it| it.starts_with("The file is no valid JSON: ")), "{}", text.len());
        }
        assert!(read_json("{a: [[[['x',],],],],}").is_ok());
    }

    #[test]
    fn json_is_read_leniently() {
        for text in [
            "{\"problemMatcher\": [{\"owner\": \"o\", \"pattern\": [{\"regexp\": \"^(.+)$\", \"message\": 1,},],},],}",
            "// said\n{'problemMatcher': [/* one */ {owner: 'o', 'pattern': [{'regexp': '^(\\\\d+)$', message: 1}]}]}",
        ] {
            check(text, "1");
        }
    }
}
