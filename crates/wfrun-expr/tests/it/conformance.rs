//! GitHub's own cases, where the folder with them is at hand.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value as Json;
use wfrun_expr::{Value, evaluate};

use crate::world::World;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    expr: String,
    #[serde(default)]
    contexts: Json,
    result: Option<Outcome>,
    err: Option<Outcome>,
    #[serde(default)]
    options: Options,
}

#[derive(Deserialize)]
struct Outcome {
    kind: String,
    #[serde(default)]
    value: Json,
}

#[derive(Deserialize, Default)]
struct Options {
    #[serde(default)]
    skip: Vec<String>,
}

/// Cases where two sources of GitHub's contradict each other: file, expression, and which authority wins.
const SKIPPED: &[(&str, &str, &str)] = &[];

#[expect(clippy::disallowed_methods, clippy::print_stderr, reason = "a test reads its cases and says how many hold")]
#[test]
fn githubs_cases_hold() {
    // Another folder, such as one with all of GitHub's cases.
    let given = std::env::var_os("WFRUN_TEST_CONFORMANCE").map(PathBuf::from);
    let folder = given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"));
    let folder = folder.join("expressions");
    let Ok(files) = std::fs::read_dir(&folder) else {
        eprintln!("skipped: {} is not there", folder.display());
        return;
    };
    let mut paths: Vec<_> = files.map(|it| it.expect("the folder can be listed").path()).collect();
    paths.sort();
    let (mut total, mut skipped, mut failed) = (0, 0, Vec::new());
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("the file can be read");
        let groups: serde_json::Map<String, Json> = serde_json::from_str(&text).expect("the file is JSON");
        for (group, cases) in groups {
            let cases: Vec<Case> = serde_json::from_value(cases).expect("a list of cases");
            for case in cases {
                // What is wrong for the reference implementation is not GitHub's behaviour.
                let foreign = case.options.skip.iter().any(|it| it == "c#" || it == "go");
                if foreign || SKIPPED.iter().any(|(file, expr, _)| *file == name && *expr == case.expr) {
                    skipped += 1;
                    continue;
                }
                total += 1;
                if let Err(found) = check(&case) {
                    failed.push(format!("{name} {group}: {}\n    {found}", case.expr));
                }
            }
        }
    }
    eprintln!("conformance, expressions: {}/{total} ({skipped} skipped)", total - failed.len());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(total > 600, "only {total} cases");
}

fn check(case: &Case) -> Result<(), String> {
    let world = World::new(&case.contexts);
    let found = match world.parse(&case.expr) {
        Err(error) => Err((if error.kind.is_lexing() { "lexing" } else { "parsing" }, error.to_string())),
        Ok(expr) => {
            let again = world.parse(&expr.to_string()).map_err(|error| format!("printed as {expr}: {error}"))?;
            if again != expr {
                return Err(format!("printed as {expr}, which is another expression"));
            }
            evaluate(&expr, &world).map(|it| it.value().clone()).map_err(|error| ("evaluation", error.to_string()))
        }
    };
    match (&case.result, &case.err, found) {
        (Some(expected), _, Ok(value)) if is_expected(expected, &value) => Ok(()),
        (None, Some(expected), Err((kind, message))) => {
            let wanted = expected.value.as_str().unwrap_or_default();
            let same = kind == expected.kind && message.starts_with(wanted);
            if same { Ok(()) } else { Err(format!("{kind}: {message}\n    instead of {}: {wanted}", expected.kind)) }
        }
        (_, _, Ok(value)) => Err(format!("is {value:?}")),
        (_, _, Err((kind, message))) => Err(format!("{kind}: {message}")),
    }
}

fn is_expected(expected: &Outcome, value: &Value) -> bool {
    value.kind().to_string() == expected.kind && *value == Value::from(expected.value.clone())
}
