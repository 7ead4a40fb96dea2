//! Where all that a workflow can need comes from: one look for `run`, `actions`, `vendor` and `--offline`.
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;
use wfrun_agent::dockerfile::{Needs, needs};
use wfrun_agent::ecr_registry::is_amazons;
use wfrun_backend::{BackendError, DockerBackend};
use wfrun_plan::{
    ActionPlace, Dependency, Dockerfile, Given, LoadedAction, Needed, NotKnown, dependencies, set_up_action,
};
use wfrun_workflow::{Action, ActionRef, FileRef, RunsKind, WorkflowSet, image_name};

use crate::actions::{ActionError, Actions, Content, KnownAction, own_manifest};
use crate::tools::{FoundTool, ToolLack, find_tool};
use crate::vendor::Vendored;
use crate::work_files::WorkFiles;

/// All that a workflow can need, and where it is.
#[derive(Debug, Default)]
pub struct Inventory {
    /// What, in the order of its first use.
    pub items: Vec<Item>,
    /// What only the run can tell.
    pub not_known: Vec<NotKnown>,
}

/// One thing that is needed.
#[derive(Debug)]
pub struct Item {
    /// What, and by whom.
    pub needed: Needed,
    /// Where it is.
    pub supply: Supply,
}

/// Where something is.
#[derive(Debug)]
pub enum Supply {
    /// In the work tree.
    Own,
    /// An action: in a repository, or one of wfrun's stand-ins.
    Action(KnownAction),
    /// A workflow of another repository.
    Workflow(Arc<Content>),
    /// An image that the engine has, by its id.
    Image(String),
    /// An image that the engine would pull.
    Pullable,
    /// An image that was vendored, by its id, or a Node, by its version.
    Vendored(String),
    /// A tool that the stand-in of its set-up action makes of what the machine has.
    StandIn,
    /// A tool of a tool cache.
    Tool(FoundTool),
    /// A program of this machine.
    Machine(PathBuf),
    /// Nobody was asked.
    NotLooked,
    /// It is not to be had.
    Missing(Lack),
}

/// Why something is not to be had.
#[derive(Debug)]
pub enum Lack {
    /// An action, or the repository of a called workflow.
    Action(ActionError),
    /// There is no such action or workflow in the work tree.
    Own,
    /// Nobody who was asked has the called workflow.
    Workflow,
    /// The engine does not have this image.
    Image(String),
    /// It could not be pulled; this is what was said.
    NotPulled(String),
    /// No engine answers; this is why.
    NoEngine(String),
    /// No tool cache has it.
    Tool(ToolLack),
    /// This machine has no Node.
    Node,
}

/// Where tools are looked for.
#[derive(Debug)]
pub struct Tools<'a> {
    /// Tool caches; the first that has one wins.
    pub caches: &'a [PathBuf],
    /// This machine's Node.
    pub node: Option<&'a Path>,
    /// What was vendored: its Node is taken where this machine has none.
    pub vendored: Option<&'a Vendored>,
    /// Whether a set-up action may fetch what is not there.
    pub may_fetch: bool,
}

/// Where images are looked for.
#[derive(Debug)]
pub struct Images<'a> {
    /// The engine, or why there is none.
    pub engine: Result<&'a DockerBackend, String>,
    /// What was vendored; it goes before what the engine has.
    pub vendored: Option<&'a Vendored>,
    /// The images of labels that the caller chose.
    pub of_labels: &'a IndexMap<String, String>,
    /// Whether the engine may pull.
    pub may_pull: bool,
    /// Whether AWS is emulated: images of Amazon's registries are those that the run itself pushes, which nobody has before.
    pub emulates_aws: bool,
    /// Whether an image that nobody can be asked for is missing.
    pub is_required: bool,
}

/// The image that a dependency is on docker: its name, and whether it is pulled.
pub fn image_of(dependency: &Dependency, of_labels: &IndexMap<String, String>) -> Option<(String, bool)> {
    match dependency {
        Dependency::Image(name) => Some((name.clone(), true)),
        Dependency::Runner(label) => {
            let chosen = of_labels.get(label).cloned();
            // wfrun does not pull these for itself.
            chosen.or_else(|| DockerBackend::image_for(label).map(str::to_owned)).map(|it| (it, false))
        }
        Dependency::Action(_)
        | Dependency::Own(_)
        | Dependency::Workflow(_)
        | Dependency::Tool { .. }
        | Dependency::Node(_) => None,
    }
}

