//! `wfrun clean`: removes what earlier runs left.
use std::path::{Path, PathBuf};
use std::time::Duration;

use wfrun_runner::{clean_action_store, remove_folder};

use crate::environment::Environment;
use crate::exit::Exit;
use crate::output::Output;

/// The file in a run's work folder that names the process it belongs to.
pub(crate) const OWNER: &str = "owner";

/// Removes containers and work folders of runs that did not end properly; those of running ones stay.
pub(crate) fn clean(environment: &Environment, _: &Output) -> anyhow::Result<Exit> {
    let (alive, dead) = runs_in(&environment.cache.join("work"));
    let mut stuck = 0;
    for folder in &dead {
        if let Err(err) = remove_folder(folder) {
            // As a run on docker may have left it that was killed with its container.
            let is_denied = err.kind() == std::io::ErrorKind::PermissionDenied;
            let way_out =
                if is_denied { format!("; `sudo rm -r {}` removes it", folder.display()) } else { String::new() };
            Output::note(&format!("{} stays: {err}{way_out}", folder.display()));
            stuck += 1;
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let containers = runtime.block_on(async {
        // Without an engine there is nothing of ours in it.
        let Ok(backend) = wfrun_backend::DockerBackend::connect().await else { return Ok(0) };
        wfrun_backend::clean(backend.client(), None).await
    })?;
    let kept = match alive.len() {
        0 => String::new(),
        count => format!("; {count} running, kept"),
    };
    // A fetch may take long, but hardly so long.
    let unfinished = clean_action_store(&environment.cache.join("actions"), Duration::from_hours(1));
    let removed = dead.len() - stuck + unfinished;
    Output::note(&format!("removed {removed} work folders and {containers} containers, networks and volumes{kept}"));
    Ok(if stuck == 0 { Exit::Success } else { Exit::CouldNot })
}

/// Removes the work folders of runs that ended without doing so; what cannot be removed is left for `wfrun clean`.
pub(crate) fn sweep(work: &Path) {
    for folder in runs_in(work).1 {
        if let Err(err) = remove_folder(&folder) {
            tracing::debug!("{} stays: {err}", folder.display());
        }
    }
}

/// The work folders of runs that go on, and of those that do not.
fn runs_in(work: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let runs = std::fs::read_dir(work).into_iter().flatten().flatten().map(|it| it.path());
    runs.partition(|it| is_alive(it))
}

/// Whether the process that made a run's work folder still runs.
pub(super) fn is_alive(folder: &Path) -> bool {
    let Ok(owner) = std::fs::read_to_string(folder.join(OWNER)) else {
        // One that is just being made has no owner yet.
        let age = folder.metadata().and_then(|it| it.modified()).ok().and_then(|it| it.elapsed().ok());
        return age.is_some_and(|it| it < Duration::from_mins(1));
    };
    wfrun_backend::owner_lives(&owner)
}
