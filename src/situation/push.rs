//! What a push brought: from where to where, and which commits.
use serde_json::{Value as Json, json};
use wfrun_plan::Event;

use super::Making;
use super::subject::{Subject, is_deletion};
use crate::repository::{Commit, NO_COMMIT, Repository, Resolved};

/// The commits that a push brought.
pub(super) struct Pushed {
    /// What the ref was before; zeros for a new one.
    before: String,
    /// Whether the ref is new.
    created: bool,
    /// Whether it does not go on from where the ref was.
    forced: bool,
    /// From where the diff for path filters goes.
    pub(super) from: From,
    /// Whether the ref is gone.
    pub(super) deleted: bool,
    /// The last commit; none where the ref is gone.
    head: Option<Commit>,
    /// The commits, the oldest first; none of a tag.
    commits: Vec<Commit>,
    /// How many there are, also where that is more than were listed.
    pub(super) count: usize,
}

/// From where a diff goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum From {
    /// This commit.
    Commit(String),
    /// From nothing: the history begins with the push.
    Nothing,
    /// Nobody can tell.
    Unknown(String),
}

/// So many commits are in the payload at most.
///
/// Source: <https://docs.github.com/en/webhooks/webhook-events-and-payloads#push>
const MOST_COMMITS: usize = 2048;

/// Finds out what a push brought.
///
/// What `origin` has of the branch is what it was before. A branch that `origin` lacks is new, and counts from the
/// parent of its deepest commit that `origin` lacks. Where nothing is known of `origin`, or it has the commit
/// already, the last commit is what was pushed.
/// Source: GitHub: planning rules 2.4, the changed-file set.
pub(super) fn pushed(making: &Making<'_>, subject: &Subject, head: Option<&Commit>) -> Pushed {
    let repository = &making.repository;
    let named = &subject.named;
    if is_deletion(making) {
        return gone(named);
    }
    let is_tag = named.git_ref.starts_with("refs/tags/");
    let parent = head.and_then(|it| it.parents.first().cloned());
    let last = || match (&parent, head) {
        (Some(parent), _) => From::Commit(parent.clone()),
        (None, None) => From::Unknown("there is no commit".to_owned()),
        (None, Some(_)) if repository.is_shallow() => {
            From::Unknown("the clone is shallow and does not have the commit before".to_owned())
        }
        (None, Some(_)) => From::Nothing,
    };
    let told = making.asked.member("/before").and_then(Json::as_str);
    let origin = of_origin(repository, named).filter(|_| !is_tag);
    let (before, from) = match (told, origin) {
        (Some(told), _) if told != NO_COMMIT => {
            let found = repository.git.commit(told).map(From::Commit);
            let lost =
                || From::Unknown(format!("git does not have commit `{told}`, which the payload names as `before`"));
            (Some(told.to_owned()), found.unwrap_or_else(lost))
        }
        (Some(_), _) => (None, deepest(repository, &named.sha).unwrap_or_else(last)),
        (None, Some(origin)) if is_new_to(repository, origin, named) => {
            (Some(origin.clone()), From::Commit(origin.clone()))
        }
        (None, None) if is_tag => (None, last()),
        (None, None) if repository.knows_origin() => (None, deepest(repository, &named.sha).unwrap_or_else(last)),
        (None, None) if !named.is_known => (None, last()),
        (None, _) => (parent.clone(), last()),
    };
    let created = before.is_none();
    let forced = before.as_ref().is_some_and(|it| {
        !created && *it != named.sha && parent.as_ref() != Some(it) && !repository.is_ancestor(it, &named.sha)
    });
    let (commits, count) = if is_tag { (Vec::new(), 0) } else { commits(repository, &from, head) };
    let before = before.unwrap_or_else(|| NO_COMMIT.to_owned());
    Pushed { before, created, forced, from, deleted: false, head: head.cloned(), commits, count }
}

