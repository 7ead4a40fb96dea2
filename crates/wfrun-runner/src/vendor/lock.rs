//! `wfrun.lock`: what is in a vendored folder.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The lock's name in its folder.
pub const LOCK_FILE: &str = "wfrun.lock";
/// The version that is written, and the last that is read.
const VERSION: u32 = 1;
const HEAD: &str = "\
# Made by `wfrun vendor`, which also changes it. It says which commit each ref names, and has the SHA-256 of every other
# file in this folder.
";

/// What is in a vendored folder. The same things make the same text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// Of the format.
    version: u32,
    /// Repositories of actions and called workflows, by name and ref.
    #[serde(default, rename = "repository", skip_serializing_if = "Vec::is_empty")]
    pub repositories: Vec<LockedRepository>,
    /// Images, by name.
    #[serde(default, rename = "image", skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<LockedImage>,
    /// Entries of the tool cache, by name and version.
    #[serde(default, rename = "tool", skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<LockedTool>,
    /// Nodes for JavaScript actions, by version.
    #[serde(default, rename = "node", skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<LockedNode>,
    /// Every file by its path: `sha256:…`, with ` +x` behind it where it is a program, or `link:…`.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
}

/// A repository at a ref.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LockedRepository {
    /// `owner/name`, in small letters.
    pub name: String,
    /// The branch, tag or commit that workflows name.
    #[serde(rename = "ref")]
    pub git_ref: String,
    /// The commit that it names; none where a folder stood for the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Where its files lie.
    pub folder: String,
}

/// An image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LockedImage {
    /// As workflows name it.
    pub name: String,
    /// Its id: `sha256:…`.
    pub id: String,
    /// Its archive, as `docker save` makes it.
    pub file: String,
}

/// An entry of the tool cache.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LockedTool {
    /// Its folder in the tool cache: `Python`.
    pub name: String,
    /// Its version: `3.12.4`.
    pub version: String,
    /// `x64`, `arm64`.
    pub arch: String,
}

/// A Node that runs JavaScript actions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LockedNode {
    /// Its version: `20.11.1`.
    pub version: String,
    /// `x64`, `arm64`.
    pub arch: String,
    /// The program.
    pub file: String,
}

impl Lock {
    /// A lock of these things; it sorts them.
    pub fn new(
        mut repositories: Vec<LockedRepository>,
        mut images: Vec<LockedImage>,
        mut tools: Vec<LockedTool>,
        mut nodes: Vec<LockedNode>,
        files: BTreeMap<String, String>,
    ) -> Self {
        repositories.sort();
        images.sort();
        tools.sort();
        nodes.sort();
        Self { version: VERSION, repositories, images, tools, nodes, files }
    }

    /// Reads a lock; or says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lock: Self = toml::from_str(text).map_err(|err| err.to_string().trim().replace('\n', " "))?;
        if lock.version == 0 || lock.version > VERSION {
            return Err(format!("it is of version {}, and this wfrun knows version {VERSION}", lock.version));
        }
        let files = lock.images.iter().map(|it| &it.file).chain(lock.nodes.iter().map(|it| &it.file));
        let mut paths = lock.repositories.iter().map(|it| &it.folder).chain(files);
        match paths.find(|it| !is_inside(it)) {
            Some(path) => Err(format!("`{path}` leads out of its folder")),
            None => Ok(lock),
        }
    }

    /// As text, with a line's end behind it.
    pub fn text(&self) -> String {
        let body = toml::to_string(self).expect("a lock is made of texts and tables");
        format!("{HEAD}{body}")
    }

    /// What it says of a repository at a ref; the case of the name does not count.
    pub fn repository(&self, name: &str, git_ref: &str) -> Option<&LockedRepository> {
        self.repositories.iter().find(|it| it.name.eq_ignore_ascii_case(name) && it.git_ref == git_ref)
    }
}

fn is_inside(path: &str) -> bool {
    !path.starts_with('/') && path.split('/').all(|it| !it.is_empty() && it != "." && it != "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock() -> Lock {
        let repository = |git_ref: &str, commit: Option<&str>| LockedRepository {
            name: "octo/hello".to_owned(),
            git_ref: git_ref.to_owned(),
            commit: commit.map(str::to_owned),
            folder: "octo/hello/11".to_owned(),
        };
        let image = LockedImage { name: "redis:7".into(), id: "sha256:0".into(), file: "_images/redis.tar".into() };
        let tool = LockedTool { name: "Python".into(), version: "3.12.4".into(), arch: "x64".into() };
        let files = [("b \"x\"", "link:a"), ("a", "sha256:1 +x")].map(|(path, it)| (path.to_owned(), it.to_owned()));
        let node = LockedNode { version: "20.1.0".into(), arch: "x64".into(), file: "_node/20.1.0/x64/node".into() };
        let repositories = vec![repository("v2", Some("11")), repository("v1", None)];
        Lock::new(repositories, vec![image], vec![tool], vec![node], files.into())
    }

    #[test]
    fn a_lock_is_sorted_and_comes_back() {
        let text = lock().text();
        insta::assert_snapshot!(text, @r#"
        # Made by `wfrun vendor`, which also changes it. It says which commit each ref names, and has the SHA-256 of every other
        # file in this folder.
        version = 1

        [[repository]]
        name = "octo/hello"
        ref = "v1"
        folder = "octo/hello/11"

        [[repository]]
        name = "octo/hello"
        ref = "v2"
        commit = "11"
        folder = "octo/hello/11"

        [[image]]
        name = "redis:7"
        id = "sha256:0"
        file = "_images/redis.tar"

        [[tool]]
        name = "Python"
        version = "3.12.4"
        arch = "x64"

        [[node]]
        version = "20.1.0"
        arch = "x64"
        file = "_node/20.1.0/x64/node"

        [files]
        a = "sha256:1 +x"
        'b "x"' = "link:a"
        "#);
        assert_eq!(Lock::parse(&text), Ok(lock()));
        let minimal = Lock::new(Vec::new(), Vec::new(), Vec::new(), Vec::new(), BTreeMap::new());
        assert_eq!(Lock::parse(&minimal.text()), Ok(minimal));
        assert_eq!(lock().repository("Octo/Hello", "v2").and_then(|it| it.commit.as_deref()), Some("11"));
        assert!(lock().repository("octo/hello", "v3").is_none());
    }

    #[test]
    fn what_is_no_lock() {
        for (text, expected) in [
            ("version = 2\n", "version 2"),
            ("", "version"),
            ("version = 1\n[[repository]]\nname = 'a/b'\nref = 'v1'\nfolder = '../x'\n", "`../x` leads out"),
            ("version = 1\n[[image]]\nname = 'a'\nid = 'b'\nfile = '/etc/passwd'\n", "`/etc/passwd` leads out"),
            ("version = 1\n[[node]]\nversion = '20.1.0'\narch = 'x64'\nfile = '../node'\n", "`../node` leads out"),
            ("{", "TOML parse error"),
        ] {
            let message = Lock::parse(text).expect_err("no lock");
            assert!(message.contains(expected), "{text}: {message}");
        }
    }
}
