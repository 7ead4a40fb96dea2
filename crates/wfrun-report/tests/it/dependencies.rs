//! What workflows can need, shown.
use wfrun_plan::{ActionPlace, Dependency, Needed, NotKnown, When};
use wfrun_report::{Absence, DependencyList, DependencyRow, Style, dependencies_json, dependencies_text};
use wfrun_syntax::{Source, Span};
use wfrun_workflow::{ActionRef, UsesTarget};

use crate::fixture::UNICODE;

fn action(text: &str) -> ActionRef {
    match UsesTarget::parse(text) {
        Some(UsesTarget::Repository(action)) => action,
        other => panic!("{other:?}"),
    }
}

fn row(dependency: Dependency, by: Option<&str>, source: &'static str) -> DependencyRow {
    let needed = Needed {
        dependency,
        when: When::SetUp,
        source: Source::new("w.yml", "on: push\n"),
        span: Span { start: 4, end: 8 },
        target: None,
        by: by.map(|it| ActionPlace::Repository(action(it))),
        role: "step of job `j`".to_owned(),
    };
    DependencyRow { needed, source, at: None, commit: None, moved_to: None, missing: None }
}

fn lists() -> Vec<DependencyList> {
    let commit = Some("0123456789abcdef0123456789abcdef01234567".to_owned());
    let absence = |is_forgiven| {
        let (message, way_out) = ("it is away".to_owned(), "fetch it".to_owned());
        Some(Absence { message, way_out, is_forgiven })
    };
    let not_known = NotKnown {
        kind: "image",
        source: Source::new("w.yml", "on: push\n"),
        span: Span { start: 0, end: 2 },
        what: "service `db` of job `j`".to_owned(),
        text: "${{ vars.I }}".to_owned(),
        parts: vec!["vars.I".to_owned()],
    };
    let outer = row(Dependency::Action(action("o/outer@v1")), None, "mirror");
    let rows = vec![
        DependencyRow { at: Some("/m/o/outer.git".to_owned()), commit: commit.clone(), ..outer },
        row(Dependency::Image("redis:7".to_owned()), None, "not looked for"),
        DependencyRow {
            commit,
            moved_to: Some("f".repeat(40)),
            ..row(Dependency::Action(action("o/inner@v1")), Some("o/outer@v1"), "store")
        },
        DependencyRow {
            missing: absence(false),
            ..row(Dependency::Action(action("o/gone@v1")), Some("o/inner@v1"), "missing")
        },
        DependencyRow { missing: absence(true), ..row(Dependency::Own("x".to_owned()), None, "missing") },
        row(Dependency::Action(action("actions/checkout@v4")), None, "stand-in"),
    ];
    vec![DependencyList { path: "w.yml".to_owned(), rows, not_known: vec![not_known] }]
}

#[test]
fn each_stands_below_what_uses_it() {
    insta::assert_snapshot!(dependencies_text(&lists(), &UNICODE), @r"
    w.yml
      ✓ o/outer@v1           mirror          0123456789ab  not pinned  /m/o/outer.git
      !   o/inner@v1         store           0123456789ab  moved: names ffffffffffff now
      ✗     o/gone@v1        missing
          it is away
          → fetch it
      · docker://redis:7     not looked for                not pinned
      ! ./x                  missing
          it is away
          → fetch it
      ✓ actions/checkout@v4  stand-in
      ! service `db` of job `j`: `${{ vars.I }}` is told by the run only: it depends on `vars.I`

    ✗ 1 thing is missing, 1 ref has moved, 1 thing is told by the run only
    ");
    let painted = dependencies_text(&lists(), &Style { color: true, ..UNICODE });
    assert_eq!(console::strip_ansi_codes(&painted), dependencies_text(&lists(), &UNICODE), "colour changes no word");
    assert!(!lists()[0].is_complete());
}

#[test]
fn for_programs() {
    let json = dependencies_json(&lists());
    assert_eq!(json["complete"], false);
    let rows = json["workflows"][0]["dependencies"].as_array().expect("a list");
    let inner = &rows[2];
    assert_eq!((&inner["used_by"], &inner["pinned"]), (&"o/outer@v1".into(), &false.into()));
    assert_eq!((&inner["line"], &inner["col"], &inner["kind"]), (&1.into(), &5.into(), &"action".into()));
    assert_eq!(rows[3]["missing"]["way_out"], "fetch it");
    assert_eq!(json["workflows"][0]["not_known"][0]["depends_on"], serde_json::json!(["vars.I"]));
}
