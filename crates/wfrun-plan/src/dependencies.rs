//! What a run of a workflow can need from outside of its repository: actions, called workflows, images, tools.
//!
//! Nothing is left out because of a condition: what a skipped job would use is needed, too. What only the run can tell is
//! said to be [`NotKnown`], never passed over.
mod reading;
mod scope;
mod tools;
mod walk;

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;
use wfrun_syntax::{Source, Span};
use wfrun_workflow::{Action, ActionRef, FileRef, UsesTarget, WorkflowSet, is_commit};

pub use self::scope::Given;
pub use self::tools::set_up_action;
pub use self::walk::{ActionPlace, ActionVisit, MAX_DEPTH, TooDeep, Used, UsedTarget, used_by, walk};

/// Something that a workflow uses and that is not written in its file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Dependency {
    /// An action of another repository.
    Action(ActionRef),
    /// An action of the workflow's own repository: its folder, without `./`.
    Own(String),
    /// A called workflow.
    Workflow(FileRef),
    /// An image, without `docker://`.
    Image(String),
    /// The image in which jobs with this label run, on the docker backend.
    Runner(String),
    /// A tool that a set-up action looks for in the tool cache.
    Tool {
        /// Its folder there: `Python`, `node`, `go`.
        name: &'static str,
        /// The version or the range that is asked for.
        version: String,
    },
    /// The Node that a JavaScript action asks for: `node20`.
    Node(String),
}

/// When something has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum When {
    /// Before its job's first step; without it the job fails.
    SetUp,
    /// When the step's turn comes, and that may never be.
    Step,
}

/// A [`Dependency`], and who needs it.
#[derive(Debug, Clone)]
pub struct Needed {
    /// What.
    pub dependency: Dependency,
    /// When.
    pub when: When,
    /// The workflow or the action's file that first names what leads to it.
    pub source: Arc<Source>,
    /// Where it does.
    pub span: Span,
    /// What stands there, if that is a step's `uses:`.
    pub target: Option<UsesTarget>,
    /// The action that uses it, if no workflow does.
    pub by: Option<ActionPlace>,
    /// How it is used, for people: "service `db` of job `test`".
    pub role: String,
}

/// Something of which only the run can tell what it is.
#[derive(Debug, Clone)]
pub struct NotKnown {
    /// Of which kind the dependency is: `image`, `runner`, `tool`; `build`, of what building an image fetches.
    pub kind: &'static str,
    /// Its file.
    pub source: Arc<Source>,
    /// Its place.
    pub span: Span,
    /// What it is: "the image of service `db` of job `test`".
    pub what: String,
    /// As written.
    pub text: String,
    /// On what it depends, as written.
    pub parts: Vec<String>,
}

/// What reading an action's files came to.
#[derive(Debug, Clone)]
pub struct LoadedAction {
    /// Its manifest.
    pub manifest: Arc<Action>,
    /// What building its image needs, if it is built.
    pub dockerfile: Option<Dockerfile>,
}

/// What building a Dockerfile needs, as somebody who can read one says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dockerfile {
    /// The images that it takes from elsewhere.
    pub images: Vec<String>,
    /// Those whose names only the build itself can tell, as written.
    pub open: Vec<String>,
    /// The first line of its first `RUN`: what that fetches is in no file that could be read.
    pub run: Option<String>,
}

/// All that a workflow can need, each once, in the order of its first use.
#[derive(Debug, Default)]
pub struct Dependencies {
    /// What.
    pub needed: IndexMap<Dependency, Needed>,
    /// What only the run can tell, each once.
    pub not_known: Vec<NotKnown>,
    /// The first of each chain of composite actions that has no end, at the step that begins it.
    pub too_deep: Vec<(ActionRef, Needed)>,
}

/// Reads what a workflow and all it calls can need.
///
/// `load` is asked for each action once; none where it is not to be had. What is built by a stand-in has no content that
/// could need anything: `load` gives its manifest all the same.
pub fn dependencies(
    set: &WorkflowSet,
    given: &Given,
    load: &mut dyn FnMut(&ActionPlace) -> Option<LoadedAction>,
) -> Dependencies {
    reading::read(set, given, load)
}

impl Dependencies {
    fn need(&mut self, needed: Needed) {
        let kept = self.needed.entry(needed.dependency.clone()).or_insert_with(|| needed.clone());
        // Somebody needs it sooner.
        if kept.when == When::Step && needed.when == When::SetUp {
            *kept = needed;
        }
    }

    fn is_open(&mut self, not_known: NotKnown) {
        let is_same = |it: &NotKnown| {
            it.span == not_known.span
                && it.what == not_known.what
                && it.text == not_known.text
                && it.source.path() == not_known.source.path()
        };
        if !self.not_known.iter().any(is_same) {
            self.not_known.push(not_known);
        }
    }
}

impl Dependency {
    /// The word for its kind, in JSON and in tables.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Action(_) | Self::Own(_) => "action",
            Self::Workflow(_) => "workflow",
            Self::Image(_) => "image",
            Self::Runner(_) => "runner",
            Self::Tool { .. } => "tool",
            Self::Node(_) => "node",
        }
    }

    /// Whether what is meant can change while its name stays: a branch or a tag, an image's tag.
    pub fn can_move(&self) -> bool {
        if let Self::Image(name) = self {
            return !name.contains("@sha256:");
        }
        self.repository().is_some_and(|(_, git_ref)| !is_commit(git_ref))
    }

    /// The repository that an action or a called workflow is of, and its ref; none for the workflow's own.
    pub fn repository(&self) -> Option<(String, &str)> {
        match self {
            Self::Action(action) => Some((action.repository(), &action.git_ref)),
            Self::Workflow(file) => file.repository.as_ref().map(|it| (it.name.clone(), it.git_ref.as_str())),
            Self::Own(_) | Self::Image(_) | Self::Runner(_) | Self::Tool { .. } | Self::Node(_) => None,
        }
    }
}

impl From<&ActionPlace> for Dependency {
    fn from(place: &ActionPlace) -> Self {
        match place {
            ActionPlace::Repository(action) => Self::Action(action.clone()),
            ActionPlace::Own(path) => Self::Own(path.clone()),
        }
    }
}

impl fmt::Display for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Action(it) => it.fmt(f),
            Self::Own(path) => write!(f, "./{path}"),
            Self::Workflow(it) => it.fmt(f),
            Self::Image(it) | Self::Runner(it) | Self::Node(it) => f.write_str(it),
            Self::Tool { name, version } => write!(f, "{name} {version}"),
        }
    }
}
