//! An event where a workflow should be: act runs all workflows that listen to it, wfrun runs one.
use std::path::{Path, PathBuf};

use wfrun_report::shell_word;
use wfrun_workflow::{EventSpec, ReadOptions, Workflow, read_workflow};

use super::flags::{FLAGS, Flag, Takes};
use crate::cli::{EventArgs, SituationArgs};
use crate::find;
use crate::output::Help;

/// The file that `-W` means: itself, or the only one of a folder.
pub(super) fn only_file(path: &str, directory: Option<&Path>, words: &[String]) -> anyhow::Result<String> {
    let from = find::directory(directory)?;
    let folder = from.join(path);
    if !folder.is_dir() {
        return Ok(path.to_owned());
    }
    let files = find::files_in(&folder);
    let relative = |it: &Path| it.strip_prefix(&from).unwrap_or(it).display().to_string();
    match files.as_slice() {
        [only] => Ok(relative(only)),
        [] => {
            let message = format!("there is no workflow in the folder {}", folder.display());
            Err(Help::error("workflow/not-found", message, "name a workflow file with `-W`"))
        }
        files => {
            let lines = files.iter().map(|it| {
                let is_typed = words.iter().any(|it| it == path);
                let changed = shown(words).map(|word| if word == path { relative(it) } else { word });
                let mut all: Vec<String> = changed.map(|it| shell_word(&it)).collect();
                if !is_typed {
                    all.extend(["-W".to_owned(), shell_word(&relative(it))]);
                }
                format!("`wfrun {}`", all.join(" "))
            });
            let help = format!("wfrun runs one at a time: {}", lines.collect::<Vec<_>>().join(", "));
            Err(Help::error("cli/act", format!("the folder of `-W {path}` holds {} workflows", files.len()), help))
        }
    }
}

/// Takes what stands in the place of the workflow as the event, because `-W` names the workflow.
pub(super) fn take_event(args: &mut EventArgs, event: &str, workflow: &str) -> anyhow::Result<()> {
    let refuse = |message: String, help: String| Err(Help::error("cli/act", message, help));
    if let Some(other) = args.event.as_ref().filter(|it| *it != event) {
        let help = "name the event once".to_owned();
        return refuse(format!("`{event}` and `--event {other}` cannot both be the event of {workflow}"), help);
    }
    if EventSpec::find(event).is_none() {
        let near = wfrun_syntax::closest(event, EventSpec::names());
        let near = near.map(|it| format!("did you mean `{it}`? ")).unwrap_or_default();
        let help = format!("{near}name one workflow, by itself or with `-W`");
        return refuse(
            format!(
                "`-W {workflow}` names the workflow, so `{event}` would be the event, and GitHub has none so called"
            ),
            help,
        );
    }
    args.event = Some(event.to_owned());
    Ok(())
}

/// Refuses an event in the place of the workflow, and offers what can be meant.
pub(super) fn no_event_in_its_place(
    event: &str,
    directory: Option<&Path>,
    jobs: &[String],
    words: &[String],
) -> anyhow::Result<()> {
    // There a job may stand in the place of the workflow, too.
    let is_why = words.first().is_some_and(|it| it == "why");
    let Ok(from) = find::directory(directory) else { return Ok(()) };
    if EventSpec::find(event).is_none() || find::path_of(event, &from).is_ok() {
        return Ok(());
    }
    if is_why && !listed(&from, |it| it.job(event).is_some()).is_empty() {
        return Ok(());
    }
    let listens = |it: &Workflow| it.on.event(event).is_some() && jobs.iter().all(|job| it.job(job).is_some());
    let names = listed(&from, listens);
    let lines: Vec<String> = names.iter().map(|it| format!("`{}`", with_workflow(words, event, it))).collect();
    let message = format!("`{event}` is an event, and wfrun runs one workflow at a time");
    let having = if jobs.is_empty() { String::new() } else { format!(" and has `{}`", jobs.join("`, `")) };
    let help = match lines.as_slice() {
        [] => format!("no workflow here listens to it{having}; `wfrun list` shows what each listens to"),
        lines => format!("name it: {}", lines.join(", ")),
    };
    Err(Help::error("workflow/not-found", message, help))
}

