//! What changes for a repository whose workflows were run with act.
mod rc;
mod workflows;

use std::path::{Path, PathBuf};

use wfrun_report::{Bearing, Habit, Habits};
use wfrun_runner::Git;
use wfrun_syntax::{Source, Span};

use crate::act::{DefaultFile, rc_files};
use crate::aws_keys;
use crate::environment::Environment;
use crate::find;
use crate::key_values;
use crate::repository::Repository;
use crate::secrets;

/// Looks at `.actrc`, act's default files, files of events, and the workflows of the repository around a folder, or in it
/// if `is_named`.
pub(crate) fn from_act(from: &Path, is_named: bool, environment: &Environment) -> Habits {
    let root = if is_named { from.to_owned() } else { find::root_around(from) };
    let mut found = rc::habits(&rc_files(&root, environment), &root);
    let repository = Repository::open(&root);
    for file in DefaultFile::ALL {
        found.extend(default_file(file, &root, &repository));
    }
    found.extend(event_files(&root));
    found.extend(workflows::habits(&find::root_around(from)));
    let root = std::path::absolute(&root).unwrap_or(root);
    Habits { root: root.components().collect::<PathBuf>().display().to_string(), found }
}

fn habit(file: &str, what: impl Into<String>, bearing: Bearing, message: impl Into<String>, way_out: &str) -> Habit {
    let way_out = (!way_out.is_empty()).then(|| way_out.to_owned());
    Habit { file: file.to_owned(), line: None, what: what.into(), bearing, message: message.into(), way_out }
}

fn default_file(file: DefaultFile, root: &Path, repository: &Repository) -> Vec<Habit> {
    let path = root.join(file.name());
    let Ok(text) = std::fs::read_to_string(&path) else { return Vec::new() };
    let Ok(read) = key_values::read_default(Some(&path)) else { return Vec::new() };
    let names: Vec<String> = read.value.iter().map(|it| format!("`{}`", it.name)).collect();
    let names = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    let (bearing, message, way_out) = match file {
        DefaultFile::Secrets => (Bearing::Same, "secrets by default, masked wherever they are shown", ""),
        DefaultFile::Vars => (Bearing::Same, "variables by default, as `vars`", ""),
        DefaultFile::Env => (
            Bearing::Different,
            "every step gets it, as with act; on GitHub no step does, so one that needs it fails there",
            "what steps need is `env` in the workflow; `--no-act-files` shows how a run fares without",
        ),
        DefaultFile::Input => (
            Bearing::Same,
            "inputs by default, of `workflow_dispatch` and `workflow_call`; those that a workflow does not declare are left out",
            "",
        ),
    };
    let mut all = vec![habit(file.name(), names, bearing, message, way_out)];
    if file == DefaultFile::Secrets && read.value.iter().any(|it| it.name.eq_ignore_ascii_case("GITHUB_TOKEN")) {
        all.push(habit(file.name(), "`GITHUB_TOKEN`", Bearing::NoEffect, secrets::NO_TOKEN, ""));
    }
    let keys: Vec<String> =
        read.value.iter().filter(|it| aws_keys::is_aws_key(&it.name)).map(|it| format!("`{}`", it.name)).collect();
    if file == DefaultFile::Secrets && !keys.is_empty() {
        let message = "real AWS keys stay here: steps get keys of an AWS account on this machine in their place, where act \
                       lets them work on the real one";
        all.push(habit(
            file.name(),
            keys.join(", "),
            Bearing::Different,
            message,
            "docs/account-file.md says what is in that account",
        ));
    }
    let owned: Vec<String> =
        read.value.iter().filter(|it| it.name.starts_with("GITHUB_")).map(|it| format!("`{}`", it.name)).collect();
    if file == DefaultFile::Env && !owned.is_empty() {
        let message = "act changes the run by these; here, as on GitHub, a job's own values hold";
        let way_out = "`--ref`, `--sha`, `--repository` and `--actor` change the run";
        all.push(habit(file.name(), owned.join(", "), Bearing::Different, message, way_out));
    }
    if file == DefaultFile::Secrets && is_in_git(&repository.git, file.name()) {
        let message = "git has the file: whoever has the repository has the secrets";
        let way_out = "`git rm --cached .secrets`, name it in `.gitignore`, and change the secrets";
        all.push(habit(file.name(), file.name(), Bearing::Different, message, way_out));
    }
    for it in read.diagnostics {
        // Where it is, not what stands there: that may be a secret.
        let line = it.place.as_ref().map(|it| line_of(&it.source, it.span));
        let message = format!("{}; it is left out, and act ends with an error", it.message);
        let way_out = "write NAME=VALUE, one a line";
        all.push(Habit { line, ..habit(file.name(), "a line", Bearing::Different, message, way_out) });
    }
    for (line, name) in key_values::unknown_names(&text) {
        let message = "no such name stands before, so it stays as it is written; act puts a variable of this machine in \
                       its place, or nothing";
        let way_out = "quote the value with single quotes, or write it out";
        let it = habit(file.name(), format!("${name}"), Bearing::Different, message, way_out);
        all.push(Habit { line: Some(line), ..it });
    }
    all
}

fn line_of(source: &Source, span: Span) -> usize {
    usize::try_from(source.location(span.start).line).unwrap_or(0)
}

fn is_in_git(git: &Git, name: &str) -> bool {
    git.look_up(&["ls-files", "--error-unmatch", "--", name]).is_some()
}

/// Payloads for `-e`: files called so that people would keep them for that.
fn event_files(root: &Path) -> Vec<Habit> {
    let is_event = |it: &PathBuf| {
        let name = it.file_stem().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let is_json = it.extension().is_some_and(|it| it.eq_ignore_ascii_case("json"));
        is_json && (name.contains("event") || it.parent().is_some_and(|it| it.ends_with("events")))
    };
    let mut files: Vec<PathBuf> = ["", ".github", ".github/events", "events", ".act"]
        .iter()
        .flat_map(|it| std::fs::read_dir(root.join(it)).into_iter().flatten().flatten())
        .map(|it| it.path())
        .filter(is_event)
        .collect();
    files.sort();
    files.dedup();
    files.iter().filter_map(|it| event_file(it, root)).collect()
}

fn event_file(path: &Path, root: &Path) -> Option<Habit> {
    let shown = path.strip_prefix(root).unwrap_or(path).display().to_string();
    let text = std::fs::read_to_string(path).ok()?;
    let payload: serde_json::Value = serde_json::from_str(&text).ok()?;
    let members: Vec<&str> = payload.as_object()?.keys().map(String::as_str).collect();
    let option = format!("`--event-path {shown}`");
    let what = format!("a payload with {}", members.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", "));
    if members.contains(&"act") {
        let message = format!(
            "{option} takes it; `github.event.act` is then there for conditions, and on GitHub it never is: they are decided \
             otherwise there"
        );
        return Some(habit(&shown, what, Bearing::Different, message, "leave `act` out to see what GitHub would do"));
    }
    let message = format!(
        "{option} takes it, or `-e {shown}`; it is merged over the payload that is made up from git, where act has nothing else"
    );
    Some(habit(&shown, what, Bearing::Different, message, ""))
}
