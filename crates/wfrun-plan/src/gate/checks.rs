//! The tests themselves, one function each.
use serde_json::Value as Json;
use wfrun_syntax::{Span, Spanned};
use wfrun_workflow::{EventConfig, EventSpec, Patterns, Workflow};

use super::{Gate, GateKind, RefKind};
use crate::{ChangedPaths, Event, Filtered, PatternStep, Verdict, filter, skip_marker};

/// GitHub looks at no more changed files than these.
///
/// Source: GitHub: planning rules 2.4.
const CHANGED_LIMIT: usize = 300;

pub(super) fn event(workflow: &Workflow, event: &Event, config: Option<&EventConfig>) -> Gate {
    let listens_to = workflow.on.events.keys().map(ToString::to_string).collect();
    let span = config.map_or(workflow.on.span, |it| it.span);
    let kind = GateKind::Event { event: event.name.clone(), listens_to };
    Gate { kind, passed: config.is_some(), span: Some(span) }
}

/// Source: GitHub: planning rules 2.2.
pub(super) fn activity(config: &EventConfig, event: &Event) -> Option<Gate> {
    let default = EventSpec::find(&event.name).map(|it| it.default_types).unwrap_or_default();
    let (types, written) = match &config.types {
        Some(types) => (types.iter().map(|it| it.value.clone()).collect(), true),
        None if default.is_empty() => return None,
        None => (default.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>(), false),
    };
    let passed = event.activity.as_ref().is_none_or(|it| types.contains(it));
    let listed = config.types.iter().flatten();
    // What passes is underlined itself; what does not, is in none of them.
    let own = listed.clone().find(|it| Some(&it.value) == event.activity.as_ref()).map(|it| it.span);
    let span = own.or_else(|| whole(listed)).unwrap_or(config.span);
    Some(Gate { kind: GateKind::Type { activity: event.activity.clone(), types, written }, passed, span: Some(span) })
}

fn whole<'a>(listed: impl Iterator<Item = &'a Spanned<String>>) -> Option<Span> {
    listed.map(|it| it.span).reduce(|all, it| Span::new(all.start.min(it.start), all.end.max(it.end)))
}

/// A deployment that becomes inactive, a release that is a draft and a pull request with conflicts set nothing off.
///
/// Source: GitHub: planning rules 2.2.
pub(super) fn state(event: &Event) -> Option<Gate> {
    let (object, member, silent) = match event.name.as_str() {
        "deployment_status" => ("deployment_status", "state", Json::from("inactive")),
        "release" if matches!(event.activity.as_deref(), Some("created" | "edited" | "deleted")) => {
            ("release", "draft", Json::Bool(true))
        }
        // It is told once it is known.
        "pull_request" => ("pull_request", "mergeable", Json::Bool(false)),
        _ => return None,
    };
    let value = event.payload.get(object)?.get(member).filter(|it| !it.is_null())?;
    let kind = GateKind::State { member: format!("{object}.{member}"), value: value.to_string() };
    Some(Gate { kind, passed: *value != silent, span: None })
}

/// Names of workflows are compared as they are; names and versions of images are patterns.
///
/// Source: GitHub: planning rules 2.2.
pub(super) fn names(config: &EventConfig, event: &Event) -> Vec<Gate> {
    let payload = |path: &str| event.payload.pointer(path).and_then(Json::as_str);
    let lists = [
        ("workflows", &config.workflows, payload("/workflow_run/name"), false),
        ("names", &config.names, payload("/image_version/image_name"), true),
        ("versions", &config.versions, payload("/image_version/version"), true),
    ];
    let written = lists.into_iter().filter(|(_, list, _, _)| !list.is_empty());
    let gate = |(key, list, name, globs): (&'static str, &Vec<Spanned<String>>, Option<&str>, bool)| {
        let span = whole(list.iter()).unwrap_or(config.span);
        let filtered = name.map(|name| {
            if globs {
                filter::explain(&Patterns::new(key, false, list.clone(), span), name)
            } else {
                equal(key, list, name, span)
            }
        });
        let passed = filtered.as_ref().is_none_or(|it| it.verdict.passes);
        let span = filtered.as_ref().map_or(span, |it| it.verdict.span);
        Gate { kind: GateKind::Name { filtered, filter: key.to_owned() }, passed, span: Some(span) }
    };
    written.map(gate).collect()
}

