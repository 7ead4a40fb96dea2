//! `aws`: the commands of the AWS CLI that deployments to ECS use, against the account at `AWS_ENDPOINT_URL`.
//!
//! Behaves as version 2 of the AWS CLI. Source: AWS CLI command reference, and 2.36.7 run against the same answers.

mod call;
mod configure;
mod error;
mod globals;
mod model;
mod output;
mod parameters;
mod profile;
mod python;
mod query;
mod shorthand;
mod table;
mod text;
mod timestamp;
mod validate;
mod wait;

use serde_json::Value;

use call::Caller;
use error::CliError;
use globals::{Globals, Output};
use model::{Model, Operation};

use super::process::{How, Process};

/// The version whose behaviour is followed.
const VERSION: &str = "2.36.7";

/// Runs `aws` with `args` and gives its exit code: 0, 252 for a wrong command line, 253 for missing configuration,
/// 254 for an error of the service, 255 for the rest.
pub(super) fn run(args: &[String], process: &mut Process<'_>) -> u8 {
    match command(args, process) {
        Ok(()) => 0,
        Err(CliError::Silent { code }) => code,
        Err(error) => {
            // A script may go on after it: then nothing else would say that it was not done.
            if let CliError::NotSupported { what, .. } = &error {
                process.declare(How::NotRun, &format!("aws {what}"), "wfrun's own `aws` does not have it");
            }
            if matches!(error, CliError::UnknownOptions { .. }) {
                process.error_line(&format!("\nusage: {}", error::USAGE));
            }
            process.error_line(&format!("\naws: [ERROR]: {}", error.to_string().trim()));
            error.exit_code()
        }
    }
}

fn command(args: &[String], process: &mut Process<'_>) -> Result<(), CliError> {
    let (globals, rest) = Globals::read(args)?;
    let globals = globals.with_configured_output(process)?;
    if globals.version {
        process.line(&format!("aws-cli/{VERSION} wfrun-stand-in/{}", env!("CARGO_PKG_VERSION")));
        return Ok(());
    }
    if globals.debug {
        process.error_line("wfrun: --debug has no effect: the stand-in for `aws` keeps no debug log");
    }
    let mut words = rest.iter().map(String::as_str);
    let is_word = |word: &&str| !word.starts_with('-');
    let service = words.next().filter(is_word).ok_or_else(|| CliError::missing("command"))?;
    let rest: &[String] = rest.get(1..).unwrap_or_default();
    match service {
        "configure" => configure::run(rest, &globals, process),
        "ecs" | "ecr" | "sts" => operation(service, rest, &globals, process),
        "help" => Err(CliError::not_supported("help")),
        other if error::is_a_service(other) => {
            let operation = words.next().map_or_else(|| other.to_owned(), |operation| format!("{other} {operation}"));
            Err(if error::is_emulated(other) {
                CliError::not_supported(operation)
            } else {
                CliError::not_emulated(operation, other)
            })
        }
        other => Err(CliError::invalid_choice("command", other)),
    }
}

fn operation(service: &str, rest: &[String], globals: &Globals, process: &mut Process<'_>) -> Result<(), CliError> {
    let (name, rest) = rest.split_first().ok_or_else(|| CliError::missing("operation"))?;
    if name.starts_with('-') {
        return Err(CliError::missing("operation"));
    }
    let subject = format!("aws {service} {name}");
    if service == "ecr" && name == "get-login-password" {
        reject_extra(rest)?;
        let caller = Caller::new(globals, process, &format!("{service}.{name}"))?;
        let password = login_password(&caller)?;
        declare(process, &subject);
        process.line(&password);
        return Ok(());
    }
    if service == "ecr" && name == "get-login" {
        // Source: AWS CLI v2 user guide, "Breaking changes": "`aws ecr get-login` is replaced with `aws ecr get-login-password`".
        return Err(CliError::invalid_choice("operation", "get-login, which version 2 has not (get-login-password)"));
    }
    let model = Model::load(service);
    if service == "ecs" && name == "wait" {
        return wait::run(rest, globals, &model, process);
    }
    let Some(operation) = model.operation(name) else {
        return Err(CliError::not_supported(format!("{service} {name}")));
    };
    let parameters = parameters::read(&model, operation, rest, process)?;
    let caller = Caller::new(globals, process, &format!("{service}.{name}"))?;
    declare(process, &subject);
    let pages = caller.pages(&model, operation, &parameters, globals.paginate)?;
    show(operation, &pages, globals, process)
}

/// Prints the pages of an answer: text page by page, all else as one document.
fn show(
    operation: &Operation,
    pages: &call::Pages,
    globals: &Globals,
    process: &mut Process<'_>,
) -> Result<(), CliError> {
    let query = globals.query.as_ref();
    let search = |value: &Value| query.map_or_else(|| Ok(value.clone()), |query| query.search(value));
    match globals.output {
        Output::Text => {
            for page in &pages.each {
                process.write(&text::format(&search(page)?));
            }
        }
        Output::Json => process.write(&output::json(&search(&pages.whole())?)),
        Output::Table => process.write(&table::format(operation.name, &search(&pages.whole())?)?),
        Output::Off => {}
    }
    Ok(())
}

/// Source: AWS CLI, `ecr get-login-password` (the token is `AWS:<password>` in base64).
fn login_password(caller: &Caller) -> Result<String, CliError> {
    let model = Model::load("ecr");
    let operation = model.operation("get-authorization-token").expect("the model has it");
    let answer = caller.call(&model, operation, &Value::Object(serde_json::Map::new()))?;
    let token = answer["authorizationData"][0]["authorizationToken"].as_str().unwrap_or_default();
    let decoded = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, token).unwrap_or_default();
    let text = String::from_utf8(decoded).unwrap_or_default();
    let password = text.split_once(':').map(|(_, password)| password.to_owned());
    password.ok_or_else(|| CliError::General("the authorization token is not `user:password` in base64".to_owned()))
}

fn declare(process: &mut Process<'_>, subject: &str) {
    process.declare(How::StandIn, subject, "wfrun's own `aws`, as version 2 of the AWS CLI: this environment has none");
}

fn reject_extra(rest: &[String]) -> Result<(), CliError> {
    if rest.is_empty() { Ok(()) } else { Err(CliError::UnknownOptions { options: rest.join(", ") }) }
}
