//! A process that outlives a killed wfrun for a moment, to take away what it left in the engine.
//!
//! A job's own container goes when its supervisor loses its connection. Services and networks have nobody inside to
//! notice, so somebody outside does: the read end of a pipe that closes when wfrun ends, however that happens.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::time::Duration;

use super::{DockerBackend, EcrNamesError, Owed, clean};

/// The hidden subcommand under which the executable is the reaper.
pub const SUBCOMMAND: &str = "__reaper";

/// The engine may still be making what was asked of it.
const LOOKS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(300);

/// A reaper that waits; it sets to work when this is dropped, or this process is gone.
#[derive(Debug)]
pub(crate) struct Reaper {
    _process: Child,
    pipe: Option<ChildStdin>,
}

impl Reaper {
    /// Starts one for a run.
    pub(crate) fn start(executable: &Path, run_id: &str) -> std::io::Result<Self> {
        let mut command = Command::new(executable);
        command
            .args([SUBCOMMAND, run_id])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut process = command.spawn()?;
        let pipe = process.stdin.take();
        Ok(Self { _process: process, pipe })
    }

    /// Tells it which image names are to go as well, in place of what it was told before.
    pub(super) fn owe(&mut self, owed: Option<&Owed>) -> std::io::Result<()> {
        let line = serde_json::to_string(&owed)? + "\n";
        self.pipe.as_mut().map_or(Ok(()), |it| it.write_all(line.as_bytes()))
    }
}

/// Waits until standard input ends, then removes what the run named by the argument left, and the image names that the last line says.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let Some(run_id) = args.into_iter().next().and_then(|it| it.into_string().ok()) else { return ExitCode::from(2) };
    // Ctrl-C is meant for wfrun, which takes everything away itself.
    wfrun_agent::supervisor::leave_terminal();
    let mut told = String::new();
    if std::io::stdin().read_to_string(&mut told).is_err() {
        return ExitCode::FAILURE;
    }
    let owed: Option<Owed> = told.lines().next_back().and_then(|it| serde_json::from_str(it).ok()).flatten();
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return ExitCode::FAILURE;
    };
    let reaped: Result<(), EcrNamesError> = runtime.block_on(async {
        let backend = DockerBackend::connect().await?;
        let mut found = clean(backend.client(), Some(&run_id)).await;
        // Nothing left is how most runs end; whoever left one thing may just have asked for another.
        for _ in 0..LOOKS {
            if matches!(found, Ok(0)) {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            found = clean(backend.client(), Some(&run_id)).await;
        }
        found?;
        // Behind the containers, which hold images.
        match owed {
            Some(owed) => owed.give_back_for_the_dead(&backend).await,
            None => Ok(()),
        }
    });
    if reaped.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
