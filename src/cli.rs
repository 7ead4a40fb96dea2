//! What was typed; no logic.
mod actions;
mod cache;
mod doctor;
mod documents;
mod download;
mod history;
mod services;
mod situation;
mod test;
mod vendor;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use actions::{ActionsArgs, SourceArgs};
pub(crate) use cache::{CacheArgs, CacheCommand, CacheLsArgs, CachePlaceArgs, CachePruneArgs, CacheRmArgs};
pub(crate) use doctor::DoctorArgs;
pub(crate) use documents::{CompletionsArgs, ManArgs};
pub(crate) use download::DownloadArgs;
pub(crate) use history::{LogsArgs, RunsArgs, ViewArgs};
pub(crate) use services::{AccountArgs, AwsEra, ServicesArgs};
pub(crate) use situation::{EventArgs, LookArgs, SituationArgs};
pub(crate) use test::TestArgs;
pub(crate) use vendor::VendorArgs;

/// Runs GitHub Actions workflows on this machine, exactly as GitHub would, and says why
#[derive(Debug, Parser)]
#[command(name = "wfrun", version, about, disable_help_subcommand = true)]
#[command(after_help = "`wfrun <WORKFLOW>` is the same as `wfrun run <WORKFLOW>`")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a workflow
    Run(Box<RunArgs>),
    /// Show the jobs as they would run; executes nothing
    Plan(Box<PlanArgs>),
    /// Say why a workflow is triggered, and why each job runs or is skipped; executes nothing
    Why(Box<WhyArgs>),
    /// Show jobs and situations in one screen; executes nothing
    Table(Box<TableArgs>),
    /// Draw the jobs as they would run; executes nothing
    Graph(Box<GraphArgs>),
    /// List workflows: what triggers them, their jobs, inputs, secrets and variables
    List(ListArgs),
    /// Say what is wrong with workflows and actions; executes nothing
    Check(Box<CheckArgs>),
    /// Run the unit tests of workflows; executes nothing
    Test(TestArgs),
    /// Show where all that workflows use would come from, and which commit; executes nothing
    Actions(ActionsArgs),
    /// Put all that workflows can need into a folder, with a lock: actions, called workflows, images, tools
    Vendor(Box<VendorArgs>),
    /// Evaluate an expression, and show how it came to its value
    Eval(Box<EvalArgs>),
    /// Start only the local services, for a command or a shell
    Services(Box<ServicesArgs>),
    /// Look at the entries of the cache, and remove them
    Cache(CacheArgs),
    /// List the runs that are kept
    Runs(RunsArgs),
    /// Show a run: its jobs, and how they ended
    View(ViewArgs),
    /// Print what the steps of a run wrote
    Logs(LogsArgs),
    /// Unpack the artifacts of a run
    Download(DownloadArgs),
    /// Remove what earlier runs left: containers, work folders
    Clean(CleanArgs),
    /// Say what this machine offers to jobs, and what to do about what is missing
    Doctor(DoctorArgs),
    /// Print what completes command lines in a shell
    Completions(CompletionsArgs),
    /// Print the manual page of wfrun, or of one of its commands
    Man(ManArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
act's flags and files are taken where they mean the same: `wfrun push -W .github/workflows/ci.yml`, `.actrc`, `.secrets`, \
`.vars`, `.env`, `.input`. `wfrun doctor --from-act` says what changes for a repository; see docs/from-act.md")]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) situation: SituationArgs,
    #[command(flatten)]
    pub(crate) foresee: ForeseeArgs,
    /// Where jobs run; `auto` takes docker where an engine and an image for the label are there, else sandbox
    #[arg(long, value_name = "NAME", default_value = "auto", value_parser = ["auto", "docker", "sandbox", "host"])]
    pub(crate) backend: String,
    /// Image for a `runs-on` label (can be repeated)
    #[arg(long, short = 'P', value_name = "LABEL=IMAGE")]
    pub(crate) platform: Vec<String>,
    /// Where `uses:` comes from; `auto` asks `--local-repository`, `--vendored`, `--mirror`, wfrun's own stand-ins, the store
    /// of fetched actions and the network, in this order; `real` leaves the stand-ins out, `builtin` all else
    #[arg(long, value_name = "SOURCE", default_value = "auto")]
    pub(crate) actions: ActionsChoice,
    /// Where fetched actions are kept (default: below the cache folder)
    #[arg(long, value_name = "DIR")]
    pub(crate) action_store: Option<PathBuf>,
    /// What `wfrun vendor` made, a folder or an archive (default: `.wfrun/vendor`, if it is there; `none`: no such)
    #[arg(long, value_name = "DIR_OR_TAR")]
    pub(crate) vendored: Option<PathBuf>,
    /// Make anything that is not done as on GitHub an incomplete run (exit 5)
    #[arg(long)]
    pub(crate) strict: bool,
    /// Fetch nothing, and list all that is missing before anything runs; steps are not cut off from the network yet
    #[arg(long)]
    pub(crate) offline: bool,
    /// Give steps your own GitHub token, the secret or else the variable `GITHUB_TOKEN`, and the real API: what they write is
    /// real
    #[arg(long, conflicts_with = "offline")]
    pub(crate) real_github: bool,
    /// Certificates that steps trust besides this machine's, as PEM: a company's (default: what the environment names)
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Give jobs the uncommitted changes, too
    #[arg(long)]
    pub(crate) dirty: bool,
    /// Whether an AWS account on this machine takes the place of the real one; by default where something tells of AWS
    #[arg(long, value_name = "MODE")]
    pub(crate) aws: Option<AwsChoice>,
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    /// What the entries of the cache may have together, such as 500MB; above it the least recently used are removed
    #[arg(long, value_name = "SIZE", default_value = "10GB", value_parser = cache::bytes)]
    pub(crate) cache_limit: u64,
    /// Assert a job's result (can be repeated)
    #[arg(long, value_name = "JOB=RESULT")]
    pub(crate) expect: Vec<String>,
    /// Run at most so many jobs at once; 0 is no limit (default: what processors and memory allow)
    #[arg(long, value_name = "N")]
    pub(crate) max_jobs: Option<usize>,
    /// Keep what each job leaves in its workspace, and its changes as a diff, below `.wfrun/runs/RUN/workspaces`
    #[arg(long)]
    pub(crate) keep_workspace: bool,
    /// Show where the time went, after the summary
    #[arg(long)]
    pub(crate) timings: bool,
    /// Print the run's events as JSON, one a line, and nothing else on standard output
    #[arg(long)]
    pub(crate) json: bool,
    /// Print failures and the summary only
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// Print plain lines, also on a terminal
    #[arg(long, short)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) situation: SituationArgs,
    #[command(flatten)]
    pub(crate) foresee: ForeseeArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Args)]
