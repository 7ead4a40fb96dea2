//! What changes for a repository whose workflows were run with act, as `wfrun doctor --from-act` found it.
use serde_json::{Value as Json, json};

use crate::Style;
use crate::text::{count, one_line, paragraph, way_out};
use crate::theme::{Label, Mark};

/// What becomes of one of act's habits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bearing {
    /// It means the same here.
    Same,
    /// It is taken, and results can differ.
    Different,
    /// It has no effect.
    NoEffect,
    /// It is refused.
    Refused,
}

/// One thing that a repository has from act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Habit {
    /// The file, as one would type it.
    pub file: String,
    /// The line in it, from 1, if it is about one.
    pub line: Option<usize>,
    /// What stands there, or what it is.
    pub what: String,
    /// What becomes of it.
    pub bearing: Bearing,
    /// What it means here, one sentence without full stop.
    pub message: String,
    /// What to do about it.
    pub way_out: Option<String>,
}

/// All of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Habits {
    /// The repository's root.
    pub root: String,
    /// In the order of the files.
    pub found: Vec<Habit>,
}

impl Bearing {
    const ALL: [Self; 4] = [Self::Same, Self::Different, Self::NoEffect, Self::Refused];

    fn mark(self) -> Mark {
        match self {
            Self::Same => Mark::Success,
            Self::Different => Mark::Incomplete,
            Self::NoEffect => Mark::Waiting,
            Self::Refused => Mark::Failure,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Different => "different",
            Self::NoEffect => "no-effect",
            Self::Refused => "refused",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Same => "the same",
            Self::Different => "different",
            Self::NoEffect => "without effect",
            Self::Refused => "refused",
        }
    }
}

impl Habits {
    fn number(&self, bearing: Bearing) -> usize {
        self.found.iter().filter(|it| it.bearing == bearing).count()
    }
}

/// For people. Ends with a line break.
pub fn from_act_text(habits: &Habits, style: &Style) -> String {
    let style = *style;
    let heading = format!("from act to wfrun: {}", habits.root);
    let mut text = format!("{}\n", style.paint(Label::Heading, &heading));
    let mut file = "";
    for it in &habits.found {
        if it.file != file {
            file = &it.file;
            text.extend(["\n", &style.paint(Label::Heading, file), "\n"]);
        }
        rows(it, style, &mut text);
    }
    text.push('\n');
    text.push_str(&summary(habits, style));
    text
}

/// Where the text below a row begins.
const INDENT: usize = 8;

fn rows(it: &Habit, style: Style, text: &mut String) {
    let line = it.line.map_or(String::new(), |it| it.to_string());
    let what = one_line(&it.what);
    let line = style.paint(Label::Dim, &format!("{line:>3}"));
    text.extend(["  ", &style.mark(it.bearing.mark()), " ", &line, " ", &what, "\n"]);
    let message = match it.bearing {
        // The marks of the others say less than a word does.
        Bearing::Refused | Bearing::NoEffect => format!("{}: {}", it.bearing.words(), it.message),
        Bearing::Same | Bearing::Different => it.message.clone(),
    };
    paragraph(&" ".repeat(INDENT), &message, style, text);
    if let Some(told) = &it.way_out {
        way_out(INDENT, told, style, text);
    }
}

fn summary(habits: &Habits, style: Style) -> String {
    if habits.found.is_empty() {
        return format!("{} nothing here is act's: no `.actrc`, none of its files\n", style.mark(Mark::Success));
    }
    let told = Bearing::ALL.iter().filter_map(|it| match habits.number(*it) {
        0 => None,
        number => Some(format!("{number} {}", it.words())),
    });
    let told = told.collect::<Vec<_>>().join(", ");
    let mark = if habits.number(Bearing::Refused) > 0 { Mark::Failure } else { Mark::Success };
    let all = count(habits.found.len(), "thing", "things");
    format!("{} {all}: {told}; docs/from-act.md says more\n", style.mark(mark))
}

/// For programs. `schema` is raised when a field changes its meaning.
pub fn from_act_json(habits: &Habits) -> Json {
    let findings: Vec<Json> = habits
        .found
        .iter()
        .map(|it| {
            let Habit { file, line, what, bearing, message, way_out } = it;
            let bearing = bearing.as_str();
            json!({"file": file, "line": line, "what": what, "bearing": bearing, "message": message, "way_out": way_out})
        })
        .collect();
    let counts: serde_json::Map<_, _> =
        Bearing::ALL.iter().map(|it| (it.as_str().to_owned(), habits.number(*it).into())).collect();
    json!({"schema": 1, "root": habits.root, "counts": counts, "findings": findings})
}
