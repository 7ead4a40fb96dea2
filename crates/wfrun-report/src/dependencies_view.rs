//! What workflows can need, and where it is, as `wfrun actions` and `wfrun vendor` found it.
use serde_json::{Value as Json, json};
use wfrun_plan::{Dependency, Needed, NotKnown};

use crate::Style;
use crate::text::{count, one_line, pad, paragraph, way_out};
use crate::theme::{Label, Mark};

/// Names longer than this many columns stand out of their column.
const NAME_WIDTH: usize = 44;

/// What one workflow can need.
#[derive(Debug)]
pub struct DependencyList {
    /// The workflow's path.
    pub path: String,
    /// What, in the order of its first use.
    pub rows: Vec<DependencyRow>,
    /// What only a run can tell.
    pub not_known: Vec<NotKnown>,
}

/// One thing that is needed.
#[derive(Debug)]
pub struct DependencyRow {
    /// What, and by whom.
    pub needed: Needed,
    /// The word for where it comes from: `mirror`, `stand-in`, `network` …; `missing`.
    pub source: &'static str,
    /// The place there, for people.
    pub at: Option<String>,
    /// The commit that its ref names, or the id of an image.
    pub commit: Option<String>,
    /// What its ref names by now, where that is another commit.
    pub moved_to: Option<String>,
    /// Why it is missing, and what to do about it.
    pub missing: Option<Absence>,
}

/// Why something is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absence {
    /// What is wrong, one sentence without full stop.
    pub message: String,
    /// What to do about it.
    pub way_out: String,
    /// Whether a run may do without it.
    pub is_forgiven: bool,
}

impl DependencyList {
    /// Whether nothing is missing that a run cannot do without.
    pub fn is_complete(&self) -> bool {
        !self.rows.iter().any(DependencyRow::is_missing)
    }
}

impl DependencyRow {
    fn is_missing(&self) -> bool {
        self.missing.as_ref().is_some_and(|it| !it.is_forgiven)
    }

    fn mark(&self) -> Mark {
        match (&self.missing, self.source) {
            (Some(it), _) if it.is_forgiven => Mark::Incomplete,
            (Some(_), _) => Mark::Failure,
            (None, "not looked for") => Mark::Waiting,
            (None, _) if self.moved_to.is_some() => Mark::Incomplete,
            (None, _) => Mark::Success,
        }
    }

    /// What a person should know of its ref.
    fn note(&self) -> String {
        match (&self.moved_to, &self.needed.dependency) {
            (Some(now), _) => format!("moved: names {} now", short(now)),
            (None, it) if it.can_move() && self.missing.is_none() && self.source != "stand-in" => {
                "not pinned".to_owned()
            }
            (None, _) => String::new(),
        }
    }
}

/// For people. Ends with a line break.
pub fn dependencies_text(lists: &[DependencyList], style: &Style) -> String {
    let style = *style;
    let mut text = String::new();
    for list in lists {
        text.extend([style.paint(Label::Heading, &list.path).as_str(), "\n"]);
        let ordered = ordered(&list.rows);
        let width =
            ordered.iter().map(|(depth, row)| 2 * depth + width_of(&name(row))).max().unwrap_or(0).min(NAME_WIDTH);
        let source = ordered.iter().map(|(_, it)| width_of(it.source)).max().unwrap_or(0);
        for (depth, row) in ordered {
            line(row, depth, (width, source), style, &mut text);
        }
        for it in &list.not_known {
            let parts = it.parts.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ");
            let message = format!("{}: `{}` is told by the run only: it depends on {parts}", it.what, it.text);
            paragraph(&format!("  {} ", style.mark(Mark::Incomplete)), &message, style, &mut text);
        }
        text.push('\n');
    }
    text.push_str(&verdict(lists, style));
    text
}

fn width_of(text: &str) -> usize {
    console::measure_text_width(text)
}

fn name(row: &DependencyRow) -> String {
    match &row.needed.dependency {
        Dependency::Image(name) => format!("docker://{name}"),
        Dependency::Runner(label) => format!("runs-on: {label}"),
        Dependency::Node(using) => format!("using: {using}"),
        it @ (Dependency::Action(_) | Dependency::Own(_) | Dependency::Workflow(_) | Dependency::Tool { .. }) => {
            it.to_string()
        }
    }
}

