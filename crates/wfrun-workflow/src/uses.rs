use std::fmt;

/// What a step's `uses:` names.
///
/// Source: GitHub: planning rules 1.7, "`uses` forms".
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum UsesTarget {
    /// `owner/repo[/path]@ref`
    Repository(ActionRef),
    /// `./path`, below the workspace.
    Local(String),
    /// `docker://image`
    Docker(String),
    /// `$/path`, in the workflow's own repository at its own commit.
    SelfRepository(String),
}

/// Whether a ref is the whole id of a commit, of SHA-1 or SHA-256.
pub fn is_commit(git_ref: &str) -> bool {
    matches!(git_ref.len(), 40 | 64) && git_ref.bytes().all(|it| it.is_ascii_hexdigit())
}

/// An action in a repository.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ActionRef {
    /// The owner.
    pub owner: String,
    /// The repository's name.
    pub repo: String,
    /// The folder in it; empty for its root.
    pub path: String,
    /// The branch, tag or commit.
    pub git_ref: String,
    /// Where that is a commit, the tag that a comment behind it says: `v4.2.0`.
    pub said_tag: Option<String>,
}

impl ActionRef {
    /// What tells how the action behaves, the tag in a comment for a commit: as people pin actions.
    pub fn release(&self) -> &str {
        self.said_tag.as_deref().unwrap_or(&self.git_ref)
    }

    /// `owner/repo`
    pub fn repository(&self) -> String {
        format!("{}/{}", self.owner, self.repo)
    }

    /// `owner/repo`, with the folder where there is one.
    pub fn with_path(&self) -> String {
        match self.path.as_str() {
            "" => self.repository(),
            path => format!("{}/{path}", self.repository()),
        }
    }

    /// Another action of the same repository at the same version: `$/path` in one of its actions.
    #[must_use]
    pub fn sibling(&self, path: &str) -> Self {
        Self { path: path.trim_start_matches("$/").trim_matches('/').to_owned(), ..self.clone() }
    }
}

impl fmt::Display for ActionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.with_path(), self.git_ref)
    }
}

impl fmt::Display for UsesTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repository(it) => it.fmt(f),
            Self::Local(it) | Self::SelfRepository(it) => f.write_str(it),
            Self::Docker(it) => write!(f, "docker://{it}"),
        }
    }
}

impl UsesTarget {
    /// Reads the value of `uses:`; `None` where it has none of the forms.
    pub fn parse(text: &str) -> Option<Self> {
        if text.starts_with("./") || text.starts_with(".\\") {
            return Some(Self::Local(text.to_owned()));
        }
        if text.starts_with("$/") {
            return Some(Self::SelfRepository(text.to_owned()));
        }
        if let Some(image) = image_name(text) {
            // Without an image GitHub takes it, too, and fails when the step runs.
            return Some(Self::Docker(image.to_owned()));
        }
        let (name, git_ref) = text.split_once('@')?;
        let mut parts = name.splitn(3, '/');
        let (owner, repo, path) = (parts.next()?, parts.next()?, parts.next().unwrap_or_default());
        if owner == ".."
            || [owner, repo, git_ref].iter().any(|it| it.is_empty())
            || git_ref.contains('@')
            || path.split('/').any(|it| it == "..")
        {
            return None;
        }
        let [owner, repo, path, git_ref] = [owner, repo, path.trim_end_matches('/'), git_ref].map(str::to_owned);
        Some(Self::Repository(ActionRef { owner, repo, path, git_ref, said_tag: None }))
    }
}

/// What a job's `uses:` names: a reusable workflow.
///
/// Source: GitHub: planning rules 1.7, "`uses` forms".
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CallTarget {
    /// `owner/repo/.github/workflows/file.yml@ref`
    Repository {
        /// `owner/repo`
        repository: String,
        /// The file, from the repository's root.
        path: String,
        /// The branch, tag or commit.
        git_ref: String,
    },
    /// `./.github/workflows/file.yml` of the same commit.
    Local(String),
    /// `$/.github/workflows/file.yml` of the workflow's own repository at its own commit.
    SelfRepository(String),
}

