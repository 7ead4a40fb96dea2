//! Texts for which tests of conditions and filters hold.
use wfrun_expr::{CompareOp, Expr, ExprKind, Value, format_number};
use wfrun_workflow::Patterns;

const BRANCHES: &str = "refs/heads/";
const TAGS: &str = "refs/tags/";

pub(super) fn fixed(expr: &Expr) -> Option<&Value> {
    if let ExprKind::Literal(value) = &expr.kind { Some(value) } else { None }
}

/// The items of `fromJSON('["a", "b"]')`.
pub(super) fn fixed_list(expr: &Expr) -> Option<Vec<String>> {
    let ExprKind::Call { function, args } = &expr.kind else { return None };
    let text = args.first().filter(|_| function.eq_ignore_ascii_case("fromjson")).and_then(fixed)?.to_text();
    let list: Vec<serde_json::Value> = serde_json::from_str(&text).ok()?;
    Some(list.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect())
}

/// Values for which a comparison holds, and the bound itself.
pub(super) fn compared(op: CompareOp, value: &Value) -> Vec<String> {
    let bound = value.to_text();
    let Value::Number(number) = value else { return vec![bound] };
    match op {
        CompareOp::Equal | CompareOp::NotEqual => vec![bound],
        CompareOp::Less | CompareOp::LessOrEqual => vec![bound, format_number(number - 1.0)],
        CompareOp::Greater | CompareOp::GreaterOrEqual => vec![bound, format_number(number + 1.0)],
    }
}

/// Texts for which `startsWith`, `endsWith` or `contains` hold; full refs for a context that is one.
pub(super) fn texts_with(function: &str, text: &str, of_ref: bool) -> Vec<String> {
    let name = text.trim_matches('/');
    let filled = |it: &str| if it.ends_with('/') { format!("{it}x") } else { it.to_owned() };
    let refs = |names: &[String]| -> Vec<String> {
        [BRANCHES, TAGS].iter().flat_map(|it| names.iter().map(move |name| format!("{it}{name}"))).collect()
    };
    match (function, of_ref) {
        ("startswith", _) => vec![filled(text), format!("{text}1")],
        ("endswith", false) => vec![text.to_owned(), format!("x{text}")],
        ("endswith", true) => refs(&[name.to_owned(), format!("x{text}")]),
        ("contains", false) => vec![text.to_owned(), filled(name), format!("x{text}x")],
        ("contains", true) => match [BRANCHES, TAGS].iter().find_map(|it| text.find(it)) {
            Some(at) => vec![filled(text.get(at..).unwrap_or_default())],
            None => refs(&[name.to_owned(), format!("x{text}x")]),
        },
        _ => Vec::new(),
    }
}

/// Names that the patterns let through, or leave out: each plain one, and an example of each with wildcards.
pub(super) fn examples(patterns: &Patterns) -> Vec<String> {
    let filled = |text: &str| {
        let text = text.trim_start_matches('!').replace("**/", "").replace("**", "x").replace('*', "x");
        text.replace(['?', '+'], "").replace("[0-9]", "1")
    };
    let named = patterns.list.iter().map(|it| filled(&it.value));
    let beside = patterns.ignore.then(|| if patterns.key.starts_with("paths") { "src/x" } else { "x" }.to_owned());
    named.chain(beside).filter(|it| !it.is_empty() && !it.contains(['[', ']', '\\'])).collect()
}
