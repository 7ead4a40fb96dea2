use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use wfrun_journal::{Line, Phase, RunEvent, RunEventKind, RunRecord, Sink, SinkError, Stream};
use wfrun_plan::{JobKey, StepPath};

/// Writes each event as one line of JSON: `--json` and the journal file.
///
/// Events are gathered until the burst they belong to is over, so that a flood of lines costs few writes.
#[derive(Debug)]
pub struct NdjsonWriter<W: Write> {
    out: BufWriter<W>,
    path: Option<PathBuf>,
    head: LineHead,
}

/// What all lines of a stream have in common, as JSON: nine of ten events are lines.
#[derive(Debug, Default)]
struct LineHead {
    of: Option<(JobKey, StepPath, Phase, Stream)>,
    json: Vec<u8>,
}

impl<W: Write> NdjsonWriter<W> {
    /// Writes to `out`, which needs no buffer of its own.
    pub fn new(out: W) -> Self {
        Self { out: BufWriter::with_capacity(64 * 1024, out), path: None, head: LineHead::default() }
    }

    /// The file behind it, for error messages.
    #[must_use]
    pub fn named(self, path: impl Into<PathBuf>) -> Self {
        Self { path: Some(path.into()), ..self }
    }

    /// Writes a line exactly as `serde_json` would.
    fn write_line(&mut self, seq: u64, at_ms: u64, line: &Line) -> io::Result<()> {
        let Self { out, head, path: _ } = self;
        out.write_all(b"{\"seq\":")?;
        out.write_all(digits(seq, &mut [0; 20]))?;
        out.write_all(b",\"at_ms\":")?;
        out.write_all(digits(at_ms, &mut [0; 20]))?;
        out.write_all(head.of(line)?)?;
        let text = line.text.as_str();
        // Counting does not stop early, and that is faster for lines that are plain to their end.
        if text.bytes().filter(|it| *it < b' ' || *it == b'"' || *it == b'\\').count() == 0 {
            out.write_all(b"\"")?;
            out.write_all(text.as_bytes())?;
            out.write_all(b"\"")?;
        } else {
            serde_json::to_writer(&mut *out, text)?;
        }
        out.write_all(b"}")
    }

    fn failed(&self, err: io::Error) -> SinkError {
        SinkError { path: self.path.clone(), err }
    }
}

impl LineHead {
    fn of(&mut self, line: &Line) -> io::Result<&[u8]> {
        let Line { job, step, phase, stream, text: _ } = line;
        let is_same =
            |(a, b, c, d): &(JobKey, StepPath, Phase, Stream)| a == job && b == step && c == phase && d == stream;
        if !self.of.as_ref().is_some_and(is_same) {
            self.json.clear();
            let fields = [
                (",\"type\":\"line\",\"job\":", serde_json::to_string(job)?),
                (",\"step\":", serde_json::to_string(step)?),
                (",\"phase\":", serde_json::to_string(phase)?),
                (",\"stream\":", serde_json::to_string(stream)?),
            ];
            for (name, value) in &fields {
                self.json.extend_from_slice(name.as_bytes());
                self.json.extend_from_slice(value.as_bytes());
            }
            self.json.extend_from_slice(b",\"text\":");
            self.of = Some((job.clone(), step.clone(), *phase, *stream));
        }
        Ok(&self.json)
    }
}

/// A number in decimal.
fn digits(mut number: u64, room: &mut [u8; 20]) -> &[u8] {
    let mut used = 0;
    for place in room.iter_mut().rev() {
        *place = b"0123456789".get((number % 10) as usize).copied().unwrap_or_default();
        number /= 10;
        used += 1;
        if number == 0 {
            break;
        }
    }
    room.get(20 - used..).unwrap_or_default()
}

impl<W: Write> Sink for NdjsonWriter<W> {
    fn accept(&mut self, event: &RunEvent, _so_far: &RunRecord) -> Result<(), SinkError> {
        let written = match &event.kind {
            RunEventKind::Line(line) => self.write_line(event.seq, event.at_ms, line),
            RunEventKind::RunStarted(_)
            | RunEventKind::Notice(_)
            | RunEventKind::MatrixExpanded(_)
            | RunEventKind::WorkflowCalled(_)
            | RunEventKind::JobStarted(_)
            | RunEventKind::JobSkipped(_)
            | RunEventKind::StepStarted(_)
            | RunEventKind::StepSkipped(_)
            | RunEventKind::Annotation(_)
            | RunEventKind::StepSummary(_)
            | RunEventKind::Declared(_)
            | RunEventKind::StepFinished(_)
            | RunEventKind::JobFinished(_)
            | RunEventKind::ServiceCalled(_)
            | RunEventKind::Fault(_)
            | RunEventKind::RunFinished(_) => serde_json::to_writer(&mut self.out, event).map_err(io::Error::from),
        };
        written.and_then(|()| self.out.write_all(b"\n")).map_err(|err| self.failed(err))
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.out.flush().map_err(|err| self.failed(err))
    }
}
