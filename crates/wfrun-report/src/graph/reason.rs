//! Why a job is skipped, or on what it depends, in as few words as will do.
use wfrun_plan::{Because, JobOutlook, Prospect, Reason};

use crate::explain::literal;
use crate::text::one_line;

/// `skipped: github.ref is 'refs/heads/dev'`, `depends on needs.a.outputs.x`; nothing for a job that runs.
///
/// `needs` are those of its needs that depend on the run themselves.
pub(super) fn short(job: &JobOutlook, needs: &[&JobOutlook]) -> Option<String> {
    let reason = job.reason.as_ref();
    match job.verdict {
        Prospect::Runs => None,
        Prospect::Skipped => Some(match reason {
            Some(reason) => format!("skipped: {}", skipped(reason)),
            None => "skipped".to_owned(),
        }),
        Prospect::Fails => Some(match reason {
            Some(reason) => format!("fails: {}", skipped(reason)),
            None => "fails".to_owned(),
        }),
        Prospect::Depends => Some(match reason {
            Some(reason) => depends(reason, needs),
            None => "depends on the run".to_owned(),
        }),
    }
}

fn skipped(reason: &Reason) -> String {
    match reason {
        Reason::Condition { because, expression, .. } => match because.as_slice() {
            [] => format!("{} is false", one_line(expression)),
            [first] => found(first),
            [first, rest @ ..] => format!("{}, and {} more", found(first), rest.len()),
        },
        Reason::Needs { job, result } => format!("{} is {}", one_line(job.as_str()), one_line(result)),
        Reason::Caller { job } => format!("{} is skipped", one_line(job.as_str())),
        Reason::Called { .. } => "all that it calls is skipped".to_owned(),
        Reason::Stated { result } => format!("given as {}", one_line(result)),
        Reason::Deadlock { group, .. } => format!("concurrency group {} is held around it", one_line(group)),
        Reason::ConditionError { message, .. } | Reason::Strategy { message, .. } | Reason::Trigger { message } => {
            one_line(message)
        }
        Reason::Planning { key, message, .. } => format!("`{key}`: {}", one_line(message)),
    }
}

fn depends(reason: &Reason, needs: &[&JobOutlook]) -> String {
    match reason {
        Reason::Condition { because, expression, .. } => {
            // What only asks how other jobs end depends on those.
            let is_status = |it: &Because| it.expression.ends_with("()");
            let asks_needs = because.iter().all(is_status) && !needs.is_empty();
            let mut names: Vec<String> = match because.as_slice() {
                [] => vec![one_line(expression)],
                _ if asks_needs => needs.iter().map(|it| one_line(it.id.as_str())).collect(),
                leaves => leaves.iter().filter(|it| !is_status(it) || leaves.len() == 1).map(asked).collect(),
            };
            names.dedup();
            match names.as_slice() {
                [first, rest @ ..] if !rest.is_empty() => format!("depends on {first}, and {} more", rest.len()),
                names => format!("depends on {}", names.concat()),
            }
        }
        Reason::Needs { job, .. } | Reason::Caller { job } => format!("depends on {}", one_line(job.as_str())),
        Reason::Called { .. } => "depends on what it calls".to_owned(),
        Reason::Trigger { .. } => "depends on the trigger".to_owned(),
        // None of these is open.
        Reason::Stated { .. }
        | Reason::Deadlock { .. }
        | Reason::Planning { .. }
        | Reason::Strategy { .. }
        | Reason::ConditionError { .. } => skipped(reason),
    }
}

/// The one thing that a part of a condition asks for, or the part.
fn asked(leaf: &Because) -> String {
    match leaf.operands.as_slice() {
        [only] => one_line(&only.expression),
        _ => one_line(&leaf.expression),
    }
}

/// `github.ref is 'refs/heads/dev'`, `inputs.flag is true`; a value that was written is what `if` is.
fn found(leaf: &Because) -> String {
    let value = literal(&leaf.value);
    let named: Vec<String> =
        leaf.operands.iter().map(|it| format!("{} is {}", one_line(&it.expression), literal(&it.value))).collect();
    match named.as_slice() {
        [] if one_line(&leaf.expression) == value => format!("`if` is {value}"),
        [] => format!("{} is {value}", one_line(&leaf.expression)),
        names => names.join(", "),
    }
}
