//! One mistake, one finding, at its place, with a way out.

use wfrun_syntax::{Checked, Diagnostic, Source, parse};

fn draw(found: &Diagnostic) -> String {
    let mut out = found.to_string();
    if let Some(place) = &found.place {
        out.extend([" `", place.text(), "`"]);
    }
    for label in &found.labels {
        out = format!("{out}; {} ({}) `{}`", label.text, label.place, label.place.text());
    }
    assert!(found.help.is_some(), "{out}: no way out");
    out
}

#[track_caller]
fn check(text: &str, expected: &str) -> Checked<Option<wfrun_syntax::Node>> {
    let checked = parse(&Source::new("a.yml", text));
    let found: Vec<_> = checked.diagnostics.iter().map(draw).collect();
    assert_eq!(found, [expected], "{text:?}");
    checked
}

#[test]
fn mistakes_are_explained() {
    for (text, expected) in [
        ("a:\n\tb: 1\n", "error[yaml/tab-indentation]: a tab is used for indentation (a.yml:2:1) `\t`"),
        (
            "jobs:\n  a:\n    b: 1\n  \tc: 2\n",
            "error[yaml/tab-indentation]: a tab is used for indentation (a.yml:4:3) `\t`",
        ),
        ("jobs:\n\ta:\n\t\tb: 1\n", "error[yaml/tab-indentation]: a tab is used for indentation (a.yml:2:1) `\t`"),
        ("a: |\n\tx\n", "error[yaml/tab-indentation]: a tab is used for indentation (a.yml:2:1) `\t`"),
        ("a: 'x\nb: 2\n", "error[yaml/unclosed-quote]: the quote is never closed (a.yml:1:4) `'x`"),
        ("a: \"x\nb: 2\n", "error[yaml/unclosed-quote]: the quote is never closed (a.yml:1:4) `\"x`"),
        ("a: {b: 1\n", "error[yaml/unclosed-bracket]: `{` is never closed (a.yml:1:4) `{`"),
        (
            "a: [1, 2\nb: 3\n",
            "error[yaml/unclosed-bracket]: a bracket is not closed, or a comma is missing (a.yml:2:2) `:`",
        ),
        ("a: b: c\n", "error[yaml/unexpected-colon]: `:` is not allowed here (a.yml:1:5) `:`"),
        ("a: 1\nb\nc: 2\n", "error[yaml/missing-colon]: a key with `:` was expected here (a.yml:2:1) `b`"),
        (
            "  a: 1\n b: 2\n",
            "error[yaml/indentation]: this line does not continue what stands above it (a.yml:2:2) `b: 2`",
        ),
        (
            "a:\n    b: 1\n   c:\n     - 2\n",
            "error[yaml/indentation]: the indentation does not fit what stands above (a.yml:3:4) `c:`",
        ),
        (
            "a:\n  - run: |\n    make test\n",
            "error[yaml/indentation]: the text of a block must stand deeper than the key it belongs to (a.yml:3:5) `make test`",
        ),
        ("é: @x\n", "error[yaml/reserved-character]: a value may not start with `@` (a.yml:1:4) `@`"),
        ("a: - b\n", "error[yaml/unexpected-dash]: a sequence cannot start here (a.yml:1:4) `-`"),
        ("a: [*x, 1]\n", "error[yaml/unknown-anchor]: Unknown anchor 'x' (a.yml:1:5) `*x`"),
        (
            "a: \"\\q\"\n",
            "error[yaml/unknown-escape]: the double-quoted text holds an escape YAML does not know (a.yml:1:4) `\"\\q\"`",
        ),
        ("if: !x && y\n", "error[yaml/unexpected-tag]: Unexpected tag '!x' (a.yml:1:5) `!x && y`"),
        (
            "a:\n  b: !!int test\n",
            "error[yaml/tag-value]: The value 'test' on line 2 and column 6 is invalid for the type 'tag:yaml.org,2002:int' (a.yml:2:6) `!!int test`",
        ),
        (
            "a: 0x1FFFFFFFF\n",
            "error[yaml/tag-value]: The value '0x1FFFFFFFF' on line 1 and column 4 is invalid for the type 'tag:yaml.org,2002:int' (a.yml:1:4) `0x1FFFFFFFF`",
        ),
        (
            "a: !!int '1'\n",
            "error[yaml/tag-style]: The scalar style 'SingleQuoted' on line 1 and column 4 is not valid with the tag 'tag:yaml.org,2002:int' (a.yml:1:4) `!!int '1'`",
        ),
        (
            "a: !!timestamp 2022-10-26\n",
            "error[yaml/unexpected-tag]: Unexpected tag 'tag:yaml.org,2002:timestamp' (a.yml:1:4) `!!timestamp 2022-10-26`",
        ),
        (
            "a: 1\n---\nb: 2\n",
            "error[yaml/second-document]: the file holds more than one YAML document (a.yml:2:1) `---`",
        ),
        (
            "- a\n- b\n",
            "error[yaml/not-a-mapping]: a mapping was expected, but the file is a sequence (a.yml:1:1) `- a`",
        ),
        (
            "<html>\n<b>x</b>",
            "error[yaml/not-a-mapping]: a mapping was expected, but the file is text without keys (a.yml:1:1) `<html>`",
        ),
        (
            "a: 1\n\u{0}b",
            "error[yaml/not-text]: the file is not YAML: it holds the control character U+0000 (a.yml:2:1) `\0`",
        ),
    ] {
        let checked = check(text, expected);
        assert!(checked.value.is_none());
    }
}

#[test]
fn a_duplicate_key_names_both_places_and_is_dropped() {
    for (text, expected, left) in [
        (
            "env:\n  A: 1\n  b: 2\n  a: {x: [1]}\n",
            "error[yaml/duplicate-key]: 'a' is already defined (a.yml:4:3) `a`; first defined here (a.yml:2:3) `A`",
            vec!["A", "b"],
        ),
        (
            "env: {É: 1, é: 2}\n",
            "error[yaml/duplicate-key]: 'é' is already defined (a.yml:1:13) `é`; first defined here (a.yml:1:7) `É`",
            vec!["É"],
        ),
        (
            "env:\n  [1]: 2\n  b: 1\n",
            "error[yaml/key-not-scalar]: a key must be text, but this is a sequence (a.yml:2:3) `[1]`",
            vec!["b"],
        ),
    ] {
        let root = check(text, expected).value.expect("the rest is read");
        let env = root.as_mapping().and_then(|it| it.get("env")).expect("env");
        assert_eq!(env.as_mapping().unwrap().keys().collect::<Vec<_>>(), left);
    }
}
