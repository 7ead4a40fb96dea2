//! What a piece of text means, and the colours and signs for it. Colour never carries a meaning alone.
use console::Style as Paint;
use wfrun_journal::{AnnotationLevel, Conclusion, How, Outcome};

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Label {
    Success,
    Failure,
    Skipped,
    Cancelled,
    Warning,
    Notice,
    Running,
    Heading,
    Place,
    Dim,
}

impl Label {
    /// Only the eight basic colours, which every theme of every terminal keeps readable.
    pub(crate) fn style(self) -> Paint {
        match self {
            Self::Success => Paint::new().green(),
            Self::Failure => Paint::new().red().bold(),
            Self::Cancelled | Self::Warning => Paint::new().yellow(),
            Self::Notice => Paint::new().blue(),
            Self::Running => Paint::new().cyan(),
            Self::Heading => Paint::new().bold(),
            Self::Place => Paint::new().underlined(),
            Self::Skipped | Self::Dim => Paint::new().dim(),
        }
    }
}

/// A sign before a line, one column wide in both sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Success,
    Failure,
    Skipped,
    Cancelled,
    Incomplete,
    Begin,
    Waiting,
}

impl Mark {
    pub(crate) fn label(self) -> Label {
        match self {
            Self::Success => Label::Success,
            Self::Failure => Label::Failure,
            Self::Skipped => Label::Skipped,
            Self::Cancelled => Label::Cancelled,
            Self::Incomplete => Label::Warning,
            Self::Begin => Label::Running,
            Self::Waiting => Label::Dim,
        }
    }

    pub(crate) fn sign(self, unicode: bool) -> &'static str {
        match (self, unicode) {
            (Self::Success, true) => "✓",
            (Self::Success, false) => "+",
            (Self::Failure, true) => "✗",
            (Self::Failure, false) => "x",
            (Self::Skipped, true) => "–",
            (Self::Skipped, false) => "-",
            (Self::Cancelled, true) => "○",
            (Self::Cancelled, false) => "o",
            (Self::Incomplete, _) => "!",
            (Self::Begin, true) => "▶",
            (Self::Begin, false) => ">",
            (Self::Waiting, true) => "·",
            (Self::Waiting, false) => ".",
        }
    }
}

impl From<Outcome> for Mark {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Success => Self::Success,
            Outcome::Failure => Self::Failure,
            Outcome::Cancelled => Self::Cancelled,
            Outcome::Skipped => Self::Skipped,
        }
    }
}

impl From<Conclusion> for Mark {
    fn from(conclusion: Conclusion) -> Self {
        match conclusion {
            Conclusion::Success => Self::Success,
            Conclusion::Failure => Self::Failure,
            Conclusion::Cancelled => Self::Cancelled,
            Conclusion::Skipped => Self::Skipped,
            Conclusion::Incomplete => Self::Incomplete,
        }
    }
}

impl From<AnnotationLevel> for Label {
    fn from(level: AnnotationLevel) -> Self {
        match level {
            AnnotationLevel::Notice => Self::Notice,
            AnnotationLevel::Warning => Self::Warning,
            AnnotationLevel::Error => Self::Failure,
        }
    }
}

impl From<How> for Label {
    fn from(how: How) -> Self {
        match how {
            How::Real => Self::Success,
            How::StandIn | How::Simulated => Self::Notice,
            How::NotRun => Self::Warning,
        }
    }
}

/// One picture of the spinner at `at_ms`.
pub(crate) fn spinner(at_ms: u64, unicode: bool) -> &'static str {
    const BRAILLE: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
    const ASCII: [&str; 4] = ["|", "/", "-", "\\"];
    let pictures: &[&str] = if unicode { &BRAILLE } else { &ASCII };
    let count = u64::try_from(pictures.len()).unwrap_or(1);
    let at = usize::try_from(at_ms / 100 % count).unwrap_or(0);
    pictures.get(at).copied().unwrap_or("*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_differ_without_colour_and_are_one_column_wide() {
        let marks = [
            Mark::Success,
            Mark::Failure,
            Mark::Skipped,
            Mark::Cancelled,
            Mark::Incomplete,
            Mark::Begin,
            Mark::Waiting,
        ];
        for unicode in [true, false] {
            let mut signs: Vec<_> = marks.iter().map(|it| it.sign(unicode)).collect();
            assert!(signs.iter().all(|it| console::measure_text_width(it) == 1));
            signs.sort_unstable();
            signs.dedup();
            assert_eq!(signs.len(), marks.len());
        }
    }

    #[test]
    fn spinner_turns() {
        let turn: Vec<_> = (0..11).map(|it| spinner(it * 100, true)).collect();
        assert_eq!(turn.concat(), "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏⠋");
        assert_eq!(spinner(350, false), "\\");
    }
}
