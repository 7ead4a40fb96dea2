//! Commits: which one a name means, and what they look like.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Api;
use super::answer::{Answer, Answered, Refusal};
use super::call::Call;
use super::diff::{Compared, changed_files, patch_text};
use super::names::{is_id, is_name, tree_path};

/// What a commit is read from: fields and commits end in NUL. Times are in UTC as GitHub writes them.
const FORMAT: &str = "--format=%H%x00%T%x00%P%x00%an%x00%ae%x00%ad%x00%cn%x00%ce%x00%cd%x00%B";
const DATES: &str = "--date=format-local:%Y-%m-%dT%H:%M:%SZ";
const FIELDS: usize = 10;

impl Api {
    /// The commit that a ref, a branch, a tag or an id stands for; a branch wins over a tag.
    pub(super) fn resolve(&self, name: &str) -> Result<Option<String>, Refusal> {
        let name = if name == "HEAD" { self.settings.default_branch.as_str() } else { name };
        if !is_name(name) {
            return Ok(None);
        }
        let full = name.strip_prefix("refs/").unwrap_or(name);
        for git_ref in [format!("refs/heads/{name}"), format!("refs/tags/{name}"), format!("refs/{full}")] {
            let known = self.state().refs.get(&git_ref).cloned();
            let found = match known {
                Some(None) => None,
                Some(Some(id)) => self.git.commit(&id)?,
                None => self.git.commit(&git_ref)?,
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        let is_part_of_id = name.len() >= 4 && name.bytes().all(|it| it.is_ascii_hexdigit());
        if is_part_of_id { self.git.commit(name) } else { Ok(None) }
    }

    /// The commit, or GitHub's answer for one that is not there.
    pub(super) fn resolved(&self, name: &str) -> Result<String, Refusal> {
        let none = || Refusal::unprocessable(format!("No commit found for SHA: {name}"));
        self.resolve(name)?.ok_or_else(none)
    }

    /// All refs below `refs/heads/` and so on, with the objects that they name.
    pub(super) fn refs_below(&self, prefix: &str) -> Result<BTreeMap<String, String>, Refusal> {
        let format = "--format=%(objectname) %(refname)";
        let listed = self.git.text(&["for-each-ref", format, "refs/heads", "refs/tags"])?.unwrap_or_default();
        let pairs = listed.lines().filter_map(|it| it.split_once(' '));
        let mut all: BTreeMap<String, String> = pairs.map(|(id, name)| (name.to_owned(), id.to_owned())).collect();
        for (name, id) in &self.state().refs {
            match id {
                Some(id) => all.insert(name.clone(), id.clone()),
                None => all.remove(name),
            };
        }
        all.retain(|name, _| name.starts_with(prefix));
        Ok(all)
    }

    /// The commits that `git log` gives for these arguments, as GitHub shows them.
    pub(super) fn log(&self, arguments: &[&str]) -> Result<Vec<Value>, Refusal> {
        let mut all = vec!["--literal-pathspecs", "log", "-z", FORMAT, DATES];
        all.extend(arguments);
        let env = [("TZ", "UTC".to_owned())];
        let bytes = self.git.run(&all, &env, None)?.unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let fields: Vec<&str> = text.split('\0').collect();
        Ok(fields.chunks_exact(FIELDS).map(|it| self.commit_json(it)).collect())
    }

    fn commit_json(&self, fields: &[&str]) -> Value {
        let field = |at: usize| fields.get(at).copied().unwrap_or_default();
        let (id, tree) = (field(0), field(1));
        let person = |at: usize| json!({"name": field(at), "email": field(at + 1), "date": field(at + 2)});
        let parent = |it: &str| {
            let (url, html) = (self.rest(&format!("/commits/{it}")), self.html(&format!("/commit/{it}")));
            json!({"sha": it, "url": url, "html_url": html})
        };
        let parents: Vec<Value> = field(2).split(' ').filter(|it| !it.is_empty()).map(parent).collect();
        json!({
            "sha": id, "node_id": format!("C_{id}"), "url": self.rest(&format!("/commits/{id}")),
            "html_url": self.html(&format!("/commit/{id}")), "author": null, "committer": null, "parents": parents,
            "comments_url": self.rest(&format!("/commits/{id}/comments")),
            "commit": {
                "author": person(3), "committer": person(6), "message": field(9).trim_end_matches('\n'),
                "tree": {"sha": tree, "url": self.rest(&format!("/git/trees/{tree}"))},
                "url": self.rest(&format!("/git/commits/{id}")), "comment_count": 0,
                "verification": {"verified": false, "reason": "unsigned", "signature": null, "payload": null},
            },
        })
    }

    /// One commit.
    pub(super) fn one_commit(&self, id: &str) -> Result<Value, Refusal> {
        self.log(&["--max-count=1", id, "--"])?.pop().ok_or_else(Refusal::not_found)
    }

    /// One commit as an object of git, which the API shows otherwise.
    pub(super) fn commit_object(&self, id: &str) -> Result<Value, Refusal> {
        let mut shown = self.one_commit(id)?;
        let mut plain = shown["commit"].take();
        for name in ["sha", "node_id", "html_url", "parents"] {
            plain[name] = shown[name].take();
        }
        Ok(plain)
    }
}

/// `GET /commits`
pub(super) fn list(call: &Call<'_>) -> Answered {
    let start = call.query("sha").unwrap_or("HEAD");
    let start = call.api.resolve(start)?.ok_or_else(Refusal::not_found)?;
    let path = tree_path(call.query("path").unwrap_or_default()).ok_or_else(bad_path)?;
    let mut filters = vec![start];
    let option = |name: &str, of: &str| call.query(name).map(|it| format!("--{of}={it}"));
    filters
        .extend([option("author", "author"), option("since", "since"), option("until", "until")].into_iter().flatten());
    filters.push("--".to_owned());
    filters.extend((!path.is_empty()).then(|| path.to_owned()));
    let mut count = vec!["--literal-pathspecs", "rev-list", "--count"];
    count.extend(filters.iter().map(String::as_str));
    let total = call.api.git.text(&count)?.and_then(|it| it.parse().ok()).unwrap_or_default();
    let page = call.page();
    let (skip, most) = (format!("--skip={}", page.skipped()), format!("--max-count={}", page.size));
    let mut arguments = vec![skip.as_str(), most.as_str()];
    arguments.extend(filters.iter().map(String::as_str));
    Ok(call.page_of(call.api.log(&arguments)?.into(), total))
}

/// `GET /commits/{ref}`: the commit with its files, its id alone, or its diff.
pub(super) fn get(call: &Call<'_>) -> Answered {
    let id = call.api.resolved(call.param("ref"))?;
    if call.accepts("sha") {
        return Ok(Answer::bytes(id.into_bytes(), "application/vnd.github.sha; charset=utf-8"));
    }
    let mut commit = call.api.one_commit(&id)?;
    let parent = commit["parents"][0]["sha"].as_str().map(str::to_owned);
    let compared = Compared { base: parent, head: id };
    if let Some(text) = patch_text(call, &compared)? {
        return Ok(text);
    }
    let files = changed_files(call.api, &compared)?;
    let sum = |name: &str| files.iter().filter_map(|it| it[name].as_u64()).sum::<u64>();
    let (additions, deletions) = (sum("additions"), sum("deletions"));
    commit["stats"] = json!({"additions": additions, "deletions": deletions, "total": additions + deletions});
    let (page, total) = (call.page(), files.len());
    commit["files"] = files.into_iter().skip(page.skipped()).take(page.size.max(100)).collect();
    Ok(if total > 100 { call.page_of(commit, total) } else { Answer::json(commit) })
}

/// `GET /git/commits/{sha}`
pub(super) fn get_object(call: &Call<'_>) -> Answered {
    let id = Some(call.param("sha")).filter(|it| is_id(it)).ok_or_else(Refusal::not_found)?;
    let id = call.api.git.commit(id)?.ok_or_else(Refusal::not_found)?;
    Ok(Answer::json(call.api.commit_object(&id)?))
}

/// `GET /commits/{ref}/pulls`: of the event's pull request, the one that has the commit.
pub(super) fn pulls(call: &Call<'_>) -> Answered {
    let id = call.api.resolved(call.param("ref"))?;
    let pulls = call.api.all_pulls();
    let mut found = Vec::new();
    for pull in pulls {
        let side = |name: &str| pull[name]["sha"].as_str().unwrap_or_default().to_owned();
        let range = format!("{}..{}", side("base"), side("head"));
        let commits = call.api.git.text(&["rev-list", "--max-count=250", &range, "--"])?.unwrap_or_default();
        if pull["merge_commit_sha"] == id.as_str() || commits.lines().any(|it| it == id) {
            found.push(pull);
        }
    }
    call.paged(found)
}

pub(super) fn bad_path() -> Refusal {
    Refusal::unprocessable("path contains a malformed path component")
}
