use std::io::{self, Write};

use wfrun_journal::{RunEvent, RunRecord, Sink, SinkError};

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
    /// And outputs, step summaries and calls of local services.
    Verbose,
}

/// A log in lines, each with its job before it: for files, pipes and `--verbose`.
#[derive(Debug)]
pub struct PlainView<W: Write> {
    out: W,
    log: Log,
    lines: Vec<String>,
}

impl<W: Write> PlainView<W> {
    /// Writes to `out`, flushing after each event: whoever follows a log wants its last line too.
    pub fn new(out: W, style: Style, verbosity: Verbosity) -> Self {
        Self { out, log: Log::new(style, verbosity), lines: Vec::new() }
    }

    fn write(&mut self) -> io::Result<()> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let text: String = self.lines.drain(..).map(|it| it + "\n").collect();
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}

impl<W: Write> Sink for PlainView<W> {
    fn accept(&mut self, event: &RunEvent, so_far: &RunRecord) -> Result<(), SinkError> {
        self.log.tell(event, so_far, &mut self.lines);
        self.write().map_err(|err| SinkError { path: None, err })
    }
}
