//! The end of the log: what became of each job, what was not done as on GitHub, and how the run ended.
use console::measure_text_width;
use indexmap::IndexMap;
use wfrun_journal::{
    Annotation, AnnotationLevel, CacheUse, Conclusion, How, JobRun, KeptArtifact, Notice, Outcome, RunRecord,
    SkipReason,
};
use wfrun_plan::{JobKey, StepPath};

use crate::Style;
use crate::explain::sentence;
use crate::log::ending;
use crate::text::{bytes, clean, count, cut, duration, one_line, pad, wrap};
use crate::theme::{Label, Mark};

/// Renders the summary of a run that has ended, or of what is known of one that has not. Ends with a line break.
pub fn render_summary(record: &RunRecord, style: &Style) -> String {
    summary(record, *style).into_iter().map(|it| it + "\n").collect()
}

pub(crate) fn summary(record: &RunRecord, style: Style) -> Vec<String> {
    let mut lines = jobs(record, style);
    lines.extend(artifacts(record, style));
    lines.extend(cache(record.cache, style));
    lines.extend(declared(record, style));
    lines.extend(findings(record, style));
    lines.extend(record.conclusion.into_iter().flat_map(|it| conclusion(record, it, style)));
    lines
}

/// `cache: 2 hits, 1 miss, 1 entry saved`; none where nobody asked for anything.
fn cache(it: CacheUse, style: Style) -> Option<String> {
    let parts = [
        (it.hits, count(it.hits, "hit", "hits")),
        (it.misses, count(it.misses, "miss", "misses")),
        (it.saved, count(it.saved, "entry saved", "entries saved")),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|(number, _)| *number > 0).map(|(_, text)| text).collect();
    (!parts.is_empty()).then(|| format!("  {}", style.paint(Label::Dim, &format!("cache: {}", parts.join(", ")))))
}

/// One job's row before it is laid out.
struct Row {
    mark: Mark,
    name: String,
    word: &'static str,
    time: String,
    note: String,
}

fn jobs(record: &RunRecord, style: Style) -> Vec<String> {
    let rows: Vec<Row> = record.jobs.iter().map(|(key, job)| row(key, job)).collect();
    let widest = |of: fn(&Row) -> &str| rows.iter().map(|it| measure_text_width(of(it))).max().unwrap_or(0);
    let name_width = widest(|it| &it.name).min(style.width / 2);
    let (word_width, time_width) = (widest(|it| it.word), widest(|it| &it.time));
    let taken = 4 + [name_width, word_width, time_width].iter().map(|it| it + 2).sum::<usize>();
    let mut lines = Vec::new();
    for row in &rows {
        let fits = taken + measure_text_width(&row.note) <= style.width;
        let mut cells = vec![
            (None, cut(&row.name, name_width, style).into_owned(), name_width),
            (Some(row.mark.label()), row.word.to_owned(), word_width),
            (Some(Label::Dim), row.time.clone(), time_width),
            (None, if fits { row.note.clone() } else { String::new() }, 0),
        ];
        while cells.pop_if(|(_, text, _)| text.is_empty()).is_some() {}
        let last = cells.len().saturating_sub(1);
        let painted = cells.iter().enumerate().map(|(at, (label, text, width))| {
            let text = if at == last { text.clone() } else { pad(text, *width) };
            label.map_or(text.clone(), |it| style.paint(it, &text))
        });
        lines.push(format!("  {} {}", style.mark(row.mark), painted.collect::<Vec<_>>().join("  ")));
        if !fits {
            lines.extend(hanging(&row.note, 6, style));
        }
    }
    lines
}

fn row(key: &JobKey, job: &JobRun) -> Row {
    let (mark, word) = match job.result {
        Some(result) => (result.into(), result.as_str()),
        None => (Mark::Waiting, "not ended"),
    };
    let time = if job.started_at_ms.is_some() { duration(job.duration_ms) } else { String::new() };
    Row { mark, name: one_line(key.as_str()), word, time, note: note(job) }
}

fn note(job: &JobRun) -> String {
    if let Some(reason) = &job.skipped {
        return sentence(reason);
    }
    let mut notes = Vec::new();
    notes.extend(job.calls.as_ref().map(|it| format!("calls {}", one_line(it))));
    if job.result == Some(Outcome::Failure) {
        let failed = job.steps.values().find(|it| it.conclusion == Some(Outcome::Failure));
        notes.extend(failed.map(|it| {
            format!("{}:{}", one_line(it.name.as_str()), ending(Outcome::Failure, Outcome::Failure, it.exit_code))
        }));
        notes.extend(job.forgiven.then(|| "forgiven by continue-on-error".to_owned()));
    }
    notes.join(", ")
}

