//! The options that say what happened, and to which workflow.
use std::path::PathBuf;

use clap::Args;

use super::Color;
use crate::act::DefaultFiles;

#[derive(Debug, Clone, Args)]
pub(crate) struct LookArgs {
    /// When to use colour
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
}

/// The options that `run`, `plan` and `graph` share: which workflow, what happened, and which jobs.
#[derive(Debug, Clone, Args)]
pub(crate) struct SituationArgs {
    /// A workflow file, or the name of one below `.github/workflows`
    #[arg(value_name = "WORKFLOW")]
    pub(crate) workflow: String,
    #[command(flatten)]
    pub(crate) happening: EventArgs,
    /// Run this job and what it needs (can be repeated)
    #[arg(long, short, value_name = "ID")]
    pub(crate) job: Vec<String>,
    /// Do not run what the chosen jobs need
    #[arg(long, requires = "job")]
    pub(crate) no_needs: bool,
}

impl std::ops::Deref for SituationArgs {
    type Target = EventArgs;

    fn deref(&self) -> &EventArgs {
        &self.happening
    }
}

/// What happened, and to which repository.
#[derive(Debug, Clone, Args)]
pub(crate) struct EventArgs {
    /// Look for the repository here
    #[arg(short = 'C', long = "directory", value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// The event (default: push, or the workflow's only event)
    #[arg(long, short, value_name = "NAME")]
    pub(crate) event: Option<String>,
    /// The branch or tag (default: the checked-out branch)
    #[arg(long = "ref", value_name = "REF")]
    pub(crate) git_ref: Option<String>,
    /// The base branch of a pull request
    #[arg(long, value_name = "REF")]
    pub(crate) base: Option<String>,
    /// The head branch of a pull request
    #[arg(long, value_name = "REF")]
    pub(crate) head: Option<String>,
    /// The number of the pull request (default: 1)
    #[arg(long, value_name = "NUMBER")]
    pub(crate) pr: Option<u64>,
    /// The event's payload, merged over the one that is made up
    #[arg(long, value_name = "FILE")]
    pub(crate) event_path: Option<PathBuf>,
    /// The event's activity type
    #[arg(long = "type", value_name = "NAME")]
    pub(crate) activity: Option<String>,
    /// Changed files for `paths` filters (can be repeated)
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub(crate) changed: Vec<String>,
    /// Changed files are those since this revision
    #[arg(long, value_name = "REV")]
    pub(crate) since: Option<String>,
    /// The commit
    #[arg(long, value_name = "SHA")]
    pub(crate) sha: Option<String>,
    /// Who did it
    #[arg(long, value_name = "LOGIN")]
    pub(crate) actor: Option<String>,
    /// The repository's name
    #[arg(long, value_name = "OWNER/NAME")]
    pub(crate) repository: Option<String>,
    /// The run's number
    #[arg(long, value_name = "N")]
    pub(crate) run_number: Option<u64>,
    /// The default branch
    #[arg(long, value_name = "BRANCH")]
    pub(crate) default_branch: Option<String>,
    /// Which entry of `schedule` is due (default: the first)
    #[arg(long, value_name = "CRON")]
    pub(crate) schedule: Option<String>,
    /// An input of `workflow_dispatch` or `workflow_call` (can be repeated)
    #[arg(long, short, value_name = "NAME=VALUE")]
    pub(crate) input: Vec<String>,
    /// A file of inputs
    #[arg(long, value_name = "FILE")]
    pub(crate) input_file: Vec<PathBuf>,
    /// A secret; without a value it is taken from the environment (can be repeated)
    #[arg(long, short, value_name = "NAME[=VALUE]")]
    pub(crate) secret: Vec<String>,
    /// A file of secrets, dotenv or YAML (can be repeated)
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Vec<PathBuf>,
    /// A configuration variable (can be repeated)
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) var: Vec<String>,
    /// A file of configuration variables
    #[arg(long, value_name = "FILE")]
    pub(crate) var_file: Vec<PathBuf>,
    /// An environment variable, below the workflow's own `env` (can be repeated)
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) env: Vec<String>,
    /// A file of environment variables
    #[arg(long, value_name = "FILE")]
    pub(crate) env_file: Vec<PathBuf>,
    /// Read none of act's files: `.actrc`, `.secrets`, `.vars`, `.env`, `.input`
    #[arg(long)]
    pub(crate) no_act_files: bool,
    /// Set `ACT=true` for steps, as act does and GitHub does not
    #[arg(long)]
    pub(crate) act_compat: bool,
    /// act's `--detect-event`: where none is named, the first of the workflow's events by the alphabet.
    #[arg(skip)]
    pub(crate) detect_event: bool,
    /// The remote whose address names the repository, if it is not `origin`.
    #[arg(skip)]
    pub(crate) remote_name: Option<String>,
    /// act's files that are read though nobody names them.
    #[arg(skip)]
    pub(crate) defaults: DefaultFiles,
    /// What came of act's flags and files, to be told.
    #[arg(skip)]
    pub(crate) said: Vec<String>,
    #[command(flatten)]
    pub(crate) look: LookArgs,
}
