//! What two commits differ in.

use serde_json::{Value, json};

use super::Api;
use super::answer::{Answer, Refusal};
use super::call::Call;

/// Source: GitHub: "Compare two commits": at most so many files.
const MOST_FILES: usize = 3000;

/// Two commits; without a base, all of the head is new.
pub(super) struct Compared {
    pub(super) base: Option<String>,
    pub(super) head: String,
}

/// The empty tree of every repository.
const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

impl Compared {
    fn sides(&self) -> [&str; 2] {
        [self.base.as_deref().unwrap_or(EMPTY_TREE), &self.head]
    }
}

/// The diff as text, if the client asks for it so.
pub(super) fn patch_text(call: &Call<'_>, compared: &Compared) -> Result<Option<Answer>, Refusal> {
    let git = &call.api.git;
    let (text, kind) = if call.accepts("diff") {
        let [base, head] = compared.sides();
        (git.ask(&["diff", "--no-ext-diff", "--no-textconv", base, head, "--"])?, "diff")
    } else if call.accepts("patch") {
        let range =
            compared.base.as_ref().map_or_else(|| compared.head.clone(), |it| format!("{it}..{}", compared.head));
        (git.ask(&["format-patch", "--stdout", "--no-ext-diff", "--no-signature", &range, "--"])?, "patch")
    } else {
        return Ok(None);
    };
    let text = text.ok_or_else(Refusal::not_found)?;
    Ok(Some(Answer::bytes(text, &format!("application/vnd.github.{kind}; charset=utf-8"))))
}

/// The files that differ, as GitHub lists them.
pub(super) fn changed_files(api: &Api, compared: &Compared) -> Result<Vec<Value>, Refusal> {
    let [base, head] = compared.sides();
    let ask = |how: &[&str]| {
        let mut arguments = vec!["diff", "--find-renames", "--no-ext-diff", "--no-textconv", "--abbrev=40"];
        arguments.extend(how);
        arguments.extend([base, head, "--"]);
        Ok(api.git.ask(&arguments)?.unwrap_or_default())
    };
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let (raw, counts) = (text(ask(&["--raw", "-z"])?), text(ask(&["--numstat", "-z"])?));
    let whole = text(ask(&["--patch"])?);
    let patches = patches(&whole);
    let counts = numbers(&counts);
    let mut files = Vec::new();
    let mut fields = raw.split('\0');
    while let Some(head) = fields.next().filter(|it| it.starts_with(':')) {
        let mut words = head.split(' ').skip(3);
        let (blob, status) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let first = fields.next().unwrap_or_default();
        let renamed = status.starts_with(['R', 'C']);
        let name = if renamed { fields.next().unwrap_or_default() } else { first };
        let at = files.len();
        let (additions, deletions) = counts.get(at).copied().unwrap_or_default();
        let mut file = file_json(api, compared, name, (blob, status));
        file["additions"] = additions.into();
        file["deletions"] = deletions.into();
        file["changes"] = (additions + deletions).into();
        if renamed {
            file["previous_filename"] = first.into();
        }
        if let Some(patch) = patches.get(at).copied().flatten() {
            file["patch"] = patch.into();
        }
        files.push(file);
        if files.len() == MOST_FILES {
            break;
        }
    }
    Ok(files)
}

fn file_json(api: &Api, compared: &Compared, name: &str, (blob, status): (&str, &str)) -> Value {
    let word = match status.chars().next() {
        Some('A') => "added",
        Some('D') => "removed",
        Some('R') => "renamed",
        Some('C') => "copied",
        Some('T') => "changed",
        Some(_) | None => "modified",
    };
    // What is gone is named by what it was, and GitHub's links lead there.
    let commit = if word == "removed" { compared.sides()[0] } else { &compared.head };
    json!({
        "sha": blob, "filename": name, "status": word,
        "blob_url": api.html(&format!("/blob/{commit}/{name}")), "raw_url": api.html(&format!("/raw/{commit}/{name}")),
        "contents_url": api.rest(&format!("/contents/{name}?ref={commit}")),
    })
}

/// Lines added and removed, file by file; of a file that is no text, none.
fn numbers(counts: &str) -> Vec<(u64, u64)> {
    let mut all = Vec::new();
    let mut fields = counts.split('\0');
    while let Some(field) = fields.next().filter(|it| !it.is_empty()) {
        let mut columns = field.splitn(3, '\t');
        let mut number = || columns.next().and_then(|it| it.parse().ok()).unwrap_or_default();
        let (additions, deletions) = (number(), number());
        // Of a renamed file the old and the new name follow.
        if columns.next() == Some("") {
            fields.nth(1);
        }
        all.push((additions, deletions));
    }
    all
}

/// The hunks of a diff, file by file; none for a file that is no text or only renamed. No line of a hunk begins as the
/// head of a file does.
fn patches(whole: &str) -> Vec<Option<&str>> {
    let mut starts: Vec<usize> = whole.match_indices("\ndiff --git ").map(|(at, _)| at + 1).collect();
    if whole.starts_with("diff --git ") {
        starts.insert(0, 0);
    }
    let ends = starts.iter().skip(1).copied().chain([whole.len()]);
    let files = starts.iter().zip(ends).map(|(start, end)| whole.get(*start..end).unwrap_or_default());
    files.map(|it| Some(it.get(it.find("\n@@ ")? + 1..)?.trim_end_matches('\n'))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_is_cut_into_files() {
        let whole = "diff --git a/a b/a\nindex 1..2 100644\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-x\n+diff --git y\ndiff --git a/b b/c\n\
                     similarity index 100%\nrename from b\nrename to c\n";
        assert_eq!(patches(whole), [Some("@@ -1 +1 @@\n-x\n+diff --git y"), None]);
        assert_eq!(patches(""), Vec::<Option<&str>>::new());
    }

    #[test]
    fn counts_of_renamed_and_binary_files() {
        assert_eq!(numbers("1\t2\ta\0-\t-\tb\0\x33\t0\t\0old\0new\0"), [(1, 2), (0, 0), (3, 0)]);
    }
}
