//! Two commits held against each other.

use serde_json::json;

use super::answer::{Answer, Answered, Refusal};
use super::call::Call;
use super::diff::{Compared, changed_files, patch_text};

/// `GET /compare/{basehead}`: `base...head`; of a fork, `owner:branch`, only the repository's own is known.
pub(super) fn compare(call: &Call<'_>) -> Answered {
    let api = call.api;
    let (base, head) = call.param("basehead").split_once("...").ok_or_else(Refusal::not_found)?;
    let own = |name: &str| match name.split_once(':') {
        Some((of, branch)) if of.eq_ignore_ascii_case(api.owner()) => Some(branch.to_owned()),
        Some(_) => None,
        None => Some(name.to_owned()),
    };
    let resolve =
        |name: &str| own(name).map(|it| api.resolve(&it)).transpose()?.flatten().ok_or_else(Refusal::not_found);
    let (base, head) = (resolve(base)?, resolve(head)?);
    let merge_base = api.git.text(&["merge-base", &base, &head])?.ok_or_else(Refusal::not_found)?;
    let compared = Compared { base: Some(merge_base.clone()), head: head.clone() };
    if let Some(text) = patch_text(call, &compared)? {
        return Ok(text);
    }
    let count = |range: &str| -> Result<usize, Refusal> {
        Ok(api.git.text(&["rev-list", "--count", range, "--"])?.and_then(|it| it.parse().ok()).unwrap_or_default())
    };
    let range = format!("{base}..{head}");
    let (ahead, behind) = (count(&range)?, count(&format!("{head}..{base}"))?);
    let status = match (ahead, behind) {
        (0, 0) => "identical",
        (_, 0) => "ahead",
        (0, _) => "behind",
        (_, _) => "diverged",
    };
    let page = call.page();
    let mut commits = api.log(&["--reverse", &range, "--"])?;
    let commits: Vec<_> = commits.drain(..).skip(page.skipped()).take(page.size).collect();
    // The files are with the first page only.
    let files =
        if page.number == 1 { changed_files(api, &compared)?.into_iter().take(300).collect() } else { Vec::new() };
    let answer = json!({
        "url": api.rest(&format!("/compare/{base}...{head}")), "html_url": api.html(&format!("/compare/{base}...{head}")),
        "status": status, "ahead_by": ahead, "behind_by": behind, "total_commits": ahead,
        "base_commit": api.one_commit(&base)?, "merge_base_commit": api.one_commit(&merge_base)?,
        "commits": commits, "files": files,
    });
    Ok(if ahead > page.size { call.page_of(answer, ahead) } else { Answer::json(answer) })
}
