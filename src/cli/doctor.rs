use std::path::PathBuf;

use clap::Args;

use super::LookArgs;

#[derive(Debug, Args)]
#[command(after_help = "\
Sandbox, engine, mounts and folders are really tried. Exit code 0 if jobs can run on docker or in a sandbox, else 3; `host`, \
which isolates nothing, is not counted")]
pub(crate) struct DoctorArgs {
    /// Look for the repository here, in which runs are kept
    #[arg(short = 'C', long = "directory", value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// As for `run`: certificates that steps trust besides this machine's
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Say what would change for this repository if its runs came from act: `.actrc`, act's files, workflows
    #[arg(long)]
    pub(crate) from_act: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) look: LookArgs,
}
