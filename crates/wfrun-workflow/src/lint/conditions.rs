//! `if/never` and `if/always`: conditions that do not depend on anything.
use wfrun_expr::{CompareOp, Expr, ExprKind, Value};
use wfrun_syntax::{Diagnostic, closest, eq_ignoring_case};

use super::domain::{Care, Place, actions, equality, in_all};
use super::fold::fold;
use super::{Linting, matrix, names_help};
use crate::schema::EVENTS;
use crate::sites::{Site, SiteValue, sites};
use crate::{IfField, InputKind, InputSpec};

/// Looks for conditions that hold in every case, or in none.
///
/// Plain constants (`if: false`) are meant; text beside `${{ }}` is another lint's.
/// Source: GitHub: planning rules 2.2, 2.6, 3.4, 3.11 and 4.3.
pub(super) fn lint(linting: &Linting<'_>) -> Vec<Diagnostic> {
    let conditions = sites(linting.workflow).into_iter().filter_map(|site| match site.value {
        SiteValue::If(condition) => Some((site, condition)),
        SiteValue::Field(_) => None,
    });
    conditions.filter_map(|(site, condition)| condition_lint(linting, &site, condition)).collect()
}

fn condition_lint(linting: &Linting<'_>, site: &Site<'_>, condition: &IfField) -> Option<Diagnostic> {
    let node = condition.node.as_ref()?;
    let place = Place { workflow: linting.workflow, job: site.job?, step: site.step };
    if condition.condition.is_literal_text() {
        return None;
    }
    let expr = &condition.condition.expr;
    let written = written(condition);
    if matches!(written, [Expr { kind: ExprKind::Literal(_), .. }] | []) {
        return None;
    }
    let span = |parts: &[Expr]| {
        let start = parts.iter().map(|it| it.range.start).min().unwrap_or_default();
        let end = parts.iter().map(|it| it.range.end).max().unwrap_or_default();
        condition.span_of(&(start..end)).unwrap_or_default()
    };
    let what = if site.step.is_some() { "step" } else { "job" };
    if in_all(expr, place, Care::File, |it| fold(expr, it).truth()) == Some(false) {
        let (culprit, help) = reason(expr, written, place);
        let message = format!("this condition can never hold, so the {what} never runs");
        return Some(linting.warning("if/never", message, node.place()).focus(span(culprit)).help(help));
    }
    let depends = written
        .iter()
        .flat_map(Expr::walk)
        .any(|it| matches!(it.kind, ExprKind::Context(_) | ExprKind::Compare { .. }));
    let holds = |it| in_all(it, place, Care::Kinds, |world| fold(it, world).truth()) == Some(true);
    if depends && written.iter().all(holds) {
        let message = format!("this condition always holds, so it decides nothing about the {what}");
        let found = linting.warning("if/always", message, node.place()).focus(span(written));
        return Some(found.help(always_help(written, place)));
    }
    misspelt_event(linting, condition, expr)
}

/// The parts of a condition that are written, all of which must hold.
fn written(condition: &IfField) -> &[Expr] {
    let expr = &condition.condition.expr;
    let parts = if let ExprKind::And(operands) = &expr.kind { operands } else { std::slice::from_ref(expr) };
    // The first is `success()` where GitHub added that.
    if condition.condition.implicit_success { parts.get(1..).unwrap_or_default() } else { parts }
}

