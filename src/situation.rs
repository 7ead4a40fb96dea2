//! What happened, made up from git, the options and the payload: the event of a run.
//!
//! Of what is said twice, an option wins over the payload's file, and the payload over git; each time that is said.
mod activity;
mod asked;
mod changed;
mod event_name;
mod inputs;
mod payload;
mod pull_request;
mod push;
mod schedule;
mod subject;

use std::path::Path;

use serde_json::Value as Json;
use wfrun_expr::Object;
use wfrun_plan::{ChangedPaths, Event};
use wfrun_runner::{NearWanted, SnapshotSettings};
use wfrun_workflow::Workflow;

pub(crate) use self::activity::checked_activity;
use self::asked::Asked;
pub(crate) use self::asked::read_json;
pub(crate) use self::changed::changed_since;
pub(crate) use self::event_name::event_name;
pub(crate) use self::inputs::{checked_inputs, given as given_inputs};
pub(crate) use self::schedule::due;
use self::subject::Subject;
pub(crate) use self::subject::runs_on_default;
use crate::cli::EventArgs;
use crate::environment::Environment;
use crate::output::Help;
use crate::repository::{Commit, Merge, Repository, Resolved};

/// An event and what git had to say about it.
#[derive(Debug)]
pub(crate) struct Situation {
    /// The event; its commit is settled once the snapshot is taken.
    pub(crate) event: Event,
    /// `inputs`
    pub(crate) inputs: Object,
    /// What jobs will check out.
    pub(crate) snapshot: SnapshotSettings,
    /// What to tell before anything runs.
    pub(crate) notices: Vec<String>,
    /// How to ask git for more.
    pub(crate) repository: Repository,
}

/// Everything that is known while an event is made up.
struct Making<'a> {
    workflow: &'a Workflow,
    repository: Repository,
    asked: Asked<'a>,
    notices: Vec<String>,
}

/// Makes up the event of a run. Without git its commit is none, which [`Repository::required`] refuses.
pub(crate) fn situation(
    workflow: &Workflow,
    root: &Path,
    args: &EventArgs,
    environment: &Environment,
) -> anyhow::Result<Situation> {
    situation_in(Repository::open(root), workflow, root, args, environment)
}

/// The same in a repository that is open already.
pub(crate) fn situation_in(
    repository: Repository,
    workflow: &Workflow,
    root: &Path,
    args: &EventArgs,
    environment: &Environment,
) -> anyhow::Result<Situation> {
    let name = event_name(workflow, args.event.as_deref(), args.detect_event)?;
    let asked = Asked::read(args, &name)?;
    let mut making = Making { workflow, repository, asked, notices: args.said.clone() };
    if args.act_compat {
        let what = "`ACT` is set, which GitHub does not do: conditions on it are decided as by act";
        making.notices.push(what.to_owned());
    }
    if let Some(reason) = making.repository.missing() {
        making.notices.push(format!("{reason}: `github` has no commit, and its ref and repository are made up"));
    }
    making.without_effect();
    let activity = activity::activity(&mut making)?;
    let default_branch =
        making.asked.text("--default-branch", args.default_branch.as_deref(), "/repository/default_branch");
    let default_branch = default_branch.unwrap_or_else(|| making.repository.default_branch());
    if args.default_branch.as_ref().is_some_and(|it| making.repository.look_up(it).is_none()) {
        // Said where its head is asked for, too; once is enough.
        let is_there = making.repository.missing().is_some() || subject::asks_default(&making.asked.name);
        let notice = format!("git does not know the default branch `{default_branch}`");
        making.notices.extend((!is_there).then_some(notice));
    }
    let slug = making.asked.text("--repository", args.repository.as_deref(), "/repository/full_name");
    let slug = match slug {
        // What a payload has is left as it is.
        Some(slug) if is_slug(&slug) || args.repository.is_none() => slug,
        Some(slug) => {
            let help = "write OWNER/NAME";
            return Err(Help::error("cli/repository", format!("`{slug}` is no repository"), help));
        }
        None => making.own_slug(root),
    };
    let actor = making.asked.text("--actor", args.actor.as_deref(), "/sender/login");
    let actor = actor.or_else(|| environment.user.clone()).unwrap_or_else(|| "wfrun".to_owned());

    let subject = subject::subject(&mut making, &default_branch)?;
    let mut event = Event {
        name,
        activity,
        git_ref: subject.git_ref.clone(),
        sha: subject.sha.clone(),
        base_ref: None,
        head_ref: None,
        head_message: None,
        changed: ChangedPaths::Unasked { why: "the workflow has no path filter".to_owned() },
        repository: slug,
        actor,
        default_branch,
        payload: Json::Null,
    };
    if event.is_pull_request() {
        event.base_ref = subject.base.as_ref().map(|it| it.short().to_owned());
        event.head_ref = Some(subject.named.short().to_owned());
    }
    making.warn(&subject);
    let commit = making.repository.describe(&subject.named.sha);
    let pushed = (event.name == "push").then(|| push::pushed(&making, &subject, commit.as_ref()));
    let message = making.asked.member("/head_commit/message").and_then(Json::as_str).map(str::to_owned);
    let own = commit.as_ref().filter(|_| pushed.as_ref().is_none_or(|it| !it.deleted));
    event.head_message = message.or_else(|| own.map(|it| it.message.clone()));
    event.changed = changed::changed(&mut making, &event, &subject, pushed.as_ref())?;
    let merge = event.name.starts_with("pull_request").then(|| making.merge(&mut event, &subject, commit.as_ref()));
    let brought = payload::Brought { pushed: pushed.as_ref(), merge: merge.as_ref().and_then(Option::as_ref) };

    let inputs = inputs::inputs(&mut making, &event)?;
    event.payload = payload::payload(&mut making, &event, &subject, commit.as_ref(), &brought, inputs.event)?;
    let Making { repository, asked, mut notices, .. } = making;
    notices.extend(asked.notices);
    let snapshot = SnapshotSettings {
        root: root.to_owned(),
        prefix: repository.prefix.clone(),
        sha: subject.sha,
        merge_base: subject.merge_base,
        dirty: false,
        repository: event.repository.clone(),
        near: NearWanted::default(),
        lfs: false,
    };
    Ok(Situation { event, inputs: inputs.context, snapshot, notices, repository })
}

