//! Trees: kinds, places, anchors, limits.

use std::fmt::Write as _;

use wfrun_syntax::{Node, NodeKind, Source, Span, parse};

/// Reads a text that must be without findings.
#[track_caller]
pub(crate) fn read(text: &str) -> Node {
    let source = Source::new("a.yml", text);
    let checked = parse(&source);
    let found: Vec<_> = checked.diagnostics.iter().map(ToString::to_string).collect();
    assert!(found.is_empty(), "{text:?}: {found:?}");
    checked.value.expect("a text without findings has a tree")
}

#[track_caller]
fn member<'n>(node: &'n Node, key: &str) -> &'n Node {
    node.as_mapping().and_then(|it| it.get(key)).unwrap_or_else(|| panic!("no {key}"))
}

pub(crate) fn draw(node: &Node) -> String {
    match &*node.kind {
        NodeKind::Null => "null".to_owned(),
        NodeKind::Bool(it) => it.to_string(),
        NodeKind::Number(_) => node.scalar_text().unwrap_or_default(),
        NodeKind::String(it) => format!("{:?}", it.value),
        NodeKind::Sequence(items) => {
            let items: Vec<_> = items.iter().map(draw).collect();
            format!("[{}]", items.join(", "))
        }
        NodeKind::Mapping(mapping) => {
            let mut out = String::from("{");
            for (at, entry) in mapping.iter().enumerate() {
                let comma = if at > 0 { ", " } else { "" };
                write!(out, "{comma}{}: {}", entry.key.value, draw(&entry.value)).expect("a String takes any text");
            }
            out + "}"
        }
    }
}

