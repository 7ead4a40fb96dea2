//! Makes the command line take act's flags.
use clap::builder::BoolishValueParser;
use clap::{Arg, ArgAction, Command};

use super::flags::{FLAGS, Flag, Here, Takes};

/// The commands that have a situation, and so know act's flags about it.
pub(super) const SITUATIONS: [&str; 6] = ["run", "plan", "why", "graph", "table", "eval"];

/// Adds act's flags to the command `name`, if it takes them; they are in no help, but in docs/from-act.md.
pub(super) fn known(command: Command, name: &str) -> Command {
    if !SITUATIONS.contains(&name) {
        return command;
    }
    command.mut_subcommand(name, |command| {
        let command = FLAGS.iter().fold(command, |command, flag| with_flag(command, name, flag));
        if name == "eval" {
            return command;
        }
        // `-W` stands in for the workflow, and some flags need none: that none is named is found later.
        // It goes to the end of the list, so its place has to be said.
        command.mut_arg("workflow", |it| it.index(1).required(false).default_value("").hide_default_value(true))
    })
}

fn with_flag(command: Command, name: &str, flag: &'static Flag) -> Command {
    let is_own = match flag.here {
        // These are no options of wfrun's own: see `settle`.
        Here::Same("workflows") => name != "eval",
        Here::Same("detect-event" | "remote-name") => true,
        Here::Same(option) => return with_alias(command, option, flag),
        Here::Command(_) | Here::NoEffect | Here::Refused => name == "run",
        Here::Other => false,
    };
    if !is_own || command.get_arguments().any(|it| it.get_long() == Some(flag.name)) {
        return command;
    }
    let mut argument = Arg::new(flag.name).long(flag.name).hide(true);
    if let Some(letter) = flag.short.filter(|it| !has_letter(&command, *it)) {
        argument = argument.short(letter);
    }
    argument = match flag.takes {
        Takes::Switch(_) => {
            let switch = argument.num_args(0..=1).require_equals(true).default_missing_value("true");
            switch.value_parser(BoolishValueParser::new()).overrides_with(flag.name)
        }
        Takes::One(_) => argument.action(ArgAction::Set).overrides_with(flag.name).allow_hyphen_values(true),
        Takes::Many => argument.action(ArgAction::Append).allow_hyphen_values(true),
    };
    command.arg(argument)
}

/// Lets an option of wfrun's be called as act calls it.
fn with_alias(command: Command, option: &str, flag: &'static Flag) -> Command {
    let Some(own) = command.get_arguments().find(|it| it.get_long() == Some(option)) else { return command };
    let own = own.get_id().clone();
    let letter = flag.short.filter(|it| !has_letter(&command, *it));
    command.mut_arg(own, |it| {
        let it = if flag.name == option { it } else { it.alias(flag.name) };
        letter.into_iter().fold(it, Arg::short_alias)
    })
}

fn has_letter(command: &Command, letter: char) -> bool {
    command.get_arguments().any(|it| it.get_short_and_visible_aliases().is_some_and(|all| all.contains(&letter)))
}
