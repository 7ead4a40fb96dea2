use std::io::{self, Write};

use wfrun_journal::{RunEvent, RunEventKind, RunRecord, Sink, SinkError};

use crate::Style;
use crate::log::Log;

/// How much a view says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verbosity {
    /// Failures, with the last lines of a failed step, and the summary.
    Quiet,
    /// The whole log.
    #[default]
    Normal,
    /// And outputs, the whole of step summaries, and calls of local services.
    Verbose,
}

/// So much text is gathered of one burst of events.
const MOST_PENDING: usize = 64 * 1024;

/// A log in lines, each with its job before it: for files, pipes and `--verbose`.
///
/// Lines are gathered until the burst they belong to is over, so that a flood of them costs few writes.
#[derive(Debug)]
pub struct PlainView<W: Write> {
    out: W,
    log: Log,
    lines: Vec<String>,
    text: Vec<u8>,
}

impl<W: Write> PlainView<W> {
    /// Writes to `out`, which needs no buffer of its own.
    pub fn new(out: W, style: Style, verbosity: Verbosity) -> Self {
        Self { out, log: Log::new(style, verbosity), lines: Vec::new(), text: Vec::new() }
    }

    fn write(&mut self) -> io::Result<()> {
        if self.text.is_empty() {
            return Ok(());
        }
        let written = self.out.write_all(&self.text);
        self.text.clear();
        written.and_then(|()| self.out.flush())
    }
}

impl<W: Write> Sink for PlainView<W> {
    fn accept(&mut self, event: &RunEvent, so_far: &RunRecord) -> Result<(), SinkError> {
        self.log.tell(event, so_far, &mut self.lines);
        for line in self.lines.drain(..) {
            self.text.extend_from_slice(line.as_bytes());
            self.text.push(b'\n');
        }
        let is_over = matches!(event.kind, RunEventKind::RunFinished(_));
        if is_over || self.text.len() >= MOST_PENDING { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.write().map_err(|err| SinkError { path: None, err })
    }
}
