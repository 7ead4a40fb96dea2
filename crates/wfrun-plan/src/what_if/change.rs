use std::mem::{Discriminant, discriminant};

use serde::Serialize;

/// One change of the caller's situation.
///
/// The order is how much sooner a person would think of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Change {
    /// Another event.
    Event {
        /// `push`
        event: String,
    },
    /// Another branch or tag.
    Ref {
        /// `refs/heads/main`
        #[serde(rename = "ref")]
        git_ref: String,
    },
    /// Another base of the pull request.
    Base {
        /// `main`
        base: String,
    },
    /// Another activity type.
    Type {
        /// `opened`
        #[serde(rename = "type")]
        activity: String,
    },
    /// Another value of an input.
    Input {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
    /// Another value of a configuration variable.
    Var {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
    /// Another result of a job before it.
    Result {
        /// The job's key.
        job: String,
        /// `success`, `failure`, `cancelled` or `skipped`.
        result: String,
    },
    /// One more changed file.
    Changed {
        /// Its path.
        path: String,
    },
    /// Another head of the pull request.
    Head {
        /// `feature/x`
        head: String,
    },
    /// Somebody else.
    Actor {
        /// The login.
        actor: String,
    },
    /// Another repository.
    Repository {
        /// `owner/name`
        repository: String,
    },
}

/// What a change sets; two changes of one slot contradict each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slot {
    what: Discriminant<Change>,
    name: String,
}

impl Change {
    /// The options that make it so, to be added to a command line.
    pub fn flags(&self) -> Vec<String> {
        let (option, value) = match self {
            Self::Event { event } => ("--event", event.clone()),
            Self::Ref { git_ref } => ("--ref", git_ref.strip_prefix("refs/heads/").unwrap_or(git_ref).to_owned()),
            Self::Base { base } => ("--base", base.clone()),
            Self::Type { activity } => ("--type", activity.clone()),
            Self::Input { name, value } => ("--input", format!("{name}={value}")),
            Self::Var { name, value } => ("--var", format!("{name}={value}")),
            Self::Result { job, result } => ("--force", format!("{job}={result}")),
            Self::Changed { path } => ("--changed", path.clone()),
            Self::Head { head } => ("--head", head.clone()),
            Self::Actor { actor } => ("--actor", actor.clone()),
            Self::Repository { repository } => ("--repository", repository.clone()),
        };
        vec![option.to_owned(), value]
    }

    pub(super) fn slot(&self) -> Slot {
        let name = if let Self::Input { name, .. } | Self::Var { name, .. } | Self::Result { job: name, .. } = self {
            name.to_ascii_lowercase()
        } else {
            String::new()
        };
        Slot { what: discriminant(self), name }
    }
}
