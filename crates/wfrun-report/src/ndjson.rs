use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use wfrun_journal::{RunEvent, RunRecord, Sink, SinkError};

/// Writes each event as one line of JSON: `--json` and the journal file.
///
/// Events are gathered until the burst they belong to is over, so that a flood of lines costs few writes.
#[derive(Debug)]
pub struct NdjsonWriter<W: Write> {
    out: BufWriter<W>,
    path: Option<PathBuf>,
}

impl<W: Write> NdjsonWriter<W> {
    /// Writes to `out`, which needs no buffer of its own.
    pub fn new(out: W) -> Self {
        Self { out: BufWriter::with_capacity(64 * 1024, out), path: None }
    }

    /// The file behind it, for error messages.
    #[must_use]
    pub fn named(self, path: impl Into<PathBuf>) -> Self {
        Self { path: Some(path.into()), ..self }
    }

    fn failed(&self, err: io::Error) -> SinkError {
        SinkError { path: self.path.clone(), err }
    }
}

impl<W: Write> Sink for NdjsonWriter<W> {
    fn accept(&mut self, event: &RunEvent, _so_far: &RunRecord) -> Result<(), SinkError> {
        let written = serde_json::to_writer(&mut self.out, event).map_err(io::Error::from);
        written.and_then(|()| self.out.write_all(b"\n")).map_err(|err| self.failed(err))
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.out.flush().map_err(|err| self.failed(err))
    }
}
