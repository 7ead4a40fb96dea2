use std::mem::{Discriminant, discriminant};

use serde::Serialize;

/// One change of the caller's situation.
///
/// The order is how near it is to the situation: what leaves the event as it is comes before another event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Change {
    /// Another activity type.
    Type {
        /// `opened`
        #[serde(rename = "type")]
        activity: String,
    },
    /// One more changed file.
    Changed {
        /// Its path.
        path: String,
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
    /// Another head of the pull request.
    Head {
        /// `feature/x`
        head: String,
    },
    /// Another entry of `schedule`.
    Schedule {
        /// `30 5 * * 1`
        cron: String,
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
    /// Another event.
    Event {
        /// `push`
        event: String,
        /// Whether it takes back the activity type that the command line gives, which the event does not have.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        drops_type: bool,
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
struct Slot {
    what: Discriminant<Change>,
    name: String,
}

impl Change {
    /// The options that make it so, to be added to a command line.
    pub fn flags(&self) -> Vec<String> {
        let (option, value) = match self {
            Self::Event { event, drops_type: false } => ("--event", event.clone()),
            Self::Event { event, drops_type: true } => {
                return ["--event", event, "--type", ""].map(str::to_owned).to_vec();
            }
            Self::Schedule { cron } => ("--schedule", cron.clone()),
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

    /// How far it leads from the situation; the order of the kinds.
    pub(super) const fn distance(&self) -> u8 {
        match self {
            Self::Type { .. } => 0,
            Self::Changed { .. } => 1,
            Self::Ref { .. } => 2,
            Self::Base { .. } => 3,
            Self::Head { .. } => 4,
            Self::Schedule { .. } => 5,
            Self::Input { .. } => 6,
            Self::Var { .. } => 7,
            Self::Result { .. } => 8,
            Self::Event { .. } => 9,
            Self::Actor { .. } => 10,
            Self::Repository { .. } => 11,
        }
    }

    /// Which kind of change it is.
    pub(super) fn kind(&self) -> Discriminant<Self> {
        discriminant(self)
    }

    /// Whether two changes set one thing to two values.
    pub(super) fn contradicts(&self, other: &Self) -> bool {
        let drops = |it: &Self| matches!(it, Self::Event { drops_type: true, .. });
        let sets = |it: &Self| matches!(it, Self::Type { .. });
        self.slot() == other.slot() || drops(self) && sets(other) || sets(self) && drops(other)
    }

    fn slot(&self) -> Slot {
        let name = if let Self::Input { name, .. } | Self::Var { name, .. } | Self::Result { job: name, .. } = self {
            name.to_ascii_lowercase()
        } else {
            String::new()
        };
        Slot { what: self.kind(), name }
    }
}
