//! Lines that come in blocks are shown as if each came alone.
use std::io::Write as _;

use wfrun_journal::{RunEvent, Sink as _};
use wfrun_report::{NdjsonWriter, PlainView, Verbosity};

use crate::fixture::{ALL, Shared, UNICODE, events, feed};

/// The same events, all of one moment: then lines that follow each other make a block.
fn at_once(journal: &str) -> Vec<RunEvent> {
    events(journal).into_iter().map(|it| RunEvent { at_ms: 0, ..it }).collect()
}

fn in_blocks(events: &[RunEvent]) -> Vec<RunEvent> {
    let mut blocks: Vec<RunEvent> = Vec::new();
    for event in events {
        if !blocks.last_mut().is_some_and(|last| last.append(event)) {
            blocks.push(event.clone());
        }
    }
    blocks
}

#[test]
fn views_show_blocks_as_lines() {
    let mut merged = 0;
    for (name, journal) in ALL {
        let alone = at_once(journal);
        let blocks = in_blocks(&alone);
        merged += alone.len() - blocks.len();
        for verbosity in [Verbosity::Quiet, Verbosity::Normal, Verbosity::Verbose] {
            let shown = |events: &[RunEvent]| {
                let out = Shared::default();
                let record = feed(events, &mut PlainView::new(out.clone(), UNICODE, verbosity));
                (out.text(), record)
            };
            assert_eq!(shown(&blocks), shown(&alone), "{name}, {verbosity:?}");
        }
        let written = |events: &[RunEvent]| {
            let out = Shared::default();
            let mut journal = NdjsonWriter::new(out.clone());
            feed(events, &mut journal);
            journal.flush().expect("memory takes everything");
            out.text()
        };
        assert_eq!(written(&blocks), written(&alone), "{name}");
    }
    assert!(merged > 20, "there were blocks: {merged}");
}

/// A line is what it is whatever stands beside it.
#[test]
fn marked_and_coloured_lines_in_a_block() {
    let texts = [
        "plain",
        "",
        "##[group]g",
        "\\u001b[31mred\\u001b[0m",
        "\\\"quoted\\\"",
        "##[endgroup]",
        "##[warning]w",
        "end",
    ];
    let mut journal = Vec::new();
    for (seq, text) in (1..).zip(texts) {
        let line = r#""type":"line","job":"j","step":"1","phase":"main","stream":"stdout""#;
        writeln!(journal, r#"{{"seq":{seq},"at_ms":0,{line},"text":"{text}"}}"#).expect("memory takes everything");
    }
    let alone = events(std::str::from_utf8(&journal).expect("text"));
    let blocks = in_blocks(&alone);
    assert_eq!(blocks.len(), 1);
    let shown = |events: &[RunEvent]| {
        let out = Shared::default();
        let mut view = PlainView::new(out.clone(), UNICODE, Verbosity::Normal);
        feed(events, &mut view);
        view.flush().expect("memory takes everything");
        out.text()
    };
    assert_eq!(shown(&blocks), shown(&alone));
    assert_eq!(shown(&blocks).lines().count(), texts.len() - 1, "an end of a group is not shown");
}
