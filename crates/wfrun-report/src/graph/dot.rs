//! The drawing for Graphviz.
use std::fmt::Write as _;

use wfrun_plan::Outlook;

use super::model::{Group, Node, group, title};

/// The jobs as a `digraph`; called workflows are clusters.
///
/// Source: <https://graphviz.org/doc/info/lang.html>
pub fn graph_dot(outlook: &Outlook) -> String {
    let top = group(outlook);
    let mut text = String::from("digraph workflow {\n");
    for attributes in [
        format!(
            "graph [label=\"{}\" labelloc=t rankdir=LR compound=true fontname=\"Helvetica\"]",
            escape(&title(outlook))
        ),
        "node [shape=box style=rounded fontname=\"Helvetica\"]".to_owned(),
        "edge [arrowsize=0.7]".to_owned(),
    ] {
        line(&mut text, 1, &attributes);
    }
    nodes(&top, 1, &mut text);
    edges(&top, &mut text);
    text.push_str("}\n");
    text
}

fn line(text: &mut String, depth: usize, what: &str) {
    // Writing to a string cannot fail.
    let _infallible = writeln!(text, "{}{what}", "  ".repeat(depth));
}

fn label(node: &Node<'_>) -> String {
    let label = [Some(node.label("×")), node.detail.clone()];
    let label: Vec<String> = label.into_iter().flatten().map(|it| escape(&it)).collect();
    label.join("\\n")
}

/// How a job looks that does not run for sure.
fn look(node: &Node<'_>) -> &'static str {
    match node.class() {
        "skipped" => " style=\"rounded,dashed\" color=gray60 fontcolor=gray40",
        "fails" => " style=\"rounded,dashed\" color=crimson fontcolor=crimson",
        "depends" => " style=\"rounded,dashed\" color=darkorange3",
        _ => "",
    }
}

fn nodes(group: &Group<'_>, depth: usize, text: &mut String) {
    for node in &group.nodes {
        let (number, label, look) = (node.number, label(node), look(node));
        if !is_cluster(node) {
            line(text, depth, &format!("job{number} [label=\"{label}\"{look}]"));
            continue;
        }
        line(text, depth, &format!("subgraph cluster_{number} {{"));
        line(text, depth + 1, &format!("graph [label=\"{label}\" style=rounded{look}]"));
        for (at, group) in node.groups.iter().enumerate() {
            match group.caption() {
                Some(caption) => {
                    line(text, depth + 1, &format!("subgraph cluster_{number}_{at} {{"));
                    line(text, depth + 2, &format!("graph [label=\"{}\" style=dotted]", escape(&caption)));
                    nodes(group, depth + 2, text);
                    line(text, depth + 1, "}");
                }
                None => nodes(group, depth + 1, text),
            }
        }
        line(text, depth, "}");
    }
}

fn is_cluster(node: &Node<'_>) -> bool {
    node.groups.iter().any(|it| !it.nodes.is_empty())
}

/// A line cannot end at a cluster: it ends at a job in it, and is cut at the border.
fn edges(group: &Group<'_>, text: &mut String) {
    for node in &group.nodes {
        for need in node.needs.iter().filter_map(|it| group.nodes.get(*it)) {
            let mut attributes = Vec::new();
            if is_cluster(need) {
                attributes.push(format!("ltail=cluster_{}", need.number));
            }
            if is_cluster(node) {
                attributes.push(format!("lhead=cluster_{}", node.number));
            }
            if !node.is_firm() {
                attributes.push("style=dashed color=gray60".to_owned());
            }
            let attributes = if attributes.is_empty() { String::new() } else { format!(" [{}]", attributes.join(" ")) };
            line(text, 1, &format!("job{} -> job{}{attributes}", inner(need, true), inner(node, false)));
        }
        node.groups.iter().for_each(|it| edges(it, text));
    }
}

/// The job itself, or the last or first in what it calls.
fn inner(node: &Node<'_>, last: bool) -> usize {
    let nodes = node.groups.iter().flat_map(|it| &it.nodes);
    let found = if last { nodes.max_by_key(|it| it.stage) } else { nodes.min_by_key(|it| it.stage) };
    found.map_or(node.number, |it| inner(it, last))
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
