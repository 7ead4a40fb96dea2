//! What GitHub's limits are about, where a workflow calls others.
use wfrun_syntax::{Diagnostic, Source};
use wfrun_workflow::{Limits, Loaded, ReadOptions, SetOptions, read_set, read_workflow};

const CALLER: &str =
    "on: push\njobs:\n  a: {uses: ./.github/workflows/c.yml}\n  b: {uses: ./.github/workflows/c.yml}\n";
const CALLED: &str = "on: workflow_call\njobs:\n  j: {runs-on: x, steps: [{run: make}]}\n";

/// Reads the caller with all that it calls; gives back the errors.
fn errors(limits: Limits) -> Vec<String> {
    let options = SetOptions { read: ReadOptions { limits, ..ReadOptions::default() }, ..SetOptions::default() };
    let mut load = |_: &_| Loaded::Source(Source::new(".github/workflows/c.yml", CALLED));
    let read = read_set(&Source::new("w.yml", CALLER), options, &mut load);
    read.diagnostics.iter().filter(|it| it.is_error()).map(Diagnostic::to_string).collect()
}

fn size(path: &str, text: &str) -> usize {
    let read = read_workflow(&Source::new(path, text), ReadOptions::default());
    assert_eq!(read.diagnostics, []);
    read.value.size
}

/// Source: GitHub: `reader/errors-reusable-workflow-max-result-size.yml` of actions/languageservices; `TemplateMemory`.
#[test]
fn the_size_of_all_calls_counts_together() {
    let path = ".github/workflows/c.yml";
    let (caller, called) = (size("w.yml", CALLER), size(path, CALLED));
    // 4 mappings and 9 texts with 70 characters, each 24, and 26 and two a character for the texts and the path.
    assert_eq!(caller, 13 * 24 + 9 * 26 + 2 * 70 + 26 + 2 * 5);
    let in_path = 26 + 2 * path.len();
    let at = |line: u32| {
        format!(
            "error[workflow/too-large]: Error from called workflow {path}: Maximum object size exceeded (w.yml:{line}:13)"
        )
    };
    for (size, expected) in [
        (caller + called + called - in_path, vec![]),
        (caller + called + called - in_path - 1, vec![at(4)]),
        (caller + called, vec![at(4)]),
        (caller + called - 1, vec![at(3)]),
    ] {
        assert_eq!(errors(Limits { size, ..Limits::default() }), expected, "{size}");
    }
}

/// Source: GitHub: `reader/errors-max-file-size.yml` of actions/languageservices; planning rules 1.1.
#[test]
fn files_have_a_longest_length() {
    for (length, expected) in [
        (CALLER.len(), vec![]),
        (
            CALLER.len() - 1,
            vec![format!(
                "error[yaml/too-large]: w.yml: The maximum file size of {} characters has been exceeded",
                CALLER.len() - 1
            )],
        ),
    ] {
        assert_eq!(errors(Limits { length, ..Limits::default() }), expected, "{length}");
    }
    assert_eq!(Limits::default().length, 1_048_576);
}
