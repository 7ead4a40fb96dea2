//! `wfrun vendor`: all that workflows can need, in one folder, with a lock.
mod stale;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use wfrun_backend::chain;
use wfrun_plan::{Dependency, Given};
use wfrun_report::{DependencyList, dependencies_json, dependencies_text};
use wfrun_runner::{
    ActionMode, Actions, Images, Inventory, LockedImage, Supply, Tools, VendorError, Vendored, Vendoring,
    begins_as_archive, node_of_machine, node_version, pack, replace,
};
use wfrun_syntax::Diagnostic;

use super::actions::workflows;
use crate::check::to_show;
use crate::cli::VendorArgs;
use crate::dependencies::list;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::find::{self, Found};
use crate::images::{self, Saving};
use crate::output::{Help, Output};
use crate::place::platforms;
use crate::settings::state_dir;
use crate::sources::{self, ReadSet, Sources, tool_caches};
use crate::vendored::{self, DEFAULT, refuse};

/// Vendors what the workflows need, or says what of it is stale.
pub(crate) fn vendor(args: &VendorArgs, environment: &Environment, output: &Output) -> anyhow::Result<Exit> {
    let from = find::directory(args.directory.as_deref())?;
    let found = workflows(&args.workflows, &from)?;
    let target = target(args, &found)?;
    if args.check {
        return stale::check(args, &found, &from, &target, environment, output);
    }
    let before = Before::look(&target, environment)?;
    if !before.changed.is_empty() {
        Output::note(&format!("{} is not as its lock says, and is made anew", target.display()));
    }
    let kept = before.usable().filter(|_| !args.update);
    let mut sources = Sources::new(&args.sources, kept, environment, &from)?;
    sources.actions = finder(args, environment, &sources);
    let Some(mut inventories) = read(&sources, &found, output) else { return Ok(Exit::Invalid) };
    let staging = Staging::beside(&target)?;
    let images = save_images(args, &mut inventories, sources.repositories.vendored.as_deref(), &staging)?;
    let caches = tool_caches(&args.sources, sources.repositories.vendored.as_deref());
    let node = node(sources.repositories.vendored.as_deref(), environment);
    for it in &mut inventories {
        it.look_for_tools(&Tools {
            caches: &caches,
            node: node.as_ref().map(|(path, _)| path.as_path()),
            vendored: None,
            may_fetch: false,
        });
    }
    let needs_node =
        inventories.iter().flat_map(|it| &it.items).any(|it| matches!(it.needed.dependency, Dependency::Node(_)));
    let vendoring = Vendoring { images, node: node.filter(|_| needs_node), ..vendoring(&inventories) };
    let is_new = staging.finish(&vendoring, before.usable().as_deref())?;
    let paths = found.iter().map(|it| it.source.path().to_owned());
    let lists: Vec<DependencyList> =
        paths.zip(inventories).map(|(path, it)| list(&path, it, &sources.actions)).collect();
    tell(args, &lists, output);
    let done = if is_new { "holds" } else { "is up to date: it holds" };
    Output::note(&format!("{} {done} {}", target.display(), holds(&vendoring)));
    Ok(if lists.iter().all(DependencyList::is_complete) { Exit::Success } else { Exit::CouldNot })
}

/// `4 repositories, 1 image`
fn holds(vendoring: &Vendoring) -> String {
    let count = |number: usize, one: &str, many: &str| format!("{number} {}", if number == 1 { one } else { many });
    let mut all = vec![count(vendoring.repositories.len(), "repository", "repositories")];
    if !vendoring.images.is_empty() {
        all.push(count(vendoring.images.len(), "image", "images"));
    }
    if !vendoring.tools.is_empty() {
        all.push(count(vendoring.tools.len(), "tool", "tools"));
    }
    if let Some((_, version)) = &vendoring.node {
        all.push(format!("Node {version}"));
    }
    all.join(", ")
}

/// Looks for the images, fetches those that are not here, and puts all of them into the folder that is made.
fn save_images(
    args: &VendorArgs,
    inventories: &mut [Inventory],
    kept: Option<&Vendored>,
    staging: &Staging,
) -> anyhow::Result<Vec<LockedImage>> {
    let of_labels = platforms(&args.sources.platform)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let images = runtime.block_on(async {
        let engine = images::engine().await;
        let images = Images {
            engine: engine.as_ref().map_err(Clone::clone),
            vendored: kept,
            of_labels: &of_labels,
            may_pull: !args.sources.offline,
            emulates_aws: false,
            is_required: true,
        };
        for it in inventories.iter_mut() {
            it.look_for_images(&images).await?;
        }
        let update = args.update && !args.sources.offline;
        let saving = Saving { engine: engine.as_ref().ok(), kept, of_labels: &of_labels, update };
        saving.save(inventories, &staging.folder).await
    });
    runtime.shutdown_background();
    images
}

/// The Node that is vendored: the one that was, else this machine's, where it is new enough for JavaScript actions.
fn node(kept: Option<&Vendored>, environment: &Environment) -> Option<(PathBuf, String)> {
    kept.and_then(Vendored::node).or_else(|| {
        let path = node_of_machine(&environment.path)?;
        let version = node_version(&path)?;
        Some((path, version))
    })
}

fn tell(args: &VendorArgs, lists: &[DependencyList], output: &Output) {
    Output::data(&if args.json {
        format!("{:#}\n", dependencies_json(lists))
    } else {
        dependencies_text(lists, &output.stdout)
    });
}

