//! `RUN`: carried out in the stage's files where these are whole and this process may change its root, else said.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command as Program, Stdio};
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{chdir, chroot, geteuid};
use tempfile::TempDir;

use super::Build;
use super::copy::{Changes, resolve_owner};
use crate::dockerfile::{Command, Heredoc, Statement};
use crate::standins::cli::docker::context;
use crate::standins::cli::docker::error::DockerError;
use crate::standins::cli::docker::image::History;
use crate::standins::cli::docker::tree::{Content, Kind, Node, Tree};
use crate::standins::cli::process::{How, Process};

/// Folders of the machine that a command finds in its root, and that are in no layer.
const SHARED: [&str; 3] = ["dev", "proc", "sys"];

impl Build<'_> {
    /// Carries out a command, or says that it was not.
    ///
    /// Differs: only where all files of the base are here; the network is the machine's.
    pub(super) fn run(
        &mut self,
        statement: &Statement,
        command: &Command,
        heredocs: &[Heredoc],
        process: &mut Process<'_>,
    ) -> Result<(), DockerError> {
        if let Some(obstacle) = self.obstacle(statement) {
            let detail = format!("{} ({obstacle})", statement.place.text);
            process.not_run(How::Simulated, "docker build", &detail);
            self.stage().missing.push(format!("{} was not run", statement.place.text));
            self.record_run(statement);
            return Ok(());
        }
        let argv = self.stage().argv(&with_heredocs(command, heredocs));
        let root = TempDir::new_in(self.scratch).map_err(DockerError::file("create a folder in", self.scratch))?;
        let whole: Vec<(String, Node)> = self.stage().tree.below("");
        materialise(&whole, root.path())?;
        let before = snapshot(root.path())?;
        let code = self.execute(&argv, root.path(), process)?;
        if code != 0 {
            let place = statement.place.clone();
            return Err(DockerError::Command { command: argv.join(" "), place, code });
        }
        let scratch = self.scratch;
        let changes = changes(&before, root.path(), &self.stage().tree, scratch)?;
        if changes.is_empty() {
            self.record_run(statement);
            return Ok(());
        }
        let layer = self.commit(changes)?;
        self.record_run(statement);
        let stage = self.stage();
        stage.image.history.last_mut().expect("was just recorded").empty_layer = false;
        stage.image.rootfs.diff_ids.push(layer.diff_id.clone());
        stage.layers.push(layer);
        Ok(())
    }

    /// Why a command cannot be carried out here.
    fn obstacle(&self, statement: &Statement) -> Option<String> {
        let stage = self.stages.last().expect("the first instruction after ARG is FROM");
        if self.settings.platform.is_some() {
            return Some("the image is for another platform than this machine's".to_owned());
        }
        if !stage.has_base {
            return Some(format!("no root file system for {} here", stage.base));
        }
        if let Some(missing) = stage.missing.first() {
            return Some(format!("the image is incomplete here: {missing}"));
        }
        if !geteuid().is_root() {
            return Some("only root may change the root folder".to_owned());
        }
        let text = &statement.place.text;
        ["--mount", "--network", "--security"]
            .into_iter()
            .find(|flag| text.contains(&format!(" {flag}=")))
            .map(|flag| format!("`{flag}` needs a Docker engine: `--backend docker`"))
    }

    fn execute(&mut self, argv: &[String], root: &Path, process: &mut Process<'_>) -> Result<u8, DockerError> {
        let stage = self.stage();
        let config = &stage.image.config;
        let owner = resolve_owner(stage, &config.user);
        let (uid, gid) = owner.map_err(|user| {
            DockerError::daemon(format!("unable to find user {user}: no matching entries in passwd file"))
        })?;
        let id = |id: u64| u32::try_from(id).unwrap_or(u32::MAX);
        let (reader, writer) = io::pipe().map_err(DockerError::file("create", "a pipe"))?;
        let errors = writer.try_clone().map_err(DockerError::file("create", "a pipe"))?;
        let mut program = Program::new(argv.first().map(String::as_str).unwrap_or_default());
        program.args(&argv[1..]).env_clear().stdin(Stdio::null()).stdout(writer).stderr(errors);
        program.env("HOME", if uid == 0 { "/root" } else { "/" }).envs(&stage.args);
        program.envs(config.env.iter().flatten().filter_map(|entry| entry.split_once('=')));
        program.gid(id(gid)).uid(id(uid));
        let folder = if config.working_dir.is_empty() { "/" } else { &config.working_dir };
        let mut child = spawn_in(program, root, folder)?;
        for line in BufReader::new(reader).lines().map_while(Result::ok) {
            self.say(process, &line);
        }
        let status = child.wait().map_err(DockerError::file("wait for", argv[0].clone()))?;
        Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(137))
    }

    fn record_run(&mut self, statement: &Statement) {
        let created = self.created.clone();
        let text = statement.place.text.trim_start_matches(|letter: char| !letter.is_whitespace()).trim();
        let stage = self.stage();
        stage.image.created = Some(created.clone());
        stage.image.history.push(History {
            created: Some(created),
            created_by: format!("/bin/sh -c {text}"),
            comment: None,
            empty_layer: true,
        });
    }
}

