//! Reads a test file, and the workflow that it is about.
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;
use wfrun_journal::Outcome;
use wfrun_syntax::{Checked, Diagnostic, Entry, Mapping, Node, Source, Span, Spanned, closest};
use wfrun_workflow::{FileRef, Here, LintSettings, Loaded, SetOptions, WorkflowSet, lint, read_set};

use super::given::{FILES, KEYS, Reader};
use super::model::{Case, Expectation, Expected, Fate, Given, JobPlace, StepPlace, TestFile};
use super::playable::playable;
use crate::names::{Names, Unknown};
use crate::output::Output;
use crate::repositories::Repositories;
use crate::situation::{changed_since, checked_activity, checked_inputs, due, event_name};

const TOP: [&str; 2] = ["workflow", "cases"];
const OWN: [&str; 4] = ["name", "force", "outputs", "expect"];
const EXPECT: [&str; 5] = ["triggered", "jobs", "steps", "outputs", "diagnostics"];
const ENDS: [Outcome; 4] = [Outcome::Success, Outcome::Failure, Outcome::Cancelled, Outcome::Skipped];

/// Reads the test file at `path`; `root` is the folder that `workflow` begins in. Nothing comes of a file with errors.
pub(crate) fn read(source: &Arc<Source>, path: &Path, root: &Path) -> Checked<Option<TestFile>> {
    let Checked { value, diagnostics } = wfrun_syntax::parse(source);
    let folder = path.parent().unwrap_or(root);
    let mut reader = Reader { source, found: diagnostics, root, folder, files: Vec::new() };
    let file = value.and_then(|it| test_file(&mut reader, &it, path, root));
    let found = reader.found;
    Checked { value: file.filter(|_| !found.iter().any(Diagnostic::is_error)), diagnostics: found }
}

fn test_file(reader: &mut Reader<'_>, node: &Node, path: &Path, root: &Path) -> Option<TestFile> {
    let Some(top) = node.as_mapping() else {
        reader.wrong_kind("the file", node, "a mapping with `workflow` and `cases`");
        return None;
    };
    for entry in top.iter().filter(|it| !TOP.contains(&it.key.value.as_str())) {
        unknown_key(reader, entry, &TOP, "a test file");
    }
    let workflow = wanted(reader, top, "workflow", node.span);
    let cases = wanted(reader, top, "cases", node.span);
    let (workflow, cases) = (workflow?, cases?);
    let (set, files, codes, broken) = load(reader, workflow, path, root)?;
    let Some(items) = cases.as_sequence() else {
        reader.wrong_kind("cases", cases, "a list");
        return None;
    };
    let names = Names::of(&set);
    let one = |(index, node): (usize, &Node)| match node.as_mapping() {
        // What a workflow with errors does is not known.
        Some(mapping) if !broken.is_empty() && expects_more(node) => {
            Some(case_without_workflow(reader, index, mapping))
        }
        Some(_) | None => case(reader, index, node, &set, &names),
    };
    let cases: Vec<Case> = items.iter().enumerate().filter_map(one).collect();
    let playable = playable(&set);
    let files = files.into_iter().chain(std::mem::take(&mut reader.files)).collect();
    Some(TestFile { set, playable, files, codes, broken, cases })
}

/// Whether a case expects more than findings.
fn expects_more(case: &Node) -> bool {
    let expect = case.as_mapping().and_then(|it| it.get("expect")?.as_mapping());
    expect.is_some_and(|it| it.keys().any(|it| it != "diagnostics"))
}

fn wanted<'n>(reader: &mut Reader<'_>, top: &'n Mapping, key: &str, span: Span) -> Option<&'n Node> {
    let found = top.get(key);
    if found.is_none() {
        let help = "a test file has a `workflow`, which is a path, and `cases`, which is a list";
        let start = Span::new(span.start, span.start);
        reader.error("wftest/missing-key", format!("the file has no `{key}`"), start, help);
    }
    found
}

fn unknown_key(reader: &mut Reader<'_>, entry: &Entry, known: &[&'static str], of: &str) {
    let name = &entry.key.value;
    let help = match closest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("its keys are: {}", known.join(", ")),
    };
    reader.error("wftest/unknown-key", format!("{of} has no key `{name}`"), entry.key.span, help);
}

type LoadedSet = (WorkflowSet, Vec<PathBuf>, Vec<String>, Vec<Diagnostic>);

