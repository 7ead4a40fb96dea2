//! The AWS account as it is opened: its file, and where it is kept.
use std::path::Path;

use wfrun_aws::{AccountFile, AccountFileError, AccountSettings, Wanted};
use wfrun_syntax::Source;

use crate::cli::AccountArgs;
use crate::output::Help;

/// Reads the account file; `state` is `.wfrun` of the repository, where file and account are unless the options say otherwise.
pub(crate) fn settings(args: &AccountArgs, state: &Path, wanted: Wanted) -> anyhow::Result<AccountSettings> {
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
    Ok(AccountSettings {
        file,
        file_dir,
        wanted,
        state_dir,
        iam_policies: Vec::new(),
        injections: Vec::new(),
        launcher: None,
    })
}

fn account_error(path: &Path, text: String, err: &AccountFileError) -> anyhow::Error {
    let source = Source::new(path.display().to_string(), text);
    let help = err.help.clone();
    let place = format!("{}:{}:{}", source.path(), err.line, err.column);
    Help::error("aws/account-file", format!("{} ({place})", err.message), help)
}
