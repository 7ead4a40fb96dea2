use std::io::{self, ErrorKind};
use std::path::PathBuf;

use wfrun_journal::{RunEvent, RunRecord, Sink, SinkError};
use wfrun_report::{PlainView, Tee, Verbosity};

use crate::fixture::{SUCCESS, Shared, UNICODE, events, feed, plain};

/// Fails at every event, and counts them.
struct Broken {
    path: Option<PathBuf>,
    kind: ErrorKind,
    calls: Shared,
}

impl Sink for Broken {
    fn accept(&mut self, _event: &RunEvent, _so_far: &RunRecord) -> Result<(), SinkError> {
        io::Write::write_all(&mut self.calls, b"x").expect("memory takes everything");
        Err(SinkError { path: self.path.clone(), err: self.kind.into() })
    }
}

#[test]
fn a_failing_sink_stops_no_other_and_is_reported_once() {
    let cases = [
        (None, ErrorKind::BrokenPipe, None),
        (None, ErrorKind::StorageFull, Some("failed to write the output")),
        (Some("journal.ndjson"), ErrorKind::StorageFull, Some("failed to write journal.ndjson")),
        (Some("journal.ndjson"), ErrorKind::BrokenPipe, Some("failed to write journal.ndjson")),
    ];
    for (path, kind, expected) in cases {
        let (calls, out) = (Shared::default(), Shared::default());
        let broken = Broken { path: path.map(PathBuf::from), kind, calls: calls.clone() };
        let view = PlainView::new(out.clone(), UNICODE, Verbosity::Normal);
        let mut tee = Tee::new(vec![Box::new(broken), Box::new(view)]);
        feed(&events(SUCCESS), &mut tee);
        assert_eq!(calls.text(), "x", "it is asked once");
        assert_eq!(out.text(), plain(SUCCESS, UNICODE, Verbosity::Normal), "the other has everything");
        let said: Vec<String> = tee.failures().iter().map(ToString::to_string).collect();
        assert_eq!(said, expected.into_iter().collect::<Vec<_>>());
    }
}
