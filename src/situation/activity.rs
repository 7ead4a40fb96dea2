use wfrun_syntax::closest;
use wfrun_workflow::EventSpec;

use super::Making;
use crate::output::Help;

/// The longest `event_type` of `repository_dispatch`.
///
/// Source: GitHub: planning rules 2.2.
const LONGEST_FREE_TYPE: usize = 100;

/// The activity type: given by option or payload, or the one that is likeliest to be meant.
///
/// An empty option is none: it takes back one before it.
/// Nobody who says nothing means a type that the workflow does not listen to, so one it wants is taken, and said.
pub(super) fn activity(making: &mut Making<'_>) -> anyhow::Result<Option<String>> {
    let name = making.asked.name.clone();
    let types = EventSpec::find(&name).map(|it| it.types).unwrap_or_default();
    let is_free = name == "repository_dispatch";
    let given = making.asked.args.activity.as_deref().filter(|it| !it.is_empty());
    if let Some(given) = given {
        checked_activity(&name, given)?;
    }
    if types.is_empty() && !is_free {
        return Ok(None);
    }
    if let Some(said) = making.asked.text("--type", given, "/action") {
        return Ok(Some(said));
    }
    let wanted = making.workflow.on.event(&name).and_then(|it| it.types.as_ref());
    let wanted: Option<Vec<&str>> = wanted.map(|it| it.iter().map(|it| it.value.as_str()).collect());
    let likely = match name.as_str() {
        // The push of more commits; by far the most common.
        "pull_request" | "pull_request_target" => Some("synchronize"),
        "check_run" | "workflow_run" => Some("completed"),
        "release" => Some("published"),
        _ => types.first().copied(),
    };
    let taken = match &wanted {
        Some(wanted) if !likely.is_some_and(|it| wanted.contains(&it)) => wanted.first().copied().or(likely),
        _ => likely,
    };
    if let (Some(taken), Some(likely), true) = (taken, likely, taken != likely) {
        let given = "`--type` gives another";
        making.notices.push(format!("`types` does not have `{likely}`: the event is taken as `{taken}`; {given}"));
    }
    Ok(taken.map(str::to_owned))
}

/// Refuses an activity type that an event does not have.
pub(crate) fn checked_activity(event: &str, given: &str) -> anyhow::Result<()> {
    let types = EventSpec::find(event).map(|it| it.types).unwrap_or_default();
    let is_free = event == "repository_dispatch";
    if types.contains(&given) || is_free && (1..=LONGEST_FREE_TYPE).contains(&given.chars().count()) {
        return Ok(());
    }
    let (message, help) = if is_free {
        let help = format!("the type of a `repository_dispatch` has 1 to {LONGEST_FREE_TYPE} characters");
        (format!("`{event}` cannot have the type `{given}`"), help)
    } else if types.is_empty() {
        (format!("`{event}` has no activity types, so it cannot be `{given}`"), "leave `--type` out".to_owned())
    } else {
        let near = closest(given, types.iter().copied()).map(|it| format!("did you mean `{it}`?"));
        let listed = || format!("its types are: {}", types.join(", "));
        (format!("`{event}` has no activity type `{given}`"), near.unwrap_or_else(listed))
    };
    Err(Help::error("cli/type", message, help))
}
