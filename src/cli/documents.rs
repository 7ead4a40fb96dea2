use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

use super::LookArgs;

#[derive(Debug, Args)]
#[command(after_help = "\
Bash reads it with `source <(wfrun completions bash)`; zsh, fish, elvish and powershell keep it where they look for \
completions, such as ~/.config/fish/completions/wfrun.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Shell,
    #[command(flatten)]
    pub(crate) look: LookArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "`wfrun man | man -l -` shows it")]
pub(crate) struct ManArgs {
    /// The command
    #[arg(value_name = "COMMAND", conflicts_with = "dir")]
    pub(crate) command: Option<String>,
    /// Write all pages into this folder instead: wfrun.1, wfrun-run.1 and so on
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) look: LookArgs,
}
