//! The drawing as a Mermaid flowchart.
use std::fmt::Write as _;

use wfrun_plan::Outlook;

use super::model::{Group, Node, group, title};

/// The jobs as a `flowchart`; called workflows are subgraphs, what does not run for sure has a class.
///
/// Source: <https://mermaid.js.org/syntax/flowchart.html>
pub fn graph_mermaid(outlook: &Outlook) -> String {
    let top = group(outlook);
    // A title is YAML, and JSON's strings are YAML's. It is HTML, too, without a way to write these.
    let title = serde_json::Value::from(title(outlook).replace('<', "‹").replace('>', "›").replace('&', "and"));
    let mut text = format!("---\ntitle: {title}\n---\nflowchart LR\n");
    nodes(&top, 1, &mut text);
    edges(&top, &mut text);
    text.push_str("    classDef skipped stroke-dasharray:4 3,opacity:0.55\n");
    text.push_str("    classDef depends stroke-dasharray:2 2,stroke-width:2px\n");
    text.push_str("    classDef fails stroke:#cf222e,stroke-width:2px\n");
    for class in ["skipped", "depends", "fails"] {
        let mut ids = Vec::new();
        of_class(&top, class, &mut ids);
        if !ids.is_empty() {
            line(&mut text, 1, &format!("class {} {class}", ids.join(",")));
        }
    }
    text
}

fn line(text: &mut String, depth: usize, what: &str) {
    // Writing to a string cannot fail.
    let _infallible = writeln!(text, "{}{what}", "    ".repeat(depth));
}

/// Numbers, because ids such as `end` are words of the language.
fn id(node: &Node<'_>) -> String {
    format!("job{}", node.number)
}

fn nodes(group: &Group<'_>, depth: usize, text: &mut String) {
    for node in &group.nodes {
        let id = id(node);
        let label = [Some(node.label("×")), node.detail.clone()];
        let label: Vec<String> = label.into_iter().flatten().map(|it| escape(&it)).collect();
        if node.groups.is_empty() {
            line(text, depth, &format!("{id}[\"{}\"]", label.join("<br/>")));
            continue;
        }
        // A second line of a title would be drawn over what is inside.
        line(text, depth, &format!("subgraph {id}[\"{}\"]", label.join(" - ")));
        line(text, depth + 1, "direction LR");
        for (at, group) in node.groups.iter().enumerate() {
            match group.caption() {
                Some(caption) => {
                    line(text, depth + 1, &format!("subgraph {id}leg{at}[\"{}\"]", escape(&caption)));
                    line(text, depth + 2, "direction LR");
                    nodes(group, depth + 2, text);
                    line(text, depth + 1, "end");
                }
                None => nodes(group, depth + 1, text),
            }
        }
        line(text, depth, "end");
    }
}

fn edges(group: &Group<'_>, text: &mut String) {
    for node in &group.nodes {
        let arrow = if node.is_firm() { "-->" } else { "-.->" };
        for need in node.needs.iter().filter_map(|it| group.nodes.get(*it)) {
            line(text, 1, &format!("{} {arrow} {}", id(need), id(node)));
        }
        node.groups.iter().for_each(|it| edges(it, text));
    }
}

fn of_class(group: &Group<'_>, class: &str, ids: &mut Vec<String>) {
    for node in &group.nodes {
        if node.class() == class {
            ids.push(id(node));
        }
        node.groups.iter().for_each(|it| of_class(it, class, ids));
    }
}

/// Everything that means something in a label or in HTML as an entity of Mermaid's own.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for it in text.chars() {
        if it.is_alphanumeric() || matches!(it, ' ' | '.' | ',' | ':' | '-' | '_' | '/' | '=' | '(' | ')' | '\'' | '×')
        {
            escaped.push(it);
        } else {
            let _infallible = write!(escaped, "#{};", u32::from(it));
        }
    }
    escaped
}
