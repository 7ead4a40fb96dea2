//! Small texts that ask for much: each is answered at once.

use std::time::Duration;

use serde_json::json;

use crate::{checks, world::World};

#[expect(clippy::disallowed_methods, reason = "a test has a clock")]
fn within_a_moment(what: &str, work: impl FnOnce()) {
    let started = std::time::Instant::now();
    work();
    let took = started.elapsed();
    assert!(took < Duration::from_mins(1), "{what} took {took:?}");
}

#[test]
fn texts_that_are_deep_or_long() {
    for (name, text) in [
        ("groups", "(".repeat(21_000)),
        ("closed groups", format!("{}1{}", "(".repeat(10_000), ")".repeat(10_000))),
        ("negations", format!("{}1", "!".repeat(20_999))),
        ("indexes", "a[".repeat(10_000)),
        ("closed indexes", format!("{}1{}", "a[".repeat(6_000), "]".repeat(6_000))),
        ("members", format!("a{}", ".b".repeat(10_000))),
        ("filters", format!("b{}", ".*".repeat(10_000))),
        ("filters that are just allowed", format!("b{}", ".*".repeat(48))),
        ("comparisons", format!("1{}", "==1".repeat(6_000))),
        ("conjunction", format!("1{}", "&&1".repeat(6_000))),
        ("mixed logic", format!("1{}", "&&1||1".repeat(3_000))),
        ("calls", "toJSON(".repeat(3_000)),
        ("many arguments", format!("format('{{0}}'{})", ",1".repeat(10_000))),
        ("the last argument often", format!("format('{}'{})", "{253}".repeat(3_000), ",1".repeat(254))),
        ("quotes", "'".repeat(20_999)),
        ("open templates", "${{".repeat(7_000)),
        ("templates", "${{ 1 }}".repeat(2_000)),
        ("dots", ".".repeat(21_000)),
        ("operators", "|".repeat(21_000)),
        ("white space", " \u{a0}\u{2003}".repeat(7_000)),
        ("far too long", "a".repeat(1_000_000)),
    ] {
        within_a_moment(name, || {
            checks::parsed(&text);
            checks::evaluated(&text);
        });
    }
}

#[test]
fn data_that_is_deep_or_long() {
    let members: Vec<String> = (0..40_000).map(|at| format!("\"k{at}\":{at}")).collect();
    let members = members.join(",");
    for (name, text) in [
        ("open arrays", "[".repeat(400_000)),
        ("nested arrays", format!("{}{}", "[".repeat(64), "]".repeat(64))),
        ("open objects", "{\"a\":".repeat(100_000)),
        ("many items", format!("[{}]", "0,".repeat(200_000))),
        ("missing items", ",".repeat(400_000)),
        ("empty collections", format!("[{}]", "[],{},".repeat(60_000))),
        ("many members", format!("{{{members}}}")),
        ("the same member", format!("{{{}}}", "\"a\":1,".repeat(60_000))),
        ("a long number", "1".repeat(400_000)),
        ("a long hexadecimal number", format!("0x{}", "f".repeat(400_000))),
        ("a great exponent", format!("1e{}", "9".repeat(400_000))),
        ("escapes", format!("\"{}\"", "\\ud83d".repeat(60_000))),
        ("comments", "/**/".repeat(100_000)),
        ("comments in an array", format!("[{}", "/**/ //\n".repeat(50_000))),
        ("line breaks", "\r\n".repeat(200_000)),
        ("braces", "{0}".repeat(150_000)),
        ("open braces", "{".repeat(400_000)),
        ("specifiers", format!("{{0:{}", "}}".repeat(200_000))),
        ("almost a match", format!("{}b", "a".repeat(250_000))),
        ("non-ASCII", "é😀ß".repeat(60_000)),
    ] {
        within_a_moment(name, || checks::evaluated(&text));
    }
}

#[test]
fn calls_that_multiply() {
    let world = World::new(&json!({
        "a": {"long": "x".repeat(100_000), "part": format!("{}y", "x".repeat(50_000)), "list": vec!["y"; 20_000]},
        "b": vec![vec![vec![vec![0; 10]; 10]; 10]; 10],
    }));
    let nested = |inner: &str| format!("format('{}', {inner})", "{0}".repeat(100));
    for expr in [
        format!("format('{}', a.long)", "{0}".repeat(6_000)),
        (0..20).fold("a.long".to_owned(), |inner, _| nested(&inner)),
        "join(a.list, a.long)".to_owned(),
        "join(b.*.*.*, a.long)".to_owned(),
        (0..20).fold("a.long".to_owned(), |inner, _| format!("toJSON(format('{{0}}{{0}}', {inner}))")),
        (0..20).fold("a.list".to_owned(), |inner, _| format!("fromJSON(toJSON({inner}))")),
        "contains(a.long, a.part) || contains(a.long, a.part)".to_owned(),
        format!("contains(b.*.*.*.*, 1){}", " || contains(b.*.*.*.*, 1)".repeat(200)),
        format!("a.list.*{}", "[0]".repeat(40)),
        format!("case({} a.long)", "a == 1, a.long, ".repeat(127)),
    ] {
        within_a_moment(&expr[..expr.len().min(60)], || drop(world.eval(&expr)));
    }
}
