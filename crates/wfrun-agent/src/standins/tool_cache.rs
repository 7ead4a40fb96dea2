//! The tool cache: what set-up actions find in it.
//!
//! Source: `@actions/tool-cache`, `find` and `findAllVersions`.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::StandInError;
use super::semver::{Range, SemVer};
use super::toolkit;

/// A tool in the tool cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tool {
    /// The name of its folder, such as `3.11.7`.
    pub(super) version: String,
    /// `$RUNNER_TOOL_CACHE/<tool>/<version>/<architecture>`.
    pub(super) folder: PathBuf,
}

/// The folder of the job's tools.
#[derive(Debug, Clone)]
pub(super) struct ToolCache {
    root: PathBuf,
}

impl ToolCache {
    /// The folder that `RUNNER_TOOL_CACHE` names.
    pub(super) fn of_the_job() -> Result<Self, StandInError> {
        Ok(Self { root: toolkit::path_variable("RUNNER_TOOL_CACHE")? })
    }

    /// The folder that `AGENT_TOOLSDIRECTORY` names, for actions that look there first; else [`Self::of_the_job`].
    pub(super) fn of_the_agent() -> Result<Self, StandInError> {
        let agent = toolkit::variable("AGENT_TOOLSDIRECTORY");
        match agent.trim() {
            "" => Self::of_the_job(),
            named => Ok(Self { root: PathBuf::from(named) }),
        }
    }

    /// Where a tool is, or would be.
    pub(super) fn folder(&self, tool: &str, version: &str, architecture: &str) -> PathBuf {
        self.root.join(tool).join(version).join(architecture)
    }

    /// The versions of a tool for an architecture, in no order. One counts only beside a file `<architecture>.complete`, and
    /// while `program` (relative to its folder) is there: what a link leads to may have been taken off the machine since.
    pub(super) fn all(&self, tool: &str, architecture: &str, program: &str) -> Vec<(SemVer, Tool)> {
        let entries = fs::read_dir(self.root.join(tool)).into_iter().flatten().flatten();
        let tools = entries.filter_map(|entry| {
            let version = entry.file_name().to_string_lossy().into_owned();
            let read = SemVer::parse(&version)?;
            let folder = entry.path().join(architecture);
            let is_whole = mark_of(&folder).exists() && folder.join(program).exists();
            is_whole.then_some((read, Tool { version, folder }))
        });
        tools.collect()
    }

    /// The tool of just the version that `spec` is, or the highest that satisfies the range that it is.
    pub(super) fn find(&self, tool: &str, spec: &str, architecture: &str, program: &str) -> Option<Tool> {
        let all = self.all(tool, architecture, program);
        let exact = SemVer::parse(spec);
        let range = Range::strict(spec);
        let fits = |version: &SemVer| match &exact {
            Some(exact) => version == exact,
            None => range.as_ref().is_some_and(|it| it.contains(version)),
        };
        all.into_iter().filter(|(version, _)| fits(version)).max_by(|a, b| a.0.cmp(&b.0)).map(|(_, tool)| tool)
    }

    /// Makes a tool by `make`, which fills its folder. Where another job makes the same, this one waits and takes it.
    pub(super) fn make(
        &self,
        tool: &str,
        version: &str,
        program: &str,
        make: impl FnOnce(&Path) -> Result<(), StandInError>,
    ) -> Result<Tool, StandInError> {
        let folder = self.folder(tool, version, architecture());
        let parent = self.root.join(tool).join(version);
        fs::create_dir_all(&parent).map_err(StandInError::file("create", &parent))?;
        let lock = folder.with_added_extension("lock");
        let held = fs::File::create(&lock).and_then(|file| file.lock().map(|()| file));
        let held = held.map_err(StandInError::file("lock", &lock))?;
        let mark = mark_of(&folder);
        if !(mark.exists() && folder.join(program).exists()) {
            make(&folder)?;
            fs::write(&mark, "").map_err(StandInError::file("write", &mark))?;
        }
        drop(held);
        Ok(Tool { version: version.to_owned(), folder })
    }
}

/// The file that says that a tool is whole.
fn mark_of(folder: &Path) -> PathBuf {
    folder.with_added_extension("complete")
}

/// `x64` or `arm64`, as Node and the tool cache name this machine's processor.
pub(super) fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        "x86" => "ia32",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_is_whole() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let cache = ToolCache { root: root.path().to_owned() };
        for (version, is_whole) in [
            ("18.1.0", true),
            ("20.2.0", true),
            ("20.10.0", true),
            ("20.11.0", false),
            ("21.0.0-rc.1", true),
            ("odd", true),
        ] {
            let folder = cache.folder("node", version, "x64");
            fs::create_dir_all(folder.join("bin")).expect("can create");
            fs::write(folder.join("bin/node"), "").expect("can write");
            if is_whole {
                fs::write(mark_of(&folder), "").expect("can write");
            }
        }
        let without_program = cache.folder("node", "20.12.0", "x64");
        fs::create_dir_all(&without_program).expect("can create");
        fs::write(mark_of(&without_program), "").expect("can write");
        for (spec, expected) in [
            ("20", "20.10.0"),
            ("20.2.0", "20.2.0"),
            ("v20.2.0", "20.2.0"),
            ("20.2.1", ""),
            ("20.11.0", ""),
            (">=18 <20", "18.1.0"),
            ("*", "20.10.0"),
            ("21", ""),
            ("21.0.0-rc.1", "21.0.0-rc.1"),
            ("latest", ""),
        ] {
            let found = cache.find("node", spec, "x64", "bin/node").map(|it| it.version).unwrap_or_default();
            assert_eq!(found, expected, "{spec}");
        }
        assert_eq!(cache.find("node", "20", "arm64", "bin/node"), None);
        assert_eq!(cache.find("go", "20", "x64", "bin/go"), None);
    }

    #[test]
    fn makes_once() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let cache = ToolCache { root: root.path().to_owned() };
        let mut made = 0;
        for _ in 0..2 {
            let tool = cache.make("node", "1.2.3", "node", |folder| {
                made += 1;
                fs::create_dir_all(folder).expect("can create");
                fs::write(folder.join("node"), "").map_err(StandInError::file("write", folder))
            });
            assert_eq!(tool.expect("is made").folder, cache.folder("node", "1.2.3", architecture()));
        }
        assert_eq!(made, 1);
        assert!(cache.find("node", "1", architecture(), "node").is_some());
        let failed = cache.make("node", "2.0.0", "node", |_| Err(StandInError::action("no")));
        assert!(failed.is_err() && cache.find("node", "2", architecture(), "node").is_none());
    }
}
