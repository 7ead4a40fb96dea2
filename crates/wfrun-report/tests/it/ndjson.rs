use std::io::{self, Write};

use wfrun_journal::{RunEvent, Sink as _};
use wfrun_report::{NdjsonWriter, read_journal};

use crate::fixture::{ALL, Shared, events, feed};

#[test]
fn what_is_written_reads_back() {
    for (name, journal) in ALL {
        let all = events(journal);
        let out = Shared::default();
        feed(&all, &mut NdjsonWriter::new(out.clone()));
        let text = out.text();
        assert_eq!(text.lines().count(), all.len(), "{name}: one line each");
        assert_eq!(read_journal(text.as_bytes()).expect("a journal"), all, "{name}");
    }
}

/// Lines are written by hand, for speed; nobody may be able to tell.
#[test]
fn lines_are_written_as_serde_writes_them() {
    let texts = ["", "plain", r#"a \"quote\" and \\"#, r"\u001b[31mred\u001b[0m\t\u0007", "ünï 😀", r"\u007f\u0085"];
    let mut journal = String::new();
    for (at, text) in texts.iter().cycle().take(24).enumerate() {
        let (seq, at_ms) = ([1, 9, 10, u64::MAX][at % 4], [0, 99, 123_456][at % 3]);
        let (job, stream) = (["j", r#"test (\"a\", 1)"#][at % 2], ["stdout", "stderr"][at / 6 % 2]);
        let head = format!(r#""seq":{seq},"at_ms":{at_ms},"type":"line","job":"{job}","step":"3.1","phase":"main""#);
        journal.extend(["{", &head, ",\"stream\":\"", stream, "\",\"text\":\"", text, "\"}\n"]);
    }
    let all: Vec<RunEvent> = journal.lines().map(|it| serde_json::from_str(it).expect("an event")).collect();
    let out = Shared::default();
    feed(&all, &mut NdjsonWriter::new(out.clone()));
    let expected: Vec<String> = all.iter().map(|it| serde_json::to_string(it).expect("JSON")).collect();
    assert_eq!(out.text().lines().collect::<Vec<_>>(), expected);
}

/// Keeps what was written at each flush.
#[derive(Debug, Default)]
struct Flushes {
    gathered: String,
    flushed: Shared,
}

impl Write for Flushes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.gathered.push_str(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let last = self.gathered.lines().last().unwrap_or_default();
        let kind = last.split("\"type\":\"").nth(1).and_then(|it| it.split('"').next());
        writeln!(self.flushed, "{}", kind.unwrap_or_default())?;
        self.gathered.clear();
        Ok(())
    }
}

#[test]
fn events_pass_when_their_burst_is_over() {
    let notice = r#"{"seq":1,"at_ms":0,"type":"notice","message":"m"}"#;
    let flushed = Shared::default();
    let mut writer = NdjsonWriter::new(Flushes { flushed: flushed.clone(), ..Flushes::default() });
    feed(&events(&[notice, notice].join("\n")), &mut writer);
    assert_eq!(flushed.text(), "", "a flood costs few writes");
    writer.flush().expect("it can be written");
    assert_eq!(flushed.text(), "notice\n");
}
