//! `wfrun clean`: removes what earlier runs left.
use std::path::Path;

use crate::environment::Environment;
use crate::exit::Exit;
use crate::output::Output;

/// The file in a run's work folder that names the process it belongs to.
pub(crate) const OWNER: &str = "owner";

/// Removes containers and work folders of runs that did not end properly; those of running ones stay.
pub(crate) fn clean(environment: &Environment, _: &Output) -> anyhow::Result<Exit> {
    let work = environment.cache.join("work");
    let runs: Vec<_> = std::fs::read_dir(&work).into_iter().flatten().flatten().map(|it| it.path()).collect();
    let (alive, dead): (Vec<_>, Vec<_>) = runs.into_iter().partition(|it| is_alive(it));
    for folder in &dead {
        std::fs::remove_dir_all(folder)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let containers = runtime.block_on(async {
        // Without an engine there is nothing of ours in it.
        let Ok(backend) = wfrun_backend::DockerBackend::connect().await else { return Ok(0) };
        if alive.is_empty() {
            return wfrun_backend::clean(backend.client(), None).await;
        }
        let mut count = 0;
        for folder in &dead {
            let run = folder.file_name().unwrap_or_default().to_string_lossy();
            count += wfrun_backend::clean(backend.client(), Some(&run)).await?;
        }
        Ok(count)
    })?;
    let kept = match alive.len() {
        0 => String::new(),
        count => format!("; {count} running, kept"),
    };
    Output::note(&format!(
        "removed {} work folders and {containers} containers, networks and volumes{kept}",
        dead.len()
    ));
    Ok(Exit::Success)
}

/// Whether the process that made a run's work folder still runs.
fn is_alive(folder: &Path) -> bool {
    let owner = std::fs::read_to_string(folder.join(OWNER)).unwrap_or_default();
    owner.trim().parse::<u32>().is_ok_and(|it| Path::new("/proc").join(it.to_string()).exists())
}