/// `artifacts: 2`, and each with its size.
fn artifacts(record: &RunRecord, style: Style) -> Vec<String> {
    if record.artifacts.is_empty() {
        return Vec::new();
    }
    let title = style.paint(Label::Heading, "artifacts:");
    let size = record.artifacts.values().map(|it| it.size).sum();
    let mut lines = vec![String::new(), format!("{title} {}, {}", record.artifacts.len(), bytes(size))];
    let shown: Vec<_> = record.artifacts.values().take(MOST_ARTIFACTS).collect();
    let names: Vec<String> = shown.iter().map(|it| one_line(it.name.as_str())).collect();
    let width = names.iter().map(|it| measure_text_width(it)).max().unwrap_or(0).min(style.width / 2);
    let row = |(name, it): (&String, &&KeptArtifact)| {
        format!("  {}  {}", pad(&cut(name, width, style), width), bytes(it.size))
    };
    lines.extend(names.iter().zip(&shown).map(row));
    let more = record.artifacts.len().saturating_sub(MOST_ARTIFACTS);
    lines.extend((more > 0).then(|| format!("  {more} more")));
    let id = record.started.as_ref().map_or("", |it| it.run_id.as_str());
    lines.push(style.paint(Label::Dim, &format!("  `wfrun download {id}` unpacks them")));
    lines
}

/// So many artifacts are named in the summary.
const MOST_ARTIFACTS: usize = 10;

/// So many differences of a job and a kind are shown.
const MOST_DETAILS: usize = 50;

/// What one job did in one way that is not GitHub's.
struct Departure {
    how: How,
    /// The steps in which it did.
    steps: Vec<String>,
    /// The differences, in words.
    details: Vec<String>,
}

/// `not as on GitHub: 2 stand-ins, 1 simulated`; none where all was done for real.
pub(crate) fn declared_in_short(record: &RunRecord, style: Style) -> Option<String> {
    declared(record, style).into_iter().find(|it| !it.is_empty())
}

fn declared(record: &RunRecord, style: Style) -> Vec<String> {
    let of_the_run = [("the run", departures(record, None))];
    let of_jobs = record.jobs.iter().map(|(key, job)| (key.as_str(), departures(record, Some((key, job)))));
    let by_job: Vec<(&str, Vec<Departure>)> = of_jobs.chain(of_the_run).collect();
    if by_job.iter().all(|(_, all)| all.is_empty()) {
        return Vec::new();
    }
    let title = style.paint(Label::Heading, "not as on GitHub:");
    let counts = counts(by_job.iter().flat_map(|(_, all)| all));
    let mut lines = vec![String::new(), format!("{title} {counts}")];
    for (job, all) in by_job.iter().filter(|(_, all)| !all.is_empty()) {
        lines.push(format!("  {}", one_line(job)));
        for it in all {
            let word = style.paint(it.how.into(), it.how.as_str());
            let mut steps = hanging(&format!("{}: {}", it.how, it.steps.join("; ")), 4, style);
            if let Some(first) = steps.first_mut() {
                let rest = first.trim_start().strip_prefix(it.how.as_str()).unwrap_or_default();
                *first = format!("    {word}{}", rest.trim_end_matches([':', ' ']));
            }
            lines.extend(steps);
            lines.extend(it.details.iter().take(MOST_DETAILS).flat_map(|detail| hanging(detail, 6, style)));
            let more = it.details.len().saturating_sub(MOST_DETAILS);
            lines.extend((more > 0).then(|| format!("      and {more} more, which are in the journal")));
        }
    }
    lines
}

/// `text` broken to the style's width and indented, from the second line on a little more.
fn hanging(text: &str, indent: usize, style: Style) -> Vec<String> {
    let broken = wrap(text, style.width.saturating_sub(indent + 2).max(10));
    let indented = broken.into_iter().enumerate();
    indented.map(|(at, line)| " ".repeat(if at == 0 { indent } else { indent + 2 }) + &line).collect()
}

/// The gravest first. Steps are named whether or not their difference was declared: nothing may pass for real
/// because a declaration is missing. Without a job: what is true of the whole run.
fn departures(record: &RunRecord, job: Option<(&JobKey, &JobRun)>) -> Vec<Departure> {
    let all = [How::NotRun, How::Simulated, How::StandIn].map(|how| {
        let mut steps: IndexMap<&StepPath, String> = IndexMap::new();
        for (key, step) in job.iter().flat_map(|(_, it)| &it.steps).filter(|(_, it)| it.how == how) {
            // The main part comes first, and its name is the step's.
            steps.entry(&key.step).or_insert_with(|| one_line(step.name.as_str()));
        }
        let mut details = details(record, job.map(|(key, _)| key), how);
        if let (How::NotRun, Some(reason @ (SkipReason::Machine { .. } | SkipReason::Containers { .. }))) =
            (how, job.and_then(|(_, it)| it.skipped.as_ref()))
        {
            // Most often the run has declared it already.
            if details.is_empty() {
                details.push(format!("the job: {}", sentence(reason)));
            }
        }
        Departure { how, steps: steps.into_values().collect(), details }
    });
    all.into_iter().filter(|it| !it.steps.is_empty() || !it.details.is_empty()).collect()
}

