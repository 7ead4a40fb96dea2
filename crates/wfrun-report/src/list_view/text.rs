use wfrun_syntax::{Diagnostic, Spanned};
use wfrun_workflow::{EventConfig, InputSpec, Patterns, Workflow};

use super::{Listed, calls, default, inheriting, names, open_names};
use crate::Style;
use crate::permissions::permissions_text;
use crate::text::{one_line, pad, wrap};
use crate::theme::{Label, Mark};

/// Of a filter, as many patterns are shown.
const PATTERNS: usize = 3;
/// Columns of what stands before a row.
const HEAD: usize = 13;

/// The workflows, a paragraph each. Ends with a line break, unless there is none.
pub fn list_text(all: &[Listed], style: &Style) -> String {
    let style = *style;
    let blocks = all.iter().map(|it| match it {
        Listed::Valid(workflow) => valid(workflow, style),
        Listed::Invalid { path, error } => invalid(path, error, style),
    });
    let blocks: Vec<String> = blocks.map(|lines| lines.concat()).collect();
    blocks.join("\n")
}

fn invalid(path: &str, error: &Diagnostic, style: Style) -> Vec<String> {
    let place = error.place.as_ref().map(|it| format!(" ({it})")).unwrap_or_default();
    let what = format!("{}{place}", one_line(&error.message));
    let mut lines = vec![format!("{} {}\n", style.mark(Mark::Failure), style.paint(Label::Heading, &one_line(path)))];
    row("invalid", &[what], style, &mut lines);
    lines
}

fn valid(workflow: &Workflow, style: Style) -> Vec<String> {
    let path = workflow.source.path();
    let name = one_line(workflow.display_name());
    let mut heading = style.paint(Label::Heading, &name);
    if name != path {
        heading = format!("{heading}  {}", style.paint(Label::Dim, &one_line(path)));
    }
    let mut lines = vec![heading + "\n"];
    let events: Vec<String> = workflow.on.events.iter().map(|(name, it)| event(name.as_str(), it)).collect();
    row("on", &events, style, &mut lines);
    row("jobs", &[jobs(workflow)], style, &mut lines);
    for (title, event) in [("inputs", "workflow_dispatch"), ("call inputs", "workflow_call")] {
        let inputs = workflow.on.event(event).into_iter().flat_map(|it| &it.inputs);
        let inputs: Vec<String> = inputs.map(|(name, spec)| input(name, spec)).collect();
        row(title, &inputs, style, &mut lines);
    }
    let mut secrets = needed(workflow, "secrets");
    secrets.extend(inheriting(workflow).iter().map(|it| format!("all, handed on by {}", one_line(it))));
    row("secrets", &secrets, style, &mut lines);
    row("variables", &needed(workflow, "vars"), style, &mut lines);
    row("permissions", &permissions(workflow), style, &mut lines);
    lines
}

/// A title and what belongs to it, a line each; long ones are broken.
fn row(title: &str, items: &[String], style: Style, lines: &mut Vec<String>) {
    let mut title = title;
    let room = style.width.saturating_sub(HEAD + 2).max(20);
    for item in items {
        for (at, part) in wrap(&one_line(item), room).iter().enumerate() {
            let indent = if at == 0 { "" } else { "  " };
            lines.push(format!("  {}{indent}{part}\n", style.paint(Label::Dim, &pad(title, HEAD))));
            title = "";
        }
    }
}

/// `push (branches: main, releases/** and 2 more; paths-ignore: docs/**)`
fn event(name: &str, config: &EventConfig) -> String {
    let texts = |list: &[Spanned<String>]| list.iter().map(|it| one_line(&it.value)).collect::<Vec<_>>();
    let mut filters: Vec<(&str, Vec<String>)> = Vec::new();
    filters.push(("types", config.types.as_deref().map(texts).unwrap_or_default()));
    for Patterns { key, list, .. } in [&config.branches, &config.tags, &config.paths].into_iter().flatten() {
        filters.push((key, texts(list)));
    }
    filters.push(("workflows", texts(&config.workflows)));
    filters.push(("names", texts(&config.names)));
    filters.push(("versions", texts(&config.versions)));
    let entry = |it: &wfrun_workflow::Schedule| match &it.timezone {
        Some(zone) => format!("{} ({})", one_line(&it.cron.value), one_line(&zone.value)),
        None => one_line(&it.cron.value),
    };
    filters.push(("cron", config.schedule.iter().map(entry).collect()));
    let filters = filters.iter().filter(|(_, list)| !list.is_empty());
    let filters: Vec<String> = filters.map(|(key, list)| format!("{key}: {}", shortened(list))).collect();
    if filters.is_empty() { name.to_owned() } else { format!("{name} ({})", filters.join("; ")) }
}

fn shortened(list: &[String]) -> String {
    let shown: Vec<&str> = list.iter().take(PATTERNS).map(String::as_str).collect();
    match list.len().saturating_sub(PATTERNS) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// `test, publish (calls ./.github/workflows/publish.yml)`
fn jobs(workflow: &Workflow) -> String {
    let one = |job: &wfrun_workflow::Job| match calls(workflow, job) {
        Some(target) => format!("{} (calls {})", job.id.value, one_line(&target)),
        None => job.id.value.to_string(),
    };
    workflow.jobs.values().map(one).collect::<Vec<_>>().join(", ")
}

/// `target (choice: dev, prod; required; default dev)`
fn input(name: &str, spec: &InputSpec) -> String {
    let mut about = vec![spec.kind.word().to_owned()];
    if !spec.options.is_empty() {
        let options: Vec<String> = spec.options.iter().map(|it| one_line(it)).collect();
        about = vec![format!("{}: {}", spec.kind.word(), options.join(", "))];
    }
    if spec.required {
        about.push("required".to_owned());
    }
    if let Some(default) = default(spec.default.as_ref()).map(|it| one_line(&it)).filter(|it| !it.is_empty()) {
        about.push(format!("default {default}"));
    }
    format!("{} ({})", one_line(name), about.join("; "))
}

/// `NAME (file:line:col and 2 more)`
fn needed(workflow: &Workflow, context: &str) -> Vec<String> {
    let names = names(workflow, context);
    let one = |(name, places): (&String, &Vec<wfrun_syntax::Location>)| {
        let first = places.first().map(|it| format!("{}:{}:{}", workflow.source.path(), it.line, it.col));
        let more = match places.len().saturating_sub(1) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("{name} ({}{more})", first.unwrap_or_default())
    };
    let open = open_names(workflow, context);
    let more = match open.len().saturating_sub(1) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let open = open.first().map(|it| format!("{}:{}:{}", workflow.source.path(), it.line, it.col));
    let open = open.map(|it| format!("others, whose names only the run can tell ({it}{more})"));
    names.iter().map(one).chain(open).collect()
}

fn permissions(workflow: &Workflow) -> Vec<String> {
    let own = workflow.permissions.iter().map(|it| permissions_text(&it.value));
    let of_job = |job: &wfrun_workflow::Job| {
        let permissions = job.permissions.as_ref()?;
        Some(format!("{} (job {})", permissions_text(&permissions.value), job.id.value))
    };
    own.chain(workflow.jobs.values().filter_map(of_job)).collect()
}