/// Which part is to blame for a condition that never holds, and the way out.
fn reason<'e>(whole: &'e Expr, written: &'e [Expr], place: Place<'_>) -> (&'e [Expr], String) {
    for (at, part) in written.iter().enumerate() {
        if in_all(part, place, Care::File, |it| fold(part, it).truth()) == Some(false) {
            return (&written[at..=at], part_help(part, place));
        }
    }
    let alone = Expr { kind: ExprKind::And(written.to_vec()), range: whole.range.clone() };
    let never = |care: Care| in_all(&alone, place, care, |it| fold(&alone, it).truth()) == Some(false);
    let help = if !never(Care::File) {
        let parts: Vec<_> = written.iter().map(inner).collect();
        let parts = parts.join(" && ");
        format!(
            "GitHub puts `success() &&` in front, which holds where all went well: write `${{{{ !cancelled() && {parts} }}}}`"
        )
    } else if never(Care::Kinds) {
        EXCLUDE.to_owned()
    } else {
        "its parts exclude each other for the events of `on:`: change one of them, or take it away".to_owned()
    };
    (written, help)
}

/// The way out of `a == 'x' && a == 'y'`.
const EXCLUDE: &str = "its parts exclude each other: is `||` meant in the place of one `&&`?";

fn inner(expr: &Expr) -> String {
    if matches!(expr.kind, ExprKind::Or(_)) { format!("({expr})") } else { expr.to_string() }
}

fn part_help(part: &Expr, place: Place<'_>) -> String {
    let general = "no value fits: change the condition, or take it away".to_owned();
    if let ExprKind::Call { function, .. } = &part.kind
        && function.eq_ignore_ascii_case("failure")
    {
        return "no job runs before one without `needs`, so none can have failed: add `needs`".to_owned();
    }
    let Some((path, value)) = equality(part) else {
        return if matches!(part.kind, ExprKind::And(_)) {
            EXCLUDE.to_owned()
        } else if part.walk().all(|it| !matches!(it.kind, ExprKind::Context(_))) {
            "it is a constant: change it, or take it away".to_owned()
        } else {
            general
        };
    };
    if is_unequal(part) {
        return "there is no other value: change the condition, or take it away".to_owned();
    }
    let text = value.to_text();
    let on = &place.workflow.on;
    match path.normal().as_str() {
        "github.event_name" => {
            let names = on.events.keys().map(crate::EventName::as_str);
            let known = EVENTS.iter().any(|it| it.name == text);
            let near = if known { None } else { closest(&text, names.clone().chain(EVENTS.iter().map(|it| it.name))) };
            let has = names.map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ");
            near.map_or_else(
                || format!("`on:` has {has}: add `{text}` there, or change the condition"),
                |it| format!("did you mean `{it}`?"),
            )
        }
        "github.event.action" => {
            let all = on.events.keys().filter_map(|it| actions(place.workflow, it.as_str())).flatten();
            let types: Vec<_> = all.filter_map(|it| it.as_str().map(|it| format!("`{it}`"))).collect();
            format!("the workflow starts for the types {}: add `{text}` to `types`", types.join(", "))
        }
        _ => match path.context.to_ascii_lowercase().as_str() {
            "inputs" => input_help(path.name(0).unwrap_or_default(), value, place).unwrap_or(general),
            "github" if path.starts_with(&["event", "inputs"]) => {
                let name = path.name(2).unwrap_or_default();
                match spec(name, place) {
                    Some(spec) if spec.kind == InputKind::Boolean && value.as_str().is_none() => {
                        format!(
                            "`github.event.inputs.{name}` is a text, `'true'` or `'false'`: write `{}inputs.{name}`",
                            if value.is_truthy() { "" } else { "!" }
                        )
                    }
                    _ => input_help(name, value, place).unwrap_or(general),
                }
            }
            "matrix" => {
                let values = matrix::values(place.job, path.name(0).unwrap_or_default()).unwrap_or_default();
                let values: Vec<_> = values.iter().filter(|it| **it != Value::Null).map(Value::to_text).collect();
                if values.iter().any(|it| eq_ignoring_case(it, &text)) {
                    let name = path.name(0).unwrap_or_default();
                    return format!(
                        "the matrix has the boolean `{text}` there, not a text: write `matrix.{name} == {text}`"
                    );
                }
                names_help(&text, values.iter().map(String::as_str), "the values of the matrix are", &general)
            }
            _ => general,
        },
    }
}

