//! `wfrun services`: the local services alone, for a command or a shell.
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{ExitCode, ExitStatus};

use anyhow::Context as _;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use wfrun_aws::{IdentityPolicy, Wanted};
use wfrun_engine::FactKind;
use wfrun_journal::{AnnotationLevel, Masker, Secret, ServiceCalled};
use wfrun_report::shell_word;
use wfrun_runner::{Aws, remove_folder};
use wfrun_services::{CacheScope, IdTokenIssuer, JobIdentity, Services, ServicesSettings};

use super::run::own::Own;
use super::run::refuse;
use crate::aws_account;
use crate::cli::ServicesArgs;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::find;
use crate::iam_policies;
use crate::output::{Help, Output};
use crate::repository::Repository;

/// The job that callers are to the services.
const JOB: &str = "services";

/// Calls that were not told yet; more are dropped, as nobody waits for them.
const CALLS: usize = 1024;

/// Names and values.
type Variables = Vec<(&'static str, String)>;

/// Serves until the command ends, or until it is interrupted.
pub(crate) fn services(args: &ServicesArgs, environment: &Environment, output: &Output) -> ExitCode {
    let policies = iam_policies::read(&args.account.iam_policy);
    if policies.has_errors() {
        return refuse(output, &policies.diagnostics).into();
    }
    serve(args, environment, policies.value).unwrap_or_else(|err| {
        output.error(&err);
        Output::exit_of(&err).into()
    })
}

fn serve(args: &ServicesArgs, environment: &Environment, policies: Vec<IdentityPolicy>) -> anyhow::Result<ExitCode> {
    let from = find::directory(args.directory.as_deref())?;
    let root = find::root_around(&from);
    let own = Own::make(None, environment, &root)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let done = runtime.block_on(async {
        let (facts, told) = mpsc::channel(CALLS);
        let issuer = IdTokenIssuer::new(&own.id_token_key);
        let account = aws_account::settings(&args.account, &own.state, Wanted::default(), policies)?;
        let account = aws_account::with_tasks(account, &own.run_id).await?;
        let (aws, notices) = Aws::start(account, issuer.clone(), facts.clone()).await?;
        let masker = masker(&aws);
        for notice in notices {
            Output::note(&format!("note: {}", masker.mask(&notice)));
        }
        let telling = tokio::spawn(tell(told, args.verbose, masker));
        let done = serve_with(args, (&own, &Repository::open(&root), &root), &aws, issuer, facts).await;
        aws.stop().await;
        // Nobody calls any more.
        telling.await.ok();
        done
    });
    if let Err(err) = remove_folder(&own.work) {
        Output::note(&format!("failed to remove {}: {err}", own.work.display()));
    }
    // Artifacts stay, as those of runs do.
    std::fs::remove_dir(&own.run_dir).ok();
    done
}

/// Hides what the account's tasks are given as secrets.
fn masker(aws: &Aws) -> Masker {
    let mut masker = Masker::default();
    for secret in aws.tasks.iter().flat_map(|it| it.secrets()) {
        masker.learn(&Secret::new(secret));
    }
    masker
}

/// Serves GitHub's services beside the account, if they are wanted.
async fn serve_with(
    args: &ServicesArgs,
    own: (&Own, &Repository, &Path),
    aws: &Aws,
    issuer: IdTokenIssuer,
    facts: mpsc::Sender<FactKind>,
) -> anyhow::Result<ExitCode> {
    let (own, repository, root) = own;
    let mut variables = of_aws(aws);
    let github = if args.aws {
        None
    } else {
        let settings = ServicesSettings::below(&own.state, &own.work, args.cache_limit, issuer);
        let services = Services::start(settings, move |call| {
            let (service, operation) = (call.service.to_owned(), call.operation);
            let called = ServiceCalled { service, operation, status: call.status, ..ServiceCalled::default() };
            facts.try_send(FactKind::ServiceCalled(called)).ok();
        });
        Some(services.await?)
    };
    if let Some(services) = &github {
        variables.extend(of_github(services, repository, own, root));
    }
    let done = match args.command.split_first() {
        Some((program, rest)) => run(program, rest, &variables).await,
        None => stay(&variables).await,
    };
    if let Some(services) = github {
        services.stop().await;
    }
    done
}

fn of_aws(aws: &Aws) -> Variables {
    let keys = aws.account.shell_keys();
    let region = aws.account.region().to_owned();
    let mut variables = vec![
        ("AWS_ENDPOINT_URL", aws.endpoint.url()),
        ("AWS_ACCESS_KEY_ID", keys.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", keys.secret_access_key),
        ("AWS_REGION", region.clone()),
        ("AWS_DEFAULT_REGION", region),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
    ];
    // A token of other keys makes these wrong.
    if Environment::variable("AWS_SESSION_TOKEN").is_some() {
        variables.push(("AWS_SESSION_TOKEN", String::new()));
    }
    variables
}

/// As a job of the checked-out branch has them.
fn of_github(services: &Services, repository: &Repository, own: &Own, root: &Path) -> Variables {
    let slug = repository.slug(root);
    let default = format!("refs/heads/{}", repository.default_branch());
    let git_ref = repository.branch().unwrap_or(&default).to_owned();
    let mut scopes = vec![CacheScope { git_ref: git_ref.clone(), read: true, write: true }];
    if default != git_ref {
        scopes.push(CacheScope { git_ref: default, read: true, write: false });
    }
    let token = services.job_token(JobIdentity { run_id: own.run_id.clone(), job: JOB.to_owned(), scopes });
    let claims = [
        ("sub", format!("repo:{slug}:ref:{git_ref}")),
        ("repository", slug.clone()),
        ("repository_owner", slug.split('/').next().unwrap_or_default().to_owned()),
        ("ref", git_ref.clone()),
        ("ref_type", "branch".to_owned()),
        ("sha", repository.head()),
        ("run_id", own.run_id.clone()),
        ("run_number", own.number.to_string()),
        ("runner_environment", "self-hosted".to_owned()),
    ];
    let claims = claims.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let mut variables = Variables::from(services.variables(&token));
    variables.extend([
        ("ACTIONS_ID_TOKEN_REQUEST_URL", services.allow_id_tokens(&token, claims)),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", token),
        ("GITHUB_REPOSITORY", slug),
        ("GITHUB_REF", git_ref),
        ("GITHUB_RUN_ID", own.run_id.clone()),
    ]);
    variables
}

/// Runs a command to its end. Signals are the command's, too.
async fn run(program: &str, rest: &[String], variables: &Variables) -> anyhow::Result<ExitCode> {
    let mut command = Command::new(program);
    command.args(rest).envs(variables.iter().map(|(name, value)| (*name, value)));
    let mut child = command.spawn().map_err(|err| {
        Help::error(
            "cli/command",
            format!("`{program}` could not be started: {err}"),
            "what stands after `--` is a program and its arguments; for a line of a shell, `-- sh -c 'LINE'`",
        )
    })?;
    let id = child.id().and_then(|it| i32::try_from(it).ok());
    let [mut terminate, mut hangup] = [SignalKind::terminate(), SignalKind::hangup()].map(signal);
    // A terminal's Ctrl-C is the command's own: what becomes of it is its choice.
    let _interrupt = signal(SignalKind::interrupt()).context("signals cannot be waited for")?;
    loop {
        let asked = tokio::select! {
            status = child.wait() => return Ok(code_of(status.context("the command's end is not known")?)),
            () = next(&mut terminate) => Signal::SIGTERM,
            () = next(&mut hangup) => Signal::SIGHUP,
        };
        if let Some(id) = id {
            kill(Pid::from_raw(id), asked).ok();
        }
    }
}

/// The next one; never, where signals of the kind cannot be had.
async fn next(signal: &mut std::io::Result<tokio::signal::unix::Signal>) {
    match signal {
        Ok(signal) => drop(signal.recv().await),
        Err(_) => std::future::pending().await,
    }
}

/// As a shell tells the end of a command: its own code, or 128 and the signal's number.
fn code_of(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|it| 128 + it)).unwrap_or(Exit::CouldNot as i32);
    ExitCode::from(u8::try_from(code).unwrap_or(Exit::CouldNot as u8))
}

