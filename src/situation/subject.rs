//! Which ref and commit an event is about, and which it runs on.
use super::Making;
use crate::repository::{NO_COMMIT, Resolved};

/// The ref and commit of an event.
pub(super) struct Subject {
    /// `github.ref`
    pub(super) git_ref: String,
    /// `github.sha`, before a pull request is merged.
    pub(super) sha: String,
    /// What the event is about: the pushed or deleted ref, a pull request's head, a release's tag …
    pub(super) named: Resolved,
    /// The base of a pull request or merge group.
    pub(super) base: Option<Resolved>,
    /// The number of a pull request.
    pub(super) number: u64,
    /// The commit of the base that a pull request's head is merged into.
    pub(super) merge_base: Option<String>,
    /// Whether nobody named a ref, so that it is what is checked out.
    pub(super) is_checked_out: bool,
}

/// What kind of ref an event runs on.
///
/// Source: GitHub: planning rules 2.2.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The ref that it is about.
    Named,
    /// The merge of a pull request.
    Merge,
    /// The default branch; it is about a branch all the same.
    DefaultAbout,
    /// The default branch.
    Default,
    /// The branch that a merge queue makes.
    Group,
    /// The tag of a release.
    Tag,
}

impl Place {
    fn of(event: &str) -> Self {
        match event {
            "push" | "create" | "deployment" | "deployment_status" | "registry_package" | "workflow_call"
            | "workflow_dispatch" => Self::Named,
            "pull_request" | "pull_request_review" | "pull_request_review_comment" => Self::Merge,
            "delete" | "pull_request_target" | "workflow_run" => Self::DefaultAbout,
            "merge_group" => Self::Group,
            "release" => Self::Tag,
            _ => Self::Default,
        }
    }
}

/// Whether an event runs on the default branch, and is about no other.
pub(crate) fn runs_on_default(event: &str) -> bool {
    Place::of(event) == Place::Default
}

/// Whether the head of the default branch is asked for.
pub(super) fn asks_default(event: &str) -> bool {
    matches!(Place::of(event), Place::Default | Place::DefaultAbout)
}

/// Where the payload names the ref, and where its commit.
fn members(event: &str) -> (&'static str, &'static str) {
    match event {
        "push" => ("/ref", "/after"),
        "deployment" | "deployment_status" => ("/deployment/ref", "/deployment/sha"),
        "release" => ("/release/tag_name", "/sha"),
        "merge_group" => ("/pull_request/head/ref", "/merge_group/head_sha"),
        "workflow_run" => ("/workflow_run/head_branch", "/workflow_run/head_sha"),
        event if event.starts_with("pull_request") => ("/pull_request/head/ref", "/pull_request/head/sha"),
        _ => ("/ref", "/sha"),
    }
}

/// Finds out which ref and commit an event is about.
pub(super) fn subject(making: &mut Making<'_>, default_branch: &str) -> anyhow::Result<Subject> {
    let (name, args) = (making.asked.name.clone(), making.asked.args);
    let place = Place::of(&name);
    let is_pull = name.starts_with("pull_request");
    let (at_ref, at_sha) = members(&name);

    let mut option = ("--ref", args.git_ref.as_deref());
    let mut number = None;
    if let Some(asked) = args.git_ref.as_deref().and_then(pull_number).filter(|_| is_pull) {
        (number, option) = (Some(asked), ("--ref", None));
    }
    if is_pull && args.head.is_some() {
        let other = option.1.filter(|it| Some(*it) != args.head.as_deref());
        if let Some(other) = other {
            making.notices.push(format!("`--ref {other}` has no effect: `--head` names the head of the pull request"));
        }
        option = ("--head", args.head.as_deref());
    }
    if place == Place::Default {
        return on_default(making, default_branch, at_sha);
    }
    let wanted = making.asked.text(option.0, option.1, at_ref);
    let named = named(making, place, wanted.as_deref(), default_branch)?;
    let sha = commit(making, at_sha, &named.sha)?;
    let named = Resolved { sha, ..named };

    let given = args.pr.or(number).map(|it| it.to_string());
    let number = making.asked.text("--pr", given.as_deref(), "/number");
    let number = number.and_then(|it| it.parse().ok()).unwrap_or(1);
    let base = if is_pull || place == Place::Group { Some(base(making, default_branch)?) } else { None };
    let mut merge_base = None;
    let (git_ref, sha) = match place {
        Place::Named | Place::Tag if is_deletion(making) => default_place(making, default_branch),
        Place::Named | Place::Tag => (named.git_ref.clone(), named.sha.clone()),
        Place::Merge if is_merged(making) => {
            let base = base.as_ref().unwrap_or(&named);
            (base.git_ref.clone(), if base.is_known { base.sha.clone() } else { named.sha.clone() })
        }
        Place::Merge => {
            merge_base = base.as_ref().filter(|it| it.is_known && it.sha != named.sha).map(|it| it.sha.clone());
            (format!("refs/pull/{number}/merge"), named.sha.clone())
        }
        Place::DefaultAbout | Place::Default => default_place(making, default_branch),
        Place::Group => {
            let base = base.as_ref().unwrap_or(&named);
            let short = base.short();
            (format!("refs/heads/gh-readonly-queue/{short}/pr-{number}-{}", base.sha), named.sha.clone())
        }
    };
    let sha = match &args.sha {
        Some(_) => named.sha.clone(),
        None => sha,
    };
    let is_checked_out = wanted.is_none() && place != Place::Tag;
    Ok(Subject { git_ref, sha, named, base, number, merge_base, is_checked_out })
}

