//! The secrets of a run, as they are given.
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use wfrun_journal::Secret;
use wfrun_syntax::{Checked, Diagnostic, closest};
use wfrun_workflow::{Reference, Workflow, references};

use crate::aws_keys::KeyNames;
use crate::cli::EventArgs;
use crate::environment::Environment;
use crate::key_values;
use crate::output::Help;

/// The secrets as given, by their names as GitHub keeps them: in upper case.
pub(crate) type Secrets = IndexMap<String, Secret>;

/// What to say of a `GITHUB_TOKEN` that is given: GitHub takes no secret of the name, and act does.
///
/// Differs: a secret `GITHUB_TOKEN` that is given is masked and else has no effect, which is said; GitHub takes no secret of that name.
pub(crate) const NO_TOKEN: &str =
    "a job's own token is always used for `GITHUB_TOKEN`, and it opens nothing outside of this machine";

/// Reads the secrets of the files and options; the later wins.
pub(crate) fn given(args: &EventArgs) -> anyhow::Result<Checked<Secrets>> {
    let mut all = in_files(args.defaults.secrets.as_deref(), &args.secret_file)?;
    for text in &args.secret {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text.as_str(), variable(text).or_else(|| asked(text))),
        };
        let Some(value) = value else {
            let help = "give its value as NAME=VALUE, or set the variable";
            let message = "a `--secret` without a value names no environment variable";
            return Err(Help::error("cli/secret", message, help));
        };
        all.value.insert(name.to_ascii_uppercase(), Secret::new(value));
    }
    Ok(all)
}

/// The value of the environment's variable, also of the one in upper case, in which secrets are kept.
fn variable(name: &str) -> Option<String> {
    Environment::variable(name).or_else(|| Environment::variable(&name.to_ascii_uppercase()))
}

/// Asks for a value on the terminal, if there is one; what is typed is not shown.
fn asked(name: &str) -> Option<String> {
    let term = console::Term::stderr();
    if !term.is_term() || !std::io::stdin().is_terminal() {
        return None;
    }
    term.write_str(&format!("value of the secret `{name}`: ")).ok()?;
    term.read_secure_line().ok()
}

/// Reads the secrets of a default file and of files; the later wins.
pub(crate) fn in_files(default: Option<&Path>, paths: &[PathBuf]) -> anyhow::Result<Checked<Secrets>> {
    let mut all = Checked::clean(Secrets::new());
    for read in std::iter::once(key_values::read_default(default)).chain(paths.iter().map(|it| key_values::read(it))) {
        let Checked { value, diagnostics } = read?;
        all.value.extend(value.into_iter().map(|it| (it.name.to_ascii_uppercase(), Secret::new(it.value))));
        all.diagnostics.extend(diagnostics.into_iter().map(without_source));
    }
    Ok(all)
}

/// A finding about a file of secrets names its place in words: the line itself may hold one.
pub(crate) fn without_source(mut found: Diagnostic) -> Diagnostic {
    if let Some(place) = found.place.take() {
        found.message = format!("{place}: {}", found.message);
    }
    found.labels.clear();
    found
}

/// Warns about secrets that the workflow names and nobody gave; the AWS account gives its own `keys`.
pub(crate) fn check(workflow: &Workflow, secrets: &Secrets, keys: &KeyNames) -> Vec<Diagnostic> {
    let mut seen: Vec<String> = Vec::new();
    let mut found = Vec::new();
    for reference in references(workflow, "secrets") {
        let name = reference.name.to_ascii_uppercase();
        if name == "GITHUB_TOKEN" || secrets.contains_key(&name) || seen.contains(&name) {
            continue;
        }
        let near = closest(&name, secrets.keys().map(String::as_str));
        if near.is_some() || !keys.contains_key(&name) {
            found.push(missing(workflow, &reference, near));
        }
        seen.push(name);
    }
    found
}

fn missing(workflow: &Workflow, reference: &Reference, near: Option<&str>) -> Diagnostic {
    let message = format!("secret `{}` is not given, so it is empty", reference.name);
    let help = match near {
        Some(near) => format!("did you mean `{near}`, which is given?"),
        None => format!("give it by `--secret {}=…` or in the secrets file", reference.name),
    };
    Diagnostic::warning("secret/not-given", message).at(&workflow.source, reference.span).help(help)
}
