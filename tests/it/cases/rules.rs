//! `testdata/cases/rules.md`: the rules of GitHub's runner, each with the cases that show it.
//!
//! The last column is made of the cases; `WFRUN_BLESS=1 cargo test --test it cases` writes it anew.
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use super::case::{Case, cases_folder};

/// Begins the last column of a rule that has no case, before the reason.
const NONE: &str = "– ";

/// Each rule has a case or a reason to have none, each case names rules that there are, and the page is fresh.
pub(crate) fn check(cases: &[Case]) {
    let path = cases_folder().join("rules.md");
    let page = fs::read_to_string(&path).expect("the page of rules");
    let mut wrong = Vec::new();
    let mut known = BTreeSet::new();
    let mut fresh = String::new();
    for line in page.lines() {
        let Some([rule, says, shown]) = row(line) else {
            fresh.push_str(line);
            fresh.push('\n');
            continue;
        };
        if !known.insert(rule.to_owned()) {
            wrong.push(format!("{rule} is there twice"));
        }
        let names: Vec<String> = cases
            .iter()
            .filter(|it| it.script.rules.iter().any(|it| it == rule))
            .map(|it| format!("`{}`", it.name))
            .collect();
        let cell = match (names.is_empty(), shown.starts_with(NONE)) {
            (true, true) => shown.to_owned(),
            (true, false) => {
                wrong.push(format!("{rule} has no case"));
                String::new()
            }
            (false, _) => names.join(", "),
        };
        writeln!(fresh, "| {rule} | {says} | {cell} |").ok();
    }
    for case in cases {
        if case.script.rules.is_empty() || case.script.about.trim().is_empty() {
            wrong.push(format!("{}: no rule, or not a word about it", case.name));
        }
        let unknown = case.script.rules.iter().filter(|it| !known.contains(*it));
        wrong.extend(unknown.map(|it| format!("{}: there is no rule {it:?}", case.name)));
    }
    if fresh != page {
        if std::env::var_os("WFRUN_BLESS").is_some() {
            fs::write(&path, fresh).expect("the page is written");
        } else {
            wrong.push("rules.md is stale: WFRUN_BLESS=1 cargo test --test it cases writes it anew".to_owned());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The cells of a rule's row; other lines are none.
fn row(line: &str) -> Option<[&str; 3]> {
    let cells: Vec<&str> = line.strip_prefix("| E")?.strip_suffix(" |").unwrap_or(line).split(" | ").collect();
    let [_, says, rest @ ..] = cells.as_slice() else { return None };
    let rule = line.strip_prefix("| ")?.split(" | ").next()?;
    Some([rule, says, rest.first().copied().unwrap_or_default().trim()])
}
