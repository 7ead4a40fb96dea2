//! The gates between an event and a workflow, for people.
use wfrun_plan::{Filtered, Gate, GateKind};

use crate::text::quoted;

/// What a gate is called and what it says, in a few words.
pub(crate) fn gate_words(gate: &Gate) -> (&'static str, String) {
    match &gate.kind {
        GateKind::Event { event, listens_to } if gate.passed => {
            let rest = listens_to.len().saturating_sub(1);
            let more = if rest > 0 { format!(", and to {rest} more") } else { String::new() };
            ("event", format!("listens to `{event}`{more}"))
        }
        GateKind::Event { event, listens_to } => {
            ("event", format!("does not listen to `{event}`, but to {}", quoted(listens_to)))
        }
        GateKind::Type { activity: None, .. } => ("type", "nobody said which, so any".to_owned()),
        GateKind::Type { activity: Some(activity), types, written } => {
            let whose = if *written { "" } else { ", by default" };
            let is = if gate.passed { "is among" } else { "is none of" };
            ("type", format!("`{activity}` {is} {}{whose}", quoted(types)))
        }
        GateKind::State { member, value } => ("state", format!("{member} is {value}")),
        GateKind::Name { filtered: Some(filtered), .. } => ("name", judged(filtered)),
        GateKind::Name { filtered: None, filter } => ("name", format!("nobody said which of `{filter}`, so any")),
        GateKind::Ref { ref_kind, filtered: Some(filtered), .. } => (ref_kind.word(), judged(filtered)),
        GateKind::Ref { ref_kind, name, only, .. } => {
            let only = only.as_deref().unwrap_or_default();
            (ref_kind.word(), format!("`{name}` is a {}, and there is a filter for `{only}` only", ref_kind.word()))
        }
        GateKind::Paths { unknown: Some(why), .. } => {
            ("paths", format!("what is changed is not known: {why}; `--changed PATH` says it"))
        }
        GateKind::Paths { unasked: Some(why), .. } => ("paths", format!("not asked: {why}")),
        GateKind::Paths { filtered: Some(filtered), .. } if gate.passed => ("paths", judged(filtered)),
        GateKind::Paths { filter, changed, .. } if changed.is_empty() => {
            ("paths", format!("no file is changed, so nothing passes `{filter}`"))
        }
        GateKind::Paths { filter, changed, .. } => {
            let first = changed.first().map_or("", String::as_str);
            let rest = changed.len() - 1;
            let more = if rest > 0 { format!(", nor {rest} more") } else { String::new() };
            ("paths", format!("`{filter}` does not let `{first}` through{more}"))
        }
        GateKind::SkipMarker { marker: Some(marker) } => ("message", format!("the head commit says `{marker}`")),
        GateKind::SkipMarker { marker: None } => ("message", "the head commit does not ask to skip".to_owned()),
    }
}

fn judged(filtered: &Filtered) -> String {
    let Filtered { filter, name, verdict, .. } = filtered;
    let ignores = filter.ends_with("-ignore");
    match (&verdict.pattern, verdict.passes) {
        (Some(pattern), true) if ignores => format!("`{name}` is let in again by `{pattern}` of `{filter}`"),
        (Some(pattern), true) => format!("`{name}` matches `{pattern}` of `{filter}`"),
        (Some(pattern), false) => format!("`{name}` is left out by `{pattern}` of `{filter}`, the last that matches"),
        (None, true) => format!("`{name}` is not left out by `{filter}`"),
        (None, false) => format!("`{name}` matches no pattern of `{filter}`"),
    }
}