impl CallTarget {
    /// Reads the value of a job's `uses:`; `None` where it has none of the forms.
    pub fn parse(text: &str) -> Option<Self> {
        let in_folder = |path: &str| {
            let file = path.strip_prefix(".github/workflows/")?;
            // GitHub looks at the case.
            let is_yaml = matches!(file.rsplit_once('.'), Some((_, "yml" | "yaml")));
            (is_yaml && !file.contains('/')).then(|| path.to_owned())
        };
        if let Some(path) = text.strip_prefix("./") {
            return in_folder(path).map(Self::Local);
        }
        if let Some(path) = text.strip_prefix("$/") {
            return in_folder(path).map(Self::SelfRepository);
        }
        let (name, git_ref) = text.split_once('@')?;
        let mut parts = name.splitn(3, '/');
        let (owner, repo, path) = (parts.next()?, parts.next()?, parts.next()?);
        if owner.is_empty() || repo.is_empty() || !is_ref(git_ref) {
            return None;
        }
        let repository = format!("{owner}/{repo}");
        Some(Self::Repository { repository, path: in_folder(path)?, git_ref: git_ref.to_owned() })
    }
}

/// Whether a text may be a branch, a tag or a commit.
///
/// Source: GitHub: planning rules 1.7 (git's rules for names of refs).
fn is_ref(text: &str) -> bool {
    let bad = |it: char| it.is_control() || " ?*[]\\~^:".contains(it);
    let is_lock = |it: &str| matches!(it.rsplit_once('.'), Some((_, "lock")));
    let component = |it: &str| !it.is_empty() && !it.starts_with('.') && !is_lock(it);
    !text.contains(bad)
        && !text.contains("..")
        && !text.contains("@{")
        && !text.ends_with('.')
        && text.split('/').all(component)
}

impl fmt::Display for CallTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repository { repository, path, git_ref } => write!(f, "{repository}/{path}@{git_ref}"),
            Self::Local(path) => write!(f, "./{path}"),
            Self::SelfRepository(path) => write!(f, "$/{path}"),
        }
    }
}

/// The image behind `docker://`, in any case; nothing where that is missing.
pub fn image_name(text: &str) -> Option<&str> {
    text.get(..9).filter(|it| it.eq_ignore_ascii_case("docker://")).and(text.get(9..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(UsesTarget::parse(text).map(|it| it.to_string()).as_deref(), expected);
    }

    /// Source: GitHub: planning rules 1.7.
    #[test]
    fn forms() {
        check("actions/checkout@v3", Some("actions/checkout@v3"));
        check("a/b/c/d@refs/heads/x", Some("a/b/c/d@refs/heads/x"));
        check("./local", Some("./local"));
        check("DOCKER://alpine:3", Some("docker://alpine:3"));
        check("$/tools/x", Some("$/tools/x"));
        check("actions/checkout", None);
        check("checkout@v3", None);
        check("a/@v1", None);
        check("../x@v1", None);
        check("a/b/../c@v1", None);
        check("docker://", Some("docker://"));
        check("$$docker://alpine:3.8", None);
        check("...docker://alpine:3.8", None);
    }

    #[test]
    fn reusable_workflows() {
        for text in [
            "o/r/.github/workflows/a.yml@v1",
            "o/r/.github/workflows/a.yaml@refs/heads/x",
            "./.github/workflows/a.yml",
            "$/.github/workflows/a.yml",
            ".o/r/.github/workflows/a.yml@v1",
        ] {
            assert_eq!(CallTarget::parse(text).map(|it| it.to_string()).as_deref(), Some(text));
        }
        for text in [
            "o/r@v1",
            "o/r/.github/workflows/a.yml",
            "o/r/.github/workflows/a.txt@v1",
            "o/r/.github/workflows/b/a.yml@v1",
            "o/r/other/a.yml@v1",
            "./.github/workflows/a.yml@v1",
            "./a.yml",
            "o/r/.github/workflows/a.yml@",
            "o/r/.github/workflows/a.yml@a b",
            "o/r/.github/workflows/a.yml@a..b",
            "o/r/.github/workflows/a.yml@x.lock",
        ] {
            assert_eq!(CallTarget::parse(text), None, "{text}");
        }
    }
}
