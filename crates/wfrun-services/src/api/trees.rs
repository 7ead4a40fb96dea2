//! Trees and blobs, and the commits that are made of them.

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Api;
use super::answer::{Answer, Answered, Refusal};
use super::call::Call;
use super::commits::bad_path;
use super::contents::in_lines;
use super::names::{is_id, written_path};
use super::shapes::{BOT_EMAIL, BOT_NAME, in_short};

/// Source: GitHub: "Get a tree": so many entries at most.
const MOST_ENTRIES: usize = 100_000;

/// Source: GitHub: "Get a blob".
const MOST_IN_BLOB: u64 = 100 * 1024 * 1024;

/// One entry of a tree.
pub(super) struct Entry {
    /// Six octal digits.
    pub(super) mode: String,
    /// `blob`, `tree` or `commit`
    pub(super) kind: String,
    pub(super) id: String,
    /// Bytes, of a blob.
    pub(super) size: u64,
    pub(super) path: String,
}

impl Api {
    /// The entry at a path of a commit; the empty path is the whole tree.
    pub(super) fn entry(&self, commit: &str, path: &str) -> Result<Option<Entry>, Refusal> {
        if path.is_empty() {
            let tree = self.git.text(&["rev-parse", "--verify", "--quiet", &format!("{commit}^{{tree}}")])?;
            return Ok(tree.map(|id| Entry {
                mode: "040000".into(),
                kind: "tree".into(),
                id,
                size: 0,
                path: String::new(),
            }));
        }
        let listed =
            self.git.ask(&["--literal-pathspecs", "ls-tree", "-z", "-l", "--full-tree", commit, "--", path])?;
        Ok(read_entries(&listed.unwrap_or_default()).into_iter().find(|it| it.path == path))
    }

    /// The entries of a tree, not of those inside of it.
    pub(super) fn entries(&self, tree: &str) -> Result<Vec<Entry>, Refusal> {
        Ok(read_entries(&self.git.ask(&["ls-tree", "-z", "-l", tree])?.unwrap_or_default()))
    }

    /// The tree of a commit with another blob at a path, or none.
    pub(super) fn tree_with(
        &self,
        commit: &str,
        path: &str,
        mode: Option<&str>,
        blob: Option<&str>,
    ) -> Result<String, Refusal> {
        let change = match blob {
            Some(blob) => format!("{} {blob}\t{path}", mode.unwrap_or("100644")),
            None => format!("0 {}\t{path}", "0".repeat(40)),
        };
        self.tree_of(Some(commit), &[change])
    }

    /// A tree made of another and of lines as `git update-index --index-info` takes them.
    fn tree_of(&self, base: Option<&str>, changes: &[String]) -> Result<String, Refusal> {
        let folder = tempfile::tempdir_in(&self.settings.scratch)
            .map_err(|err| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, format!("no folder for an index: {err}")))?;
        let env = [("GIT_INDEX_FILE", folder.path().join("index").display().to_string())];
        let refused = || Refusal::unprocessable("git does not take this tree");
        let base = base.unwrap_or("--empty");
        self.git.run(&["read-tree", base], &env, None)?.ok_or_else(refused)?;
        let lines = changes.join("\0") + "\0";
        let arguments = ["update-index", "-z", "--index-info"];
        self.git.run(&arguments, &env, Some(lines.as_bytes()))?.ok_or_else(refused)?;
        self.git.made(&["write-tree"], &env, None)?.ok_or_else(refused)
    }

    /// A commit by these people, each a name and an address.
    pub(super) fn new_commit(
        &self,
        tree: &str,
        parents: &[&str],
        message: &str,
        author: &(String, String),
        committer: &(String, String),
    ) -> Result<String, Refusal> {
        let mut arguments = vec!["commit-tree", tree, "-F", "-"];
        for parent in parents {
            arguments.extend(["-p", parent]);
        }
        let env = [
            ("GIT_AUTHOR_NAME", author.0.clone()),
            ("GIT_AUTHOR_EMAIL", author.1.clone()),
            ("GIT_COMMITTER_NAME", committer.0.clone()),
            ("GIT_COMMITTER_EMAIL", committer.1.clone()),
        ];
        let made = self.git.made(&arguments, &env, Some(message.as_bytes()))?;
        made.ok_or_else(|| Refusal::unprocessable("git does not take this commit"))
    }
}

fn read_entries(listed: &[u8]) -> Vec<Entry> {
    let text = String::from_utf8_lossy(listed);
    let one = |line: &str| {
        let (head, path) = line.split_once('\t')?;
        let mut words = head.split_ascii_whitespace().map(str::to_owned);
        let (mode, kind, id) = (words.next()?, words.next()?, words.next()?);
        let size = words.next().and_then(|it| it.parse().ok()).unwrap_or_default();
        Some(Entry { mode, kind, id, size, path: path.to_owned() })
    };
    text.split('\0').filter_map(one).collect()
}

/// `GET /git/trees/{sha}`: of a tree, or of the tree of a commit, a branch or a tag.
pub(super) fn get(call: &Call<'_>) -> Answered {
    let (api, name) = (call.api, call.param("sha"));
    let tree = match api.resolve(name)? {
        Some(commit) => api.entry(&commit, "")?.map(|it| it.id),
        None if is_id(name) => api.git.object(name, "tree")?,
        None => None,
    };
    let tree = tree.ok_or_else(Refusal::not_found)?;
    let entries = if call.query("recursive").is_some() {
        read_entries(&api.git.ask(&["ls-tree", "-z", "-l", "-r", "-t", &tree])?.unwrap_or_default())
    } else {
        api.entries(&tree)?
    };
    Ok(Answer::json(tree_json(api, &tree, &entries)))
}

