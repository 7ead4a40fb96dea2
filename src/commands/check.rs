//! `wfrun check`: what is wrong with workflows and actions.
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use wfrun_journal::Secret;
use wfrun_report::{diagnostics_github, diagnostics_json, diagnostics_sarif, render_diagnostics};
use wfrun_syntax::{Checked, Diagnostic, Severity, Source};
use wfrun_workflow::LintSettings;

use crate::aws_account;
use crate::check::{CheckSettings, CheckedFile, FileKind, check_files, here, without_allowed};
use crate::cli::{CheckArgs, Format};
use crate::codes::CODES;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::find;
use crate::iam_policies;
use crate::key_values;
use crate::output::{Help, Output};
use crate::repositories::Repositories;
use crate::secrets;
use crate::vendored;

/// Folders in which nobody keeps actions of their own.
const NOT_OURS: &[&str] = &[".git", "node_modules", "target"];

/// Checks what the arguments name and prints what is wrong with it.
pub(crate) fn check(args: &CheckArgs, environment: &Environment, output: &Output) -> anyhow::Result<Exit> {
    let from = find::directory(args.directory.as_deref())?;
    let format = if args.json { Format::Json } else { args.format };
    let Checked { value: settings, diagnostics: mut found } = settings(args, &from, environment)?;
    let mut files = Vec::new();
    let mut unreadable = false;
    for file in paths(args, &from).into_iter().map(|it| it.and_then(|it| read(&it, &from, format))) {
        match file {
            Ok(file) => files.push(file),
            Err(err) => {
                unreadable = true;
                found.push(Output::finding(&err));
            }
        }
    }
    if files.is_empty() && !unreadable {
        let asked: Vec<_> = args.workflows.iter().map(|it| format!("`{it}`")).collect();
        let asked = if asked.is_empty() { "this repository".to_owned() } else { asked.join(", ") };
        let message = format!("there is nothing to check in {asked}");
        let help = "name a workflow file, or a folder with `.github/workflows/` or an `action.yml` in it";
        return Err(Help::error("check/nothing", message, help));
    }
    found.extend(check_files(&files, &settings));
    for file in &files {
        found = without_allowed(&file.source, found);
    }
    found.sort_by(|a, b| key(a).cmp(&key(b)));
    if args.strict {
        for it in found.iter_mut().filter(|it| it.severity == Severity::Warning) {
            it.severity = Severity::Error;
        }
    }
    print(&found, format, output);
    let gap = if format == Format::Text && !found.is_empty() { "\n" } else { "" };
    Output::note(&format!("{gap}{}", summary(&files, &found)));
    Ok(match (unreadable, found.iter().any(Diagnostic::is_error)) {
        (true, _) => Exit::CouldNot,
        (false, true) => Exit::Invalid,
        (false, false) => Exit::Success,
    })
}

fn print(found: &[Diagnostic], format: Format, output: &Output) {
    Output::data(&match format {
        Format::Text => render_diagnostics(found, &output.stdout),
        Format::Json => format!("{:#}\n", diagnostics_json(found)),
        Format::Sarif => format!("{:#}\n", diagnostics_sarif(found, CODES)),
        Format::Github => diagnostics_github(found),
    });
}

/// Findings without a place first, then by file and place.
fn key(found: &Diagnostic) -> Option<(&str, u32, &str)> {
    let place = found.exact()?;
    Some((found.place.as_ref()?.source.path(), place.span.start, found.code.as_str()))
}

/// `checked 3 workflows and 1 action: 2 errors, 1 warning`.
fn summary(files: &[CheckedFile], found: &[Diagnostic]) -> String {
    let count = |number: usize, word: &str| match number {
        0 => None,
        1 => Some(format!("1 {word}")),
        _ => Some(format!("{number} {word}s")),
    };
    let of_kind = |kind| files.iter().filter(|it| it.kind == kind).count();
    let of_severity = |severity| found.iter().filter(|it| it.severity == severity).count();
    let files = [count(of_kind(FileKind::Workflow), "workflow"), count(of_kind(FileKind::Action), "action")];
    let files: Vec<_> = files.into_iter().flatten().collect();
    let found = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "note")];
    let found: Vec<_> = found.into_iter().filter_map(|(severity, word)| count(of_severity(severity), word)).collect();
    let files = if files.is_empty() { "nothing".to_owned() } else { files.join(" and ") };
    let found = if found.is_empty() { "no findings".to_owned() } else { found.join(", ") };
    format!("checked {files}: {found}")
}

fn settings(args: &CheckArgs, from: &Path, environment: &Environment) -> anyhow::Result<Checked<CheckSettings>> {
    let mut secrets = secrets::in_files(None, &args.secret_file)?;
    let mut vars = key_values::collect(None, &args.var_file, &[], "--var")?;
    let name = |text: &String| text.split('=').next().unwrap_or_default().to_owned();
    let names = args.secret.iter().map(name).map(|it| (it.to_ascii_uppercase(), Secret::new(String::new())));
    secrets.value.extend(names);
    vars.value.extend(args.var.iter().map(name).map(|it| (it, String::new())));
    let policies = iam_policies::read(&args.iam_policy);
    let mut diagnostics = secrets.diagnostics;
    diagnostics.extend(policies.diagnostics);
    diagnostics.extend(vars.diagnostics);
    let asks_secrets = !args.secret.is_empty() || !args.secret_file.is_empty();
    let asks_vars = !args.var.is_empty() || !args.var_file.is_empty();
    let mut repositories = Repositories::new(&args.local_repository, args.mirror.as_deref(), from)?;
    if repositories.vendored.is_none() {
        // One that cannot be read is no matter of the files that are checked: a run says so.
        repositories.vendored = vendored::find(None, &find::root_around(from), environment).ok().flatten();
    }
    let state = find::root_around(from).join(".wfrun");
    let account = aws_account::read(args.aws_account.as_deref(), &state);
    let ecr = match account {
        Ok((_, file)) => file.ecr.repositories,
        Err(err) => {
            diagnostics.push(Output::finding(&err));
            Vec::new()
        }
    };
    let settings = CheckSettings {
        allow_unknown: args.allow_unknown,
        repositories,
        secrets: asks_secrets.then_some(secrets.value),
        vars: asks_vars.then(|| vars.value.into_keys().collect()),
        policies: policies.value,
        ecr,
        lint: LintSettings { here: Some(here(&environment.path)) },
    };
    Ok(Checked { value: settings, diagnostics })
}

