use std::io::{self, BufRead};

use serde::Deserialize;
use thiserror::Error;
use wfrun_journal::{RunEvent, RunEventKind, SCHEMA};

/// A journal could not be read.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The file itself could not be read.
    #[error("failed to read line {line} of the journal")]
    Read {
        /// From 1.
        line: usize,
        /// Why.
        #[source]
        err: io::Error,
    },
    /// A line is no event.
    #[error("line {line} of the journal is no event")]
    NotAnEvent {
        /// From 1.
        line: usize,
        /// Why.
        #[source]
        err: serde_json::Error,
    },
    /// A later wfrun wrote it in a form that this one does not know.
    #[error(
        "the journal has schema {found}, and this wfrun reads up to {SCHEMA}: read it with the wfrun that wrote it"
    )]
    Schema {
        /// The schema its first line says.
        found: u32,
    },
}

/// The types of events that this version knows; others are skipped.
const TYPES: [&str; 19] = [
    "run-started",
    "notice",
    "matrix-expanded",
    "workflow-called",
    "job-started",
    "job-skipped",
    "step-started",
    "step-skipped",
    "line",
    "annotation",
    "step-summary",
    "declared",
    "step-finished",
    "job-finished",
    "service-called",
    "artifact-kept",
    "artifact-removed",
    "fault",
    "run-finished",
];

/// Reads a journal, in order. Types and fields that are not known are skipped, and so are empty lines.
///
/// A last line without its end, which is what a killed run leaves, is left out if it cannot be read.
pub fn read_journal(journal: impl BufRead) -> Result<Vec<RunEvent>, JournalError> {
    JournalReader::new(journal).collect()
}

/// The same event by event, for journals of any length. It ends with the first error.
#[derive(Debug)]
pub struct JournalReader<R> {
    journal: R,
    text: Vec<u8>,
    /// The line that was read last, from 1.
    line: usize,
    is_over: bool,
}

impl<R: BufRead> JournalReader<R> {
    /// Reads from `journal`.
    pub fn new(journal: R) -> Self {
        Self { journal, text: Vec::new(), line: 0, is_over: false }
    }

    fn read(&mut self) -> Result<Option<RunEvent>, JournalError> {
        loop {
            self.text.clear();
            self.line += 1;
            let line = self.line;
            let length = self.journal.read_until(b'\n', &mut self.text);
            if length.map_err(|err| JournalError::Read { line, err })? == 0 {
                return Ok(None);
            }
            let is_whole = self.text.ends_with(b"\n");
            match read_line(&self.text) {
                Ok(Some(RunEvent { kind: RunEventKind::RunStarted(it), .. })) if it.schema > SCHEMA => {
                    return Err(JournalError::Schema { found: it.schema });
                }
                Ok(Some(event)) => return Ok(Some(event)),
                Ok(None) => {}
                Err(_) if !is_whole => return Ok(None),
                Err(err) => return Err(JournalError::NotAnEvent { line, err }),
            }
        }
    }
}

impl<R: BufRead> Iterator for JournalReader<R> {
    type Item = Result<RunEvent, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let read = self.read().transpose();
        self.is_over = !matches!(read, Some(Ok(_)));
        read
    }
}

fn read_line(text: &[u8]) -> Result<Option<RunEvent>, serde_json::Error> {
    if text.trim_ascii().is_empty() {
        return Ok(None);
    }
    match serde_json::from_slice(text) {
        Ok(event) => Ok(Some(event)),
        Err(err) if is_known(text) => Err(err),
        Err(_) => Ok(None),
    }
}

/// Whether the line should have been readable: its type is known, or it has none, or it is no JSON.
fn is_known(text: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Head {
        r#type: String,
    }
    let head = serde_json::from_slice::<Head>(text);
    head.map_or(true, |it| TYPES.contains(&it.r#type.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Adding a kind without its name here does not compile.
    fn name(kind: &RunEventKind) -> &'static str {
        match kind {
            RunEventKind::RunStarted(_) => "run-started",
            RunEventKind::Notice(_) => "notice",
            RunEventKind::MatrixExpanded(_) => "matrix-expanded",
            RunEventKind::WorkflowCalled(_) => "workflow-called",
            RunEventKind::JobStarted(_) => "job-started",
            RunEventKind::JobSkipped(_) => "job-skipped",
            RunEventKind::StepStarted(_) => "step-started",
            RunEventKind::StepSkipped(_) => "step-skipped",
            RunEventKind::Lines(_) => "line",
            RunEventKind::Annotation(_) => "annotation",
            RunEventKind::StepSummary(_) => "step-summary",
            RunEventKind::Declared(_) => "declared",
            RunEventKind::StepFinished(_) => "step-finished",
            RunEventKind::JobFinished(_) => "job-finished",
            RunEventKind::ServiceCalled(_) => "service-called",
            RunEventKind::ArtifactKept(_) => "artifact-kept",
            RunEventKind::ArtifactRemoved(_) => "artifact-removed",
            RunEventKind::Fault(_) => "fault",
            RunEventKind::RunFinished(_) => "run-finished",
        }
    }

    #[test]
    fn a_known_type_is_never_skipped() {
        for known in TYPES {
            let line = format!("{{\"seq\":1,\"at_ms\":0,\"type\":\"{known}\"}}\n");
            assert!(read_journal(line.as_bytes()).is_err(), "{known} has fields");
        }
        let notice = read_journal(&b"{\"seq\":1,\"at_ms\":0,\"type\":\"notice\",\"message\":\"m\",\"new\":1}\n"[..]);
        let notice = notice.expect("a journal");
        assert!(TYPES.contains(&name(&notice[0].kind)));
    }

    #[test]
    fn what_is_skipped_and_what_is_not() {
        let known = r#"{"seq":1,"at_ms":0,"type":"notice","message":"m"}"#;
        let cases = [
            (format!("{known}\n"), Ok(1)),
            (format!("{known}\r\n\n{known}"), Ok(2)),
            (format!("{{\"seq\":1,\"at_ms\":0,\"type\":\"later\",\"x\":1}}\n{known}\n"), Ok(1)),
            (format!("{known}\n{{\"seq\":2,\"at"), Ok(1)),
            (format!("{known}\n{{\"seq\":2,\"at\n{known}\n"), Err("line 2 of the journal is no event")),
            (format!("{known}\nno json\n"), Err("line 2 of the journal is no event")),
            (String::from("{\"seq\":1}\n"), Err("line 1 of the journal is no event")),
            (String::new(), Ok(0)),
        ];
        for (text, expected) in cases {
            let read = read_journal(text.as_bytes());
            let found = read.map(|it| it.len()).map_err(|it| it.to_string());
            assert_eq!(found, expected.map_err(str::to_owned), "{text}");
        }
    }

    #[test]
    fn a_later_schema_is_refused() {
        let line = r#"{"seq":1,"at_ms":0,"type":"run-started","schema":99,"run_id":"1","workflow":"w","path":"p","event":"push","ref":"r","sha":"s","backend":"b","jobs":[]}"#;
        let err = read_journal(format!("{line}\n").as_bytes()).expect_err("a later schema");
        assert!(err.to_string().starts_with("the journal has schema 99"));
    }
}
