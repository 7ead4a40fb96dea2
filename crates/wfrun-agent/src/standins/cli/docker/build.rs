//! `docker build`: carries out a Dockerfile and keeps the image.

mod copy;
mod run;
mod stage;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use tempfile::TempDir;

use super::context::Context;
use super::dockerfile::{self, Instruction, Statement};
use super::error::DockerError;
use super::options::{Flag, Words, switch, value};
use super::reference::Reference;
use super::store::Store;
use super::{registry, short};
use crate::standins::cli::process::{How, Process};
use stage::Stage;

const FLAGS: &[Flag] = &[
    value("tag").or('t'),
    value("file").or('f'),
    value("build-arg"),
    value("label"),
    value("target"),
    value("platform"),
    value("iidfile"),
    switch("quiet").or('q'),
    switch("push"),
    switch("load"),
    // These change how fast or how talkatively an image is made, or what RUN may reach; not what is in it.
    value("progress"),
    value("cache-from"),
    value("cache-to"),
    value("network"),
    value("cgroup-parent"),
    value("add-host"),
    value("builder"),
    value("memory").or('m'),
    value("shm-size"),
    value("ulimit"),
    value("provenance"),
    value("sbom"),
    switch("no-cache"),
    switch("pull"),
    switch("rm"),
    switch("force-rm"),
    switch("compress"),
    // These are refused below, by name.
    value("secret"),
    value("ssh"),
    value("output").or('o'),
    value("build-context"),
    value("metadata-file"),
    value("attest"),
    switch("squash"),
];

const REFUSED: [&str; 7] = ["secret", "ssh", "output", "build-context", "metadata-file", "attest", "squash"];

/// What `docker build` was asked for.
#[derive(Debug)]
struct Settings {
    tags: Vec<Reference>,
    build_args: IndexMap<String, Option<String>>,
    labels: Vec<(String, String)>,
    target: Option<String>,
    /// `os/architecture` where another one than this machine's was asked for.
    platform: Option<String>,
    quiet: bool,
}

/// A build under way.
#[derive(Debug)]
struct Build<'b> {
    settings: &'b Settings,
    store: &'b Store,
    context: &'b Context,
    /// Holds the files of unpacked layers while the build lasts.
    scratch: &'b Path,
    /// The `ARG`s before the first `FROM`.
    global_args: IndexMap<String, String>,
    /// The build arguments that an `ARG` took.
    used_args: BTreeSet<String>,
    stages: Vec<Stage>,
    /// The variables of the instruction that only an absent base could know.
    unknown: RefCell<BTreeSet<String>>,
    /// What the instruction left out.
    lacks: RefCell<Vec<String>>,
    /// The time of all that the build makes, in seconds since 1970.
    epoch: i64,
    created: String,
}

/// Runs `docker build` or `docker buildx build` with what follows.
///
/// Every file keeps its time, and a folder that the build makes has the time `SOURCE_DATE_EPOCH`, else 0, so the same files
/// make the same layers.
///
/// Differs: the output is always the classic builder's, and there is no build cache.
pub(super) fn run(command: &'static str, words: &[String], process: &mut Process<'_>) -> Result<(), DockerError> {
    let words = Words::read(command, FLAGS, words)?;
    if let Some(name) = REFUSED.iter().find(|name| words.value(name).is_some()) {
        return Err(DockerError::not_supported(format!("{command} --{name}")));
    }
    let [root] = words.operands::<1>(command)?;
    let settings = Settings::read(command, &words, process)?;
    let (file, text) = read_dockerfile(root, &words, process)?;
    let shown = file.file_name().map_or_else(|| "Dockerfile".to_owned(), |name| name.to_string_lossy().into_owned());
    let context = Context::open(&process.path(root), &file)?;
    if !settings.quiet {
        let size = super::human_size(context.size()?);
        process.line(&format!("Sending build context to Docker daemon  {size}"));
    }
    let statements = dockerfile::parse(&text, &shown)?;
    process.declare(How::StandIn, command, "wfrun's own builder: this environment has no Docker engine");
    let store = Store::of(process);
    let scratch = scratch_folder(&store)?;
    let mut build = Build::new(&settings, &store, &context, scratch.path(), process);
    let id = build.carry_out(&statements, process)?;
    if settings.quiet {
        process.line(&id);
    } else {
        process.line(&format!("Successfully built {}", short(&id)));
        for tag in &settings.tags {
            process.line(&format!("Successfully tagged {tag}"));
        }
    }
    if let Some(path) = words.value("iidfile") {
        let path = process.path(path);
        fs::write(&path, &id).map_err(DockerError::file("write", path))?;
    }
    if words.is_on("push") {
        for tag in &settings.tags {
            registry::push(&tag.to_string(), settings.quiet, process)?;
        }
    }
    Ok(())
}

