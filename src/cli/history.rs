//! The options of `wfrun runs`, `wfrun view` and `wfrun logs`.
use std::path::PathBuf;

use clap::Args;

use super::LookArgs;

#[derive(Debug, Args)]
pub(crate) struct RunsArgs {
    /// Only runs of this workflow: its name, or its file
    #[arg(long, short, value_name = "WORKFLOW")]
    pub(crate) workflow: Option<String>,
    /// Only runs for this branch or tag
    #[arg(long, short, value_name = "REF")]
    pub(crate) branch: Option<String>,
    /// Only runs for this event
    #[arg(long, short, value_name = "NAME")]
    pub(crate) event: Option<String>,
    /// Only runs that stand or ended so: `in_progress`, `completed`, `success`, `failure` …
    #[arg(long, short, value_name = "STATUS")]
    pub(crate) status: Option<String>,
    /// Only runs for this commit
    #[arg(long, short, value_name = "SHA")]
    pub(crate) commit: Option<String>,
    /// At most so many, the youngest first
    #[arg(long, short = 'L', value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) place: HistoryPlaceArgs,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub(crate) struct ViewArgs {
    /// The run: its id below `.wfrun/runs`, `latest`, or a journal
    #[arg(value_name = "RUN", default_value = "latest")]
    pub(crate) run: String,
    /// Only this job, with its steps
    #[arg(long, short, value_name = "JOB")]
    pub(crate) job: Option<String>,
    /// Show the steps of all jobs
    #[arg(long, short)]
    pub(crate) verbose: bool,
    /// Print what steps wrote: `wfrun logs`
    #[arg(long, conflicts_with = "json")]
    pub(crate) log: bool,
    /// Print what failed steps wrote: `wfrun logs --failed`
    #[arg(long, conflicts_with = "json")]
    pub(crate) log_failed: bool,
    /// End with the exit code of the run
    #[arg(long)]
    pub(crate) exit_status: bool,
    #[command(flatten)]
    pub(crate) place: HistoryPlaceArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Job, step, and time and text, with tabs between, as `gh run view --log` prints them")]
pub(crate) struct LogsArgs {
    /// The run: its id below `.wfrun/runs`, `latest`, or a journal
    #[arg(value_name = "RUN", default_value = "latest")]
    pub(crate) run: String,
    /// Only of this job
    #[arg(long, short, value_name = "JOB")]
    pub(crate) job: Option<String>,
    /// Only of steps that failed
    #[arg(long)]
    pub(crate) failed: bool,
    /// Look for the repository here
    #[arg(short = 'C', long = "directory", value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) look: LookArgs,
}

/// In which repository, and how it is shown.
#[derive(Debug, Args)]
pub(crate) struct HistoryPlaceArgs {
    /// Look for the repository here
    #[arg(short = 'C', long = "directory", value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// Print JSON: these fields, as with `gh`, or all
    #[arg(long, value_name = "FIELDS", num_args = 0..=1, value_delimiter = ',', default_missing_value = "")]
    pub(crate) json: Option<Vec<String>>,
    #[command(flatten)]
    pub(crate) look: LookArgs,
}
