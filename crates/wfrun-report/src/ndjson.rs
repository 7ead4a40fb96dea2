use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use wfrun_journal::{Lines, Phase, RunEvent, RunEventKind, RunRecord, Sink, SinkError, Stream};
use wfrun_plan::{JobKey, StepPath};

use crate::text::none_of;

/// Writes each event as one line of JSON: `--json` and the journal file.
///
/// Events are gathered until the burst they belong to is over, so that a flood of lines costs few writes.
#[derive(Debug)]
pub struct NdjsonWriter<W: Write> {
    out: BufWriter<W>,
    path: Option<PathBuf>,
    head: LineHead,
}

/// What lines of the same stream and moment have in common, as JSON: nine of ten events are lines.
#[derive(Debug, Default)]
struct LineHead {
    of: Option<(u64, JobKey, StepPath, Phase, Stream)>,
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

    /// Writes each line exactly as `serde_json` would write it as an event.
    fn write_lines(&mut self, seq: u64, at_ms: u64, lines: &Lines) -> io::Result<()> {
        let Self { out, head, path: _ } = self;
        let text = lines.text.as_str();
        let is_plain = none_of(text, |it| (it < b' ' && it != b'\n') || it == b'"' || it == b'\\');
        let head = head.of(at_ms, lines)?;
        for (at, line) in (0..).zip(lines.each()) {
            out.write_all(b"{\"seq\":")?;
            out.write_all(digits(seq + at, &mut [0; 20]))?;
            out.write_all(head)?;
            if is_plain {
                out.write_all(b"\"")?;
                out.write_all(line.as_bytes())?;
                out.write_all(b"\"}\n")?;
            } else {
                serde_json::to_writer(&mut *out, line)?;
                out.write_all(b"}\n")?;
            }
        }
        Ok(())
    }

    fn write(&mut self, event: &RunEvent) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, event)?;
        self.out.write_all(b"\n")
    }

    fn failed(&self, err: io::Error) -> SinkError {
        SinkError { path: self.path.clone(), err }
    }
}

impl LineHead {
    fn of(&mut self, at_ms: u64, lines: &Lines) -> io::Result<&[u8]> {
        let Lines { job, step, phase, stream, text: _ } = lines;
        let of = Some((at_ms, job.clone(), step.clone(), *phase, *stream));
        if self.of != of {
            self.json.clear();
            write!(self.json, ",\"at_ms\":{at_ms}")?;
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
            self.of = of;
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
            RunEventKind::Lines(lines) => self.write_lines(event.seq, event.at_ms, lines),
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
            | RunEventKind::ArtifactKept(_)
            | RunEventKind::ArtifactRemoved(_)
            | RunEventKind::Fault(_)
            | RunEventKind::RunFinished(_) => self.write(event),
        };
        written.map_err(|err| self.failed(err))
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.out.flush().map_err(|err| self.failed(err))
    }
}
