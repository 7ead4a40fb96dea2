//! JavaScript actions whose SDK knows no `AWS_ENDPOINT_URL`, and the AWS account on this machine.
//!
//! The SDK for JavaScript 2 and releases of 3 before 3.451 call the hosts of AWS whatever the environment says. A file that Node
//! loads before the action sends such requests to the account, with the `Host` they were signed for.
use std::io;

use crate::job::OpenJob;

const SCRIPT: &str = include_str!("aws_redirect.cjs");

/// Writes the file where the job's processes find it, and names it in the environment of a JavaScript action.
///
/// Differs: where a run has an emulated account, `NODE_OPTIONS` of JavaScript actions has a `--require` of a file of wfrun's.
pub(crate) fn redirect(open: &OpenJob, env: &mut Vec<(String, String)>) -> io::Result<()> {
    let path = format!("{}/aws_redirect.cjs", open.layout.file_commands);
    let Some(place) = open.relative(&path) else {
        return Err(io::Error::other("the path is outside of the job's work folder"));
    };
    open.files.write(place, SCRIPT)?;
    require(env, &open.paths.inside(&path));
    Ok(())
}

/// After what `NODE_OPTIONS` says already.
fn require(env: &mut Vec<(String, String)>, path: &str) {
    let quoted = path.replace('\\', "\\\\").replace('"', "\\\"");
    let ours = format!("--require \"{quoted}\"");
    match env.iter_mut().find(|(name, _)| name == "NODE_OPTIONS") {
        Some((_, options)) if !options.is_empty() => *options = format!("{options} {ours}"),
        Some((_, options)) => *options = ours,
        None => env.push(("NODE_OPTIONS".to_owned(), ours)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_node_options_said_stays() {
        let cases = [
            (None, "/w/a.cjs", r#"--require "/w/a.cjs""#),
            (Some("--max-old-space-size=8"), "/w/a.cjs", r#"--max-old-space-size=8 --require "/w/a.cjs""#),
            (Some(""), "/my work/\"a\\.cjs", r#"--require "/my work/\"a\\.cjs""#),
        ];
        for (before, path, after) in cases {
            let mut env = Vec::from_iter(before.map(|it: &str| ("NODE_OPTIONS".to_owned(), it.to_owned())));
            require(&mut env, path);
            assert_eq!(env, [("NODE_OPTIONS".to_owned(), after.to_owned())]);
        }
    }
}
