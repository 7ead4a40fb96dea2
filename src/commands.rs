//! The subcommands, one file each.
mod actions;
mod cache;
mod check;
mod clean;
mod doctor;
mod documents;
mod download;
mod eval;
mod graph;
mod history;
mod list;
mod plan;
mod run;
mod services;
mod table;
mod test;
mod vendor;
mod why;
mod why_job;
mod why_run;

pub(crate) use run::{plan_error, refuse as refuse_workflow};

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

use clap::CommandFactory as _;
use wfrun_report::ColorChoice;
use wfrun_syntax::{Diagnostic, closest};

use crate::act::{self, Refusal};
use crate::cli::{Cli, Command, PLANNED};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::output::Output;

/// What of this executable is no command of a person's: the agent, the sandbox, the stand-ins.
pub(crate) fn hidden(program: &OsStr, args: &[OsString]) -> Option<ExitCode> {
    let name = Path::new(program).file_name().unwrap_or_default().to_string_lossy().into_owned();
    // A stand-in's arguments are texts on every system it runs on.
    let texts = |args: &[OsString]| args.iter().map(|it| it.to_string_lossy().into_owned()).collect::<Vec<_>>();
    if let Some(code) = wfrun_agent::standins::cli::main(&name, texts(args)) {
        return Some(code);
    }
    let (first, rest) = args.split_first()?;
    match first.to_str()? {
        wfrun_agent::container_entry::SUBCOMMAND => Some(wfrun_agent::container_entry::main(rest.to_vec())),
        wfrun_agent::supervisor::SUBCOMMAND => Some(wfrun_agent::supervisor::main(rest.to_vec())),
        wfrun_backend::docker::reaper::SUBCOMMAND => Some(wfrun_backend::docker::reaper::main(rest.to_vec())),
        wfrun_backend::docker::pause::SUBCOMMAND => Some(wfrun_backend::docker::pause::main()),
        wfrun_backend::sandbox::SUBCOMMAND => Some(wfrun_backend::sandbox::main(rest.to_vec())),
        "__standin" => Some(wfrun_agent::standins::main(texts(rest))),
        _ => None,
    }
}

/// Carries out a command line.
pub(crate) fn dispatch(args: &[OsString], environment: &Environment) -> ExitCode {
    if let Some(found) = not_built_yet(args) {
        Output::new(environment, ColorChoice::Auto).diagnostics(&[found]);
        return Exit::CouldNot.into();
    }
    let cli = match act::read(&with_run(args), environment) {
        Ok(cli) => cli,
        Err(Refusal::CommandLine(err)) => return refuse(&err).into(),
        Err(Refusal::Meaning(err)) => {
            Output::new(environment, ColorChoice::Auto).error(&err);
            return Output::exit_of(&err).into();
        }
    };
    let color = match &cli.command {
        Command::Run(it) => it.situation.look.color,
        Command::Plan(it) => it.situation.look.color,
        Command::Why(it) => it.situation.look.color,
        Command::Table(it) => it.situation.look.color,
        Command::Graph(it) => it.situation.look.color,
        Command::List(it) => it.look.color,
        Command::Check(it) => it.look.color,
        Command::Actions(it) => it.look.color,
        Command::Vendor(it) => it.look.color,
        Command::Eval(it) => it.happening.look.color,
        Command::Test(it) => it.look.color,
        Command::Services(it) => it.look.color,
        Command::Cache(it) => it.command.place().look.color,
        Command::Runs(it) => it.place.look.color,
        Command::View(it) => it.place.look.color,
        Command::Logs(it) => it.look.color,
        Command::Download(it) => it.look.color,
        Command::Clean(it) => it.look.color,
        Command::Doctor(it) => it.look.color,
        Command::Completions(it) => it.look.color,
        Command::Man(it) => it.look.color,
    };
    let output = Output::new(environment, color.into());
    let done = match &cli.command {
        Command::Run(it) => run::run(it, environment, &output),
        Command::Plan(it) => plan::plan(it, environment, &output),
        Command::Why(it) => why::why(it, environment, &output),
        Command::Table(it) => table::table(it, environment, &output),
        Command::Graph(it) => graph::graph(it, environment, &output),
        Command::List(it) => list::list(it, &output),
        Command::Check(it) => check::check(it, environment, &output),
        Command::Actions(it) => actions::actions(it, environment, &output),
        Command::Vendor(it) => vendor::vendor(it, environment, &output),
        Command::Eval(it) => eval::eval(it, environment, &output),
        Command::Test(it) => test::test(it, environment, &output),
        Command::Services(it) => return services::services(it, environment, &output),
        Command::Cache(it) => cache::cache(it),
        Command::Runs(it) => history::runs(it, environment, &output),
        Command::View(it) => history::view(it, environment, &output),
        Command::Logs(it) => history::logs(it, &output),
        Command::Download(it) => download::download(it),
        Command::Clean(_) => clean::clean(environment, &output),
        Command::Doctor(it) => doctor::doctor(it, environment, &output),
        Command::Completions(it) => Ok(documents::completions(it)),
        Command::Man(it) => documents::man(it),
    };
    let exit = done.unwrap_or_else(|err| {
        output.error(&err);
        Output::exit_of(&err)
    });
    exit.into()
}

/// Help and version are no errors.
fn refuse(err: &clap::Error) -> Exit {
    if err.print().is_err() {
        tracing::debug!("the output is closed");
    }
    if err.use_stderr() { Exit::Invalid } else { Exit::Success }
}

/// `wfrun deploy.yml` is `wfrun run deploy.yml`.
fn with_run(args: &[OsString]) -> Vec<OsString> {
    const OPTIONS: [&str; 4] = ["-h", "--help", "-V", "--version"];
    let names = names();
    let is_known = |it: &str| OPTIONS.contains(&it) || names.iter().any(|name| name == it);
    let mut all = vec![OsString::from("wfrun")];
    let named = args.first().and_then(|it| it.to_str()).is_none_or(is_known);
    if !named {
        all.push(OsString::from("run"));
    }
    all.extend(args.iter().cloned());
    all
}

/// The names of the commands that there are.
fn names() -> Vec<String> {
    Cli::command().get_subcommands().map(|it| it.get_name().to_owned()).collect()
}

/// A subcommand of the interface that is not there yet, unless a file has its name.
fn not_built_yet(args: &[OsString]) -> Option<Diagnostic> {
    let name = args.first()?.to_str()?;
    if !PLANNED.contains(&name) || Path::new(name).exists() {
        return None;
    }
    let names = names();
    let near = closest(name, names.iter().map(String::as_str)).unwrap_or("run");
    let found = Diagnostic::error("wfrun/not-supported-yet", format!("`wfrun {name}` is not built yet"));
    let all: Vec<String> = names.iter().map(|it| format!("`wfrun {it}`")).collect();
    Some(found.help(format!("what is there now: {}; see `wfrun {near} --help`", all.join(", "))))
}
