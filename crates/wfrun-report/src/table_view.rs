//! Jobs and situations in one screen.
use serde_json::{Value as Json, json};
use wfrun_plan::{Gate, JobKey, Outlook, Prospect};

use crate::Style;
use crate::foreseen::{foreseen_sentence, hindrances};
use crate::gate_view::gate_words;
use crate::text::{one_line, pad, wrap};
use crate::theme::{Label, Mark};

/// What a workflow comes to in one situation.
#[derive(Debug, Clone, Copy)]
pub struct Column<'a> {
    /// As a person wrote it: `push:main`.
    pub name: &'a str,
    /// All that the event had to pass.
    pub gates: &'a [Gate],
    /// The jobs, the event let through.
    pub outlook: &'a Outlook,
}

/// How a job stands in one situation.
struct Cell {
    word: &'static str,
    mark: Mark,
    reason: Option<String>,
}

impl Column<'_> {
    fn refusal(&self) -> Option<&Gate> {
        self.gates.iter().find(|it| !it.passed)
    }

    fn cell(&self, key: &JobKey) -> Cell {
        if let Some(gate) = self.refusal() {
            return Cell { word: "not triggered", mark: Mark::Cancelled, reason: Some(gate_words(gate).1) };
        }
        let Some(job) = self.outlook.jobs.iter().find(|it| it.key == *key) else {
            let reason = Some("the job that calls its workflow is skipped".to_owned());
            return Cell { word: "skipped", mark: Mark::Skipped, reason };
        };
        let reason = job.reason.as_ref().map(|it| foreseen_sentence(job.verdict, it));
        let hindered = hindrances(job).join("; ");
        let of_legs = (!hindered.is_empty()).then_some(hindered);
        match job.verdict {
            Prospect::Runs => Cell { word: "runs", mark: Mark::Success, reason: of_legs },
            Prospect::Skipped => Cell { word: "skipped", mark: Mark::Skipped, reason },
            Prospect::Fails => Cell { word: "fails", mark: Mark::Failure, reason },
            Prospect::Depends => Cell { word: "depends", mark: Mark::Incomplete, reason },
        }
    }
}

/// All jobs of all situations, in the order of the first that has them.
fn keys(columns: &[Column<'_>]) -> Vec<JobKey> {
    let mut keys: Vec<JobKey> = Vec::new();
    for job in columns.iter().flat_map(|it| &it.outlook.jobs) {
        if !keys.contains(&job.key) {
            keys.push(job.key.clone());
        }
    }
    keys
}

/// The table as `wfrun table --json` prints it: `{"situations":[{"name","triggered"}],"jobs":[{"key","cells":[{"situation",
/// "verdict":"runs|skipped|depends|fails|not-triggered","reason"}]}]}`.
pub fn table_json(columns: &[Column<'_>]) -> Json {
    let cell = |column: &Column<'_>, key: &JobKey| {
        let cell = column.cell(key);
        json!({"situation": column.name, "verdict": cell.word.replace(' ', "-"), "reason": cell.reason})
    };
    let jobs = keys(columns);
    let jobs =
        jobs.iter().map(|key| json!({"key": key, "cells": columns.iter().map(|it| cell(it, key)).collect::<Vec<_>>()}));
    let situations = columns.iter().map(|it| json!({"name": it.name, "triggered": it.refusal().is_none()}));
    json!({"situations": situations.collect::<Vec<_>>(), "jobs": jobs.collect::<Vec<_>>()})
}

/// The table for people: a row for each job, a column for each situation, reasons numbered below. Ends with a line break.
pub fn table_text(columns: &[Column<'_>], style: &Style) -> String {
    let style = *style;
    let (grid, reasons) = grid(columns);
    let width = |texts: &mut dyn Iterator<Item = &str>| texts.map(console::measure_text_width).max().unwrap_or(0);
    let first = width(&mut grid.iter().map(|it| it.name.as_str()));
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            let words = grid.iter().filter_map(|row| Some(row.cells.get(at)?.1.as_str()));
            // The sign and a blank stand before each word.
            width(&mut words.chain([column.name])) + 2
        })
        .collect();
    let titles = columns.iter().zip(&widths);
    let titles = titles.map(|(it, width)| style.paint(Label::Heading, &pad(&one_line(it.name), *width)));
    let mut lines = vec![std::iter::once(" ".repeat(first)).chain(titles).collect::<Vec<_>>().join("  ")];
    for row in &grid {
        let cells = row.cells.iter().zip(&widths);
        let cells = cells.map(|((mark, word), width)| format!("{} {}", style.mark(*mark), pad(word, width - 2)));
        lines.push(std::iter::once(pad(&row.name, first)).chain(cells).collect::<Vec<_>>().join("  "));
    }
    if !reasons.is_empty() {
        lines.push(String::new());
    }
    for (index, reason) in reasons.iter().enumerate() {
        let broken = wrap(reason, style.width.saturating_sub(6).max(20));
        let start = |at: usize| if at == 0 { format!("{:>4}  ", format!("[{}]", index + 1)) } else { " ".repeat(6) };
        lines.extend(broken.iter().enumerate().map(|(at, it)| format!("{}{it}", start(at))));
    }
    lines.into_iter().map(|it| it.trim_end().to_owned() + "\n").collect()
}

/// The table in Markdown. Ends with a line break.
pub fn table_markdown(columns: &[Column<'_>]) -> String {
    let (grid, reasons) = grid(columns);
    let escaped = |text: &str| one_line(text).replace('|', "\\|");
    let line = |first: String, cells: Vec<String>| format!("| {first} | {} |\n", cells.join(" | "));
    let mut lines = vec![
        line("job".to_owned(), columns.iter().map(|it| escaped(it.name)).collect()),
        line("---".to_owned(), vec!["---".to_owned(); columns.len()]),
    ];
    for row in &grid {
        lines.push(line(escaped(&row.name), row.cells.iter().map(|(_, word)| word.clone()).collect()));
    }
    lines.extend(reasons.iter().enumerate().map(|(index, it)| format!("\n[{}] {it}\n", index + 1)));
    lines.concat()
}

struct Row {
    name: String,
    /// The word of each has the number of its reason behind it: `skipped [1]`.
    cells: Vec<(Mark, String)>,
}

/// The rows, and the reasons in the order in which a reader comes to them, each once.
fn grid(columns: &[Column<'_>]) -> (Vec<Row>, Vec<String>) {
    let mut reasons: Vec<String> = Vec::new();
    let mut rows = Vec::new();
    for key in keys(columns) {
        let cells = columns.iter().map(|it| numbered(it.cell(&key), &mut reasons));
        rows.push(Row { name: one_line(key.as_str()), cells: cells.collect() });
    }
    (rows, reasons)
}

fn numbered(cell: Cell, reasons: &mut Vec<String>) -> (Mark, String) {
    let Some(reason) = cell.reason.map(|it| one_line(&it)) else { return (cell.mark, cell.word.to_owned()) };
    let known = reasons.iter().position(|it| *it == reason);
    let index = known.unwrap_or(reasons.len());
    if known.is_none() {
        reasons.push(reason);
    }
    (cell.mark, format!("{} [{}]", cell.word, index + 1))
}
