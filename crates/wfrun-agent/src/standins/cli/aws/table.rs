//! `--output table`: boxes, one section for each object or list, nested ones indented.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::error::CliError;
use super::python;

/// Lists of one row turn into two columns where the table is wider than this; stdout is never a terminal here.
const TERMINAL_WIDTH: usize = 80;
/// Blanks beside a cell's text, and the edge.
const PADDING: usize = 4;

/// The value as a table with `title` above it; nothing for an empty value.
///
/// Source: AWS CLI user guide, "Table output format"; the layout is that of version 2 without a terminal.
pub(super) fn format(title: &str, value: &Value) -> Result<String, CliError> {
    let mut sections = Vec::new();
    if !build(&mut sections, Some(title), value, 0)? {
        return Ok(String::new());
    }
    let mut width = total_width(&sections);
    if width > TERMINAL_WIDTH {
        sections.iter_mut().for_each(Section::stand_up);
        width = total_width(&sections);
    }
    let mut out = "-".repeat(width);
    out.push('\n');
    for section in &sections {
        section.render(&mut out, width);
    }
    Ok(out)
}

#[derive(Debug, Default)]
struct Section {
    title: String,
    indent: usize,
    headers: Vec<String>,
    rows: Vec<Vec<String>>,
    widths: Vec<usize>,
    columns: Option<usize>,
}

fn build(sections: &mut Vec<Section>, title: Option<&str>, value: &Value, indent: usize) -> Result<bool, CliError> {
    if is_falsy(value) {
        return Ok(false);
    }
    if let Some(title) = title {
        sections.push(Section { title: title.to_owned(), indent, ..Section::default() });
    }
    match value {
        Value::Array(items) => build_list(sections, title, items, indent)?,
        Value::Object(members) => build_object(sections, members, indent)?,
        // A bare scalar has no row: only its title is drawn.
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    Ok(true)
}

fn build_list(
    sections: &mut Vec<Section>,
    title: Option<&str>,
    items: &[Value],
    indent: usize,
) -> Result<(), CliError> {
    if items.first().is_some_and(Value::is_object) {
        return build_objects(sections, title.unwrap_or_default(), items, indent);
    }
    for item in items {
        match item {
            Value::Array(cells) if cells.iter().all(is_scalar) => current(sections).add_row(cells)?,
            Value::Array(_) | Value::Object(_) => {
                build(sections, None, item, 0)?;
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                current(sections).add_row(std::slice::from_ref(item))?;
            }
        }
    }
    Ok(())
}

fn build_object(sections: &mut Vec<Section>, members: &Map<String, Value>, indent: usize) -> Result<(), CliError> {
    let (scalars, nested) = split(members);
    if let [only] = scalars.iter().collect::<Vec<_>>().as_slice() {
        let name: &str = only;
        current(sections).add_row(&[Value::String(name.to_owned()), members[name].clone()])?;
    } else if !scalars.is_empty() {
        let row: Vec<Value> = scalars.iter().map(|name| members[*name].clone()).collect();
        current(sections).add_headers(&scalars);
        current(sections).add_row(&row)?;
    }
    for name in nested {
        build(sections, Some(name), &members[name], indent + 1)?;
    }
    Ok(())
}

fn build_objects(sections: &mut Vec<Section>, title: &str, items: &[Value], indent: usize) -> Result<(), CliError> {
    let objects: Vec<&Map<String, Value>> = items.iter().filter_map(Value::as_object).collect();
    if objects.len() != items.len() {
        return Err(CliError::General("a list of objects and other values cannot be printed as a table".to_owned()));
    }
    let mut headers = BTreeSet::new();
    let mut nested = BTreeSet::new();
    for object in &objects {
        let (scalars, more) = split(object);
        headers.extend(scalars);
        nested.extend(more);
    }
    current(sections).add_headers(&headers);
    for (index, object) in objects.iter().enumerate() {
        if index > 0 && !nested.is_empty() {
            sections.push(Section { title: title.to_owned(), indent, ..Section::default() });
            current(sections).add_headers(&headers);
        }
        let empty = Value::String(String::new());
        let row: Vec<Value> = headers.iter().map(|name| object.get(*name).unwrap_or(&empty).clone()).collect();
        current(sections).add_row(&row)?;
        for name in &nested {
            if let Some(value) = object.get(*name) {
                build(sections, Some(name), value, indent + 1)?;
            }
        }
    }
    Ok(())
}

fn split(members: &Map<String, Value>) -> (BTreeSet<&str>, BTreeSet<&str>) {
    members.iter().map(|(name, _)| name.as_str()).partition(|name| is_scalar(&members[*name]))
}

fn current(sections: &mut [Section]) -> &mut Section {
    sections.last_mut().expect("a titled section stands above every value")
}

fn total_width(sections: &[Section]) -> usize {
    sections.iter().map(Section::total_width).max().unwrap_or_default()
}

impl Section {
    fn add_headers(&mut self, names: &BTreeSet<&str>) {
        self.headers = names.iter().map(|name| (*name).to_owned()).collect();
        self.columns = Some(self.headers.len());
        let headers = self.headers.clone();
        self.widen(&headers);
    }

    fn add_row(&mut self, cells: &[Value]) -> Result<(), CliError> {
        let columns = *self.columns.get_or_insert(cells.len());
        if cells.len() != columns {
            let message = format!("Row should have {columns} elements, instead it has {}", cells.len());
            return Err(CliError::General(message));
        }
        let row: Vec<String> = cells.iter().map(python::str).collect();
        self.widen(&row);
        self.rows.push(row);
        Ok(())
    }

    fn widen(&mut self, cells: &[String]) {
        self.widths.resize(self.widths.len().max(cells.len()), 0);
        for (width, cell) in self.widths.iter_mut().zip(cells) {
            *width = (*width).max(display_width(cell));
        }
    }

    /// Turns a single row under headers into one row for each column.
    fn stand_up(&mut self) {
        if self.rows.len() != 1 || self.headers.is_empty() {
            return;
        }
        let headers = std::mem::take(&mut self.headers);
        let row = self.rows.remove(0);
        self.widths.clear();
        self.columns = Some(2);
        for (header, cell) in headers.into_iter().zip(row) {
            let row = vec![header, cell];
            self.widen(&row);
            self.rows.push(row);
        }
    }

    fn total_width(&self) -> usize {
        let edges = 2 + 2 * self.indent;
        let columns: usize = self.widths.iter().map(|width| width + PADDING).sum();
        (columns + edges).max(display_width(&self.title) + edges)
    }

    /// The columns' widths scaled to fill `width`.
    fn column_widths(&self, width: usize) -> Vec<usize> {
        let natural: Vec<usize> = self.widths.iter().map(|column| column + PADDING).collect();
        let sum: usize = natural.iter().sum();
        if sum == 0 {
            return natural;
        }
        #[expect(clippy::cast_precision_loss, reason = "widths are far below 2^52")]
        let factor = width as f64 / sum as f64;
        #[expect(clippy::cast_precision_loss, reason = "widths are far below 2^52")]
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a width is small and not negative"
        )]
        let mut scaled: Vec<usize> =
            natural.iter().map(|column| (factor * *column as f64).round_ties_even() as usize).collect();
        let mut total: usize = scaled.iter().sum();
        while total > width {
            for column in &mut scaled {
                if total > width {
                    *column = column.saturating_sub(1);
                    total -= 1;
                }
            }
        }
        while total < width {
            for column in scaled.iter_mut().rev() {
                if total < width {
                    *column += 1;
                    total += 1;
                }
            }
        }
        scaled
    }

    fn render(&self, out: &mut String, width: usize) {
        let width = width - 2 * self.indent;
        if !self.title.is_empty() {
            self.line(out, &centred(&self.title, width, "|"));
            if self.headers.is_empty() && self.rows.is_empty() {
                self.line(out, &format!("+{}+", "-".repeat(width.saturating_sub(2))));
            }
        }
        let widths = self.column_widths(width);
        if !self.headers.is_empty() {
            self.line(out, &rule(&widths));
            let cells = widths.iter().zip(&self.headers).enumerate();
            let text: String = cells.map(|(at, (width, header))| centred(header, *width, left_edge(at))).collect();
            self.line(out, &text);
        }
        if self.rows.is_empty() || widths.is_empty() {
            return;
        }
        self.line(out, &rule(&widths));
        for row in &self.rows {
            let cells = widths.iter().zip(row).enumerate();
            let text: String = cells.map(|(at, (width, cell))| left_aligned(cell, *width, left_edge(at))).collect();
            self.line(out, &text);
        }
        self.line(out, &rule(&widths));
    }

    fn line(&self, out: &mut String, text: &str) {
        let edge = "|".repeat(self.indent);
        out.push_str(&edge);
        out.push_str(text);
        out.push_str(&edge);
        out.push('\n');
    }
}

