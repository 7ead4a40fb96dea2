//! The services of a run, with the AWS account that its steps talk to.
use std::path::Path;

use tokio::sync::mpsc;
use wfrun_aws::{AccountFile, AccountSettings};
use wfrun_engine::FactKind;
use wfrun_runner::{LocalServices, aws_names, uses_aws};
use wfrun_services::ServicesSettings;
use wfrun_syntax::Source;

use crate::cli::{AwsChoice, RunArgs};
use crate::output::Help;
use crate::settings::Loaded;

/// Starts them; gives back what is to be told, too.
pub(super) async fn start_services(
    args: &RunArgs,
    loaded: &Loaded,
    state: &Path,
    github: ServicesSettings,
    facts: mpsc::Sender<FactKind>,
) -> anyhow::Result<(LocalServices, Vec<String>)> {
    let aws = if args.aws == AwsChoice::Emulate && uses_aws(&loaded.set) {
        Some(account(args, loaded, state)?)
    } else {
        None
    };
    Ok(LocalServices::start(github, aws, facts).await?)
}

fn account(args: &RunArgs, loaded: &Loaded, state: &Path) -> anyhow::Result<AccountSettings> {
    let given = args.aws_account.clone();
    let path = given.clone().unwrap_or_else(|| state.join("aws.yml"));
    let file = match std::fs::read_to_string(&path) {
        Ok(text) => AccountFile::parse(&text).map_err(|err| account_error(&path, text, &err))?,
        Err(err) if given.is_none() && err.kind() == std::io::ErrorKind::NotFound => AccountFile::default(),
        Err(err) => {
            let help = "the account file says what exists in the AWS account; see docs/account-file.md";
            return Err(Help::error("aws/account-file", format!("failed to read {}: {err}", path.display()), help));
        }
    };
    let file_dir = path.parent().unwrap_or(Path::new(".")).to_owned();
    let state_dir = args.aws_state.clone().unwrap_or_else(|| state.join("aws"));
    Ok(AccountSettings { file, file_dir, wanted: aws_names(&loaded.set), state_dir, iam_policies: Vec::new() })
}

fn account_error(path: &Path, text: String, err: &wfrun_aws::AccountFileError) -> anyhow::Error {
    let source = Source::new(path.display().to_string(), text);
    let help = err.help.clone();
    let place = format!("{}:{}:{}", source.path(), err.line, err.column);
    Help::error("aws/account-file", format!("{} ({place})", err.message), help)
}
