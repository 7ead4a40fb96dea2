//! The AWS keys among the secrets of a run, which never leave this machine: which they are, and what takes their place.
mod flow;
mod mentions;
mod values;

use indexmap::IndexMap;
use wfrun_aws::Account;
use wfrun_journal::Secret;
use wfrun_workflow::{CallSecrets, Workflow, WorkflowSet, references};

use crate::own_files::OwnFiles;
use crate::secrets::Secrets;
use values::{Replacement, is_key_id, is_secret_key};

/// The user that the minted keys belong to.
const USER: &str = "github-actions-deploy";

/// Which part of a key a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyPart {
    /// `AKIA…`
    Id,
    /// What goes with it.
    Secret,
    /// The token of keys that expire.
    Session,
}

/// Secrets that are parts of AWS keys, by their names in upper case.
pub(crate) type KeyNames = IndexMap<String, KeyPart>;

/// What was done about the keys.
#[derive(Debug, Default)]
pub(crate) struct Swapped {
    /// The real ones, which are to be hidden.
    pub(crate) hidden: Vec<Secret>,
    /// What to tell.
    pub(crate) notice: Option<String>,
}

/// Finds the secrets that are parts of AWS keys: by their names, by what they are used for, by their values.
pub(crate) fn names(set: &WorkflowSet, secrets: &Secrets, files: &OwnFiles) -> KeyNames {
    let mut names = flow::names(set, files);
    names.retain(|name, _| secrets.contains_key(name) || is_of_the_run(set, name));
    for (name, secret) in secrets {
        let by_value = || is_key_id(secret.expose()).then_some(KeyPart::Id);
        if let Some(part) = key_part(name).or_else(by_value) {
            names.entry(name.clone()).or_insert(part);
        }
    }
    // A program of the workflow may take the other half under any name, and give it to AWS.
    let has = |names: &KeyNames, part| names.iter().any(|(name, it)| *it == part && secrets.contains_key(name));
    if has(&names, KeyPart::Id) && !has(&names, KeyPart::Secret) {
        let others = secrets.iter().filter(|(_, it)| is_secret_key(it.expose()));
        let others: Vec<String> = others.map(|(name, _)| name.clone()).collect();
        names.extend(others.into_iter().map(|it| (it, KeyPart::Secret)));
    }
    names
}

/// Whether a name is one of the run's own secrets: a called workflow has names of its own, unless it inherits.
fn is_of_the_run(set: &WorkflowSet, name: &str) -> bool {
    let inherits = |it: &Workflow| {
        let calls = it.jobs.values().filter_map(|it| it.call.as_ref());
        calls.into_iter().any(|it| matches!(it.secrets, CallSecrets::Inherit))
    };
    let is_named = references(&set.root, "secrets").iter().any(|it| it.name.eq_ignore_ascii_case(name));
    is_named || set.workflows().any(|it| inherits(it))
}

/// Puts keys of the account on this machine in the place of every AWS key; without an account, as nothing asks for AWS, nothing.
///
/// The same real keys are replaced in all other secrets and in variables as well, and so is each key in a text that holds several
/// values.
pub(crate) fn swap(
    names: &KeyNames,
    secrets: &mut Secrets,
    vars: &mut IndexMap<String, String>,
    account: Option<&Account>,
) -> Swapped {
    let keys = account.map(|it| it.mint_keys(USER));
    let minted = |part: KeyPart| match (&keys, part) {
        (Some(keys), KeyPart::Id) => keys.access_key_id.clone(),
        (Some(keys), KeyPart::Secret) => keys.secret_access_key.clone(),
        (Some(_), KeyPart::Session) | (None, _) => String::new(),
    };
    let mut hidden = Vec::new();
    let mut told: Vec<String> = names.keys().cloned().collect();
    let mut replacement = Replacement::new(minted(KeyPart::Id), minted(KeyPart::Secret));
    for (name, part) in names {
        if let Some(real) = secrets.insert(name.clone(), Secret::new(minted(*part))) {
            replacement.know(real.expose(), *part);
            hidden.push(real);
        }
    }
    let texts = secrets.iter_mut().filter(|(name, _)| !names.contains_key(*name));
    for (name, secret) in texts {
        if let Some(text) = replacement.of(secret.expose()) {
            hidden.push(std::mem::replace(secret, Secret::new(text)));
            told.push(name.clone());
        }
    }
    for (name, value) in vars {
        if let Some(text) = replacement.of(value) {
            *value = text;
            told.push(format!("vars.{name}"));
        }
    }
    hidden.extend(replacement.into_found().map(Secret::new));
    if told.is_empty() {
        return Swapped::default();
    }
    let what = match (&keys, !hidden.is_empty()) {
        (Some(_), false) => "keys of the AWS account on this machine serve as",
        (Some(_), true) => "real AWS keys stay here: keys of the account on this machine take the place of",
        (None, _) => "nothing of this workflow asks for AWS, so these are empty:",
    };
    Swapped { hidden, notice: Some(format!("{what} {}", told.join(", "))) }
}

/// Whether a secret of this name is a part of an AWS key.
pub(crate) fn is_aws_key(name: &str) -> bool {
    key_part(name).is_some()
}

/// Whether a text holds a key of AWS's.
pub(crate) fn holds_a_key(text: &str) -> bool {
    values::has_key_id(text)
}

/// `PROD_AWS_ACCESS_KEY_ID` is an access key id, too.
fn key_part(name: &str) -> Option<KeyPart> {
    const PARTS: [(&str, KeyPart); 5] = [
        ("SECRET_ACCESS_KEY", KeyPart::Secret),
        ("SECRET_KEY", KeyPart::Secret),
        ("ACCESS_KEY_ID", KeyPart::Id),
        ("ACCESS_KEY", KeyPart::Id),
        ("SESSION_TOKEN", KeyPart::Session),
    ];
    let name = name.to_ascii_uppercase();
    let aws = name.contains("AWS");
    PARTS.into_iter().find(|(word, _)| aws && name.contains(word)).map(|(_, part)| part)
}

#[cfg(test)]
mod tests;
