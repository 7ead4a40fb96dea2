//! An inventory for people: where everything comes from, what is missing, what to do about it.
use wfrun_backend::chain;
use wfrun_plan::{Dependency, When, set_up_action};
use wfrun_report::{Absence, DependencyList, DependencyRow};
use wfrun_runner::{Actions, Content, Inventory, Item, Lack, Origin, Supply, ToolLack};

use crate::actions;

/// The rows of a list, in the inventory's order. `finder` is asked which commits refs name by now, if it may ask anybody.
pub(crate) fn list(path: &str, inventory: Inventory, finder: &Actions) -> DependencyList {
    let rows = inventory.items.into_iter().map(|it| row(it, finder)).collect();
    DependencyList { path: path.to_owned(), rows, not_known: inventory.not_known }
}

/// Asks where a ref points now, if that is not `commit`.
pub(crate) fn moved(finder: &Actions, name: &str, git_ref: &str, commit: &str) -> Option<String> {
    // That nobody answers is no news about the ref.
    let now = finder.commit_now(name, git_ref).inspect_err(|err| tracing::debug!("{}", chain(err))).ok()??;
    (now != commit).then_some(now)
}

fn row(item: Item, finder: &Actions) -> DependencyRow {
    let missing = item.lack().map(|it| absence(&item.needed.dependency, item.needed.when, it));
    let Item { needed, supply } = item;
    let (source, at, commit) = match &supply {
        Supply::Own => ("repository", None, None),
        Supply::Action(known) => match &known.content {
            Some(content) => of_content(content),
            None => ("stand-in", None, None),
        },
        Supply::Workflow(content) => of_content(content),
        Supply::Image(id) => ("engine", None, Some(id.clone())),
        Supply::Pullable => ("network", None, None),
        Supply::Vendored(id) => ("vendored", None, Some(id.clone())),
        Supply::StandIn => ("stand-in", None, None),
        Supply::Tool(found) => ("tool cache", Some(found.folder().display().to_string()), None),
        Supply::Machine(path) => ("machine", Some(path.display().to_string()), None),
        Supply::NotLooked => ("not looked for", None, None),
        Supply::Missing(_) => ("missing", None, None),
    };
    let can_have_moved = needed.dependency.can_move() && ["store", "vendored"].contains(&source);
    let moved_to = commit.as_ref().filter(|_| can_have_moved).and_then(|commit| {
        let (name, git_ref) = needed.dependency.repository()?;
        moved(finder, &name, git_ref, commit)
    });
    DependencyRow { needed, source, at, commit, moved_to, missing }
}

fn of_content(content: &Content) -> (&'static str, Option<String>, Option<String>) {
    let at = match &content.origin {
        Origin::Folder(path) | Origin::Mirror(path) | Origin::Vendored(path) => path.display().to_string(),
        Origin::Server(url) | Origin::Kept(url) => url.clone(),
        Origin::Own => String::new(),
    };
    let source = match &content.origin {
        Origin::Folder(_) => "folder",
        Origin::Mirror(_) => "mirror",
        Origin::Server(_) => "network",
        Origin::Kept(_) => "store",
        Origin::Vendored(_) => "vendored",
        Origin::Own => "repository",
    };
    (source, Some(at).filter(|it| !it.is_empty()), content.commit.clone())
}

fn tool(dependency: &Dependency, lack: &ToolLack) -> (String, String) {
    let Dependency::Tool { name, .. } = dependency else { return (dependency.to_string(), String::new()) };
    let set_up = set_up_action(name);
    match lack {
        ToolLack::NotHere => (
            format!("no tool cache here has {dependency}, for which `{set_up}` looks"),
            format!(
                "wfrun does not fetch tools: `wfrun vendor --tool-cache DIR` takes it from a tool cache that has it \
                 (`{name}/VERSION/ARCH` and `ARCH.complete`), and runs find it there; or let a run without `--offline` fetch it, or \
                 take the action's stand-in, where there is one (`--actions auto`)"
            ),
        ),
        ToolLack::Word => (
            format!("which version `{dependency}` means stands in a list on the network"),
            "name a version or a range, such as `20`".to_owned(),
        ),
    }
}

/// What is wrong where something is missing, and the way out.
pub(crate) fn absence(dependency: &Dependency, when: When, lack: &Lack) -> Absence {
    // Without the image of a label, and without an engine, jobs run in the sandbox.
    let is_forgiven = match dependency {
        // An image can bring a Node.
        Dependency::Runner(_) | Dependency::Node(_) => true,
        Dependency::Tool { .. } => false,
        Dependency::Action(_) | Dependency::Own(_) | Dependency::Workflow(_) | Dependency::Image(_) => {
            when == When::Step
        }
    };
    let (message, way_out) = match lack {
        Lack::Action(err) => (chain(err), actions::way_out(err)),
        Lack::Own => (
            format!("there is nothing at `{dependency}`"),
            "the path starts at the repository's root; an action that a step puts there is fine".to_owned(),
        ),
        Lack::Workflow => (
            format!("the called workflow `{dependency}` is not on this machine"),
            "give its repository by `--local-repository OWNER/NAME=DIR` or `--mirror DIR`, or let it be fetched: `wfrun vendor` \
             does, or a run without `--offline`"
                .to_owned(),
        ),
        Lack::Image(image) => (
            format!("the Docker engine has no image `{image}`"),
            if matches!(dependency, Dependency::Runner(_)) {
                "`cargo xtask docker` in wfrun's sources makes it; `--platform LABEL=IMAGE` names another".to_owned()
            } else {
                format!("`docker pull {image}` fetches it, and so does `wfrun vendor`")
            },
        ),
        Lack::Tool(lack) => tool(dependency, lack),
        Lack::Node => (
            format!("this machine has no Node, which JavaScript actions need (`{dependency}`)"),
            "install Node 20 or newer on the search path, use an image that has one, or bring one: `wfrun vendor` on a machine that has \
             one puts it into the folder"
                .to_owned(),
        ),
        Lack::NotPulled(why) => (
            format!("image `{dependency}` could not be pulled: {why}"),
            format!("is its name right, and may this machine have it? `docker login`, then `docker pull {dependency}`"),
        ),
        Lack::NoEngine(why) => (
            format!("image `{dependency}` cannot be had: {why}"),
            "start an engine, which fetches it and gives its archive: `sudo systemctl start docker`".to_owned(),
        ),
    };
    Absence { message, way_out, is_forgiven }
}
