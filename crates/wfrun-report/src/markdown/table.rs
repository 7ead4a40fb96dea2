use console::measure_text_width;

use crate::Style;
use crate::text::{cut, pad};
use crate::theme::Label;

/// Between two columns.
const GAP: usize = 2;

/// Lays the rows of a table out, the first as its head. Columns that are too wide for the line are cut, the widest first.
pub(super) fn layout(rows: &[Vec<String>], room: usize, style: Style) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widest = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|it| measure_text_width(it)).max().unwrap_or(0)
    };
    let mut widths: Vec<usize> = (0..columns).map(widest).collect();
    let room = room.saturating_sub(GAP * columns.saturating_sub(1)).max(columns);
    while widths.iter().sum::<usize>() > room {
        match widths.iter_mut().max() {
            Some(width) if *width > 1 => *width -= 1,
            Some(_) | None => break,
        }
    }
    let mut lines = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let cells = widths.iter().enumerate().map(|(column, width)| {
            let cell = cut(row.get(column).map_or("", String::as_str), *width, style);
            let cell = pad(&cell, *width);
            if at == 0 { style.paint(Label::Heading, &cell) } else { cell }
        });
        let line = cells.collect::<Vec<_>>().join(&" ".repeat(GAP));
        lines.push(line.trim_end().to_owned());
        if at == 0 {
            let sign = if style.unicode { "─" } else { "-" };
            let rules: Vec<String> = widths.iter().map(|it| sign.repeat(*it)).collect();
            lines.push(rules.join(&" ".repeat(GAP)));
        }
    }
    lines
}
