//! Events as lines of text: what the plain view writes, and the live view above its tree.
mod quiet;

use std::collections::HashMap;

use console::measure_text_width;
use memchr::memmem;
use wfrun_journal::{
    Annotation, AnnotationLevel, ArtifactKept, Declared, Fault, How, JobFinished, JobSkipped, JobStarted, Lines,
    Masked, MatrixExpanded, Outcome, Phase, RunEvent, RunEventKind, RunRecord, RunStarted, ServiceCalled, StepFinished,
    StepSkipped, StepStarted, StepSummary, WorkflowCalled,
};
use wfrun_plan::{JobKey, StepPath};

use crate::explain::sentence;
use crate::log::quiet::Quiet;
use crate::markdown::render;
use crate::summary::summary;
use crate::text::{bytes, clean, count, duration, is_plain, one_line};
use crate::theme::{Label, Mark};
use crate::{Style, Verbosity};

/// Of a job so many summaries are shown.
const MOST_SUMMARIES: usize = 20;
/// Of a summary so many lines are shown.
const MOST_SUMMARY_LINES: usize = 60;

/// Turns events into blocks of lines, each without its end.
#[derive(Debug)]
pub(crate) struct Log {
    style: Style,
    verbosity: Verbosity,
    quiet: Quiet,
    has_spoken: bool,
    prefix: LinePrefix,
    /// The run's id, once it has begun.
    run_id: String,
    /// How many summaries the steps of each job have written.
    summaries: HashMap<JobKey, usize>,
    /// Where the last line was marked: the annotation that it is comes next, at this position.
    marked: Option<(u64, AnnotationLevel)>,
}

/// What stands before the lines of the step that wrote last: most lines follow one of the same step.
#[derive(Debug, Default)]
struct LinePrefix {
    of: Option<(JobKey, StepPath)>,
    text: String,
}

impl Log {
    pub(crate) fn new(style: Style, verbosity: Verbosity) -> Self {
        Self {
            style,
            verbosity,
            quiet: Quiet::default(),
            has_spoken: false,
            prefix: LinePrefix::default(),
            run_id: String::new(),
            summaries: HashMap::new(),
            marked: None,
        }
    }

    /// Appends what `event` has to say to `out`; the end of the run says the summary.
    pub(crate) fn tell(&mut self, event: &RunEvent, so_far: &RunRecord, out: &mut Vec<String>) {
        if matches!(event.kind, RunEventKind::RunFinished(_)) {
            out.extend(self.has_spoken.then(String::new));
            out.extend(summary(so_far, self.style));
            return;
        }
        let before = out.len();
        if self.verbosity == Verbosity::Quiet {
            let mut lines = Vec::new();
            self.say(event, &mut lines);
            self.quiet.sift(event, lines, out);
        } else {
            self.say(event, out);
        }
        self.has_spoken |= out.len() > before;
    }

    fn say(&mut self, event: &RunEvent, out: &mut Vec<String>) {
        match &event.kind {
            RunEventKind::RunStarted(it) => {
                self.run_id.clone_from(&it.run_id);
                self.run_started(it, out);
            }
            RunEventKind::Notice(it) => {
                let level = it.level.unwrap_or(AnnotationLevel::Notice);
                self.message(None, level, it.message.as_str(), ("", ""), out);
            }
            RunEventKind::MatrixExpanded(it) => out.push(self.matrix_expanded(it)),
            RunEventKind::WorkflowCalled(it) => out.push(self.workflow_called(it)),
            RunEventKind::JobStarted(it) => out.push(self.job_started(it)),
            RunEventKind::JobSkipped(it) => out.push(self.job_skipped(it)),
            RunEventKind::StepStarted(it) => self.step_started(it, out),
            RunEventKind::StepSkipped(it) => out.push(self.step_skipped(it)),
            RunEventKind::Lines(it) => {
                self.lines(it, out);
                if let Some(level) = marked(it.last()) {
                    self.marked = Some((event.seq + event.positions(), level));
                }
            }
            RunEventKind::Annotation(it) => {
                // What a matcher found is shown once: as the line in which it was found.
                let is_shown = self.marked == Some((event.seq, it.level));
                if !is_shown || self.verbosity == Verbosity::Quiet {
                    self.annotation(it, out);
                }
            }
            RunEventKind::Declared(it) => out.extend(self.declared(it)),
            RunEventKind::StepFinished(it) => self.step_finished(it, out),
            RunEventKind::JobFinished(it) => self.job_finished(it, out),
            RunEventKind::Fault(it) => self.fault(it, out),
            RunEventKind::StepSummary(it) => self.step_summary(it, out),
            RunEventKind::ServiceCalled(it) => out.extend(self.service_called(it)),
            RunEventKind::ArtifactKept(it) => out.extend(self.artifact_kept(it)),
            RunEventKind::ArtifactRemoved(_) | RunEventKind::RunFinished(_) => {}
        }
    }

