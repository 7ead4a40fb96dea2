use indexmap::IndexMap;
use proptest::prelude::*;
use wfrun_aws::UNKNOWN;

use super::{Script, read};

fn read_it(script: &str) -> Script {
    let variables = [("C", "news"), ("S", "api")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    read(script, &variables.into(), &|inner| if inner == "env.C" { "news".to_owned() } else { UNKNOWN.to_string() })
}

/// Each command with its words; `?` is what is not known, and behind `>` stand the files that it writes.
fn told(script: &str) -> Vec<String> {
    let found = read_it(script);
    assert!(!found.is_broken, "{script}");
    let told = |it: &super::Command| {
        let words = it.words.iter().map(|it| it.text.as_str()).chain(it.writes.iter().flat_map(|it| [">", it]));
        words.collect::<Vec<_>>().join(" ").replace(UNKNOWN, "?")
    };
    found.commands.iter().map(told).collect()
}

#[test]
fn commands_of_scripts() {
    let rows: &[(&str, &[&str])] = &[
        ("a b; c", &["a b", "c"]),
        ("a b \\\n  --c d\ne", &["a b --c d", "e"]),
        ("a && b || c | d & e", &["a", "b", "c", "d", "e"]),
        ("# a\nb # c\nd#e", &["b", "d#e"]),
        ("a 'b c' \"d  e\" f\\ g", &["a b c d  e f g"]),
        ("a $C \"$S-x\" ${C}y '$C' \\$C", &["a news api-x newsy $C $C"]),
        ("a $X ${C:-y} ${C%%x} $1 $? $", &["a ? ? ? ? ? $"]),
        ("a ${{ env.C }}/'${{ env.C }}' ${{ github.sha }} ${{ '}}' }}", &["a news/news ? ?"]),
        ("C=web; a $C; X=$C-1\nb $X", &["a web", "b web-1"]),
        ("export C=web Y; a $C", &["a web"]),
        ("C=web a $C", &["a news"]),
        ("if x; then C=web; a $C; else b; fi; c $C", &["x", "a ?", "b", "c ?"]),
        ("x && C=web; a $C", &["x", "a ?"]),
        ("for C in a b; do c $C; done; d", &["c ?", "d"]),
        ("for S in $(a); do c; done", &["a", "c"]),
        ("while read S; do a $S; done < b", &["a ?"]),
        ("case $C in a|b) c d;; *) e ;; esac; f", &["c d", "e", "f"]),
        ("f() { a $1; }\nf x", &["a ?", "f x"]),
        ("function f {\n a\n}", &["a"]),
        ("( a; b ) && c", &["a", "b", "c"]),
        ("{ a; b; }; C=x; c $C", &["a", "b", "c x"]),
        ("a $(b c | d) `e f`", &["b c", "d", "e f", "a ? ?"]),
        ("a \"$(b \"$(c $C)\")\"", &["c news", "b ?", "a ?"]),
        ("a $((1 + $(b)))", &["b", "a ?"]),
        ("X=$(a b)\nc $X", &["a b", "c ?"]),
        ("X=(a $(b) c)\nd ${X[@]}", &["b", "d ?"]),
        ("a > b 2>&1\nc >> \"$C.txt\"; d &> e < f", &["a > b", "c > news.txt", "d > e"]),
        ("a <(b c) >(d)", &["b c", "d", "a ? ?"]),
        ("a <<END\nb $(c d) e\nEND\nf", &["a", "c d", "f"]),
        ("a <<'END' | g\nb $(c d) e\nEND\nf", &["a", "g", "f"]),
        ("a <<-END\n\tb\n\tEND\nf <<< 'x y'", &["a", "f"]),
        ("bash -euc 'a $C; b'", &["a news", "b", "bash -euc a $C; b"]),
        ("eval \"$(a b)\"", &["a b", "eval ?"]),
        ("! a; time b", &["a", "b"]),
        ("set -e\r\na\r\n", &["set -e", "a"]),
        ("", &[]),
    ];
    for (script, want) in rows {
        assert_eq!(told(script), *want, "{script}");
    }
}

#[test]
fn words_are_where_they_stand() {
    let script = "é; aws  ecs `aws sts x` \"$(aws a)\"\nbash -c 'aws b'";
    let found = read_it(script);
    let aws: Vec<&str> = found
        .commands
        .iter()
        .map(|it| &it.words[0])
        .filter(|it| it.text == "aws")
        .map(|it| &script[it.range.clone()])
        .collect();
    assert_eq!(aws, ["aws", "aws", "aws", "'aws b'"]);
}

#[test]
fn what_does_not_end_is_told() {
    for script in ["a 'b", "a \"b", "a $(b", "a `b", "( a", "a <<END\nb", "a ${b", "a ${{ b", "X=(a"] {
        assert!(read_it(script).is_broken, "{script}");
    }
    assert!(read_it(&"$(".repeat(10_000)).is_broken);
    let nothing = IndexMap::new();
    assert!(read(&"`".repeat(10_001), &nothing, &|_| String::new()).is_broken);
}

proptest! {
    #[test]
    fn no_text_breaks_it(script in "[a-z $(){}`'\"\\\\\n<>&|;#=é]{0,80}") {
        let found = read_it(&script);
        for word in found.commands.iter().flat_map(|it| &it.words) {
            prop_assert!(script.get(word.range.clone()).is_some());
        }
    }
}