fn tree_json(api: &Api, tree: &str, entries: &[Entry]) -> Value {
    let one = |it: &Entry| {
        let mut entry = json!({"path": it.path, "mode": it.mode, "type": it.kind, "sha": it.id});
        if it.kind == "blob" {
            entry["size"] = it.size.into();
        }
        if it.kind != "commit" {
            entry["url"] = api.rest(&format!("/git/{}s/{}", it.kind, it.id)).into();
        }
        entry
    };
    let shown: Vec<Value> = entries.iter().take(MOST_ENTRIES).map(one).collect();
    let url = api.rest(&format!("/git/trees/{tree}"));
    json!({"sha": tree, "url": url, "tree": shown, "truncated": entries.len() > MOST_ENTRIES})
}

/// `GET /git/blobs/{sha}`
pub(super) fn get_blob(call: &Call<'_>) -> Answered {
    let (git, id) = (&call.api.git, call.param("sha"));
    let id = if is_id(id) { git.object(id, "blob")? } else { None }.ok_or_else(Refusal::not_found)?;
    let size = git.size(&id)?;
    if size > MOST_IN_BLOB {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "This API returns blobs up to 100 MB in size."));
    }
    let content = git.blob(&id)?;
    if call.accepts("raw") {
        return Ok(Answer::bytes(content, "application/vnd.github.raw; charset=utf-8"));
    }
    let url = call.api.rest(&format!("/git/blobs/{id}"));
    let (text, node) = (in_lines(&content), format!("B_{id}"));
    Ok(Answer::json(
        json!({"sha": id, "node_id": node, "size": size, "url": url, "content": text, "encoding": "base64"}),
    ))
}

/// `POST /git/blobs`
pub(super) fn create_blob(call: &Call<'_>) -> Answered {
    let content = call.required("content")?;
    let bytes = match call.text("encoding")?.unwrap_or("utf-8") {
        "base64" => {
            let text: String = content.split_ascii_whitespace().collect();
            STANDARD.decode(text).map_err(|_| Refusal::unprocessable("content is not valid Base64"))?
        }
        _ => content.as_bytes().to_vec(),
    };
    let id = call.api.git.keep(&bytes)?;
    let url = call.api.rest(&format!("/git/blobs/{id}"));
    Ok(Answer::created(json!({"sha": id, "url": url}), format!("store {} bytes as blob {}", bytes.len(), short(&id))))
}

/// `POST /git/trees`
pub(super) fn create(call: &Call<'_>) -> Answered {
    let api = call.api;
    let items = call.body["tree"].as_array().ok_or_else(|| Refusal::unprocessable("Invalid tree info"))?;
    let mut changes = Vec::new();
    for item in items {
        let text = |name: &str| item[name].as_str();
        let path = written_path(text("path").unwrap_or_default()).ok_or_else(bad_path)?;
        let mode = text("mode").filter(|it| ["100644", "100755", "040000", "160000", "120000"].contains(it));
        let mode = mode.ok_or_else(|| Refusal::unprocessable("Must supply a valid tree.mode"))?;
        let blob = match (text("sha"), text("content")) {
            (Some(id), _) if is_id(id) => id.to_owned(),
            (None, Some(content)) => api.git.keep(content.as_bytes())?,
            (None, None) if item.get("sha").is_some() => "0".repeat(40),
            (Some(_) | None, _) => return Err(Refusal::unprocessable("tree.sha is not a valid SHA")),
        };
        let mode = if blob.starts_with("00000000") { "0" } else { mode };
        changes.push(format!("{mode} {blob}\t{path}"));
    }
    let base = match call.text("base_tree")? {
        Some(name) if is_id(name) => Some(api.git.object(name, "tree")?.ok_or_else(Refusal::not_found)?),
        Some(_) => return Err(Refusal::not_found()),
        None => None,
    };
    let tree = api.tree_of(base.as_deref(), &changes)?;
    let body = tree_json(api, &tree, &api.entries(&tree)?);
    Ok(Answer::created(body, format!("store tree {}", short(&tree))))
}

/// `POST /git/commits`
pub(super) fn create_commit(call: &Call<'_>) -> Answered {
    let (api, message) = (call.api, call.required("message")?);
    let find = |id: &str, kind: &str| -> Result<String, Refusal> {
        let found = if is_id(id) { api.git.object(id, kind)? } else { None };
        found.ok_or_else(|| Refusal::unprocessable(format!("{kind} {id} does not exist")))
    };
    let tree = find(call.required("tree")?, "tree")?;
    let parents = call.texts("parents")?.unwrap_or_default();
    let parents: Vec<String> = parents.iter().map(|it| find(it, "commit")).collect::<Result<_, _>>()?;
    let parents: Vec<&str> = parents.iter().map(String::as_str).collect();
    let person = |role: &str| {
        let part = |name: &str, or: &str| call.body[role][name].as_str().unwrap_or(or).to_owned();
        (part("name", BOT_NAME), part("email", BOT_EMAIL))
    };
    let author = person("author");
    let committer = if call.body["committer"].is_object() { person("committer") } else { author.clone() };
    let id = api.new_commit(&tree, &parents, message, &author, &committer)?;
    Ok(Answer::created(api.commit_object(&id)?, format!("make commit {} ({})", short(&id), in_short(message))))
}

/// An id's beginning.
pub(super) fn short(id: &str) -> &str {
    id.get(..7).unwrap_or(id)
}