    fn run_started(&self, it: &RunStarted, out: &mut Vec<String>) {
        let backend = self.style.paint(Label::Heading, &format!("backend: {}", it.backend));
        out.push(match it.backend_reason.as_str() {
            "" => backend,
            reason => format!("{backend} ({reason})"),
        });
        let sha = it.sha.get(..7).unwrap_or(&it.sha);
        let what = self.style.paint(Label::Heading, it.workflow.as_str());
        out.push(format!("{what}: {} of {} at {sha}", it.event, it.git_ref));
        let details = format!("{}, run {}", it.path, it.run_id);
        out.push(self.style.paint(Label::Dim, &details));
    }

    fn matrix_expanded(&self, it: &MatrixExpanded) -> String {
        let legs: Vec<String> = it.legs.iter().map(|it| one_line(it.key.as_str())).collect();
        let what = self.style.paint(Label::Heading, "matrix");
        let all = format!("{}: {}", count(legs.len(), "job", "jobs"), legs.join(", "));
        format!("{}{} {what} {all}", self.prefix(&it.job), self.style.mark(Mark::Begin))
    }

    fn workflow_called(&self, it: &WorkflowCalled) -> String {
        format!("{} calls {}", self.job_head(&it.job, &it.name, Mark::Begin), it.workflow)
    }

    fn job_started(&self, it: &JobStarted) -> String {
        let image = it.image.as_ref().map(|image| format!(", image {image}")).unwrap_or_default();
        let head = self.job_head(&it.job, &it.name, Mark::Begin);
        format!("{head} on {}{image}", it.backend)
    }

    fn job_skipped(&self, it: &JobSkipped) -> String {
        let head = self.job_head(&it.job, &it.name, it.result.into());
        format!("{head} {}: {}", it.result, sentence(&it.reason))
    }

    /// `[test] ✓ job`, and its name where that is another.
    fn job_head(&self, key: &JobKey, name: &Masked, mark: Mark) -> String {
        let name = if name.as_str() == key.as_str() { String::new() } else { format!(" {}", one_line(name.as_str())) };
        let what = self.style.paint(Label::Heading, &format!("job{name}"));
        format!("{}{} {what}", self.prefix(key), self.style.mark(mark))
    }

    fn step_started(&self, it: &StepStarted, out: &mut Vec<String>) {
        let prefix = self.prefix_at(&it.job, &it.step);
        let name = self.style.paint(Label::Heading, &step_name(&it.name, it.phase));
        out.push(format!("{prefix}{} {name}{}", self.style.mark(Mark::Begin), self.how(it.how)));
        for text in &it.header {
            let lines = text.as_str().lines().map(|line| clean(line, self.style));
            out.extend(lines.map(|line| format!("{prefix}    {}", self.style.paint(Label::Dim, &line))));
        }
    }

