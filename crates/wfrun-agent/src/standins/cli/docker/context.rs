//! The build context: the files of a folder without those that `.dockerignore` excludes.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::error::DockerError;
use super::tree::{Content, Kind, Node};
use crate::dockerfile::glob;

/// A build context.
#[derive(Debug)]
pub(super) struct Context {
    root: PathBuf,
    ignore: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    pattern: String,
    keeps: bool,
}

/// A file of the context: its path with `/`, from the root, and what it is.
pub(super) type Entry = (String, Node);

impl Context {
    /// The context in `root`. `<dockerfile>.dockerignore` goes before the context's `.dockerignore`.
    ///
    /// Source: Docker, "Build context", "`.dockerignore` files".
    pub(super) fn open(root: &Path, dockerfile: &Path) -> Result<Self, DockerError> {
        let mut own = dockerfile.as_os_str().to_owned();
        own.push(".dockerignore");
        let files = [PathBuf::from(own), root.join(".dockerignore")];
        let text = files.iter().find_map(|file| fs::read_to_string(file).ok()).unwrap_or_default();
        let root = root.canonicalize().map_err(DockerError::file("open", root))?;
        Ok(Self { root, ignore: text.lines().filter_map(Rule::read).collect() })
    }

    /// The total size of the files in bytes.
    pub(super) fn size(&self) -> Result<u64, DockerError> {
        Ok(self.below("")?.iter().map(|(_, node)| node.size()).sum())
    }

    /// What a source of `COPY` names: paths from the context's root, sorted.
    pub(super) fn find(&self, source: &str) -> Result<Vec<String>, DockerError> {
        let source = clean(source);
        if glob::is_pattern(&source) {
            let all = self.below("")?.into_iter().map(|(path, _)| path);
            return Ok(all.filter(|path| glob::matches(&source, path)).collect());
        }
        let Ok(metadata) = fs::symlink_metadata(self.root.join(&source)) else {
            return Ok(Vec::new());
        };
        // A folder that is excluded may hold files that are kept.
        let kept = !self.is_ignored(&source) || (metadata.is_dir() && !self.below(&source)?.is_empty());
        Ok(if kept { vec![source] } else { Vec::new() })
    }

    /// The entry itself; a symbolic link within the context is followed, as Docker follows a source that is one.
    pub(super) fn entry(&self, path: &str) -> Result<Node, DockerError> {
        let full = self.root.join(path);
        let resolved = full.canonicalize().unwrap_or_else(|_| full.clone());
        let within = resolved.starts_with(&self.root);
        read(if within { &resolved } else { &full })
    }

    /// Everything below a folder that is not excluded, folders before what is in them, sorted.
    pub(super) fn below(&self, folder: &str) -> Result<Vec<Entry>, DockerError> {
        let mut found = Vec::new();
        self.walk(folder, &mut found)?;
        Ok(found)
    }

    fn walk(&self, folder: &str, found: &mut Vec<Entry>) -> Result<(), DockerError> {
        let full = self.root.join(folder);
        let listed = fs::read_dir(&full).map_err(DockerError::file("list", &full))?;
        let mut names = Vec::new();
        for entry in listed {
            let entry = entry.map_err(DockerError::file("list", &full))?;
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        for name in names {
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            let full = self.root.join(&path);
            let kind = fs::symlink_metadata(&full).map_err(DockerError::file("read", &full))?.file_type();
            // Sockets, pipes and devices are in no image.
            if !(kind.is_dir() || kind.is_file() || kind.is_symlink()) {
                continue;
            }
            let node = read(&full)?;
            let is_folder = matches!(node.kind, Kind::Folder);
            let ignored = self.is_ignored(&path);
            let before = found.len();
            if !ignored {
                found.push((path.clone(), node.clone()));
            }
            if is_folder {
                self.walk(&path, found)?;
                if ignored && found.len() > before {
                    found.insert(before, (path, node));
                }
            }
        }
        Ok(())
    }

    /// The last rule that matches the path or a folder above it decides.
    fn is_ignored(&self, path: &str) -> bool {
        let mut ignored = false;
        for rule in &self.ignore {
            let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
            if ends.map(|end| &path[..end]).any(|part| glob::matches(&rule.pattern, part)) {
                ignored = !rule.keeps;
            }
        }
        ignored
    }
}

impl Rule {
    fn read(line: &str) -> Option<Self> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let (keeps, pattern) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest.trim()));
        let pattern = clean(pattern);
        (!pattern.is_empty()).then_some(Self { pattern, keeps })
    }
}

/// A path without `/` at its ends, `.` and `..`; one cannot leave the context.
pub(super) fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// A file as it goes into an image: owned by root, with its mode and time.
pub(super) fn read(path: &Path) -> Result<Node, DockerError> {
    let metadata = fs::symlink_metadata(path).map_err(DockerError::file("read", path))?;
    let kind = if metadata.is_dir() {
        Kind::Folder
    } else if metadata.is_symlink() {
        let target = fs::read_link(path).map_err(DockerError::file("read", path))?;
        Kind::Link(target.to_string_lossy().into_owned())
    } else if metadata.is_file() {
        Kind::File(Content::OnDisk(path.to_owned(), metadata.len()))
    } else {
        return Err(DockerError::failed(format!("`{}` is no file, folder or link", path.display())));
    };
    Ok(Node { kind, mode: metadata.mode() & 0o7777, uid: 0, gid: 0, mtime: metadata.mtime() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(ignore: &str, files: &[&str]) -> (tempfile::TempDir, Context) {
        let folder = tempfile::tempdir().expect("a folder");
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().expect("is in the folder")).expect("is made");
            fs::write(path, file).expect("is written");
        }
        fs::write(folder.path().join(".dockerignore"), ignore).expect("is written");
        let context = Context::open(folder.path(), &folder.path().join("Dockerfile")).expect("opens");
        (folder, context)
    }

    #[test]
    fn leaves_out_what_is_ignored() {
        let files = ["a.py", "a.pyc", "tests/t.py", "tests/keep.txt", "d/x.pyc", "d/README.md", ".git/HEAD"];
        let cases = [
            ("", ".dockerignore .git .git/HEAD a.py a.pyc d d/README.md d/x.pyc tests tests/keep.txt tests/t.py"),
            ("**/*.pyc\n.git\n/tests/\n.dockerignore", "a.py d d/README.md"),
            ("*\n!a.py\n!tests/keep.txt", "a.py tests tests/keep.txt"),
            ("# c\n\n*.pyc\n.*", "a.py d d/README.md d/x.pyc tests tests/keep.txt tests/t.py"),
        ];
        for (ignore, want) in cases {
            let (_folder, context) = context(ignore, &files);
            let found: Vec<String> = context.below("").expect("lists").into_iter().map(|(path, _)| path).collect();
            assert_eq!(found.join(" "), want, "{ignore}");
        }
    }

    #[test]
    fn finds_sources() {
        let (_folder, context) = context("secret.txt\nd\n!d/keep", &["a.txt", "b.txt", "secret.txt", "d/keep", "d/x"]);
        let cases = [
            (".", vec![""]),
            ("/a.txt", vec!["a.txt"]),
            ("../../a.txt", vec!["a.txt"]),
            ("*.txt", vec!["a.txt", "b.txt"]),
            ("secret.txt", vec![]),
            ("nope", vec![]),
            ("d", vec!["d"]),
        ];
        for (source, want) in cases {
            assert_eq!(context.find(source).expect("looks"), want, "{source}");
        }
    }
}
