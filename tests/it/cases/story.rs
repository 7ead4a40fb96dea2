//! A journal for people: a line for each event, without what differs from run to run.
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use indexmap::IndexMap;
use regex::Regex;
use wfrun_journal::{
    Annotation, How, JobSkipped, Masked, Outcome, Phase, RunEvent, RunEventKind, SkipReason, StepFinished, StepStarted,
};

/// What a machine or a run puts into texts, and what stands for it.
static OWN: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let pairs = [
        (r"_temp/[0-9A-Za-z_-]+-\d+-\d+(\.[a-z0-9]+)?", "_temp/SCRIPT$1"),
        (r"/((add_path|set_env|step_summary|save_state|set_output)_)[0-9A-Za-z-]+", "/${1}ID"),
        (r"\blocalhost:\d{5}\b", "localhost:PORT"),
        (r"github_[0-9a-f]{8}-[0-9a-f-]{27}", "github_GUID"),
        (r"github_network_[0-9a-f]{32}", "github_network_ID"),
        (r"\b[0-9a-f]{64}\b", "ID"),
        (r"\b[0-9a-f]{40}\b", "SHA"),
    ];
    pairs.map(|(pattern, by)| (Regex::new(pattern).expect("a good pattern"), by)).into()
});

/// A text of more characters is not shown whole.
const LONG: usize = 1_000;

fn own(text: &str) -> String {
    OWN.iter().fold(text.replace('\r', "␍"), |text, (pattern, by)| pattern.replace_all(&text, *by).into_owned())
}

/// A text, or its beginning and how long it is.
fn shortened(text: &str) -> String {
    let length = text.chars().count();
    if length <= LONG {
        return text.replace('\n', "⏎");
    }
    format!("{}… ({length} characters)", text.chars().take(20).collect::<String>())
}

/// Writes a journal down: the jobs one after another, in the order of the file, though they ran side by side.
///
/// What wfrun's own stand-ins print is left out, and so is what an engine says of containers: a case is about GitHub's runner.
pub(crate) fn story(events: &[RunEvent]) -> String {
    let mut begin = String::new();
    let mut end = String::new();
    let mut jobs: IndexMap<String, String> = IndexMap::new();
    let mut silent = Vec::new();
    // The step that the last line of a job was about.
    let mut current: HashMap<String, String> = HashMap::new();
    for event in events {
        let Some((job, line)) = line(&event.kind, &mut silent) else {
            if let RunEventKind::RunStarted(it) = &event.kind {
                writeln!(begin, "run \"{}\" for {} on {}", it.workflow, it.event, it.git_ref).ok();
                jobs.extend(it.jobs.iter().map(|it| (it.key.to_string(), String::new())));
            } else if let RunEventKind::RunFinished(it) = &event.kind {
                let results: Vec<String> = it.jobs.iter().map(|(job, it)| format!("{job} {it}")).collect();
                writeln!(end, "run: {} ({})", it.conclusion, results.join(", ")).ok();
            } else if let RunEventKind::Fault(it) = &event.kind {
                writeln!(end, "fault: {}", own(it.message.as_str())).ok();
            }
            continue;
        };
        if let RunEventKind::MatrixExpanded(it) = &event.kind {
            after(&mut jobs, &job, it.legs.iter().map(|it| it.key.to_string()));
        }
        if let RunEventKind::WorkflowCalled(it) = &event.kind {
            after(&mut jobs, &job, it.jobs.iter().map(|it| it.key.to_string()));
        }
        let text = jobs.entry(job.clone()).or_default();
        if let Some(step) = step(&event.kind) {
            let last = current.insert(job, step.clone());
            if !matches!(event.kind, RunEventKind::StepStarted(_) | RunEventKind::StepSkipped(_))
                && last.as_ref() != Some(&step)
            {
                writeln!(text, "  ({step})").ok();
            }
        }
        text.push_str(&line);
        text.push('\n');
    }
    let all = jobs.values().map(String::as_str);
    std::iter::once(begin.as_str()).chain(all).chain([end.as_str()]).collect::<String>().trim_end().to_owned()
}

