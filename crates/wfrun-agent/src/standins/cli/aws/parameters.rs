//! The options of an operation: which there are, their values, and the input that they make.

use serde_json::{Map, Value};

use super::error::CliError;
use super::model::{Member, Model, Operation, Type, option_name};
use super::{shorthand, validate};
use crate::standins::cli::process::Process;

/// What the options of an operation say.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    /// The members of the input.
    pub(super) input: Map<String, Value>,
    /// `--max-items`.
    pub(super) max_items: Option<usize>,
    /// `--page-size`.
    pub(super) page_size: Option<Value>,
}

/// Reads an operation's options. Every message is that of the AWS CLI.
pub(super) fn read(
    model: &Model,
    operation: &Operation,
    words: &[String],
    process: &Process<'_>,
) -> Result<Parameters, CliError> {
    let members = model.members(operation.input);
    let mut parameters = Parameters::default();
    let mut whole: Option<Map<String, Value>> = None;
    let mut unknown = Vec::new();
    let mut rest = words;
    while let Some((word, after)) = rest.split_first() {
        rest = after;
        let Some((typed, attached)) = split_option(word) else {
            unknown.push(word.clone());
            continue;
        };
        let option = find(members, operation, typed);
        let Some(option) = option else {
            unknown.push(word.clone());
            continue;
        };
        match option {
            Found::Flag(member, value) => {
                if let Some(value) = attached {
                    return Err(CliError::usage(format!("argument {typed}: ignored explicit argument '{value}'")));
                }
                parameters.input.insert(member.name.to_owned(), value.into());
            }
            Found::Member(member) => {
                let values = take(&mut rest, attached, matches!(member.kind, Type::List(..)), typed)?;
                let cli_name = format!("--{}", option_name(member.name));
                let value = decode(model, &member.kind, values, &cli_name, process)?;
                parameters.input.insert(member.name.to_owned(), value);
            }
            Found::Other(name) => {
                let value = take(&mut rest, attached, false, typed)?.remove(0);
                match name {
                    "cli-input-json" => whole = Some(whole_input(&value, process)?),
                    "max-items" => {
                        parameters.max_items = shorthand::integer(&value)?.as_u64().and_then(|it| it.try_into().ok());
                    }
                    "page-size" => parameters.page_size = Some(shorthand::integer(&value)?),
                    _ => return Err(CliError::not_supported(format!("--{name}"))),
                }
            }
        }
    }
    if !unknown.is_empty() {
        return Err(CliError::UnknownOptions { options: unknown.join(", ") });
    }
    complete(model, operation, parameters, whole)
}

/// Puts the typed options over `--cli-input-json` and checks the result.
fn complete(
    model: &Model,
    operation: &Operation,
    mut parameters: Parameters,
    whole: Option<Map<String, Value>>,
) -> Result<Parameters, CliError> {
    let typed = std::mem::take(&mut parameters.input);
    if let Some(whole) = whole {
        parameters.input = whole;
    } else {
        let missing = model.members(operation.input).iter().filter(|it| it.required && !typed.contains_key(it.name));
        let missing: Vec<String> = missing.map(|member| format!("--{}", option_name(member.name))).collect();
        if !missing.is_empty() {
            return Err(CliError::missing(missing.join(", ")));
        }
    }
    parameters.input.extend(typed);
    let paged = parameters.page_size.clone().map(|size| ("maxResults".to_owned(), size));
    let checked = parameters.input.clone().into_iter().chain(paged).collect();
    validate::input(model, operation.input, &checked)?;
    Ok(parameters)
}

enum Found<'m> {
    Flag(&'m Member, bool),
    Member(&'m Member),
    Other(&'static str),
}

const OTHER: [&str; 4] = ["cli-input-json", "cli-input-yaml", "generate-cli-skeleton", "cli-auto-prompt"];
const PAGING: [&str; 3] = ["max-items", "page-size", "starting-token"];

/// The option of that name, or the only one that begins so.
fn find<'m>(members: &'m [Member], operation: &Operation, typed: &str) -> Option<Found<'m>> {
    let mut options: Vec<(String, Found<'m>)> = Vec::new();
    for member in members {
        let name = option_name(member.name);
        if member.kind == Type::Boolean {
            let off = if name == "enable-execute-command" {
                "disable-execute-command".to_owned()
            } else {
                format!("no-{name}")
            };
            options.push((off, Found::Flag(member, false)));
            options.push((name, Found::Flag(member, true)));
        } else {
            options.push((name, Found::Member(member)));
        }
    }
    let paging: &[&'static str] = if operation.page.is_some() { &PAGING } else { &[] };
    options.extend(OTHER.iter().chain(paging).map(|name| ((*name).to_owned(), Found::Other(name))));
    let typed = typed.trim_start_matches("--");
    let exact = options.iter().position(|(name, _)| name == typed);
    let only = || {
        let mut begin = options.iter().enumerate().filter(|(_, (name, _))| name.starts_with(typed)).map(|(at, _)| at);
        begin.next().filter(|_| begin.next().is_none())
    };
    let at = exact.or_else(only)?;
    Some(options.swap_remove(at).1)
}

/// `--name` or `--name=value`.
fn split_option(word: &str) -> Option<(&str, Option<&str>)> {
    if !word.starts_with("--") || word.len() == 2 {
        return None;
    }
    Some(word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value))))
}

