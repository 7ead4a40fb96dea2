//! The options of `wfrun services`, and those of the AWS account.
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{LookArgs, cache};

#[derive(Debug, Args)]
#[command(after_help = "\
Without CMD, `export NAME=value` lines are printed, then `# ready`: a shell beside takes them. The services stay until they \
are interrupted. With CMD its exit code is that of wfrun

The keys are valid for as long as the services stay")]
pub(crate) struct ServicesArgs {
    /// A command that gets the services' environment (default: print it, and stay)
    #[arg(value_name = "CMD", last = true)]
    pub(crate) command: Vec<String>,
    /// The AWS account only
    #[arg(long)]
    pub(crate) aws: bool,
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    /// What the entries of the cache may have together, such as 500MB; above it the least recently used are removed
    #[arg(long, value_name = "SIZE", default_value = "10GB", value_parser = cache::bytes)]
    pub(crate) cache_limit: u64,
    /// Look for the repository here
    #[arg(short = 'C', long = "directory", value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// Say each call on standard error
    #[arg(long, short)]
    pub(crate) verbose: bool,
    #[command(flatten)]
    pub(crate) look: LookArgs,
}

/// Which AWS account it is.
#[derive(Debug, Clone, Args)]
pub(crate) struct AccountArgs {
    /// What exists in the AWS account (default: `.wfrun/aws.yml`)
    #[arg(long, value_name = "FILE")]
    pub(crate) aws_account: Option<PathBuf>,
    /// Where the AWS account is kept (default: `.wfrun/aws`)
    #[arg(long, value_name = "DIR")]
    pub(crate) aws_state: Option<PathBuf>,
    /// A policy of the workflow's identity; it is enforced, unless the account file says `iam.mode: report` (can be repeated)
    #[arg(long, value_name = "FILE")]
    pub(crate) iam_policy: Vec<PathBuf>,
    /// Which age of AWS answers: `today` returns what old versions of actions stumble over
    #[arg(long, value_name = "ERA")]
    pub(crate) aws_era: Option<AwsEra>,
    /// Let AWS fail in a way, to see what the workflow does: ecs:unhealthy, ecs:crash, ecs:slow=30s, ecr:throttle,
    /// sts:expired, iam:deny=ecs:UpdateService (can be repeated)
    #[arg(long, value_name = "FAULT")]
    pub(crate) inject: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AwsEra {
    /// As in May 2024
    Classic,
    /// As AWS answers now
    Today,
}