    fn step_skipped(&self, it: &StepSkipped) -> String {
        let prefix = self.prefix_at(&it.job, &it.step);
        let name = step_name(&it.name, it.phase);
        format!("{prefix}{} {name}  skipped: {}", self.style.mark(Mark::Skipped), sentence(&it.reason))
    }

    fn lines(&mut self, it: &Lines, out: &mut Vec<String>) {
        if self.prefix.of.as_ref().is_none_or(|(job, step)| *job != it.job || *step != it.step) {
            let text = self.prefix_at(&it.job, &it.step) + "  ";
            self.prefix = LinePrefix { of: Some((it.job.clone(), it.step.clone())), text };
        }
        let (prefix, text) = (self.prefix.text.as_str(), it.text.as_str());
        if is_plain(text) && memmem::find(text.as_bytes(), b"##[").is_none() {
            out.push(prefixed(prefix, it));
        } else {
            out.extend(it.each().filter_map(|line| self.line(prefix, line)));
        }
    }

    /// A word stands for GitHub's marker; where a group ends there is nothing to show.
    fn line(&self, prefix: &str, line: &str) -> Option<String> {
        let text = clean(line, self.style);
        let Some((marker, rest)) = text.strip_prefix("##[").and_then(|it| it.split_once(']')) else {
            return Some([prefix, &text].concat());
        };
        // As annotations stand.
        let before = prefix.strip_suffix("  ").unwrap_or(prefix);
        let word = |label, word: &str| Some(format!("{before}{} {rest}", self.style.paint(label, &format!("{word}:"))));
        match marker {
            "group" => Some(format!("{prefix}{} {rest}", self.style.mark(Mark::Begin))),
            "endgroup" if rest.is_empty() => None,
            "error" => word(Label::Failure, marker),
            "warning" => word(Label::Warning, marker),
            "notice" => word(Label::Notice, marker),
            "debug" => word(Label::Dim, marker),
            _ => Some([prefix, &text].concat()),
        }
    }

    fn annotation(&self, it: &Annotation, out: &mut Vec<String>) {
        let title = it.title.as_ref().map(|it| format!("{it}: ")).unwrap_or_default();
        let place = place(it).map(|it| format!(" ({it})")).unwrap_or_default();
        self.message(Some(&it.job), it.level, it.message.as_str(), (&title, &place), out);
    }

    /// A message of one or more lines, and what stands around the first.
    fn message(
        &self,
        job: Option<&JobKey>,
        level: AnnotationLevel,
        message: &str,
        around: (&str, &str),
        out: &mut Vec<String>,
    ) {
        let (first, rest) = message.split_once('\n').unwrap_or((message, ""));
        let first = format!("{}{}{}", around.0, first.trim_end(), around.1);
        let rest: Vec<&str> = rest.lines().collect();
        self.block(job, level.into(), level.as_str(), &rest, &first, out);
    }

    /// A stand-in is marked at its step and told in the summary; what was less than that is told at once, too.
    fn declared(&self, it: &Declared) -> Option<String> {
        if it.how == How::StandIn && it.step.is_some() && self.verbosity != Verbosity::Verbose {
            return None;
        }
        let how = self.style.paint(it.how.into(), it.how.as_str());
        let (dash, detail) = (self.style.dash(), clean(it.detail.as_str(), self.style));
        let prefix = it.job.as_ref().map(|job| self.prefix(job)).unwrap_or_default();
        Some(format!("{prefix}{how}: {} {dash} {detail}", it.subject))
    }

    fn step_finished(&self, it: &StepFinished, out: &mut Vec<String>) {
        let prefix = self.prefix_at(&it.job, &it.step);
        let name = step_name(&it.name, it.phase);
        let time = self.style.paint(Label::Dim, &duration(it.duration_ms));
        let end = ending(it.outcome, it.conclusion, it.exit_code);
        let how = self.how(it.how);
        out.push(format!("{prefix}{} {name} {time}{end}{how}", self.style.mark(it.outcome.into())));
        if self.verbosity == Verbosity::Verbose {
            self.outputs(&prefix, it.outputs.iter(), out);
        }
    }

