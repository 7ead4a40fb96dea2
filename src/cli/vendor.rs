//! The options of `wfrun vendor`.
use std::path::PathBuf;

use clap::Args;

use super::{LookArgs, SourceArgs};

#[derive(Debug, Args)]
#[command(after_help = "\
What is locked stays as it is, also where its ref names another commit by now, which is said; what is not needed any more \
goes. `wfrun run` takes `.wfrun/vendor` by itself, and any other by `--vendored`

What cannot be vendored is listed, each with its cause and the way out; the rest is vendored all the same

Exit code 3 if something is missing, 2 if a workflow is invalid; with `--check` 1 if something is stale")]
pub(crate) struct VendorArgs {
    /// Files, or names of workflows (default: all of the repository)
    #[arg(value_name = "WORKFLOW")]
    pub(crate) workflows: Vec<String>,
    /// Look for the repository here
    #[arg(short = 'C', long = "directory", value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// Where to: a folder, or an archive, whose name ends with `.tar` (default: `.wfrun/vendor`)
    #[arg(long, short, value_name = "DIR_OR_TAR")]
    pub(crate) output: Option<PathBuf>,
    /// Write nothing; say what of it is stale: not locked, not needed, changed, or moved
    #[arg(long, conflicts_with = "update")]
    pub(crate) check: bool,
    /// Take what branches and tags name now, in place of what is locked
    #[arg(long)]
    pub(crate) update: bool,
    #[command(flatten)]
    pub(crate) sources: SourceArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) look: LookArgs,
}