fn equal(key: &str, list: &[Spanned<String>], name: &str, whole: Span) -> Filtered {
    let mut matched = false;
    let mut step = |it: &Spanned<String>| {
        let matches = it.value == name;
        matched |= matches;
        PatternStep { pattern: it.value.clone(), span: it.span, matches, matched }
    };
    let patterns: Vec<_> = list.iter().map(&mut step).collect();
    let found = list.iter().find(|it| it.value == name);
    let verdict = Verdict {
        passes: found.is_some(),
        pattern: found.map(|it| it.value.clone()),
        span: found.map_or(whole, |it| it.span),
    };
    Filtered { filter: key.to_owned(), name: name.to_owned(), verdict, patterns }
}

/// Tests the branch or tag.
///
/// For a push the other kind's filter counts, too: one that is alone keeps all of this kind out. Nothing tests the
/// branch of an event whose branch nobody said.
/// Source: GitHub: planning rules 2.4, the table of pushes.
pub(super) fn refs(config: &EventConfig, event: &Event) -> Option<Gate> {
    let name = event.filtered_ref()?;
    let tag = event.name == "push" && event.is_tag();
    let (ref_kind, own, other) = if tag {
        (RefKind::Tag, &config.tags, &config.branches)
    } else {
        (RefKind::Branch, &config.branches, &config.tags)
    };
    let (passed, span, filtered, only) = match (own, other) {
        (Some(patterns), _) => {
            let filtered = filter::explain(patterns, &name);
            (filtered.verdict.passes, filtered.verdict.span, Some(filtered), None)
        }
        (None, Some(other)) => (false, other.span, None, Some(other.key.to_owned())),
        (None, None) => return None,
    };
    Some(Gate { kind: GateKind::Ref { ref_kind, name, filtered, only }, passed, span: Some(span) })
}

/// Any changed file that passes lets the event through; without changed files nothing does.
///
/// Source: GitHub: planning rules 2.4.
pub(super) fn paths(config: &EventConfig, event: &Event) -> Option<Gate> {
    let patterns = config.paths.as_ref()?;
    let written = || patterns.list.iter().map(|it| it.value.clone()).collect();
    let (unasked, unknown) = match &event.changed {
        // Path filters are not evaluated for pushes of tags.
        _ if event.is_tag() => (Some("a tag is pushed".to_owned()), None),
        ChangedPaths::Unasked { why } => (Some(why.clone()), None),
        ChangedPaths::Unknown { why } => (None, Some(why.clone())),
        ChangedPaths::Known(_) => (None, None),
    };
    let all: &[String] = match &event.changed {
        ChangedPaths::Known(changed) if unasked.is_none() => changed,
        ChangedPaths::Known(_) | ChangedPaths::Unknown { .. } | ChangedPaths::Unasked { .. } => &[],
    };
    let looked_at = all.get(..CHANGED_LIMIT).unwrap_or(all);
    let passing = looked_at.iter().find(|it| filter::judge(patterns, it).passes);
    let filtered = passing.or(looked_at.first()).map(|it| filter::explain(patterns, it));
    let span = passing.and(filtered.as_ref()).map_or(patterns.span, |it| it.verdict.span);
    let passed = unasked.is_some() || unknown.is_some() || passing.is_some();
    let kind = GateKind::Paths {
        filter: patterns.key.to_owned(),
        patterns: written(),
        changed: looked_at.to_vec(),
        beyond: all.len() - looked_at.len(),
        filtered,
        unasked,
        unknown,
    };
    Some(Gate { kind, passed, span: Some(span) })
}

/// Source: GitHub: planning rules 2.5.
pub(super) fn skip(event: &Event) -> Option<Gate> {
    if !matches!(event.name.as_str(), "push" | "pull_request") {
        return None;
    }
    let marker = skip_marker(event.head_message.as_deref()?).map(str::to_owned);
    Some(Gate { passed: marker.is_none(), kind: GateKind::SkipMarker { marker }, span: None })
}