/// A heredoc alone is the script; beside a command it is the shell's.
fn with_heredocs(command: &Command, heredocs: &[Heredoc]) -> Command {
    match (command, heredocs) {
        (Command::Shell(text), [only]) if text.starts_with("<<") && !text.contains(char::is_whitespace) => {
            Command::Shell(only.content.clone())
        }
        (Command::Shell(text), [_, ..]) => {
            let documents: Vec<String> = heredocs.iter().map(|it| format!("\n{}{}", it.content, it.name)).collect();
            Command::Shell(format!("{text}{}\n", documents.concat()))
        }
        (command, _) => command.clone(),
    }
}

/// Starts a program in another root, with the machine's `/dev`, `/proc` and `/sys` there.
///
/// The new root and the mounts belong to a thread that ends here; the program has inherited them.
fn spawn_in(mut program: Program, root: &Path, folder: &str) -> Result<Child, DockerError> {
    let (root, folder) = (root.to_owned(), folder.to_owned());
    let enter = move || -> io::Result<Child> {
        unshare(CloneFlags::CLONE_NEWNS)?;
        let none: Option<&str> = None;
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
        for name in SHARED {
            let target = root.join(name);
            fs::create_dir_all(&target)?;
            mount(Some(&Path::new("/").join(name)), &target, none, MsFlags::MS_BIND | MsFlags::MS_REC, none)?;
        }
        chroot(&root)?;
        chdir(folder.as_str())?;
        program.spawn()
    };
    let spawned = thread::spawn(enter).join().expect("the thread does not panic");
    spawned.map_err(|error| DockerError::daemon(format!("failed to start the command of RUN: {error}")))
}

/// Writes a tree to a folder.
fn materialise(entries: &[(String, Node)], root: &Path) -> Result<(), DockerError> {
    for (path, node) in entries {
        let full = root.join(path);
        let failed = |error| DockerError::file("write", &full)(error);
        match &node.kind {
            Kind::Folder => fs::create_dir_all(&full).map_err(failed)?,
            Kind::Link(target) => {
                symlink(target, &full).map_err(failed)?;
                continue;
            }
            Kind::File(content) => {
                let mut file = fs::File::create(&full).map_err(failed)?;
                io::copy(&mut content.open()?, &mut file).map_err(failed)?;
            }
        }
        let id = |id: u64| u32::try_from(id).ok();
        chown(&full, id(node.uid), id(node.gid)).map_err(failed)?;
        fs::set_permissions(&full, fs::Permissions::from_mode(node.mode)).map_err(failed)?;
    }
    // Times come last: writing into a folder changes its own.
    for (path, node) in entries.iter().rev().filter(|(_, node)| !matches!(node.kind, Kind::Link(_))) {
        let full = root.join(path);
        let time = UNIX_EPOCH + Duration::from_secs(u64::try_from(node.mtime).unwrap_or_default());
        fs::File::open(&full).and_then(|file| file.set_modified(time)).map_err(DockerError::file("write", &full))?;
    }
    Ok(())
}

/// What tells that a file was touched: its number and the time of its last change.
type Marks = BTreeMap<String, (u64, i64, i64)>;

fn snapshot(root: &Path) -> Result<Marks, DockerError> {
    let mut marks = Marks::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let full = root.join(&folder);
        for entry in fs::read_dir(&full).map_err(DockerError::file("list", &full))? {
            let entry = entry.map_err(DockerError::file("list", &full))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            if SHARED.contains(&path.as_str()) {
                continue;
            }
            let metadata = entry.metadata().map_err(DockerError::file("read", entry.path()))?;
            marks.insert(path.clone(), (metadata.ino(), metadata.ctime(), metadata.ctime_nsec()));
            if metadata.is_dir() {
                folders.push(path);
            }
        }
    }
    Ok(marks)
}

/// What a command changed; contents move to `scratch`, because the folder goes away.
fn changes(before: &Marks, root: &Path, tree: &Tree, scratch: &Path) -> Result<Changes, DockerError> {
    let after = snapshot(root)?;
    let mut changes = Changes::new();
    for path in before.keys().filter(|path| !after.contains_key(*path) && tree.get(path).is_some()) {
        let parent_gone = path.rsplit_once('/').is_some_and(|(parent, _)| !after.contains_key(parent));
        if !parent_gone {
            changes.insert(path.clone(), None);
        }
    }
    for (path, mark) in after {
        if before.get(&path) == Some(&mark) {
            continue;
        }
        let full = root.join(&path);
        let metadata = fs::symlink_metadata(&full).map_err(DockerError::file("read", &full))?;
        if !(metadata.is_dir() || metadata.is_file() || metadata.is_symlink()) {
            continue;
        }
        let mut node = context::read(&full)?;
        (node.uid, node.gid) = (metadata.uid().into(), metadata.gid().into());
        if let Kind::File(Content::OnDisk(from, size)) = &node.kind {
            let kept = tempfile::NamedTempFile::new_in(scratch).and_then(|file| Ok(file.keep()?));
            let (_, kept) = kept.map_err(DockerError::file("write in", scratch))?;
            fs::copy(from, &kept).map_err(DockerError::file("copy", from))?;
            node.kind = Kind::File(Content::OnDisk(kept, *size));
        }
        changes.insert(path, Some(node));
    }
    Ok(changes)
}
