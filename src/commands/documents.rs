//! `wfrun completions` and `wfrun man`: made of the command line as it is.
use clap::CommandFactory as _;
use clap_mangen::Man;

use crate::cli::{Cli, CompletionsArgs, ManArgs};
use crate::exit::Exit;
use crate::output::{Help, Output};

/// Prints what completes command lines in a shell.
pub(crate) fn completions(args: &CompletionsArgs) -> Exit {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "wfrun", &mut text);
    Output::data(&String::from_utf8_lossy(&text));
    Exit::Success
}

/// Prints a manual page, or writes all of them.
pub(crate) fn man(args: &ManArgs) -> anyhow::Result<Exit> {
    let mut root = Cli::command();
    // Commands know their whole names, such as `wfrun cache ls`, once they are put together.
    root.build();
    if let Some(dir) = &args.dir {
        let written = std::fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(root, dir));
        written.map_err(|err| {
            let help = "name a folder that can be written with `--dir`";
            Help::error("cli/man", format!("failed to write manual pages to {}: {err}", dir.display()), help)
        })?;
        return Ok(Exit::Success);
    }
    let command = match args.command.as_deref() {
        None => &root,
        Some(name) => root.find_subcommand(name).ok_or_else(|| {
            let names: Vec<&str> = root.get_subcommands().map(clap::Command::get_name).collect();
            let near = wfrun_syntax::closest(name, names.iter().copied());
            let help = near.map_or_else(
                || format!("the commands are: {}", names.join(", ")),
                |it| format!("did you mean `{it}`?"),
            );
            Help::error("cli/man", format!("wfrun has no command `{name}`"), help)
        })?,
    };
    let mut text = Vec::new();
    Man::new(command.clone()).render(&mut text)?;
    Output::data(&String::from_utf8_lossy(&text));
    Ok(Exit::Success)
}
