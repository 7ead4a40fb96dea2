//! `wfrun actions`: where all that workflows use would come from.
use std::path::Path;

use wfrun_plan::Given;
use wfrun_report::{DependencyList, dependencies_json, dependencies_text};
use wfrun_runner::{Images, Inventory, Tools, node_of_machine};
use wfrun_syntax::Diagnostic;

use crate::check::to_show;
use crate::cli::ActionsArgs;
use crate::dependencies::list;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::find::{self, Found};
use crate::images;
use crate::output::{Help, Output};
use crate::place::platforms;
use crate::sources::{ReadSet, Sources, tool_caches};
use crate::vendored;

/// Shows it for each workflow; could not, where something is missing.
pub(crate) fn actions(args: &ActionsArgs, environment: &Environment, output: &Output) -> anyhow::Result<Exit> {
    let from = find::directory(args.directory.as_deref())?;
    let vendored = vendored::find(args.vendored.as_deref(), &find::root_around(&from), environment)?;
    let sources = Sources::new(&args.sources, vendored, environment, &from)?;
    let changed = sources.repositories.vendored.as_deref().map(vendored::check).transpose()?.unwrap_or_default();
    output.diagnostics(&changed);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let engine = runtime.block_on(images::engine());
    let of_labels = platforms(&args.sources.platform)?;
    let mut lists: Vec<DependencyList> = Vec::new();
    let mut is_invalid = false;
    for found in workflows(&args.workflows, &from)? {
        let ReadSet { set, diagnostics, missing: _ } = sources.read(&found);
        output.diagnostics(&to_show(&set.root.source, &diagnostics));
        is_invalid |= diagnostics.iter().any(Diagnostic::is_error);
        let mut inventory = Inventory::take(&set, &Given::default(), &found.root, &sources.actions);
        let images = Images {
            engine: engine.as_ref().map_err(Clone::clone),
            vendored: sources.repositories.vendored.as_deref(),
            of_labels: &of_labels,
            may_pull: !args.sources.offline,
            emulates_aws: false,
            is_required: false,
        };
        runtime.block_on(inventory.look_for_images(&images))?;
        let caches = tool_caches(&args.sources, sources.repositories.vendored.as_deref());
        let (node, may_fetch) = (node_of_machine(&environment.path), !args.sources.offline);
        inventory.look_for_tools(&Tools {
            caches: &caches,
            node: node.as_deref(),
            vendored: sources.repositories.vendored.as_deref(),
            may_fetch,
        });
        lists.push(list(found.source.path(), inventory, &sources.actions));
    }
    runtime.shutdown_background();
    let text = if args.json {
        format!("{:#}\n", dependencies_json(&lists))
    } else {
        dependencies_text(&lists, &output.stdout)
    };
    Output::data(&text);
    Ok(match (is_invalid, lists.iter().all(DependencyList::is_complete)) {
        (true, _) => Exit::Invalid,
        (false, true) if changed.is_empty() => Exit::Success,
        (false, _) => Exit::CouldNot,
    })
}

/// The workflows that are named, or all of the repository, in order of their names.
pub(crate) fn workflows(wanted: &[String], from: &Path) -> anyhow::Result<Vec<Found>> {
    if !wanted.is_empty() {
        return wanted.iter().map(|it| find::workflow(it, from)).collect();
    }
    let files = find::around(from).map(|it| find::files_in(&it)).unwrap_or_default();
    if files.is_empty() {
        let help = format!("there is no `{}` here or above: give a folder with `-C`", find::WORKFLOWS);
        return Err(Help::error("workflow/not-found", "there are no workflows", help));
    }
    files.iter().map(|it| find::read(it)).collect()
}
