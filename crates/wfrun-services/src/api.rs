//! GitHub's REST API, as far as common actions ask it. Git and the event's payload answer; what is written changes what
//! the jobs of this run see, and nothing on GitHub.
//!
//! Invariants: a route without a permission cannot be written down; a call that is not served is answered with 501, and
//! told; no text of a client reaches git as anything but one whole name.
//!
//! Source: <https://docs.github.com/en/rest>, shapes and statuses; <https://github.com/github/rest-api-description>, the
//! names of operations.
//! Differs: of GitHub's data the API on this machine knows git, the event's payload and what this run itself wrote: other
//! issues, comments, releases and checks are not there.
//! Differs: the API is at an address of this machine, which `GITHUB_API_URL`, `GITHUB_GRAPHQL_URL` and the `github` context
//! name; what asks `https://api.github.com` by that name, as `gh` does, is not answered here, and its token is of no worth
//! there.

mod answer;
mod assets;
mod call;
mod checks;
mod comments;
mod commits;
mod compare;
mod contents;
mod diff;
mod dispatch;
mod git;
mod grant;
mod issues;
mod labels;
mod names;
mod pulls;
mod refs;
mod releases;
mod repository;
mod reviews;
mod routes;
mod serve;
mod shapes;
mod state;
mod trees;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::Semaphore;

pub use grant::{Access, ApiGrant};
pub(crate) use serve::routes;

use git::Git;
use grant::Grants;
use state::State;

/// Below it is the API, as on GitHub Enterprise Server: clients find GraphQL and uploads by it.
///
/// Source: `@octokit/graphql`, `GHES_V3_SUFFIX_REGEX`.
const REST: &str = "api/v3";
const GRAPHQL: &str = "api/graphql";
const UPLOADS: &str = "api/uploads";

/// So many notes about calls that were not answered as asked.
const MOST_TOLD: usize = 200;

/// What the API knows of the repository and of the run.
#[derive(Clone, Debug)]
pub struct ApiSettings {
    /// `owner/name`
    pub repository: String,
    /// A bare git repository of the run's own: what jobs check out from.
    pub git: PathBuf,
    /// Its default branch's short name.
    pub default_branch: String,
    /// `github.ref`
    pub git_ref: String,
    /// `github.sha`
    pub sha: String,
    /// `github.actor`
    pub actor: String,
    /// `github.event_name`
    pub event: String,
    /// `github.event`
    pub payload: Value,
    /// `github.run_id`
    pub run_id: String,
    /// `github.run_number`
    pub run_number: u64,
    /// `github.workflow`
    pub workflow: String,
    /// The workflow's file, from the repository's root.
    pub workflow_path: String,
    /// A folder of the run's for what is uploaded; it is there, and somebody else removes it.
    pub scratch: PathBuf,
}

/// What a person should know of a call of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiNote {
    /// It would have changed something on GitHub: `create release v1.2`.
    Would(String),
    /// It is not served here, and was answered with 501: what was asked, and why not.
    Unserved(String),
    /// The job's token may not do it: what is missing, and the way out.
    Refused(String),
}

/// The API of one run.
pub(crate) struct Api {
    settings: ApiSettings,
    git: Git,
    /// Ends in `/`.
    origin: String,
    /// When what the payload tells of came to be, as far as it does not say so.
    started: String,
    grants: Grants,
    state: Mutex<State>,
    /// Held by a call that changes something: what it read before is so until it is done.
    writes: Mutex<()>,
    /// Places for calls that hold files in memory.
    files: Semaphore,
    /// What has been said of calls that were not answered as asked; a client that tries again says nothing new.
    told: Mutex<HashSet<String>>,
}

impl Api {
    pub(crate) fn new(settings: ApiSettings, origin: &str) -> Self {
        let state = State::of_event(&settings);
        let git = Git::new(settings.git.clone());
        let (grants, told) = (Grants::default(), Mutex::default());
        let (origin, started) = (origin.to_owned(), shapes::now());
        let files = Semaphore::new(serve::FILES_AT_ONCE);
        Self { settings, git, origin, started, grants, state: Mutex::new(state), writes: Mutex::default(), files, told }
    }

    /// Lets who has this token do what its grant says.
    pub(crate) fn allow(&self, token: &str, grant: ApiGrant) {
        self.grants.add(token, grant);
    }

    /// Lets nobody in any more who has a token of this job.
    pub(crate) fn end(&self, job: &str) {
        self.grants.end(job);
    }

    /// What this run has written so far.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a note is new. A client that asks for ever more says nothing new in the end; its calls are on record all the
    /// same.
    fn is_news(&self, note: &ApiNote) -> bool {
        let text = match note {
            ApiNote::Would(_) => return true,
            ApiNote::Unserved(text) | ApiNote::Refused(text) => text,
        };
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.len() < MOST_TOLD && told.insert(text.clone())
    }
}

/// The address of the REST API at an origin that ends in `/`.
pub(crate) fn rest_url(origin: &str) -> String {
    format!("{origin}{REST}")
}

/// The address of GraphQL.
pub(crate) fn graphql_url(origin: &str) -> String {
    format!("{origin}{GRAPHQL}")
}
