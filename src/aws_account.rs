//! The AWS account as it is opened: its file, and where it is kept.
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use wfrun_aws::{
    AccountFile, AccountFileError, AccountSettings, EcsSection, Era, IamMode, IdentityPolicy, Injection, Runtime,
    Wanted,
};
use wfrun_backend::{DockerBackend, chain};
use wfrun_runner::{AwsSettings, DockerLauncher, TaskSettings};
use wfrun_syntax::{Diagnostic, Source};

use crate::cli::{AccountArgs, AwsEra};
use crate::iam_policies;
use crate::output::Help;

/// Reads the account file; `state` is `.wfrun` of the repository, where file and account are unless the options say otherwise.
///
/// `policies` are those of the workflow's identity.
pub(crate) fn settings(
    args: &AccountArgs,
    state: &Path,
    wanted: Wanted,
    policies: Vec<IdentityPolicy>,
) -> anyhow::Result<AccountSettings> {
    let (path, mut file) = read(args.aws_account.as_deref(), state)?;
    if let Some(era) = args.aws_era {
        file.ecs.task_definition_era = match era {
            AwsEra::Classic => Era::Y2024M05,
            AwsEra::Today => Era::Current,
        };
    }
    // Who gives a policy wants to see it hold.
    if !policies.is_empty() && file.iam.mode == IamMode::Off {
        file.iam.mode = IamMode::Enforce;
    }
    let injections = args.inject.iter().map(|it| injection(it)).collect::<anyhow::Result<Vec<_>>>()?;
    let file_dir = path.parent().unwrap_or(Path::new(".")).to_owned();
    for policy in file.iam.users.values().flat_map(|it| &it.policies) {
        iam_policies::policy(&file_dir.join(policy)).map_err(|found| policy_error(&found))?;
    }
    let state_dir = args.aws_state.clone().unwrap_or_else(|| state.join("aws"));
    Ok(AccountSettings { file, file_dir, wanted, state_dir, iam_policies: policies, injections, launcher: None })
}

/// Reads the account file that is given, or the one in `state`, `.wfrun` of the repository; that one may be absent.
pub(crate) fn read(given: Option<&Path>, state: &Path) -> anyhow::Result<(PathBuf, AccountFile)> {
    let path = given.map_or_else(|| state.join("aws.yml"), Path::to_owned);
    let file = match std::fs::read_to_string(&path) {
        Ok(text) => AccountFile::parse(&text).map_err(|err| account_error(&path, text, &err))?,
        Err(err) if given.is_none() && err.kind() == std::io::ErrorKind::NotFound => AccountFile::default(),
        Err(err) => {
            let help = "the account file says what exists in the AWS account; see docs/account-file.md";
            return Err(Help::error("aws/account-file", format!("failed to read {}: {err}", path.display()), help));
        }
    };
    Ok((path, file))
}

fn injection(text: &str) -> anyhow::Result<Injection> {
    Injection::parse(text).map_err(|err| {
        let help = format!("what can be injected: {}", Injection::KNOWN.map(|it| format!("`{it}`")).join(", "));
        Help::error("cli/inject", format!("`--inject {text}`: {err}"), help)
    })
}

/// What a run should say of what is injected, as it makes it another run than on AWS.
pub(crate) fn injected(args: &AccountArgs) -> Option<String> {
    let names: Vec<String> = args.inject.iter().map(|it| format!("`{it}`")).collect();
    (!names.is_empty()).then(|| format!("what if: AWS fails as `--inject` says: {}", names.join(", ")))
}

/// What opens the account; where its file says `runtime: docker`, an engine has to answer.
///
/// Must be called inside a runtime. `run_id` goes into the names and labels of containers.
pub(crate) async fn with_tasks(account: AccountSettings, run_id: &str) -> anyhow::Result<AwsSettings> {
    let tasks = match account.file.ecs.runtime {
        Runtime::Simulate => None,
        Runtime::Docker => Some(Arc::new(launcher(&account.file.ecs, run_id).await?)),
    };
    Ok(AwsSettings { account, tasks, names: None })
}

async fn launcher(ecs: &EcsSection, run_id: &str) -> anyhow::Result<DockerLauncher> {
    const HEALTH_SCALE: f64 = 0.1;
    let engine = DockerBackend::connect().await.map_err(|err| {
        let message = format!("the account file says `ecs.runtime: docker`, and there is no engine: {}", chain(&err));
        let help = "write `ecs.runtime: simulate` into the account file: then no task is started, and the run says so";
        Help::error("wfrun/failed", message, help)
    })?;
    let settings = TaskSettings {
        run_id: run_id.to_owned(),
        executable: std::env::current_exe().context("failed to find wfrun's own executable")?,
        secrets: ecs.secrets.0.clone(),
        health_scale: ecs.health_scale.unwrap_or(HEALTH_SCALE),
    };
    Ok(DockerLauncher::new(engine, settings)?)
}

/// One that the account file names.
fn policy_error(found: &Diagnostic) -> anyhow::Error {
    let place = found.exact().map_or_else(String::new, |it| format!(" ({it})"));
    let help = "correct the policy, or take it out of `iam.users` of the account file";
    Help::error("aws/policy-file", format!("{}{place}", found.message), help)
}

fn account_error(path: &Path, text: String, err: &AccountFileError) -> anyhow::Error {
    let source = Source::new(path.display().to_string(), text);
    let help = err.help.clone();
    let place = format!("{}:{}:{}", source.path(), err.line, err.column);
    Help::error("aws/account-file", format!("{} ({place})", err.message), help)
}
