//! Makes options of wfrun's of what `.actrc` says.
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};
use indexmap::IndexSet;
use wfrun_workflow::EventSpec;

use super::actrc::{Given, Line, Rc};
use super::files::short;
use super::flags::{Flag, Here, Takes};
use super::settle::refused;
use crate::find;
use crate::output::Help;

/// Flags whose value is a file, which act looks for in its work folder.
const FILES: [&str; 6] = ["secret-file", "var-file", "env-file", "input-file", "eventpath", "workflows"];

/// What the files give to one command.
pub(super) struct FromRc<'a> {
    /// The command's name, and what it takes.
    name: &'a str,
    own: &'a Command,
    /// What was typed, which wins.
    typed: &'a ArgMatches,
    /// Where relative files lie.
    folder: &'a Path,
    options: Vec<(&'static Flag, String)>,
    told: Vec<String>,
}

impl<'a> FromRc<'a> {
    pub(super) fn new(command: &'a Command, name: &'a str, typed: &'a ArgMatches, folder: &'a Path) -> Self {
        let own = command.find_subcommand(name).unwrap_or(command);
        Self { name, own, typed, folder, options: Vec::new(), told: Vec::new() }
    }

    /// Gives back options, and what is to be told of the files.
    pub(super) fn read(mut self, all: &[Rc]) -> anyhow::Result<(Vec<String>, Vec<String>)> {
        for rc in all {
            let mut idle = Vec::new();
            for line in &rc.lines {
                let place = format!("{}:{}", rc.path.display(), line.number);
                idle.extend(self.take(line, &place)?);
            }
            if !idle.is_empty() {
                let (names, path) = (names(idle), rc.path.display());
                self.told.push(format!("{names} of {path}: no effect; `wfrun doctor --from-act` says why"));
            }
        }
        self.drop_workflow();
        if !self.options.is_empty() {
            let files: Vec<String> = all.iter().map(|it| it.path.display().to_string()).collect();
            let (used, files) = (names(self.options.iter().map(|(it, _)| *it)), files.join(", "));
            self.told
                .insert(0, format!("read, as act does: {used} of {files}; `--no-act-files` leaves such files out"));
        }
        Ok((self.options.iter().map(|(flag, value)| word_of(flag, value)).collect(), self.told))
    }

    /// Takes a line; gives back its flag if that has no effect.
    fn take(&mut self, line: &Line, place: &str) -> anyhow::Result<Option<&'static Flag>> {
        let Some(Given { flag, value }) = &line.given else { return Ok(None) };
        let Some(flag) = *flag else {
            self.told.push(format!("{place}: act has no flag `{}`: it has no effect", line.shown));
            return Ok(None);
        };
        let Some(value) = value.as_deref() else {
            let help = "write `--flag value`, one a line";
            return Err(Help::error("cli/act", format!("{place}: `{}` has no value", flag.long()), help));
        };
        if flag.takes != Takes::Many {
            // The last one holds, also where it only says what is usual.
            self.options.retain(|(it, _)| it.name != flag.name);
        }
        if flag.is_usual(value) {
            return Ok(None);
        }
        let is_run = self.name == "run";
        match flag.here {
            Here::Refused if is_run => Err(refused(&format!("{place}: "), flag, value)),
            Here::NoEffect | Here::Other if is_run => Ok(Some(flag)),
            Here::NoEffect | Here::Other | Here::Refused => Ok(None),
            Here::Same(option) => {
                if self.takes(flag, option) {
                    self.options.push((flag, self.in_folder(flag, value)));
                }
                Ok(None)
            }
            Here::Command(_) => {
                self.options.extend(is_run.then(|| (flag, value.to_owned())));
                Ok(None)
            }
        }
    }

    /// Whether the command has the option, and nobody typed another value for it.
    fn takes(&self, flag: &Flag, option: &str) -> bool {
        let is = |it: &clap::Arg| it.get_long() == Some(option) || it.get_id().as_str() == flag.name;
        let Some(own) = self.own.get_arguments().find(|it| is(it)) else { return false };
        let is_typed = self.typed.value_source(own.get_id().as_str()) == Some(ValueSource::CommandLine);
        !is_typed || flag.takes == Takes::Many
    }

    fn in_folder(&self, flag: &Flag, value: &str) -> String {
        if !FILES.contains(&flag.name) || Path::new(value).is_absolute() {
            return value.to_owned();
        }
        let path = self.folder.join(value);
        // A workflow is looked for in the folder of `-C`, where it is now.
        let path = if flag.name == "workflows" { std::path::absolute(&path).unwrap_or(path) } else { short(&path) };
        path.display().to_string()
    }

    /// A workflow that is typed wins over the one of `.actrc`; an event does not.
    fn drop_workflow(&mut self) {
        let workflow = self.typed.try_get_one::<String>("workflow").ok().flatten();
        let Some(workflow) = workflow.filter(|it| !it.is_empty()) else { return };
        let from = self.typed.get_one::<PathBuf>("directory").cloned().unwrap_or_else(|| PathBuf::from("."));
        if EventSpec::find(workflow).is_none() || find::path_of(workflow, &from).is_ok() {
            self.options.retain(|(it, _)| it.name != "workflows");
        }
    }
}

/// Each flag once, in order: `` `--env`, `--var` ``.
fn names(flags: impl IntoIterator<Item = &'static Flag>) -> String {
    let names: IndexSet<String> = flags.into_iter().map(|it| format!("`{}`", it.long())).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

/// As wfrun takes it.
fn word_of(flag: &Flag, value: &str) -> String {
    match (flag.here, flag.takes) {
        // The only switch that is act's own.
        (Here::Same("detect-event"), _) => format!("--detect-event={value}"),
        (Here::Same(option), Takes::Switch(_)) => format!("--{option}"),
        (Here::Same(option), _) => format!("--{option}={value}"),
        _ => format!("--{}={value}", flag.name),
    }
}