    fn job_finished(&self, it: &JobFinished, out: &mut Vec<String>) {
        let prefix = self.prefix(&it.job);
        let head = self.job_head(&it.job, &it.name, it.result.into());
        let time = self.style.paint(Label::Dim, &duration(it.duration_ms));
        let forgiven =
            if it.forgiven && it.result == Outcome::Failure { ", forgiven by continue-on-error" } else { "" };
        out.push(format!("{head} {} in {time}{forgiven}", it.result));
        if self.verbosity == Verbosity::Verbose {
            self.outputs(&prefix, it.outputs.iter(), out);
        }
    }

    fn fault(&self, it: &Fault, out: &mut Vec<String>) {
        let help: Vec<String> = it.help.iter().map(|it| format!("= help: {it}")).collect();
        let message = it.message.as_str();
        let (first, rest) = message.split_once('\n').unwrap_or((message, ""));
        let rest: Vec<&str> = rest.lines().chain(help.iter().map(String::as_str)).collect();
        self.block(it.job.as_ref(), Label::Failure, "wfrun failed", &rest, first, out);
    }

    /// What a step has to say in the end, rendered; the whole of it is kept in a file.
    ///
    /// Source: GitHub: execution rules E3.3: so many summaries of a job are shown.
    fn step_summary(&mut self, it: &StepSummary, out: &mut Vec<String>) {
        let so_many = self.summaries.entry(it.job.clone()).or_insert(0);
        *so_many += 1;
        let so_many = *so_many;
        let prefix = self.prefix(&it.job);
        let word = self.style.paint(Label::Heading, "summary:");
        let file = format!(".wfrun/runs/{}/summary.md", self.run_id);
        if so_many > MOST_SUMMARIES {
            let more = format!("{prefix}{word} more than {MOST_SUMMARIES} of a job are not shown; all are in {file}");
            out.extend((so_many == MOST_SUMMARIES + 1).then_some(more));
            return;
        }
        let width = self.style.width.saturating_sub(measure_text_width(&prefix) + 2).max(20);
        let lines = render(it.text.as_str(), Style { width, ..self.style });
        let shown = if self.verbosity == Verbosity::Verbose { lines.len() } else { MOST_SUMMARY_LINES };
        out.push(format!("{prefix}{word}"));
        out.extend(lines.iter().take(shown).map(|line| format!("{prefix}  {line}").trim_end().to_owned()));
        let more = lines.len().saturating_sub(shown);
        if more > 0 {
            out.push(format!("{prefix}  {} more in {file}", count(more, "line", "lines")));
        }
    }

    fn service_called(&self, it: &ServiceCalled) -> Option<String> {
        let verdict = match (&it.iam_action, it.allowed) {
            (Some(action), Some(true)) => format!(", {action} allowed"),
            (Some(action), Some(false)) => format!(", {action} denied"),
            (Some(action), None) => format!(", {action}"),
            (None, _) => String::new(),
        };
        let found = it.hit.map_or("", |hit| if hit { ", hit" } else { ", miss" });
        let text = format!("service {}: {} {}{verdict}{found}", it.service, it.operation, it.status);
        (self.verbosity == Verbosity::Verbose).then(|| self.style.paint(Label::Dim, &text))
    }

    fn artifact_kept(&self, it: &ArtifactKept) -> Option<String> {
        let text = format!("{}artifact {}: {}", self.prefix(&it.job), one_line(it.name.as_str()), bytes(it.size));
        (self.verbosity == Verbosity::Verbose).then(|| self.style.paint(Label::Dim, &text))
    }