/// Whether a text is `owner/name`.
fn is_slug(text: &str) -> bool {
    let legal = |it: &str| !it.is_empty() && it.chars().all(|it| it.is_ascii_alphanumeric() || "-_.".contains(it));
    text.split_once('/').is_some_and(|(owner, name)| legal(owner) && legal(name))
}

impl Making<'_> {
    /// Says which options of pull requests the event has no use for.
    fn without_effect(&mut self) {
        let (name, args) = (&self.asked.name, self.asked.args);
        if name.starts_with("pull_request") {
            return;
        }
        let base = args.base.as_ref().filter(|_| name != "merge_group").map(|it| format!("--base {it}"));
        let head = args.head.as_ref().map(|it| format!("--head {it}"));
        let number = args.pr.filter(|_| name != "merge_group").map(|it| format!("--pr {it}"));
        for option in [base, head, number].into_iter().flatten() {
            let instead = "`--event pull_request` is about one";
            self.notices.push(format!("`{option}` has no effect: `{name}` is about no pull request; {instead}"));
        }
    }

    /// The repository's name, as git has it; that it is made up is said where the workflow asks for it.
    fn own_slug(&mut self, root: &Path) -> String {
        let slug = self.repository.slug(root);
        let is_made_up = slug.starts_with("local/") && self.repository.missing().is_none();
        if is_made_up && self.workflow.source.text().contains("github.repository") {
            let way_out = "`--repository OWNER/NAME` gives it";
            self.notices.push(format!("git has no remote, so `github.repository` is made up as `{slug}`; {way_out}"));
        }
        slug
    }

    /// Whether the workflow has a path filter for the event.
    fn has_path_filter(&self) -> bool {
        self.workflow.on.event(&self.asked.name).is_some_and(|it| it.paths.is_some())
    }

    /// Says what a person may not expect about the commit and the workflow file.
    fn warn(&mut self, subject: &Subject) {
        let args = self.asked.args;
        if subject.is_checked_out && args.sha.is_none() && self.repository.is_detached() {
            let pushed = &subject.named.git_ref;
            self.notices.push(format!("no branch is checked out: the commit is taken as pushed to {pushed}"));
        }
        let path = self.workflow.source.path();
        let is_there = self.repository.git.folder().join(path).is_file();
        if self.repository.missing().is_none() && is_there {
            self.notices.extend(self.repository.unlike_the_commit(&subject.sha, path));
        }
    }

    /// Merges a pull request, and lets the event run on what comes of it if it runs there.
    fn merge(&mut self, event: &mut Event, subject: &Subject, commit: Option<&Commit>) -> Option<Merge> {
        let merge = pull_request::merge(&self.repository, subject, commit)?;
        if subject.merge_base.is_some() {
            match &merge {
                Merge::Commit(sha) => event.sha.clone_from(sha),
                Merge::Conflict | Merge::Unknown(_) => self.notices.extend(pull_request::unmerged(&event.name, &merge)),
            }
        }
        Some(merge)
    }

    /// The head of the default branch; of HEAD where git does not have that branch.
    fn default_head(&mut self, default_branch: &str) -> Resolved {
        let git_ref = format!("refs/heads/{default_branch}");
        if let Some(sha) = self.repository.look_up(default_branch) {
            return Resolved { git_ref, sha, is_known: true };
        }
        if self.repository.missing().is_none() {
            let taken = "HEAD is taken for its head";
            self.notices.push(format!("git does not know the default branch `{default_branch}`: {taken}"));
        }
        Resolved { git_ref, sha: self.repository.head(), is_known: false }
    }
}

/// Lays `more` over `base`, mapping by mapping.
pub(crate) fn merge(base: &mut Json, more: Json) {
    match (base, more) {
        (Json::Object(base), Json::Object(more)) => {
            for (key, value) in more {
                merge(base.entry(key).or_insert(Json::Null), value);
            }
        }
        (base, more) => *base = more,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn payloads_are_laid_over() {
        let mut base = json!({"a": {"b": 1, "c": 2}, "d": [1]});
        merge(&mut base, json!({"a": {"b": 3}, "d": [2], "e": null}));
        assert_eq!(base, json!({"a": {"b": 3, "c": 2}, "d": [2], "e": null}));
    }
}
