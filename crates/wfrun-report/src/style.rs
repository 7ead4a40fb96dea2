use crate::theme::{Label, Mark};

/// What the caller asked for with `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorChoice {
    /// Colour where a terminal shows it and nobody objects.
    #[default]
    Auto,
    /// Colour, whatever the environment says.
    Always,
    /// No colour.
    Never,
}

/// What is known of the place where text will be shown; passed in, so that nothing here reads the environment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Surroundings<'a> {
    /// Whether the stream is a terminal.
    pub is_terminal: bool,
    /// Columns of the terminal, where there is one.
    pub width: Option<u16>,
    /// `NO_COLOR`: any value but the empty one forbids colour.
    pub no_color: Option<&'a str>,
    /// `CLICOLOR_FORCE`: any value but the empty one and `0` asks for colour without a terminal.
    pub clicolor_force: Option<&'a str>,
    /// `TERM`: `dumb` shows no colour.
    pub term: Option<&'a str>,
    /// The first of `LC_ALL`, `LC_CTYPE` and `LANG` that is set.
    pub locale: Option<&'a str>,
}

/// How text is shown: the only thing about the screen that a view knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether escape sequences for colour are written.
    pub color: bool,
    /// Columns to stay within, where a line can be broken or cut.
    pub width: usize,
    /// Whether signs outside ASCII may be drawn. Text of the run itself is shown as it is.
    pub unicode: bool,
}

/// Columns assumed where no terminal says.
const WIDTH: usize = 100;
/// Below this, cutting lines to the terminal would leave nothing.
const LEAST_WIDTH: usize = 20;

impl Style {
    /// No colour, ASCII signs and `width` columns.
    pub fn plain(width: usize) -> Self {
        Self { color: false, width, unicode: false }
    }

    /// Decides from what was asked and what is there.
    ///
    /// `--color always` and `never` are the last word; else `NO_COLOR`, then `CLICOLOR_FORCE`, then whether there is a terminal.
    /// Source: <https://no-color.org>, <https://bixense.com/clicolors>
    pub fn detect(choice: ColorChoice, around: &Surroundings<'_>) -> Self {
        let width = around.width.map_or(WIDTH, usize::from).max(LEAST_WIDTH);
        Self { color: color(choice, around), width, unicode: around.locale.is_none_or(is_utf8) }
    }

    /// A text in red, for what cannot be taken back.
    pub fn alarm(self, text: &str) -> String {
        self.paint(Label::Failure, text)
    }

    /// `text` in the colours of `label`, or as it is without colour.
    pub(crate) fn paint(self, label: Label, text: &str) -> String {
        if !self.color || text.is_empty() {
            return text.to_owned();
        }
        label.style().force_styling(true).apply_to(text).to_string()
    }

    /// The sign of `mark`, coloured.
    pub(crate) fn mark(self, mark: Mark) -> String {
        self.paint(mark.label(), mark.sign(self.unicode))
    }

    /// What stands between a thing and what is said about it.
    pub(crate) fn dash(self) -> &'static str {
        if self.unicode { "—" } else { "-" }
    }

    /// What stands for text that was cut.
    pub(crate) fn ellipsis(self) -> &'static str {
        if self.unicode { "…" } else { "..." }
    }
}

fn color(choice: ColorChoice, around: &Surroundings<'_>) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto if around.no_color.is_some_and(|it| !it.is_empty()) => false,
        ColorChoice::Auto if around.clicolor_force.is_some_and(|it| !it.is_empty() && it != "0") => true,
        ColorChoice::Auto => around.is_terminal && around.term != Some("dumb"),
    }
}

fn is_utf8(locale: &str) -> bool {
    let locale = locale.to_ascii_lowercase();
    locale.is_empty() || locale.contains("utf-8") || locale.contains("utf8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn color_choice() {
        let terminal = Surroundings { is_terminal: true, ..Surroundings::default() };
        let pipe = Surroundings::default();
        let cases = [
            (ColorChoice::Auto, terminal, true),
            (ColorChoice::Auto, pipe, false),
            (ColorChoice::Always, pipe, true),
            (ColorChoice::Never, terminal, false),
            (ColorChoice::Auto, Surroundings { no_color: Some("1"), ..terminal }, false),
            (ColorChoice::Auto, Surroundings { no_color: Some(""), ..terminal }, true),
            (ColorChoice::Always, Surroundings { no_color: Some("1"), ..pipe }, true),
            (ColorChoice::Auto, Surroundings { clicolor_force: Some("1"), ..pipe }, true),
            (ColorChoice::Auto, Surroundings { clicolor_force: Some("0"), ..pipe }, false),
            (ColorChoice::Auto, Surroundings { clicolor_force: Some("1"), no_color: Some("1"), ..pipe }, false),
            (ColorChoice::Never, Surroundings { clicolor_force: Some("1"), ..terminal }, false),
            (ColorChoice::Auto, Surroundings { term: Some("dumb"), ..terminal }, false),
        ];
        for (choice, around, expected) in cases {
            assert_eq!(Style::detect(choice, &around).color, expected, "{choice:?} {around:?}");
        }
    }

    #[test]
    fn width_and_signs() {
        let with = |width, locale| {
            Style::detect(ColorChoice::Auto, &Surroundings { width, locale, ..Surroundings::default() })
        };
        assert_eq!(with(Some(80), None).width, 80);
        assert_eq!(with(Some(0), None).width, LEAST_WIDTH);
        assert_eq!(with(None, None).width, WIDTH);
        assert!(with(None, Some("de_DE.UTF-8")).unicode);
        assert!(with(None, None).unicode);
        assert!(!with(None, Some("C")).unicode);
        assert!(!with(None, Some("en_US.ISO-8859-1")).unicode);
    }

    #[test]
    fn no_colour_no_escapes() {
        assert_eq!(Style::plain(80).paint(Label::Failure, "x"), "x");
        assert_eq!(
            Style { color: true, ..Style::plain(80) }.paint(Label::Failure, "x"),
            "\u{1b}[31m\u{1b}[1mx\u{1b}[0m"
        );
    }
}
