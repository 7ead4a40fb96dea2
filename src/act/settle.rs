//! Reads a command line, with act's flags and `.actrc`, and makes wfrun's own options of it.
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _};
use wfrun_workflow::EventSpec;

use super::actrc::{Given, Rc, rc_files};
use super::files::DefaultFiles;
use super::flags::{FLAGS, Flag, Here, Takes};
use super::known::{SITUATIONS, known};
use super::offers;
use crate::cli::{
    CheckArgs, Cli, Command, DoctorArgs, Drawing, EventArgs, Format, GraphArgs, ListArgs, ManArgs, PlanArgs, RunArgs,
    SituationArgs,
};
use crate::environment::Environment;
use crate::find;
use crate::output::Help;
use crate::repository::Repository;

/// Why a command line is not carried out.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It cannot be read, or it asks for help.
    CommandLine(clap::Error),
    /// It can be read, and means nothing here.
    Meaning(anyhow::Error),
}

impl From<clap::Error> for Refusal {
    fn from(err: clap::Error) -> Self {
        Self::CommandLine(err)
    }
}

impl From<anyhow::Error> for Refusal {
    fn from(err: anyhow::Error) -> Self {
        Self::Meaning(err)
    }
}

/// Reads a command line: `wfrun`, a command, and what is behind it.
///
/// What stands on the command line wins over `.actrc`, and a file that is named over a default file.
pub(crate) fn read(words: &[OsString], environment: &Environment) -> Result<Cli, Refusal> {
    let first = words.get(1).map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    let typed = known(Cli::command(), &first).try_get_matches_from(words)?;
    let Some((name, own)) = typed.subcommand() else { return Ok(Cli::from_arg_matches(&typed)?) };
    let is_batch = name == "eval" && own.get_flag("batch");
    if !SITUATIONS.contains(&name) || is_batch {
        return Ok(Cli::from_arg_matches(&typed)?);
    }
    let mut said = Vec::new();
    let mut more = Vec::new();
    let command = known(Cli::command(), &first);
    let reads_files = !own.get_flag("no_act_files");
    if reads_files {
        let given = own.get_one::<PathBuf>("directory");
        let folder = given.cloned().unwrap_or_else(|| find::root_around(Path::new(".")));
        (more, said) = options_of(&rc_files(&folder, environment), &command, name, own)?;
    }
    // Behind the command and before what was typed, which so wins.
    let at = words.iter().position(|it| *it == *name).map_or(words.len(), |it| it + 1);
    let (before, after) = words.split_at(at);
    let whole = before.iter().cloned().chain(more.into_iter().map(OsString::from)).chain(after.iter().cloned());
    let matches = command.try_get_matches_from(whole)?;
    let words: Vec<String> = words.iter().skip(1).map(|it| it.to_string_lossy().into_owned()).collect();
    let mut cli = Cli::from_arg_matches(&matches)?;
    if let Some((_, own)) = matches.subcommand() {
        settle(&mut cli, own, &words, reads_files, said)?;
    }
    Ok(cli)
}

