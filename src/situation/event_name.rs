use wfrun_syntax::closest;
use wfrun_workflow::{EventName, EventSpec, Workflow};

use crate::output::Help;

/// The event's name: given, or the workflow's only event, or `push`. One that GitHub does not have is an error.
///
/// With `detects`, the first by the alphabet takes the place of `push`, as with act's `--detect-event`.
pub(crate) fn event_name(workflow: &Workflow, given: Option<&str>, detects: bool) -> anyhow::Result<String> {
    if let Some(name) = given {
        if EventSpec::find(name).is_some() {
            return Ok(name.to_owned());
        }
        // act has its payload there.
        let is_file = name.contains(['/', '.']) && std::path::Path::new(name).is_file();
        let file = is_file.then(|| format!("a payload is given by `--event-path {name}`"));
        let near = file.or_else(|| closest(name, EventSpec::names()).map(|it| format!("did you mean `{it}`?")));
        let listed = || format!("the events are: {}", EventSpec::names().collect::<Vec<_>>().join(", "));
        let message = format!("GitHub has no event `{name}`");
        return Err(Help::error("cli/event", message, near.unwrap_or_else(listed)));
    }
    let mut events = workflow.on.events.keys();
    if let (true, Some(first)) = (detects, workflow.on.events.keys().map(EventName::as_str).min()) {
        return Ok(first.to_owned());
    }
    Ok(match (events.next(), events.next()) {
        (Some(only), None) => only.to_string(),
        _ => "push".to_owned(),
    })
}
