use console::measure_text_width;

use super::table;
use crate::Style;
use crate::text::wrap;
use crate::theme::Label;

/// A part of a text, as Markdown and HTML have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Paragraph,
    Heading(u8),
    Quote,
    Code,
    /// With the number of its first item, if they are numbered.
    List(Option<u64>),
    Item,
    Table,
    Row,
    Cell,
    Strong,
    /// To an address.
    Link(String),
}

/// Lines that are being made.
#[derive(Debug)]
pub(super) struct Page {
    style: Style,
    lines: Vec<String>,
    /// What was said since the last line was made.
    text: String,
    /// What stands before each line, by quotes and items.
    indents: Vec<String>,
    /// What stands before the next line only, in the place of the last indent.
    bullet: Option<String>,
    /// The number of the next item, for each open list.
    lists: Vec<Option<u64>>,
    rows: Option<Vec<Vec<String>>>,
    is_code: bool,
    strong: usize,
    /// Open links: the address, and where in the text they begin.
    links: Vec<(String, usize)>,
}

impl Page {
    pub(super) fn new(style: Style) -> Self {
        Self {
            style,
            lines: Vec::new(),
            text: String::new(),
            indents: Vec::new(),
            bullet: None,
            lists: Vec::new(),
            rows: None,
            is_code: false,
            strong: 0,
            links: Vec::new(),
        }
    }

    pub(super) fn finish(mut self) -> Vec<String> {
        self.end_line();
        while self.lines.pop_if(|it| it.trim().is_empty()).is_some() {}
        self.lines
    }

    pub(super) fn text(&mut self, text: &str) {
        if self.strong == 0 || self.is_code {
            return self.text.push_str(text);
        }
        // Word by word: a line may end between any two of them.
        let words: Vec<String> = text.split(' ').map(|it| self.style.paint(Label::Heading, it)).collect();
        self.text.push_str(&words.join(" "));
    }

    /// Blanks and line ends of HTML are one blank.
    pub(super) fn html_text(&mut self, text: &str) {
        if self.is_code {
            return self.text.push_str(text);
        }
        let is_between = self.text.is_empty() || self.text.ends_with(' ');
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let before = if text.starts_with(char::is_whitespace) && !is_between { " " } else { "" };
        let after = if text.ends_with(char::is_whitespace) && !words.is_empty() { " " } else { "" };
        self.text(&[before, &words, after].concat());
    }

    pub(super) fn line_break(&mut self) {
        if self.rows.is_some() { self.text(" ") } else { self.end_line() }
    }

    pub(super) fn rule(&mut self) {
        self.gap();
        let sign = if self.style.unicode { "─" } else { "-" };
        self.push(&sign.repeat(self.room()));
        self.gap();
    }

    pub(super) fn open(&mut self, part: Part) {
        match part {
            // The first paragraph of an item stands behind its bullet.
            Part::Paragraph if self.bullet.is_some() => {}
            Part::Paragraph | Part::Heading(_) => self.gap(),
            Part::Quote => {
                self.gap();
                self.indents.push(if self.style.unicode { "│ " } else { "| " }.to_owned());
            }
            Part::Code => {
                self.gap();
                self.is_code = true;
            }
            Part::List(first) => {
                if self.lists.is_empty() {
                    self.gap();
                } else {
                    self.end_line();
                }
                self.lists.push(first);
            }
            Part::Item => self.open_item(),
            Part::Table => {
                self.gap();
                self.rows = Some(Vec::new());
            }
            Part::Row => self.rows.iter_mut().for_each(|it| it.push(Vec::new())),
            Part::Cell => self.text.clear(),
            Part::Strong => self.strong += 1,
            Part::Link(address) => self.links.push((address, self.text.len())),
        }
    }

    fn open_item(&mut self) {
        self.end_line();
        let bullet = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{}. ", *number - 1)
            }
            Some(None) | None => if self.style.unicode { "• " } else { "* " }.to_owned(),
        };
        self.indents.push(" ".repeat(measure_text_width(&bullet)));
        self.bullet = Some(bullet);
    }

    pub(super) fn close(&mut self, part: &Part) {
        match part {
            Part::Paragraph => self.end_line(),
            Part::Heading(level) => self.close_heading(*level),
            Part::Quote => {
                self.end_line();
                self.indents.pop();
                self.gap();
            }
            Part::Code => self.close_code(),
            Part::List(_) => {
                self.end_line();
                self.lists.pop();
                if self.lists.is_empty() {
                    self.gap();
                }
            }
            Part::Item => {
                self.end_line();
                self.bullet = None;
                self.indents.pop();
            }
            Part::Table => {
                let rows = self.rows.take().unwrap_or_default();
                self.text.clear();
                for line in table::layout(&rows, self.room(), self.style) {
                    self.push(&line);
                }
                self.gap();
            }
            Part::Row => {}
            Part::Cell => {
                let cell = std::mem::take(&mut self.text).trim().to_owned();
                if let Some(row) = self.rows.as_mut().and_then(|it| it.last_mut()) {
                    row.push(cell);
                }
            }
            Part::Strong => self.strong = self.strong.saturating_sub(1),
            Part::Link(_) => self.close_link(),
        }
    }

    fn close_heading(&mut self, level: u8) {
        let text = std::mem::take(&mut self.text).trim().to_owned();
        let sign = match (level, self.style.unicode) {
            (1, true) => "═",
            (1, false) => "=",
            (2, true) => "─",
            (2, false) => "-",
            (level, _) => {
                let text = format!("{} {text}", "#".repeat(usize::from(level)));
                self.push(&self.style.paint(Label::Heading, &text));
                return self.gap();
            }
        };
        let width = measure_text_width(&text).min(self.room());
        self.push(&self.style.paint(Label::Heading, &text));
        self.push(&sign.repeat(width));
        self.gap();
    }

    fn close_code(&mut self) {
        self.is_code = false;
        for line in std::mem::take(&mut self.text).trim_end().lines() {
            self.push(&format!("    {line}"));
        }
        self.gap();
    }

    fn close_link(&mut self) {
        let Some((address, start)) = self.links.pop() else { return };
        let shown = self.text.get(start..).unwrap_or_default();
        if !address.is_empty() && shown != address {
            let blank = if shown.is_empty() { "" } else { " " };
            self.text.extend([blank, "(", &address, ")"]);
        }
    }

    /// Makes lines of what was said.
    fn end_line(&mut self) {
        if self.rows.is_some() {
            return;
        }
        let text = std::mem::take(&mut self.text);
        if text.trim().is_empty() {
            return;
        }
        for line in wrap(&text, self.room()) {
            self.push(&line);
        }
    }

    /// An empty line, if there is none yet.
    fn gap(&mut self) {
        self.end_line();
        if self.rows.is_none()
            && self.bullet.is_none()
            && self.lines.last().is_some_and(|it| !it.trim_matches(['│', '|', ' ']).is_empty())
        {
            let indent = self.indents.concat();
            self.lines.push(indent.trim_end().to_owned());
        }
    }

    fn push(&mut self, line: &str) {
        let mut indent = self.indents.concat();
        if let Some(bullet) = self.bullet.take() {
            indent.truncate(indent.len() - bullet.len().min(indent.len()).min(measure_text_width(&bullet)));
            indent.push_str(&bullet);
        }
        self.lines.push([&indent, line].concat().trim_end().to_owned());
    }

    fn room(&self) -> usize {
        self.style.width.saturating_sub(measure_text_width(&self.indents.concat())).max(10)
    }
}