#[command(args_override_self = true)]
#[command(after_help = "\
Offered changes are options to add to the same command line: the later of two that contradict each other holds. Each \
was tried before it is offered

In place of WORKFLOW may stand the id of a run below `.wfrun/runs`, `latest`, or a journal: then what happened is \
explained. A workflow wins over a run of the same name")]
pub(crate) struct WhyArgs {
    #[command(flatten)]
    pub(crate) situation: SituationArgs,
    /// Explain this job at length; alone, it may stand in the place of the workflow
    #[arg(value_name = "JOB", index = 2)]
    pub(crate) wanted: Option<String>,
    #[command(flatten)]
    pub(crate) foresee: ForeseeArgs,
    /// Offer what would make a job be skipped, instead of what would make it run
    #[arg(long)]
    pub(crate) until_skipped: bool,
    /// Explain a run on GitHub: what `gh run view RUN --json event,headBranch,headSha,conclusion,workflowName,jobs`
    /// prints (`-`: standard input)
    #[arg(long, value_name = "FILE")]
    pub(crate) from_github: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TableArgs {
    #[command(flatten)]
    pub(crate) situation: SituationArgs,
    /// The situations, EVENT or EVENT:REF each; of a pull request the ref is its base (default: all that the workflow
    /// listens to)
    #[arg(long, value_name = "EVENT:REF", value_delimiter = ',')]
    pub(crate) events: Vec<String>,
    #[command(flatten)]
    pub(crate) foresee: ForeseeArgs,
    /// Print JSON
    #[arg(long, conflicts_with = "markdown")]
    pub(crate) json: bool,
    /// Print a Markdown table
    #[arg(long)]
    pub(crate) markdown: bool,
}

/// What foreseeing needs besides the situation.
#[derive(Debug, Clone, Args)]
pub(crate) struct ForeseeArgs {
    /// Take it that a job ends so, or a step, JOB.STEP with its id, name or number (can be repeated)
    #[arg(long, value_name = "JOB[.STEP]=RESULT")]
    pub(crate) force: Vec<String>,
    /// Of each matrix that has the key, only legs with the value; repeated with one key, with any of its values
    #[arg(long, value_name = "KEY:VALUE")]
    pub(crate) matrix: Vec<String>,
    /// A folder that holds another repository, for `uses:` (can be repeated)
    #[arg(long, value_name = "OWNER/NAME[@REF]=DIR")]
    pub(crate) local_repository: Vec<String>,
    /// Where git repositories lie as OWNER/NAME or OWNER/NAME.git, for `uses:`
    #[arg(long, value_name = "URL_OR_DIR")]
    pub(crate) mirror: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct GraphArgs {
    #[command(flatten)]
    pub(crate) situation: SituationArgs,
    #[command(flatten)]
    pub(crate) foresee: ForeseeArgs,
    /// What to draw with
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Drawing,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Look for the repository here
    #[arg(short = 'C', long = "directory", value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) look: LookArgs,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub(crate) struct CheckArgs {
    /// Files, folders, names of workflows, or `-` for standard input (default: all workflows and actions of the repository)
    #[arg(value_name = "WORKFLOW")]
    pub(crate) workflows: Vec<String>,
    /// Look for the repository here
    #[arg(short = 'C', long = "directory", value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// How to print what is found
    #[arg(long, value_name = "FORMAT", default_value = "text", conflicts_with = "json")]
    pub(crate) format: Format,
    /// Print JSON: the same as `--format json`
    #[arg(long)]
    pub(crate) json: bool,
    /// Take warnings for errors
    #[arg(long)]
    pub(crate) strict: bool,
    /// Take keys that wfrun does not know for newer than itself: a warning instead of an error
    #[arg(long)]
    pub(crate) allow_unknown: bool,
    /// A folder that holds another repository, for `uses:` (can be repeated)
    #[arg(long, value_name = "OWNER/NAME[@REF]=DIR")]
    pub(crate) local_repository: Vec<String>,
    /// Where git repositories lie as OWNER/NAME or OWNER/NAME.git, for `uses:`
    #[arg(long, value_name = "URL_OR_DIR")]
    pub(crate) mirror: Option<String>,
    /// Fetch nothing
    #[arg(long)]
    pub(crate) offline: bool,
    /// A policy that the workflows' identity in AWS will have: look for what they need and it does not allow (can be repeated)
    #[arg(long, value_name = "FILE")]
    pub(crate) iam_policy: Vec<PathBuf>,
    /// What exists in the AWS account (default: `.wfrun/aws.yml`)
    #[arg(long, value_name = "FILE")]
    pub(crate) aws_account: Option<PathBuf>,
    /// A secret that will be given; its value is not needed (can be repeated)
    #[arg(long, short, value_name = "NAME[=VALUE]")]
    pub(crate) secret: Vec<String>,
    /// A file of secrets, dotenv or YAML (can be repeated)
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Vec<PathBuf>,
    /// A configuration variable that will be given (can be repeated)
    #[arg(long, value_name = "NAME[=VALUE]")]
    pub(crate) var: Vec<String>,
    /// A file of configuration variables (can be repeated)
    #[arg(long, value_name = "FILE")]
    pub(crate) var_file: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) look: LookArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Without `--context` there are `github`, `inputs`, `vars`, `secrets` and `env`, made of the options as for a run; a \
file's contexts are laid over them. Status functions answer as in a job that needs nothing.

`--batch` reads lines {\"id\":…,\"expr\":\"…\",\"contexts\":{…}} from standard input and writes one line for each, in \
order: {\"id\":…,\"kind\":…,\"value\":…} or {\"id\":…,\"error\":{\"kind\":…,\"message\":…}}, where `kind` of an error is \
lexing, parsing, evaluation, or input for a line that is not of this form; only the last makes the exit code 2")]
pub(crate) struct EvalArgs {
    /// The expression, with or without `${{ }}` around it
    #[arg(value_name = "EXPRESSION", required_unless_present = "batch", allow_hyphen_values = true)]
    pub(crate) expression: Option<String>,
    /// Contexts: a JSON object with an object for each
    #[arg(long, value_name = "FILE")]
    pub(crate) context: Option<PathBuf>,
    /// Evaluate expressions from standard input, one JSON object a line
    #[arg(long, conflicts_with_all = [
        "expression", "context", "json", "directory", "event", "git_ref", "base", "head", "pr",
        "event_path", "activity", "changed", "since", "sha", "actor", "repository", "run_number", "default_branch",
        "schedule", "input", "input_file", "secret", "secret_file", "var", "var_file", "env", "env_file",
    ])]
    pub(crate) batch: bool,
    /// Print value and trace as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) happening: EventArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CleanArgs {
    #[command(flatten)]
    pub(crate) look: LookArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// One JSON object
    Json,
    /// A SARIF 2.1.0 log, for code scanning
    Sarif,
    /// Workflow commands: annotations, when printed in a workflow
    Github,
}

/// How jobs are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Drawing {
    /// For a terminal
    Text,
    /// A Mermaid flowchart, as Markdown on github.com shows it
    Mermaid,
    /// A digraph for Graphviz
    Dot,
    /// A picture
    Svg,
}

/// Where actions come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ActionsChoice {
    /// From wherever they are to be had
    Auto,
    /// Never a stand-in
    Real,
    /// Stand-ins only
    Builtin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AwsChoice {
    /// An account on this machine; the real one cannot be reached
    Emulate,
    /// The real one, with the keys that steps are given
    Off,
}

/// The subcommands that the interface names, and that come later.
pub(crate) const PLANNED: &[&str] = &["rerun", "shell", "image"];
