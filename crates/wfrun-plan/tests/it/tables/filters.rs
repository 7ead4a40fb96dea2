//! Source: GitHub: planning rules 2.4.
use wfrun_plan::{ChangedPaths, Event, Pattern, trigger};
use wfrun_workflow::{Workflow, lower};

use crate::{event, workflow};

const JOBS: &str = "jobs: {j: {runs-on: x, steps: [{run: x}]}}\n";

fn listening(filters: &str) -> std::sync::Arc<Workflow> {
    workflow(&format!("on: {{push: {filters}}}\n{JOBS}"))
}

/// Whether the push of a ref that changes these files sets it off.
fn runs(filters: &str, git_ref: &str, files: &[&str]) -> bool {
    let changed = ChangedPaths::Known(files.iter().map(|it| (*it).to_owned()).collect());
    trigger(&listening(filters), &Event { changed, ..event("push", git_ref) }).is_ok()
}

/// What comes of a branch or a tag, in the table's words.
fn word(filters: &str, kind: &str, good: &str, bad: &str) -> &'static str {
    let found = |name: &str, file: &str| runs(filters, &format!("refs/{kind}/{name}"), &[file]);
    let (good_src, good_docs) = (found(good, "src/a"), found(good, "docs/a"));
    let (bad_src, bad_docs) = (found(bad, "src/a"), found(bad, "docs/a"));
    match (good_src, good_docs, bad_src, bad_docs) {
        (true, true, true, true) => "runs",
        (false, false, false, false) => "never",
        (true, true, false, false) => "if matches",
        (true, false, true, false) => "path rule",
        (true, false, false, false) => "both must pass",
        _ => "none of these",
    }
}

/// Table 1, "push config": `main` and `v1` match, `dev` and `old` do not; of paths `src/a` does.
#[test]
fn branches_against_tags_and_paths() {
    let branches = ["branches: [main]", "branches-ignore: [dev]"];
    let tags = ["tags: [v1]", "tags-ignore: [old]"];
    let paths = ["paths: ['src/**']", "paths-ignore: ['docs/**']"];
    let pairs = |some: &[&str], others: &[&str]| -> Vec<String> {
        some.iter().flat_map(|it| others.iter().map(move |other| format!("{it}, {other}"))).collect()
    };
    let alone = |some: &[&str]| some.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    for (row, configs, branch, tag) in [
        ("none / null", vec![String::new()], "runs", "runs"),
        ("only branches(-ignore)", alone(&branches), "if matches", "never"),
        ("only tags(-ignore)", alone(&tags), "never", "if matches"),
        ("both kinds", pairs(&branches, &tags), "if matches", "if matches"),
        ("only paths(-ignore)", alone(&paths), "path rule", "runs"),
        ("branches + paths", pairs(&branches, &paths), "both must pass", "never"),
        ("tags + paths", pairs(&tags, &paths), "never", "if matches"),
    ] {
        for config in configs {
            let filters = format!("{{{config}}}");
            assert_eq!(word(&filters, "heads", "main", "dev"), branch, "{row}: a branch with {config}");
            assert_eq!(word(&filters, "tags", "v1", "old"), tag, "{row}: a tag with {config}");
        }
    }
    for text in ["on: push", "on: [push]", "on: {push: }", "on: {push: null}"] {
        let workflow = workflow(&format!("{text}\n{JOBS}"));
        assert!(trigger(&workflow, &event("push", "refs/tags/v1")).is_ok(), "none / null: {text}");
    }
}

/// "Defined pairs are exclusive."
#[test]
fn both_of_a_pair_are_refused() {
    for name in ["branches", "tags", "paths"] {
        let text = format!("on: {{push: {{{name}: [a], {name}-ignore: [b]}}}}\n{JOBS}");
        let source = wfrun_syntax::Source::new("w.yml", text);
        let lowered = lower(&source, wfrun_syntax::parse(&source).value.as_ref());
        assert!(lowered.has_errors(), "{name}");
    }
}