/// Where it goes; wfrun's own folder is made where it is to go there.
fn target(args: &VendorArgs, found: &[Found]) -> anyhow::Result<PathBuf> {
    let root = found.first().map_or(Path::new("."), |it| &it.root);
    match &args.output {
        Some(path) if !args.check && holds_other_things(path) => {
            let message = format!("`--output {}`: something else is there", path.display());
            let help =
                "name a place that is empty, or that `wfrun vendor` has made: what is there is replaced as a whole";
            Err(Help::error("cli/output", message, help))
        }
        Some(path) => Ok(path.clone()),
        None if args.check => Ok(root.join(DEFAULT)),
        None => Ok(state_dir(root)?.join("vendor")),
    }
}

/// Whether at a place there is what nobody would have replaced by a vendored folder or archive.
fn holds_other_things(target: &Path) -> bool {
    let is_empty = || std::fs::read_dir(target).is_ok_and(|mut it| it.next().is_none());
    let is_ours = || if is_archive(target) { begins_as_archive(target) } else { Vendored::is_at(target) || is_empty() };
    target.symlink_metadata().is_ok() && !is_ours()
}

fn is_archive(target: &Path) -> bool {
    target.extension().is_some_and(|it| it.eq_ignore_ascii_case("tar"))
}

/// What was vendored before.
pub(super) struct Before {
    vendored: Option<Arc<Vendored>>,
    /// What is not as its lock says.
    pub(super) changed: Vec<Diagnostic>,
}

impl Before {
    fn look(target: &Path, environment: &Environment) -> anyhow::Result<Self> {
        let is_there = if is_archive(target) { target.is_file() } else { Vendored::is_at(target) };
        if !is_there {
            return Ok(Self { vendored: None, changed: Vec::new() });
        }
        let vendored = vendored::open(&vendored::folder_of(target, environment)?)?;
        let changed = vendored::check(&vendored)?;
        Ok(Self { vendored: Some(vendored), changed })
    }

    fn usable(&self) -> Option<Arc<Vendored>> {
        self.vendored.clone().filter(|_| self.changed.is_empty())
    }
}

/// Looks for actions as a run does, but asks what refs name now, and takes no stand-in unless it is told to.
fn finder(args: &VendorArgs, environment: &Environment, sources: &Sources) -> Actions {
    let mut settings = sources::settings(&args.sources, environment, &sources.repositories, &sources.outbound);
    if args.sources.actions.is_none() {
        settings.mode = ActionMode::Real;
    }
    settings.refresh = true;
    Actions::new(settings)
}

/// Reads all workflows; none where one is invalid, which is shown.
fn read(sources: &Sources, found: &[Found], output: &Output) -> Option<Vec<Inventory>> {
    let mut inventories = Vec::new();
    let mut is_invalid = false;
    for found in found {
        let ReadSet { set, diagnostics, missing: _ } = sources.read(found);
        output.diagnostics(&to_show(&set.root.source, &diagnostics));
        is_invalid |= diagnostics.iter().any(Diagnostic::is_error);
        inventories.push(Inventory::take(&set, &Given::default(), &found.root, &sources.actions));
    }
    (!is_invalid).then_some(inventories)
}

fn vendoring(inventories: &[Inventory]) -> Vendoring {
    let mut vendoring = Vendoring::default();
    for item in inventories.iter().flat_map(|it| &it.items) {
        if let Supply::Tool(found) = &item.supply
            && !vendoring.tools.contains(found)
        {
            vendoring.tools.push(found.clone());
        }
        if let (Some((name, git_ref)), Some(content)) = (item.needed.dependency.repository(), item.supply.content()) {
            vendoring.repositories.insert((name.to_lowercase(), git_ref.to_owned()), Arc::clone(content));
        }
    }
    vendoring
}

/// A folder that is made beside the place where it is to go.
struct Staging {
    target: PathBuf,
    unfinished: TempDir,
    folder: PathBuf,
}

impl Staging {
    fn beside(target: &Path) -> anyhow::Result<Self> {
        let target = std::path::absolute(target)?;
        let failed = failed(&target);
        let parent = target.parent().unwrap_or(Path::new("/"));
        std::fs::create_dir_all(parent).map_err(&failed)?;
        let unfinished = tempfile::Builder::new().prefix(".vendor-").tempdir_in(parent).map_err(&failed)?;
        let folder = unfinished.path().join("new");
        std::fs::create_dir(&folder).map_err(&failed)?;
        Ok(Self { target, unfinished, folder })
    }

    /// Writes the rest, and puts the folder or its archive in its place; tells whether it is another than before.
    fn finish(self, vendoring: &Vendoring, before: Option<&Vendored>) -> anyhow::Result<bool> {
        let Self { target, unfinished, folder } = self;
        let lock = vendoring.write(&folder).map_err(|err| refuse(&err))?;
        if before.is_some_and(|it| it.lock == lock) {
            return Ok(false);
        }
        if is_archive(&target) {
            let archive = unfinished.path().join("new.tar");
            pack(&folder, &archive).map_err(|err| refuse(&err))?;
            std::fs::rename(&archive, &target).map_err(failed(&target))?;
        } else {
            replace(&target, &folder, &unfinished.path().join("before")).map_err(|err| refuse(&err))?;
        }
        if let Err(err) = unfinished.close() {
            tracing::debug!("{}", chain(&err));
        }
        Ok(true)
    }
}

fn failed(target: &Path) -> impl Fn(std::io::Error) -> anyhow::Error + use<> {
    let path = target.to_owned();
    move |err| refuse(&VendorError::Files { action: "write", path: path.clone(), err })
}
