//! The options of `wfrun test`.
use std::path::PathBuf;

use clap::Args;

use super::LookArgs;

#[derive(Debug, Args)]
#[command(after_help = "\
A test file names a workflow and cases: what happens, and what should come of it.

  workflow: .github/workflows/deploy.yml
  cases:
    - name: a push to main deploys
      event: push
      ref: main
      expect:
        jobs: { test: runs, deploy: runs }

Exit code 1 if a case fails, 2 if a file is invalid")]
pub(crate) struct TestArgs {
    /// Test files, or folders with them (default: all `*.wftest.yml` of the repository)
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Look for the repository here
    #[arg(short = 'C', long = "directory", value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Write a report in the XML of `JUnit`, too
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Run again whenever a test or a workflow is changed
    #[arg(long)]
    pub(crate) watch: bool,
    #[command(flatten)]
    pub(crate) look: LookArgs,
}
