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

/// The engine may still be making what was asked of it: nothing is left once two looks in a row find nothing, a pause apart.
const LOOKS: u32 = 8;
const PAUSE: Duration = Duration::from_millis(500);

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
    // A kill may have cut the last line.
    let owed: Option<Owed> = told.lines().rev().find_map(|it| serde_json::from_str(it).ok()).flatten();
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return ExitCode::FAILURE;
    };
    let reaped: Result<(), EcrNamesError> = runtime.block_on(async {
        let backend = DockerBackend::connect().await?;
        let give_back = async || match &owed {
            Some(owed) => owed.give_back_for_the_dead(&backend).await,
            None => Ok(()),
        };
        // At once, before another run takes these names for ones that were always there.
        let given_back = give_back().await;
        until_nothing_is_left(async || clean(backend.client(), Some(&run_id)).await, PAUSE).await?;
        // Containers may have held some.
        if given_back.is_ok() { given_back } else { give_back().await }
    });
    if reaped.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Looks, and takes away what is found, until twice nothing was; what the last look said, after so many.
async fn until_nothing_is_left<E>(mut look: impl AsyncFnMut() -> Result<usize, E>, pause: Duration) -> Result<(), E> {
    let mut was_empty = false;
    let mut looks = 1;
    loop {
        let found = look().await;
        let is_empty = matches!(found, Ok(0));
        if looks == LOOKS || (was_empty && is_empty) {
            return found.map(drop);
        }
        was_empty = is_empty;
        looks += 1;
        tokio::time::sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a look says.
    type Found = Result<usize, &'static str>;

    /// A container that was asked for before the first look, and made behind it, goes as well.
    #[tokio::test]
    async fn one_empty_look_is_not_enough() {
        let (gone, not_yet) = (Ok(0), Err("the engine is busy"));
        let cases: [(&[Found], usize, Result<(), &str>); 6] = [
            (&[gone; 9], 2, Ok(())),
            (&[gone, Ok(1), gone, gone, Ok(1)], 4, Ok(())),
            (&[Ok(3), gone, Ok(2), gone, gone, Ok(1)], 5, Ok(())),
            (&[gone, not_yet, gone, gone], 4, Ok(())),
            (&[not_yet; 9], 8, not_yet.map(drop)),
            (&[Ok(1); 9], 8, Ok(())),
        ];
        for (answers, looks, end) in cases {
            let mut left = answers.iter();
            let look = async || left.next().copied().unwrap_or(Ok(0));
            assert_eq!(until_nothing_is_left(look, Duration::ZERO).await, end, "{answers:?}");
            assert_eq!(answers.len() - left.len(), looks, "{answers:?}");
        }
    }
}
