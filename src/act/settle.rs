//! Reads a command line, with act's flags and `.actrc`, and makes wfrun's own options of it.
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _};

use super::actrc::rc_files;
use super::files::DefaultFiles;
use super::flags::{FLAGS, Flag, Here, Takes};
use super::from_rc::FromRc;
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
    let command = known(Cli::command(), &first);
    let typed = command.clone().try_get_matches_from(words)?;
    let Some((name, own)) = typed.subcommand() else { return Ok(Cli::from_arg_matches(&typed)?) };
    let is_batch = name == "eval" && own.get_flag("batch");
    if !SITUATIONS.contains(&name) || is_batch {
        return Ok(Cli::from_arg_matches(&typed)?);
    }
    let mut said = Vec::new();
    let mut more = Vec::new();
    let reads_files = !own.get_flag("no_act_files");
    if reads_files {
        let given = own.get_one::<PathBuf>("directory");
        let folder = given.cloned().unwrap_or_else(|| find::root_around(Path::new(".")));
        let all = rc_files(&folder, environment);
        (more, said) = FromRc::new(&command, name, own, &folder).read(&all)?;
    }
    let matches = if more.is_empty() {
        typed
    } else {
        // Behind the command and before what was typed, which so wins.
        let at = words.iter().position(|it| *it == *name).map_or(words.len(), |it| it + 1);
        let (before, after) = words.split_at(at);
        let more = more.into_iter().map(OsString::from);
        command.try_get_matches_from(before.iter().cloned().chain(more).chain(after.iter().cloned()))?
    };
    let words: Vec<String> = words.iter().skip(1).map(|it| it.to_string_lossy().into_owned()).collect();
    let mut cli = Cli::from_arg_matches(&matches)?;
    if let Some((_, own)) = matches.subcommand() {
        settle(&mut cli, own, &words, reads_files, said)?;
    }
    Ok(cli)
}

/// Says that a flag is refused; `place` is where it stands, if that is a file.
pub(super) fn refused(place: &str, flag: &Flag, value: &str) -> anyhow::Error {
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
    let mut act = ActFlags::of(matches)?;
    said.append(&mut act.without_effect);
    if let Command::Run(run) = &mut cli.command {
        take_platforms(run, &mut said);
    }
    let mut root = None;
    if let Some(happening) = happening_of(&mut cli.command) {
        take_payload(happening, &mut said);
    }
    if let Some(situation) = situation_of(&mut cli.command) {
        name_workflow(situation, &act, words)?;
        root = root_of_workflow(situation);
    }
    if let Some(happening) = happening_of(&mut cli.command) {
        happening.detect_event = act.detect_event;
        happening.remote_name = act.remote_name;
        take_remote(happening, &mut said);
        if reads_files {
            let folder = happening.directory.clone().or(root);
            take_files(happening, &folder.unwrap_or_else(|| find::root_around(Path::new("."))), &mut said);
        }
        happening.said = said;
    }
    if let (Some(wanted), Command::Run(run)) = (act.command, &cli.command) {
        cli.command = instead(wanted, run);
    }
    Ok(())
}

/// One backend serves a whole run, and an image of this machine itself is none.
fn take_platforms(run: &mut RunArgs, said: &mut Vec<String>) {
    let is_image = |it: &String| !it.ends_with("=-self-hosted");
    let (images, hosts): (Vec<_>, Vec<_>) = std::mem::take(&mut run.platform).into_iter().partition(is_image);
    run.platform = images;
    let note = "one backend serves the whole run, and `--backend host` is this machine itself";
    said.extend(hosts.iter().map(|it| format!("`--platform {it}` has no effect: {note}")));
}

/// With `-W` the word in the place of the workflow is the event.
fn name_workflow(situation: &mut SituationArgs, act: &ActFlags, words: &[String]) -> anyhow::Result<()> {
    let needs_one = act.command.is_none_or(|it| ["plan", "graph"].contains(&it));
    let directory = situation.directory.clone();
    match &act.workflows {
        Some(path) if needs_one => {
            let event = std::mem::take(&mut situation.workflow);
            situation.workflow = offers::only_file(path, directory.as_deref(), words)?;
            if event.is_empty() {
                return Ok(());
            }
            offers::take_event(&mut situation.happening, &event, &situation.workflow)
        }
        Some(path) => {
            situation.workflow.clone_from(path);
            Ok(())
        }
        None if needs_one && situation.workflow.is_empty() => Err(offers::no_workflow(situation, words)),
        None if needs_one => {
            offers::no_event_in_its_place(&situation.workflow, directory.as_deref(), &situation.job, words)
        }
        None => Ok(()),
    }
}

/// The root of the workflow's repository, if the workflow can be found.
fn root_of_workflow(situation: &SituationArgs) -> Option<PathBuf> {
    let from = situation.directory.clone().unwrap_or_else(|| PathBuf::from("."));
    let path = find::path_of(&situation.workflow, &from).ok().filter(|_| !situation.workflow.is_empty())?;
    Some(find::root_of(&std::path::absolute(path).ok()?))
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
        | Command::Services(_)
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

fn happening_of(command: &mut Command) -> Option<&mut EventArgs> {
    if let Command::Eval(it) = command {
        return Some(&mut it.happening);
    }
    situation_of(command).map(|it| &mut it.happening)
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
fn take_remote(args: &mut EventArgs, said: &mut Vec<String>) {
    let Some(name) = args.remote_name.clone().filter(|_| args.repository.is_none()) else { return };
    let from = args.directory.clone().unwrap_or_else(|| PathBuf::from("."));
    args.repository = Repository::open(&find::root_around(&from)).slug_of_remote(&name);
    if args.repository.is_none() {
        said.push(format!("`--remote-name {name}` has no effect: git has no such remote with a repository's address"));
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
            iam_policy: run.account.iam_policy.clone(),
            aws_account: None,
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
