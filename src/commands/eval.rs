//! `wfrun eval`: an expression's value, and how it came to it.
mod batch;
mod contexts;

use wfrun_expr::{
    Availability, Called, EvalError, Expr, FunctionSpec, ParseError, ParseErrorKind, Scope, Trace, Value,
};
use wfrun_journal::Masker;
use wfrun_report::trace_text;
use wfrun_syntax::{Diagnostic, Source, Span, closest};
use wfrun_workflow::explain_expression_error;

use self::contexts::Contexts;
use crate::cli::EvalArgs;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::output::Output;

/// The functions besides the well-known ones.
const FUNCTIONS: &[FunctionSpec] = &[
    FunctionSpec { name: "success", min: 0, max: usize::MAX },
    FunctionSpec { name: "failure", min: 0, max: usize::MAX },
    FunctionSpec { name: "always", min: 0, max: 0 },
    FunctionSpec { name: "cancelled", min: 0, max: 0 },
    FunctionSpec { name: "hashFiles", min: 1, max: 255 },
];

/// Evaluates one expression, or those on standard input.
pub(crate) fn eval(args: &EvalArgs, environment: &Environment, output: &Output) -> anyhow::Result<Exit> {
    if args.batch {
        return batch::run();
    }
    let written = args.expression.as_deref().unwrap_or_default();
    let (inner, offset) = without_braces(written);
    let Some(contexts) = Contexts::read(args, output)? else { return Ok(Exit::Invalid) };
    let expr = match wfrun_expr::parse_in(inner, &contexts.names(), FUNCTIONS) {
        Ok(expr) => expr,
        Err(err) => {
            let kind = if err.kind.is_lexing() { "lexing" } else { "parsing" };
            return Ok(refuse(args, output, kind, &err.to_string(), || unparsed(written, offset, &err, &contexts)));
        }
    };
    let mut masker = Masker::default();
    let scope = contexts.scope(&expr, args, environment, &mut masker)?;
    match evaluate(&expr, &scope) {
        Ok(trace) => {
            let trace = masker.mask_trace(&trace);
            show(args, output, &trace);
            Ok(Exit::Success)
        }
        Err(err) => {
            let message = masker.mask(&err).to_string();
            let diagnostic = || {
                let source = Source::new("<expression>", written);
                let whole = span(offset, 0..inner.len());
                Diagnostic::error("expr/no-value", message.clone()).at(&source, whole)
            };
            Ok(refuse(args, output, "evaluation", &message, diagnostic))
        }
    }
}

/// What stands between `${{` and `}}` if these are around the whole, without blanks around it, and at which byte.
fn without_braces(written: &str) -> (&str, usize) {
    let start = written.len() - written.trim_start().len();
    let Some(inner) = written.trim().strip_prefix("${{").and_then(|it| it.strip_suffix("}}")) else {
        return (written, 0);
    };
    (inner.trim(), start + 3 + inner.len() - inner.trim_start().len())
}

fn span(offset: usize, range: std::ops::Range<usize>) -> Span {
    let limit = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
    Span::new(limit(offset + range.start), limit(offset + range.end))
}

/// Evaluates, and answers what needs the folder.
fn evaluate(expr: &Expr, scope: &dyn Scope) -> Result<Trace, String> {
    wfrun_expr::evaluate(expr, scope).map_err(|err| {
        let EvalError::NotYet { function, .. } = err else { return err.to_string() };
        format!("`{function}` has no value here")
    })
}

fn show(args: &EvalArgs, output: &Output, trace: &Trace) {
    if args.json {
        let value = trace.value();
        let all = serde_json::json!({"kind": value.kind().to_string(), "value": value, "trace": trace});
        Output::data(&format!("{all}\n"));
        return;
    }
    Output::note(trace_text(trace, &output.stderr).trim_end());
    Output::data(&format!("{}\n", pretty(trace.value())));
}

/// The value as JSON for people.
fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn refuse(
    args: &EvalArgs,
    output: &Output,
    kind: &str,
    message: &str,
    diagnostic: impl FnOnce() -> Diagnostic,
) -> Exit {
    if args.json {
        Output::data(&format!("{}\n", serde_json::json!({"error": {"kind": kind, "message": message}})));
    } else {
        output.diagnostics(&[diagnostic()]);
    }
    Exit::Invalid
}

/// The error with its place, and the way out.
fn unparsed(written: &str, offset: usize, err: &ParseError, contexts: &Contexts) -> Diagnostic {
    let source = Source::new("<expression>", written);
    let place = span(offset, err.range.start as usize..err.range.end as usize);
    let found = explain_expression_error(err, written.get(offset..).unwrap_or_default(), &AVAILABLE);
    let found = found.at(&source, place);
    if err.kind == ParseErrorKind::UnrecognizedNamedValue {
        // Whatever is given exists; there is no key here that could allow less.
        let found = Diagnostic { code: "expr/unknown-context".into(), ..found };
        let near = closest(&err.token, contexts.names()).map(|it| format!("did you mean `{it}`?"));
        return found.help(near.unwrap_or_else(|| contexts.missing(&err.token)));
    }
    if err.token.starts_with('$') {
        return found.help("give the text of one expression, without `${{ }}` or with it around the whole");
    }
    found
}

/// What an expression here may use besides the contexts that are given.
const AVAILABLE: Availability = Availability { contexts: &[], functions: FUNCTIONS };

/// Status functions answer as in a job that needs nothing.
///
/// Source: GitHub: planning rules P4.3.
fn status(function: &str) -> Option<Value> {
    let is = |name: &str| function.eq_ignore_ascii_case(name);
    if is("success") || is("always") {
        return Some(Value::Bool(true));
    }
    (is("failure") || is("cancelled")).then_some(Value::Bool(false))
}

/// What `hashFiles` gives in a scope without files.
fn called(function: &str) -> Called {
    status(function).map_or(Called::NotYet, Called::Value)
}
