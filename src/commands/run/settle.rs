//! What a run needs, looked for before its first job.
use indexmap::IndexMap;
use wfrun_expr::Value;
use wfrun_plan::{Given, Plan, RunIdentity, github_context};
use wfrun_runner::{Images, Inventory, Tools, node_of_machine};
use wfrun_syntax::Diagnostic;

use crate::actions::{missing, missing_images, missing_tools};
use crate::cli::RunArgs;
use crate::environment::Environment;
use crate::place::{Place, choose_backend, platforms};
use crate::settings::Loaded;
use crate::sources::{of_run, tool_caches};
use crate::{images, vendored};

/// Looks for all that is needed but images, once it is sure that something is to run: it may have to be fetched.
pub(super) fn look_for_actions(loaded: &mut Loaded, plan: &Plan) -> anyhow::Result<(Vec<Diagnostic>, Inventory)> {
    // A step must not run what is not as it was locked.
    let mut changed = loaded.vendored.as_deref().map(vendored::check).transpose()?.unwrap_or_default();
    let inventory = Inventory::take(&loaded.set, &given(loaded, plan), &loaded.root, &loaded.actions);
    let news = loaded.actions.news(inventory.actions());
    changed.append(&mut loaded.missing);
    changed.extend(missing(&inventory));
    if let Some(vendored) = &loaded.vendored {
        let folder = vendored.folder.display();
        let what =
            format!("the vendored folder {folder} is as its lock says, and goes before all but `--local-repository`");
        loaded.situation.notices.push(what);
    }
    let prefix = loaded.situation.snapshot.prefix.trim_end_matches('/');
    if !prefix.is_empty() && !news.is_empty() {
        let whole = format!("git in actions finds the whole repository, of which `{prefix}` is a part");
        loaded.situation.notices.push(whole);
    }
    loaded.situation.notices.extend(news);
    Ok((changed, inventory))
}

/// What is known when the dependencies of a run are read.
fn given(loaded: &Loaded, plan: &Plan) -> Given {
    // What only a run in progress has.
    const NOT_YET: [&str; 5] = ["token", "run_id", "run_number", "sha", "workflow_sha"];
    let identity = RunIdentity {
        run_id: String::new(),
        run_number: 1,
        run_attempt: 1,
        token: String::new(),
        workflow_sha: String::new(),
        api: wfrun_plan::ApiUrls::default(),
    };
    let github = github_context(&loaded.set.root, &plan.event, &identity);
    let known = github.iter().filter(|(name, _)| !NOT_YET.contains(name));
    Given {
        github: known.map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        vars: Some(loaded.vars.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect()),
        inputs: Some(loaded.situation.inputs.clone()),
    }
}

/// Where jobs run, and the ids of images that the engine does not know by their names.
pub(super) struct Settled {
    pub(super) place: Place,
    pub(super) image_ids: IndexMap<String, String>,
}

/// Gives the engine the images that were vendored, chooses where jobs run, and says which images are missing where none may
/// be pulled.
pub(super) async fn settle(
    args: &RunArgs,
    environment: &Environment,
    loaded: &Loaded,
    (plan, emulates_aws): (&Plan, bool),
    inventory: &mut Inventory,
    found: &mut Vec<Diagnostic>,
) -> anyhow::Result<Settled> {
    let of_labels = platforms(&args.platform)?;
    let vendored = loaded.vendored.as_deref().filter(|it| !it.lock.images.is_empty());
    let may_be_docker = ["auto", "docker"].contains(&args.backend.as_str());
    let mut image_ids = IndexMap::new();
    // What is not as it was locked is given to nobody.
    if let Some(vendored) = vendored.filter(|_| may_be_docker && !found.iter().any(Diagnostic::is_error))
        && let Ok(engine) = images::engine().await
    {
        image_ids = images::load(&engine, vendored, inventory, &of_labels).await?;
    }
    let place = choose_backend(args, plan).await?;
    // What an image has is not known here.
    if args.offline && place.backend.name() != "docker" {
        let caches = tool_caches(&of_run(args), loaded.vendored.as_deref());
        let node = node_of_machine(&environment.path);
        inventory.look_for_tools(&Tools {
            caches: &caches,
            node: node.as_deref(),
            vendored: loaded.vendored.as_deref(),
            may_fetch: false,
        });
        found.extend(missing_tools(inventory));
    }
    if let Some(engine) = place.backend.engine().filter(|_| args.offline) {
        let (engine, is_required) = (Ok(engine), true);
        let images = Images { engine, vendored, of_labels: &of_labels, may_pull: false, emulates_aws, is_required };
        inventory.look_for_images(&images).await?;
        found.extend(missing_images(inventory));
    }
    Ok(Settled { place, image_ids })
}
