use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;

use wfrun_journal::{RunEvent, RunRecord, Sink as _};

use crate::Tee;

/// So many bursts may wait to be shown; then whoever makes more has to wait.
const MOST_WAITING: usize = 8;
/// After so many events the views are flushed, whatever waits.
const MOST_UNFLUSHED: usize = 4096;

/// Views on a thread of their own, so that a run's events are written while the next ones are made.
///
/// Dropping it waits, too: a terminal is left as it should be whatever happens.
#[derive(Debug)]
pub struct ViewThread {
    /// Taken at the end, as is the thread.
    bursts: Option<SyncSender<Vec<RunEvent>>>,
    thread: Option<JoinHandle<Tee>>,
}

impl ViewThread {
    /// Starts the thread.
    pub fn start(views: Tee) -> std::io::Result<Self> {
        let (bursts, waiting) = sync_channel(MOST_WAITING);
        let thread = std::thread::Builder::new().name("views".to_owned()).spawn(move || show(views, &waiting))?;
        Ok(Self { bursts: Some(bursts), thread: Some(thread) })
    }

    /// Hands events over, in their order; waits if the views are too far behind.
    pub fn show(&self, events: Vec<RunEvent>) {
        // Fails only if the thread panicked, which `end` passes on.
        if let Some(bursts) = self.bursts.as_ref().filter(|_| !events.is_empty()) {
            bursts.send(events).ok();
        }
    }

    /// Waits until all is shown; gives the views back.
    ///
    /// # Panics
    ///
    /// If a view did.
    pub fn end(mut self) -> Tee {
        match self.join() {
            Some(Ok(views)) => views,
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            None => Tee::new(Vec::new()),
        }
    }

    fn join(&mut self) -> Option<std::thread::Result<Tee>> {
        drop(self.bursts.take());
        self.thread.take().map(JoinHandle::join)
    }
}

impl Drop for ViewThread {
    fn drop(&mut self) {
        // If the thread panicked, the panic was printed.
        drop(self.join());
    }
}

fn show(mut views: Tee, waiting: &Receiver<Vec<RunEvent>>) -> Tee {
    let mut record = RunRecord::default();
    let mut unflushed = 0;
    let mut next = waiting.recv().ok();
    while let Some(burst) = next {
        unflushed += burst.len();
        for event in burst {
            record.apply(&event);
            // A tee never fails.
            views.accept(&event, &record).unwrap_or_default();
        }
        next = match waiting.try_recv() {
            Ok(burst) if unflushed <= MOST_UNFLUSHED => Some(burst),
            // What comes in a flood is flushed once in a while, all else at once.
            other => {
                unflushed = 0;
                views.flush().unwrap_or_default();
                match other {
                    Ok(burst) => Some(burst),
                    Err(TryRecvError::Empty) => waiting.recv().ok(),
                    Err(TryRecvError::Disconnected) => None,
                }
            }
        };
    }
    views
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use wfrun_journal::{Masker, Notice, RunEventKind, Sink, SinkError};

    use super::*;

    /// Writes down what it is asked.
    #[derive(Debug, Default, Clone)]
    struct Asked(Arc<Mutex<Vec<String>>>);

    impl Asked {
        fn note(&self, what: String) {
            self.0.lock().expect("no panic").push(what);
        }

        fn tee(&self) -> Tee {
            Tee::new(vec![Box::new(self.clone())])
        }

        fn all(&self) -> Vec<String> {
            self.0.lock().expect("no panic").clone()
        }
    }

    impl Sink for Asked {
        fn accept(&mut self, event: &RunEvent, _so_far: &RunRecord) -> Result<(), SinkError> {
            self.note(event.seq.to_string());
            Ok(())
        }

        fn flush(&mut self) -> Result<(), SinkError> {
            self.note("flush".to_owned());
            Ok(())
        }
    }

    fn notice(seq: u64) -> RunEvent {
        let message = Masker::default().mask("hello");
        RunEvent { seq, at_ms: 0, kind: RunEventKind::Notice(Notice { message, level: None }) }
    }

    #[test]
    fn all_is_shown_in_order_and_flushed_last() {
        let asked = Asked::default();
        let thread = ViewThread::start(asked.tee()).expect("a thread");
        for seq in (1..=99).step_by(3) {
            thread.show(vec![notice(seq), notice(seq + 1), notice(seq + 2)]);
        }
        thread.end();
        let all = asked.all();
        let events: Vec<&String> = all.iter().filter(|it| *it != "flush").collect();
        assert_eq!(events.len(), 99);
        assert!(events.iter().zip(1..).all(|(it, seq)| **it == seq.to_string()));
        assert_eq!(all.last().map(String::as_str), Some("flush"));
    }

    /// A person who waits for a step sees what it wrote, though nothing follows.
    #[test]
    fn what_nothing_follows_is_flushed() {
        let asked = Asked::default();
        let thread = ViewThread::start(asked.tee()).expect("a thread");
        thread.show(vec![notice(1)]);
        while asked.all().len() < 2 {
            std::thread::yield_now();
        }
        assert_eq!(asked.all(), ["1", "flush"]);
        thread.end();
    }

    #[test]
    fn all_is_shown_where_nobody_asks_for_the_end() {
        let asked = Asked::default();
        let thread = ViewThread::start(asked.tee()).expect("a thread");
        thread.show((1..=2000).map(notice).collect());
        drop(thread);
        assert_eq!(asked.all().len(), 2001);
    }

    #[test]
    fn a_flood_is_flushed_once_in_a_while() {
        let asked = Asked::default();
        let (bursts, waiting) = sync_channel(20);
        for burst in 0..10 {
            bursts.send((0..1000).map(|it| notice(burst * 1000 + it)).collect()).expect("room");
        }
        drop(bursts);
        show(asked.tee(), &waiting);
        assert_eq!(asked.all().iter().filter(|it| *it == "flush").count(), 2);
    }
}
