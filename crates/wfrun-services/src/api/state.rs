//! What this run has written, and what its event told of.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::ApiSettings;
use super::assets::Asset;
use super::shapes::{completed, issue_of_pull};

/// The objects of the repository that are known; the newest last.
pub(super) struct State {
    last_id: u64,
    /// Refs that are otherwise than git has them; none for one that is gone.
    pub(super) refs: BTreeMap<String, Option<String>>,
    /// Issues, and pull requests as issues, by their numbers.
    pub(super) issues: BTreeMap<u64, Value>,
    /// What pull requests have besides, by their numbers.
    pub(super) pulls: BTreeMap<u64, Value>,
    /// Comments, each with the number of its issue.
    pub(super) comments: Vec<(u64, Value)>,
    pub(super) labels: Vec<Value>,
    pub(super) releases: Vec<Value>,
    pub(super) assets: Vec<Asset>,
    /// Statuses, each with its commit.
    pub(super) statuses: Vec<(String, Value)>,
    pub(super) check_runs: Vec<Value>,
    /// Reviews, each with the number of its pull request.
    pub(super) reviews: Vec<(u64, Value)>,
}

/// Numbers below are those of the payload, which may be made up.
const FIRST_ID: u64 = 1_000_000_000;

impl State {
    /// What the event's payload tells of.
    pub(super) fn of_event(settings: &ApiSettings) -> Self {
        let mut state = Self {
            last_id: FIRST_ID,
            refs: BTreeMap::from([(settings.git_ref.clone(), Some(settings.sha.clone()))]),
            issues: BTreeMap::new(),
            pulls: BTreeMap::new(),
            comments: Vec::new(),
            labels: Vec::new(),
            releases: Vec::new(),
            assets: Vec::new(),
            statuses: Vec::new(),
            check_runs: Vec::new(),
            reviews: Vec::new(),
        };
        let payload = &settings.payload;
        let number = |it: &Value| it["number"].as_u64();
        if let Some(pull) = payload.get("pull_request").filter(|it| it.is_object())
            && let Some(number) = number(pull).or_else(|| payload["number"].as_u64())
        {
            state.issues.insert(number, issue_of_pull(number, pull));
            let head = pull["head"]["sha"].as_str().map(str::to_owned);
            state.refs.extend(head.map(|it| (format!("refs/pull/{number}/head"), Some(it))));
            state.pulls.insert(number, pull.clone());
        }
        if let Some(issue) = payload.get("issue").filter(|it| it.is_object())
            && let Some(number) = number(issue)
        {
            let issue = completed(issue, &json!({"number": number, "state": "open", "labels": [], "assignees": []}));
            state.issues.entry(number).or_insert(issue);
            let is_of_issue = settings.event == "issue_comment";
            if let Some(comment) = payload.get("comment").filter(|it| is_of_issue && it.is_object()) {
                state.comments.push((number, comment.clone()));
            }
        }
        let labels: Vec<Value> =
            state.issues.values().flat_map(|it| it["labels"].as_array().cloned().unwrap_or_default()).collect();
        for label in &labels {
            if let Some(name) = label["name"].as_str() {
                state.know_label(name, Some(label));
            }
        }
        if let Some(release) = payload.get("release").filter(|it| it.is_object()) {
            let release = completed(release, &json!({"id": 1, "assets": [], "draft": false, "prerelease": false}));
            state.releases.push(release);
        }
        state
    }

    /// A number that nothing else has.
    pub(super) fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// The number of a new issue or pull request.
    pub(super) fn new_number(&self) -> u64 {
        self.issues.keys().next_back().map_or(1, |it| it + 1)
    }

    /// A label by its name, whatever its case; made where it is not there.
    pub(super) fn know_label(&mut self, name: &str, like: Option<&Value>) -> Value {
        if let Some(known) = self.label(name) {
            return known.clone();
        }
        let id = self.new_id();
        let made = json!({"id": id, "node_id": format!("LA_{id}"), "name": name, "color": "ededed", "default": false,
            "description": null});
        let label = like.map_or_else(|| made.clone(), |it| completed(it, &made));
        self.labels.push(label.clone());
        label
    }

    /// A label by its name, whatever its case.
    pub(super) fn label(&self, name: &str) -> Option<&Value> {
        self.labels.iter().find(|it| is_named(it, name))
    }
}

/// Whether a label has this name, whatever its case.
pub(super) fn is_named(label: &Value, name: &str) -> bool {
    label["name"].as_str().is_some_and(|it| it.eq_ignore_ascii_case(name))
}
