//! `COPY` and `ADD`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use flate2::read::MultiGzDecoder;

use super::Build;
use super::stage::{Stage, absolute};
use crate::dockerfile::substitute::expand_document;
use crate::dockerfile::{Copy, Statement, glob};
use crate::standins::cli::docker::context::clean;
use crate::standins::cli::docker::error::DockerError;
use crate::standins::cli::docker::layer::{self, Layer};
use crate::standins::cli::docker::tree::Kind as NodeKind;
use crate::standins::cli::docker::tree::{self, Content, Node, Tree};
use crate::standins::cli::process::Process;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Copy,
    Add,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Copy => "COPY",
            Self::Add => "ADD",
        }
    }
}

/// Changes of a layer: what is at a path, or that nothing is any more.
pub(super) type Changes = BTreeMap<String, Option<Node>>;

/// A source: its name, itself, and for a folder what is below it, by relative path.
struct Source {
    name: String,
    node: Node,
    below: Vec<(String, Node)>,
}

impl Build<'_> {
    /// Copies files of the context, of a stage or of an image.
    ///
    /// Source: Docker, "Dockerfile reference", "COPY" and "ADD".
    ///
    /// Differs: symbolic links in the destination's path are not followed, and `ADD` fetches no URL.
    pub(super) fn copy(
        &mut self,
        statement: &Statement,
        copy: &Copy,
        kind: Kind,
        process: &mut Process<'_>,
    ) -> Result<(), DockerError> {
        let mut sources = Vec::new();
        for source in &copy.sources {
            let source = self.expand(statement, source)?;
            if kind == Kind::Add && (source.contains("://") || source.starts_with("git@")) {
                let fault = statement.place.fault(format!(
                    "ADD failed: `{source}` is a remote source, and the stand-in for `docker` fetches nothing"
                ));
                return Err(fault
                    .help(
                        "download it in an earlier step and COPY it, or build with a Docker engine: `--backend docker`",
                    )
                    .into());
            }
            match &copy.from {
                None => sources.extend(self.sources_in_context(statement, kind, &source)?),
                Some(from) => {
                    let Some(found) = self.sources_in_stage(statement, from, &source, process)? else {
                        self.record(&format!("{} # not run", statement.place.text), None);
                        return Ok(());
                    };
                    sources.extend(found);
                }
            }
        }
        sources.extend(self.heredoc_sources(statement, copy)?);
        let destination = self.expand(statement, &copy.destination)?;
        let changes = self.place(statement, copy, kind, &destination, sources, process)?;
        let layer = self.commit(changes)?;
        let described = format!("{} {} in {destination} ", kind.name(), copy.sources.join(" "));
        self.record(&described, Some(layer));
        Ok(())
    }

    fn sources_in_context(&self, statement: &Statement, kind: Kind, source: &str) -> Result<Vec<Source>, DockerError> {
        let found = self.context.find(source)?;
        if found.is_empty() {
            let name = kind.name();
            if glob::is_pattern(source) {
                return Err(statement.place.fault(format!("{name} failed: no source files were specified")).into());
            }
            let message = format!(
                "{name} failed: file not found in build context or excluded by .dockerignore: stat {}: file does not exist",
                clean(source)
            );
            let help = "paths are those of the build context, the folder at the end of `docker build … <folder>`";
            return Err(statement.place.fault(message).help(help).into());
        }
        let mut sources = Vec::new();
        for path in found {
            let node = self.context.entry(&path)?;
            let below = if node.is_folder() { self.context.below(&path)? } else { Vec::new() };
            sources.push(Source { name: path.clone(), node, below: relative(&path, below) });
        }
        Ok(sources)
    }

    /// `None` where the file cannot be known, because a part of that stage or image was not made here.
    fn sources_in_stage(
        &self,
        statement: &Statement,
        from: &str,
        source: &str,
        process: &mut Process<'_>,
    ) -> Result<Option<Vec<Source>>, DockerError> {
        let from = self.expand(statement, from)?;
        let number = from.parse::<usize>().ok();
        // The last stage is the one that copies.
        let earlier = &self.stages[..self.stages.len() - 1];
        let named = earlier.iter().find(|stage| stage.name.as_deref() == Some(&from.to_ascii_lowercase()));
        if let Some(stage) = named.or_else(|| number.and_then(|number| earlier.get(number))) {
            return self.sources_in_tree(statement, &from, source, &stage.tree, &stage.missing, process);
        }
        if number.is_some() {
            let message = format!("invalid from flag value {from}: there is no stage of that number before this one");
            return Err(statement.place.fault(message).into());
        }
        let Some(image) = self.store.find(&from)? else {
            let missing = [format!("the image {from} is not on this machine")];
            return self.sources_in_tree(statement, &from, source, &Tree::default(), &missing, process);
        };
        let mut tree = Tree::default();
        for layer in &image.layers {
            layer::apply(&mut tree, &self.store.blob(&layer.digest), self.scratch)?;
        }
        self.sources_in_tree(statement, &from, source, &tree, &image.missing, process)
    }

    fn sources_in_tree(
        &self,
        statement: &Statement,
        from: &str,
        source: &str,
        tree: &Tree,
        missing: &[String],
        process: &mut Process<'_>,
    ) -> Result<Option<Vec<Source>>, DockerError> {
        let path = clean(source);
        let paths: Vec<String> = if glob::is_pattern(&path) {
            tree.below("").into_iter().map(|(path, _)| path).filter(|it| glob::matches(&path, it)).collect()
        } else {
            let there = path.is_empty() || tree.get(&path).is_some();
            there.then_some(path.clone()).into_iter().collect()
        };
        // What was not run may have changed what is there, too.
        if !missing.is_empty() && paths.is_empty() {
            let detail = format!("{} ({from} is incomplete here: {})", statement.place.text, missing[0]);
            self.lack(process, detail);
            return Ok(None);
        }
        if !missing.is_empty() {
            let detail = format!(
                "{}: {from} is incomplete here, so what is copied may be, too: {}",
                statement.place.text, missing[0]
            );
            self.lack(process, detail);
        }
        if paths.is_empty() {
            let message = format!("COPY failed: stat {path}: file does not exist");
            return Err(statement.place.fault(message).help(format!("there is no `/{path}` in {from}")).into());
        }
        let source = |path: String| {
            let node = tree.get(&path).cloned().unwrap_or_else(|| Node::folder(self.epoch));
            let below = if node.is_folder() { tree.below(&path) } else { Vec::new() };
            Source { below: relative(&path, below), name: path, node }
        };
        Ok(Some(paths.into_iter().map(source).collect()))
    }

    fn heredoc_sources(&self, statement: &Statement, copy: &Copy) -> Result<Vec<Source>, DockerError> {
        let stage = self.stages.last().expect("the first instruction after ARG is FROM");
        let mut sources = Vec::new();
        for heredoc in &copy.heredocs {
            let text = if heredoc.expands {
                let expanded = expand_document(&heredoc.content, statement.escape, &|name| stage.lookup(name));
                expanded.map_err(|message| statement.place.parse_error(message))?
            } else {
                heredoc.content.clone()
            };
            let kind = NodeKind::File(Content::InMemory(Arc::from(text.into_bytes())));
            let node = Node { kind, mode: 0o644, uid: 0, gid: 0, mtime: self.epoch };
            sources.push(Source { name: heredoc.name.clone(), node, below: Vec::new() });
        }
        Ok(sources)
    }

    /// Says what goes where.
    fn place(
        &mut self,
        statement: &Statement,
        copy: &Copy,
        kind: Kind,
        destination: &str,
        sources: Vec<Source>,
        process: &mut Process<'_>,
    ) -> Result<Changes, DockerError> {
        let epoch = self.epoch;
        let owner = self.owner(statement, copy, process)?;
        let mode = self.mode(statement, copy)?;
        let scratch = self.scratch;
        let stage = self.stage();
        let target = absolute(&stage.image.config.working_dir, destination);
        let is_folder_name = destination.ends_with('/') || destination == "." || destination.ends_with("/.");
        if sources.len() > 1 && !is_folder_name {
            let message = format!(
                "When using {} with more than one source file, the destination must be a directory and end with a /",
                kind.name()
            );
            return Err(statement.place.fault(message).help(format!("write `{destination}/`")).into());
        }
        let into_folder = is_folder_name || stage.tree.has_folder(&target);
        let mut changes = Changes::new();
        let owned = |mut node: Node| {
            (node.uid, node.gid) = owner;
            if let Some(mode) = mode.filter(|_| !matches!(node.kind, NodeKind::Link(_))) {
                node.mode = mode;
            }
            Some(node)
        };
        for source in sources {
            let archive = if kind == Kind::Add { archive(&source)? } else { None };
            if let Some(reader) = archive {
                changes.entry(target.clone()).or_insert_with(|| owned(Node::folder(epoch)));
                // An archive brings its own owners and modes.
                layer::unpack(reader, Path::new(&source.name), scratch, |path, node| {
                    changes.insert(join(&target, path), Some(node));
                })?;
            } else if source.node.is_folder() {
                changes.insert(target.clone(), owned(Node { mode: 0o755, mtime: epoch, ..source.node }));
                changes.extend(source.below.into_iter().map(|(path, node)| (join(&target, &path), owned(node))));
            } else if into_folder {
                let name = source.name.rsplit('/').next().unwrap_or_default().to_owned();
                changes.insert(join(&target, &name), owned(source.node));
            } else {
                changes.insert(target.clone(), owned(source.node));
            }
        }
        // A folder that is there keeps its mode, owner and time.
        for (path, change) in &mut changes {
            if let (Some(node), Some(known)) = (change.as_mut(), stage.tree.get(path))
                && node.is_folder()
                && known.is_folder()
            {
                *node = known.clone();
            }
        }
        // The root itself is in no layer.
        changes.remove("");
        Ok(changes)
    }

    fn mode(&self, statement: &Statement, copy: &Copy) -> Result<Option<u32>, DockerError> {
        let Some(text) = &copy.chmod else {
            return Ok(None);
        };
        let text = self.expand(statement, text)?;
        let mode = u32::from_str_radix(&text, 8).ok().filter(|mode| *mode <= 0o7777);
        let fault = || {
            statement
                .place
                .fault(format!("invalid chmod parameter: '{text}'. it should be octal string and between 0 and 07777"))
        };
        mode.map_or_else(|| Err(fault().into()), |mode| Ok(Some(mode)))
    }

    /// The numbers of `--chown`, by the image's `/etc/passwd` and `/etc/group`.
    fn owner(&self, statement: &Statement, copy: &Copy, process: &mut Process<'_>) -> Result<(u64, u64), DockerError> {
        let Some(text) = &copy.chown else {
            return Ok((0, 0));
        };
        let text = self.expand(statement, text)?;
        let stage = self.stages.last().expect("the first instruction after ARG is FROM");
        match resolve_owner(stage, &text) {
            Ok(owner) => Ok(owner),
            Err(name) if !stage.missing.is_empty() => {
                let detail = format!(
                    "--chown={text} (there is no `{name}` in the part of the image that was made here): root owns the files"
                );
                self.lack(process, detail);
                Ok((0, 0))
            }
            Err(name) => {
                let message = format!(
                    "unable to convert uid/gid chown string to host mapping: can't find uid for user {name}: no such user: {name}"
                );
                Err(statement.place.fault(message).into())
            }
        }
    }

    /// Makes a layer of changes, lays it over the stage's files and gives it.
    pub(super) fn commit(&mut self, mut changes: Changes) -> Result<Layer, DockerError> {
        let epoch = self.epoch;
        let store = self.store;
        let stage = self.stage();
        let paths: Vec<String> = changes.keys().cloned().collect();
        for folder in paths.iter().flat_map(|path| tree::parents(path)) {
            if !changes.contains_key(folder) {
                let known = stage.tree.get(folder).filter(|node| node.is_folder()).cloned();
                changes.insert(folder.to_owned(), Some(known.unwrap_or_else(|| Node::folder(epoch))));
            }
        }
        let layer = layer::write(store, &changes)?;
        for (path, change) in changes {
            match change {
                Some(node) => stage.tree.put(&path, node),
                None => stage.tree.remove(&path),
            }
        }
        Ok(layer)
    }
}

