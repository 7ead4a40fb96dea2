//! A stage: from its base image through the instructions that change its configuration.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::Build;
use crate::standins::cli::docker::dockerfile::substitute::expand;
use crate::standins::cli::docker::dockerfile::{Command, Instruction, Statement};
use crate::standins::cli::docker::error::DockerError;
use crate::standins::cli::docker::image::{History, ImageConfig};
use crate::standins::cli::docker::layer::{self, Layer};
use crate::standins::cli::docker::reference::Reference;
use crate::standins::cli::docker::registry;
use crate::standins::cli::docker::tree::{Node, Tree};
use crate::standins::cli::process::{How, Process};

const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// An image under construction.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) name: Option<String>,
    /// What follows `FROM`, variables replaced.
    pub(super) base: String,
    /// The base image's id; `None` for `scratch` and for one that is not here.
    pub(super) base_id: Option<String>,
    /// Whether the base's files are known.
    pub(super) has_base: bool,
    pub(super) image: ImageConfig,
    pub(super) layers: Vec<Layer>,
    pub(super) tree: Tree,
    pub(super) args: IndexMap<String, String>,
    /// The names that `ARG` declared, with or without a value.
    declared: BTreeSet<String>,
    /// Whether this Dockerfile has set `CMD`.
    sets_cmd: bool,
    /// Why the image lacks a part, one sentence each.
    pub(super) missing: Vec<String>,
}

/// `os/architecture` of this machine.
pub(super) fn own_platform() -> String {
    let image = ImageConfig::empty();
    format!("{}/{}", image.os, image.architecture)
}

/// The arguments that need no `ARG`. Source: Docker, "Dockerfile reference", "Predefined ARGs".
pub(super) fn is_predefined(name: &str) -> bool {
    matches!(name.to_ascii_uppercase().as_str(), "HTTP_PROXY" | "HTTPS_PROXY" | "FTP_PROXY" | "NO_PROXY" | "ALL_PROXY")
}

impl Stage {
    fn new(name: Option<&str>, base: &str) -> Self {
        Self {
            name: name.map(str::to_owned),
            base: base.to_owned(),
            base_id: None,
            has_base: true,
            image: ImageConfig::empty(),
            layers: Vec::new(),
            tree: Tree::default(),
            args: IndexMap::new(),
            declared: BTreeSet::new(),
            sets_cmd: false,
            missing: Vec::new(),
        }
    }

    /// A variable of an instruction: `ENV` goes before `ARG`.
    pub(super) fn lookup(&self, name: &str) -> Option<String> {
        let prefix = format!("{name}=");
        let env = self.image.config.env.iter().flatten().find_map(|entry| entry.strip_prefix(&prefix));
        env.map(str::to_owned).or_else(|| self.args.get(name).cloned())
    }

    pub(super) fn add_labels(&mut self, labels: Vec<(String, String)>) {
        self.image.config.labels.get_or_insert_default().extend(labels);
    }

    fn set_env(&mut self, name: &str, value: &str) {
        let env = self.image.config.env.get_or_insert_default();
        let prefix = format!("{name}=");
        let entry = format!("{prefix}{value}");
        match env.iter_mut().find(|it| it.starts_with(&prefix)) {
            Some(existing) => *existing = entry,
            None => env.push(entry),
        }
    }

    /// The words of a command as they are started.
    pub(super) fn argv(&self, command: &Command) -> Vec<String> {
        match command {
            Command::Exec(words) => words.clone(),
            Command::Shell(text) => {
                let mut words = self.shell();
                words.push(text.clone());
                words
            }
        }
    }

    fn shell(&self) -> Vec<String> {
        self.image.config.shell.clone().unwrap_or_else(|| vec!["/bin/sh".to_owned(), "-c".to_owned()])
    }
}

