use serde_json::Value as Json;

/// What sets a workflow off, with everything planning may ask of git about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its name: `push`, `pull_request` …
    pub name: String,
    /// Its activity type, for events that have them: `opened` …
    pub activity: Option<String>,
    /// `github.ref`: `refs/heads/main`, `refs/tags/v1`, `refs/pull/7/merge`.
    pub git_ref: String,
    /// `github.sha`: 40 hex digits.
    pub sha: String,
    /// The base branch's short name; only of pull requests.
    pub base_ref: Option<String>,
    /// The head branch's short name; only of pull requests.
    pub head_ref: Option<String>,
    /// The message of the pushed or proposed head commit.
    pub head_message: Option<String>,
    /// What was changed, relative to the repository root.
    pub changed: ChangedPaths,
    /// `owner/name`
    pub repository: String,
    /// `github.actor`
    pub actor: String,
    /// The default branch's short name.
    pub default_branch: String,
    /// `github.event`
    pub payload: Json,
}

/// The files a push or pull request changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangedPaths {
    /// These, with `/`, relative to the repository root. GitHub looks at the first 300 only.
    Known(Vec<String>),
    /// Nobody here can tell: whether path filters let the event through is open.
    Unknown {
        /// Why not.
        why: String,
    },
    /// GitHub does not look: path filters let the event through.
    Unasked {
        /// Why not.
        why: String,
    },
}

impl Event {
    /// The short name of the ref: `main`, `v1`, `7/merge`.
    pub fn ref_name(&self) -> &str {
        let prefixes = ["refs/heads/", "refs/tags/", "refs/pull/"];
        let stripped = prefixes.iter().find_map(|it| self.git_ref.strip_prefix(it));
        stripped.unwrap_or(&self.git_ref)
    }

    /// Whether the ref is a tag.
    pub fn is_tag(&self) -> bool {
        self.git_ref.starts_with("refs/tags/")
    }

    /// The short name that `branches` and `tags` are asked about: of the pushed ref, of a pull request's or merge
    /// group's base, of the head branch of the run that `workflow_run` is about.
    ///
    /// Source: GitHub: planning rules 2.4.
    pub fn filtered_ref(&self) -> Option<String> {
        let member = |path: &str| self.payload.pointer(path).and_then(Json::as_str);
        let short = |it: &str| it.strip_prefix("refs/heads/").unwrap_or(it).to_owned();
        match self.name.as_str() {
            "push" => Some(self.ref_name().to_owned()),
            "pull_request" | "pull_request_target" => Some(self.base_ref.clone().unwrap_or_default()),
            "merge_group" => self.base_ref.clone().or_else(|| member("/merge_group/base_ref").map(short)),
            "workflow_run" => member("/workflow_run/head_branch").map(short),
            _ => None,
        }
    }

    /// Whether it is one of the events about a pull request whose branch filters look at the base.
    pub fn is_pull_request(&self) -> bool {
        matches!(self.name.as_str(), "pull_request" | "pull_request_target")
    }
}