fn scratch_folder(store: &Store) -> Result<TempDir, DockerError> {
    fs::create_dir_all(store.root()).map_err(DockerError::file("create", store.root()))?;
    TempDir::new_in(store.root()).map_err(DockerError::file("create a folder in", store.root()))
}

/// The Dockerfile's path and text: `-f`, from the working directory, else `Dockerfile` of the context.
fn read_dockerfile(root: &str, words: &Words, process: &mut Process<'_>) -> Result<(PathBuf, String), DockerError> {
    if root == "-" || root.contains("://") || root.starts_with("git@") {
        return Err(DockerError::NotSupported {
            what: format!("docker build {root}"),
            way_out: "give a folder, or use a Docker engine: `--backend docker`",
        });
    }
    if !process.path(root).is_dir() {
        return Err(DockerError::failed(format!("unable to prepare context: path \"{root}\" not found")));
    }
    let path = match words.value("file") {
        Some("-") => {
            let mut text = String::new();
            process.input.read_to_string(&mut text).map_err(DockerError::file("read", "-"))?;
            return Ok((PathBuf::from("Dockerfile"), text));
        }
        Some(file) => process.path(file),
        None => process.path(root).join("Dockerfile"),
    };
    if !path.exists() {
        let shown = path.display();
        return Err(DockerError::failed(format!(
            "unable to prepare context: unable to evaluate symlinks in Dockerfile path: lstat {shown}: no such file or directory"
        )));
    }
    let text = fs::read_to_string(&path).map_err(DockerError::file("read", &path))?;
    Ok((path, text))
}

impl Settings {
    fn read(command: &'static str, words: &Words, process: &Process<'_>) -> Result<Self, DockerError> {
        let invalid = |tag: &str, error: DockerError| {
            DockerError::usage(command, format!("invalid argument \"{tag}\" for \"-t, --tag\" flag: {error}"))
        };
        let tag =
            |tag: &str| Reference::parse(tag).map(Reference::with_default_tag).map_err(|error| invalid(tag, error));
        let tags = words.values("tag").map(tag).collect::<Result<Vec<_>, _>>()?;
        let build_arg = |word: &str| match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            // A name alone takes the variable of that name, and nothing where there is none.
            None => (word.to_owned(), process.variables.get(word).cloned()),
        };
        let label = |word: &str| {
            word.split_once('=')
                .map_or((word.to_owned(), String::new()), |(name, value)| (name.to_owned(), value.to_owned()))
        };
        Ok(Self {
            tags,
            build_args: words.values("build-arg").map(build_arg).collect(),
            labels: words.values("label").map(label).collect(),
            target: words.value("target").map(str::to_ascii_lowercase),
            platform: words.value("platform").filter(|it| *it != stage::own_platform()).map(str::to_owned),
            quiet: words.is_on("quiet"),
        })
    }
}

impl<'b> Build<'b> {
    fn new(
        settings: &'b Settings,
        store: &'b Store,
        context: &'b Context,
        scratch: &'b Path,
        process: &Process<'_>,
    ) -> Self {
        let set = process.variable("SOURCE_DATE_EPOCH").and_then(|epoch| epoch.parse::<i64>().ok());
        let now = jiff::Timestamp::now();
        let created = set.and_then(|epoch| jiff::Timestamp::from_second(epoch).ok()).unwrap_or(now);
        Self {
            settings,
            store,
            context,
            scratch,
            global_args: IndexMap::new(),
            used_args: BTreeSet::new(),
            stages: Vec::new(),
            unknown: RefCell::default(),
            lacks: RefCell::default(),
            epoch: set.unwrap_or_default(),
            created: created.to_string(),
        }
    }

    /// Carries out all instructions up to the end of the wanted stage, and gives the image's id.
    fn carry_out(&mut self, statements: &[Statement], process: &mut Process<'_>) -> Result<String, DockerError> {
        let end = self.end_of_target(statements)?;
        if let Some(platform) = self.settings.platform.clone() {
            let detail = format!("--platform {platform}: the image says so, and no RUN is carried out for it");
            process.not_run(How::Simulated, "docker build", &detail);
        }
        for (index, statement) in statements[..end].iter().enumerate() {
            self.say(process, &format!("Step {}/{end} : {}", index + 1, statement.place.text));
            self.step(statement, process)?;
            self.say_unknown(statement, process);
            let lacks = self.lacks.take();
            if let Some(stage) = self.stages.last_mut() {
                stage.missing.extend(lacks);
            }
        }
        if !self.settings.labels.is_empty() {
            let labels = self.settings.labels.clone();
            self.stage().add_labels(labels);
        }
        self.warn_of_unused_args(process);
        let stage = self.stages.last_mut().expect("the first instruction after ARG is FROM");
        stage.image.note_missing(&stage.missing);
        self.store.add(&stage.image.bytes(), &stage.layers, &stage.missing, &self.settings.tags)
    }

