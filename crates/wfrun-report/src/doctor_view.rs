//! What a machine offers, as `wfrun doctor` found it.
use serde_json::{Value as Json, json};

use crate::Style;
use crate::text::{pad, paragraph, way_out};
use crate::theme::{Label, Mark};

/// How something stands with a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It works.
    Good,
    /// It works in part, or something does without it.
    Limited,
    /// It does not work.
    Missing,
    /// It is as it is.
    Plain,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// What it belongs to: `sandbox`, `docker` …; those of one area stand together.
    pub area: &'static str,
    /// What was looked at, unique in its area.
    pub name: String,
    /// How it stands with it.
    pub standing: Standing,
    /// What was found, one sentence without full stop.
    pub message: String,
    /// What to do about it.
    pub way_out: Option<String>,
}

/// A machine, looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examination {
    /// wfrun's version, and what it runs on.
    pub heading: String,
    /// All that was looked at.
    pub examined: Vec<Examined>,
    /// The backends on which jobs can run, `host` not counted.
    pub usable: Vec<&'static str>,
    /// Which one `--backend auto` takes.
    pub auto: Option<&'static str>,
}

impl Standing {
    fn mark(self) -> Mark {
        match self {
            Self::Good => Mark::Success,
            Self::Limited => Mark::Incomplete,
            Self::Missing => Mark::Failure,
            Self::Plain => Mark::Waiting,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Limited => "limited",
            Self::Missing => "missing",
            Self::Plain => "plain",
        }
    }
}

/// For people. Ends with a line break.
pub fn doctor_text(examination: &Examination, style: &Style) -> String {
    let style = *style;
    let Examination { heading, examined, usable, auto } = examination;
    let width = examined.iter().map(|it| console::measure_text_width(&it.name)).max().unwrap_or(0).min(20);
    let mut text = format!("{}\n", style.paint(Label::Heading, heading));
    let mut area = "";
    for it in examined {
        if it.area != area {
            area = it.area;
            text.push_str(&heading_of(area, style));
        }
        rows(it, width, style, &mut text);
    }
    text.push('\n');
    text.push_str(&verdict(usable, *auto, style));
    text
}

fn heading_of(area: &str, style: Style) -> String {
    format!("\n{}\n", style.paint(Label::Heading, area))
}

fn rows(it: &Examined, width: usize, style: Style, text: &mut String) {
    let begin = format!("  {} {}  ", style.mark(it.standing.mark()), style.paint(Label::Dim, &pad(&it.name, width)));
    paragraph(&begin, &it.message, style, text);
    if let Some(told) = &it.way_out {
        way_out(width + 6, told, style, text);
    }
}

fn verdict(usable: &[&str], auto: Option<&str>, style: Style) -> String {
    let Some(auto) = auto else {
        let cross = Mark::Failure.sign(style.unicode);
        let what = format!("no job can run here: see what is marked {cross}");
        return format!("{} {}\n", style.mark(Mark::Failure), style.paint(Label::Failure, &what));
    };
    let all = usable.join(" and ");
    format!("{} jobs can run: {all}; `--backend auto` takes {auto}\n", style.mark(Mark::Success))
}

/// For programs. `schema` is raised when a field changes its meaning.
pub fn doctor_json(examination: &Examination) -> Json {
    let Examination { heading, examined, usable, auto } = examination;
    let findings: Vec<Json> = examined
        .iter()
        .map(|it| {
            let (standing, way_out) = (it.standing.as_str(), &it.way_out);
            json!({"area": it.area, "name": it.name, "standing": standing, "message": it.message, "way_out": way_out})
        })
        .collect();
    json!({"schema": 1, "heading": heading, "usable": usable, "auto": auto, "findings": findings})
}
