//! Filter patterns: which lines are meant.

use super::input::invalid;
use crate::protocol::ApiError;

/// A filter pattern of unstructured lines.
///
/// Source: AWS `CloudWatch` Logs user guide, "Filter pattern syntax", "Using filter patterns to match terms in unstructured log
/// events": all terms must be there; of terms with `?` any, and they are ignored beside others; a term with `-` must not be there. Case
/// counts.
/// Differs: patterns of JSON (`{ $.x = 1 }`), of columns (`[a, b]`) and regular expressions (`%x%`) are refused.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Pattern {
    all: Vec<String>,
    any: Vec<String>,
    none: Vec<String>,
}

impl Pattern {
    pub(super) fn read(text: &str) -> Result<Self, ApiError> {
        let text = text.trim();
        if let Some(kind) = match text.chars().next() {
            Some('{') => Some("JSON"),
            Some('[') => Some("columns"),
            Some('%') => Some("regular expressions"),
            _ => None,
        } {
            return Err(invalid(format!("wfrun: filter patterns of {kind} are not emulated, use terms: {text}")));
        }
        let mut pattern = Self::default();
        let mut rest = text;
        while !rest.is_empty() {
            let list = match rest.chars().next() {
                Some('?') => &mut pattern.any,
                Some('-') => &mut pattern.none,
                _ => &mut pattern.all,
            };
            let term = rest.strip_prefix(['?', '-']).unwrap_or(rest);
            let (term, after) = if let Some(quoted) = term.strip_prefix('"') {
                quoted_term(quoted).ok_or_else(|| invalid("Invalid filter pattern"))?
            } else {
                let end = term.find(char::is_whitespace).unwrap_or(term.len());
                (term[..end].to_owned(), &term[end..])
            };
            if term.is_empty() {
                return Err(invalid("Invalid filter pattern"));
            }
            list.push(term);
            rest = after.trim_start();
        }
        Ok(pattern)
    }

    pub(super) fn matches(&self, line: &str) -> bool {
        let has = |term: &String| line.contains(term.as_str());
        let alone = self.all.is_empty() && self.none.is_empty();
        self.all.iter().all(has)
            && !self.none.iter().any(has)
            && (!alone || self.any.is_empty() || self.any.iter().any(has))
    }
}

/// A term up to its closing quote, with `\"` in it, and what is behind it.
fn quoted_term(text: &str) -> Option<(String, &str)> {
    let mut term = String::new();
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Some((term, &text[at + 1..])),
            '\\' => term.push(chars.next()?.1),
            other => term.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn patterns_match() {
        let line = "[ERROR] 404 GET /docs \"not found\"";
        for (pattern, want) in [
            ("", true),
            ("  ", true),
            ("ERROR", true),
            ("error", false),
            ("ERROR 404", true),
            ("ERROR 500", false),
            ("\"404 GET\"", true),
            ("\"GET 404\"", false),
            ("?WARN ?ERROR", true),
            ("?WARN ?INFO", false),
            ("-WARN", true),
            ("ERROR -404", false),
            ("ERROR -\"not there\"", true),
            ("\"\\\"not found\\\"\"", true),
            ("ERROR ?WARN", true),
        ] {
            assert_eq!(Pattern::read(pattern).unwrap().matches(line), want, "{pattern}");
        }
        for refused in ["{ $.level = \"x\" }", "[a, b]", "%x%", "\"open", "?", "-"] {
            assert_eq!(Pattern::read(refused).unwrap_err().code, "InvalidParameterException", "{refused}");
        }
    }
}
