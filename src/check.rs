//! What is wrong with files, without running them.
mod actions;
mod legs;
mod policy;

use std::path::PathBuf;
use std::sync::Arc;

use wfrun_aws::{IdentityPolicy, RepositoryEntry};
use wfrun_syntax::{Checked, Diagnostic, Source, allow, closest};
use wfrun_workflow::{
    FileRef, Here, LintSettings, ReadOptions, SetOptions, Workflow, lint, read_action, read_set, references,
};

use crate::aws_keys::KeyNames;
use crate::codes::CODES;
use crate::repositories::Repositories;
use crate::secrets::{self, Secrets};

/// A file to check.
#[derive(Debug)]
pub(crate) struct CheckedFile {
    /// Its text; the path is how people are shown it.
    pub(crate) source: Arc<Source>,
    /// The folder that holds `.github/`, absolute: `uses: ./x` starts there.
    pub(crate) root: PathBuf,
    /// What it is.
    pub(crate) kind: FileKind,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// A workflow.
    Workflow,
    /// The manifest of an action, `action.yml` or `action.yaml`.
    Action,
}

/// What a check takes into account besides the files.
#[derive(Debug, Default)]
pub(crate) struct CheckSettings {
    /// Whether a key that wfrun does not know is only a warning.
    pub(crate) allow_unknown: bool,
    /// Where called workflows are.
    pub(crate) repositories: Repositories,
    /// The secrets that will be given, by their names in upper case; `None` if nobody said.
    pub(crate) secrets: Option<Secrets>,
    /// The names of the variables that will be given; `None` if nobody said.
    pub(crate) vars: Option<Vec<String>>,
    /// The policies that the workflows' identity will have; none if nobody said.
    pub(crate) policies: Vec<IdentityPolicy>,
    /// The repositories of ECR that the account file declares.
    pub(crate) ecr: Vec<RepositoryEntry>,
    /// What is looked for beyond GitHub's own checks.
    pub(crate) lint: LintSettings,
}

impl FileKind {
    /// Tells it by the name of a file.
    pub(crate) fn of(path: &std::path::Path) -> Self {
        match path.file_name().and_then(|it| it.to_str()) {
            Some("action.yml" | "action.yaml") => Self::Action,
            _ => Self::Workflow,
        }
    }
}

/// Checks files and what they call; what comments in them allow is not yet taken away.
///
/// A called file that is checked for itself, too, is not spoken of twice.
pub(crate) fn check_files(files: &[CheckedFile], settings: &CheckSettings) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = Vec::new();
    for it in files.iter().flat_map(|it| check_file(it, settings)) {
        let twin = found.iter_mut().find(|other| other.code == it.code && is_same_place(other, &it));
        match twin {
            // The one that is not about a call says more with less.
            Some(twin) if it.labels.len() < twin.labels.len() => *twin = it,
            Some(_) => {}
            None => found.push(it),
        }
    }
    found
}

fn is_same_place(a: &Diagnostic, b: &Diagnostic) -> bool {
    let (Some(x), Some(y)) = (a.exact(), b.exact()) else { return false };
    x.span == y.span && x.source.path() == y.source.path() && a.message == b.message
}

fn check_file(file: &CheckedFile, settings: &CheckSettings) -> Vec<Diagnostic> {
    let options = SetOptions {
        read: ReadOptions { allow_unknown: settings.allow_unknown, ..ReadOptions::default() },
        ..SetOptions::default()
    };
    match file.kind {
        FileKind::Action => read_action(&file.source, options.read).diagnostics,
        FileKind::Workflow => {
            let mut load = |wanted: &FileRef| settings.repositories.load(&file.root, wanted);
            let mut read = read_set(&file.source, options, &mut load);
            // What a file with errors means is not known.
            if !read.has_errors() {
                read.diagnostics.extend(lint(&read.value, &settings.lint));
                if !settings.policies.is_empty() || !settings.ecr.is_empty() {
                    read.diagnostics.extend(policy::check(&read.value, &file.root, settings));
                }
            }
            let Checked { value: set, diagnostics: mut found } = read;
            found.extend(legs::check(&set));
            found.extend(unknown_names(&set.root, settings));
            found.extend(actions::check(&set.root, &file.root, settings));
            found
        }
    }
}

/// This machine, as lints see it; `path` is the search path.
pub(crate) fn here(path: &str) -> Here {
    let is_there = |shell: &&str| std::env::split_paths(path).any(|folder| folder.join(shell).is_file());
    let shells = ["bash", "sh", "python", "pwsh", "powershell", "cmd"].into_iter().filter(is_there);
    Here { is_arm: cfg!(target_arch = "aarch64"), shells: shells.map(str::to_owned).collect() }
}

/// Warns about secrets and variables that nobody will give.
fn unknown_names(workflow: &Workflow, settings: &CheckSettings) -> Vec<Diagnostic> {
    let secrets = settings.secrets.iter().flat_map(|it| secrets::check(workflow, it, &KeyNames::new()));
    let mut found: Vec<_> = secrets.collect();
    let Some(vars) = &settings.vars else { return found };
    let mut seen: Vec<String> = Vec::new();
    for reference in references(workflow, "vars") {
        let is = |it: &String| it.eq_ignore_ascii_case(&reference.name);
        if vars.iter().any(is) || seen.iter().any(is) {
            continue;
        }
        let help = match closest(&reference.name, vars.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`, which is given?"),
            None => format!("give it by `--var {}=…` or in the variables file", reference.name),
        };
        let message = format!("variable `{}` is not given, so it is empty", reference.name);
        found.push(Diagnostic::warning("var/not-given", message).at(&workflow.source, reference.span).help(help));
        seen.push(reference.name);
    }
    found
}

/// Takes away what the comments of a file allow, and says which of them allow nothing.
pub(crate) fn without_allowed(source: &Arc<Source>, found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    allow(source, found, CODES)
}

/// What a run shows of its findings: without those that comments allow, and without a word about the comments.
pub(crate) fn to_show(source: &Arc<Source>, found: &[Diagnostic]) -> Vec<Diagnostic> {
    let mut kept = without_allowed(source, found.to_vec());
    kept.retain(|it| it.code.as_str() != "check/unused-allow");
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_described() {
        assert!(CODES.is_sorted_by_key(|it| it.name));
        let described = CODES.iter().filter(|it| !it.sentence.is_empty() && !it.advice.is_empty());
        assert!(described.count() > 50);
    }
}