/// Prints the environment and waits to be interrupted.
async fn stay(variables: &Variables) -> anyhow::Result<ExitCode> {
    let [mut interrupt, mut terminate, mut hangup] =
        [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
    let lines = variables.iter().map(|(name, value)| format!("export {name}={}\n", shell_word(value)));
    Output::data(&lines.chain(["# ready\n".to_owned()]).collect::<String>());
    tokio::select! {
        () = next(&mut interrupt) => {}
        () = next(&mut terminate) => {}
        () = next(&mut hangup) => {}
    }
    Ok(Exit::Success.into())
}

/// Tells what a person should know, and each call to who wants to see them.
async fn tell(mut told: mpsc::Receiver<FactKind>, verbose: bool, masker: Masker) {
    while let Some(fact) = told.recv().await {
        #[expect(clippy::wildcard_enum_match_arm, reason = "services alone do nothing else")]
        let (call, remark) = match fact {
            FactKind::Noticed(message) => (None, Some((AnnotationLevel::Notice, message))),
            FactKind::Warned(message) => (None, Some((AnnotationLevel::Warning, message))),
            FactKind::AwsCalled(call) => {
                let remark = call.remark();
                (Some((call.service, call.operation, call.status)), remark)
            }
            FactKind::ServiceCalled(call) => (Some((call.service, call.operation, call.status)), None),
            _ => (None, None),
        };
        if let Some((service, operation, status)) = call.filter(|_| verbose) {
            Output::note(&format!("{service}:{operation} {status}"));
        }
        if let Some((level, message)) = remark {
            let word = if level == AnnotationLevel::Notice { "note" } else { level.as_str() };
            Output::note(&format!("{word}: {}", masker.mask(&message)));
        }
    }
}
