//! What a filter says about a name, pattern by pattern.
use serde::Serialize;
use wfrun_syntax::{Span, Spanned};
use wfrun_workflow::Patterns;

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

/// One name that was put through one filter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Filtered {
    /// The filter's key: `branches`, `paths-ignore`, `workflows` …
    pub filter: String,
    /// The name: a branch, a tag, a path …
    pub name: String,
    /// What came of it.
    pub verdict: Verdict,
    /// The patterns, in order, and what each did.
    pub patterns: Vec<PatternStep>,
}

/// What one pattern of a filter did with a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PatternStep {
    /// The pattern as written, with its `!`.
    pub pattern: String,
    /// Where it stands.
    pub span: Span,
    /// Whether it, its `!` set aside, matches the name.
    pub matches: bool,
    /// Whether the name counts as matched by the list so far.
    pub matched: bool,
}

/// Puts a name through a filter.
///
/// The patterns are gone through in order and the last that matches decides. In an include list a plain pattern
/// lets the name in and a `!` pattern takes it out; in an ignore list it is the other way round.
/// Source: GitHub: planning rules 2.4.
pub(crate) fn judge(patterns: &Patterns, name: &str) -> Verdict {
    let (matched, decided) = walk(patterns, name, |_, _, _| ());
    verdict(patterns, matched, decided)
}

/// The same, with what each pattern did.
pub(crate) fn explain(patterns: &Patterns, name: &str) -> Filtered {
    let mut steps = Vec::new();
    let (matched, decided) = walk(patterns, name, |written, matches, matched| {
        steps.push(PatternStep { pattern: written.value.clone(), span: written.span, matches, matched });
    });
    let verdict = verdict(patterns, matched, decided);
    Filtered { filter: patterns.key.to_owned(), name: name.to_owned(), verdict, patterns: steps }
}

fn verdict(patterns: &Patterns, matched: bool, decided: Option<&Spanned<String>>) -> Verdict {
    Verdict {
        passes: matched != patterns.ignore,
        pattern: decided.map(|it| it.value.clone()),
        span: decided.map_or(patterns.span, |it| it.span),
    }
}

/// Whether the list matches, and the pattern that decided.
fn walk<'a>(
    patterns: &'a Patterns,
    name: &str,
    mut told: impl FnMut(&Spanned<String>, bool, bool),
) -> (bool, Option<&'a Spanned<String>>) {
    let (mut matched, mut decided) = (false, None);
    for (written, pattern) in patterns.each() {
        // One that GitHub refuses matches nothing.
        let matching = pattern.as_ref().ok().filter(|it| it.matches(name));
        if let Some(pattern) = matching.filter(|it| matched || !it.negated) {
            matched = !pattern.negated;
            decided = Some(written);
        }
        told(written, matching.is_some(), matched);
    }
    (matched, decided)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ignore: bool, list: &[&str], name: &str, passes: bool, pattern: Option<&str>) {
        let list = list.iter().map(|it| Spanned::new((*it).to_owned(), Span::default())).collect();
        let patterns = Patterns::new("branches", ignore, list, Span::default());
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
        check(false, &markdown, "hello.md", true, Some("*.md"));
        check(false, &markdown, "README.doc", true, Some("README*"));
        check(false, &["!a"], "b", false, None);
        check(false, &[], "b", false, None);
        check(true, &["docs/**"], "docs/a", false, Some("docs/**"));
        check(true, &["docs/**"], "src/b", true, None);
        check(true, &["**", "!main"], "main", true, Some("!main"));
        check(true, &[], "b", true, None);
    }

    #[test]
    fn each_pattern_is_told() {
        let list = ["!b*", "**", "!bad", "c"].map(|it| Spanned::new(it.to_owned(), Span::default())).to_vec();
        let patterns = Patterns::new("tags", false, list, Span::default());
        let explained = explain(&patterns, "bad");
        let told: Vec<_> = explained.patterns.iter().map(|it| (it.pattern.as_str(), it.matches, it.matched)).collect();
        assert_eq!(told, [("!b*", true, false), ("**", true, true), ("!bad", true, false), ("c", false, false)]);
        assert_eq!(explained.verdict.pattern.as_deref(), Some("!bad"));
    }
}