fn spec<'a>(name: &str, place: Place<'a>) -> Option<&'a InputSpec> {
    let events = ["workflow_dispatch", "workflow_call"].into_iter().filter_map(|it| place.workflow.on.event(it));
    events.flat_map(|it| &it.inputs).find(|(key, _)| eq_ignoring_case(key, name)).map(|(_, spec)| spec)
}

fn input_help(name: &str, value: &Value, place: Place<'_>) -> Option<String> {
    let spec = spec(name, place)?;
    Some(match spec.kind {
        InputKind::Boolean => {
            let not = if value.to_text().eq_ignore_ascii_case("false") { "!" } else { "" };
            format!("`inputs.{name}` is a boolean, and a text is never equal to one: write `{not}inputs.{name}`")
        }
        InputKind::Choice => names_help(
            &value.to_text(),
            spec.options.iter().map(String::as_str),
            "its options are",
            "it has no options",
        ),
        InputKind::String | InputKind::Number | InputKind::Environment => return None,
    })
}

fn always_help(written: &[Expr], place: Place<'_>) -> String {
    let general = "change the condition, or take it away";
    for part in written {
        if let ExprKind::Or(operands) = &part.kind {
            if operands.iter().filter(|it| is_unequal(it)).count() > 1 {
                return "each value differs from one of the two: is `&&` meant in the place of `||`?".to_owned();
            }
            if operands.iter().any(|it| matches!(it.kind, ExprKind::Literal(_))) {
                return "a text on its own always holds: compare it with something, as in `a == 'x' || a == 'y'`"
                    .to_owned();
            }
        }
        if let Some((path, value)) = equality(part)
            && path.context.eq_ignore_ascii_case("inputs")
            && let Some(help) = input_help(path.name(0).unwrap_or_default(), value, place)
        {
            return help;
        }
        if let Some((path, _)) = super::path::path(part)
            && path.starts_with(&["event", "inputs"])
            && let Some(name) = path.name(2)
        {
            return format!("the text `'false'` counts as true: write `inputs.{name}`, which is a boolean");
        }
    }
    general.to_owned()
}

fn is_unequal(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Compare { op: CompareOp::NotEqual, .. })
}

