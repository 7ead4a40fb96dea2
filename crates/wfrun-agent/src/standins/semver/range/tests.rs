use super::*;

const ALL: &[&str] = &[
    "0.0.3",
    "0.2.3",
    "0.2.9",
    "1.0.0",
    "1.2.3",
    "1.2.9",
    "1.3.0",
    "1.4.0-rc.1",
    "2.0.0-0",
    "2.0.0-beta.2",
    "2.0.0",
    "3.1.4",
];

fn selected(text: &str, rules: Rules) -> String {
    let Some(range) = Range::parse(text, rules) else { return "no range".to_owned() };
    let found = ALL.iter().filter(|it| SemVer::parse(it).is_some_and(|it| range.contains(&it)));
    found.copied().collect::<Vec<_>>().join(" ")
}

/// Each answer is that of npm's `semver` 7.8 (`semver.satisfies`).
#[test]
fn selects_versions_as_npm_does() {
    let cases = [
        ("1.2.3", "1.2.3"),
        ("v1.2.3", "1.2.3"),
        ("=1.2.3", "1.2.3"),
        ("= 1.2.3", "1.2.3"),
        ("1", "1.0.0 1.2.3 1.2.9 1.3.0"),
        ("1.x", "1.0.0 1.2.3 1.2.9 1.3.0"),
        ("1.2", "1.2.3 1.2.9"),
        ("1.2.*", "1.2.3 1.2.9"),
        ("=1.2", "1.2.3 1.2.9"),
        ("==1.2", "1.2.3 1.2.9"),
        ("==1.2.3", "no range"),
        ("*", "0.0.3 0.2.3 0.2.9 1.0.0 1.2.3 1.2.9 1.3.0 2.0.0 3.1.4"),
        ("", "0.0.3 0.2.3 0.2.9 1.0.0 1.2.3 1.2.9 1.3.0 2.0.0 3.1.4"),
        ("x.2", "no range"),
        ("1.x.3", "no range"),
        (">1.2", "1.3.0 2.0.0 3.1.4"),
        (">1.2.3", "1.2.9 1.3.0 2.0.0 3.1.4"),
        (">= 1.3", "1.3.0 2.0.0 3.1.4"),
        ("<=1.2", "0.0.3 0.2.3 0.2.9 1.0.0 1.2.3 1.2.9"),
        ("<1.2", "0.0.3 0.2.3 0.2.9 1.0.0"),
        ("<1", "0.0.3 0.2.3 0.2.9"),
        (">1", "2.0.0 3.1.4"),
        (">*", ""),
        (">=*", "0.0.3 0.2.3 0.2.9 1.0.0 1.2.3 1.2.9 1.3.0 2.0.0 3.1.4"),
        (">=1.0.0 <2.0.0", "1.0.0 1.2.3 1.2.9 1.3.0"),
        ("~1.2.4", "1.2.9"),
        ("~>1.2.4", "1.2.9"),
        ("~ 1.2", "1.2.3 1.2.9"),
        ("~1", "1.0.0 1.2.3 1.2.9 1.3.0"),
        ("~=1.2.4", "1.2.9"),
        ("^1.2.4", "1.2.9 1.3.0"),
        ("^0.2", "0.2.3 0.2.9"),
        ("^0.0.3", "0.0.3"),
        ("^0", "0.0.3 0.2.3 0.2.9"),
        ("1.0 - 1.2", "1.0.0 1.2.3 1.2.9"),
        ("1.2.3 - 2.0.0", "1.2.3 1.2.9 1.3.0 2.0.0"),
        ("0.2 || 3", "0.2.3 0.2.9 3.1.4"),
        ("~1.4.0-0", "1.4.0-rc.1"),
        ("1.4.0-rc.1", "1.4.0-rc.1"),
        (">=2.0.0-beta.1", "2.0.0-beta.2 2.0.0 3.1.4"),
        ("^2.0.0-0", "2.0.0-0 2.0.0-beta.2 2.0.0"),
        ("latest", "no range"),
        ("lts/*", "no range"),
        ("1.y", "no range"),
        (">=", "no range"),
        ("1.2.3.4", "no range"),
        ("1.2-rc1", "no range"),
        (">=1.2,<2", "no range"),
        ("!=1.2", "no range"),
        ("1.2; echo", "no range"),
    ];
    for (text, expected) in cases {
        assert_eq!(selected(text, Rules::default()), expected, "{text}");
    }
}

#[test]
fn other_rules() {
    let loose = Rules { loose: true, ..Rules::default() };
    for (text, expected) in [("==1.2.3", "1.2.3"), (">=1.3 !=2.0.0", "1.3.0 2.0.0 3.1.4"), ("~=1.2.4", "1.2.9")] {
        assert_eq!(selected(text, loose), expected, "{text}");
    }
    let early = Rules { include_prerelease: true, ..Rules::default() };
    for (text, expected) in [
        ("1.4", "1.4.0-rc.1"),
        ("2", "2.0.0-0 2.0.0-beta.2 2.0.0"),
        ("<2 >1.3.0", "1.4.0-rc.1"),
        ("^1.2.4", "1.2.9 1.3.0 1.4.0-rc.1"),
        ("1.3 - 1.4.0", "1.3.0 1.4.0-rc.1"),
    ] {
        assert_eq!(selected(text, early), expected, "{text}");
    }
}

#[test]
fn knows_what_is_wanted() {
    for (text, wanted) in [
        ("3.11", "3.11.0"),
        (">=3.9 <3.12", "3.9.0"),
        ("3.x", "3.0.0"),
        ("<3.9", "3.8.0"),
        ("<4", "3.0.0"),
        ("<=3.9.2", "3.9.2"),
        ("20.11.1", "20.11.1"),
        ("*", "0.0.0"),
    ] {
        let range = Range::strict(text).expect("is a range");
        assert_eq!(range.wanted().to_string(), wanted, "{text}");
    }
}

#[test]
fn prints_ranges() {
    for (text, printed) in [("3.11", ">=3.11.0 <3.12.0-0"), (">=3.9 <4 || 5.0.0", ">=3.9.0 <4.0.0-0||5.0.0"), ("*", "")]
    {
        assert_eq!(Range::strict(text).expect("is a range").to_string(), printed, "{text}");
    }
}