    /// `word: first`, and the other lines below it, indented.
    fn block(&self, job: Option<&JobKey>, label: Label, word: &str, rest: &[&str], first: &str, out: &mut Vec<String>) {
        let prefix = job.map(|it| self.prefix(it)).unwrap_or_default();
        let word = self.style.paint(label, &format!("{word}:"));
        out.push(format!("{prefix}{word} {}", clean(first, self.style)).trim_end().to_owned());
        out.extend(rest.iter().map(|line| format!("{prefix}  {}", clean(line, self.style))));
    }

    fn outputs<'a>(&self, prefix: &str, all: impl Iterator<Item = (&'a String, &'a Masked)>, out: &mut Vec<String>) {
        for (name, value) in all {
            let text = format!("output {name}={}", value.as_str().replace('\n', "\\n"));
            out.push(format!("{prefix}    {}", self.style.paint(Label::Dim, &clean(&text, self.style))));
        }
    }

    fn how(&self, how: How) -> String {
        match how {
            How::Real => String::new(),
            How::StandIn | How::Simulated | How::NotRun => {
                format!("  {}", self.style.paint(how.into(), &format!("({how})")))
            }
        }
    }

    fn prefix(&self, job: &JobKey) -> String {
        self.style.paint(Label::Dim, &format!("[{}]", one_line(job.as_str()))) + " "
    }

    /// Steps of composite actions are indented below their action.
    fn prefix_at(&self, job: &JobKey, step: &StepPath) -> String {
        self.prefix(job) + &"  ".repeat(depth(step))
    }
}

/// Lines in which there is nothing to change.
fn prefixed(prefix: &str, lines: &Lines) -> String {
    let text = lines.text.as_str();
    let mut block = String::with_capacity(text.len() + prefix.len() * (text.len() / 32 + 1));
    for line in lines.each() {
        if !block.is_empty() {
            block.push('\n');
        }
        block.push_str(prefix);
        block.push_str(line);
    }
    block
}

/// As which annotation a line is marked.
fn marked(line: &str) -> Option<AnnotationLevel> {
    let (word, _) = line.strip_prefix("##[")?.split_once(']')?;
    let levels = [AnnotationLevel::Error, AnnotationLevel::Warning, AnnotationLevel::Notice];
    levels.into_iter().find(|it| it.as_str() == word)
}

/// How deep in composite actions a step is: 0 for a step of the job.
pub(crate) fn depth(step: &StepPath) -> usize {
    std::iter::successors(step.parent(), StepPath::parent).count()
}

/// The name with its part of the step, as GitHub shows it: `Post Run actions/checkout@v3`.
pub(crate) fn step_name(name: &Masked, phase: Phase) -> String {
    let word = match phase {
        Phase::Main => return one_line(name.as_str()),
        Phase::Pre => "Pre ",
        Phase::Post => "Post ",
    };
    let name = one_line(name.as_str());
    if name.starts_with(word) { name } else { format!("{word}{name}") }
}

/// What an end that is no plain success is followed by.
pub(crate) fn ending(outcome: Outcome, conclusion: Outcome, exit_code: Option<i32>) -> String {
    let code = exit_code.filter(|it| *it != 0).map(|it| format!(" exit code {it}"));
    match (outcome, conclusion) {
        (Outcome::Success, _) => String::new(),
        (Outcome::Failure, Outcome::Success) => {
            format!("{}, goes on (continue-on-error)", code.unwrap_or_else(|| " failed".to_owned()))
        }
        (Outcome::Failure, _) => code.unwrap_or_else(|| " failed".to_owned()),
        (Outcome::Cancelled | Outcome::Skipped, _) => format!(" {outcome}"),
    }
}

/// `src/app.py:12:4`
fn place(annotation: &Annotation) -> Option<String> {
    let file = annotation.file.as_ref()?;
    Some(match (annotation.line, annotation.col) {
        (None, _) => file.to_string(),
        (Some(line), None) => format!("{file}:{line}"),
        (Some(line), Some(col)) => format!("{file}:{line}:{col}"),
    })
}