/// The step that an event is about.
fn step(kind: &RunEventKind) -> Option<String> {
    match kind {
        RunEventKind::StepStarted(it) => Some(it.step.to_string()),
        RunEventKind::StepSkipped(it) => Some(it.step.to_string()),
        RunEventKind::Lines(it) => Some(it.step.to_string()),
        RunEventKind::Annotation(it) => it.step.as_ref().map(ToString::to_string),
        RunEventKind::StepSummary(it) => Some(it.step.to_string()),
        RunEventKind::StepFinished(it) => Some(it.step.to_string()),
        RunEventKind::RunStarted(_)
        | RunEventKind::Notice(_)
        | RunEventKind::MatrixExpanded(_)
        | RunEventKind::WorkflowCalled(_)
        | RunEventKind::JobStarted(_)
        | RunEventKind::JobSkipped(_)
        | RunEventKind::Declared(_)
        | RunEventKind::JobFinished(_)
        | RunEventKind::ServiceCalled(_)
        | RunEventKind::ArtifactKept(_)
        | RunEventKind::ArtifactRemoved(_)
        | RunEventKind::Fault(_)
        | RunEventKind::RunFinished(_) => None,
    }
}

/// Jobs that a job turned out to be come after it.
fn after(jobs: &mut IndexMap<String, String>, job: &str, more: impl DoubleEndedIterator<Item = String>) {
    let at = jobs.get_index_of(job).map_or(jobs.len(), |it| it + 1);
    for key in more.rev() {
        if !jobs.contains_key(&key) {
            jobs.shift_insert(at.min(jobs.len()), key, String::new());
        }
    }
}

/// The job that an event is about, and the event in a line; `silent` are the steps whose lines are not shown.
fn line(kind: &RunEventKind, silent: &mut Vec<String>) -> Option<(String, String)> {
    let of = |job: &dyn ToString, text: String| Some((job.to_string(), own(&text)));
    let is_silent = |silent: &[String], job: &dyn ToString, step: &dyn ToString| {
        silent.contains(&format!("{} {}", job.to_string(), step.to_string()))
    };
    match kind {
        RunEventKind::MatrixExpanded(it) => {
            let legs: Vec<&str> = it.legs.iter().map(|it| it.key.as_str()).collect();
            of(&it.job, format!("job {} is {}", it.job, legs.join(", ")))
        }
        RunEventKind::WorkflowCalled(it) => {
            let jobs: Vec<&str> = it.jobs.iter().map(|it| it.key.as_str()).collect();
            of(&it.job, format!("job {} calls {}: {}", it.job, it.workflow, jobs.join(", ")))
        }
        RunEventKind::JobStarted(it) => of(&it.job, format!("job {} started", it.job)),
        RunEventKind::JobSkipped(JobSkipped { job, result, reason, .. }) => {
            of(job, format!("job {job}: {result}, {}", why(reason)))
        }
        RunEventKind::StepStarted(it) => {
            let is_of_the_engine = it.step.to_string().starts_with('0') || it.name.to_string() == "Stop containers";
            if it.how != How::Real || is_of_the_engine {
                silent.push(format!("{} {}", it.job, it.step));
            }
            of(&it.job, started(it))
        }
        RunEventKind::StepSkipped(it) => {
            let head = head(&it.step.to_string(), it.phase, it.id.as_deref(), &it.name);
            of(&it.job, format!("{head}: skipped, {}", why(&it.reason)))
        }
        RunEventKind::Lines(it) if is_silent(silent, &it.job, &it.step) => None,
        RunEventKind::Lines(it) => {
            let mark = match it.stream {
                wfrun_journal::Stream::Stdout => "|",
                wfrun_journal::Stream::Stderr => "!",
            };
            let lines: Vec<String> = it.each().map(|line| format!("    {mark} {line}")).collect();
            of(&it.job, lines.join("\n"))
        }
        RunEventKind::Annotation(it) => of(&it.job, annotation(it)),
        RunEventKind::StepSummary(it) => of(&it.job, format!("    summary: {}", shortened(it.text.as_str()))),
        RunEventKind::StepFinished(it) => of(&it.job, finished(it)),
        RunEventKind::JobFinished(it) => {
            let forgiven = if it.forgiven && it.result == Outcome::Failure { ", forgiven" } else { "" };
            of(&it.job, format!("job {}: {}{forgiven}{}", it.job, it.result, outputs(&it.outputs)))
        }
        RunEventKind::Fault(it) => {
            let job = it.job.as_ref()?;
            of(job, format!("  fault: {}", it.message))
        }
        // What wfrun says of itself and of this machine.
        RunEventKind::RunStarted(_)
        | RunEventKind::RunFinished(_)
        | RunEventKind::Notice(_)
        | RunEventKind::Declared(_)
        | RunEventKind::ServiceCalled(_)
        | RunEventKind::ArtifactKept(_)
        | RunEventKind::ArtifactRemoved(_) => None,
    }
}

