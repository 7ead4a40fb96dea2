//! The gates between an event and a workflow, one after the other, with what decided at each.
mod checks;

use serde::Serialize;
use wfrun_syntax::Span;
use wfrun_workflow::Workflow;

use crate::{Event, Filtered};

/// One test that an event has to pass before it sets a workflow off.
///
/// Serialised with the members of its kind beside `kind`, `passed` and `span`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gate {
    /// Which test, and what it looked at.
    #[serde(flatten)]
    pub kind: GateKind,
    /// Whether the event passes.
    pub passed: bool,
    /// What decided, in the workflow file; none where nothing is written there about it.
    pub span: Option<Span>,
}

/// Which test a gate is, and what it looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum GateKind {
    /// Does the workflow listen to the event?
    Event {
        /// The event.
        event: String,
        /// What the workflow listens to, in file order.
        listens_to: Vec<String>,
    },
    /// Is it one of the wanted activity types? Only of events that have types.
    Type {
        /// The type; none where nobody said, which passes.
        activity: Option<String>,
        /// The wanted ones: what `types` says, or the event's default.
        types: Vec<String>,
        /// Whether `types` is written.
        written: bool,
    },
    /// Does what the event is about exist for workflows at all?
    State {
        /// The member of the payload that decides: `release.draft`, `deployment_status.state`.
        member: String,
        /// What it is, as JSON.
        value: String,
    },
    /// Is it one of the named things: `workflows` of `workflow_run`, `names` and `versions` of `image_version`?
    Name {
        /// The name and the list; none where nobody said the name, which passes.
        filtered: Option<Filtered>,
        /// The key.
        filter: String,
    },
    /// Does the branch pass, or the tag? Only where a filter for either is written.
    Ref {
        /// What the name is of.
        ref_kind: RefKind,
        /// The short name that is tested: of the pushed ref, of a pull request's base …
        name: String,
        /// What the filter for this kind of ref says; none where there is only one for the other kind.
        filtered: Option<Filtered>,
        /// The filter that there is for the other kind only: `tags` for a branch.
        only: Option<String>,
    },
    /// Does a changed file pass? Only where a filter is written.
    Paths {
        /// `paths` or `paths-ignore`.
        filter: String,
        /// All patterns, in order.
        patterns: Vec<String>,
        /// The changed files that GitHub looks at.
        changed: Vec<String>,
        /// How many more there are, at which it does not look.
        beyond: usize,
        /// The first file that passes; where none does, the first of all.
        filtered: Option<Filtered>,
        /// Why the filter is not asked, and the event let through.
        unasked: Option<String>,
        /// Why it is not known what is changed, and so whether the event passes: it counts as passed.
        unknown: Option<String>,
    },
    /// Does the head commit's message ask for no run? Only of pushes and pull requests.
    SkipMarker {
        /// What it says.
        marker: Option<String>,
    },
}

/// Whether a ref is a branch or a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefKind {
    /// `refs/heads/…`
    Branch,
    /// `refs/tags/…`
    Tag,
}

impl RefKind {
    /// The word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Branch => "branch",
            Self::Tag => "tag",
        }
    }
}

impl Gate {
    /// What is not known, where it is open whether the event passes.
    pub fn open(&self) -> Option<&str> {
        if let GateKind::Paths { unknown, .. } = &self.kind { unknown.as_deref() } else { None }
    }
}

/// All gates that stand between `event` and `workflow`, in GitHub's order: event, type, names, branch or tag, paths,
/// skip marker.
///
/// The event triggers the workflow exactly if all pass. Gates behind one that does not pass are tested, too, but
/// for those of an event that the workflow does not listen to: there are none.
/// Source: GitHub: planning rules 2.1 to 2.5.
pub fn gates(workflow: &Workflow, event: &Event) -> Vec<Gate> {
    let Some(config) = workflow.on.event(&event.name) else {
        return vec![checks::event(workflow, event, None)];
    };
    let mut gates = vec![checks::event(workflow, event, Some(config))];
    gates.extend(checks::activity(config, event));
    gates.extend(checks::state(event));
    gates.extend(checks::names(config, event));
    gates.extend(checks::refs(config, event));
    gates.extend(checks::paths(config, event));
    gates.extend(checks::skip(event));
    gates
}