/// Reads the workflow: below `root`, else beside the test file.
fn load(reader: &mut Reader<'_>, node: &Node, path: &Path, root: &Path) -> Option<LoadedSet> {
    let wanted = reader.text("workflow", node)?;
    let beside = path.parent().unwrap_or(root);
    let Some(file) = [root, beside].iter().map(|it| it.join(&wanted)).find(|it| it.is_file()) else {
        let help = other_workflows(&wanted, root);
        reader.error("wftest/no-workflow", format!("there is no workflow `{wanted}`"), node.span, help);
        return None;
    };
    let text = match crate::find::text_of(&file) {
        Ok(text) => text,
        Err(err) => {
            let found = Output::finding(&err);
            reader.error("wftest/no-workflow", found.message, node.span, found.help.unwrap_or_default());
            return None;
        }
    };
    let absolute = std::path::absolute(&file).unwrap_or_else(|_| file.clone());
    let root = crate::find::root_of(&absolute);
    let shown = absolute.strip_prefix(&root).unwrap_or(&file).display().to_string();
    let repositories = Repositories::default();
    let mut files = vec![path.to_owned(), file];
    let mut loader = |wanted: &FileRef| {
        let loaded = repositories.load(&root, wanted);
        if matches!((&loaded, &wanted.repository), (Loaded::Source(_), None)) {
            files.push(root.join(&wanted.path));
        }
        loaded
    };
    let source = Source::new(shown, text);
    let mut read = read_set(&source, SetOptions::default(), &mut loader);
    if !read.has_errors() {
        // What shells this machine has is no matter of the workflow.
        read.diagnostics.extend(lint(&read.value, &LintSettings { here: None::<Here> }));
    }
    let found = crate::check::to_show(&source, &read.diagnostics);
    let mut codes: Vec<String> = found.iter().map(|it| it.code.to_string()).collect();
    codes.sort();
    codes.dedup();
    let broken = found.into_iter().filter(Diagnostic::is_error).collect();
    Some((read.value, files, codes, broken))
}

fn other_workflows(wanted: &str, root: &Path) -> String {
    let files = crate::find::files_in(&root.join(".github/workflows"));
    let relative = files.iter().filter_map(|it| Some(it.strip_prefix(root).ok()?.display().to_string()));
    let names: Vec<String> = relative.collect();
    match closest(wanted, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "write its path from the root of the repository, or from the folder of the test file".to_owned(),
    }
}

fn case(reader: &mut Reader<'_>, index: usize, node: &Node, set: &WorkflowSet, names: &Names<'_>) -> Option<Case> {
    let Some(mapping) = node.as_mapping() else {
        reader.wrong_kind("a case", node, "a mapping");
        return None;
    };
    let mut case = unread(index);
    // What the case itself says wins over what its files say.
    let is_file = |it: &Entry| FILES.contains(&it.key.value.as_str());
    let (files, others): (Vec<&Entry>, Vec<&Entry>) = mapping.into_iter().partition(|it| is_file(it));
    for entry in files.into_iter().chain(others) {
        match entry.key.value.as_str() {
            "name" => case.name = reader.text("name", &entry.value).unwrap_or_default(),
            "force" => force(reader, &mut case, &entry.value, names),
            "outputs" => outputs(reader, &mut case, &entry.value, names),
            "expect" => expect(reader, &mut case, &entry.value, names),
            _ if reader.given(&mut case.given, entry) => {}
            _ => unknown_key(reader, entry, &[OWN.as_slice(), KEYS.as_slice()].concat(), "a case"),
        }
    }
    chosen_and_inputs(reader, &mut case, mapping, set, names);
    of_event(reader, &mut case, mapping, set);
    if mapping.get("expect").and_then(Node::as_mapping).is_none_or(Mapping::is_empty) {
        let message = format!("case `{}` expects nothing", case.name);
        let found = Diagnostic::warning("wftest/no-expectation", message).at(reader.source, node.span);
        reader.found.push(found.help("write under `expect` what should come of it: `jobs: { test: runs }`"));
    }
    Some(case)
}

fn unread(index: usize) -> Case {
    Case {
        name: format!("case {}", index + 1),
        given: Given::default(),
        job_ends: Vec::new(),
        step_ends: Vec::new(),
        job_outputs: Vec::new(),
        step_outputs: Vec::new(),
        expect: Vec::new(),
    }
}

/// A case about a workflow with errors: what is expected of these, and that it cannot tell the rest.
fn case_without_workflow(reader: &mut Reader<'_>, index: usize, mapping: &Mapping) -> Case {
    let mut case = unread(index);
    if let Some(name) = mapping.get("name") {
        case.name = reader.text("name", name).unwrap_or_default();
    }
    let expect = mapping.get("expect").and_then(Node::as_mapping);
    if let Some(codes) = expect.and_then(|it| it.get("diagnostics")) {
        expected_codes(reader, &mut case, codes);
    }
    case.expect.push(Expectation { name: "workflow".to_owned(), of: Expected::Valid });
    case
}