/// Numbers, or names of the image's files; the error is the name that is unknown.
pub(super) fn resolve_owner(stage: &Stage, text: &str) -> Result<(u64, u64), String> {
    let (user, group) = text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
    let find = |file: &str, name: &str| -> Option<(u64, u64)> {
        let Some(NodeKind::File(content)) = stage.tree.get(file).map(|node| &node.kind) else {
            return None;
        };
        let mut text = String::new();
        content.open().ok()?.read_to_string(&mut text).ok()?;
        let line = text.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2).map(str::parse::<u64>);
        let id = fields.next()?.ok()?;
        Some((id, fields.next().and_then(Result::ok).unwrap_or(id)))
    };
    let by_user = user.parse::<u64>().map(|uid| (uid, uid)).ok().or_else(|| find("etc/passwd", user));
    let by_user = by_user.or_else(|| matches!(user, "root" | "").then_some((0, 0)));
    let (uid, own_group) = by_user.ok_or_else(|| user.to_owned())?;
    let Some(group) = group else {
        return Ok((uid, own_group));
    };
    let by_group = group.parse::<u64>().ok().or_else(|| find("etc/group", group).map(|(gid, _)| gid));
    let gid = by_group.or_else(|| (group == "root").then_some(0)).ok_or_else(|| group.to_owned())?;
    Ok((uid, gid))
}

