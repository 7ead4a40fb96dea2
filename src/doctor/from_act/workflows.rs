//! Where the workflows of a repository come out otherwise than with act.
use std::path::Path;

use wfrun_report::{Bearing, Habit};
use wfrun_syntax::Span;
use wfrun_workflow::{EventConfig, Field, ReadOptions, Workflow, read_workflow};

use super::{habit, line_of};
use crate::find;

/// What people write to tell act from GitHub, and what it comes to here.
const SIGNS: [(&str, &str, &str); 4] = [
    (
        "env.ACT",
        "`env.ACT` is not set, so the condition is decided as on GitHub",
        "`--act-compat` sets it, to have it decided as with act",
    ),
    (
        "github.event.act",
        "there is no such member, as on GitHub, unless a payload has it",
        "`--event-path FILE` with `{\"act\": true}` in it, to have it decided as with act",
    ),
    (
        "nektos/act",
        "the actor is you, so the condition is decided as on GitHub",
        "`--actor nektos/act`, to have it decided as with act",
    ),
    ("$ACT", "`ACT` is not set, as on GitHub", "`--act-compat` sets it"),
];

/// Looks at each workflow that can be read.
pub(super) fn habits(root: &Path) -> Vec<Habit> {
    let files = find::files_in(&root.join(find::WORKFLOWS));
    files.iter().filter_map(|it| find::read(it).ok()).flat_map(|it| of_workflow(&it)).collect()
}

fn of_workflow(found: &find::Found) -> Vec<Habit> {
    let source = &found.source;
    let workflow = read_workflow(source, ReadOptions::default()).value;
    let mut all = Vec::new();
    for (text, number) in source.text().lines().zip(1..) {
        let sign = SIGNS.iter().find(|(sign, ..)| has_sign(text, sign));
        if let Some((_, message, way_out)) = sign.filter(|_| !text.trim_start().starts_with('#')) {
            let it = habit(source.path(), text.trim(), Bearing::Different, *message, way_out);
            all.push(Habit { line: Some(number), ..it });
        }
    }
    for (span, what, message, way_out) in differences(&workflow) {
        let line = Some(line_of(source, span));
        all.push(Habit { line, ..habit(source.path(), what, Bearing::Different, message, way_out) });
    }
    all.sort_by_key(|it| it.line);
    all
}

fn has_sign(text: &str, sign: &str) -> bool {
    let text = text.replace("${ACT", "$ACT");
    let goes_on =
        |at: usize| text.get(at..).is_some_and(|it| it.starts_with(|it: char| it.is_alphanumeric() || it == '_'));
    text.match_indices(sign).any(|(at, _)| !goes_on(at + sign.len()))
}

type Difference = (Span, String, &'static str, &'static str);

/// What act does otherwise than GitHub, where a workflow has it.
///
/// Source: act 0.2.89, seen by running it
fn differences(workflow: &Workflow) -> Vec<Difference> {
    let mut all = Vec::new();
    for (name, config) in &workflow.on.events {
        let filters = filters(config);
        if !filters.is_empty() {
            let what = format!("{} of `{name}`", filters.join(", "));
            let message = "act takes every event for one that passes; here, as on GitHub, one that does not pass triggers nothing, \
                           with exit code 4";
            all.push((
                config.span,
                what,
                message,
                "`wfrun why` says what passes; `--ref`, `--base` and `--changed` say what happened",
            ));
        }
    }
    for (id, job) in &workflow.jobs {
        let labels: Vec<String> = job.runs_on.iter().map(Field::raw).collect();
        if labels.iter().any(|it| it.starts_with("windows") || it.starts_with("macos")) {
            let what = format!("`runs-on: {}` of `{id}`", labels.join(", "));
            let message = "act leaves the job out and ends with 0; here the run is incomplete, with exit code 5";
            all.push((job.id.span, what, message, "`--job` chooses those that can run here"));
        }
        let ignored =
            [("timeout-minutes", job.timeout_minutes.as_ref()), ("continue-on-error", job.continue_on_error.as_ref())];
        for (key, field) in ignored {
            if let Some(field) = field {
                let what = format!("`{key}` of `{id}`");
                all.push((field.node.span, what, "act ignores it; here it holds, as on GitHub", ""));
            }
        }
    }
    all
}

fn filters(config: &EventConfig) -> Vec<&'static str> {
    let given = [
        ("`types`", config.types.is_some()),
        ("`branches`", config.branches.is_some()),
        ("`tags`", config.tags.is_some()),
        ("`paths`", config.paths.is_some()),
    ];
    given.into_iter().filter(|(_, it)| *it).map(|(name, _)| name).collect()
}
