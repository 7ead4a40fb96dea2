//! `steps/undefined` and `steps/no-member`: what is read of steps and cannot be there.
use wfrun_syntax::Diagnostic;

use super::{Linting, names_help};
use crate::{Job, Step};

/// What the `steps` context has of a step.
const MEMBERS: [&str; 3] = ["outputs", "outcome", "conclusion"];

/// Looks for `steps.ID` of steps that the job does not have, or not yet, and for other members than there are.
///
/// Source: GitHub: planning rules 1.6 and 1.8.
pub(super) fn lint(linting: &Linting<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut ids: Vec<Known<'_>> = Vec::new();
    let mut last: Option<&Job> = None;
    for written in &linting.written {
        let Some(job) = written.job else { continue };
        // Expressions come job by job.
        if last.is_none_or(|it| !std::ptr::eq(it, job)) {
            ids = ids_of(job);
            last = Some(job);
        }
        for path in written.paths("steps") {
            let Some(part) = path.parts.first() else { continue };
            let Some(name) = part.name else { continue };
            let known = ids.iter().find(|it| it.step.id.is(name));
            let own = written.step.and_then(|step| position(job, step));
            if let (Some(known), Some(own)) = (known, own)
                && known.position >= own
            {
                // The steps of a parallel block have one position, and start in their order.
                let is_sibling = known.position == own && written.step.is_some_and(|it| !std::ptr::eq(it, known.step));
                if !is_sibling {
                    let (message, help) = if known.position == own {
                        let help = "a step sees those before it: read this in a later one";
                        (format!("step `{name}` reads of itself, which is empty"), help)
                    } else {
                        let help = "put this step behind it";
                        (format!("step `{name}` runs only later, so this is empty"), help)
                    };
                    let place = linting.warning("steps/undefined", message, written.place());
                    found.push(place.focus(written.span_of(&part.range)).help(help));
                }
                continue;
            }
            if known.is_none() {
                let message = format!("no step of this job has the id `{name}`, so this is empty");
                let none = format!("give the step that is meant `id: {name}`");
                let help = names_help(name, ids.iter().map(|it| it.step.id.as_str()), "the ids are", &none);
                let place = linting.warning("steps/undefined", message, written.place());
                found.push(place.focus(written.span_of(&part.range)).help(help));
                continue;
            }
            let Some(part) = path.parts.get(1) else { continue };
            let Some(member) = part.name.filter(|it| !MEMBERS.iter().any(|known| it.eq_ignore_ascii_case(known)))
            else {
                continue;
            };
            let message = format!("a step has no `{member}`, so this is empty");
            let help = names_help(member, MEMBERS, "it has", "");
            let help = if member.eq_ignore_ascii_case("result") { "did you mean `outcome`?".to_owned() } else { help };
            let place = linting.warning("steps/no-member", message, written.place());
            found.push(place.focus(written.span_of(&part.range)).help(help));
        }
    }
    found
}

/// A step with an id, and which of the job's steps it is, or is in.
struct Known<'a> {
    step: &'a Step,
    position: usize,
}

fn ids_of(job: &Job) -> Vec<Known<'_>> {
    let mut found = Vec::new();
    for (position, step) in job.steps.iter().enumerate() {
        let all = std::iter::once(step).chain(step.grouped());
        found.extend(all.filter(|it| it.has_id).map(|step| Known { step, position }));
    }
    found
}

fn position(job: &Job, wanted: &Step) -> Option<usize> {
    let is = |it: &Step| std::ptr::eq(it, wanted);
    job.steps.iter().position(|it| is(it) || it.grouped().iter().any(is))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, steps};

    #[test]
    fn steps_that_are_not_there() {
        for (text, expected) in [
            (
                "{id: build, run: a}, {run: 'echo ${{ steps.biuld.outputs.x }}'}",
                "steps/undefined `biuld`: did you mean `build`?",
            ),
            ("{run: 'echo ${{ steps.x.outputs.x }}'}", "steps/undefined `x`: give the step that is meant `id: x`"),
            ("{run: 'echo ${{ steps.b.outputs.x }}'}, {id: b, run: a}", "steps/undefined `b`: put this step behind it"),
            (
                "{id: b, run: 'echo ${{ steps.b.outputs.x }}'}",
                "steps/undefined `b`: a step sees those before it: read this in a later one",
            ),
            (
                "{id: b, run: a}, {run: 'echo ${{ steps.b.output.x }}'}",
                "steps/no-member `output`: did you mean `outputs`?",
            ),
            (
                "{id: b, run: a}, {run: 'echo ${{ steps.b.result }}'}",
                "steps/no-member `result`: did you mean `outcome`?",
            ),
            (
                "{id: b, run: a}, {run: 'echo ${{ steps.b.x }}'}",
                "steps/no-member `x`: it has: outputs, outcome, conclusion",
            ),
        ] {
            check(&steps(text), &[expected]);
        }
        check(
            "on: push\njobs: {j: {runs-on: x, outputs: {o: '${{ steps.a.outputs.x }}'}, steps: [{id: b, run: a}]}}\n",
            &["steps/undefined `a`: the ids are: b"],
        );
    }

    #[test]
    fn steps_that_are_there() {
        for text in [
            "{id: b, run: a}, {run: 'echo ${{ steps.B.outputs.x }} ${{ steps[matrix] }} ${{ toJSON(steps) }}'}",
            "{parallel: [{id: b, run: a}, {run: b}]}, {run: 'echo ${{ steps.b.outcome }}'}",
        ] {
            check(&steps(text), &[]);
        }
        check(
            "on: push\njobs: {j: {runs-on: x, outputs: {o: '${{ steps.b.outputs.x }}'}, steps: [{id: b, run: a}]}}\n",
            &[],
        );
    }
}
