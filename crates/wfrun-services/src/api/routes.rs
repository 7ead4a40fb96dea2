//! What is served: method, path, name, permission, answer.

use percent_encoding::percent_decode_str;

use super::answer::Answered;
use super::call::Call;
use super::grant::Access::{Read, Write};
use super::grant::Need;
use super::{
    assets, checks, comments, commits, compare, contents, dispatch, issues, labels, pulls, refs, releases, repository,
    reviews, trees,
};

/// One line of the table.
pub(super) struct Route {
    pub(super) method: &'static str,
    /// Below `/repos/{owner}/{repo}`, or with `//` before it below the API itself. `{name}` is one part, `{name*}` one or
    /// more.
    pub(super) path: &'static str,
    /// GitHub's name of the operation.
    pub(super) operation: &'static str,
    pub(super) need: Need,
    pub(super) answer: Handler,
}

/// How a route answers.
#[derive(Clone, Copy)]
pub(super) enum Handler {
    /// From its body, which is JSON.
    Of(fn(&Call<'_>) -> Answered),
    /// From a file that is sent.
    OfFile(fn(&mut Call<'_>) -> Answered),
}

const fn route(
    method: &'static str,
    path: &'static str,
    operation: &'static str,
    need: Need,
    answer: fn(&Call<'_>) -> Answered,
) -> Route {
    Route { method, path, operation, need, answer: Handler::Of(answer) }
}

/// Source: GitHub: "Permissions required for GitHub Apps".
const ANY: Need = Need(&[]);
const CONTENTS: Need = Need(&[("contents", Read)]);
const CONTENTS_W: Need = Need(&[("contents", Write)]);
const ISSUES: Need = Need(&[("issues", Read), ("pull-requests", Read)]);
const ISSUES_W: Need = Need(&[("issues", Write), ("pull-requests", Write)]);
const ISSUES_ALONE_W: Need = Need(&[("issues", Write)]);
const PULLS: Need = Need(&[("pull-requests", Read)]);
const PULLS_W: Need = Need(&[("pull-requests", Write)]);
const PULLS_OR_CONTENTS: Need = Need(&[("pull-requests", Read), ("contents", Read)]);
const STATUSES: Need = Need(&[("statuses", Read)]);
const STATUSES_W: Need = Need(&[("statuses", Write)]);
const CHECKS: Need = Need(&[("checks", Read)]);
const CHECKS_W: Need = Need(&[("checks", Write)]);
const ACTIONS: Need = Need(&[("actions", Read)]);
const ACTIONS_W: Need = Need(&[("actions", Write)]);

/// All that is served; of two that fit, the first.
#[rustfmt::skip]
pub(super) const ROUTES: &[Route] = &[
    route("GET", "//rate_limit", "rate-limit/get", ANY, repository::rate_limit),
    route("GET", "", "repos/get", ANY, repository::get),
    route("GET", "/branches", "repos/list-branches", CONTENTS, refs::branches),
    route("GET", "/branches/{branch*}", "repos/get-branch", CONTENTS, refs::branch),
    route("GET", "/tags", "repos/list-tags", ANY, refs::tags),
    route("GET", "/git/ref/{ref*}", "git/get-ref", CONTENTS, refs::get),
    route("GET", "/git/refs/{ref*}", "git/get-ref", CONTENTS, refs::get),
    route("GET", "/git/matching-refs/{ref*}", "git/list-matching-refs", CONTENTS, refs::matching),
    route("POST", "/git/refs", "git/create-ref", CONTENTS_W, refs::create),
    route("PATCH", "/git/refs/{ref*}", "git/update-ref", CONTENTS_W, refs::update),
    route("DELETE", "/git/refs/{ref*}", "git/delete-ref", CONTENTS_W, refs::delete),
    route("GET", "/git/tags/{sha}", "git/get-tag", CONTENTS, refs::tag_object),
    route("POST", "/git/tags", "git/create-tag", CONTENTS_W, refs::create_tag),
    route("GET", "/git/commits/{sha}", "git/get-commit", CONTENTS, commits::get_object),
    route("POST", "/git/commits", "git/create-commit", CONTENTS_W, trees::create_commit),
    route("GET", "/git/trees/{sha*}", "git/get-tree", CONTENTS, trees::get),
    route("POST", "/git/trees", "git/create-tree", CONTENTS_W, trees::create),
    route("GET", "/git/blobs/{sha}", "git/get-blob", CONTENTS, trees::get_blob),
    route("POST", "/git/blobs", "git/create-blob", CONTENTS_W, trees::create_blob),
    route("GET", "/commits", "repos/list-commits", CONTENTS, commits::list),
    route("GET", "/commits/{ref*}/pulls", "repos/list-pull-requests-associated-with-commit", PULLS_OR_CONTENTS, commits::pulls),
    route("GET", "/commits/{ref*}/statuses", "repos/list-commit-statuses-for-ref", STATUSES, checks::statuses),
    route("GET", "/commits/{ref*}/status", "repos/get-combined-status-for-ref", STATUSES, checks::combined),
    route("GET", "/commits/{ref*}/check-runs", "checks/list-for-ref", CHECKS, checks::of_commit),
    route("GET", "/commits/{ref*}", "repos/get-commit", CONTENTS, commits::get),
    route("GET", "/compare/{basehead*}", "repos/compare-commits-with-basehead", CONTENTS, compare::compare),
    route("GET", "/readme", "repos/get-readme", CONTENTS, contents::readme),
    route("GET", "/contents", "repos/get-content", CONTENTS, contents::get),
    route("GET", "/contents/{path*}", "repos/get-content", CONTENTS, contents::get),
    route("PUT", "/contents/{path*}", "repos/create-or-update-file-contents", CONTENTS_W, contents::put),
    route("DELETE", "/contents/{path*}", "repos/delete-file", CONTENTS_W, contents::delete),
    route("GET", "/issues", "issues/list-for-repo", ISSUES, issues::list),
    route("POST", "/issues", "issues/create", ISSUES_ALONE_W, issues::create),
    route("GET", "/issues/comments", "issues/list-comments-for-repo", ISSUES, comments::list),
    route("GET", "/issues/comments/{id}", "issues/get-comment", ISSUES, comments::get),
    route("PATCH", "/issues/comments/{id}", "issues/update-comment", ISSUES_W, comments::update),
    route("DELETE", "/issues/comments/{id}", "issues/delete-comment", ISSUES_W, comments::delete),
    route("POST", "/issues/comments/{id}/reactions", "reactions/create-for-issue-comment", ISSUES_W, comments::react),
    route("GET", "/issues/{number}", "issues/get", ISSUES, issues::get),
    route("PATCH", "/issues/{number}", "issues/update", ISSUES_W, issues::update),
    route("GET", "/issues/{number}/comments", "issues/list-comments", ISSUES, comments::list),
    route("POST", "/issues/{number}/comments", "issues/create-comment", ISSUES_W, comments::create),
    route("POST", "/issues/{number}/reactions", "reactions/create-for-issue", ISSUES_W, comments::react),
    route("GET", "/issues/{number}/labels", "issues/list-labels-on-issue", ISSUES, labels::of_issue),
    route("POST", "/issues/{number}/labels", "issues/add-labels", ISSUES_W, labels::add),
    route("PUT", "/issues/{number}/labels", "issues/set-labels", ISSUES_W, labels::set),
    route("DELETE", "/issues/{number}/labels", "issues/remove-all-labels", ISSUES_W, labels::remove),
    route("DELETE", "/issues/{number}/labels/{name*}", "issues/remove-label", ISSUES_W, labels::remove),
    route("POST", "/issues/{number}/assignees", "issues/add-assignees", ISSUES_W, issues::assign),
    route("DELETE", "/issues/{number}/assignees", "issues/remove-assignees", ISSUES_W, issues::unassign),
    route("GET", "/labels", "issues/list-labels-for-repo", ISSUES, labels::list),
    route("POST", "/labels", "issues/create-label", ISSUES_W, labels::create),
    route("GET", "/labels/{name*}", "issues/get-label", ISSUES, labels::get),
    route("PATCH", "/labels/{name*}", "issues/update-label", ISSUES_W, labels::update),
    route("DELETE", "/labels/{name*}", "issues/delete-label", ISSUES_W, labels::delete),
    route("GET", "/pulls", "pulls/list", PULLS, pulls::list),
    route("POST", "/pulls", "pulls/create", PULLS_W, pulls::create),
    route("GET", "/pulls/{number}", "pulls/get", PULLS, pulls::get),
    route("PATCH", "/pulls/{number}", "pulls/update", PULLS_W, pulls::update),
    route("GET", "/pulls/{number}/files", "pulls/list-files", PULLS, pulls::files),
    route("GET", "/pulls/{number}/commits", "pulls/list-commits", PULLS, pulls::commits),
    route("GET", "/pulls/{number}/merge", "pulls/check-if-merged", PULLS, pulls::is_merged),
    route("PUT", "/pulls/{number}/merge", "pulls/merge", CONTENTS_W, pulls::merge),
    route("GET", "/pulls/{number}/reviews", "pulls/list-reviews", PULLS, reviews::list),
    route("POST", "/pulls/{number}/reviews", "pulls/create-review", PULLS_W, reviews::create),
    route("POST", "/pulls/{number}/requested_reviewers", "pulls/request-reviewers", PULLS_W, pulls::request_reviewers),
    route("GET", "/releases", "repos/list-releases", CONTENTS, releases::list),
    route("POST", "/releases", "repos/create-release", CONTENTS_W, releases::create),
    route("POST", "/releases/generate-notes", "repos/generate-release-notes", CONTENTS_W, releases::generate_notes),
    route("GET", "/releases/latest", "repos/get-latest-release", CONTENTS, releases::latest),
    route("GET", "/releases/tags/{tag*}", "repos/get-release-by-tag", CONTENTS, releases::by_tag),
    route("GET", "/releases/assets/{id}", "repos/get-release-asset", CONTENTS, assets::get),
    route("PATCH", "/releases/assets/{id}", "repos/update-release-asset", CONTENTS_W, assets::update),
    route("DELETE", "/releases/assets/{id}", "repos/delete-release-asset", CONTENTS_W, assets::delete),
    route("GET", "/releases/{id}", "repos/get-release", CONTENTS, releases::get),
    route("PATCH", "/releases/{id}", "repos/update-release", CONTENTS_W, releases::update),
    route("DELETE", "/releases/{id}", "repos/delete-release", CONTENTS_W, releases::delete),
    route("GET", "/releases/{id}/assets", "repos/list-release-assets", CONTENTS, assets::list),
    Route { method: "POST", path: "/releases/{id}/assets", operation: "repos/upload-release-asset", need: CONTENTS_W,
        answer: Handler::OfFile(assets::upload) },
    route("POST", "/statuses/{sha*}", "repos/create-commit-status", STATUSES_W, checks::create_status),
    route("GET", "/statuses/{ref*}", "repos/list-commit-statuses-for-ref", STATUSES, checks::statuses),
    route("POST", "/check-runs", "checks/create", CHECKS_W, checks::create),
    route("GET", "/check-runs/{id}", "checks/get", CHECKS, checks::get),
    route("PATCH", "/check-runs/{id}", "checks/update", CHECKS_W, checks::update),
    route("GET", "/actions/runs/{run_id}", "actions/get-workflow-run", ACTIONS, repository::run),
    route("POST", "/actions/workflows/{workflow}/dispatches", "actions/create-workflow-dispatch", ACTIONS_W, dispatch::workflow),
    route("POST", "/dispatches", "repos/create-dispatch-event", CONTENTS_W, dispatch::repository),
];

/// The parts of a route's path in braces, with what stands there.
pub(super) type Params = Vec<(&'static str, String)>;

/// The route that a method and a path mean; the path is below the repository, or begins with `//`.
pub(super) fn find(method: &str, path: &str) -> Option<(&'static Route, Params)> {
    let fit =
        |it: &'static Route| (it.method == method).then(|| params(it.path, path)).flatten().map(|found| (it, found));
    ROUTES.iter().find_map(fit)
}

/// What stands in the braces of `pattern` in `path`; none if it is another path.
fn params(pattern: &'static str, path: &str) -> Option<Params> {
    let (pattern, path): (Vec<&'static str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned);
    let name = |part: &'static str| part.strip_prefix('{')?.strip_suffix('}');
    let long = pattern.iter().position(|it| it.ends_with("*}"));
    let (before, after) = match long {
        Some(at) => (at, pattern.len() - at - 1),
        None if pattern.len() == path.len() => (pattern.len(), 0),
        None => return None,
    };
    if path.len() < before + after + usize::from(long.is_some()) {
        return None;
    }
    let mut found = Params::new();
    let ends = path.len() - after;
    let pairs = pattern.iter().zip(&path).take(before).chain(pattern.iter().rev().take(after).rev().zip(&path[ends..]));
    for (part, text) in pairs {
        match name(part) {
            Some(_) if text.is_empty() => return None,
            Some(name) => found.push((name, decoded(text)?)),
            None if part == text => {}
            None => return None,
        }
    }
    if let Some(name) = long.and_then(|at| name(pattern[at])) {
        let text = decoded(&path[before..ends].join("/"))?;
        if text.is_empty() {
            return None;
        }
        found.push((name.trim_end_matches('*'), text));
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_find_their_routes() {
        for (call, operation, params) in [
            ("GET ", "repos/get", ""),
            ("GET /branches/feature/x", "repos/get-branch", "branch=feature/x"),
            ("GET /git/ref/heads%2Fmain", "git/get-ref", "ref=heads/main"),
            ("GET /commits/feature/x/status", "repos/get-combined-status-for-ref", "ref=feature/x"),
            ("GET /commits/main", "repos/get-commit", "ref=main"),
            ("GET /contents/a%2Fb.txt", "repos/get-content", "path=a/b.txt"),
            ("GET /contents/..%2F..%2Fetc", "repos/get-content", "path=../../etc"),
            ("DELETE /issues/7/labels", "issues/remove-all-labels", "number=7"),
            ("DELETE /issues/7/labels/good%20first", "issues/remove-label", "number=7 name=good first"),
            ("GET /releases/latest", "repos/get-latest-release", ""),
            ("GET /releases/9", "repos/get-release", "id=9"),
            ("GET //rate_limit", "rate-limit/get", ""),
        ] {
            let (method, path) = call.split_once(' ').expect("two words");
            let (route, found) = find(method, path).unwrap_or_else(|| panic!("{call}"));
            assert_eq!(route.operation, operation, "{call}");
            let found: Vec<String> = found.iter().map(|(name, value)| format!("{name}={value}")).collect();
            assert_eq!(found.join(" "), params, "{call}");
        }
        for call in [
            "GET /issues//comments",
            "GET /git/ref/",
            "POST /branches",
            "GET /x",
            "GET /contents/%FF",
            "GET rate_limit",
        ] {
            let (method, path) = call.split_once(' ').expect("two words");
            assert!(find(method, path).is_none(), "{call}");
        }
    }

    /// The page has a line for each route, and no other.
    #[test]
    fn the_page_lists_the_table() {
        let page = include_str!("../../../../docs/github-api.md");
        let listed: Vec<&str> = page.lines().filter(|it| it.starts_with("| `")).collect();
        let line = |it: &Route| {
            let path = match it.path.strip_prefix("//") {
                Some(path) => format!("/{path}"),
                None if it.path.is_empty() => "(the repository)".to_owned(),
                None => it.path.replace("*}", "}"),
            };
            let need = if it.need.0.is_empty() { "–".to_owned() } else { it.need.in_a_workflow() };
            format!("| `{} {path}` | `{}` | {need} |", it.method, it.operation)
        };
        let table: Vec<String> = ROUTES.iter().map(line).collect();
        let missing: Vec<&String> = table.iter().filter(|it| !listed.contains(&it.as_str())).collect();
        assert!(missing.is_empty(), "docs/github-api.md has no line\n{missing:#?}");
        assert_eq!(listed.len(), table.len());
    }

    /// A write without a permission would be everybody's.
    #[test]
    fn every_write_needs_a_permission() {
        for route in ROUTES {
            let writes = route.method != "GET";
            let allows = route.need.0.iter().any(|(_, access)| *access == Write);
            assert_eq!(writes, allows, "{} {}", route.method, route.path);
        }
    }
}