/// "Evaluation": lists that let in, lists that keep out, and paths.
#[test]
fn evaluation() {
    for (rule, filters, name, files, expected) in [
        ("a plain pattern that matches sets matched", "branches: [a]", "a", &["x"][..], true),
        ("state = unmatched", "branches: [a]", "b", &["x"], false),
        ("a `!` pattern that matches clears it", "branches: ['*', '!a']", "a", &["x"], false),
        ("last match wins", "branches: ['*', '!a*', ab]", "ab", &["x"], true),
        ("last match wins", "branches: ['*', ab, '!a*']", "ab", &["x"], false),
        ("only `!` patterns never match anything", "branches: ['!a']", "a", &["x"], false),
        ("only `!` patterns never match anything", "branches: ['!a']", "b", &["x"], false),
        ("excluded if any pattern matches", "branches-ignore: [a, b]", "b", &["x"], false),
        ("excluded if any pattern matches", "branches-ignore: [a, b]", "c", &["x"], true),
        ("negations honoured in order", "branches-ignore: ['*', '!a']", "a", &["x"], true),
        ("negations honoured in order", "branches-ignore: ['!a', '*']", "a", &["x"], false),
        ("at least one changed file ends matched", "paths: [a]", "b", &["x", "a"], true),
        ("at least one changed file ends matched", "paths: [a]", "b", &["x", "y"], false),
        ("skip only if every changed file matches", "paths-ignore: ['a*']", "b", &["a1", "a2"], false),
        ("a mixed commit runs", "paths-ignore: ['a*']", "b", &["a1", "x"], true),
        ("zero changed files", "paths: ['**']", "b", &[], false),
        ("zero changed files", "paths-ignore: [a]", "b", &[], false),
    ] {
        let found = runs(&format!("{{{filters}}}"), &format!("refs/heads/{name}"), files);
        assert_eq!(found, expected, "{rule}: {filters} of {name} with {files:?}");
    }
}

/// Table 2, "Filter".
#[test]
fn order_of_negations() {
    for (filter, name, files, expected) in [
        ("branches: ['releases/**', '!releases/**-alpha']", "releases/10", &["x"][..], true),
        ("branches: ['releases/**', '!releases/**-alpha']", "releases/beta/3-alpha", &["x"], false),
        ("branches: ['!x', '**']", "x", &["x"], true),
        ("paths: ['*.md', '!README.md', 'README*']", "b", &["README.md"], true),
        ("paths: ['*.md', '!README.md', 'README*']", "b", &["hello.md"], true),
        ("paths: ['*.md', '!README.md', 'README*']", "b", &["README.doc"], true),
        ("paths: ['sub/**', '!sub/docs/**']", "b", &["sub/docs/a.md"], false),
        ("paths: ['sub/**', '!sub/docs/**']", "b", &["sub/docs/a.md", "sub/a.c"], true),
        ("paths-ignore: ['docs/**']", "b", &["docs/a", "src/b"], true),
        ("paths-ignore: ['docs/**']", "b", &["docs/a"], false),
    ] {
        let found = runs(&format!("{{{filter}}}"), &format!("refs/heads/{name}"), files);
        assert_eq!(found, expected, "{filter} of {name} with {files:?}");
    }
}

#[track_caller]
fn check(row: &str, pattern: &str, matching: &[&str], others: &[&str]) {
    let parsed = Pattern::parse(pattern).unwrap_or_else(|err| panic!("{row}: {pattern}: {err}"));
    for it in matching {
        assert!(parsed.matches(it), "{row}: {pattern} should match {it:?}");
    }
    for it in others {
        assert!(!parsed.matches(it), "{row}: {pattern} should not match {it:?}");
    }
}

