//! The files of `--iam-policy`, for all commands that take them.
use std::path::{Path, PathBuf};

use wfrun_aws::{IdentityPolicy, PolicyError};
use wfrun_syntax::{Checked, Diagnostic, Source, Span};

/// What is wrong with a policy file.
const CODE: &str = "aws/policy-file";

/// Reads policy files. One that is none is an error: it would silently allow nothing.
pub(crate) fn read(paths: &[PathBuf]) -> Checked<Vec<IdentityPolicy>> {
    let mut read = Checked::clean(Vec::new());
    for path in paths {
        match policy(path) {
            Ok(policy) => read.value.push(policy),
            Err(found) => read.diagnostics.push(*found),
        }
    }
    read
}

/// Reads one file.
pub(crate) fn policy(path: &Path) -> Result<IdentityPolicy, Box<Diagnostic>> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|err| {
        let help = "a policy is a JSON file, UTF-8, as `aws iam create-policy --policy-document` takes it";
        Box::new(Diagnostic::error(CODE, format!("failed to read {name}: {err}")).help(help))
    })?;
    IdentityPolicy::parse(&*name, &text).map_err(|PolicyError { message, range }| {
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let span = Span::new(place(range.start), place(range.end));
        let found = Diagnostic::error(CODE, message).at(&Source::new(name, text), span);
        Box::new(found.help("the words before the bracket are what IAM says of such a policy"))
    })
}
