use wfrun_journal::{How, JobRun, Lines, Outcome, RunRecord, StepKey, StepRun};
use wfrun_plan::JobKey;

use crate::Style;
use crate::explain::sentence;
use crate::log::{depth, ending, step_name};
use crate::text::{clean, count, cut, duration, one_line};
use crate::theme::{Label, Mark, spinner};

/// What the live view shows below the log: a line for each job, and below the running ones their steps.
#[derive(Debug, Default)]
pub(super) struct Tree {
    nodes: Vec<Node>,
}

#[derive(Debug)]
struct Node {
    /// Levels below the root.
    depth: usize,
    /// Which step of which job, if it is a step.
    step: Option<(JobKey, StepKey)>,
    state: State,
    name: String,
    how: How,
    /// What is said about it.
    note: String,
    /// Its last line, while it runs.
    last_line: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Waiting,
    Running { since_ms: u64 },
    Ended { outcome: Outcome, duration_ms: Option<u64> },
}

impl Tree {
    pub(super) fn of(record: &RunRecord) -> Self {
        let mut nodes = Vec::new();
        for (key, job) in &record.jobs {
            nodes.push(job_node(record, key, job));
            if job.started_at_ms.is_some() && job.result.is_none() {
                nodes.extend(job.steps.iter().map(|(step, run)| step_node(key, step, run)));
            }
        }
        Self { nodes }
    }

    /// Takes in the last line of a running step.
    pub(super) fn say(&mut self, lines: &Lines) {
        let wanted =
            |(job, step): &(JobKey, StepKey)| job == &lines.job && step.phase == lines.phase && step.step == lines.step;
        let node = self.nodes.iter_mut().find(|it| it.step.as_ref().is_some_and(wanted));
        if let Some(node) = node {
            node.last_line = Some(lines.last().to_owned());
        }
    }

    /// Returns at most `height` lines of at most `style.width` columns. What runs is left out last.
    pub(super) fn render(&self, now_ms: u64, height: usize, style: Style) -> Vec<String> {
        if height == 0 {
            return Vec::new();
        }
        let mut shown: Vec<&Node> = self.nodes.iter().collect();
        if shown.len() > height {
            let room = height.saturating_sub(1);
            for importance in 0..=3 {
                let mut spare = shown.len().saturating_sub(room);
                shown.retain(|it| {
                    let goes = spare > 0 && it.importance() == importance;
                    spare -= usize::from(goes);
                    !goes
                });
            }
        }
        let hidden = self.nodes.len() - shown.len();
        let mut lines: Vec<String> = shown.iter().map(|it| it.render(now_ms, style)).collect();
        if hidden > 0 {
            let more = format!("{} {hidden} more", style.ellipsis());
            lines.push(style.paint(Label::Dim, &cut(&more, style.width, style)));
        }
        lines
    }
}

fn job_node(record: &RunRecord, key: &JobKey, job: &JobRun) -> Node {
    let state = match (job.result, job.started_at_ms) {
        (Some(outcome), Some(_)) => State::Ended { outcome, duration_ms: Some(job.duration_ms) },
        (Some(outcome), None) => State::Ended { outcome, duration_ms: None },
        (None, Some(since_ms)) => State::Running { since_ms },
        (None, None) => State::Waiting,
    };
    let note = match (&job.skipped, state) {
        (Some(reason), _) => format!("{}: {}", job.result.unwrap_or(Outcome::Skipped), sentence(reason)),
        (None, State::Waiting) => waits_for(record, job),
        (None, State::Running { .. } | State::Ended { .. }) if job.calls.is_some() => calls(job),
        (None, State::Running { .. }) if job.steps.is_empty() => "preparing".to_owned(),
        (None, State::Running { .. }) => String::new(),
        (None, State::Ended { .. }) => job_end(job),
    };
    Node { depth: 0, step: None, state, name: one_line(key.as_str()), how: How::Real, note, last_line: None }
}

/// `waits for test, lint`
fn waits_for(record: &RunRecord, job: &JobRun) -> String {
    let open = job.needs.iter().filter(|it| record.result_for_dependents(it).is_none());
    let names: Vec<String> = open.map(ToString::to_string).collect();
    if names.is_empty() { String::new() } else { format!("waits for {}", names.join(", ")) }
}

fn calls(job: &JobRun) -> String {
    format!("calls {}", one_line(job.calls.as_deref().unwrap_or_default()))
}

fn job_end(job: &JobRun) -> String {
    let steps = count(job.steps.len(), "step", "steps");
    match job.first_failure() {
        Some(step) => format!("{steps}, failed: {step}"),
        None => steps,
    }
}

