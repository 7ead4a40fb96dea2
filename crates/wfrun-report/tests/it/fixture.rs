//! Journals written by hand, and the views fed with them.
use std::io::Write;
use std::sync::{Arc, Mutex};

use wfrun_journal::{RunEvent, RunRecord, Sink};
use wfrun_report::{PlainView, Style, Verbosity, read_journal};

/// A workflow that tests, builds, pushes and deploys; everything went well.
pub(crate) const SUCCESS: &str = include_str!("journals/success.ndjson");
/// The same on a pull request: the deployment is skipped by its condition.
pub(crate) const SKIPPED: &str = include_str!("journals/skipped.ndjson");
/// A test fails, so the job that needs it is skipped.
pub(crate) const FAILURE: &str = include_str!("journals/failure.ndjson");
/// The push of the image fails, and the step for that runs.
pub(crate) const PUSH_FAILURE: &str = include_str!("journals/push-failure.ndjson");
/// Cancelled during a step.
pub(crate) const CANCELLED: &str = include_str!("journals/cancelled.ndjson");
/// A job that needs Windows, a composite action, a part that was not run, a failure of wfrun, a forgiven job.
pub(crate) const INCOMPLETE: &str = include_str!("journals/incomplete.ndjson");

pub(crate) const ALL: [(&str, &str); 6] = [
    ("success", SUCCESS),
    ("skipped", SKIPPED),
    ("failure", FAILURE),
    ("push-failure", PUSH_FAILURE),
    ("cancelled", CANCELLED),
    ("incomplete", INCOMPLETE),
];

pub(crate) const UNICODE: Style = Style { color: false, width: 100, unicode: true };

/// The events of a journal.
pub(crate) fn events(journal: &str) -> Vec<RunEvent> {
    read_journal(journal.as_bytes()).expect("the journal can be read")
}

/// Feeds `events` to `sink` as a run does: folded first, then shown.
pub(crate) fn feed(events: &[RunEvent], sink: &mut dyn Sink) -> RunRecord {
    let mut record = RunRecord::default();
    for event in events {
        record.apply(event);
        sink.accept(event, &record).expect("the sink takes it");
    }
    record
}

/// What the plain view writes.
pub(crate) fn plain(journal: &str, style: Style, verbosity: Verbosity) -> String {
    let out = Shared::default();
    feed(&events(journal), &mut PlainView::new(out.clone(), style, verbosity));
    out.text()
}

/// A place to write to that the test keeps a hand on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    pub(crate) fn text(&self) -> String {
        let bytes = self.0.lock().expect("no test panicked while writing");
        String::from_utf8(bytes.clone()).expect("views write UTF-8")
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no test panicked while writing").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
