use indicatif::{InMemoryTerm, TermLike};
use insta::assert_snapshot;
use wfrun_journal::{Masked, RunEvent, RunEventKind, RunRecord, Sink as _};
use wfrun_report::{LiveView, Style, Verbosity};

use crate::fixture::{ALL, FAILURE, INCOMPLETE, SUCCESS, UNICODE, events, plain};

/// Shows the events until the one of number `last` (`seq`), and returns the screen.
fn screen_after(journal: &str, last: u64, rows: u16, cols: u16) -> String {
    let term = InMemoryTerm::new(rows, cols);
    let mut view = LiveView::on(term.clone(), UNICODE, Verbosity::Normal);
    show(&mut view, events(journal).iter().filter(|it| it.seq <= last));
    view.refresh();
    let text = term.contents();
    std::mem::forget(view);
    text
}

fn show<'a>(view: &mut LiveView, events: impl Iterator<Item = &'a RunEvent>) {
    let mut record = RunRecord::default();
    for event in events {
        record.apply(event);
        view.accept(event, &record).expect("memory takes everything");
    }
}

/// The number of the event before the first of which `text` is a part.
fn before(journal: &str, text: &str) -> u64 {
    let line = journal.lines().position(|it| it.contains(text)).expect("the journal has it");
    u64::try_from(line).expect("a short journal")
}

#[test]
fn the_tree_below_the_log() {
    let in_step = before(SUCCESS, "ニュース速報") + 1;
    assert_snapshot!("live-running", screen_after(SUCCESS, in_step, 40, 80));
    assert_snapshot!("live-running-40", screen_after(SUCCESS, in_step, 60, 40));
    let in_deploy = before(SUCCESS, "\"name\":\"Deployment failure notification\"") + 1;
    assert_snapshot!("live-second-job", screen_after(SUCCESS, in_deploy, 60, 100));
    let failed = before(FAILURE, "Check coverage") + 1;
    assert_snapshot!("live-failed-step", screen_after(FAILURE, failed, 60, 100));
    let composite = before(INCOMPLETE, "\"text\":\"one\"") + 1;
    assert_snapshot!("live-composite", screen_after(INCOMPLETE, composite, 60, 100));
}

#[test]
fn a_low_screen_keeps_what_runs() {
    let in_step = before(SUCCESS, "ニュース速報") + 1;
    let text = screen_after(SUCCESS, in_step, 4, 80);
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    assert!(lines.iter().any(|it| it.contains("Run tests")), "{text}");
    assert_eq!(lines.last(), Some(&"… 4 more"), "{text}");
}

#[test]
fn it_ends_as_the_plain_view_does() {
    for (name, journal) in ALL {
        let term = InMemoryTerm::new(200, 100);
        let mut view = LiveView::on(term.clone(), UNICODE, Verbosity::Normal);
        for (index, event) in events(journal).iter().enumerate() {
            let mut record = RunRecord::default();
            events(journal)[..=index].iter().for_each(|it| record.apply(it));
            view.accept(event, &record).expect("memory takes everything");
            view.refresh();
        }
        let on_screen: Vec<String> = term.contents().lines().map(|it| it.trim_end().to_owned()).collect();
        let log = plain(journal, UNICODE, Verbosity::Normal);
        // The screen breaks long lines; words and their order are what counts.
        let expected: Vec<String> = log.lines().flat_map(|it| broken(it, 100)).collect();
        assert_eq!(on_screen, expected, "{name}");
    }
}

/// A line as a terminal of `width` columns shows it.
fn broken(line: &str, width: usize) -> Vec<String> {
    let chars: Vec<char> = line.chars().collect();
    let parts = chars.chunks(width).map(|it| it.iter().collect::<String>().trim_end().to_owned());
    if chars.is_empty() { vec![String::new()] } else { parts.collect() }
}

#[test]
fn a_dropped_view_leaves_the_log_and_no_tree() {
    let term = InMemoryTerm::new(60, 100);
    let mut view = LiveView::on(term.clone(), UNICODE, Verbosity::Normal);
    show(&mut view, events(SUCCESS).iter().take(9));
    view.refresh();
    assert!(term.contents().contains("waits for test"));
    drop(view);
    assert!(!term.contents().contains("waits for test"), "{}", term.contents());
    assert!(term.contents().contains("[test] ▶ Checkout code"));
}

/// The last line before a long silence must not wait for the next event.
#[test]
fn lines_appear_without_a_further_event() {
    let term = InMemoryTerm::new(60, 80);
    let mut view = LiveView::new(term.clone(), UNICODE, Verbosity::Normal);
    let last = usize::try_from(before(SUCCESS, "ニュース速報") + 1).expect("a short journal");
    show(&mut view, events(SUCCESS).iter().take(last));
    let begin = std::time::Instant::now();
    while !term.contents().contains("[test]   見出し: ニュース速報") {
        assert!(begin.elapsed().as_secs() < 60, "{}", term.contents());
        std::thread::yield_now();
    }
}

