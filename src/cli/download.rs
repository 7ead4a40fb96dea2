use std::path::PathBuf;

use clap::Args;

use super::LookArgs;

#[derive(Debug, Args)]
#[command(after_help = "\
Each artifact gets a folder of its name, but for a single one that is named: its files are laid into DIR itself. A file \
that is there already is not overwritten")]
pub(crate) struct DownloadArgs {
    /// The run: its id below `.wfrun/runs`, or `latest`
    #[arg(value_name = "RUN", default_value = "latest")]
    pub(crate) run: String,
    /// Unpack the artifact of this name (can be repeated; default: all)
    #[arg(long, short, value_name = "NAME")]
    pub(crate) name: Vec<String>,
    /// Where to
    #[arg(long, short = 'D', value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
    /// Look for the repository here
    #[arg(short = 'C', long = "directory", value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) look: LookArgs,
}
