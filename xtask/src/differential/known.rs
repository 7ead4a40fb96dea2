//! Where the package is known to go other ways than GitHub's service.
//!
//! Source: GitHub: planning rules P6.3, from the sources of actions/runner and of the package.

use serde_json::Value;

/// Two answers to one question.
pub(super) struct Pair<'a> {
    pub(super) expr: &'a str,
    pub(super) ours: &'a Value,
    pub(super) theirs: &'a Value,
}

/// A listed difference.
pub(super) struct Known {
    pub(super) name: &'static str,
    pub(super) reason: &'static str,
    pub(super) applies: fn(&Pair<'_>) -> bool,
}

/// In the order in which they are tried.
pub(super) const KNOWN: &[Known] = &[
    Known {
        name: "words first",
        reason: "the package reads all words before it looks at their order, so one that is none comes first",
        applies: |it| it.kinds() == (Some("parsing"), Some("lexing")) && it.position(it.ours) <= it.position(it.theirs),
    },
    Known {
        name: "white space",
        reason: "the package skips blanks, tabs and line breaks, and ends words at what JavaScript calls white space",
        applies: |it| {
            let unusual = |it: char| it == '\u{feff}' || it.is_whitespace() && !matches!(it, ' ' | '\t' | '\r' | '\n');
            it.their_kind() == Some("lexing")
                && (it.their_word().contains(unusual) || it.word(it.ours).contains(unusual))
        },
    },
    Known {
        name: "end of expression",
        reason: "the package calls the end `EOF`, the service names the last word",
        applies: |it| {
            let ends = it.what(it.ours) == "Unexpected end of expression";
            it.both("parsing") && it.their_token() == Some("EOF") && ends
        },
    },
    Known {
        name: "dots behind constants",
        reason: "the package reads a number where the service sees a point that may not stand there",
        applies: |it| {
            let number = it.their_token() == Some("NUMBER") && it.their_word().starts_with('.');
            it.both("parsing") && it.word(it.ours) == "." && number
        },
    },
    Known {
        name: "wildcards in operations",
        reason: "the package wants `]` behind `[*`, the service goes on with `*` as a text",
        applies: |it| {
            let mut behind = it.expr.split("[*").skip(1);
            let goes_on = behind.any(|it| !it.trim_start().starts_with(']'));
            it.their_kind() == Some("parsing") && it.what(it.theirs) == "Unexpected symbol" && goes_on
        },
    },
    Known {
        name: "strings in messages",
        reason: "the package prints a string that is misplaced without its quotes",
        applies: |it| {
            let same = it.what(it.ours) == it.what(it.theirs);
            it.both("parsing") && it.their_token() == Some("STRING") && same
        },
    },
    Known {
        name: "arity",
        reason: "the package names the function, the service its parenthesis",
        applies: |it| {
            let what = it.what(it.ours);
            it.both("parsing") && what == it.what(it.theirs) && what.ends_with("parameters supplied")
        },
    },
    Known {
        name: "functions last",
        reason: "the package looks for a function behind its arguments, the service at its name",
        applies: |it| it.both("parsing") && it.what(it.ours) == "Unrecognized function",
    },
    Known {
        name: "trailing comma",
        reason: "the package takes a comma behind the last argument",
        applies: |it| {
            let misplaced = it.what(it.ours) == "Unexpected symbol" && it.word(it.ours) == ")";
            it.our_kind() == Some("parsing") && misplaced && it.comma_before_end()
        },
    },
    Known {
        name: "index message",
        reason: "the package adds words of its own to what is wrong with an index",
        applies: |it| {
            let inner = it.their_message().trim_start_matches("could not evaluate index for index access: ");
            it.both("evaluation") && inner == it.our_message()
        },
    },
    Known {
        name: "JSON reader",
        reason: "the package reads strict JSON and has messages of its own",
        applies: |it| it.in_evaluation() && it.their_kind() == Some("evaluation") && it.flag("json-reader"),
    },
    Known {
        name: "eager arguments",
        reason: "the package evaluates all arguments, and an index before what it looks into",
        applies: |it| it.in_evaluation() && it.their_kind() == Some("evaluation") && it.flag("eager"),
    },
    Known {
        name: "format specifiers",
        reason: "the package ignores what stands behind the number of an argument, and has no greatest number",
        applies: |it| it.in_evaluation() && it.flag("format-specifiers"),
    },
    Known {
        name: "doubled quotes",
        reason: "of several doubled quotes in a string the package makes only the first one",
        applies: |it| it.in_evaluation() && it.flag("doubled-quotes"),
    },
    Known {
        name: "number to text",
        reason: "the package prints numbers as JavaScript does, the service with 15 digits as .NET does",
        applies: |it| it.in_evaluation() && it.flag("number-to-text"),
    },
    Known {
        name: "text to number",
        reason: "the package reads numbers as JavaScript does: no 32 bits, no `infinity`, but `0b1`",
        applies: |it| (it.in_evaluation() || it.our_kind() == Some("lexing")) && it.flag("text-to-number"),
    },
    Known {
        name: "object keys",
        reason: "the package puts keys that look like numbers first, and keeps the first of two that differ in case",
        applies: |it| it.in_evaluation() && it.flag("object-keys"),
    },
    Known {
        name: "case folding",
        reason: "the package maps case as JavaScript does, by full and partly by lower-case mappings",
        applies: |it| it.in_evaluation() && it.flag("case-folding"),
    },
    Known {
        name: "JSON escapes",
        reason: "the package leaves U+0085, U+2028 and U+2029 as they are",
        applies: |it| it.in_evaluation() && it.flag("json-escapes"),
    },
];

impl<'a> Pair<'a> {
    /// Same kind and value, or same kind of error and, as far as the package prints it, message.
    pub(super) fn is_same(&self) -> bool {
        match (self.kinds(), self.ours["kind"].as_str()) {
            ((None, None), Some(kind)) => {
                kind == self.theirs["kind"] && same_value(&self.ours["value"], &self.theirs["value"])
            }
            ((Some(ours), Some(theirs)), _) => ours == theirs && self.our_message().starts_with(self.their_message()),
            _ => false,
        }
    }

