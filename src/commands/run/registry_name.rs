//! By which name a run's jobs call the account's registry.
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::mpsc;
use wfrun_aws::HostMode;
use wfrun_backend::docker::{EcrNames, EcrRegistry};
use wfrun_backend::{DockerBackend, chain};
use wfrun_engine::FactKind;
use wfrun_runner::{LocalServices, NamedRegistry, registry_client};
use wfrun_workflow::WorkflowSet;

use super::own::Own;
use crate::output::Help;
use crate::place::Place;

/// How long an engine is asked that a run may not need.
const ENGINE_PATIENCE: Duration = Duration::from_secs(5);

/// Gives the registry Amazon's name where the account file says so, or where all that is known to ask it knows that name; says which
/// name it has.
///
/// A socket that jobs get in the engine's place lies in the work folder of `own`. Must be called inside a runtime.
pub(super) async fn name_registry(
    set: &WorkflowSet,
    own: &Own,
    place: &mut Place,
    services: &mut LocalServices,
) -> anyhow::Result<Option<String>> {
    let Some(aws) = &services.aws else { return Ok(None) };
    services.engine = engine_of(place).await;
    let engine = services.engine.as_ref();
    let (account, url) = (aws.account.account_id().to_owned(), aws.endpoint.url());
    let registry = EcrRegistry { account, here: url.trim_start_matches("http://").trim_end_matches('/').to_owned() };
    let executable = std::env::current_exe().context("failed to find wfrun's own executable")?;
    let run = (executable.as_path(), own.run_id.as_str());
    if let Some(engine) = engine {
        engine.guard_registry(run.0, run.1, &registry)?;
    }
    let is_asked_for = match aws.account.host_mode() {
        HostMode::Loopback => return Ok(None),
        HostMode::Auto => false,
        HostMode::Proxy => true,
    };
    let by_address = |reason: &str| {
        let here = &registry.here;
        Ok(Some(format!(
            "images of the account's registry are called {here} in this run, not by Amazon's name: {reason}"
        )))
    };
    if let Some(reason) = why_not(set, place).filter(|_| !is_asked_for) {
        return by_address(&reason);
    }
    let names = match names(engine, &own.work.join("engine.sock"), &registry, run).await {
        Ok(names) => names.map(Arc::new),
        Err(reason) if !is_asked_for => return by_address(&reason),
        Err(reason) => {
            let message =
                format!("the account file says `ecr.host_mode: proxy`, and the engine cannot know that name: {reason}");
            let help = "write `ecr.host_mode: auto` into the account file: then the registry is called by its address";
            return Err(Help::error("wfrun/failed", message, help));
        }
    };
    let is_by_variable = place.backend.name() == "host";
    if let Some((names, engine)) = names.as_ref().zip(place.backend.engine()) {
        place.backend = Arc::new(engine.with_names(Arc::clone(names)));
    }
    aws.account.call_registry_by_amazons_name();
    let name = wfrun_aws::registry_name(&registry.account, aws.account.region());
    let told = format!("images of the account's registry are called by Amazon's name in this run, {name}");
    services.named_registry = Some(NamedRegistry { registry, names, is_by_variable });
    Ok(Some(told))
}

/// Tells when a step looks Amazon's name up, which is kept from it: what it runs does not find the registry.
///
/// With an engine nothing can be told: before it asks the engine, the `docker` command looks the name up, too, only to see whether it is
/// this machine's.
pub(super) fn tell_of_lookups(services: &LocalServices, facts: mpsc::Sender<FactKind>) {
    let (Some(guard), Some(named)) = (&services.guard, &services.named_registry) else { return };
    if named.names.is_some() {
        return;
    }
    let registry = named.registry.clone();
    let denied = guard.denied(move |name| registry.is_named(&name.to_ascii_lowercase()));
    tokio::spawn(async move {
        let name = denied.await;
        let message = format!(
            "a step looked {name} up by itself, and only `docker` finds the account's registry by that name: \
             `ecr.host_mode: loopback` in the account file gives it an address that every program finds"
        );
        // Without a receiver the run is over.
        facts.send(FactKind::Noticed(message)).await.ok();
    });
}

/// Why Amazon's name might not do for all that a run asks the registry with.
fn why_not(set: &WorkflowSet, place: &Place) -> Option<String> {
    let backend = place.backend.name();
    if backend == "host" {
        return Some("on the `host` backend nothing keeps that name from the real AWS".to_owned());
    }
    let client = registry_client(set, backend == "sandbox")?;
    Some(format!("the workflow names `{client}`, which asks registries by itself"))
}

/// The engine that steps ask: their containers' one, or on the host this machine's.
async fn engine_of(place: &Place) -> Option<DockerBackend> {
    match place.backend.name() {
        // Without one that answers, no step pushes anything.
        "host" => tokio::time::timeout(ENGINE_PATIENCE, DockerBackend::connect()).await.ok()?.ok(),
        _ => place.backend.engine().cloned(),
    }
}

/// What jobs get in the place of their engine; none where they have none. The error is why it cannot be had.
async fn names(
    engine: Option<&DockerBackend>,
    socket: &Path,
    registry: &EcrRegistry,
    run: (&Path, &str),
) -> Result<Option<EcrNames>, String> {
    let Some(engine) = engine else { return Ok(None) };
    EcrNames::start(engine, socket, registry.clone(), run).await.map(Some).map_err(|err| chain(&err))
}
