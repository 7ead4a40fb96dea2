use proptest::prelude::*;

use super::{Known, Script, read};

const UNKNOWN: char = '\u{ffff}';

fn read_it(script: &str) -> Script {
    let variables = [("C", "news"), ("S", "api"), ("E", "")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let known = Known {
        variables: &variables.into(),
        expression: &|it| if it == "env.C" { "news".to_owned() } else { UNKNOWN.to_string() },
        substitution: &|it| if it == "number" { "7".to_owned() } else { UNKNOWN.to_string() },
        unknown: UNKNOWN,
    };
    read(script, &known)
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
        ("a $X ${C%%x} $1 $? $", &["a ? ? ? ? $"]),
        ("a ${C:-y} ${C=y} ${C:?} ${C:+y} ${X:-y} ${E:-y} ${E:+y}", &["a news news news ? ? ? ?"]),
        ("a ${{ env.C }}/'${{ env.C }}' ${{ github.sha }} ${{ '}}' }}", &["a news/news ? ?"]),
        ("C=web; a $C; X=$C-1\nb $X", &["a web", "b web-1"]),
        ("export C=web Y; a $C", &["a web"]),
        ("C=web a $C", &["a news"]),
        ("if x; then C=web; a $C; else b $C; fi; c $C", &["x", "a web", "b ?", "c ?"]),
        ("f() { local C=web; a $C; }\nb $C", &["a web", "b ?"]),
        ("case $X in a) C=web; a $C;; b) b $C;; esac; c $C", &["a web", "b ?", "c ?"]),
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
        ("sudo -u x sh -c 'a'; trap 'b c' EXIT", &["a", "sudo -u x sh -c a", "b c", "trap b c EXIT"]),
        ("case a in x) case b in y) c;; esac; d;; esac; C=web; e $C", &["c", "d", "e web"]),
        ("bash <<'END' && c\na $C\nEND\nb", &["bash", "c", "a news", "b"]),
        ("sh -s <<END\na \\$C $C; C=web; b $C \\\n  \\$C\nEND", &["sh -s", "a news news", "b news web"]),
        ("sh x <<END\na\nEND", &["sh x"]),
        ("a $(number) `number`", &["number", "number", "a 7 7"]),
        ("A='b  -c'; $A d$A", &["b -c db -c"]),
        ("a $E b; E=$C", &["a b"]),
        (r"a $'it\'s\t\x' b", &["a it's\t\\x b"]),
        ("! a; time b", &["a", "b"]),
        ("set -e\r\na\r\n", &["set -e", "a"]),
        ("", &[]),
    ];
    for (script, want) in rows {
        assert_eq!(told(script), *want, "{script}");
    }
}

/// Unquoted values make several words, or none.
#[test]
fn words_of_values() {
    for (script, expected) in [
        ("A='x y'; a $A", 3),
        ("A='x y'; a \"$A\"", 2),
        ("A='x y'; a b$A' 'c", 3),
        ("A=' x '; a $A", 2),
        ("a $E", 1),
        ("a \"$E\" '' $X", 4),
        ("A='x y'; a B=$A", 2),
    ] {
        assert_eq!(read_it(script).commands[0].words.len(), expected, "{script}");
    }
}

#[test]
fn commands_read_what_is_piped_into_them() {
    let reads = |script: &str| read_it(script).commands.iter().map(|it| it.reads).collect::<Vec<_>>();
    assert_eq!(reads("a | b | c; d || e && f"), [None, Some(0), Some(1), None, None, None]);
    assert_eq!(reads("a |& b $(c)\nd |\n e"), [None, None, Some(0), None, Some(3)]);
    assert_eq!(reads("x; bash -c 'a | b' | c"), [None, None, Some(1), None, Some(3)]);
}

/// What a script makes of itself is bounded.
#[test]
fn nothing_grows_without_end() {
    let doubled = format!("A={}\n{}a $A", "x".repeat(100), "A=$A$A\n".repeat(60));
    assert!(read_it(&doubled).commands[0].words[1].text.len() < 10_000);
    assert!(read_it("X='eval \"$X\"; eval \"$X\"'; eval \"$X\"").is_broken);
    // One value again and again: 800 MB in all.
    let repeated = read_it(&format!("A={}\na {}", "x".repeat(4000), "$A ".repeat(200_000)));
    assert!(repeated.is_broken);
    let length: usize = repeated.commands.iter().flat_map(|it| &it.words).map(|it| it.text.len()).sum();
    assert!(length < 2 << 20, "{length}");
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
    assert!(read_it(&"`".repeat(10_001)).is_broken);
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