/// What `.actrc` gives to a command, as options of wfrun's, and what is to be told of it.
fn options_of(
    all: &[Rc],
    command: &clap::Command,
    name: &str,
    typed: &ArgMatches,
) -> anyhow::Result<(Vec<String>, Vec<String>)> {
    let own = command.find_subcommand(name).unwrap_or(command);
    let mut options: Vec<(&'static Flag, String)> = Vec::new();
    let mut told = Vec::new();
    for rc in all {
        let mut idle: Vec<String> = Vec::new();
        for line in &rc.lines {
            let place = format!("{}:{}", rc.path.display(), line.number);
            let Some(Given { flag, value }) = &line.given else { continue };
            let Some(flag) = *flag else {
                told.push(format!("{place}: act has no flag `{}`: it has no effect", line.shown));
                continue;
            };
            let Some(value) = value.as_deref() else {
                let help = "write `--flag value`, one a line";
                return Err(Help::error("cli/act", format!("{place}: `{}` has no value", flag.long()), help));
            };
            match flag.here {
                _ if flag.is_usual(value) => {}
                Here::Refused if name == "run" => return Err(refused(&format!("{place}: "), flag, value)),
                Here::NoEffect | Here::Other if name == "run" => idle.push(format!("`{}`", flag.long())),
                Here::NoEffect | Here::Other | Here::Refused => {}
                Here::Same(option) => {
                    let is_here = own.get_arguments().any(|it| long_of(it, flag, option));
                    let wins = flag.takes != Takes::Many && is_typed(typed, own, flag, option);
                    if is_here && !wins {
                        if flag.takes != Takes::Many {
                            options.retain(|(it, _)| it.name != flag.name);
                        }
                        options.push((flag, value.to_owned()));
                    }
                }
                Here::Command(_) => options.push((flag, value.to_owned())),
            }
        }
        if !idle.is_empty() {
            idle.dedup();
            let (names, path) = (idle.join(", "), rc.path.display());
            told.push(format!("{names} of {path}: no effect; `wfrun doctor --from-act` says why"));
        }
    }
    drop_workflow_of_rc(&mut options, typed);
    if name != "run" {
        options.retain(|(it, _)| !matches!(it.here, Here::Command(_)));
    }
    let used: Vec<String> = options.iter().map(|(it, _)| format!("`{}`", it.long())).collect();
    if let Some(rc) = all.last().filter(|_| !used.is_empty()) {
        let files: Vec<String> = all.iter().map(|it| it.path.display().to_string()).collect();
        let mut used = used;
        used.dedup();
        let path = if all.len() == 1 { rc.path.display().to_string() } else { files.join(", ") };
        told.insert(0, format!("{} of {path}: `--no-act-files` leaves such files out", used.join(", ")));
    }
    Ok((options.iter().map(|(flag, value)| word_of(flag, value)).collect(), told))
}

/// A workflow that is typed wins over the one of `.actrc`; an event does not.
fn drop_workflow_of_rc(options: &mut Vec<(&'static Flag, String)>, typed: &ArgMatches) {
    let workflow = typed.try_get_one::<String>("workflow").ok().flatten();
    let Some(workflow) = workflow.filter(|it| !it.is_empty()) else { return };
    let from = typed.get_one::<PathBuf>("directory").cloned().unwrap_or_else(|| PathBuf::from("."));
    if EventSpec::find(workflow).is_none() || find::path_of(workflow, &from).is_ok() {
        options.retain(|(it, _)| it.name != "workflows");
    }
}

fn long_of(argument: &clap::Arg, flag: &Flag, option: &str) -> bool {
    argument.get_long() == Some(option) || argument.get_id().as_str() == flag.name
}

fn is_typed(typed: &ArgMatches, own: &clap::Command, flag: &Flag, option: &str) -> bool {
    let mut ids = own.get_arguments().filter(|it| long_of(it, flag, option)).map(|it| it.get_id().as_str());
    ids.any(|it| typed.value_source(it) == Some(ValueSource::CommandLine))
}

/// As wfrun takes it.
fn word_of(flag: &Flag, value: &str) -> String {
    match (flag.here, flag.takes) {
        (Here::Same(option), Takes::Switch(_)) if !["detect-event"].contains(&option) => format!("--{option}"),
        (Here::Same(option), _) => format!("--{option}={value}"),
        _ => format!("--{}={value}", flag.name),
    }
}

fn refused(place: &str, flag: &Flag, value: &str) -> anyhow::Error {
    let value = match flag.takes {
        Takes::Switch(_) => String::new(),
        Takes::One(_) | Takes::Many => format!(" {value}"),
    };
    Help::error("cli/act", format!("{place}wfrun does not do what act's `{}{value}` asks for", flag.long()), flag.note)
}

/// Turns act's flags into wfrun's options, and finds act's default files.
fn settle(
    cli: &mut Cli,
    matches: &ArgMatches,
    words: &[String],
    reads_files: bool,
    mut said: Vec<String>,
) -> anyhow::Result<()> {
    let act = ActFlags::of(matches)?;
    said.extend(act.without_effect);
    if let Command::Run(run) = &mut cli.command {
        let is_image = |it: &String| !it.ends_with("=-self-hosted");
        let (images, hosts): (Vec<_>, Vec<_>) = std::mem::take(&mut run.platform).into_iter().partition(is_image);
        run.platform = images;
        let note = "one backend serves the whole run, and `--backend host` is this machine itself";
        said.extend(hosts.iter().map(|it| format!("`--platform {it}` has no effect: {note}")));
    }
    if let Some(situation) = situation_of(&mut cli.command) {
        let happening = &mut situation.happening;
        take_payload(happening, &mut said);
        happening.detect_event = act.detect_event;
        happening.remote_name = act.remote_name;
        let needs_workflow = act.command.is_none_or(|it| ["plan", "graph"].contains(&it));
        if let Some(path) = act.workflows.as_ref().filter(|_| !needs_workflow) {
            situation.workflow.clone_from(path);
        } else if let Some(path) = &act.workflows {
            let event = std::mem::take(&mut situation.workflow);
            situation.workflow = offers::only_file(path, situation.directory.as_deref(), words)?;
            if !event.is_empty() {
                offers::take_event(&mut situation.happening, &event, &situation.workflow)?;
            }
        } else if needs_workflow && situation.workflow.is_empty() {
            return Err(offers::no_workflow(situation, words));
        } else if needs_workflow {
            offers::no_event_in_its_place(&situation.workflow, situation.directory.as_deref(), &situation.job, words)?;
        }
        if reads_files {
            let from = situation.directory.clone().unwrap_or_else(|| PathBuf::from("."));
            let found = find::path_of(&situation.workflow, &from).ok().filter(|_| !situation.workflow.is_empty());
            let around = found.and_then(|it| Some(find::root_of(&std::path::absolute(it).ok()?)));
            let folder = situation.directory.clone().or(around).unwrap_or_else(|| find::root_around(&from));
            take_files(&mut situation.happening, &folder, &mut said);
        }
        remote(&mut situation.happening);
        situation.happening.said = said;
    } else if let Command::Eval(eval) = &mut cli.command {
        let happening = &mut eval.happening;
        take_payload(happening, &mut said);
        happening.detect_event = act.detect_event;
        happening.remote_name = act.remote_name;
        if reads_files {
            let given = happening.directory.clone();
            take_files(happening, &given.unwrap_or_else(|| find::root_around(Path::new("."))), &mut said);
        }
        remote(happening);
        happening.said = said;
    }
    if let (Some(wanted), Command::Run(run)) = (act.command, &cli.command) {
        cli.command = instead(wanted, run);
    }
    Ok(())
}

/// What a command line says in act's own words.
#[derive(Debug, Default)]
struct ActFlags {
    workflows: Option<String>,
    detect_event: bool,
    remote_name: Option<String>,
    /// The command that is carried out in place of `run`.
    command: Option<&'static str>,
    without_effect: Vec<String>,
}

impl ActFlags {
    fn of(matches: &ArgMatches) -> anyhow::Result<Self> {
        let mut act = Self::default();
        for flag in FLAGS {
            for value in values(matches, flag).iter().filter(|it| !flag.is_usual(it)) {
                match flag.here {
                    Here::Same("workflows") => act.workflows = Some(value.clone()),
                    Here::Same("detect-event") => act.detect_event = true,
                    Here::Same("remote-name") => act.remote_name = Some(value.clone()),
                    Here::Command(it) => act.command = act.command.or(Some(it)),
                    Here::NoEffect => {
                        act.without_effect.push(format!("`{}` has no effect: {}", flag.long(), flag.note));
                    }
                    Here::Refused => return Err(refused("", flag, value)),
                    Here::Same(_) | Here::Other => {}
                }
            }
        }
        act.without_effect.dedup();
        Ok(act)
    }
}

fn values(matches: &ArgMatches, flag: &Flag) -> Vec<String> {
    let id = flag.name;
    match flag.takes {
        Takes::Switch(_) => {
            let all = matches.try_get_many::<bool>(id).ok().flatten();
            all.into_iter().flatten().map(ToString::to_string).collect()
        }
        Takes::One(_) | Takes::Many => {
            let all = matches.try_get_many::<String>(id).ok().flatten();
            all.into_iter().flatten().cloned().collect()
        }
    }
}

fn situation_of(command: &mut Command) -> Option<&mut SituationArgs> {
    match command {
        Command::Run(it) => Some(&mut it.situation),
        Command::Plan(it) => Some(&mut it.situation),
        Command::Why(it) => Some(&mut it.situation),
        Command::Table(it) => Some(&mut it.situation),
        Command::Graph(it) => Some(&mut it.situation),
        Command::List(_)
        | Command::Check(_)
        | Command::Test(_)
        | Command::Actions(_)
        | Command::Vendor(_)
        | Command::Eval(_)
        | Command::Cache(_)
        | Command::Runs(_)
        | Command::View(_)
        | Command::Logs(_)
        | Command::Download(_)
        | Command::Clean(_)
        | Command::Doctor(_)
        | Command::Completions(_)
        | Command::Man(_) => None,
    }
}

/// `-e` is the event here and the payload's file with act; no event is called as a file is. Of another file than JSON
/// [`crate::situation::event_name`] says how it is given.
fn take_payload(args: &mut EventArgs, said: &mut Vec<String>) {
    let is_file = |it: &String| Path::new(it).extension().is_some_and(|it| it == "json") && Path::new(it).is_file();
    if args.event_path.is_none()
        && let Some(path) = args.event.take_if(|it| is_file(it))
    {
        said.push(format!("`-e {path}` is taken as `--event-path {path}`, as act has it"));
        args.event_path = Some(path.into());
    }
}

fn take_files(args: &mut EventArgs, folder: &Path, said: &mut Vec<String>) {
    args.defaults = DefaultFiles::of(folder, args);
    let names: Vec<String> = args.defaults.paths().map(|it| format!("`{}`", it.display())).collect();
    if names.is_empty() {
        return;
    }
    let env = if args.defaults.env.is_some() { "; steps on GitHub do not get what is in `.env`" } else { "" };
    said.push(format!("read, as act does: {}; `--no-act-files` leaves them out{env}", names.join(", ")));
}

/// The repository that another remote's address names.
fn remote(args: &mut EventArgs) {
    let Some(name) = &args.remote_name else { return };
    if args.repository.is_none() {
        let from = args.directory.clone().unwrap_or_else(|| PathBuf::from("."));
        args.repository = Repository::open(&find::root_around(&from)).slug_of_remote(name);
    }
}

/// The command that does what `run` is asked for by one of act's flags.
fn instead(wanted: &str, run: &RunArgs) -> Command {
    let RunArgs { situation, foresee, json, .. } = run;
    let (directory, look) = (situation.directory.clone(), situation.look.clone());
    let (situation, foresee, json) = (situation.clone(), foresee.clone(), *json);
    match wanted {
        "plan" => Command::Plan(Box::new(PlanArgs { situation, foresee, json })),
        "graph" => Command::Graph(Box::new(GraphArgs { situation, foresee, format: Drawing::Text })),
        "check" => Command::Check(Box::new(CheckArgs {
            workflows: Some(situation.workflow).filter(|it| !it.is_empty()).into_iter().collect(),
            directory,
            format: Format::Text,
            json,
            strict: false,
            allow_unknown: false,
            local_repository: foresee.local_repository,
            mirror: foresee.mirror,
            offline: run.offline,
            secret: Vec::new(),
            secret_file: Vec::new(),
            var: Vec::new(),
            var_file: Vec::new(),
            look,
        })),
        "doctor" => {
            Command::Doctor(DoctorArgs { directory, ca_file: run.ca_file.clone(), json, look, from_act: false })
        }
        "man" => Command::Man(ManArgs { command: None, dir: None, look }),
        _ => Command::List(ListArgs { directory, json, look }),
    }
}
