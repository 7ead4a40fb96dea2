//! The secrets of a run: given ones, and the AWS keys that never leave this machine.
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use wfrun_aws::Account;
use wfrun_journal::Secret;
use wfrun_syntax::{Checked, Diagnostic, closest};
use wfrun_workflow::{Reference, StepKind, Workflow, WorkflowSet, references, references_in};

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

/// The user that the minted keys belong to.
const USER: &str = "github-actions-deploy";

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

/// Warns about secrets that the workflow names and nobody gave; the AWS account gives its own keys, to
/// the workflows that are `minted` for.
pub(crate) fn check(workflow: &Workflow, secrets: &Secrets, minted: Option<&WorkflowSet>) -> Vec<Diagnostic> {
    let ours = minted.map(|it| key_names(it, secrets)).unwrap_or_default();
    let mut seen: Vec<String> = Vec::new();
    let mut found = Vec::new();
    for reference in references(workflow, "secrets") {
        let name = reference.name.to_ascii_uppercase();
        if name == "GITHUB_TOKEN" || secrets.contains_key(&name) || seen.contains(&name) {
            continue;
        }
        let near = closest(&name, secrets.keys().map(String::as_str));
        if near.is_some() || !ours.contains_key(&name) {
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

/// Puts keys of the account on this machine in the place of every AWS key; without an account, as nothing asks for AWS, nothing.
///
/// Gives back what is to be hidden besides (the real ones), and what to tell.
pub(crate) fn swap_aws_keys(
    set: &WorkflowSet,
    secrets: &mut Secrets,
    account: Option<&Account>,
) -> (Vec<Secret>, Option<String>) {
    let names = key_names(set, secrets);
    if names.is_empty() {
        return (Vec::new(), None);
    }
    let keys = account.map(|it| it.mint_keys(USER));
    let mut hidden = Vec::new();
    let mut replaced = 0;
    for (name, part) in &names {
        let value = match part {
            KeyPart::Id => keys.as_ref().map(|it| it.access_key_id.clone()),
            KeyPart::Secret => keys.as_ref().map(|it| it.secret_access_key.clone()),
            KeyPart::Session => None,
        };
        if let Some(real) = secrets.insert(name.clone(), Secret::new(value.unwrap_or_default())) {
            hidden.push(real);
            replaced += 1;
        }
    }
    let what = match (&keys, replaced) {
        (Some(_), 0) => "keys of the AWS account on this machine serve as",
        (Some(_), _) => "real AWS keys stay here: keys of the account on this machine take the place of",
        (None, _) => "nothing of this workflow asks for AWS, so these are empty:",
    };
    (hidden, Some(format!("{what} {}", names.keys().cloned().collect::<Vec<_>>().join(", "))))
}

/// The secrets that are AWS keys: by their names, by their values, or by the input of the action that takes them.
fn key_names(set: &WorkflowSet, secrets: &Secrets) -> IndexMap<String, KeyPart> {
    const INPUTS: &[(&str, KeyPart)] = &[
        ("aws-access-key-id", KeyPart::Id),
        ("aws-secret-access-key", KeyPart::Secret),
        ("aws-session-token", KeyPart::Session),
    ];
    let mut names = IndexMap::new();
    let referred = set.workflows().flat_map(|it| references(it, "secrets")).map(|it| it.name.to_ascii_uppercase());
    for name in referred.chain(secrets.keys().cloned()) {
        let by_value = || secrets.get(&name).filter(|it| is_key_id(it.expose())).map(|_| KeyPart::Id);
        if let Some(part) = key_part(&name).or_else(by_value) {
            names.entry(name).or_insert(part);
        }
    }
    for step in set.workflows().flat_map(|it| it.jobs.values()).flat_map(|it| &it.steps) {
        let StepKind::Uses(uses) = &step.kind else { continue };
        for (input, field) in uses.with.iter() {
            let part = INPUTS.iter().find(|(name, _)| name.eq_ignore_ascii_case(input)).map(|(_, part)| *part);
            let Some(part) = part else { continue };
            for it in references_in(field, "secrets") {
                names.entry(it.name.to_ascii_uppercase()).or_insert(part);
            }
        }
    }
    names
}

/// `AKIA` or `ASIA` and 16 more: no other secret looks like that.
fn is_key_id(value: &str) -> bool {
    let rest = value.strip_prefix("AKIA").or_else(|| value.strip_prefix("ASIA"));
    rest.is_some_and(|it| it.len() == 16 && it.chars().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit()))
}

/// Which part of a key pair a secret's name tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyPart {
    Id,
    Secret,
    Session,
}

/// Whether a secret of this name is a part of an AWS key.
pub(crate) fn is_aws_key(name: &str) -> bool {
    key_part(name).is_some()
}

/// `PROD_AWS_ACCESS_KEY_ID` is an access key id, too.
fn key_part(name: &str) -> Option<KeyPart> {
    let name = name.to_ascii_uppercase();
    let parts =
        [("ACCESS_KEY_ID", KeyPart::Id), ("SECRET_ACCESS_KEY", KeyPart::Secret), ("SESSION_TOKEN", KeyPart::Session)];
    let aws = name.contains("AWS");
    parts.into_iter().find(|(word, _)| aws && name.contains(word)).map(|(_, part)| part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_under_other_names() {
        let text = "on: push\njobs: {j: {runs-on: x, steps: [{uses: aws-actions/configure-aws-credentials@v4, with: {aws-access-key-id: '${{ secrets.one }}', aws-secret-access-key: '${{ secrets.TWO }}'}}]}}\n";
        let source = wfrun_syntax::Source::new("w.yml", text);
        let node = wfrun_syntax::parse(&source).value;
        let workflow = WorkflowSet::alone(std::sync::Arc::new(wfrun_workflow::lower(&source, node.as_ref()).value));
        let secrets: Secrets = [("THREE", "AKIAIOSFODNN7EXAMPLE"), ("FOUR", "plain")]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Secret::new(value)))
            .collect();
        let names: Vec<_> = key_names(&workflow, &secrets).into_iter().collect();
        let expected = [("THREE", KeyPart::Id), ("ONE", KeyPart::Id), ("TWO", KeyPart::Secret)];
        assert_eq!(names, expected.map(|(name, part)| (name.to_owned(), part)));
        assert_eq!(check(&workflow.root, &secrets, Some(&workflow)), [], "the account gives them");
        assert_eq!(check(&workflow.root, &secrets, None).len(), 2);
    }

    #[test]
    fn values_of_keys() {
        assert!(is_key_id("AKIAIOSFODNN7EXAMPLE"));
        assert!(!is_key_id("AKIAIOSFODNN7EXAMPL"));
        assert!(!is_key_id("ghp_abc"));
    }

    #[test]
    fn names_of_keys() {
        assert_eq!(key_part("AWS_ACCESS_KEY_ID"), Some(KeyPart::Id));
        assert_eq!(key_part("prod_aws_secret_access_key"), Some(KeyPart::Secret));
        assert_eq!(key_part("AWS_SESSION_TOKEN_DEV"), Some(KeyPart::Session));
        assert_eq!(key_part("AWS_REGION"), None);
        assert_eq!(key_part("GCP_ACCESS_KEY_ID"), None);
    }
}
