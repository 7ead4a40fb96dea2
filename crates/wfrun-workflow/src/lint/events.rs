//! `on/cron-interval` and `on/path-never`: what is said about events and has no effect.
use std::collections::BTreeSet;

use wfrun_syntax::{Diagnostic, Span, Spanned};

use super::Linting;

/// The shortest time between two starts by `schedule`, in minutes.
///
/// Source: GitHub: planning rules 2.8.
const LEAST: u32 = 5;

/// Looks at the lines of `schedule` and at the patterns of `paths`.
pub(super) fn lint(linting: &Linting<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for event in linting.workflow.on.events.values() {
        found.extend(event.schedule.iter().filter_map(|it| interval(linting, &it.cron)));
        let paths = event.paths.iter().flat_map(|it| &it.list);
        found.extend(paths.filter_map(|it| path(linting, it)));
    }
    found
}

fn interval(linting: &Linting<'_>, cron: &Spanned<String>) -> Option<Diagnostic> {
    let field = cron.value.split(' ').next()?;
    let minutes = minutes(field)?;
    let gap = minutes.iter().zip(minutes.iter().skip(1)).map(|(a, b)| b - a).min()?;
    if gap >= LEAST {
        return None;
    }
    let message =
        format!("this asks for a start every {gap} minutes, and GitHub starts a workflow every {LEAST} at most");
    let message = message.replace("every 1 minutes", "every minute");
    let text = linting.workflow.source.slice(cron.span);
    let at = u32::try_from(text.find(field)?).ok()?;
    let start = cron.span.start + at;
    let focus = Span::new(start, start + u32::try_from(field.len()).ok()?);
    let rest: Vec<_> = cron.value.split(' ').skip(1).collect();
    let help = format!("write `*/{LEAST} {}`, or less often", rest.join(" "));
    Some(linting.warning("on/cron-interval", message, cron.span).focus(focus).help(help))
}

/// The minutes of a field that was checked before.
fn minutes(field: &str) -> Option<BTreeSet<u32>> {
    let mut minutes = BTreeSet::new();
    for item in field.split(',') {
        let (span, step) = match item.split_once('/') {
            Some((span, step)) => (span, step.parse::<usize>().ok().filter(|it| *it > 0)?),
            None => (item, 1),
        };
        let (from, to) = match span.split_once('-') {
            _ if span == "*" => (0, 59),
            Some((from, to)) => (from.parse().ok()?, to.parse().ok()?),
            None if item.contains('/') => (span.parse().ok()?, 59),
            None => (span.parse().ok()?, span.parse().ok()?),
        };
        minutes.extend((from..=to).step_by(step));
    }
    Some(minutes)
}

/// Paths are compared from the root of the repository, without anything in front.
///
/// Source: GitHub: planning rules 2.4; <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#filter-pattern-cheat-sheet>
fn path(linting: &Linting<'_>, pattern: &Spanned<String>) -> Option<Diagnostic> {
    let (not, path) = match pattern.value.strip_prefix('!') {
        Some(path) => ("!", path),
        None => ("", pattern.value.as_str()),
    };
    let rest = path.strip_prefix("./").or_else(|| path.strip_prefix('/'))?;
    let start = if path.starts_with('/') { "/" } else { "./" };
    let message = format!("no path begins with `{start}`, so this pattern never matches");
    let help = if rest.is_empty() { "write `**` for all files".to_owned() } else { format!("write `{not}{rest}`") };
    Some(linting.warning("on/path-never", message, pattern.span).help(help))
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    fn workflow(on: &str) -> String {
        format!("on: {on}\njobs: {{j: {{runs-on: x, steps: [{{run: a}}]}}}}\n")
    }

    #[test]
    fn schedules() {
        for (cron, focus, help) in [
            ("* * * * *", "*", "write `*/5 * * * *`, or less often"),
            ("*/2 3 * * *", "*/2", "write `*/5 3 * * *`, or less often"),
            ("0,30,31 * * * *", "0,30,31", "write `*/5 * * * *`, or less often"),
        ] {
            let told = format!("on/cron-interval `{focus}`: {help}");
            check(&workflow(&format!("{{schedule: [{{cron: '{cron}'}}]}}")), &[&told]);
        }
        for cron in ["*/5 * * * *", "0 0 * * *", "0,30 * * * *", "7-59/10 * * * *", "3/15 1 * * mon"] {
            check(&workflow(&format!("{{schedule: [{{cron: '{cron}'}}]}}")), &[]);
        }
    }

    #[test]
    fn patterns() {
        check(
            &workflow("{push: {paths: [./src/**, '!/docs/**', src/**, '**.md']}, pull_request: {paths-ignore: [./]}}"),
            &[
                "on/path-never `./src/**`: write `src/**`",
                "on/path-never `'!/docs/**'`: write `!docs/**`",
                "on/path-never `./`: write `**` for all files",
            ],
        );
    }
}