/// Of events that are about no ref: `--ref` cannot change where they run.
fn on_default(making: &mut Making<'_>, default_branch: &str, at_sha: &str) -> anyhow::Result<Subject> {
    let (name, args) = (making.asked.name.clone(), making.asked.args);
    let asked = args.git_ref.as_deref().filter(|it| *it != "HEAD");
    let other = asked.filter(|it| it.strip_prefix("refs/heads/").unwrap_or(it) != default_branch);
    if let Some(other) = other {
        let instead = format!("`--default-branch {other}` makes it that one");
        making.notices.push(format!(
            "`--ref {other}` has no effect: `{name}` runs on the default branch, which is `{default_branch}`; {instead}"
        ));
    }
    let head = making.default_head(default_branch);
    let sha = commit(making, at_sha, &head.sha)?;
    let named = Resolved { sha: sha.clone(), ..head };
    let git_ref = named.git_ref.clone();
    Ok(Subject { git_ref, sha, named, base: None, number: 1, merge_base: None, is_checked_out: false })
}

fn default_place(making: &mut Making<'_>, default_branch: &str) -> (String, String) {
    let head = making.default_head(default_branch);
    (head.git_ref, head.sha)
}

/// What the event is about.
fn named(
    making: &mut Making<'_>,
    place: Place,
    wanted: Option<&str>,
    default_branch: &str,
) -> anyhow::Result<Resolved> {
    let either = ["refs/heads/", "refs/tags/"];
    if making.asked.name == "delete" || is_deletion(making) {
        // What is deleted need not be there.
        let kind = making.asked.member("/ref_type").and_then(|it| it.as_str()).unwrap_or("branch");
        let prefix = if kind == "tag" { "refs/tags/" } else { "refs/heads/" };
        let mut unsaid = Vec::new();
        let found = making.repository.resolve(wanted.or(Some("deleted")), &[prefix], &mut unsaid)?;
        return Ok(found);
    }
    if place != Place::Tag {
        let kind = making.asked.member("/ref_type").and_then(|it| it.as_str());
        let prefixes: &[&str] = if kind == Some("tag") { &["refs/tags/"] } else { &either };
        return making.repository.resolve(wanted, prefixes, &mut making.notices);
    }
    let newest = if wanted.is_none() { making.repository.newest_tag() } else { None };
    if wanted.is_none() && newest.is_none() {
        making.notices.push("there is no tag to release: `v1.0.0` is taken, at the default branch".to_owned());
        let head = making.default_head(default_branch);
        return Ok(Resolved { git_ref: "refs/tags/v1.0.0".to_owned(), ..head });
    }
    let wanted = wanted.or(newest.as_deref()).map(|it| it.strip_prefix("refs/tags/").unwrap_or(it));
    making.repository.resolve(wanted, &["refs/tags/"], &mut making.notices)
}

/// The commit: given by option, or in the payload where git has it, or the ref's.
fn commit(making: &mut Making<'_>, pointer: &str, own: &str) -> anyhow::Result<String> {
    let given = making.asked.args.sha.as_deref();
    if let Some(given) = given {
        let full = making.repository.commit(given)?;
        making.asked.text("--sha", Some(&full), pointer);
        return Ok(full);
    }
    let told = making.asked.member(pointer).and_then(|it| it.as_str()).map(str::to_owned);
    let Some(told) = told.filter(|it| it != NO_COMMIT && it != own) else { return Ok(own.to_owned()) };
    if making.repository.missing().is_some() {
        return Ok(told);
    }
    if let Some(full) = making.repository.git.commit(&told) {
        return Ok(full);
    }
    let member = pointer.trim_start_matches('/').replace('/', ".");
    let short = own.get(..7).unwrap_or(own);
    making
        .notices
        .push(format!("git does not have commit `{told}`, which the payload names as `{member}`: {short} is taken"));
    Ok(own.to_owned())
}

/// The base of a pull request or merge group.
fn base(making: &mut Making<'_>, default_branch: &str) -> anyhow::Result<Resolved> {
    let at = if making.asked.name == "merge_group" { "/merge_group/base_ref" } else { "/pull_request/base/ref" };
    let wanted = making.asked.text("--base", making.asked.args.base.as_deref(), at);
    let wanted = wanted.unwrap_or_else(|| default_branch.to_owned());
    let short = wanted.strip_prefix("refs/heads/").unwrap_or(&wanted);
    let mut unsaid = Vec::new();
    let found = making.repository.resolve(Some(short), &["refs/heads/"], &mut unsaid)?;
    if !found.is_known {
        if making.repository.missing().is_none() {
            let merges = Place::of(&making.asked.name) == Place::Merge;
            let effect = if merges { ", so the head is not merged into it" } else { "" };
            making.notices.push(format!("git does not know the base branch `{short}`{effect}"));
        }
        return Ok(Resolved { sha: NO_COMMIT.to_owned(), ..found });
    }
    Ok(found)
}

/// Whether a push deletes its ref.
pub(super) fn is_deletion(making: &Making<'_>) -> bool {
    making.asked.name == "push" && making.asked.member("/deleted").and_then(serde_json::Value::as_bool) == Some(true)
}

/// Whether a pull request was closed by merging it.
fn is_merged(making: &Making<'_>) -> bool {
    let is_closed = making.asked.member("/action").is_some_and(|it| it == "closed");
    let option = making.asked.args.activity.as_deref().filter(|it| !it.is_empty());
    let merged = making.asked.member("/pull_request/merged").and_then(serde_json::Value::as_bool);
    option.map_or(is_closed, |it| it == "closed") && merged == Some(true)
}

/// `7` of `refs/pull/7/merge`.
fn pull_number(git_ref: &str) -> Option<u64> {
    let (number, end) = git_ref.strip_prefix("refs/pull/")?.split_once('/')?;
    number.parse().ok().filter(|_| matches!(end, "merge" | "head"))
}