/// A terminal that counts how often something appears on it.
#[derive(Debug, Clone)]
struct Counted {
    term: InMemoryTerm,
    flushes: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

#[test]
fn a_flood_is_drawn_in_a_few_pictures() {
    let mut all = events(SUCCESS);
    let at = all.iter().position(|it| matches!(it.kind, RunEventKind::Lines(_))).expect("a line");
    let flood = vec![all[at].clone(); 100_000];
    all.splice(at..at, flood);
    let term = Counted { term: InMemoryTerm::new(24, 80), flushes: std::sync::Arc::default() };
    let mut view = LiveView::on(term.clone(), UNICODE, Verbosity::Normal);
    show(&mut view, all.iter());
    let pictures = term.flushes.load(std::sync::atomic::Ordering::Relaxed);
    assert!((10..=40).contains(&pictures), "{pictures} for 100,000 lines");
}

#[test]
fn a_picture_appears_in_one_go() {
    let term = Counted { term: InMemoryTerm::new(60, 80), flushes: std::sync::Arc::default() };
    let mut view = LiveView::on(term.clone(), UNICODE, Verbosity::Normal);
    show(&mut view, events(SUCCESS).iter().take(12));
    view.refresh();
    view.refresh();
    assert_eq!(term.flushes.load(std::sync::atomic::Ordering::Relaxed), 1, "and the same picture not again");
    std::mem::forget(view);
}

#[test]
fn a_terminal_that_is_gone_is_said_once() {
    let mut view = LiveView::on(Gone, UNICODE, Verbosity::Normal);
    let mut record = RunRecord::default();
    let all = events(SUCCESS);
    record.apply(&all[0]);
    view.accept(&all[0], &record).expect("nothing was drawn yet");
    view.refresh();
    let err = view.accept(&all[1], &record).expect_err("drawing failed");
    assert_eq!(err.err.kind(), std::io::ErrorKind::BrokenPipe);
}

#[test]
fn names_cannot_break_the_tree() {
    let mut all = events(SUCCESS);
    for event in &mut all {
        if let RunEventKind::StepStarted(it) = &mut event.kind {
            let name: Masked = serde_json::from_str(r#""two\nlines \u001b[2J""#).expect("a text");
            it.name = name;
        }
    }
    let term = InMemoryTerm::new(60, 80);
    let mut view = LiveView::on(term.clone(), Style { color: true, ..UNICODE }, Verbosity::Normal);
    show(&mut view, all.iter().take(8));
    view.refresh();
    assert!(term.contents().contains("two lines [2J"), "{}", term.contents());
    std::mem::forget(view);
}

/// Fails at everything.
#[derive(Debug, Clone)]
struct Gone;

macro_rules! terminal {
    ($type:ty, $size:expr, $do:expr, $flush:expr) => {
        impl TermLike for $type {
            fn width(&self) -> u16 {
                $size(self).1
            }
            fn height(&self) -> u16 {
                $size(self).0
            }
            fn move_cursor_up(&self, n: usize) -> std::io::Result<()> {
                $do(self, &|it: &InMemoryTerm| it.move_cursor_up(n))
            }
            fn move_cursor_down(&self, n: usize) -> std::io::Result<()> {
                $do(self, &|it: &InMemoryTerm| it.move_cursor_down(n))
            }
            fn move_cursor_right(&self, n: usize) -> std::io::Result<()> {
                $do(self, &|it: &InMemoryTerm| it.move_cursor_right(n))
            }
            fn move_cursor_left(&self, n: usize) -> std::io::Result<()> {
                $do(self, &|it: &InMemoryTerm| it.move_cursor_left(n))
            }
            fn write_line(&self, s: &str) -> std::io::Result<()> {
                $do(self, &|it: &InMemoryTerm| it.write_line(s))
            }
            fn write_str(&self, s: &str) -> std::io::Result<()> {
                $do(self, &|it: &InMemoryTerm| it.write_str(s))
            }
            fn clear_line(&self) -> std::io::Result<()> {
                $do(self, &|it: &InMemoryTerm| it.clear_line())
            }
            fn flush(&self) -> std::io::Result<()> {
                $flush(self)
            }
        }
    };
}

type Act<'a> = &'a dyn Fn(&InMemoryTerm) -> std::io::Result<()>;

terminal!(
    Counted,
    |it: &Counted| (it.term.height(), it.term.width()),
    |it: &Counted, act: Act<'_>| act(&it.term),
    |it: &Counted| {
        it.flushes.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        it.term.flush()
    }
);
terminal!(
    Gone,
    |_: &Gone| (24, 80),
    |_: &Gone, _: Act<'_>| Err(std::io::ErrorKind::BrokenPipe.into()),
    |_: &Gone| Err(std::io::ErrorKind::BrokenPipe.into())
);