/// The values of an option: one, or for a list all until the next option.
fn take(rest: &mut &[String], attached: Option<&str>, list: bool, typed: &str) -> Result<Vec<String>, CliError> {
    if let Some(value) = attached {
        return Ok(vec![value.to_owned()]);
    }
    let is_value = |word: &&String| !word.starts_with('-') || word.len() == 1 || word.parse::<f64>().is_ok();
    let available = rest.iter().take_while(is_value).count();
    let count = if list { available } else { available.min(1) };
    if !list && count == 0 {
        return Err(CliError::usage(format!("argument {typed}: expected one argument")));
    }
    let (values, after) = rest.split_at(count);
    *rest = after;
    Ok(values.to_vec())
}

/// The content of `file://…`, or the value itself.
fn resolve(value: String, cli_name: &str, process: &Process<'_>) -> Result<String, CliError> {
    let path = value.strip_prefix("file://").or_else(|| value.strip_prefix("fileb://"));
    let Some(path) = path else {
        return Ok(value);
    };
    let path = path.strip_prefix("~/").map_or_else(|| path.into(), |rest| process.home().join(rest));
    std::fs::read_to_string(process.path(&path)).map_err(|error| {
        let number = error.raw_os_error().unwrap_or_default();
        let text = error.to_string();
        let reason = text.split(" (os error").next().unwrap_or_default();
        let shown = path.display();
        CliError::parsing(cli_name, format!("Unable to load paramfile {value}: [Errno {number}] {reason}: '{shown}'"))
    })
}

fn whole_input(value: &str, process: &Process<'_>) -> Result<Map<String, Value>, CliError> {
    let text = resolve(value.to_owned(), "--cli-input-json", process)?;
    match serde_json::from_str(&text) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) | Err(_) => Err(CliError::parsing("cli-input-json", "Invalid JSON received.")),
    }
}

fn decode(
    model: &Model,
    kind: &Type,
    mut values: Vec<String>,
    cli_name: &str,
    process: &Process<'_>,
) -> Result<Value, CliError> {
    if let [only] = values.as_mut_slice() {
        *only = resolve(std::mem::take(only), cli_name, process)?;
    }
    match kind {
        Type::List(kind, _) => decode_list(model, kind, &values, cli_name),
        Type::Structure(_) | Type::Map(_) => element(model, kind, &values[0], cli_name),
        Type::Integer(_) => shorthand::integer(&values[0]),
        Type::Float | Type::Boolean => shorthand::convert(model, kind, Value::String(values.remove(0))),
        Type::String(_) | Type::Timestamp => Ok(Value::String(values.remove(0))),
    }
}

fn decode_list(model: &Model, kind: &Type, values: &[String], cli_name: &str) -> Result<Value, CliError> {
    if let [only] = values
        && only.trim_start().starts_with('[')
    {
        return json(only, cli_name);
    }
    Ok(Value::Array(values.iter().map(|value| element(model, kind, value, cli_name)).collect::<Result<_, _>>()?))
}

/// A scalar, JSON, or shorthand.
fn element(model: &Model, kind: &Type, value: &str, cli_name: &str) -> Result<Value, CliError> {
    match kind {
        Type::Structure(_) | Type::Map(_) | Type::List(..) => {
            if value.trim_start().starts_with(['{', '[']) {
                return json(value, cli_name);
            }
            let read = shorthand::parse(value).map_err(|reason| CliError::parsing(cli_name, reason))?;
            shorthand::convert(model, kind, read)
        }
        Type::String(_) | Type::Integer(_) | Type::Float | Type::Boolean | Type::Timestamp => {
            shorthand::convert(model, kind, Value::String(value.to_owned()))
        }
    }
}

fn json(value: &str, cli_name: &str) -> Result<Value, CliError> {
    serde_json::from_str(value)
        .map_err(|error| CliError::parsing(cli_name, format!("Invalid JSON: {error}\nJSON received: {value}")))
}