/// `a, b: the same difference`
fn details(record: &RunRecord, job: Option<&JobKey>, how: How) -> Vec<String> {
    let things = record.declared.iter().filter(|it| it.job.as_ref() == job && it.how == how);
    let mut subjects: IndexMap<String, Vec<&str>> = IndexMap::new();
    for it in things {
        subjects.entry(one_line(it.detail.as_str())).or_default().push(it.subject.as_str());
    }
    subjects.into_iter().map(|(detail, subjects)| format!("{}: {detail}", subjects.join(", "))).collect()
}

/// `2 stand-ins, 1 simulated`: steps, or things of jobs that have no step for them.
fn counts<'a>(all: impl Iterator<Item = &'a Departure>) -> String {
    let mut numbers = [0, 0, 0];
    for it in all {
        let number = if it.steps.is_empty() { it.details.len() } else { it.steps.len() };
        match it.how {
            How::StandIn | How::Real => numbers[0] += number,
            How::Simulated => numbers[1] += number,
            How::NotRun => numbers[2] += number,
        }
    }
    let words = [("stand-in", "stand-ins"), ("simulated", "simulated"), ("not run", "not run")];
    let said = numbers.iter().zip(words).filter(|(number, _)| **number > 0);
    said.map(|(number, (one, many))| count(*number, one, many)).collect::<Vec<_>>().join(", ")
}

/// `2 warnings, 1 error`
fn findings(record: &RunRecord, style: Style) -> Vec<String> {
    let of = |level| {
        let annotations = record.annotations.iter().filter(|it| it.level == level).count();
        annotations + record.notices.iter().filter(|it| it.level == Some(level)).count()
    };
    let numbers = [
        (of(AnnotationLevel::Error), Label::Failure, "error", "errors"),
        (of(AnnotationLevel::Warning), Label::Warning, "warning", "warnings"),
        (record.faults, Label::Failure, "failure of wfrun itself", "failures of wfrun itself"),
    ];
    let said = numbers.iter().filter(|(number, ..)| *number > 0);
    let said: Vec<String> =
        said.map(|(number, label, one, many)| style.paint(*label, &count(*number, one, many))).collect();
    if said.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), said.join(", ")];
    let grave = record.annotations.iter().filter(|it| it.level != AnnotationLevel::Notice);
    lines.extend(grave.take(MOST_FINDINGS).flat_map(|it| hanging(&finding(record, it), 2, style)));
    lines.extend(record.notices.iter().take(MOST_FINDINGS).flat_map(|it| notice(it, style)));
    lines
}

/// What no step says is told whole, with what belongs to it: a log's last lines.
fn notice(it: &Notice, style: Style) -> Vec<String> {
    let level = it.level.unwrap_or(AnnotationLevel::Notice);
    let mut lines = it.message.as_str().lines();
    let first = format!("{}: {}", level.as_str(), one_line(lines.next().unwrap_or_default()));
    let mut all = hanging(&first, 2, style);
    all.extend(lines.map(|line| format!("  {}", clean(line, style))));
    all
}

/// So many warnings and errors are repeated in the summary.
const MOST_FINDINGS: usize = 10;

/// `error: test, Run the tests: Process completed with exit code 1.`
fn finding(record: &RunRecord, it: &Annotation) -> String {
    let job = record.jobs.get(&it.job);
    let step = it.step.as_ref().and_then(|path| job?.steps.iter().find(|(key, _)| key.step == *path));
    let step = step.map(|(_, step)| format!(", {}", one_line(step.name.as_str()))).unwrap_or_default();
    let place = match (&it.file, it.line) {
        (Some(file), Some(line)) => format!(" ({file}:{line})"),
        (Some(file), None) => format!(" ({file})"),
        (None, _) => String::new(),
    };
    let first = it.message.as_str().lines().next().unwrap_or_default();
    format!("{}: {}{step}: {}{place}", it.level.as_str(), it.job, one_line(first))
}

fn conclusion(record: &RunRecord, conclusion: Conclusion, style: Style) -> Vec<String> {
    let mark = style.mark(conclusion.into());
    let word = style.paint(Mark::from(conclusion).label(), conclusion.as_str());
    let time = duration(record.duration_ms);
    let meaning = match conclusion {
        Conclusion::Success | Conclusion::Failure | Conclusion::Cancelled => None,
        Conclusion::Skipped => Some("no job ran"),
        Conclusion::Incomplete => Some("nothing failed, but a part could not be run here as GitHub would run it"),
    };
    let mut lines = vec![format!("{mark} {word} in {time}")];
    lines.extend(meaning.into_iter().flat_map(|it| hanging(it, 2, style)));
    lines
}