/// What the workflow must have: the jobs that are asked for, and the inputs.
fn chosen_and_inputs(
    reader: &mut Reader<'_>,
    case: &mut Case,
    mapping: &Mapping,
    set: &WorkflowSet,
    names: &Names<'_>,
) {
    let chosen = std::mem::take(&mut case.given.jobs);
    let span_of = |keys: &[&str]| keys.iter().find_map(|it| mapping.entry(it)).map(|it| it.key.span);
    for job in chosen {
        match names.job(&job) {
            Ok(job) => case.given.jobs.push(job),
            Err(unknown) => unknown_name(reader, &unknown, span_of(&["job"]).unwrap_or_default()),
        }
    }
    let span_of = |keys: &[&str]| span_of(keys).unwrap_or_default();
    let name = match event_name(&set.root, case.given.event.as_deref(), false) {
        Ok(name) => name,
        Err(err) => return reader.refused("wftest/bad-event", &err, span_of(&["event"])),
    };
    if !case.given.inputs.is_empty() && !matches!(name.as_str(), "workflow_dispatch" | "workflow_call") {
        let span = span_of(&["inputs", "input"]);
        return reader.error(
            "wftest/bad-input",
            format!("the event `{name}` has no inputs"),
            span,
            "write `event: workflow_dispatch`, or take them away",
        );
    }
    match checked_inputs(&set.root, &name, &case.given.inputs) {
        Ok(inputs) => case.given.checked_inputs = inputs,
        Err(err) => reader.refused("wftest/bad-input", &err, span_of(&["inputs", "input", "name", "event"])),
    }
    case.given.event = Some(name);
}

/// What belongs to some events only: activity types, the entries of `schedule`, changed files.
fn of_event(reader: &mut Reader<'_>, case: &mut Case, mapping: &Mapping, set: &WorkflowSet) {
    let span_of = |key: &str| mapping.entry(key).map(|it| it.key.span).unwrap_or_default();
    let given = &mut case.given;
    let told = given.payload.as_ref().and_then(|it| it.get("schedule")?.as_str());
    let asked = given.schedule.clone().or_else(|| told.map(str::to_owned));
    let Some(event) = given.event.clone() else { return };
    if let Some(Err(err)) = given.activity.as_deref().map(|it| checked_activity(&event, it)) {
        reader.refused("wftest/bad-event", &err, span_of("type"));
    }
    match (event.as_str(), &given.schedule) {
        ("schedule", _) => match due(&set.root, given.schedule.as_deref(), asked.as_deref()) {
            Ok(entry) => given.schedule = entry.map(|it| it.cron.value.clone()),
            Err(err) => reader.refused("wftest/bad-event", &err, span_of("schedule")),
        },
        (_, Some(_)) => {
            let message = format!("the event `{event}` has no `schedule`");
            let help = "write `event: schedule`, or take it away";
            reader.error("wftest/bad-event", message, span_of("schedule"), help);
        }
        (_, None) => {}
    }
    // Which files changed since then, only git knows.
    if let (Some(since), None) = (&given.since, &given.changed) {
        match changed_since(reader.root, since, given.head.as_deref().or(given.git_ref.as_deref())) {
            Ok(paths) => given.changed = Some(paths),
            Err(err) => reader.refused("wftest/bad-revision", &err, span_of("since")),
        }
    }
}

fn unknown_name(reader: &mut Reader<'_>, unknown: &Unknown, span: Span) {
    let code = match unknown {
        Unknown::Job(..) => "wftest/unknown-job",
        Unknown::Step(..) => "wftest/unknown-step",
    };
    reader.error(code, unknown.message(), span, unknown.help());
}

/// A job, or a step of it; a job's own name wins.
enum Named {
    Job(JobPlace),
    Step(StepPlace),
}

fn named(reader: &mut Reader<'_>, entry: &Entry, names: &Names<'_>) -> Option<Named> {
    let text = &entry.key.value;
    if let Ok(job) = names.place(text) {
        return Some(Named::Job(job));
    }
    let found = if text.contains('.') { names.step(text).map(Named::Step) } else { names.place(text).map(Named::Job) };
    found.map_err(|unknown| unknown_name(reader, &unknown, entry.key.span)).ok()
}

fn force(reader: &mut Reader<'_>, case: &mut Case, node: &Node, names: &Names<'_>) {
    for entry in reader.entries("force", node) {
        let Some(word) = reader.text(&entry.key.value, &entry.value) else { continue };
        let Some(outcome) = ENDS.into_iter().find(|it| it.as_str() == word) else {
            let all = ENDS.map(Outcome::as_str);
            unknown_word(reader, &word, entry.value.span, &all);
            continue;
        };
        match named(reader, entry, names) {
            Some(Named::Job(job)) => case.job_ends.push((job, outcome)),
            Some(Named::Step(_)) if outcome == Outcome::Cancelled => {
                unknown_word(reader, &word, entry.value.span, &["success", "failure", "skipped"]);
            }
            Some(Named::Step(step)) => case.step_ends.push((step, outcome)),
            None => {}
        }
    }
}

