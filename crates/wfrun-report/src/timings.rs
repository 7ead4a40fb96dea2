//! Where the time of a run went.
use console::measure_text_width;
use wfrun_journal::{JobRun, RunRecord, StepRun};

use crate::Style;
use crate::log::step_name;
use crate::text::{cut, one_line, pad};
use crate::theme::Label;

/// Renders a table: what is around the run, and of each job its environment, its steps and what is between them.
/// `around_ms` is what wfrun took before the run and after it. Ends with a line break.
pub fn render_timings(record: &RunRecord, around_ms: u64, style: &Style) -> String {
    let mut rows = vec![Row::new(0, "around the run", around_ms, "options, workflow, event, snapshot, services")];
    for (key, job) in &record.jobs {
        rows.extend(rows_of(key.as_str(), job));
    }
    rows.push(Row::new(0, "the run", record.duration_ms, ""));
    let width = rows.iter().map(Row::width).max().unwrap_or(0).min(style.width / 2);
    let times: Vec<String> = rows.iter().map(|it| time(it.ms)).collect();
    let time_width = times.iter().map(|it| measure_text_width(it)).max().unwrap_or(0);
    let mut text = format!("\n{}\n", style.paint(Label::Heading, "timings"));
    for (row, time) in rows.iter().zip(&times) {
        let name = format!("{}{}", "  ".repeat(row.depth), row.name);
        let name = pad(&cut(&name, width, *style), width);
        let time = format!("{}{time}", " ".repeat(time_width - measure_text_width(time)));
        text.push_str(format!("  {name}  {time}  {}", style.paint(Label::Dim, &row.note)).trim_end());
        text.push('\n');
    }
    text
}

/// `12 ms`, `1.23 s`
fn time(ms: u64) -> String {
    if ms < 1000 { format!("{ms} ms") } else { format!("{}.{:02} s", ms / 1000, ms % 1000 / 10) }
}

struct Row {
    depth: usize,
    name: String,
    ms: u64,
    note: String,
}

impl Row {
    fn new(depth: usize, name: &str, ms: u64, note: impl Into<String>) -> Self {
        Self { depth, name: one_line(name), ms, note: note.into() }
    }

    fn width(&self) -> usize {
        2 * self.depth + measure_text_width(&self.name)
    }
}

/// A job that ran: its parts, and its steps in order.
fn rows_of(key: &str, job: &JobRun) -> Vec<Row> {
    let (Some(ready_ms), Some(end_ms)) = (job.started_at_ms, job.finished_at_ms) else { return Vec::new() };
    if let Some(workflow) = &job.calls {
        return vec![Row::new(0, key, job.duration_ms, format!("calls {}", one_line(workflow)))];
    }
    let ran: Vec<(String, &StepRun)> = job
        .steps
        .iter()
        .filter(|(_, it)| it.skipped.is_none())
        .map(|(at, it)| (step_name(&it.name, at.phase), it))
        .collect();
    let begun_ms = end_ms.saturating_sub(job.duration_ms);
    let environment = ready_ms.saturating_sub(begun_ms);
    let workspace = if job.workspace.is_empty() { String::new() } else { format!("workspace: {}", job.workspace) };
    let between = end_ms.saturating_sub(ready_ms).saturating_sub(busy(&ran));
    let mut rows = vec![Row::new(0, key, job.duration_ms, ""), Row::new(1, "environment", environment, workspace)];
    rows.extend(ran.iter().map(|(name, it)| Row::new(1, name, it.duration_ms, "")));
    rows.push(Row::new(1, "between steps", between, ""));
    rows
}

/// The time in which some step ran; steps may overlap, and those of an action are inside of its own.
fn busy(ran: &[(String, &StepRun)]) -> u64 {
    let mut spans: Vec<(u64, u64)> =
        ran.iter().map(|(_, it)| (it.started_at_ms, it.started_at_ms + it.duration_ms)).collect();
    spans.sort_unstable();
    let (mut total, mut until) = (0, 0);
    for (from, to) in spans {
        let from = from.max(until);
        total += to.saturating_sub(from);
        until = until.max(to);
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_journal;

    #[test]
    fn where_the_time_of_a_run_went() {
        let mut record = RunRecord::default();
        let journal = include_str!("../tests/it/journals/failure.ndjson");
        for event in read_journal(journal.as_bytes()).expect("a journal") {
            record.apply(&event);
        }
        insta::assert_snapshot!(render_timings(&record, 21, &Style::plain(100)));
    }
}