    fn kinds(&self) -> (Option<&'a str>, Option<&'a str>) {
        (self.ours["error"]["kind"].as_str(), self.theirs["error"]["kind"].as_str())
    }

    fn both(&self, kind: &str) -> bool {
        self.kinds() == (Some(kind), Some(kind))
    }

    fn our_message(&self) -> &'a str {
        self.ours["error"]["message"].as_str().unwrap_or_default()
    }

    fn their_message(&self) -> &'a str {
        self.theirs["error"]["message"].as_str().unwrap_or_default()
    }

    /// What is wrong, without the word that is.
    #[expect(clippy::unused_self, reason = "it reads as the others do")]
    fn what(&self, answer: &'a Value) -> &'a str {
        answer["error"]["message"].as_str().unwrap_or_default().split(": '").next().unwrap_or_default()
    }

    /// The word that is wrong.
    fn word(&self, answer: &'a Value) -> &'a str {
        let message = self.without_expression(answer);
        let behind = message.split_once(": '").map_or("", |(_, behind)| behind);
        behind.rsplit_once('\'').map_or(behind, |(word, _)| word)
    }

    fn position(&self, answer: &'a Value) -> Option<usize> {
        let message = self.without_expression(answer);
        message.rsplit_once("Located at position ")?.1.split(' ').next()?.parse().ok()
    }

    /// The message without the expression at its end, which may hold the same words.
    fn without_expression(&self, answer: &'a Value) -> &'a str {
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        message.strip_suffix(self.expr).unwrap_or(message)
    }

    fn our_kind(&self) -> Option<&'a str> {
        self.kinds().0
    }

    fn their_kind(&self) -> Option<&'a str> {
        self.kinds().1
    }

    fn their_word(&self) -> &'a str {
        self.word(self.theirs)
    }

    /// What sort of word the package found wrong.
    fn their_token(&self) -> Option<&'a str> {
        self.theirs["error"]["token"].as_str()
    }

    /// Whether both found an expression, whatever came of it.
    fn in_evaluation(&self) -> bool {
        let evaluated = |kind: Option<&str>| kind.is_none_or(|it| it == "evaluation");
        evaluated(self.our_kind()) && evaluated(self.their_kind())
    }

    fn comma_before_end(&self) -> bool {
        let Some(position) = self.position(self.ours) else { return false };
        let before: Vec<u16> = self.expr.encode_utf16().take(position - 1).collect();
        String::from_utf16_lossy(&before).trim_end().ends_with(',')
    }

    fn flag(&self, name: &str) -> bool {
        self.theirs["flags"].as_array().is_some_and(|it| it.iter().any(|it| it == name))
    }
}

