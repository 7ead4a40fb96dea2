use std::io;
use std::path::PathBuf;

use crate::{RunEvent, RunRecord};

/// Takes the run's events in order: a screen, a file, a report.
pub trait Sink {
    /// Takes one event; `so_far` already has it folded in.
    fn accept(&mut self, event: &RunEvent, so_far: &RunRecord) -> Result<(), SinkError>;

    /// Shows what was taken so far: nothing may follow for a long time. Called once for each burst of events.
    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

/// A sink could not take an event.
#[derive(Debug)]
pub struct SinkError {
    /// The file it writes, if it writes one.
    pub path: Option<PathBuf>,
    /// Why it failed.
    pub err: io::Error,
}

impl std::fmt::Display for SinkError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.path {
            Some(path) => write!(f, "failed to write {}", path.display()),
            None => f.write_str("failed to write the output"),
        }
    }
}

impl std::error::Error for SinkError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.err)
    }
}