/// What the deletion of a ref brings: nothing.
fn gone(named: &Resolved) -> Pushed {
    let before = if named.is_known { named.sha.clone() } else { NO_COMMIT.to_owned() };
    let from = From::Unknown(format!("`{}` is deleted", named.short()));
    Pushed { before, created: false, forced: false, from, deleted: true, head: None, commits: Vec::new(), count: 0 }
}

/// What `origin` has of a branch.
fn of_origin<'r>(repository: &'r Repository, named: &Resolved) -> Option<&'r String> {
    repository.refs.get(&format!("refs/remotes/origin/{}", named.short()))
}

/// Whether `origin` lacks what is pushed.
fn is_new_to(repository: &Repository, origin: &str, named: &Resolved) -> bool {
    *origin != named.sha && !repository.is_ancestor(&named.sha, origin)
}

/// What the branch was before its head was pushed, if `origin` has that: an older commit, or what is pushed away.
pub(super) fn before<'r>(repository: &'r Repository, named: &Resolved) -> Option<&'r String> {
    of_origin(repository, named).filter(|it| is_new_to(repository, it, named))
}

/// Where a new branch begins: at the parent of the deepest commit that `origin` lacks; none if it lacks none.
fn deepest(repository: &Repository, sha: &str) -> Option<From> {
    let listed = repository.git.look_up(&["rev-list", "--topo-order", sha, "--not", "--remotes=origin"])?;
    let deepest = listed.lines().last()?;
    Some(repository.git.commit(&format!("{deepest}^")).map_or(From::Nothing, From::Commit))
}

/// The commits behind `from`, the oldest first, and their number.
fn commits(repository: &Repository, from: &From, head: Option<&Commit>) -> (Vec<Commit>, usize) {
    let Some(head) = head else { return (Vec::new(), 0) };
    let range = match from {
        // One commit on top of another: there is nothing more to ask.
        From::Commit(from) if head.parents.as_slice() == [from.clone()] => return (vec![head.clone()], 1),
        From::Commit(from) => format!("{from}..{}", head.id),
        From::Nothing if head.parents.is_empty() => return (vec![head.clone()], 1),
        From::Nothing => head.id.clone(),
        From::Unknown(_) => return (vec![head.clone()], 1),
    };
    let most = format!("--max-count={MOST_COMMITS}");
    let mut commits = repository.commits(&[&range, "--topo-order", &most]).unwrap_or_default();
    commits.reverse();
    let mut count = commits.len();
    if count == MOST_COMMITS {
        let all = repository.git.look_up(&["rev-list", "--count", &range]);
        count = all.and_then(|it| it.parse().ok()).unwrap_or(count);
    }
    (commits, count)
}

/// `github.event` of a push. Source: GitHub: planning rules 2.3.
pub(super) fn payload(event: &Event, subject: &Subject, pushed: &Pushed) -> Json {
    let html = format!("https://github.com/{}", event.repository);
    let from = match &pushed.from {
        From::Commit(from) if pushed.created => from,
        From::Commit(_) | From::Nothing | From::Unknown(_) => &pushed.before,
    };
    let short = |it: &str| it.get(..12).unwrap_or(it).to_owned();
    let after = if pushed.deleted { NO_COMMIT } else { &subject.named.sha };
    let compare = format!("{html}/compare/{}...{}", short(from), short(after));
    let head = pushed.head.as_ref();
    json!({
        "ref": subject.named.git_ref, "before": pushed.before, "after": after, "base_ref": null,
        "created": pushed.created, "deleted": pushed.deleted, "forced": pushed.forced, "compare": compare,
        "commits": pushed.commits.iter().map(|it| it.to_json(&html)).collect::<Vec<_>>(),
        "head_commit": head.map_or(Json::Null, |it| it.to_json(&html)),
        "pusher": {"name": event.actor, "email": head.map(Commit::email).unwrap_or_default()},
    })
}
