//! The view for terminals: the log, and below it a tree of what is running.
mod screen;
mod tree;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use wfrun_journal::{RunEvent, RunEventKind, RunRecord, Sink, SinkError};

use crate::live::screen::Screen;
use crate::live::tree::Tree;
use crate::log::Log;
use crate::{Style, Verbosity};

/// About fifteen pictures a second.
const PICTURE: Duration = Duration::from_millis(66);
/// So much text, in bytes, is drawn without waiting for the next picture, which bounds memory and holds the run back
/// when the terminal is slower than the steps.
const MOST_PENDING: usize = 1 << 18;

/// A log with a tree of jobs and steps below it that turns and counts while the run goes on.
///
/// Lines are gathered and drawn with the next picture, so a flood of them costs no more than the terminal takes.
/// Ends with the summary, and leaves nothing else below the log.
#[derive(Debug)]
pub struct LiveView {
    shared: Arc<Shared>,
    ticker: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    picture: Mutex<Picture>,
    over: Condvar,
}

#[derive(Debug)]
struct Picture {
    style: Style,
    screen: Screen,
    bar: ProgressBar,
    log: Log,
    pending: Vec<String>,
    /// In bytes.
    pending_size: usize,
    tree: Tree,
    drawn: String,
    clock: Clock,
    is_over: bool,
}

/// The time of the run: that of the last event and, on a real terminal, what has passed since.
#[derive(Debug)]
struct Clock {
    at_ms: u64,
    since: Option<Instant>,
}

impl LiveView {
    /// Draws on a terminal, from a thread of its own, until the run ends or the view is dropped.
    ///
    /// A buffered one (`console::Term::buffered_stdout`) shows each picture in one go.
    pub fn new(term: impl TermLike + 'static, style: Style, verbosity: Verbosity) -> Self {
        let mut view = Self::on(term, style, verbosity);
        view.picture().clock.since = Some(Instant::now());
        let shared = Arc::clone(&view.shared);
        view.ticker = Some(std::thread::spawn(move || shared.keep_drawing()));
        view
    }

    /// The same without a thread: draws only when [`LiveView::refresh`] is called and at the end of the run.
    pub fn on(term: impl TermLike + 'static, style: Style, verbosity: Verbosity) -> Self {
        let screen = Screen::new(term);
        let target = ProgressDrawTarget::term_like(Box::new(screen.clone()));
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(ProgressStyle::with_template("{msg}").expect("the template is one field"));
        let picture = Picture {
            style,
            screen,
            bar,
            log: Log::new(style, verbosity),
            pending: Vec::new(),
            pending_size: 0,
            tree: Tree::default(),
            drawn: String::new(),
            clock: Clock { at_ms: 0, since: None },
            is_over: false,
        };
        Self { shared: Arc::new(Shared { picture: Mutex::new(picture), over: Condvar::new() }), ticker: None }
    }

    /// Draws what has changed since the last picture.
    pub fn refresh(&self) {
        self.picture().draw();
    }

    fn picture(&self) -> MutexGuard<'_, Picture> {
        self.shared.picture()
    }

    fn stop(&mut self) {
        self.picture().finish();
        self.shared.over.notify_all();
        if let Some(ticker) = self.ticker.take() {
            // The thread has nothing to say; if it panicked, the panic was printed.
            ticker.join().unwrap_or_default();
        }
    }
}

impl Sink for LiveView {
    fn accept(&mut self, event: &RunEvent, so_far: &RunRecord) -> Result<(), SinkError> {
        let failure = self.picture().take(event, so_far);
        if matches!(event.kind, RunEventKind::RunFinished(_)) {
            self.stop();
        }
        failure.map_or(Ok(()), |err| Err(SinkError { path: None, err }))
    }
}

impl Drop for LiveView {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    /// A panic elsewhere must not keep the terminal from being cleaned up.
    fn picture(&self) -> MutexGuard<'_, Picture> {
        self.picture.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep_drawing(&self) {
        let mut picture = self.picture();
        while !picture.is_over {
            picture.draw();
            let waited = self.over.wait_timeout(picture, PICTURE);
            picture = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Picture {
    /// Returns what the screen failed with, if it has.
    fn take(&mut self, event: &RunEvent, so_far: &RunRecord) -> Option<std::io::Error> {
        self.clock.set(event.at_ms);
        let before = self.pending.len();
        self.log.tell(event, so_far, &mut self.pending);
        self.pending_size += self.pending.iter().skip(before).map(String::len).sum::<usize>();
        if let RunEventKind::Lines(lines) = &event.kind {
            self.tree.say(lines);
        } else {
            self.tree = Tree::of(so_far);
        }
        if self.pending_size >= MOST_PENDING {
            self.draw();
        }
        self.screen.take_failure()
    }

    fn draw(&mut self) {
        if self.is_over {
            return;
        }
        let style = Style { width: usize::from(self.screen.width()), ..self.style };
        let height = usize::from(self.screen.height());
        let tree = self.tree.render(self.clock.now_ms(), height.saturating_sub(1), style).join("\n");
        if tree == self.drawn && self.pending.is_empty() {
            return;
        }
        self.screen.hold();
        self.bar.set_message(tree.clone());
        if !self.pending.is_empty() {
            let (screen, pending) = (&self.screen, &mut self.pending);
            self.bar.suspend(|| screen.write_lines(pending.drain(..)));
            self.pending_size = 0;
        }
        self.screen.release();
        self.drawn = tree;
    }

    /// Takes the tree away and writes what is left to say.
    fn finish(&mut self) {
        if self.is_over {
            return;
        }
        self.is_over = true;
        self.screen.hold();
        self.bar.finish_and_clear();
        self.screen.write_lines(self.pending.drain(..));
        self.screen.release();
    }
}

impl Clock {
    fn set(&mut self, at_ms: u64) {
        self.at_ms = at_ms;
        self.since = self.since.map(|_| Instant::now());
    }

    fn now_ms(&self) -> u64 {
        let passed = self.since.map_or(0, |it| u64::try_from(it.elapsed().as_millis()).unwrap_or(0));
        self.at_ms + passed
    }
}
