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
}

impl ActionRef {
    /// `owner/repo`
    pub fn repository(&self) -> String {
        format!("{}/{}", self.owner, self.repo)
    }
}

impl fmt::Display for ActionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.repo)?;
        if !self.path.is_empty() {
            write!(f, "/{}", self.path)?;
        }
        write!(f, "@{}", self.git_ref)
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
        if let Some(image) = text.get(..9).filter(|it| it.eq_ignore_ascii_case("docker://")).and(text.get(9..)) {
            return (!image.is_empty()).then(|| Self::Docker(image.to_owned()));
        }
        let (name, git_ref) = text.split_once('@')?;
        let mut parts = name.splitn(3, '/');
        let (owner, repo, path) = (parts.next()?, parts.next()?, parts.next().unwrap_or_default());
        if owner == ".."
            || [owner, repo, git_ref].iter().any(|it| it.is_empty())
            || path.split('/').any(|it| it == "..")
        {
            return None;
        }
        let [owner, repo, path, git_ref] = [owner, repo, path.trim_end_matches('/'), git_ref].map(str::to_owned);
        Some(Self::Repository(ActionRef { owner, repo, path, git_ref }))
    }
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
        check("docker://", None);
    }
}
