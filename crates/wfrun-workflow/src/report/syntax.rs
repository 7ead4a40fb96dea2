//! What to do about an expression that GitHub cannot read.

/// Words of other languages, and what expressions have instead.
const FOREIGN: [(&str, &str); 14] = [
    ("=", "compare with `==`"),
    ("&", "combine with `&&`"),
    ("|", "combine with `||`"),
    ("and", "combine with `&&`"),
    ("or", "combine with `||`"),
    ("not", "negate with `!`"),
    ("is", "compare with `==`"),
    ("eq", "compare with `==`"),
    ("in", "look into a list with `contains(list, item)`"),
    ("?", TERNARY),
    (":", TERNARY),
    (">", "unequal is `!=`"),
    ("!", "unequal is `!=`; a `!` that negates stands in front of a value"),
    ("..", "one dot is enough"),
];
const TERNARY: &str = "instead of `? :` write `case(condition, value, otherwise)`";

/// Functions and what they take.
///
/// Source: GitHub: planning rules 3.6.
const SIGNATURES: [(&str, &str); 13] = [
    ("case", "case(condition, value, …, otherwise)"),
    ("contains", "contains(text or list, item)"),
    ("endsWith", "endsWith(text, end)"),
    ("format", "format('{0} and {1}', first, second, …)"),
    ("fromJSON", "fromJSON(text)"),
    ("join", "join(list, separator)"),
    ("startsWith", "startsWith(text, start)"),
    ("toJSON", "toJSON(value)"),
    ("hashFiles", "hashFiles('**/*.lock', …)"),
    ("always", "always()"),
    ("cancelled", "cancelled()"),
    ("success", "success()"),
    ("failure", "failure()"),
];

/// For a word where none of its kind may stand.
pub(super) fn misplaced(token: &str, before: &str) -> String {
    if token.contains('"') {
        return "texts stand in single quotes: `'text'`".to_owned();
    }
    if token.contains("${{") {
        return "a `${{` inside of an expression: close the one before, or leave the inner `${{ }}` away".to_owned();
    }
    if let Some(name) = token.strip_prefix('$') {
        let name = name.trim_matches(['{', '}']);
        return format!("`{token}` is the shell's; here it is `env.{name}`, where `env` is available");
    }
    if token.starts_with('}') {
        return "there is a `}}` too many, or its `${{` is missing".to_owned();
    }
    if let Some((_, help)) = foreign(token) {
        return help.to_owned();
    }
    if token.contains('\'') {
        if !token.starts_with('\'') {
            return "a text stands in single quotes, with a quote inside of it written twice: `'it''s'`".to_owned();
        }
        if token.len() == 1 || !token.ends_with('\'') {
            return "the text's closing `'` is missing; a quote inside of a text is written twice: `''`".to_owned();
        }
    }
    match token {
        "+" | "-" | "*" | "/" | "%" => {
            "expressions do not calculate: let a script do it; `format('{0}{1}', a, b)` puts texts together".to_owned()
        }
        ")" | "]" if before.trim_end().ends_with(',') => {
            "a value is missing before this, or a comma too many".to_owned()
        }
        ")" | "]" => format!("there is no opening bracket for this `{token}`, or a value is missing before it"),
        "." => "a name is missing before or behind this dot".to_owned(),
        "," => "commas stand between the arguments of a function only".to_owned(),
        "&&" | "||" | "==" | "!=" | "<" | "<=" | ">=" => "a value is missing before this operator".to_owned(),
        _ if token.starts_with(|it: char| it.is_ascii_digit()) => {
            "this is no number; texts stand in single quotes".to_owned()
        }
        _ => "an operator such as `==` or `&&` is missing before this, or a comma".to_owned(),
    }
}

/// For a word of another language.
pub(super) fn foreign(word: &str) -> Option<(&'static str, &'static str)> {
    FOREIGN.into_iter().find(|(it, _)| it.eq_ignore_ascii_case(word))
}

/// For an expression that stops too early: `text` is all of it.
pub(super) fn unfinished(text: &str) -> String {
    let mut open = Vec::new();
    let mut quoted = false;
    for it in text.chars() {
        match it {
            '\'' => quoted = !quoted,
            '(' | '[' if !quoted => open.push(it),
            ')' | ']' if !quoted => {
                open.pop();
            }
            _ => {}
        }
    }
    match open.last() {
        Some('(') => "a `)` is missing at the end".to_owned(),
        Some(_) => "a `]` is missing at the end".to_owned(),
        None => "a value is missing behind this".to_owned(),
    }
}

/// For a wrong number of arguments: `before` is what stands before the bracket, `name` the word that is wrong.
pub(super) fn arguments(before: &str, name: &str) -> String {
    let from_bracket = before.trim_end().rsplit(|it: char| !(it.is_ascii_alphanumeric() || it == '_')).next();
    let name = if name == "(" { from_bracket.unwrap_or_default() } else { name };
    match SIGNATURES.iter().find(|(it, _)| it.eq_ignore_ascii_case(name)) {
        Some((_, signature)) => format!("it is `{signature}`"),
        None => "give it another number of arguments".to_owned(),
    }
}

/// What a function takes, if it is one.
pub(super) fn signature(name: &str) -> Option<&'static str> {
    SIGNATURES.iter().find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, it)| *it)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_at_the_end() {
        assert_eq!(unfinished("contains(github.ref"), "a `)` is missing at the end");
        assert_eq!(unfinished("contains(env['(', ')'"), "a `]` is missing at the end");
        assert_eq!(unfinished("a == (b) &&"), "a value is missing behind this");
    }

    #[test]
    fn functions_are_found_before_their_brackets() {
        assert_eq!(arguments("x && Contains ", "("), "it is `contains(text or list, item)`");
        assert_eq!(arguments("", "case"), "it is `case(condition, value, …, otherwise)`");
    }
}
