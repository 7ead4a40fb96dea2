use std::cmp::Ordering;

/// Compares two texts as GitHub compares names and strings: without case, and otherwise by code unit.
///
/// Source: GitHub: planning rules P3.4 (.NET `StringComparison.OrdinalIgnoreCase`).
pub fn eq_ignoring_case(a: &str, b: &str) -> bool {
    if a.is_ascii() && b.is_ascii() {
        return a.eq_ignore_ascii_case(b);
    }
    cmp_ignoring_case(a, b) == Ordering::Equal
}

/// Orders two texts by their UTF-16 units after [`upper_ordinal`], so `_` stands behind every letter.
///
/// Source: GitHub: planning rules P3.4 (.NET `StringComparison.OrdinalIgnoreCase`).
pub fn cmp_ignoring_case(a: &str, b: &str) -> Ordering {
    units(a).cmp(units(b))
}

/// Tells whether `text` has `part` in it, ignoring case as [`eq_ignoring_case`] does.
pub fn contains_ignoring_case(text: &str, part: &str) -> bool {
    upper_ordinal(text).contains(&upper_ordinal(part))
}

/// Tells whether `text` starts with `part`, ignoring case as [`eq_ignoring_case`] does.
pub fn starts_with_ignoring_case(text: &str, part: &str) -> bool {
    if text.is_ascii() && part.is_ascii() {
        return text.get(..part.len()).is_some_and(|it| it.eq_ignore_ascii_case(part));
    }
    upper_ordinal(text).starts_with(&upper_ordinal(part))
}

/// Tells whether `text` ends with `part`, ignoring case as [`eq_ignoring_case`] does.
pub fn ends_with_ignoring_case(text: &str, part: &str) -> bool {
    if text.is_ascii() && part.is_ascii() {
        let start = text.len().checked_sub(part.len());
        return start.and_then(|it| text.get(it..)).is_some_and(|it| it.eq_ignore_ascii_case(part));
    }
    upper_ordinal(text).ends_with(&upper_ordinal(part))
}

/// Maps each character by its simple, culture-free upper-case mapping; one that would become several stays.
///
/// Two texts are equal ignoring case exactly if their results are the same, so this is the key for look-ups.
/// Source: GitHub: planning rules P3.4 (.NET `ToUpperInvariant`: `ß`, `ſ`, `ı` and `ŉ` keep themselves).
pub fn upper_ordinal(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_uppercase();
    }
    text.chars().map(upper).collect()
}

fn units(text: &str) -> impl Iterator<Item = u16> {
    text.chars().flat_map(|it| {
        let mut unit = [0; 2];
        let len = upper(it).encode_utf16(&mut unit).len();
        unit.into_iter().take(len)
    })
}

/// Source: GitHub: `OrdinalCasing.ToUpperSurrogate` of .NET for what lies outside of the basic plane.
fn upper(it: char) -> char {
    // .NET keeps the dotless i and the long s apart from the letters of ASCII, and outside of the basic plane it maps
    // the letters of six scripts only.
    let mapped_outside = matches!(
        it,
        '\u{10428}'..='\u{1044f}'
            | '\u{104d8}'..='\u{104fb}'
            | '\u{10cc0}'..='\u{10cf2}'
            | '\u{118c0}'..='\u{118df}'
            | '\u{16e60}'..='\u{16e7f}'
            | '\u{1e922}'..='\u{1e943}'
    );
    if it == '\u{131}' || it == '\u{17f}' || (u32::from(it) > 0xffff && !mapped_outside) {
        return it;
    }
    let mut mapped = it.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => it,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_as_dotnet_does() {
        for (a, b) in [("a", "A"), ("ς", "Σ"), ("é", "É"), ("", ""), ("ÿ", "Ÿ"), ("𐐨", "𐐀"), ("𞤢", "𞤀")]
        {
            assert!(eq_ignoring_case(a, b), "{a} = {b}");
            assert_eq!(upper_ordinal(a), upper_ordinal(b));
        }
        for (a, b) in
            [("ß", "SS"), ("ſ", "S"), ("ı", "I"), ("İ", "i"), ("a", "b"), ("a", "ab"), ("\u{10597}", "\u{10570}")]
        {
            assert!(!eq_ignoring_case(a, b), "{a} ≠ {b}");
        }
        for (text, part, contains, starts, ends) in [
            ("Hello", "hELLO", true, true, true),
            ("Hello", "", true, true, true),
            ("Hello", "he", true, true, false),
            ("Hello", "LO", true, false, true),
            ("Hello", "x", false, false, false),
            ("lo", "Hello", false, false, false),
            ("Éa", "é", true, true, false),
            ("aé", "É", true, false, true),
            ("straße", "STRASSE", false, false, false),
        ] {
            assert_eq!(contains_ignoring_case(text, part), contains, "{text} {part}");
            assert_eq!(starts_with_ignoring_case(text, part), starts, "{text} {part}");
            assert_eq!(ends_with_ignoring_case(text, part), ends, "{text} {part}");
        }
        for (less, more) in [("a", "_"), ("a", "["), ("a", "B"), ("10", "9"), ("a", "ab"), ("😀", "\u{ffff}")] {
            assert_eq!(cmp_ignoring_case(less, more), Ordering::Less, "{less} < {more}");
        }
    }
}