impl Supply {
    /// The files of an action's or a workflow's repository, if it is another's and was found.
    pub fn content(&self) -> Option<&Arc<Content>> {
        match self {
            Self::Action(known) => known.content.as_ref(),
            Self::Workflow(content) => Some(content),
            Self::Own
            | Self::Image(_)
            | Self::Pullable
            | Self::Vendored(_)
            | Self::StandIn
            | Self::Tool(_)
            | Self::Machine(_)
            | Self::NotLooked
            | Self::Missing(_) => None,
        }
    }
}

impl Item {
    /// Why it is missing, if it is.
    pub const fn lack(&self) -> Option<&Lack> {
        if let Supply::Missing(lack) = &self.supply { Some(lack) } else { None }
    }
}

impl Inventory {
    /// Reads what a workflow, whose repository is at `root`, and all it calls can need, and looks for actions and
    /// workflows. What has to be fetched is fetched into the store.
    pub fn take(set: &WorkflowSet, given: &Given, root: &Path, actions: &Actions) -> Self {
        let mut looked: HashMap<Dependency, Supply> = HashMap::new();
        let found = dependencies(set, given, &mut |place| {
            let (loaded, supply) = match place {
                ActionPlace::Own(folder) => match own(root, folder) {
                    Some(loaded) => (Some(loaded), Supply::Own),
                    None => (None, Supply::Missing(Lack::Own)),
                },
                ActionPlace::Repository(action) => match actions.find_one(action) {
                    Ok(known) => (Some(elsewhere(&known, action)), Supply::Action(known)),
                    Err(err) => (None, Supply::Missing(Lack::Action(err))),
                },
            };
            looked.insert(place.into(), supply);
            loaded
        });
        let mut supply = |needed: &Needed| match &needed.dependency {
            Dependency::Workflow(file) => called(set, file, actions),
            it @ (Dependency::Action(_) | Dependency::Own(_)) => looked.remove(it).unwrap_or(Supply::NotLooked),
            Dependency::Image(_) | Dependency::Runner(_) | Dependency::Tool { .. } | Dependency::Node(_) => {
                Supply::NotLooked
            }
        };
        let mut items: Vec<Item> =
            found.needed.into_values().map(|needed| Item { supply: supply(&needed), needed }).collect();
        for (action, needed) in found.too_deep {
            let lack = Lack::Action(ActionError::TooDeep { action: Box::new(action) });
            // Beside what else its step needs.
            let at = items.iter().rposition(|it| it.needed.span == needed.span && is_same_file(&it.needed, &needed));
            let item = Item { needed, supply: Supply::Missing(lack) };
            items.insert(at.map_or(items.len(), |it| it + 1), item);
        }
        Self { items, not_known: found.not_known }
    }

    /// Looks for tools, and for the Node of JavaScript actions.
    pub fn look_for_tools(&mut self, tools: &Tools<'_>) {
        let is_real = |(action, known): (&ActionRef, &KnownAction)| {
            known.content.is_some().then(|| action.with_path().to_ascii_lowercase())
        };
        let real: Vec<String> = self.actions().filter_map(is_real).collect();
        for it in &mut self.items {
            it.supply = match &it.needed.dependency {
                Dependency::Tool { name, .. } if !real.contains(&set_up_action(name)) => Supply::StandIn,
                Dependency::Tool { name, version } => match find_tool(tools.caches, name, version) {
                    Ok(found) => Supply::Tool(found),
                    Err(_) if tools.may_fetch => Supply::Pullable,
                    Err(lack) => Supply::Missing(Lack::Tool(lack)),
                },
                Dependency::Node(_) => match (tools.node, tools.vendored.and_then(Vendored::node)) {
                    (Some(path), _) => Supply::Machine(path.to_owned()),
                    (None, Some((_, version))) => Supply::Vendored(version),
                    (None, None) => Supply::Missing(Lack::Node),
                },
                Dependency::Action(_)
                | Dependency::Own(_)
                | Dependency::Workflow(_)
                | Dependency::Image(_)
                | Dependency::Runner(_) => continue,
            };
        }
    }

