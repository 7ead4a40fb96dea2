use indexmap::IndexMap;
use wfrun_syntax::Spanned;

use super::{Findings, cron};
use crate::{
    EnvMap, EventConfig, EventName, InputKind, InputSpec, On, Patterns, Schedule, SecretSpec, Token, TokenKind,
};

/// Most inputs of `workflow_dispatch`.
///
/// Source: GitHub: planning rules 1.1.
const MOST_INPUTS: usize = 25;

/// Makes `on:`: an event, a list of events, or events with what is said about them.
pub(super) fn on(findings: &mut Findings, key: &Spanned<String>, token: &Token) -> On {
    let mut events = IndexMap::new();
    if matches!(token.kind, TokenKind::Mapping(_)) {
        for (name, value) in token.pairs() {
            let config = config(findings, name, value);
            events.insert(EventName::new(name.value.as_str()), config);
        }
    }
    for name in token.one_or_many().iter().filter_map(Token::spanned_text) {
        let config = EventConfig { span: name.span, ..EventConfig::default() };
        events.insert(EventName::new(name.value), config);
    }
    On { span: key.span, events }
}

fn config(findings: &mut Findings, name: &Spanned<String>, token: &Token) -> EventConfig {
    let texts = |key: &str| -> Option<Vec<Spanned<String>>> {
        token.get(key).map(|it| it.one_or_many().iter().filter_map(Token::spanned_text).collect())
    };
    let mut config = EventConfig {
        span: name.span,
        types: texts("types"),
        workflows: texts("workflows").unwrap_or_default(),
        names: texts("names").unwrap_or_default(),
        versions: texts("versions").unwrap_or_default(),
        branches: patterns(findings, token, "branches", "branches-ignore"),
        tags: patterns(findings, token, "tags", "tags-ignore"),
        paths: patterns(findings, token, "paths", "paths-ignore"),
        ..EventConfig::default()
    };
    match name.value.as_str() {
        "workflow_dispatch" => config.inputs = dispatch_inputs(findings, token),
        "workflow_call" => {
            config.inputs = call_inputs(token);
            config.secrets = call_secrets(token);
            config.outputs = call_outputs(token);
        }
        "schedule" => config.schedule = schedule(findings, token),
        _ => {}
    }
    config
}

/// Makes one filter; a list and its `-ignore` twin exclude each other.
///
/// Source: GitHub: planning rules 2.4.
fn patterns(findings: &mut Findings, token: &Token, key: &'static str, ignore_key: &'static str) -> Option<Patterns> {
    let mut found = Vec::new();
    for (name, value) in token.pairs() {
        for (key, ignore) in [(key, false), (ignore_key, true)] {
            if name.value == key {
                let list = value.one_or_many().iter().filter_map(Token::spanned_text).collect();
                found.push((name.span, Patterns::new(key, ignore, list, value.place())));
            }
        }
    }
    if let [_, (span, _)] = found.as_slice() {
        let message = format!("`{key}` and `{ignore_key}` cannot both be given for one event");
        let help = format!("keep `{key}` and write what to leave out behind it with `!`");
        findings.error("workflow/filter-pair", message, *span, &help);
    }
    for (pattern, read) in found.iter().flat_map(|(_, it)| it.each()) {
        if let Err(error) = read {
            let help = "a backslash in front makes a special character stand for itself";
            findings.error("workflow/filter-pattern", format!("the pattern is invalid: {error}"), pattern.span, help);
        }
    }
    found.into_iter().next().map(|(_, it)| it)
}

/// Source: GitHub: planning rules 2.8.
fn schedule(findings: &mut Findings, token: &Token) -> Vec<Schedule> {
    let mut entries = Vec::new();
    for item in token.items() {
        let Some(cron) = item.get("cron").and_then(Token::spanned_text) else { continue };
        if let Err(part) = cron::check(&cron.value) {
            let message = "Invalid cron expression. Expected format: '* * * * *' (minute hour day month weekday)";
            findings.error("workflow/cron", message, cron.span, &part.to_string());
        }
        entries.push(Schedule { cron, timezone: item.get("timezone").and_then(Token::spanned_text) });
    }
    entries
}

/// Source: GitHub: planning rules 2.6.
fn dispatch_inputs(findings: &mut Findings, token: &Token) -> IndexMap<String, InputSpec> {
    let mut inputs = IndexMap::new();
    let Some(token) = token.get("inputs") else { return inputs };
    for (name, value) in token.pairs() {
        let spec = input(name, value);
        check_input(findings, &spec, value);
        inputs.insert(name.value.clone(), spec);
    }
    if inputs.len() > MOST_INPUTS {
        let message = format!("you may only define up to {MOST_INPUTS} `inputs` for a `workflow_dispatch` event");
        findings.error("workflow/dispatch-inputs", message, token.place(), "put several values into one input as JSON");
    }
    inputs
}

fn check_input(findings: &mut Findings, spec: &InputSpec, token: &Token) {
    let options = token.get("options");
    if spec.kind == InputKind::Choice && spec.options.is_empty() {
        let help = "list what can be chosen: `options: [a, b]`";
        let spans = [token.place(), token.get("type").map_or(token.place(), Token::place)];
        findings.error_in("workflow/dispatch-inputs", "Missing 'options' for choice input", spans, help);
    }
    if spec.kind != InputKind::Choice && options.is_some() {
        let message = "Input type is not 'choice', but 'options' is defined";
        let key = token.pairs().find(|(key, _)| key.value == "options").map_or(token.place(), |(key, _)| key.span);
        let help = "write `type: choice`, or take `options` away";
        findings.error_in("workflow/dispatch-inputs", message, [token.place(), key], help);
    }
    let Some(default) = token.get("default") else { return };
    if spec.kind == InputKind::Boolean && default.as_bool().is_none() {
        let message = format!("Unexpected value '{}'", default.node.scalar_text().unwrap_or_default());
        let help = "the default of a boolean input is `true` or `false`, without quotes";
        findings.error("workflow/dispatch-inputs", message, default.place(), help);
    }
}

fn call_inputs(token: &Token) -> IndexMap<String, InputSpec> {
    let inputs = token.get("inputs").into_iter().flat_map(Token::pairs);
    inputs.map(|(name, value)| (name.value.clone(), input(name, value))).collect()
}

fn input(name: &Spanned<String>, token: &Token) -> InputSpec {
    let kind = match token.get("type").and_then(Token::text) {
        Some("boolean") => InputKind::Boolean,
        Some("number") => InputKind::Number,
        Some("choice") => InputKind::Choice,
        Some("environment") => InputKind::Environment,
        _ => InputKind::String,
    };
    let options = token.get("options").map(Token::items).unwrap_or_default();
    InputSpec {
        span: name.span,
        kind,
        required: token.get("required").and_then(Token::as_bool) == Some(true),
        default: token.get("default").and_then(Token::field),
        options: options.iter().filter_map(|it| it.text().map(str::to_owned)).collect(),
    }
}

fn call_secrets(token: &Token) -> IndexMap<String, SecretSpec> {
    let secrets = token.get("secrets").into_iter().flat_map(Token::pairs);
    let spec = |(name, value): (&Spanned<String>, &Token)| {
        let required = value.get("required").and_then(Token::as_bool) == Some(true);
        (name.value.clone(), SecretSpec { span: name.span, required })
    };
    secrets.map(spec).collect()
}

fn call_outputs(token: &Token) -> EnvMap {
    let outputs = token.get("outputs").into_iter().flat_map(Token::pairs);
    EnvMap::of_fields(outputs.filter_map(|(name, value)| Some((name.clone(), value.get("value")?.field()?))))
}