fn head(step: &str, phase: Phase, id: Option<&str>, name: &Masked) -> String {
    let phase = if phase == Phase::Main { String::new() } else { format!(" {phase}") };
    let id = id.map_or_else(String::new, |it| format!(" [{it}]"));
    format!("  {step}{phase}{id} \"{name}\"")
}

fn started(it: &StepStarted) -> String {
    let how = if it.how == How::Real { String::new() } else { format!(", {}", it.how) };
    let kind = serde_json::to_value(it.kind).unwrap_or_default();
    let head = head(&it.step.to_string(), it.phase, it.id.as_deref(), &it.name);
    let mut text = format!("{head} ({}{how})", kind.as_str().unwrap_or_default());
    // Stand-ins have inputs of their own actions.
    for line in it.header.iter().filter(|_| it.how == How::Real) {
        write!(text, "\n    > {}", shell(line.as_str())).ok();
    }
    text
}

/// Machines have their shells in different folders.
fn shell(line: &str) -> String {
    let Some(command) = line.strip_prefix("shell: /") else { return line.to_owned() };
    let (path, rest) = command.split_once(' ').unwrap_or((command, ""));
    format!("shell: /usr/bin/{} {rest}", path.rsplit('/').next().unwrap_or(path))
}

fn annotation(it: &Annotation) -> String {
    let mut place = String::new();
    if let Some(file) = &it.file {
        write!(place, " file={file}").ok();
    }
    for (name, value) in [("line", it.line), ("end", it.end_line), ("col", it.col), ("end-col", it.end_col)] {
        if let Some(value) = value {
            write!(place, " {name}={value}").ok();
        }
    }
    if let Some(title) = &it.title {
        write!(place, " title={title}").ok();
    }
    format!("    {}{place}: {}", it.level.as_str(), shortened(it.message.as_str()))
}

fn finished(it: &StepFinished) -> String {
    let conclusion = if it.conclusion == it.outcome { String::new() } else { format!(", counts as {}", it.conclusion) };
    let code = it.exit_code.map_or_else(String::new, |code| format!(", exit code {code}"));
    format!("    {}{conclusion}{code}{}", it.outcome, outputs(&it.outputs))
}

fn outputs(outputs: &IndexMap<String, Masked>) -> String {
    let each: Vec<String> = outputs.iter().map(|(name, value)| format!(", {name:?}={:?}", value.as_str())).collect();
    each.concat()
}

fn why(reason: &SkipReason) -> String {
    match reason {
        SkipReason::Condition { expression, because, .. } => {
            let parts: Vec<String> = because.iter().map(|it| format!("{} is {}", it.expression, it.value)).collect();
            format!("`{expression}` is false: {}", parts.join(", "))
        }
        SkipReason::ConditionError { message, .. } | SkipReason::Concurrency { message, .. } => message.clone(),
        SkipReason::Needs { job, result } => format!("{job} ended with {result}"),
        SkipReason::EarlierStep { step } => format!("{} failed", step.as_deref().unwrap_or("an earlier step")),
        SkipReason::Cancelled => "cancelled before its turn".to_owned(),
        SkipReason::Containers { keys, .. } => format!("no {} here", keys.join(" and ")),
        SkipReason::Machine { labels } => format!("no machine {}", labels.join(" ")),
        SkipReason::FailFast { job } => format!("{job} failed, fail-fast"),
        SkipReason::Planning { key, message, .. } => format!("`{key}`: {message}"),
        SkipReason::NotChosen => "not chosen".to_owned(),
        SkipReason::Forced => "forced".to_owned(),
    }
}