    /// Looks for the images.
    pub async fn look_for_images(&mut self, images: &Images<'_>) -> Result<(), BackendError> {
        for it in &mut self.items {
            let Some((image, is_pulled)) = image_of(&it.needed.dependency, images.of_labels) else { continue };
            if let Some((locked, _)) = images.vendored.and_then(|it| it.image(&image)) {
                it.supply = Supply::Vendored(locked.id.clone());
                continue;
            }
            it.supply = match &images.engine {
                Ok(engine) => match engine.image_id(&image).await? {
                    Some(id) => Supply::Image(id),
                    None if is_pulled && (images.may_pull || images.emulates_aws && is_amazons(&image)) => {
                        Supply::Pullable
                    }
                    None => Supply::Missing(Lack::Image(image)),
                },
                // Without an engine jobs run in the sandbox, which needs no image.
                Err(why) if images.is_required && is_pulled => Supply::Missing(Lack::NoEngine(why.clone())),
                Err(_) => Supply::NotLooked,
            };
        }
        Ok(())
    }

    /// The actions of other repositories that were found.
    pub fn actions(&self) -> impl Iterator<Item = (&ActionRef, &KnownAction)> {
        self.items.iter().filter_map(|it| match (&it.needed.dependency, &it.supply) {
            (Dependency::Action(action), Supply::Action(known)) => Some((action, known)),
            _ => None,
        })
    }
}

fn is_same_file(one: &Needed, other: &Needed) -> bool {
    one.source.path() == other.source.path()
}

/// An action of the work tree, if it is there and sound.
fn own(root: &Path, folder: &str) -> Option<LoadedAction> {
    let files = WorkFiles::at(root).ok()?;
    let manifest = own_manifest(&files, folder)?;
    let dockerfile = dockerfile(&files, folder, &manifest);
    Some(LoadedAction { manifest, dockerfile })
}

fn elsewhere(known: &KnownAction, action: &ActionRef) -> LoadedAction {
    let manifest = known.manifest.clone();
    let files = known.content.as_ref().and_then(|it| WorkFiles::at(&it.folder).ok());
    let dockerfile = files.and_then(|it| dockerfile(&it, &action.path, &manifest));
    LoadedAction { manifest, dockerfile }
}

/// What the Dockerfile that a manifest names needs, if it names one. No build of an action has arguments.
fn dockerfile(files: &WorkFiles, folder: &str, manifest: &Action) -> Option<Dockerfile> {
    let RunsKind::Container { image, .. } = &manifest.runs.kind else { return None };
    if image_name(image).is_some() {
        return None;
    }
    let path = if folder.is_empty() { image.clone() } else { format!("{folder}/{image}") };
    let text = files.read_file(&path).ok()??;
    let Needs { images, open, run } = needs(&text, &BTreeMap::new());
    Some(Dockerfile { images, open, run })
}

fn called(set: &WorkflowSet, file: &FileRef, actions: &Actions) -> Supply {
    let is_here = set.called.contains_key(file);
    let Some(repository) = &file.repository else {
        return if is_here { Supply::Own } else { Supply::Missing(Lack::Own) };
    };
    match actions.repository(&repository.name, &repository.git_ref) {
        Ok(Some(content)) => Supply::Workflow(content),
        Ok(None) => Supply::Missing(Lack::Workflow),
        Err(err) => Supply::Missing(Lack::Action(err)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_image_of_an_action_is_built_of() {
        let root = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(root.path().join("built")).expect("a folder");
        for (name, text) in [
            ("built/action.yml", "name: x\nruns: {using: docker, image: Dockerfile}\n"),
            ("built/Dockerfile", "ARG R=host A=1\nARG I=$R/b\nFROM $I:$A\nFROM $X\nRUN y\n"),
        ] {
            std::fs::write(root.path().join(name), text).expect("a file");
        }
        let found = own(root.path(), "built").expect("an action").dockerfile;
        let (images, open) = (vec!["host/b:1".to_owned()], vec!["$X".to_owned()]);
        assert_eq!(found, Some(Dockerfile { images, open, run: Some("RUN y".to_owned()) }));
    }
}
