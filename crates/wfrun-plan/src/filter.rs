use serde::Serialize;
use wfrun_syntax::Span;
use wfrun_workflow::Patterns;

use crate::Pattern;

/// What a filter says about one name, and which pattern decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Whether the name passes.
    pub passes: bool,
    /// The pattern that decided last, as written; none where no pattern matched.
    pub pattern: Option<String>,
    /// Where that pattern stands, or the whole list.
    pub span: Span,
}

/// Puts `name` through a filter.
///
/// The patterns are gone through in order and the last that matches decides. In an include list a plain pattern lets
/// the name in and a `!` pattern takes it out; in an ignore list it is the other way round.
/// Patterns that GitHub refuses match nothing: they are diagnostics of their own.
/// Source: GitHub: planning rules 2.4.
pub(crate) fn judge(patterns: &Patterns, name: &str) -> Verdict {
    let mut matched = false;
    let mut decided = None;
    for written in &patterns.list {
        let Ok(pattern) = Pattern::parse(&written.value) else { continue };
        if pattern.matches(name) && (matched || !pattern.negated) {
            matched = !pattern.negated;
            decided = Some(written);
        }
    }
    Verdict {
        passes: matched != patterns.ignore,
        pattern: decided.map(|it| it.value.clone()),
        span: decided.map_or(patterns.span, |it| it.span),
    }
}

/// Whether the changed files let the event through: any passing file does.
///
/// Gives back the first file that passes.
pub(crate) fn judge_paths<'a>(patterns: &Patterns, paths: &'a [String]) -> Option<&'a str> {
    paths.iter().find(|it| judge(patterns, it).passes).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use wfrun_syntax::Spanned;

    use super::*;

    #[track_caller]
    fn check(ignore: bool, list: &[&str], name: &str, passes: bool, pattern: Option<&str>) {
        let list = list.iter().map(|it| Spanned::new((*it).to_owned(), Span::default())).collect();
        let patterns = Patterns { key: "branches", ignore, list, span: Span::default() };
        let verdict = judge(&patterns, name);
        assert_eq!((verdict.passes, verdict.pattern.as_deref()), (passes, pattern), "{name}");
    }

    /// Source: GitHub: planning rules 2.4.
    #[test]
    fn last_match_decides() {
        let releases = ["releases/**", "!releases/**-alpha"];
        check(false, &releases, "releases/10", true, Some("releases/**"));
        check(false, &releases, "releases/beta/3-alpha", false, Some("!releases/**-alpha"));
        check(false, &releases, "main", false, None);
        check(false, &["!x", "**"], "x", true, Some("**"));
        let markdown = ["*.md", "!README.md", "README*"];
        check(false, &markdown, "README.md", true, Some("README*"));
        check(false, &["!a"], "b", false, None);
        check(true, &["docs/**"], "docs/a", false, Some("docs/**"));
        check(true, &["docs/**"], "src/b", true, None);
        check(true, &["**", "!main"], "main", true, Some("!main"));
    }
}