#[test]
fn documents_become_trees() {
    for (text, expected) in [
        ("", "null"),
        ("# nothing\n", "null"),
        ("---\n", "null"),
        ("a: 1\n...\n", "{a: 1}"),
        ("on: push\nname:\nx: ~\n", "{on: \"push\", name: null, x: null}"),
        ("a: 0755\nb: 1.10\nc: 1e15\nd: 0xFFFFFFFF\ne: .inf\n", "{a: 755, b: 1.1, c: 1E+15, d: -1, e: Infinity}"),
        ("a: True\nb: yes\nc: 'true'\nd: \"1\"\n", "{a: true, b: \"yes\", c: \"true\", d: \"1\"}"),
        ("1: a\ntrue: b\n~: c\n1.10: d\n", "{1: \"a\", true: \"b\", : \"c\", 1.1: \"d\"}"),
        ("a: [1, {b: c}, 'd']\n", "{a: [1, {b: \"c\"}, \"d\"]}"),
        ("a: !!str 1\nb: !<tag:yaml.org,2002:int> 0o10\nc: !!null\n", "{a: \"1\", b: 8, c: null}"),
        ("a: &x [1]\nb: *x\nc: *x\n", "{a: [1], b: [1], c: [1]}"),
        ("a: &x 1\nb: &x 2\nc: *x\n", "{a: 1, b: 2, c: 2}"),
        ("&k key: 1\nb: {*k : 2}\n", "{key: 1, b: {key: 2}}"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", "{a: {b: 1}, c: {<<: {b: 1}}}"),
        ("${{ insert }}: 1\nb: 2\n", "{${{ insert }}: 1, b: 2}"),
        ("a: |\n  x\n   y\n\nb: >-\n  p\n  q\n", "{a: \"x\\n y\\n\", b: \"p q\"}"),
        ("a: \"hello\n  world\"\n", "{a: \"hello world\"}"),
        (
            "a: NaN\nb: 12_345\nc: 2001-12-15T02:59:43.1Z\n",
            "{a: \"NaN\", b: \"12_345\", c: \"2001-12-15T02:59:43.1Z\"}",
        ),
    ] {
        assert_eq!(draw(&read(text)), expected, "{text:?}");
    }
}

/// Source: GitHub: `reader/yaml-schema-sequence.yml` of actions/languageservices ("customer-breaking change"), and the scanner of
/// YamlDotNet.Signed 6.0.0.
#[test]
fn what_githubs_scanner_takes_beyond_yaml() {
    for (text, expected) in [
        // A comment needs no blank before it, wherever a token could begin.
        ("a: [[b]#, c]\n  ]\nd: 1\n", "{a: [[\"b\"]], d: 1}"),
        ("a: {b: c}#é: d\ne: 1\n", "{a: {b: \"c\"}, e: 1}"),
        ("a: \"b\"#c\ne: 'f'#g\n", "{a: \"b\", e: \"f\"}"),
        ("a: |#c\n  d\ne: >-#c\n  f\n  g\n", "{a: \"d\\n\", e: \"f g\"}"),
        ("a: [#c\n  b,#d\n  e]#f\n", "{a: [\"b\", \"e\"]}"),
        ("a: {#c\n  b: d,#e\n  f: g}", "{a: {b: \"d\", f: \"g\"}}"),
        ("a: [b,#&x\n  c]#", "{a: [\"b\", \"c\"]}"),
        // Elsewhere `#` is text.
        ("a: b#c\nd: [e#f, #g\n  h]\ni#j: 1\n", "{a: \"b#c\", d: [\"e#f\", \"h\"], i#j: 1}"),
        ("a: |\n  b]#c\nd: '[e]#f'\n", "{a: \"b]#c\\n\", d: \"[e]#f\"}"),
        // A dash before a bracket or comma is text.
        (
            "a: [-]\nb: [-, c]\nd: {e: -}\nf: [g, -,-]\n",
            "{a: [\"-\"], b: [\"-\", \"c\"], d: {e: \"-\"}, f: [\"g\", \"-\", \"-\"]}",
        ),
    ] {
        assert_eq!(draw(&read(text)), expected, "{text:?}");
    }
}

/// A sequence begins at its first dash, however deep it stands.
///
/// Source: GitHub: `Parser.ParseNode` of YamlDotNet.Signed 6.0.0.
#[test]
fn places_of_sequences() {
    for (text, expected) in [
        ("k:\n- a\n- b\n", (2, 1)),
        ("k:\n  - a\n", (2, 3)),
        ("k: # - c\n# - d\n\n- a\n", (4, 1)),
        ("k:\r\n-\r\n  a\r\n", (2, 1)),
        ("k:\n- - a\n  - b\n", (2, 1)),
        ("k:\n-   x: 1\n", (2, 1)),
        ("k:\n-\n- a\n", (2, 1)),
        ("k: &x\n- a\n", (1, 4)),
        ("k: [\n  a]\n", (1, 4)),
    ] {
        let source = Source::new("a.yml", text);
        let root = parse(&source).value.expect("the text is fine");
        let start = source.location(member(&root, "k").place().start);
        assert_eq!((start.line, start.col), expected, "{text:?}");
    }
    let text = "k:\n- - a\n  - b\n";
    let source = Source::new("a.yml", text);
    let root = parse(&source).value.expect("the text is fine");
    let outer = member(&root, "k").as_sequence().expect("a sequence");
    assert_eq!(source.slice(outer[0].place()), "- a\n  - b");
}

#[test]
fn places_beside_a_comment_without_a_blank() {
    let text = "a: |#c\n  d\ne: [f,#&x\n  g]#h\n";
    let source = Source::new("a.yml", text);
    let root = parse(&source).value.expect("the text is fine");
    assert_eq!(source.slice(member(&root, "a").place()), "|#c\n  d");
    let list = member(&root, "e");
    assert_eq!(source.slice(list.place()), "[f,#&x\n  g]");
    assert_eq!(source.slice(list.as_sequence().expect("a list")[1].place()), "g");
}

#[test]
fn places_are_bytes_of_the_file() {
    let text = "\u{feff}é: ü # c\r\nlist:\r\n  - 'a'\r\n  - {k: 😀}\r\nmap:\r\n  x: 1\r\n  y:\r\nrun: |\r\n  one\r\n\r\nend: [1,\r\n  2]\r\n";
    let source = Source::new("a.yml", text);
    let root = parse(&source).value.expect("the text is fine");
    let slice = |span: Span| source.slice(span);
    let entry = |key: &str| root.as_mapping().unwrap().entry(key).unwrap();
    assert_eq!(slice(entry("é").key.span), "é");
    assert_eq!(slice(entry("é").value.span), "ü");
    assert_eq!(slice(entry("list").value.span), "- 'a'\r\n  - {k: 😀}");
    let items = entry("list").value.as_sequence().unwrap();
    assert_eq!(slice(items[0].span), "'a'");
    assert_eq!(slice(items[1].span), "{k: 😀}");
    assert_eq!(slice(member(&items[1], "k").span), "😀");
    assert_eq!(slice(entry("map").value.span), "x: 1\r\n  y:");
    let missing = member(&entry("map").value, "y").span;
    assert_eq!(source.location(missing.start), wfrun_syntax::Location { line: 7, col: 5 });
    assert_eq!(slice(entry("run").value.span), "|\r\n  one");
    assert_eq!(slice(entry("end").value.span), "[1,\r\n  2]");
}

#[test]
fn scalars_keep_how_they_were_written() {
    let root = read("a: 0x1F\nb: \"x\\ty\"\nc: ~\nd: >-\n  z\n");
    assert_eq!(member(&root, "a").raw(), Some("0x1F"));
    assert_eq!(member(&root, "b").raw(), Some("\"x\\ty\""));
    assert_eq!(member(&root, "c").raw(), Some("~"));
    assert_eq!(member(&root, "d").style(), Some(wfrun_syntax::ScalarStyle::Folded));
    assert_eq!(member(&root, "c").scalar_text().as_deref(), Some(""));
    assert_eq!(root.raw(), None);
    assert_eq!(root.scalar_text(), None);
}

#[test]
fn an_alias_shares_its_value_and_knows_both_places() {
    let source = Source::new("a.yml", "a: &x\n  k: 1\nb: *x\n");
    let root = parse(&source).value.expect("the text is fine");
    let (a, b) = (member(&root, "a"), member(&root, "b"));
    assert!(std::sync::Arc::ptr_eq(&a.kind, &b.kind));
    assert_eq!(source.slice(b.span), "*x");
    assert_eq!(b.alias_of, Some(a.span));
    assert_eq!(b.definition(), a.definition());
    assert_eq!(a.alias_of, None);
}

#[test]
fn parts_of_a_text_know_their_place() {
    let styles = [
        "k: one needle two\n",
        "k: 'it''s needle''s'\n",
        "k: \"\\u00e9\\t\\\"needle\\\" \\x41\"\n",
        "k: é needle\n",
        "k: one\n  two\n\n  a needle b\n",
        "k: 'one\n\n  needle'\n",
        "k: \"one \\\n   x needle\"\n",
        "k: |\n  one\n\n    needle here\n  three\n",
        "k: |2\n    needle\n  x\n",
        "k: |+ # needle in a comment\n\n  x\n  needle\n\n",
        "k: >-\n  one\n  two\n\n  needle three\n    four\n  five\n",
        "k: >\r\n  one\r\n  two\r\n  needle\r\n",
        "k: |\r\n  one\r\n  needle\r\n",
        "l:\n  - x # a | needle\n  - |\n    needle\n",
    ];
    for text in styles {
        let source = Source::new("a.yml", text);
        let root = parse(&source).value.expect("the text is fine");
        let node = match root.as_mapping().unwrap().get("k") {
            Some(it) => it.clone(),
            None => member(&root, "l").as_sequence().unwrap()[1].clone(),
        };
        let value = node.as_text().expect("a string");
        let at = value.value.find("needle").expect("the value holds it");
        let span = value.span_of(at..at + 6);
        assert_eq!(source.slice(span), "needle", "{text:?}");
        let last = text.rfind("needle").unwrap();
        assert_eq!(span.start as usize, last, "{text:?}");
        let all = value.span_of(0..value.value.len());
        assert!(all.start >= value.span().start, "{text:?}");
        assert_eq!(value.span_of(0..value.value.len() + 1), value.span(), "outside: the whole");
        let empty = value.span_of(at..at);
        assert_eq!((empty.start, empty.len()), (span.start, 0));
    }
}

#[test]
fn limits_hold_and_aliases_cost_nothing() {
    let check = |text: &str, code: &str| {
        let checked = parse(&Source::new("a.yml", text));
        let codes: Vec<_> = checked.diagnostics.iter().map(|it| it.code.as_str()).collect();
        assert_eq!(codes, [code], "{}", &text[..text.len().min(80)]);
        assert!(checked.value.is_none());
    };
    let nested = |levels: usize| format!("a: {}{}\n", "[".repeat(levels), "]".repeat(levels));
    read(&nested(49));
    check(&nested(50), "yaml/too-deep");
    check(&"[".repeat(20_000), "yaml/too-deep");
    let deep_blocks: String = (0..200).fold(String::new(), |out, level| out + &" ".repeat(level) + "a:\n");
    check(&deep_blocks, "yaml/too-deep");
    check("a: &x [*x]\n", "yaml/recursive-alias");
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{aliases}]").unwrap();
    }
    check(&bomb, "yaml/too-many-nodes");
    let mut deep = "a0: &a0 [x]\n".to_owned();
    for level in 1..60 {
        writeln!(deep, "a{level}: &a{level} [*a{}]", level - 1).unwrap();
    }
    check(&deep, "yaml/too-deep");
    check(&format!("a: {}\n", "x".repeat(1_048_576)), "yaml/too-large");
    read(&format!("a: '{}'\n", "é".repeat(600_000)));
}

/// Source: GitHub: planning rules P1.3 and P1.5.
#[test]
fn githubs_place_of_a_value_begins_at_its_anchor_or_tag() {
    for (text, path, expected) in [
        ("a: &x 1\n", "a", (1, 4)),
        ("a: !!str 1\n", "a", (1, 4)),
        ("a: &x !!str 'b' # & c\n", "a", (1, 4)),
        ("a: # &no\n  &x\n  k: 1\n", "a", (2, 3)),
        ("a: &x\n- 1\n", "a", (1, 4)),
        ("a: &x |\n  text\n", "a", (1, 4)),
        ("a: b&c\n", "a", (1, 4)),
        ("a: &x 1\nb: *x\n", "b", (1, 4)),
        ("a:\n  k: 1\n", "a", (2, 3)),
        ("a: {k: 1}\n", "a", (1, 4)),
        ("a:\n", "a", (1, 3)),
    ] {
        let source = Source::new("a.yml", text);
        let root = parse(&source).value.expect("the text is fine");
        let place = source.location(member(&root, path).place().start);
        assert_eq!((place.line, place.col), expected, "{text:?}");
    }
}
