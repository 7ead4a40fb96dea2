//! Task definitions: what registering one needs.
use serde_json::{Map, Value};
use wfrun_aws::{ForeseenPermission, RequestTarget, UNKNOWN};

use super::known::Known;

/// A task definition, as far as permissions have to do with it: family, roles, tags.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Definition(Map<String, Value>);

/// What permissions have to do with.
const MEMBERS: [&str; 4] = ["family", "executionRoleArn", "taskRoleArn", "tags"];

impl Definition {
    /// One of which at most the family is known. It has a role: nearly all that pull from ECR or log have.
    pub(super) fn unknown(family: Option<&str>) -> Self {
        let unknown = UNKNOWN.to_string();
        let members = [("family", family.unwrap_or(&unknown)), ("executionRoleArn", &unknown)];
        Self(members.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect())
    }

    /// Of the JSON that `register-task-definition` takes.
    pub(super) fn of_json(text: &str) -> Option<Self> {
        if let Ok(Value::Object(input)) = serde_json::from_str(text) { Some(Self::of(input)) } else { None }
    }

    /// Of what a client sends to register it.
    pub(super) fn of(input: Map<String, Value>) -> Self {
        let members = input.into_iter().filter(|(name, _)| MEMBERS.contains(&name.as_str()));
        Self(members.map(|(name, value)| (name, without_placeholders(value))).collect())
    }

    /// Puts another text in a member's place.
    pub(super) fn set(&mut self, member: &str, value: &str) {
        self.0.insert(member.to_owned(), value.into());
    }

    /// What registering it needs.
    pub(super) fn needs(&self, target: &RequestTarget) -> Vec<ForeseenPermission> {
        ForeseenPermission::of_operation("ecs", "RegisterTaskDefinition", &self.0, target).unwrap_or_default()
    }

    /// What running a task of it needs, of the revision that was just registered.
    pub(super) fn needs_to_run(&self, cluster: &str, target: &RequestTarget) -> Vec<ForeseenPermission> {
        let family = self.0.get("family").and_then(Value::as_str).unwrap_or_default();
        let (definition, cluster) = (format!("{family}:{UNKNOWN}"), cluster.to_owned());
        let input = [("taskDefinition", definition), ("cluster", cluster)];
        let input = input.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        let needs = ForeseenPermission::of_operation("ecs", "RunTask", &input, target).unwrap_or_default();
        // The roles are those that it was registered with.
        needs.into_iter().filter(|it| it.action() != "iam:PassRole").collect()
    }
}

/// A text that a command fills in before it is used is not known: `$ROLE`, `<ROLE>`, `{{ role }}`.
fn without_placeholders(value: Value) -> Value {
    let is_open = value.as_str().is_some_and(|it| it.contains(['$', '<', '>', '{', '}']));
    if is_open { UNKNOWN.to_string().into() } else { value }
}

impl Known<'_> {
    /// The task definition in a file, whose name may stand for what a step hands on.
    pub(super) fn definition(&self, file: &str) -> Definition {
        if let Some(known) = self.definitions.get(file.trim_start_matches("./")) {
            return known.clone();
        }
        self.file(file).and_then(|it| Definition::of_json(&it)).unwrap_or_else(|| Definition::unknown(None))
    }

    /// The text of a file of the repository, unless a command of the job writes it.
    pub(super) fn file(&self, path: &str) -> Option<String> {
        let path = path.trim_start_matches("./");
        let is_inside = !path.starts_with('/') && !path.split('/').any(|it| it == "..");
        if self.is_lost || path.contains(UNKNOWN) || !is_inside || self.written.contains(path) {
            return None;
        }
        std::fs::read_to_string(self.root.join(path)).ok()
    }
}
