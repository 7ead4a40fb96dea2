//! GitHub's own workflows: what GitHub accepts is no error here, beyond what is not built yet.
#![expect(clippy::disallowed_methods, reason = "a test reads its data")]
use std::path::PathBuf;

use crate::read;

/// Workflows that GitHub reads without an error, by the name of the file; `None` where the data is not there.
fn workflows() -> Option<Vec<PathBuf>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/workflows");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: GitHub's own workflows are not at {}", folder.display());
        return None;
    };
    let files = entries.flatten().map(|it| it.path());
    Some(files.filter(|it| it.extension().is_some_and(|it| it == "yml")).collect())
}

/// The first document of a test file is its options, the second the workflow, the last what GitHub makes of it.
fn parts(text: &str) -> Vec<&str> {
    text.split("\n---\n").map(|it| it.trim_start_matches("---\n")).collect()
}

/// Findings about a valid workflow that say what wfrun cannot do, not that the workflow is wrong.
const OURS: &[&str] = &["wfrun/not-supported-yet", "wfrun/no-effect"];

/// All but one: unknown keys of `workflow_dispatch` are ignored there and errors here.
const AT_LEAST: usize = 70;

#[test]
fn what_github_accepts_is_accepted() {
    let Some(files) = workflows() else { return };
    let (mut accepted, mut all, mut refused) = (0, 0, Vec::new());
    for path in files {
        let text = std::fs::read_to_string(&path).expect("a text");
        let parts = parts(&text);
        let (Some(workflow), Some(expected)) = (parts.iter().find(|it| it.contains("jobs:")), parts.last()) else {
            continue;
        };
        if expected.contains("\"errors\"") || path.to_string_lossy().contains("errors-") {
            continue;
        }
        all += 1;
        let read = read(workflow);
        let wrong: Vec<String> = read
            .diagnostics
            .iter()
            .filter(|it| it.is_error() && !OURS.contains(&it.code.as_str()))
            .map(ToString::to_string)
            .collect();
        if wrong.is_empty() {
            accepted += 1;
        } else {
            refused.push(format!("{}: {}", path.file_name().unwrap_or_default().to_string_lossy(), wrong.join(" | ")));
        }
    }
    println!("accepted {accepted}/{all}\n{}", refused.join("\n"));
    assert!(accepted >= AT_LEAST, "{accepted}/{all}\n{}", refused.join("\n"));
}