fn step_node(job: &JobKey, key: &StepKey, run: &StepRun) -> Node {
    let state = match run.outcome {
        None => State::Running { since_ms: run.started_at_ms },
        Some(outcome) if run.skipped.is_some() => State::Ended { outcome, duration_ms: None },
        Some(outcome) => State::Ended { outcome, duration_ms: Some(run.duration_ms) },
    };
    let note = match (&run.skipped, run.outcome, run.conclusion) {
        (Some(reason), ..) => format!("skipped: {}", sentence(reason)),
        (None, Some(outcome), conclusion) => {
            ending(outcome, conclusion.unwrap_or(outcome), run.exit_code).trim_start().to_owned()
        }
        (None, None, _) => String::new(),
    };
    Node {
        depth: 1 + depth(&key.step),
        step: Some((job.clone(), key.clone())),
        state,
        name: step_name(&run.name, key.phase),
        how: run.how,
        note,
        last_line: run.last_line.as_ref().map(ToString::to_string),
    }
}

impl Node {
    /// What is left out first when there is no room: 0; last: 3.
    fn importance(&self) -> u8 {
        match self.state {
            State::Ended { outcome: Outcome::Failure, .. } => 2,
            State::Ended { .. } if self.step.is_some() => 0,
            State::Ended { .. } | State::Waiting => 1,
            State::Running { .. } => 3,
        }
    }

    fn render(&self, now_ms: u64, style: Style) -> String {
        let (mark, time) = match self.state {
            State::Waiting => (style.mark(Mark::Waiting), None),
            State::Running { since_ms } => {
                let sign = style.paint(Label::Running, spinner(now_ms, style.unicode));
                (sign, Some(now_ms.saturating_sub(since_ms)))
            }
            State::Ended { outcome, duration_ms } => (style.mark(outcome.into()), duration_ms),
        };
        let name = match self.state {
            State::Running { .. } => style.paint(Label::Heading, &self.name),
            State::Waiting | State::Ended { .. } => self.name.clone(),
        };
        let time = time.map(|it| format!(" {}", style.paint(Label::Dim, &duration(it)))).unwrap_or_default();
        let mut parts = vec![format!("{}{mark} {name}{time}", "  ".repeat(self.depth))];
        if self.how != How::Real {
            parts.push(style.paint(self.how.into(), &format!("({})", self.how)));
        }
        if !self.note.is_empty() {
            parts.push(self.note.clone());
        }
        if let (State::Running { .. }, Some(last)) = (self.state, &self.last_line) {
            let last = last.trim_start_matches("##[group]");
            let last = one_line(&clean(last, Style { color: false, ..style }));
            parts.push(style.paint(Label::Dim, &last));
        }
        cut(&parts.join("  "), style.width, style).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use console::measure_text_width;
    use wfrun_journal::RunEventKind;

    use super::*;
    use crate::read_journal;

    const JOURNALS: [&str; 3] = [
        include_str!("../../tests/it/journals/success.ndjson"),
        include_str!("../../tests/it/journals/failure.ndjson"),
        include_str!("../../tests/it/journals/incomplete.ndjson"),
    ];

    /// Else indicatif would leave lines of an earlier picture standing.
    #[test]
    fn never_wider_nor_higher_than_the_screen() {
        for journal in JOURNALS {
            let mut record = RunRecord::default();
            for event in read_journal(journal.as_bytes()).expect("a journal") {
                record.apply(&event);
                let tree = Tree::of(&record);
                for (width, height) in [(20, 0), (20, 1), (40, 3), (100, 50)] {
                    let style = Style { color: true, width, unicode: true };
                    let lines = tree.render(event.at_ms, height, style);
                    assert!(lines.len() <= height, "{lines:?}");
                    assert!(lines.iter().all(|it| measure_text_width(it) <= width), "{lines:?}");
                }
            }
        }
    }

    #[test]
    fn what_runs_is_left_out_last() {
        let mut record = RunRecord::default();
        for event in read_journal(JOURNALS[0].as_bytes()).expect("a journal") {
            record.apply(&event);
            if matches!(&event.kind, RunEventKind::Lines(it) if it.text.as_str().starts_with("Collecting")) {
                break;
            }
        }
        let lines = Tree::of(&record).render(0, 3, Style::plain(80));
        assert_eq!(lines.len(), 3);
        assert!(lines[0].starts_with("| test") && lines[1].starts_with("  | Install dependencies"), "{lines:?}");
        assert_eq!(lines[2], "... 3 more");
    }
}
