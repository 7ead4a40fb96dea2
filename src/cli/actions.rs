//! The options of `wfrun actions`, and those that say where what a workflow uses comes from.
use std::path::PathBuf;

use clap::Args;

use super::{ActionsChoice, LookArgs};

#[derive(Debug, Args)]
#[command(after_help = "\
Nothing is executed. What has to be read to be followed is fetched as for a run, unless `--offline` forbids it, and refs \
that were fetched before are compared with what they name by now

Exit code 3 if something is missing, 2 if a workflow is invalid")]
pub(crate) struct ActionsArgs {
    /// Files, or names of workflows (default: all of the repository)
    #[arg(value_name = "WORKFLOW")]
    pub(crate) workflows: Vec<String>,
    /// Look for the repository here
    #[arg(short = 'C', long = "directory", value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// A vendored folder or archive (default: `.wfrun/vendor`, if it is there; `none`: no such)
    #[arg(long, value_name = "DIR_OR_TAR")]
    pub(crate) vendored: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) sources: SourceArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) look: LookArgs,
}

/// Where actions, workflows and images come from.
#[derive(Debug, Clone, Args)]
pub(crate) struct SourceArgs {
    /// A folder that holds another repository, for `uses:` (can be repeated)
    #[arg(long, value_name = "OWNER/NAME[@REF]=DIR")]
    pub(crate) local_repository: Vec<String>,
    /// Where git repositories lie as OWNER/NAME or OWNER/NAME.git, for `uses:`
    #[arg(long, value_name = "URL_OR_DIR")]
    pub(crate) mirror: Option<String>,
    /// Where `uses:` comes from, as for a run (default: auto; for `vendor`: real)
    #[arg(long, value_name = "SOURCE")]
    pub(crate) actions: Option<ActionsChoice>,
    /// Where fetched actions are kept (default: below the cache folder)
    #[arg(long, value_name = "DIR")]
    pub(crate) action_store: Option<PathBuf>,
    /// Fetch nothing, and ask nobody on the network
    #[arg(long)]
    pub(crate) offline: bool,
    /// Certificates to trust besides this machine's, as PEM: a company's
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// A tool cache, with entries NAME/VERSION/ARCH (default: `/opt/hostedtoolcache`)
    #[arg(long, value_name = "DIR")]
    pub(crate) tool_cache: Option<PathBuf>,
    /// Image for a `runs-on` label (can be repeated)
    #[arg(long, short = 'P', value_name = "LABEL=IMAGE")]
    pub(crate) platform: Vec<String>,
}
