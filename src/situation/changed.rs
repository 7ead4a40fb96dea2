//! Which files a push or pull request changes.
use std::collections::BTreeSet;
use std::path::Path;

use wfrun_plan::{ChangedPaths, Event};

use super::Making;
use super::push::{From, Pushed};
use super::subject::Subject;
use crate::output::Help;
use crate::repository::Repository;

/// GitHub makes no diff of a push of more commits than these.
///
/// Source: GitHub: planning rules 2.4.
const MOST_COMMITS: usize = 1000;

/// So many files are named in a notice.
const NAMED: usize = 3;

/// The changed files: given ones, those since a given revision, or what git says by GitHub's rules.
///
/// Only asked of git where the workflow has a path filter, for which they matter.
pub(super) fn changed(
    making: &mut Making<'_>,
    event: &Event,
    subject: &Subject,
    pushed: Option<&Pushed>,
) -> anyhow::Result<ChangedPaths> {
    let args = making.asked.args;
    let matters = making.has_path_filter();
    let unknown = |why: &str| ChangedPaths::Unknown { why: why.to_owned() };
    let (option, given) = if !args.changed.is_empty() {
        let given = args.changed.iter().map(|it| relative(it, making.repository.git.folder())).collect();
        ("--changed", ChangedPaths::Known(given))
    } else if let Some(since) = &args.since {
        let since = making.repository.commit(since)?;
        if !matters {
            return Ok(unknown("the workflow has no path filter"));
        }
        ("--since", diff(&making.repository, &format!("{since}..{}", subject.named.sha)))
    } else {
        return Ok(if matters {
            of_git(making, event, subject, pushed)
        } else {
            unknown("the workflow has no path filter")
        });
    };
    if matters && making.repository.missing().is_none() {
        let own = of_git(making, event, subject, pushed);
        if let (ChangedPaths::Known(own), ChangedPaths::Known(given)) = (&own, &given) {
            contradiction(making, option, own, given);
        }
    }
    Ok(given)
}

/// The files that were changed since a revision, up to the commit of a ref; of HEAD where git does not have that.
pub(crate) fn changed_since(root: &Path, since: &str, git_ref: Option<&str>) -> anyhow::Result<Vec<String>> {
    let repository = Repository::open(root);
    repository.required()?;
    let since = repository.commit(since)?;
    let short = |it: &str| it.trim_start_matches("refs/heads/").trim_start_matches("refs/tags/").to_owned();
    let head = git_ref.and_then(|it| repository.look_up(&short(it))).unwrap_or_else(|| repository.head());
    match diff(&repository, &format!("{since}..{head}")) {
        ChangedPaths::Known(paths) => Ok(paths),
        ChangedPaths::Unknown { why } | ChangedPaths::Unasked { why } => {
            let help = "see that git has both commits";
            Err(Help::error("git/unknown-commit", format!("git does not say what is changed: {why}"), help))
        }
    }
}

fn contradiction(making: &mut Making<'_>, option: &str, own: &[String], given: &[String]) {
    let set = |it: &[String]| it.iter().cloned().collect::<BTreeSet<_>>();
    if set(own) == set(given) {
        return;
    }
    let named: Vec<_> = own.iter().take(NAMED).map(|it| format!("`{it}`")).collect();
    let rest = own.len().saturating_sub(NAMED);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    let told =
        if own.is_empty() { "that nothing is changed".to_owned() } else { format!("{}{more}", named.join(", ")) };
    making.notices.push(format!("the changed files are those of `{option}`; git would say {told}"));
}

/// A path as git has it, relative to the root.
fn relative(path: &str, root: &Path) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    let below = Path::new(path).strip_prefix(root).ok().and_then(|it| it.to_str());
    below.unwrap_or(path).to_owned()
}

/// Source: GitHub: planning rules 2.4, the changed-file set.
fn of_git(making: &mut Making<'_>, event: &Event, subject: &Subject, pushed: Option<&Pushed>) -> ChangedPaths {
    let repository = &making.repository;
    let unknown = |why: String| ChangedPaths::Unknown { why };
    if let Some(why) = repository.missing() {
        return unknown(why);
    }
    let head = &subject.named.sha;
    if let Some(pushed) = pushed {
        if pushed.count > MOST_COMMITS {
            let why = format!("{} commits are pushed, and GitHub looks at {MOST_COMMITS} at most", pushed.count);
            return ChangedPaths::Unasked { why };
        }
        return match &pushed.from {
            From::Commit(from) => diff(repository, &format!("{from}..{head}")),
            From::Nothing => whole(repository, head),
            From::Unknown(why) => unknown(why.clone()),
        };
    }
    let base = subject.base.as_ref().filter(|_| event.is_pull_request());
    match base {
        Some(base) if !base.is_known => unknown(format!("git does not know the base branch `{}`", base.short())),
        Some(base) if base.sha == *head => {
            let notice =
                format!("the head has no commit that `{}` lacks: the last one counts as changed", base.short());
            // Where the files were given, it does not count.
            if making.asked.args.changed.is_empty() && making.asked.args.since.is_none() {
                making.notices.push(notice);
            }
            match repository.git.commit(&format!("{head}^")) {
                Some(parent) => diff(repository, &format!("{parent}..{head}")),
                None if repository.is_shallow() => unknown("the clone is shallow".to_owned()),
                None => whole(repository, head),
            }
        }
        // It counts from where the branch left the base.
        Some(base) => diff(repository, &format!("{}...{head}", base.sha)),
        None => unknown(format!("`{}` has no changed files", event.name)),
    }
}

/// Of a renamed file both names count; a submodule counts as a file, whatever the configuration leaves out.
fn diff(repository: &Repository, range: &str) -> ChangedPaths {
    let options = ["--name-only", "--no-renames", "--relative", "--ignore-submodules=none", "-z"];
    listed(repository, &[&["diff"], &options[..], &[range, "--"]].concat())
}

/// All files of a commit.
fn whole(repository: &Repository, sha: &str) -> ChangedPaths {
    listed(repository, &["ls-tree", "-r", "--name-only", "-z", sha])
}

fn listed(repository: &Repository, arguments: &[&str]) -> ChangedPaths {
    match repository.git.ask(arguments) {
        Ok(names) => ChangedPaths::Known(names.split('\0').filter(|it| !it.is_empty()).map(str::to_owned).collect()),
        Err(err) => ChangedPaths::Unknown { why: err.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_as_git_has_them() {
        for (given, expected) in [("src/a", "src/a"), ("./src/a", "src/a"), ("/repo/src/a", "src/a"), ("/b/a", "/b/a")]
        {
            assert_eq!(relative(given, Path::new("/repo")), expected);
        }
    }
}