/// A comparison with the name of an event that there is not, in a condition that can hold otherwise.
fn misspelt_event(linting: &Linting<'_>, condition: &IfField, expr: &Expr) -> Option<Diagnostic> {
    let names = || EVENTS.iter().map(|it| it.name);
    let (part, text) = expr.walk().find_map(|part| {
        let (path, value) = equality(part)?;
        let text = value.as_str()?;
        (path.normal() == "github.event_name" && !names().any(|it| eq_ignoring_case(it, text))).then_some((part, text))
    })?;
    let near = closest(text, names())?;
    let message = format!("there is no event `{text}`, so this part can never hold");
    let found = linting.warning("if/never", message, condition.node.as_ref()?.place());
    Some(found.focus(condition.span_of(&part.range)?).help(format!("did you mean `{near}`?")))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, job_if, steps};

    #[track_caller]
    fn told(on: &str, condition: &str, expected: &str) {
        check(&job_if(on, condition), &[expected]);
    }

    #[test]
    fn events_that_are_not_there() {
        let add = "`on:` has `push`, `pull_request`: add `schedule` there, or change the condition";
        let part = "github.event_name == 'schedule'";
        told("[push, pull_request]", part, &format!("if/never `{part}`: {add}"));
        told(
            "[push, pull_request]",
            "github.ref == 'x' && github.event_name == 'schedule'",
            &format!("if/never `{part}`: {add}"),
        );
        told(
            "[push, pull_request]",
            "github.event_name == 'pull_requset' || github.event_name == 'push'",
            "if/never `github.event_name == 'pull_requset'`: did you mean `pull_request`?",
        );
        told(
            "[push, pull_request]",
            "github.event_name == 'pull_request' && github.event_name == 'push'",
            "if/never `github.event_name == 'pull_request' && github.event_name == 'push'`: its parts exclude each other: is `||` meant in the place of one `&&`?",
        );
        told(
            "pull_request",
            "github.event.action == 'closed'",
            "if/never `github.event.action == 'closed'`: the workflow starts for the types `opened`, `synchronize`, `reopened`: add `closed` to `types`",
        );
        told(
            "push",
            "github.event_name != 'push'",
            "if/never `github.event_name != 'push'`: there is no other value: change the condition, or take it away",
        );
        told(
            "{push: , pull_request: {types: [closed]}}",
            "github.event_name == 'push' && github.event.action == 'closed'",
            "if/never `github.event_name == 'push' && github.event.action == 'closed'`: its parts exclude each other for the events of `on:`: change one of them, or take it away",
        );
    }

    #[test]
    fn constants_and_kinds() {
        let constant = "it is a constant: change it, or take it away";
        told("push", "\"'true' == true\"", &format!("if/never `'true' == true`: {constant}"));
        told("push", "false && github.ref == 'x'", &format!("if/never `false`: {constant}"));
        told("push", "${{ !always() }}", &format!("if/never `!always()`: {constant}"));
        let dispatch = "{workflow_dispatch: {inputs: {b: {type: boolean}, c: {type: choice, options: [x, y]}}}}";
        told(
            dispatch,
            "github.event.inputs.b == true",
            "if/never `github.event.inputs.b == true`: `github.event.inputs.b` is a text, `'true'` or `'false'`: write `inputs.b`",
        );
        told(
            dispatch,
            "inputs.b == 'true'",
            "if/never `inputs.b == 'true'`: `inputs.b` is a boolean, and a text is never equal to one: write `inputs.b`",
        );
        told(dispatch, "inputs.c == 'z-z'", "if/never `inputs.c == 'z-z'`: its options are: x, y");
        told(
            dispatch,
            "github.event.inputs.b",
            "if/always `github.event.inputs.b`: the text `'false'` counts as true: write `inputs.b`, which is a boolean",
        );
        told(
            dispatch,
            "inputs.b != 'false'",
            "if/always `inputs.b != 'false'`: `inputs.b` is a boolean, and a text is never equal to one: write `!inputs.b`",
        );
    }

    #[test]
    fn parts_that_contradict_each_other() {
        told(
            "push",
            "github.ref != 'a' || github.ref != 'b'",
            "if/always `github.ref != 'a' || github.ref != 'b'`: each value differs from one of the two: is `&&` meant in the place of `||`?",
        );
        told(
            "push",
            "github.ref == 'a' || 'b'",
            "if/always `github.ref == 'a' || 'b'`: a text on its own always holds: compare it with something, as in `a == 'x' || a == 'y'`",
        );
        told(
            "push",
            "github.ref == 'a' && github.ref == 'b'",
            "if/never `github.ref == 'a' && github.ref == 'b'`: its parts exclude each other: is `||` meant in the place of one `&&`?",
        );
        check(
            "on: push\njobs: {j: {runs-on: x, strategy: {matrix: {os: [linux, mac]}}, steps: [{run: a, if: matrix.os == 'windows'}]}}\n",
            &["if/never `matrix.os == 'windows'`: the values of the matrix are: linux, mac"],
        );
        check(
            "on: push\njobs: {j: {runs-on: x, strategy: {matrix: {include: [{a: true}, {b: 1}]}}, steps: [{run: a, if: matrix.a == 'true'}]}}\n",
            &[
                "if/never `matrix.a == 'true'`: the matrix has the boolean `true` there, not a text: write `matrix.a == true`",
            ],
        );
    }

    /// Source: GitHub: planning rules 4.3.
    #[test]
    fn results_and_the_success_that_github_adds() {
        let jobs = |condition: &str| {
            format!(
                "on: push\njobs:\n  a: {{runs-on: x, steps: [{{run: a}}]}}\n  b:\n    needs: a\n    if: {condition}\n    runs-on: x\n    steps: [{{run: a}}]\n"
            )
        };
        check(
            &jobs("needs.a.result == 'failure'"),
            &[
                "if/never `needs.a.result == 'failure'`: GitHub puts `success() &&` in front, which holds where all went well: write `${{ !cancelled() && needs.a.result == 'failure' }}`",
            ],
        );
        check(
            &jobs("github.sha && needs.a.result == 'skipped'"),
            &[
                "if/never `github.sha && needs.a.result == 'skipped'`: GitHub puts `success() &&` in front, which holds where all went well: write `${{ !cancelled() && github.sha && needs.a.result == 'skipped' }}`",
            ],
        );
        for condition in [
            "failure() && needs.a.result == 'failure'",
            "always() && needs.a.result != 'success'",
            "needs.a.result == 'success'",
            "${{ !cancelled() && needs.a.result == 'skipped' }}",
            "${{ !failure() && !cancelled() }}",
            "always()",
            "success() || failure()",
        ] {
            check(&jobs(condition), &[]);
        }
        told(
            "push",
            "failure()",
            "if/never `failure()`: no job runs before one without `needs`, so none can have failed: add `needs`",
        );
        check(
            &steps("{id: a, run: a}, {if: 'steps.a.outcome == ''failure''', run: b}"),
            &[
                "if/never `steps.a.outcome == ''failure''`: GitHub puts `success() &&` in front, which holds where all went well: write `${{ !cancelled() && steps.a.outcome == 'failure' }}`",
            ],
        );
        for step in [
            "{id: a, run: a, continue-on-error: true}, {if: 'steps.a.outcome == ''failure''', run: b}",
            "{id: a, run: a}, {if: 'failure() && steps.a.outcome == ''failure''', run: b}",
            "{id: a, run: a}, {if: 'steps.a.conclusion == ''skipped''', run: b}",
            "{run: a}, {if: 'success() && job.status != ''failure''', run: b}",
        ] {
            check(&steps(step), &[]);
        }
    }

    #[test]
    fn conditions_that_depend_on_something() {
        for (on, condition) in [
            ("push", "false"),
            ("push", "github.event_name == 'push'"),
            ("push", "github.event_name != 'pull_request'"),
            ("push", "github.ref == 'refs/heads/main'"),
            ("push", "startsWith(github.ref, 'refs/tags/')"),
            ("push", "github.ref == 'a' || github.ref == 'b'"),
            ("push", "github.ref != 'a' && github.ref != 'b'"),
            (
                "[push, pull_request]",
                "github.event_name == 'push' || github.event.pull_request.head.repo.full_name == github.repository",
            ),
            ("workflow_call", "github.event_name == 'push'"),
            (
                "{pull_request: {types: [closed]}}",
                "github.event.action == 'closed' && github.event.pull_request.merged",
            ),
            ("{repository_dispatch: }", "github.event.action == 'x'"),
            ("{workflow_dispatch: {inputs: {b: {type: boolean}, s: {}}}}", "inputs.b"),
            ("{workflow_dispatch: {inputs: {b: {type: boolean}, s: {}}}}", "inputs.b == true"),
            ("{workflow_dispatch: {inputs: {b: {type: boolean}, s: {}}}, push: }", "github.event.inputs.b == 'true'"),
            ("{workflow_dispatch: {inputs: {b: {type: boolean}, s: {}}}, push: }", "github.event.inputs.b != 'false'"),
            ("{workflow_dispatch: {inputs: {b: {type: boolean}, s: {}}}}", "inputs.s == 'true' || inputs.s == true"),
            ("push", "vars.X == '' || vars.X == 'a'"),
            ("push", "contains(fromJSON('[\"a\"]'), github.ref)"),
        ] {
            check(&job_if(on, condition), &[]);
        }
    }
}
