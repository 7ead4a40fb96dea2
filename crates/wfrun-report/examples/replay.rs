//! Shows a journal as if its run went on now: `cargo run -p wfrun-report --example replay -- JOURNAL [SPEED] [plain|live|quiet]`.
use std::error::Error;
use std::fs::File;
use std::io::{self, BufReader, IsTerminal as _};
use std::time::Duration;

use console::Term;
use wfrun_journal::{RunRecord, Sink};
use wfrun_report::{ColorChoice, LiveView, PlainView, Style, Surroundings, Verbosity, read_journal};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let path = arguments.first().ok_or("name a journal: .wfrun/runs/<id>/journal.ndjson")?;
    let speed: f64 = arguments.get(1).map_or(Ok(1.0), |it| it.parse())?;
    let events = read_journal(BufReader::new(File::open(path)?))?;
    let mut view = view(arguments.get(2).map(String::as_str));
    let mut record = RunRecord::default();
    let mut shown_ms = 0;
    for event in &events {
        let wait = Duration::from_millis(event.at_ms - shown_ms).div_f64(speed);
        shown_ms = event.at_ms;
        std::thread::sleep(wait);
        record.apply(event);
        view.accept(event, &record)?;
    }
    Ok(())
}

fn view(kind: Option<&str>) -> Box<dyn Sink> {
    let term = Term::buffered_stdout();
    let no_color = std::env::var("NO_COLOR").ok();
    let around = Surroundings {
        is_terminal: io::stdout().is_terminal(),
        width: term.size_checked().map(|(_, width)| width),
        no_color: no_color.as_deref(),
        ..Surroundings::default()
    };
    let style = Style::detect(ColorChoice::Auto, &around);
    match kind {
        Some("plain") => Box::new(PlainView::new(io::stdout(), style, Verbosity::Verbose)),
        Some("quiet") => Box::new(PlainView::new(io::stdout(), style, Verbosity::Quiet)),
        Some(_) => Box::new(LiveView::new(term, style, Verbosity::Normal)),
        None if around.is_terminal => Box::new(LiveView::new(term, style, Verbosity::Normal)),
        None => Box::new(PlainView::new(io::stdout(), style, Verbosity::Normal)),
    }
}