fn relative(folder: &str, entries: Vec<(String, Node)>) -> Vec<(String, Node)> {
    let start = if folder.is_empty() { 0 } else { folder.len() + 1 };
    entries.into_iter().map(|(path, node)| (path[start..].to_owned(), node)).collect()
}

fn join(folder: &str, path: &str) -> String {
    if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") }
}

/// A reader of a local archive, which `ADD` unpacks; the kind is told by the content.
fn archive(source: &Source) -> Result<Option<Box<dyn Read>>, DockerError> {
    let NodeKind::File(Content::OnDisk(path, _)) = &source.node.kind else {
        return Ok(None);
    };
    let mut start = Vec::new();
    let opened = || File::open(path).map_err(DockerError::file("open", path));
    opened()?.take(512).read_to_end(&mut start).map_err(DockerError::file("read", path))?;
    let reader: Box<dyn Read> = match start.as_slice() {
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(opened()?)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            Box::new(zstd::Decoder::new(opened()?).map_err(DockerError::file("read", path))?)
        }
        [b'B', b'Z', b'h', ..] | [0xfd, b'7', b'z', b'X', b'Z', ..] => {
            let message = format!(
                "ADD failed: `{}` is compressed by bzip2 or xz, which wfrun's stand-in for `docker` does not read\nhelp: compress it by gzip or zstd",
                source.name
            );
            return Err(DockerError::failed(message));
        }
        bytes if bytes.get(257..262) == Some(b"ustar") => Box::new(opened()?),
        _ => return Ok(None),
    };
    Ok(Some(reader))
}