/// The package's objects are lists of pairs, as a JavaScript object has an order of its own.
fn same_value(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_value(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            let pairs = b.get("pairs").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            let same = |((key, value), pair): ((&String, &Value), &Value)| {
                pair[0] == key.as_str() && same_value(value, &pair[1])
            };
            a.len() == pairs.len() && a.iter().zip(pairs).all(same)
        }
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn error(kind: &str, message: &str) -> Value {
        json!({"error": {"kind": kind, "message": message}})
    }

    #[expect(clippy::needless_pass_by_value, reason = "the table reads better")]
    fn value(kind: &str, value: Value, flags: &[&str]) -> Value {
        json!({"kind": kind, "value": value, "flags": flags})
    }

    #[test]
    fn the_same_is_the_same() {
        let same = |ours: &Value, theirs: &Value| Pair { expr: "a", ours, theirs }.is_same();
        let number = |it: f64| value("Number", json!(it), &[]);
        assert!(same(&number(1.0), &value("Number", json!(1), &[])));
        assert!(!same(&number(1.0), &number(2.0)));
        assert!(!same(&number(1.0), &value("String", json!(1.0), &[])));
        let ours = value("Object", json!({"b": [1], "a": {}}), &[]);
        assert!(same(&ours, &value("Object", json!({"pairs": [["b", [1]], ["a", {"pairs": []}]]}), &[])));
        assert!(!same(&ours, &value("Object", json!({"pairs": [["a", {"pairs": []}], ["b", [1]]]}), &[])));
        let ours = error("parsing", "Unexpected symbol: 'b'. Located at position 3 within expression: a b");
        assert!(same(&ours, &error("parsing", "Unexpected symbol: 'b'")));
        assert!(!same(&ours, &error("lexing", "Unexpected symbol: 'b'")));
        assert!(!same(&ours, &error("parsing", "Unexpected symbol: 'c'")));
        assert!(!same(&ours, &number(1.0)));
    }

    #[test]
    fn each_listed_difference_is_found_and_no_other() {
        let at = |what: &str, position: usize, expr: &str| {
            format!("{what}. Located at position {position} within expression: {expr}")
        };
        let with_token = |mut answer: Value, token: &str| {
            answer["error"]["token"] = json!(token);
            answer
        };
        for (expr, ours, theirs, name) in [
            (
                "1 1 \"",
                error("parsing", &at("Unexpected symbol: '1'", 3, "1 1 \"")),
                error("lexing", &at("Unexpected symbol: '\"'", 5, "1 1 \"")),
                Some("words first"),
            ),
            (
                "\" 1",
                error("parsing", &at("Unexpected symbol: '1'", 3, "\" 1")),
                error("lexing", &at("Unexpected symbol: '\"'", 1, "\" 1")),
                None,
            ),
            (
                "a\u{a0}",
                value("Null", Value::Null, &[]),
                error("lexing", &at("Unexpected symbol: '\u{a0}'", 2, "a\u{a0}")),
                Some("white space"),
            ),
            (
                "a(1",
                error("parsing", &at("Unexpected end of expression: '1'", 3, "a(1")),
                with_token(error("parsing", "Unexpected symbol: 'EOF'"), "EOF"),
                Some("end of expression"),
            ),
            (
                "'a'.5",
                error("parsing", &at("Unexpected symbol: '.'", 4, "'a'.5")),
                with_token(error("parsing", "Unexpected symbol: '.5'"), "NUMBER"),
                Some("dots behind constants"),
            ),
            (
                "a[* == 1]",
                value("Null", Value::Null, &[]),
                error("parsing", "Unexpected symbol: '=='"),
                Some("wildcards in operations"),
            ),
            (
                "1 'a'",
                error("parsing", &at("Unexpected symbol: ''a''", 3, "1 'a'")),
                with_token(error("parsing", "Unexpected symbol: 'a'"), "STRING"),
                Some("strings in messages"),
            ),
            (
                "join()",
                error("parsing", &at("Too few parameters supplied: '('", 5, "join()")),
                error("parsing", "Too few parameters supplied: 'join'"),
                Some("arity"),
            ),
            (
                "foo(bar)",
                error("parsing", &at("Unrecognized function: 'foo'", 1, "foo(bar)")),
                error("parsing", "Unrecognized named-value: 'bar'"),
                Some("functions last"),
            ),
            (
                "join(1, )",
                error("parsing", &at("Unexpected symbol: ')'", 9, "join(1, )")),
                value("String", json!("1"), &[]),
                Some("trailing comma"),
            ),
            (
                "(1 )",
                error("parsing", &at("Unexpected symbol: ')'", 4, "(1 )")),
                value("String", json!("1"), &[]),
                None,
            ),
            (
                "a[format('{')]",
                error("evaluation", "broken"),
                error("evaluation", "could not evaluate index for index access: broken"),
                Some("index message"),
            ),
            (
                "x",
                value("String", json!("1E+21"), &[]),
                value("String", json!("1e21"), &["number-to-text"]),
                Some("number to text"),
            ),
            ("x", value("String", json!("1E+21"), &[]), value("String", json!("1e21"), &[]), None),
            ("x", value("String", json!("1"), &[]), error("lexing", "broken"), None),
        ] {
            let pair = Pair { expr, ours: &ours, theirs: &theirs };
            assert!(!pair.is_same(), "{expr}");
            assert_eq!(KNOWN.iter().find(|it| (it.applies)(&pair)).map(|it| it.name), name, "{expr}");
        }
    }
}
