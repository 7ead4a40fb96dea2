//! Which permissions a run needed of its AWS account, told at the run's end and kept beside its journal.
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use wfrun_aws::{IamMode, PermissionReport};
use wfrun_report::Style;

/// The file's name in a run's folder.
pub(crate) const FILE: &str = "permissions.json";

/// Keeps the report in the run's folder; gives back what is to be told, nothing where nobody asked for anything.
pub(crate) fn keep(report: &PermissionReport, run_dir: &Path, style: Style) -> anyhow::Result<Option<String>> {
    if report.needed.is_empty() {
        return Ok(None);
    }
    let path = run_dir.join(FILE);
    let json = serde_json::to_string_pretty(report).context("the permissions are no JSON")?;
    std::fs::write(&path, json + "\n").with_context(|| format!("failed to write {}", path.display()))?;
    Ok(Some(text(report, &shown(&path), style)))
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