/// No workflow is named: offers those that there are, or that have the job.
pub(super) fn no_workflow(typed: &SituationArgs, words: &[String]) -> anyhow::Error {
    let from = typed.directory.clone().unwrap_or_else(|| PathBuf::from("."));
    let jobs = &typed.job;
    let names = listed(&from, |it| jobs.iter().all(|job| it.job(job).is_some()));
    let lines: Vec<String> = names
        .iter()
        .map(|it| {
            let mut all: Vec<String> = shown(words).map(|it| shell_word(&it)).collect();
            // Behind the name of a command, if one was typed.
            let at = usize::from(words.first().is_some_and(|it| it != "run"));
            all.insert(at.min(all.len()), shell_word(it));
            format!("`wfrun {}`", all.join(" "))
        })
        .collect();
    let having = if jobs.is_empty() { String::new() } else { format!(" with `{}`", jobs.join("`, `")) };
    let help = match lines.as_slice() {
        [] => format!("there is no workflow here{having}: give a path, or another folder with `-C`"),
        lines => format!("name it: {}", lines.join(", ")),
    };
    Help::error("workflow/not-found", "no workflow is named, and wfrun runs one at a time", help)
}

/// The names of the workflow files here that are such.
fn listed(from: &Path, is_such: impl Fn(&Workflow) -> bool) -> Vec<String> {
    let files = find::around(from).map(|it| find::files_in(&it)).unwrap_or_default();
    let names = files.iter().filter_map(|it| {
        let found = find::read(it).ok()?;
        let workflow = read_workflow(&found.source, ReadOptions::default()).value;
        is_such(&workflow).then(|| it.file_name().unwrap_or_default().to_string_lossy().into_owned())
    });
    names.collect()
}

/// The same command line with the workflow in the place of the event, which becomes an option.
fn with_workflow(words: &[String], event: &str, workflow: &str) -> String {
    let mut all = vec!["wfrun".to_owned()];
    let mut is_there = false;
    for word in shown(words) {
        if !is_there && word == event {
            is_there = true;
            all.push(shell_word(workflow));
            all.push(format!("--event {event}"));
        } else {
            all.push(shell_word(&word));
        }
    }
    all.join(" ")
}

/// What was typed, but for `run`, which need not be, and the values of secrets, which others may read here.
fn shown(words: &[String]) -> impl Iterator<Item = String> {
    let mut open: Option<&Flag> = None;
    let words = words.iter().enumerate().filter(|(index, it)| *index > 0 || *it != "run");
    words.map(move |(_, word)| {
        let begun = open.take().map(|it| ("", it)).or_else(|| secret_flag(word));
        let Some((begin, flag)) = begun else { return word.clone() };
        let value = word.get(begin.len()..).unwrap_or_default();
        match value.split_once('=') {
            _ if value.is_empty() => {
                open = Some(flag);
                word.clone()
            }
            Some((name, _)) if flag.name == "secret" => format!("{begin}{name}=…"),
            None if flag.name == "secret" => word.clone(),
            _ => format!("{begin}…"),
        }
    })
}

/// The flag of a secret that a word begins with, and how far: `--secret`, `--secret=`, `-s`, `-vs`.
fn secret_flag(word: &str) -> Option<(&str, &'static Flag)> {
    let (end, flag) = if word.starts_with("--") {
        let end = word.find('=').unwrap_or(word.len());
        ((end + 1).min(word.len()), Flag::find(word.get(..end)?)?)
    } else {
        // Switches can stand before it.
        let of = |it: char| FLAGS.iter().find(|flag| flag.short == Some(it));
        let is_switch = |it: char| of(it).is_some_and(|flag| matches!(flag.takes, Takes::Switch(_)));
        let (at, letter) = word.strip_prefix('-')?.char_indices().find(|(_, it)| !is_switch(*it))?;
        (1 + at + letter.len_utf8(), of(letter)?)
    };
    flag.is_secret().then_some((word.get(..end)?, flag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_are_offered_whole() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let offered = with_workflow(&words("run push -j test"), "push", "ci.yml");
        assert_eq!(offered, "wfrun ci.yml --event push -j test");
        let mut odd = words("run push -s A=b --secret=C=d -s E --env");
        odd.push("A=b c".to_owned());
        let offered = with_workflow(&odd, "push", "it's.yml");
        assert_eq!(offered, "wfrun 'it'\\''s.yml' --event push -s 'A=…' '--secret=C=…' -s E --env 'A=b c'");
        let token = "--replace-ghe-action-token-with-github-com";
        let hidden =
            with_workflow(&words(&format!("push -sA=b -vsC=d -sE {token} f {token}=g -Psx=y")), "push", "w.yml");
        assert_eq!(hidden, format!("wfrun w.yml --event push '-sA=…' '-vsC=…' -sE {token} '…' '{token}=…' -Psx=y"));
    }
}
