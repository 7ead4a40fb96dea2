//! Nothing panics, and every place lies in the text.

use proptest::prelude::*;
use wfrun_syntax::{Node, NodeKind, Source, closest, format_number, parse};

fn check_places(node: &Node, source: &Source) {
    let len = source.text().len();
    assert!(node.span.start <= node.span.end && node.span.end as usize <= len, "{:?}", node.span);
    assert!(source.text().is_char_boundary(node.span.start as usize));
    assert!(source.text().is_char_boundary(node.span.end as usize));
    match &*node.kind {
        NodeKind::String(text) => {
            let mut last = 0;
            for (at, it) in text.value.char_indices() {
                let span = text.span_of(at..at + it.len_utf8());
                assert!(span.start <= span.end && span.end as usize <= len);
                assert!(span.start >= last || span == text.span(), "places go forward");
                last = if span == text.span() { last } else { span.start };
            }
        }
        NodeKind::Sequence(items) => items.iter().for_each(|it| check_places(it, source)),
        NodeKind::Mapping(mapping) => mapping.iter().for_each(|it| check_places(&it.value, source)),
        NodeKind::Null | NodeKind::Bool(_) | NodeKind::Number(_) => {}
    }
}

fn check(text: &str) {
    let source = Source::new("a.yml", text);
    let checked = parse(&source);
    for found in &checked.diagnostics {
        assert!(!found.to_string().is_empty());
        if let Some(place) = &found.place {
            let _: &str = place.text();
        }
    }
    assert!(checked.value.is_some() || checked.has_errors());
    if let Some(root) = checked.value {
        check_places(&root, &source);
    }
}

/// Pieces that YAML gives a meaning to, so that random texts are interesting.
fn yamlish() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "b: ",
        "- ",
        "\n",
        "\n  ",
        "\n    ",
        "\r\n",
        "'",
        "''",
        "\"",
        "\\n",
        "\\u00e9",
        "é",
        "😀",
        "|",
        ">",
        "|-\n  ",
        ">+2\n    ",
        "&x ",
        "*x",
        "!!int ",
        "!t ",
        "{",
        "}",
        "[",
        "]",
        ", ",
        ": ",
        "#c",
        " # c",
        "\t",
        "---",
        "...",
        "1",
        "0x1F",
        "~",
        "${{ x }}",
        "? ",
        "%",
        "\u{feff}",
        "<<: ",
        " ",
        "  ",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|it| it.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in any::<String>()) {
        check(&text);
    }

    #[test]
    fn no_yaml_like_text_panics(text in yamlish()) {
        check(&text);
        check(&format!("k: {text}"));
        check(&format!("k: \"{text}\""));
        check(&format!("k: |\n  {}", text.replace('\n', "\n  ")));
        check(&format!("k: >\n  {}", text.replace('\n', "\n  ")));
    }

    #[test]
    fn a_single_quoted_string_comes_back(text in "[^\\p{C}\\r\\n\u{85}\u{2028}\u{2029}]*") {
        let source = Source::new("a.yml", format!("k: '{}'\n", text.replace('\'', "''")));
        let root = parse(&source).value.unwrap();
        let node = root.as_mapping().unwrap().get("k").unwrap();
        let value = node.as_text().unwrap();
        prop_assert_eq!(&value.value, &text);
        for (at, it) in text.char_indices() {
            let written = source.slice(value.span_of(at..at + it.len_utf8()));
            prop_assert_eq!(written.replace("''", "'"), it.to_string());
        }
    }

    #[test]
    fn a_literal_block_comes_back_with_exact_places(lines in prop::collection::vec("[a-zé😀 ]{0,6}x", 1..6), crlf: bool) {
        let feed = if crlf { "\r\n" } else { "\n" };
        let body = lines.iter().fold(String::new(), |out, it| out + "    " + it + feed);
        let source = Source::new("a.yml", format!("k:{feed}  run: |2{feed}{body}"));
        let root = parse(&source).value.unwrap();
        let run = root.as_mapping().unwrap().get("k").unwrap().as_mapping().unwrap().get("run").unwrap().clone();
        let value = run.as_text().unwrap();
        prop_assert_eq!(&value.value, &lines.iter().fold(String::new(), |out, it| out + it + "\n"));
        for (at, it) in value.value.char_indices() {
            let written = source.slice(value.span_of(at..at + it.len_utf8()));
            prop_assert_eq!(written.replace('\r', ""), it.to_string());
        }
    }

    #[test]
    fn formatted_numbers_read_as_nearly_the_same(number in any::<f64>()) {
        let text = format_number(number);
        if number.is_finite() {
            let back: f64 = text.parse().unwrap();
            prop_assert!((back - number).abs() <= number.abs() * 1e-14 || back.is_infinite(), "{text}");
            let digits = text.split('E').next().unwrap().chars().filter(char::is_ascii_digit).collect::<String>();
            prop_assert!(digits.trim_matches('0').len() <= 15, "{text}");
        }
    }

    #[test]
    fn closest_never_panics(word in any::<String>(), candidate in any::<String>()) {
        let _: Option<&str> = closest(&word, [candidate.as_str()]);
    }
}
