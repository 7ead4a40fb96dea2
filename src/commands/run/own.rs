//! What is a run's own: its id, its number, its folders.
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::environment::Environment;
use crate::settings::{not_written, state_dir};

/// What a run has to itself.
#[derive(Debug)]
pub(in crate::commands) struct Own {
    pub(in crate::commands) run_id: String,
    /// `github.run_number`
    pub(in crate::commands) number: u64,
    /// `.wfrun` of the repository.
    pub(in crate::commands) state: PathBuf,
    /// Where the journal and what else is kept goes.
    pub(in crate::commands) run_dir: PathBuf,
    /// What goes with the run.
    pub(in crate::commands) work: PathBuf,
    /// Where the key of ID tokens is, which no job may see.
    pub(in crate::commands) id_token_key: PathBuf,
}

impl Own {
    /// Makes its folders, which nobody else may look into. `number` is the run's, if it is given one.
    pub(in crate::commands) fn make(
        number: Option<u64>,
        environment: &Environment,
        root: &Path,
    ) -> anyhow::Result<Self> {
        let state = state_dir(root)?;
        let number = number.unwrap_or_else(|| next_number(&state));
        let works = environment.cache.join("work");
        let run_id = new_run_id(&works, &state)?;
        let run_dir = state.join("runs").join(&run_id);
        make_private(&run_dir).map_err(|err| not_written(&run_dir, &err))?;
        // Before any job, as only what is there can be hidden from it.
        let id_token_key = environment.cache.join("oidc");
        make_private(&id_token_key).map_err(|err| not_written(&id_token_key, &err))?;
        Ok(Self { work: works.join(&run_id), run_id, number, state, run_dir, id_token_key })
    }
}

/// A folder that only its owner may look into: scripts in it hold secrets, journals what a run did.
fn make_private(folder: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn next_number(state: &Path) -> u64 {
    let earlier = std::fs::read_dir(state.join("runs")).map_or(0, Iterator::count);
    earlier as u64 + 1
}

/// Digits, as GitHub's run ids are: microseconds since 1970, made unique among the runs of this machine and of this
/// repository. The run's work folder is made with it, and is its claim.
fn new_run_id(work: &Path, state: &Path) -> anyhow::Result<String> {
    make_private(work).map_err(|err| not_written(work, &err))?;
    let mut id = jiff::Timestamp::now().as_microsecond();
    loop {
        let folder = work.join(id.to_string());
        // Two at the same moment: only one of them makes the folder.
        match std::fs::DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) if !state.join("runs").join(id.to_string()).exists() => {
                let owner = folder.join(crate::commands::clean::OWNER);
                std::fs::write(&owner, wfrun_backend::owner()).map_err(|err| not_written(&owner, &err))?;
                return Ok(id.to_string());
            }
            Ok(()) => std::fs::remove_dir(&folder).map_err(|err| not_written(&folder, &err))?,
            Err(err) if err.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(err) => return Err(not_written(&folder, &err)),
        }
        id += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Runs of other repositories may begin in the same moment.
    #[test]
    fn no_two_runs_share_an_id() {
        let work = tempfile::tempdir().expect("a folder");
        let states = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
        let ids = std::thread::scope(|scope| {
            let many = |state: &'_ Path| (0..200).map(|_| new_run_id(work.path(), state).expect("an id")).collect();
            let runs = states.each_ref().map(|it| scope.spawn(move || -> Vec<String> { many(it.path()) }));
            runs.map(|it| it.join().expect("no panic")).concat()
        });
        assert!(ids.iter().all(|it| it.bytes().all(|it| it.is_ascii_digit())));
        assert!(ids.iter().all(|it| work.path().join(it).join(crate::commands::clean::OWNER).exists()));
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
    }
}