fn unknown_word(reader: &mut Reader<'_>, word: &str, span: Span, all: &[&'static str]) {
    let help = match closest(word, all.iter().copied()) {
        Some(near) if near != word => format!("did you mean `{near}`?"),
        Some(_) | None => format!("write one of: {}", all.join(", ")),
    };
    reader.error("wftest/unknown-word", format!("`{word}` does not say what becomes of it"), span, help);
}

fn outputs(reader: &mut Reader<'_>, case: &mut Case, node: &Node, names: &Names<'_>) {
    for entry in reader.entries("outputs", node) {
        let values: IndexMap<String, String> = reader.pairs(&entry.key.value, &entry.value);
        match named(reader, entry, names) {
            Some(Named::Job(job)) => {
                declared(reader, &entry.value, &job.path, names);
                case.job_outputs.push((job, values));
            }
            Some(Named::Step(step)) => case.step_outputs.push((step, values)),
            None => {}
        }
    }
}

/// An output of a job that the job does not have is a slip.
fn declared(reader: &mut Reader<'_>, values: &Node, job: &str, names: &Names<'_>) {
    let Some(all) = names.outputs(job) else { return };
    for entry in values.as_mapping().into_iter().flatten() {
        undeclared_output(reader, &entry.key, job, &all);
    }
}

fn undeclared_output(reader: &mut Reader<'_>, name: &Spanned<String>, job: &str, all: &[&str]) {
    if all.iter().any(|it| it.eq_ignore_ascii_case(&name.value)) {
        return;
    }
    let help = match closest(&name.value, all.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if all.is_empty() => "it has none: outputs of a step are written under `job.step`".to_owned(),
        None => format!("its outputs are: {}", all.join(", ")),
    };
    reader.error("wftest/unknown-output", format!("job `{job}` has no output `{}`", name.value), name.span, help);
}

fn expect(reader: &mut Reader<'_>, case: &mut Case, node: &Node, names: &Names<'_>) {
    for entry in reader.entries("expect", node) {
        let (key, value) = (entry.key.value.as_str(), &entry.value);
        match key {
            "triggered" => {
                let found = reader.bool(key, value).map(Expected::Triggered);
                case.expect.extend(found.map(|of| Expectation { name: "triggered".to_owned(), of }));
            }
            "jobs" | "steps" => fates(reader, case, key, value, names),
            "outputs" => expected_outputs(reader, case, value, names),
            "diagnostics" => expected_codes(reader, case, value),
            _ => unknown_key(reader, entry, &EXPECT, "`expect`"),
        }
    }
}

fn expected_codes(reader: &mut Reader<'_>, case: &mut Case, node: &Node) {
    let mut codes = if node.is_null() { Vec::new() } else { reader.texts("diagnostics", node) };
    codes.sort();
    codes.dedup();
    case.expect.push(Expectation { name: "diagnostics".to_owned(), of: Expected::Diagnostics(codes) });
}

fn fates(reader: &mut Reader<'_>, case: &mut Case, key: &str, node: &Node, names: &Names<'_>) {
    for entry in reader.entries(key, node) {
        let Some(word) = reader.text(&entry.key.value, &entry.value) else { continue };
        let Some(fate) = Fate::parse(&word) else {
            unknown_word(reader, &word, entry.value.span, &Fate::WORDS);
            continue;
        };
        let text = &entry.key.value;
        let of = match key {
            "jobs" => names.place(text).map(|job| Expected::Job(job, fate)),
            _ => names.step(text).map(|step| Expected::Step(step, fate)),
        };
        match of {
            Ok(of) => case.expect.push(Expectation { name: format!("{key}.{text}"), of }),
            Err(unknown) => unknown_name(reader, &unknown, entry.key.span),
        }
    }
}

fn expected_outputs(reader: &mut Reader<'_>, case: &mut Case, node: &Node, names: &Names<'_>) {
    for entry in reader.entries("outputs", node) {
        let Some(named) = named(reader, entry, names) else { continue };
        for (name, value) in reader.pairs(&entry.key.value, &entry.value) {
            let place = entry.value.as_mapping().and_then(|it| it.entry(&name)).map(|it| it.key.clone());
            let output = place.unwrap_or_else(|| Spanned::new(name.clone(), entry.key.span));
            let of = match &named {
                Named::Job(job) => {
                    declared(reader, &entry.value, &job.path, names);
                    Expected::JobOutput(job.clone(), output, value)
                }
                Named::Step(step) => Expected::StepOutput(step.clone(), output, value),
            };
            case.expect.push(Expectation { name: format!("outputs.{}.{name}", entry.key.value), of });
        }
    }
}