impl Build<'_> {
    /// Begins a stage.
    pub(super) fn from(
        &mut self,
        statement: &Statement,
        image: &str,
        platform: Option<&str>,
        name: Option<&str>,
        process: &mut Process<'_>,
    ) -> Result<(), DockerError> {
        let lookup = |name: &str| self.global_args.get(name).cloned().or_else(|| self.platform_arg(name));
        let base = expand(image, statement.escape, &lookup).map_err(|message| statement.place.parse_error(message))?;
        if base.is_empty() {
            let fault =
                statement.place.fault(format!("Error response from daemon: base name ({image}) should not be blank"));
            return Err(fault.help("give the variable a value by `ARG` before `FROM` or by `--build-arg`").into());
        }
        let mut stage = Stage::new(name, &base);
        if let Some((os, architecture)) = self.settings.platform.as_deref().and_then(|it| it.split_once('/')) {
            os.clone_into(&mut stage.image.os);
            architecture.split('/').next().unwrap_or(architecture).clone_into(&mut stage.image.architecture);
        }
        let platform = platform.map(|text| expand(text, statement.escape, &lookup)).transpose();
        let platform = platform.map_err(|message| statement.place.parse_error(message))?;
        if let Some(platform) = platform.filter(|it| *it != own_platform()) {
            let detail =
                format!("--platform={platform} of `{}`: the stage is made for this machine", statement.place.text);
            process.not_run(How::Simulated, "docker build", &detail);
            stage.missing.push(format!("the stage is not for {platform}"));
        }
        if let Some(earlier) = self.stages.iter().find(|it| it.name.as_deref() == Some(&base.to_ascii_lowercase())) {
            stage.image = earlier.image.clone();
            stage.layers.clone_from(&earlier.layers);
            stage.tree = earlier.tree.clone();
            stage.missing.extend(earlier.missing.iter().cloned());
            stage.has_base = earlier.has_base;
            stage.base_id = Some(layer::digest(&stage.image.bytes()));
        } else if base != "scratch" {
            self.take_base(&mut stage, statement, process)?;
        }
        let has_path = stage.image.config.env.iter().flatten().any(|entry| entry.starts_with("PATH="));
        if stage.has_base && !has_path {
            stage.image.config.env.get_or_insert_default().insert(0, PATH.to_owned());
        }
        // An image says how it was made, not from which id.
        stage.image.config.image = stage.base_id.clone().unwrap_or_default();
        self.stages.push(stage);
        Ok(())
    }

    /// Takes an image of the store, or of a registry on this machine, as the stage's base.
    fn take_base(
        &self,
        stage: &mut Stage,
        statement: &Statement,
        process: &mut Process<'_>,
    ) -> Result<(), DockerError> {
        let reference = Reference::parse(&stage.base).map_err(|error| statement.place.fault(error.to_string()))?;
        let mut found = self.store.find(&stage.base)?;
        let is_here = |host: &str| registry::address(host, process).is_some();
        if found.is_none() && reference.registry.as_deref().is_some_and(is_here) {
            found = Some(registry::pull(&reference.clone().with_default_tag(), self.store, false, process)?);
        }
        let Some(image) = found else {
            stage.has_base = false;
            let base = &stage.base;
            let detail = format!(
                "FROM {base} (the image is not on this machine): the image has only this build's layers and settings"
            );
            process.not_run(How::Simulated, "docker build", &detail);
            stage.missing.push(format!("the base image {base} is not on this machine"));
            return Ok(());
        };
        let (_, config) = self.store.config(&image)?;
        stage.image = config;
        for layer in &image.layers {
            layer::apply(&mut stage.tree, &self.store.blob(&layer.digest), self.scratch)?;
        }
        stage.has_base = image.missing.is_empty();
        stage.missing.extend(image.missing);
        stage.layers = image.layers;
        stage.base_id = Some(image.id);
        Ok(())
    }

    /// Reads an `ARG` that stands before the first `FROM`.
    pub(super) fn global_arg(
        &mut self,
        statement: &Statement,
        name: &str,
        default: Option<&str>,
    ) -> Result<(), DockerError> {
        let lookup = |name: &str| self.global_args.get(name).cloned();
        let default = default.map(|text| expand(text, statement.escape, &lookup)).transpose();
        let default = default.map_err(|message| statement.place.parse_error(message))?;
        let given = self.settings.build_args.get(name).cloned().flatten();
        self.used_args.insert(name.to_owned());
        if let Some(value) = given.or(default) {
            self.global_args.insert(name.to_owned(), value);
        }
        Ok(())
    }

    /// Source: Docker, "Dockerfile reference", "Automatic platform ARGs in the global scope".
    fn platform_arg(&self, name: &str) -> Option<String> {
        let (scope, part) = name
            .strip_prefix("TARGET")
            .map(|part| ("TARGET", part))
            .or_else(|| name.strip_prefix("BUILD").map(|part| ("BUILD", part)))?;
        let own = own_platform();
        let platform = self.settings.platform.as_deref().filter(|_| scope == "TARGET").unwrap_or(&own);
        let mut parts = platform.split('/');
        match part {
            "PLATFORM" => Some(platform.to_owned()),
            "OS" => parts.next().map(str::to_owned),
            "ARCH" => parts.nth(1).map(str::to_owned),
            "VARIANT" => Some(parts.nth(2).unwrap_or_default().to_owned()),
            _ => None,
        }
    }

    /// Replaces the variables of a word of the current stage.
    pub(super) fn expand(&self, statement: &Statement, text: &str) -> Result<String, DockerError> {
        let stage = self.stages.last().expect("the first instruction after ARG is FROM");
        let lookup = |name: &str| {
            let found = stage.lookup(name);
            if found.is_none() && !stage.has_base && !stage.declared.contains(name) {
                self.unknown.borrow_mut().insert(name.to_owned());
            }
            found
        };
        let expanded = expand(text, statement.escape, &lookup);
        Ok(expanded.map_err(|message| statement.place.parse_error(message))?)
    }

    fn expand_pairs(
        &self,
        statement: &Statement,
        pairs: &[(String, String)],
    ) -> Result<Vec<(String, String)>, DockerError> {
        let expand =
            |(name, value): &(String, String)| Ok((self.expand(statement, name)?, self.expand(statement, value)?));
        pairs.iter().map(expand).collect()
    }

    fn expand_all(&self, statement: &Statement, words: &[String]) -> Result<Vec<String>, DockerError> {
        words.iter().map(|word| self.expand(statement, word)).collect()
    }

    /// Carries out an instruction that changes the configuration only.
    pub(super) fn configure(&mut self, statement: &Statement) -> Result<(), DockerError> {
        let described = match &statement.instruction {
            Instruction::Arg(args) => self.stage_args(statement, args)?,
            Instruction::Env(pairs) => {
                let pairs = self.expand_pairs(statement, pairs)?;
                for (name, value) in &pairs {
                    self.stage().set_env(name, value);
                }
                format!(" ENV {}", joined(&pairs))
            }
            Instruction::Label(pairs) => {
                let pairs = self.expand_pairs(statement, pairs)?;
                let described = format!(" LABEL {}", joined(&pairs));
                self.stage().add_labels(pairs);
                described
            }
            Instruction::Workdir(path) => return self.workdir(statement, path),
            Instruction::Cmd(command) => {
                let argv = self.stage().argv(command);
                let described = format!(" CMD {}", quoted(&argv));
                self.stage().image.config.cmd = Some(argv).filter(|argv| !argv.is_empty());
                self.stage().sets_cmd = true;
                described
            }
            Instruction::Entrypoint(command) => {
                let argv = self.stage().argv(command);
                let described = format!(" ENTRYPOINT {}", quoted(&argv));
                let stage = self.stage();
                stage.image.config.entrypoint = Some(argv);
                // The base's CMD belongs to the base's ENTRYPOINT.
                if !stage.sets_cmd {
                    stage.image.config.cmd = None;
                }
                described
            }
            Instruction::Expose(ports) => {
                let ports = self.expand_all(statement, ports)?;
                for port in &ports {
                    let port = expose(port)
                        .ok_or_else(|| statement.place.parse_error(format!("invalid containerPort: {port}")))?;
                    self.stage().image.config.exposed_ports.get_or_insert_default().extend(port);
                }
                format!(" EXPOSE {}", ports.join(" "))
            }
            Instruction::User(user) => {
                let user = self.expand(statement, user)?;
                self.stage().image.config.user.clone_from(&user);
                format!(" USER {user}")
            }
            Instruction::Volume(paths) => {
                let paths = self.expand_all(statement, paths)?;
                let volumes = paths.iter().map(|path| (path.clone(), json!({})));
                self.stage().image.config.volumes.get_or_insert_default().extend(volumes);
                format!(" VOLUME {}", quoted(&paths))
            }
            Instruction::StopSignal(signal) => {
                let signal = self.expand(statement, signal)?;
                self.stage().image.config.stop_signal = Some(signal.clone());
                format!(" STOPSIGNAL {signal}")
            }
            Instruction::Shell(words) => {
                self.stage().image.config.shell = Some(words.clone());
                format!(" SHELL {}", quoted(words))
            }
            Instruction::Healthcheck(check) => {
                self.stage().image.config.healthcheck = Some(check.clone());
                format!(" {}", statement.place.text)
            }
            Instruction::Maintainer(author) => {
                self.stage().image.author = Some(author.clone());
                format!(" MAINTAINER {author}")
            }
            Instruction::From { .. } | Instruction::Copy(_) | Instruction::Add(_) | Instruction::Run { .. } => {
                return Ok(());
            }
        };
        self.record(&described, None);
        Ok(())
    }

    fn stage_args(&mut self, statement: &Statement, args: &[(String, Option<String>)]) -> Result<String, DockerError> {
        let mut described = " ARG".to_owned();
        for (name, default) in args {
            let default = default.as_deref().map(|text| self.expand(statement, text)).transpose()?;
            let given = self.settings.build_args.get(name).cloned().flatten();
            let global = || self.global_args.get(name).cloned().or_else(|| self.platform_arg(name));
            let value = given.or(default).or_else(global);
            self.used_args.insert(name.clone());
            self.stage().declared.insert(name.clone());
            described.push_str(&value.as_ref().map_or(format!(" {name}"), |value| format!(" {name}={value}")));
            if let Some(value) = value {
                self.stage().args.insert(name.clone(), value);
            }
        }
        Ok(described)
    }

    fn workdir(&mut self, statement: &Statement, path: &str) -> Result<(), DockerError> {
        let path = self.expand(statement, path)?;
        let stage = self.stage();
        let joined = absolute(&stage.image.config.working_dir, &path);
        stage.image.config.working_dir = format!("/{joined}");
        let described = format!("WORKDIR /{joined}");
        let layer = if stage.tree.has_folder(&joined) { None } else { Some(self.make_folder(&joined)?) };
        self.record(&described, layer);
        Ok(())
    }

    fn make_folder(&mut self, path: &str) -> Result<Layer, DockerError> {
        let folder = Node::folder(self.epoch);
        self.commit([(path.to_owned(), Some(folder))].into())
    }

    /// Adds a step to the image's history, with the layer that it made.
    pub(super) fn record(&mut self, described: &str, layer: Option<Layer>) {
        let created = self.created.clone();
        let stage = self.stage();
        stage.image.created = Some(created.clone());
        stage.image.history.push(History {
            created: Some(created),
            created_by: format!("/bin/sh -c #(nop) {described}"),
            comment: None,
            empty_layer: layer.is_none(),
        });
        if let Some(layer) = layer {
            stage.image.rootfs.diff_ids.push(layer.diff_id.clone());
            stage.layers.push(layer);
        }
    }
}

/// A path of an image without `/` in front, from the working directory unless it is absolute.
pub(super) fn absolute(working_dir: &str, path: &str) -> String {
    let full = if path.starts_with('/') { path.to_owned() } else { format!("{working_dir}/{path}") };
    crate::standins::cli::docker::context::clean(&full)
}

fn joined(pairs: &[(String, String)]) -> String {
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

fn quoted(words: &[String]) -> String {
    format!("[{}]", words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(" "))
}

/// `80`, `80/udp`, `8000-8002`.
fn expose(word: &str) -> Option<Vec<(String, Value)>> {
    let (ports, protocol) = word.split_once('/').unwrap_or((word, "tcp"));
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    let (first, last): (u16, u16) = (first.parse().ok()?, last.parse().ok()?);
    let known = matches!(protocol, "tcp" | "udp" | "sctp") && first <= last;
    known.then(|| (first..=last).map(|port| (format!("{port}/{protocol}"), json!({}))).collect())
}