/// Table 3, "Token".
#[test]
fn tokens() {
    check("anchored to the whole string", "a", &["a"], &["ab", "ba", "b/a", "a/b", ""]);
    check("case-sensitive", "Main", &["Main"], &["main"]);
    for (row, pattern, matching, others) in [
        ("*", "a*c", &["ac", "abc", "a.-c"][..], &["a/c", "ab"][..]),
        ("**", "a**c", &["ac", "abc", "a/b/c"], &["ab"]),
        ("** at the start", "**/a", &["a", "b/a", "b/c/a"], &["ba", "a/b"]),
        ("** between slashes", "a/**/b", &["a/b", "a/x/b", "a/x/y/b"], &["ab", "a/xb"]),
        ("** at the end", "a/**", &["a/b", "a/b/c"], &["a", "ab"]),
        ("? of a char", "ab?c", &["abc", "ac"], &["abbc", "axc"]),
        ("? of a class", "a[bc]?d", &["ad", "abd", "acd"], &["abcd"]),
        ("+ of a char", "ab+c", &["abc", "abbc"], &["ac"]),
        ("+ of a class", "a[bc]+d", &["abd", "abcbd"], &["ad"]),
        ("[abc]", "[abc]", &["a", "b", "c"], &["d", "ab", ""]),
        ("[a-z0-9]", "[a-z0-9]", &["a", "m", "z", "0", "9"], &["A", "-", "_"]),
        ("[A-Z]", "[A-Z]x", &["Ax", "Zx"], &["ax"]),
        ("\\!", "\\!a", &["!a"], &["a", "b"]),
        ("! in the middle", "a!b", &["a!b"], &["ab"]),
        ("\\x", "\\*\\?\\+\\[\\\\a", &["*?+[\\a"], &["a"]),
        (". and others", "a.b(c|d){2}^$", &["a.b(c|d){2}^$"], &["axb", "a.bc"]),
    ] {
        check(row, pattern, matching, others);
    }
    let negated = |it: &str| Pattern::parse(it).map(|it| it.negated);
    assert_eq!((negated("!a"), negated("\\!a")), (Ok(true), Ok(false)), "leading !");
}

/// Table 4, "Pattern".
#[test]
fn patterns() {
    for (pattern, matching, others) in [
        ("*", &["main", "v1"][..], &["a/b"][..]),
        ("**", &["main", "v1", "a/b", "a/b/c"], &[]),
        ("*.jsx?", &["page.js", "page.jsx"], &["a/page.js"]),
        ("**.js", &["index.js", "js/index.js", "src/js/app.js"], &[]),
        ("docs/*", &["docs/a.md"], &["docs/x/a.md"]),
        ("docs/**/*.md", &["docs/README.md", "docs/a/b.md"], &["README.md"]),
        ("**/docs/**", &["docs/a", "dir/docs/a/b"], &[]),
        ("**/*src/**", &["a/src/app.js", "my-src/code.js"], &[]),
        ("**/*-post.md", &["my-post.md", "a/their-post.md"], &[]),
        ("v[12].[0-9]+.[0-9]+", &["v1.10.1", "v2.0.0"], &["v3.0.0"]),
        ("v2*", &["v2", "v2.0", "v2.9"], &[]),
        ("releases/**", &["releases/10", "releases/a/b"], &["releases"]),
    ] {
        check(pattern, pattern, matching, others);
    }
}

/// "Quantifier at position 0, unclosed or empty class, bad range → GitHub rejects the workflow".
#[test]
fn patterns_that_are_refused() {
    for (reason, pattern) in [
        ("quantifier at position 0", "?a"),
        ("quantifier at position 0", "+a"),
        ("quantifier at position 0", "!?a"),
        ("quantifier behind nothing that it can repeat", "a*?"),
        ("quantifier behind a quantifier", "ab?+"),
        ("nothing", ""),
        ("nothing", "!"),
        ("unclosed class", "a[bc"),
        ("unclosed class", "["),
        ("empty class", "a[]"),
        ("bad range", "[z-a]"),
        ("bad range", "[0-z]"),
        ("bad range", "[a-Z]"),
    ] {
        assert!(Pattern::parse(pattern).is_err(), "{reason}: {pattern}");
        for key in ["branches", "branches-ignore", "tags", "tags-ignore", "paths", "paths-ignore"] {
            let source = wfrun_syntax::Source::new("w.yml", format!("on: {{push: {{{key}: ['{pattern}']}}}}\n{JOBS}"));
            let lowered = lower(&source, wfrun_syntax::parse(&source).value.as_ref());
            assert!(lowered.has_errors(), "{reason}: {key}: {pattern}");
        }
    }
}
