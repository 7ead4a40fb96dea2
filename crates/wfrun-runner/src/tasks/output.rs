//! What containers print: into log streams, and the last lines of it for reports.
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use wfrun_backend::Stream;

use crate::{LineSplitter, Lines};

/// So many lines are kept.
pub(super) const LAST_LINES: usize = 20;

/// A log stream of the account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogPlace {
    /// As `us-east-1`.
    pub region: String,
    /// The group.
    pub group: String,
    /// The stream in it.
    pub stream: String,
    /// `awslogs-create-group` was set.
    pub create_group: bool,
}

/// The last lines of a container.
#[derive(Clone, Debug, Default)]
pub(super) struct Tail(Arc<Mutex<VecDeque<String>>>);

impl Tail {
    pub(super) fn push(&self, line: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LAST_LINES {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// Passes on what a container prints, until it ends.
pub(super) async fn follow(mut chunks: mpsc::Receiver<(Stream, Vec<u8>)>, tail: Tail, sink: impl Fn(&[String])) {
    let mut splitters = [LineSplitter::default(), LineSplitter::default()];
    while let Some((stream, bytes)) = chunks.recv().await {
        let splitter = &mut splitters[usize::from(stream == Stream::Stderr)];
        pass_on(splitter.push(&bytes), &tail, &sink);
    }
    for mut splitter in splitters {
        pass_on(splitter.finish(), &tail, &sink);
    }
}

fn pass_on(lines: Option<Lines>, tail: &Tail, sink: &impl Fn(&[String])) {
    let Some(lines) = lines else { return };
    let lines: Vec<String> = lines.text.split('\n').map(str::to_owned).collect();
    for line in &lines {
        tail.push(line);
    }
    sink(&lines);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn both_streams_come_in_lines_and_the_last_twenty_stay() {
        let (sender, receiver) = mpsc::channel(8);
        let (tail, seen) = (Tail::default(), Mutex::new(Vec::new()));
        let long = (0..25).map(|at| format!("line {at}")).collect::<Vec<_>>().join("\n") + "\n";
        for (stream, text) in [(Stream::Stdout, "be"), (Stream::Stderr, "oops\n"), (Stream::Stdout, "gin\n")] {
            sender.send((stream, text.into())).await.expect("it is read");
        }
        sender.send((Stream::Stdout, long.into_bytes())).await.expect("it is read");
        sender.send((Stream::Stdout, b"unended".to_vec())).await.expect("it is read");
        drop(sender);
        follow(receiver, tail.clone(), |lines| seen.lock().expect("no panic").extend_from_slice(lines)).await;
        let seen = seen.into_inner().expect("no panic");
        assert_eq!((&seen[0], &seen[1], seen.len()), (&"oops".to_owned(), &"begin".to_owned(), 28));
        let kept = tail.lines();
        assert_eq!((kept.len(), kept[0].as_str(), kept[19].as_str()), (20, "line 6", "unended"));
    }
}
