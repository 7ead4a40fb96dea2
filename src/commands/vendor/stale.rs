//! `wfrun vendor --check`: what of a vendored folder is stale; nothing is written.
use std::collections::BTreeSet;
use std::path::Path;

use indexmap::IndexMap;
use wfrun_plan::{Dependency, set_up_action};
use wfrun_report::diagnostics_json;
use wfrun_runner::{
    ActionMode, Actions, Inventory, LockedImage, LockedRepository, TOOLS, Vendored, find_tool, image_of,
    node_of_machine, node_version,
};
use wfrun_syntax::Diagnostic;

use super::{Before, read};
use crate::cli::VendorArgs;
use crate::dependencies;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::find::Found;
use crate::output::Output;
use crate::place::platforms;
use crate::sources::{self, Sources};

/// Compares what the workflows need with what is vendored.
pub(super) fn check(
    args: &VendorArgs,
    found: &[Found],
    from: &Path,
    target: &Path,
    environment: &Environment,
    output: &Output,
) -> anyhow::Result<Exit> {
    let Before { vendored, mut changed } = Before::look(target, environment)?;
    let mut sources = Sources::new(&args.sources, vendored.clone(), environment, from)?;
    let asking = Actions::new(sources::settings(&args.sources, environment, &sources.repositories, &sources.outbound));
    // Only what is vendored counts: nothing else is asked for files.
    let scratch = tempfile::tempdir()?;
    let mut settings = sources::settings(&args.sources, environment, &sources.repositories, &sources.outbound);
    (settings.mode, settings.offline, settings.mirror) = (ActionMode::Real, true, None);
    (settings.local, settings.store) = (Vec::new(), scratch.path().to_owned());
    sources.repositories.mirror = None;
    sources.repositories.local.clear();
    sources.actions = Actions::new(settings);
    let Some(inventories) = read(&sources, found, output) else { return Ok(Exit::Invalid) };
    let Some(vendored) = vendored else {
        let message = format!("nothing is vendored in {}", target.display());
        tell(args, &[stale(message, "`wfrun vendor` makes it".to_owned())], output);
        return Ok(Exit::Failure);
    };
    let has_node = node_of_machine(&environment.path).is_some_and(|it| node_version(&it).is_some());
    changed.extend(not_locked(&inventories, &vendored, has_node));
    changed.extend(not_needed(&inventories, &vendored, &platforms(&args.sources.platform)?));
    changed.extend(vendored.lock.repositories.iter().filter_map(|it| moved(it, &asking)));
    if let Some(names) = not_pinned(&inventories) {
        Output::note(&format!("held by the lock alone, as what they name can move: {names}"));
    }
    tell(args, &changed, output);
    if changed.is_empty() {
        Output::note(&format!("{} is up to date", vendored.folder.display()));
        return Ok(Exit::Success);
    }
    Ok(Exit::Failure)
}

fn tell(args: &VendorArgs, found: &[Diagnostic], output: &Output) {
    if args.json {
        Output::data(&format!("{:#}\n", diagnostics_json(found)));
    } else {
        output.diagnostics(found);
    }
}

/// The branches and tags by which actions, workflows and images are named, each once.
fn not_pinned(inventories: &[Inventory]) -> Option<String> {
    let all = inventories.iter().flat_map(|it| &it.items).map(|it| &it.needed.dependency);
    let names: BTreeSet<String> = all.filter(|it| it.can_move()).map(|it| format!("`{it}`")).collect();
    (!names.is_empty()).then(|| names.into_iter().collect::<Vec<_>>().join(", "))
}

fn stale(message: String, way_out: String) -> Diagnostic {
    Diagnostic::error("vendor/stale", message).help(way_out)
}

/// What is needed and not vendored, each at the place that needs it.
fn not_locked(inventories: &[Inventory], vendored: &Vendored, has_node: bool) -> Vec<Diagnostic> {
    let mut seen: Vec<&Dependency> = Vec::new();
    let mut all = Vec::new();
    for item in inventories.iter().flat_map(|it| &it.items) {
        let needed = &item.needed;
        let is_locked = match &needed.dependency {
            it @ (Dependency::Action(_) | Dependency::Workflow(_)) => {
                it.repository().is_none_or(|(name, git_ref)| vendored.lock.repository(&name, git_ref).is_some())
            }
            Dependency::Image(name) => vendored.image(name).is_some(),
            // Only the docker backend needs it.
            Dependency::Runner(_) | Dependency::Own(_) => true,
            // Where this machine has none either, it cannot be added.
            Dependency::Node(_) => vendored.node().is_some() || !has_node,
            // A stand-in takes what there is.
            Dependency::Tool { name, version } => {
                let set_up = set_up_action(name);
                let is_real = vendored.lock.repositories.iter().any(|it| it.name == set_up);
                !is_real || find_tool(&[vendored.folder.join(TOOLS)], name, version).is_ok()
            }
        };
        if is_locked || seen.contains(&&needed.dependency) {
            continue;
        }
        seen.push(&needed.dependency);
        let message = format!("`{}` is needed, and not vendored", needed.dependency);
        all.push(stale(message, "`wfrun vendor` adds it".to_owned()).at(&needed.source, needed.span));
    }
    all
}

/// What is vendored and not needed any more.
fn not_needed(inventories: &[Inventory], vendored: &Vendored, of_labels: &IndexMap<String, String>) -> Vec<Diagnostic> {
    let is_needed = |locked: &LockedRepository| {
        let is = |(name, git_ref): (String, &str)| locked.name.eq_ignore_ascii_case(&name) && locked.git_ref == git_ref;
        inventories.iter().flat_map(|it| &it.items).any(|it| it.needed.dependency.repository().is_some_and(is))
    };
    let is_used = |image: &LockedImage| {
        let needed =
            inventories.iter().flat_map(|it| &it.items).filter_map(|it| image_of(&it.needed.dependency, of_labels));
        needed.into_iter().any(|(name, _)| name == image.name)
    };
    let repositories = vendored.lock.repositories.iter().filter(|it| !is_needed(it));
    let images = vendored.lock.images.iter().filter(|it| !is_used(it));
    let needs_node =
        inventories.iter().flat_map(|it| &it.items).any(|it| matches!(it.needed.dependency, Dependency::Node(_)));
    let nodes = vendored.lock.nodes.iter().filter(|_| !needs_node).map(|it| format!("Node {}", it.version));
    let names = repositories
        .map(|it| format!("{}@{}", it.name, it.git_ref))
        .chain(images.map(|it| it.name.clone()))
        .chain(nodes);
    let tell = |name: String| {
        let message = format!("`{name}` is vendored, and not needed by these workflows");
        stale(message, "`wfrun vendor` takes it away; name all workflows that it is for".to_owned())
    };
    names.map(tell).collect()
}

/// A ref that names another commit by now.
fn moved(locked: &LockedRepository, asking: &Actions) -> Option<Diagnostic> {
    let LockedRepository { name, git_ref, commit, folder: _ } = locked;
    let commit = commit.as_ref()?;
    let now = dependencies::moved(asking, name, git_ref, commit)?;
    let message = format!("`{name}@{git_ref}` is locked at commit {commit}, and names {now} now");
    let way_out = "`wfrun vendor --update` takes that; a full commit id in the workflow does not move";
    Some(Diagnostic::error("vendor/moved", message).help(way_out))
}