fn left_edge(column: usize) -> &'static str {
    if column == 0 { "|" } else { "" }
}

fn rule(widths: &[usize]) -> String {
    let mut rule = String::new();
    for (at, width) in widths.iter().enumerate() {
        rule.push_str(if at == 0 { "+" } else { "" });
        rule.push_str(&"-".repeat(width.saturating_sub(if at == 0 { 2 } else { 1 })));
        rule.push('+');
    }
    rule
}

fn centred(text: &str, width: usize, left_edge: &str) -> String {
    let length = display_width(text);
    let before = (width / 2).saturating_sub(length / 2).saturating_sub(1);
    let after = width.saturating_sub(1 + left_edge.len() + before + length);
    format!("{left_edge}{}{text}{}|", " ".repeat(before), " ".repeat(after))
}

fn left_aligned(text: &str, width: usize, left_edge: &str) -> String {
    let length = display_width(text);
    let padding = if width > length + 2 + left_edge.len() { 2 } else { 0 };
    let after = width.saturating_sub(left_edge.len() + padding + length + 1);
    format!("{left_edge}{}{text}{}|", " ".repeat(padding), " ".repeat(after))
}

/// Columns that a text takes: two for the wide characters of East Asian scripts.
///
/// Differs: characters of ambiguous width count as one.
fn display_width(text: &str) -> usize {
    let is_wide = |letter: &char| {
        matches!(*letter as u32,
            0x1100..=0x115F | 0x2E80..=0x303E | 0x3041..=0xA4CF | 0xA960..=0xA97F | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF
            | 0xFE30..=0xFE6F | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6 | 0x1F300..=0x1F64F | 0x1F900..=0x1F9FF | 0x20000..=0x3FFFD)
    };
    text.chars().count() + text.chars().filter(is_wide).count()
}

fn is_scalar(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}

/// What Python takes for false.
fn is_falsy(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}
