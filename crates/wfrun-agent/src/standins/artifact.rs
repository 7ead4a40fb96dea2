//! Stand-ins for `actions/upload-artifact` and `actions/download-artifact`.
//!
//! They talk to the same service as the real ones, with the same archives: what one uploads the other downloads.

mod archive;
mod download;
mod names;
mod records;
mod service;
mod upload;
mod uploading;

use super::Invocation;
use super::error::StandInError;

pub(super) fn run_upload(invocation: &Invocation) -> Result<(), StandInError> {
    refuse_old("actions/upload-artifact", invocation)?;
    upload::run(invocation.version)
}

pub(super) fn run_download(invocation: &Invocation) -> Result<(), StandInError> {
    refuse_old("actions/download-artifact", invocation)?;
    download::run(invocation.version)
        .map_err(|err| StandInError::action(format!("Unable to download artifact(s): {}", err.chain())))
}

/// Source: <https://github.blog/changelog/2024-04-16-deprecation-notice-v3-of-the-artifact-actions/>
/// Differs: versions of the artifact actions before v4 fail their step; GitHub fails the job before it begins.
fn refuse_old(action: &str, invocation: &Invocation) -> Result<(), StandInError> {
    let major = invocation.version.major;
    if major > 3 {
        return Ok(());
    }
    Err(StandInError::action(format!(
        "This request has been automatically failed because it uses a deprecated version of `{action}: v{major}`. Learn \
         more: https://github.blog/changelog/2024-04-16-deprecation-notice-v3-of-the-artifact-actions/"
    )))
}
