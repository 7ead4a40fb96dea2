//! Entries of tool caches: found, and given to jobs.
//!
//! Source: GitHub: execution rules E9.10: a folder `NAME/VERSION/ARCH`, and a file `ARCH.complete` beside it that says that it
//! is whole.
use std::io;
use std::path::{Path, PathBuf};

use wfrun_agent::standins::version_in_range;
use wfrun_backend::Mount;
use wfrun_plan::set_up_action;
use wfrun_workflow::ActionRef;

use crate::actions::walk_folder;
use crate::paths::TOOL_CACHE;
use crate::vendor::LockedTool;
use crate::work_files::WorkFiles;

/// A tool that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundTool {
    /// Which.
    pub tool: LockedTool,
    /// The tool cache that has it.
    pub cache: PathBuf,
}

/// A version of a tool is not here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolLack {
    /// No tool cache has one in the range.
    NotHere,
    /// It is a word such as `lts/*`: which version it means stands in a list on the network.
    Word,
}

impl FoundTool {
    /// Its folder.
    pub fn folder(&self) -> PathBuf {
        let LockedTool { name, version, arch } = &self.tool;
        self.cache.join(name).join(version).join(arch)
    }
}

/// This machine's processor, as tool caches name it.
pub(crate) const fn arch() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" }
}

/// Finds the highest version of a tool in a range; the first tool cache that has one wins.
pub fn find_tool(caches: &[PathBuf], name: &str, range: &str) -> Result<FoundTool, ToolLack> {
    version_in_range(range, "0.0.0").ok_or(ToolLack::Word)?;
    let arch = arch();
    let found = caches.iter().find_map(|cache| {
        let versions = std::fs::read_dir(cache.join(name)).into_iter().flatten().flatten();
        let is_whole = |version: &String| {
            let folder = cache.join(name).join(version);
            folder.join(arch).is_dir() && folder.join(format!("{arch}.complete")).is_file()
        };
        let versions = versions.map(|it| it.file_name().to_string_lossy().into_owned());
        let fitting = versions.filter(|it| version_in_range(range, it) == Some(true)).filter(is_whole);
        let version = fitting.max_by_key(|it| numbers(it))?;
        let tool = LockedTool { name: name.to_owned(), version, arch: arch.to_owned() };
        Some(FoundTool { tool, cache: cache.clone() })
    });
    found.ok_or(ToolLack::NotHere)
}

fn numbers(version: &str) -> Vec<u64> {
    version.split(['.', '-', '+']).map_while(|it| it.parse().ok()).collect()
}

/// Puts an entry of a tool cache below a folder of `files`.
pub(crate) fn put(found: &FoundTool, files: &WorkFiles, below: &str) -> io::Result<()> {
    let LockedTool { name, version, arch } = &found.tool;
    let source = found.folder();
    let mut entries = Vec::new();
    walk_folder(&source, Path::new(""), &mut entries)?;
    files.put(&source, &entries, &format!("{below}/{name}/{version}/{arch}"))?;
    let complete = [PathBuf::from(format!("{arch}.complete"))];
    files.put(&found.cache.join(name).join(version), &complete, &format!("{below}/{name}/{version}"))
}

/// Gives a job the tools that its set-up actions look for: copies, as steps install packages into them.
pub(crate) fn give<'a>(
    tools: &[FoundTool],
    actions: impl Iterator<Item = &'a ActionRef>,
    work_dir: &Path,
    in_container: bool,
) -> io::Result<Vec<Mount>> {
    let names: Vec<String> = actions.map(|it| it.with_path().to_ascii_lowercase()).collect();
    let is_wanted = |it: &&FoundTool| names.contains(&set_up_action(&it.tool.name));
    let files = WorkFiles::at(work_dir)?;
    let mut mounts = Vec::new();
    for found in tools.iter().filter(is_wanted) {
        put(found, &files, "_tool")?;
        // A job container's tool cache is that folder.
        if in_container {
            continue;
        }
        let LockedTool { name, version, arch } = &found.tool;
        for part in [arch.clone(), format!("{arch}.complete")] {
            let path = format!("{name}/{version}/{part}");
            let (source, target) = (work_dir.join("_tool").join(&path), format!("{TOOL_CACHE}/{path}"));
            mounts.push(Mount { source, target, read_only: false });
        }
    }
    Ok(mounts)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: GitHub: execution rules E9.10.
    #[test]
    fn the_highest_that_is_whole() {
        let dir = tempfile::tempdir().expect("a folder");
        let arch = arch();
        let add = |cache: &str, name: &str, version: &str, is_whole: bool| {
            let folder = dir.path().join(cache).join(name).join(version);
            std::fs::create_dir_all(folder.join(arch)).expect("folders");
            if is_whole {
                std::fs::write(folder.join(format!("{arch}.complete")), "").expect("a file");
            }
        };
        for (version, is_whole) in [("3.9.18", true), ("3.11.9", true), ("3.11.10", true), ("3.12.1", false)] {
            add("one", "Python", version, is_whole);
        }
        add("two", "Python", "3.12.0", true);
        add("two", "node", "20.11.1", true);
        let caches = [dir.path().join("one"), dir.path().join("two")];
        for (name, range, expected) in [
            ("Python", "3.11", Ok("3.11.10")),
            ("Python", "3.x", Ok("3.11.10")),
            ("Python", "3.12", Ok("3.12.0")),
            ("Python", "3.9.18", Ok("3.9.18")),
            ("Python", "3.13", Err(ToolLack::NotHere)),
            ("node", "20", Ok("20.11.1")),
            ("node", ">=18", Ok("20.11.1")),
            ("node", "lts/*", Err(ToolLack::Word)),
            ("node", "latest", Err(ToolLack::Word)),
            ("go", "1.22", Err(ToolLack::NotHere)),
        ] {
            let found = find_tool(&caches, name, range).map(|it| it.tool.version);
            assert_eq!(found, expected.map(str::to_owned), "{name} {range}");
        }
    }
}
