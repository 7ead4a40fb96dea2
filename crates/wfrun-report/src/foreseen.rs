//! Why something would run or not, in words. The only place where a [`Reason`] becomes text.
use wfrun_plan::{Because, JobOutlook, Prospect, Reason};

use crate::explain::{because_sentence, paragraph};
use crate::text::{count, one_line};

/// So many legs that never begin are explained.
const MOST_HINDERED: usize = 3;

/// One sentence, to stand after the name of a job or step.
///
/// `because github.ref == 'refs/heads/main' is false: github.ref is 'refs/heads/dev'`
pub fn foreseen_sentence(verdict: Prospect, reason: &Reason) -> String {
    match reason {
        Reason::Condition { because, .. } if verdict == Prospect::Depends => {
            format!("depends on {}", named(because))
        }
        Reason::Condition { expression, because, .. } if verdict == Prospect::Skipped => {
            because_sentence(expression, because)
        }
        Reason::Condition { expression, .. } => format!("because {} is true", one_line(expression)),
        Reason::Needs { job, result } => format!("needs `{job}`, which {}", ended(result)),
        Reason::Caller { job } if verdict == Prospect::Depends => {
            format!("depends on `{job}`, which calls its workflow")
        }
        Reason::Caller { job } => format!("`{job}`, which calls its workflow, is skipped"),
        Reason::Called { file } if verdict == Prospect::Depends => {
            format!("depends on whether a job of `{file}`, which it calls, runs")
        }
        Reason::Called { file } => format!("all jobs of `{file}`, which it calls, are skipped"),
        Reason::Stated { result } => format!("it is given as {result}"),
        Reason::Deadlock { group, holder, .. } => {
            let holder = holder.as_ref().map_or_else(|| "the workflow".to_owned(), |it| format!("`{it}`"));
            format!(
                "GitHub cancels it: {holder}, of which it is a part, holds its concurrency group `{}`",
                one_line(group)
            )
        }
        Reason::Trigger { message } => format!("depends on whether the event triggers the workflow: {message}"),
        Reason::Planning { key, expression, message, .. } => {
            format!("`{key}: {}` cannot be evaluated: {message}", one_line(expression))
        }
        Reason::Strategy { message, .. } => format!("its strategy fails: {message}"),
        Reason::ConditionError { expression, message, .. } => {
            format!("`if: {}` cannot be evaluated: {message}", one_line(expression))
        }
    }
}

/// A line for each part that decided, values side by side; of anything but a condition the sentence.
pub(crate) fn foreseen_paragraph(verdict: Prospect, reason: &Reason) -> Vec<String> {
    if let Reason::Condition { because, .. } = reason
        && verdict != Prospect::Depends
        && !because.is_empty()
    {
        return paragraph(because);
    }
    vec![foreseen_sentence(verdict, reason)]
}

/// What becomes of legs that never begin while others do: a sentence for each, and how many more.
pub(crate) fn hindrances(job: &JobOutlook) -> Vec<String> {
    let runs = matches!(job.verdict, Prospect::Runs | Prospect::Depends);
    let hindered = job.legs.iter().filter(|_| runs).filter_map(|it| Some((it, it.hindrance.as_ref()?)));
    let all: Vec<String> = hindered
        .map(|(leg, reason)| {
            let word = if matches!(reason, Reason::Planning { .. }) { "fails" } else { "is skipped" };
            format!("{} {word}: {}", one_line(leg.key.as_str()), foreseen_sentence(Prospect::Skipped, reason))
        })
        .collect();
    let rest = all.len().saturating_sub(MOST_HINDERED);
    let more = (rest > 0).then(|| format!("and so {}", count(rest, "more leg", "more legs")));
    all.into_iter().take(MOST_HINDERED).chain(more).collect()
}

/// What only the run can tell, as written.
fn named(because: &[Because]) -> String {
    let mut names: Vec<String> = Vec::new();
    for it in because {
        let name = match it.expression.as_str() {
            "success()" => "whether all before it succeeds".to_owned(),
            "failure()" => "whether something before it fails".to_owned(),
            expression => format!("`{}`", one_line(expression)),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(", ")
}

fn ended(result: &str) -> &str {
    match result {
        "success" => "succeeds",
        "failure" => "fails",
        "cancelled" => "is cancelled",
        _ => "is skipped",
    }
}

#[cfg(test)]
mod tests {
    use wfrun_plan::JobKey;

    use super::*;

    #[test]
    fn reasons_without_a_condition() {
        let job = || JobKey::new("build");
        for (verdict, reason, expected) in [
            (
                Prospect::Skipped,
                Reason::Needs { job: job(), result: "failure".to_owned() },
                "needs `build`, which fails",
            ),
            (Prospect::Skipped, Reason::Caller { job: job() }, "`build`, which calls its workflow, is skipped"),
            (Prospect::Depends, Reason::Caller { job: job() }, "depends on `build`, which calls its workflow"),
            (Prospect::Skipped, Reason::Strategy { message: "no".to_owned(), span: None }, "its strategy fails: no"),
        ] {
            assert_eq!(foreseen_sentence(verdict, &reason), expected);
        }
    }
}
