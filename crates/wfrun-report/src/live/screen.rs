use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::TermLike;

/// A terminal that can gather what is drawn on it, so that lines and tree appear in one go and nothing flickers.
///
/// indicatif ignores failures to draw; here the first is kept.
#[derive(Debug, Clone)]
pub(super) struct Screen {
    term: Arc<dyn TermLike>,
    held: Arc<AtomicBool>,
    failure: Arc<Mutex<Option<io::Error>>>,
}

impl Screen {
    pub(super) fn new(term: impl TermLike + 'static) -> Self {
        Self { term: Arc::new(term), held: Arc::default(), failure: Arc::default() }
    }

    /// From here on nothing appears.
    pub(super) fn hold(&self) {
        self.held.store(true, Ordering::Relaxed);
    }

    /// What was gathered appears.
    pub(super) fn release(&self) {
        self.held.store(false, Ordering::Relaxed);
        self.note(self.term.flush()).unwrap_or_default();
    }

    pub(super) fn write_lines(&self, lines: impl Iterator<Item = String>) {
        for line in lines {
            if self.write_line(&line).is_err() {
                return;
            }
        }
    }

    pub(super) fn take_failure(&self) -> Option<io::Error> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn note(&self, result: io::Result<()>) -> io::Result<()> {
        let Err(err) = result else { return Ok(()) };
        let kind = err.kind();
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(err);
        Err(kind.into())
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        self.term.width()
    }

    fn height(&self) -> u16 {
        self.term.height()
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.note(self.term.move_cursor_up(n))
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.note(self.term.move_cursor_down(n))
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.note(self.term.move_cursor_right(n))
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.note(self.term.move_cursor_left(n))
    }

    fn write_line(&self, s: &str) -> io::Result<()> {
        self.note(self.term.write_line(s))
    }

    fn write_str(&self, s: &str) -> io::Result<()> {
        self.note(self.term.write_str(s))
    }

    fn clear_line(&self) -> io::Result<()> {
        self.note(self.term.clear_line())
    }

    fn flush(&self) -> io::Result<()> {
        if self.held.load(Ordering::Relaxed) { Ok(()) } else { self.note(self.term.flush()) }
    }
}