    fn step(&mut self, statement: &Statement, process: &mut Process<'_>) -> Result<(), DockerError> {
        match &statement.instruction {
            Instruction::From { image, platform, stage } => {
                self.from(statement, image, platform.as_deref(), stage.as_deref(), process)?;
            }
            Instruction::Arg(args) if self.stages.is_empty() => {
                for (name, default) in args {
                    self.global_arg(statement, name, default.as_deref())?;
                }
                return Ok(());
            }
            Instruction::Copy(copy) => self.copy(statement, copy, copy::Kind::Copy, process)?,
            Instruction::Add(add) => self.copy(statement, add, copy::Kind::Add, process)?,
            Instruction::Run { command, heredocs } => self.run(statement, command, heredocs, process)?,
            Instruction::Arg(_)
            | Instruction::Env(_)
            | Instruction::Label(_)
            | Instruction::Workdir(_)
            | Instruction::Cmd(_)
            | Instruction::Entrypoint(_)
            | Instruction::Expose(_)
            | Instruction::User(_)
            | Instruction::Volume(_)
            | Instruction::StopSignal(_)
            | Instruction::Shell(_)
            | Instruction::Healthcheck(_)
            | Instruction::Maintainer(_) => self.configure(statement)?,
        }
        let stage = self.stage();
        let id = if matches!(statement.instruction, Instruction::From { .. }) {
            stage.base_id.clone().unwrap_or_default()
        } else {
            super::layer::digest(&stage.image.bytes())
        };
        let shown = short(&id);
        self.say(process, &format!(" ---> {shown}"));
        Ok(())
    }

    fn say_unknown(&self, statement: &Statement, process: &mut Process<'_>) {
        let unknown = self.unknown.take();
        if let (false, Some(stage)) = (unknown.is_empty(), self.stages.last()) {
            let names: Vec<String> = unknown.iter().map(|name| format!("${name}")).collect();
            let (text, names, base) = (&statement.place.text, names.join(", "), &stage.base);
            let detail = format!("{text} with {names} of {base} (it is not known here, and taken as empty)");
            self.lack(process, detail);
        }
    }

    /// Says that a part of the image was not made; the stage remembers it.
    fn lack(&self, process: &mut Process<'_>, detail: String) {
        process.not_run(How::Simulated, "docker build", &detail);
        self.lacks.borrow_mut().push(detail);
    }

    /// The stage under construction.
    fn stage(&mut self) -> &mut Stage {
        self.stages.last_mut().expect("the first instruction after ARG is FROM")
    }

    /// Where the wanted stage ends, as a number of instructions.
    fn end_of_target(&self, statements: &[Statement]) -> Result<usize, DockerError> {
        let Some(target) = &self.settings.target else {
            return Ok(statements.len());
        };
        let starts: Vec<(usize, Option<&str>)> = statements
            .iter()
            .enumerate()
            .filter_map(|(at, statement)| {
                let Instruction::From { stage, .. } = &statement.instruction else { return None };
                Some((at, stage.as_deref()))
            })
            .collect();
        let number = target.parse::<usize>().ok();
        let wanted =
            starts.iter().position(|(_, name)| *name == Some(target)).or(number.filter(|it| *it < starts.len()));
        let wanted = wanted.ok_or_else(|| {
            let names: Vec<&str> = starts.iter().filter_map(|(_, name)| *name).collect();
            let names =
                if names.is_empty() { "none has a name".to_owned() } else { format!("there are {}", names.join(", ")) };
            DockerError::failed(format!(
                "failed to reach build target {target} in Dockerfile\nhelp: of the stages, {names}"
            ))
        })?;
        Ok(starts.get(wanted + 1).map_or(statements.len(), |(at, _)| *at))
    }

    fn warn_of_unused_args(&self, process: &mut Process<'_>) {
        let unused: Vec<&str> = self
            .settings
            .build_args
            .keys()
            .map(String::as_str)
            .filter(|name| !self.used_args.contains(*name) && !stage::is_predefined(name))
            .collect();
        if !unused.is_empty() {
            process.error_line(&format!("[Warning] One or more build-args [{}] were not consumed", unused.join(" ")));
        }
    }

    fn say(&self, process: &mut Process<'_>, text: &str) {
        if !self.settings.quiet {
            process.line(text);
        }
    }
}