/// The files that the arguments name, in order, each once; `-` is standard input.
fn paths(args: &CheckArgs, from: &Path) -> Vec<anyhow::Result<PathBuf>> {
    if args.workflows.is_empty() {
        return repository(&find::root_around(from)).into_iter().map(Ok).collect();
    }
    let mut all: Vec<anyhow::Result<PathBuf>> = Vec::new();
    let mut seen: Vec<PathBuf> = Vec::new();
    for wanted in &args.workflows {
        let path = from.join(wanted);
        let found = if wanted == "-" {
            vec![PathBuf::from("-")]
        } else if path.is_dir() {
            folder(&path)
        } else {
            match find::path_of(wanted, from) {
                Ok(path) => vec![path],
                Err(err) => {
                    all.push(Err(err));
                    continue;
                }
            }
        };
        for path in found {
            // One file can have many names.
            let own = std::fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
            if !seen.contains(&own) {
                seen.push(own);
                all.push(Ok(path));
            }
        }
    }
    all
}

/// A folder that was named: of a repository what belongs to it, of any other the YAML files in it and the actions below.
fn folder(path: &Path) -> Vec<PathBuf> {
    if path.join(".github").is_dir() {
        return repository(path);
    }
    let mut files = find::files_in(path);
    actions(path, &mut files);
    files.sort();
    files.dedup();
    files
}

/// The workflows and the actions of a repository.
fn repository(root: &Path) -> Vec<PathBuf> {
    let mut files = find::files_in(&root.join(find::WORKFLOWS));
    actions(root, &mut files);
    files
}

/// Adds the actions in a folder and below it.
fn actions(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).into_iter().flatten().flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        // Links are not followed: they can lead in circles.
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() && !NOT_OURS.iter().any(|it| entry.file_name() == *it) {
            actions(&entry.path(), files);
        } else if !kind.is_dir() && FileKind::of(&entry.path()) == FileKind::Action {
            files.push(entry.path());
        }
    }
}

/// Reads a file. People see its path as they would type it, programs see it from the repository's root.
fn read(path: &Path, from: &Path, format: Format) -> anyhow::Result<CheckedFile> {
    if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(|err| {
            let help = "a workflow is a YAML file, UTF-8";
            Help::error("workflow/unreadable", format!("failed to read standard input: {err}"), help)
        })?;
        let root = find::root_of(&std::path::absolute(from)?.join("stdin.yml"));
        return Ok(CheckedFile { source: Source::new("<stdin>", text), root, kind: FileKind::Workflow });
    }
    let text = find::text_of(path)?;
    let absolute = std::path::absolute(path)?;
    let root = find::root_of(&absolute);
    let shown = match format {
        Format::Text | Format::Json => short(path),
        Format::Sarif | Format::Github => absolute.strip_prefix(&root).unwrap_or(&absolute).to_owned(),
    };
    let source = Source::new(shown.display().to_string(), text);
    Ok(CheckedFile { source, root, kind: FileKind::of(path) })
}

/// A path as one would type it: without `.`, and without folders that `..` leaves again.
fn short(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut short, part| {
        match (part, short.components().next_back()) {
            (Component::CurDir, _) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => {
                short.pop();
            }
            _ => short.push(part),
        }
        short
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_paths() {
        for (path, expected) in [
            ("./a/b.yml", "a/b.yml"),
            ("a/./b/../c.yml", "a/c.yml"),
            ("a/../../b.yml", "../b.yml"),
            ("/a/../b.yml", "/b.yml"),
            ("../../b.yml", "../../b.yml"),
        ] {
            assert_eq!(short(Path::new(path)), Path::new(expected), "{path}");
        }
    }

    #[test]
    fn summaries() {
        let file = |kind| CheckedFile { source: Source::new("a.yml", ""), root: PathBuf::new(), kind };
        let (workflow, action) = (|| file(FileKind::Workflow), || file(FileKind::Action));
        let (error, note) = (|| Diagnostic::error("a/b", "c"), || Diagnostic::note("a/b", "c"));
        let warning = || Diagnostic::warning("a/b", "c");
        for (files, found, expected) in [
            (
                vec![workflow(), workflow(), action()],
                vec![error(), error(), warning()],
                "checked 2 workflows and 1 action: 2 errors, 1 warning",
            ),
            (vec![workflow()], vec![], "checked 1 workflow: no findings"),
            (vec![action(), action()], vec![note()], "checked 2 actions: 1 note"),
            (vec![], vec![error()], "checked nothing: 1 error"),
        ] {
            assert_eq!(summary(&files, &found), expected);
        }
    }
}
