//! `aws configure get` and `aws configure set`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::error::CliError;
use super::globals::Globals;
use super::profile::{Profile, config_path, credentials_path, with_setting};
use super::reject_extra;
use crate::standins::cli::process::Process;

/// Runs `configure get NAME` or `configure set NAME VALUE`.
pub(super) fn run(words: &[String], globals: &Globals, process: &mut Process<'_>) -> Result<(), CliError> {
    let (subcommand, rest) = words.split_first().ok_or_else(|| CliError::not_supported("configure"))?;
    match (subcommand.as_str(), rest) {
        ("get", [name, extra @ ..]) => {
            reject_extra(extra)?;
            get(name, globals, process)
        }
        ("get", []) => Err(CliError::missing("varname")),
        ("set", [name, value, extra @ ..]) => {
            reject_extra(extra)?;
            set(name, value, globals, process)
        }
        ("set", [_]) => Err(CliError::missing("value")),
        ("set", []) => Err(CliError::missing("varname, value")),
        (other, _) => Err(CliError::not_supported(format!("configure {other}"))),
    }
}

/// Reads the files only: a region of the environment is not a configured one.
fn get(name: &str, globals: &Globals, process: &mut Process<'_>) -> Result<(), CliError> {
    let (profile, key) = split(name, globals.profile.as_deref());
    match Profile::load(profile, process)?.get(key) {
        Some(value) => {
            process.line(&value);
            Ok(())
        }
        None => Err(CliError::Silent { code: 1 }),
    }
}

/// Source: AWS CLI command reference, `configure set` (keys go to the credentials file, all else to the configuration).
fn set(name: &str, value: &str, globals: &Globals, process: &mut Process<'_>) -> Result<(), CliError> {
    let given = globals.profile.clone().or_else(|| process.variable("AWS_PROFILE").map(str::to_owned));
    let (profile, key) = split(name, given.as_deref());
    if key.contains('.') {
        return Err(CliError::not_supported(format!("configure set {name}")));
    }
    let profile = profile.unwrap_or("default");
    let secret = matches!(key, "aws_access_key_id" | "aws_secret_access_key" | "aws_session_token");
    let path = if secret { credentials_path(process) } else { config_path(process) };
    let section = if secret || profile == "default" { profile.to_owned() } else { format!("profile {profile}") };
    let text = with_setting(&fs::read_to_string(&path).unwrap_or_default(), &section, key, value);
    let folder = path.parent().unwrap_or(&path);
    let written = fs::create_dir_all(folder)
        .and_then(|()| fs::write(&path, text))
        .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o600)));
    written.map_err(|error| CliError::General(format!("failed to write `{}`: {error}", path.display())))
}

/// `default.region` names its profile; `region` means the one given.
fn split<'a>(name: &'a str, given: Option<&'a str>) -> (Option<&'a str>, &'a str) {
    match name.split_once('.') {
        Some(("default", key)) => (Some("default"), key),
        Some(("profile", rest)) => rest.split_once('.').map_or((given, name), |(profile, key)| (Some(profile), key)),
        Some(_) | None => (given, name),
    }
}
