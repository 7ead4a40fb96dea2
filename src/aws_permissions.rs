//! Which permissions a run needed of its AWS account, told at the run's end and kept beside its journal.
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};
use wfrun_aws::{IamMode, PermissionReport};
use wfrun_journal::{FirstAsked, RunRecord};
use wfrun_report::Style;

/// The file's name in a run's folder.
pub(crate) const FILE: &str = "permissions.json";

/// Keeps the report in the run's folder; gives back what is to be told, nothing where nobody asked for anything.
///
/// Each permission has in `first` which step asked for it first, as far as the run's record knows.
pub(crate) fn keep(
    report: &PermissionReport,
    record: &RunRecord,
    run_dir: &Path,
    style: Style,
) -> anyhow::Result<Option<String>> {
    if report.needed.is_empty() {
        return Ok(None);
    }
    let path = run_dir.join(FILE);
    let mut json = serde_json::to_value(report).context("the permissions are no JSON")?;
    add_first(&mut json, record);
    let json = serde_json::to_string_pretty(&json).context("the permissions are no JSON")?;
    // A policy is of use with its names in clear, and some may be secrets: nobody else reads it.
    let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&path);
    let written = file.and_then(|mut it| it.write_all((json + "\n").as_bytes()));
    written.with_context(|| format!("failed to write {}", path.display()))?;
    Ok(Some(text(report, &shown(&path), style)))
}

fn add_first(json: &mut Value, record: &RunRecord) {
    let needed = json["needed"].as_array().map(Vec::as_slice).unwrap_or_default();
    let asked = |entry: &Value| {
        let (action, resource) = (entry["action"].as_str()?, entry["resource"].as_str()?);
        record.first_asked.iter().find(|it| it.is_of(action, resource))
    };
    let known: Vec<Option<&FirstAsked>> = needed.iter().map(asked).collect();
    // A call may need more than one permission, and only one of them is on record. They are in the order in which they were asked for.
    let at = |it: usize| known[it].or_else(|| between(known[..it].iter().rev().copied(), known[it..].iter().copied()));
    let firsts: Vec<Option<Value>> = (0..known.len()).map(|it| at(it).map(|it| shown_first(it, record))).collect();
    let of: Vec<(Value, Value)> =
        needed.iter().zip(firsts).filter_map(|(entry, first)| Some((entry.clone(), first?))).collect();
    for list in ["needed", "denied"] {
        for entry in json[list].as_array_mut().into_iter().flatten() {
            if let Some((_, first)) = of.iter().find(|(it, _)| it == entry) {
                entry["first"] = first.clone();
            }
        }
    }
}

/// The step that asked both before and after.
fn between<'a>(
    before: impl Iterator<Item = Option<&'a FirstAsked>>,
    after: impl Iterator<Item = Option<&'a FirstAsked>>,
) -> Option<&'a FirstAsked> {
    let (before, after) = (before.flatten().next()?, after.flatten().next()?);
    (before.job == after.job && before.step == after.step).then_some(before)
}

fn shown_first(first: &FirstAsked, record: &RunRecord) -> Value {
    let steps = record.jobs.get(&first.job).map(|it| &it.steps);
    let step = steps.and_then(|it| it.iter().find(|(key, _)| key.step == first.step));
    json!({ "job": first.job.as_str(), "step": first.step, "name": step.map(|(_, it)| it.name.as_str()) })
}

/// As one would type it here.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).display().to_string()
}

fn text(report: &PermissionReport, path: &str, style: Style) -> String {
    let count = |number: usize, noun: &str| format!("{number} {noun}{}", if number == 1 { "" } else { "s" });
    let mut text = format!("AWS: {} needed", count(report.needed.len(), "permission"));
    if report.mode != IamMode::Off {
        let unused: usize = report.unused.iter().map(|it| it.actions.len()).sum();
        write!(text, ", {} denied, {unused} allowed and not used", report.denied.len()).expect("a text takes all");
    }
    writeln!(text, "; {path} has them, and the smallest policy that would do").expect("a text takes all");
    for denied in &report.denied {
        let happened = if report.mode == IamMode::Report { ", which happened all the same" } else { "" };
        let what = format!("denied: {} on {}{happened}: {}", denied.action, denied.resource, denied.reason);
        writeln!(text, "  {}", style.alarm(&what)).expect("a text takes all");
        if let Some(line) = &denied.missing {
            writeln!(text, "    missing: {line}").expect("a text takes all");
        }
    }
    text
}