fn line(row: &DependencyRow, depth: usize, (width, source): (usize, usize), style: Style, text: &mut String) {
    let name = pad(&format!("{}{}", "  ".repeat(depth), one_line(&name(row))), width);
    let word = pad(row.source, source);
    let commit = pad(&row.commit.as_deref().map(short).unwrap_or_default(), 12);
    let parts = [row.note(), row.at.clone().unwrap_or_default()];
    let rest = parts.iter().filter(|it| !it.is_empty()).map(|it| one_line(it)).collect::<Vec<_>>().join("  ");
    let line = format!("  {} {name}  {word}  {commit}  {rest}", style.mark(row.mark()));
    text.push_str(line.trim_end());
    text.push('\n');
    if let Some(missing) = &row.missing {
        paragraph("      ", &missing.message, style, text);
        way_out(6, &missing.way_out, style, text);
    }
}

/// The first twelve digits of a commit or of an image's id.
fn short(id: &str) -> String {
    id.trim_start_matches("sha256:").chars().take(12).collect()
}

/// Each behind what uses it, with how deep it is below a workflow.
fn ordered(rows: &[DependencyRow]) -> Vec<(usize, &DependencyRow)> {
    let mut all = Vec::new();
    let mut left: Vec<&DependencyRow> = rows.iter().collect();
    let roots: Vec<_> = extract(&mut left, |it| it.needed.by.is_none());
    for root in roots {
        below(root, 0, &mut left, &mut all);
    }
    all.extend(left.into_iter().map(|it| (0, it)));
    all
}

fn below<'a>(
    row: &'a DependencyRow,
    depth: usize,
    left: &mut Vec<&'a DependencyRow>,
    all: &mut Vec<(usize, &'a DependencyRow)>,
) {
    all.push((depth, row));
    let is_user =
        |it: &DependencyRow| it.needed.by.as_ref().map(Dependency::from).as_ref() == Some(&row.needed.dependency);
    for used in extract(left, is_user) {
        below(used, depth + 1, left, all);
    }
}

fn extract<'a>(left: &mut Vec<&'a DependencyRow>, is: impl Fn(&DependencyRow) -> bool) -> Vec<&'a DependencyRow> {
    let (taken, rest) = left.iter().copied().partition(|it| is(it));
    *left = rest;
    taken
}

fn verdict(lists: &[DependencyList], style: Style) -> String {
    let rows = || lists.iter().flat_map(|it| &it.rows);
    let missing = rows().filter(|it| it.is_missing()).count();
    let moved = rows().filter(|it| it.moved_to.is_some()).count();
    let mut more = Vec::new();
    if moved > 0 {
        more.push(count(moved, "ref has moved", "refs have moved"));
    }
    let open: usize = lists.iter().map(|it| it.not_known.len()).sum();
    if open > 0 {
        more.push(format!("{} told by the run only", count(open, "thing is", "things are")));
    }
    let more = more.iter().map(|it| format!(", {it}")).collect::<Vec<_>>().concat();
    if missing > 0 {
        let what = format!("{} missing{more}", count(missing, "thing is", "things are"));
        return format!("{} {}\n", style.mark(Mark::Failure), style.paint(Label::Failure, &what));
    }
    format!("{} nothing is missing{more}\n", style.mark(Mark::Success))
}

/// For programs. `schema` is raised when a field changes its meaning.
pub fn dependencies_json(lists: &[DependencyList]) -> Json {
    let complete = lists.iter().all(DependencyList::is_complete);
    let workflows: Vec<Json> = lists
        .iter()
        .map(|list| {
            let rows: Vec<Json> = list.rows.iter().map(row_json).collect();
            let not_known: Vec<Json> = list
                .not_known
                .iter()
                .map(|it| {
                    let at = it.source.location(it.span.start);
                    json!({"what": it.what, "text": it.text, "depends_on": it.parts,
                        "path": it.source.path(), "line": at.line, "col": at.col})
                })
                .collect();
            json!({"path": list.path, "complete": list.is_complete(), "dependencies": rows, "not_known": not_known})
        })
        .collect();
    json!({"schema": 1, "complete": complete, "workflows": workflows})
}

fn row_json(row: &DependencyRow) -> Json {
    let needed = &row.needed;
    let at = needed.source.location(needed.span.start);
    let missing = row
        .missing
        .as_ref()
        .map(|it| json!({"message": it.message, "way_out": it.way_out, "forgiven": it.is_forgiven}));
    json!({
        "kind": needed.dependency.kind(),
        "name": needed.dependency.to_string(),
        "source": row.source,
        "at": row.at,
        "commit": row.commit,
        "pinned": !needed.dependency.can_move(),
        "moved_to": row.moved_to,
        "used_by": needed.by.as_ref().map(ToString::to_string),
        "role": needed.role,
        "path": needed.source.path(),
        "line": at.line,
        "col": at.col,
        "missing": missing,
    })
}
