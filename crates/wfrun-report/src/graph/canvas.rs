//! Characters at places, each with its meaning.
use console::measure_text_width;

use crate::Style;
use crate::theme::Label;

/// A rectangle of characters.
#[derive(Debug, Clone, Default)]
pub(super) struct Canvas {
    pub(super) width: usize,
    rows: Vec<Vec<Cell>>,
}

#[derive(Debug, Clone, Copy)]
struct Cell {
    /// None behind a character that takes two columns.
    sign: Option<char>,
    label: Option<Label>,
}

const BLANK: Cell = Cell { sign: Some(' '), label: None };

impl Canvas {
    pub(super) fn new(width: usize, height: usize) -> Self {
        Self { width, rows: vec![vec![BLANK; width]; height] }
    }

    pub(super) fn height(&self) -> usize {
        self.rows.len()
    }

    /// Puts a character; outside there is no room for it.
    pub(super) fn put(&mut self, x: usize, y: usize, sign: char, label: Option<Label>) {
        self.set(x, y, Cell { sign: Some(sign), label });
    }

    /// Puts the characters of a line.
    pub(super) fn text(&mut self, x: usize, y: usize, text: &str, label: Option<Label>) {
        let mut x = x;
        for sign in text.chars() {
            let width = measure_text_width(sign.encode_utf8(&mut [0; 4]));
            if width == 0 {
                continue;
            }
            self.put(x, y, sign, label);
            for behind in 1..width {
                self.set(x + behind, y, Cell { sign: None, label });
            }
            x += width;
        }
    }

    /// Puts another one with its upper left corner at a place.
    pub(super) fn lay(&mut self, x: usize, y: usize, other: &Self) {
        for (down, row) in other.rows.iter().enumerate() {
            for (right, cell) in row.iter().enumerate() {
                self.set(x + right, y + down, *cell);
            }
        }
    }

    /// The lines, coloured, without blanks at their ends.
    pub(super) fn lines(&self, style: Style) -> Vec<String> {
        let line = |row: &Vec<Cell>| -> String {
            let same = row.chunk_by(|a, b| a.label == b.label);
            let parts = same.map(|cells| {
                let text: String = cells.iter().filter_map(|it| it.sign).collect();
                match cells.first().and_then(|it| it.label) {
                    Some(label) => style.paint(label, &text),
                    None => text,
                }
            });
            parts.collect::<String>().trim_end().to_owned()
        };
        self.rows.iter().map(line).collect()
    }

    fn set(&mut self, x: usize, y: usize, cell: Cell) {
        if let Some(place) = self.rows.get_mut(y).and_then(|it| it.get_mut(x)) {
            *place = cell;
        }
    }
}
