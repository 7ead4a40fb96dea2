//! git, asked about the run's own bare repository.

use std::io::{ErrorKind, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use axum::http::StatusCode;

use super::answer::Refusal;
use super::names::{is_id, is_name};

/// Bytes of an answer that are read; no client takes more.
const MOST: u64 = 128 * 1024 * 1024;

/// A bare repository.
pub(super) struct Git {
    folder: PathBuf,
}

impl Git {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Runs git; none where it says no.
    pub(super) fn ask(&self, arguments: &[&str]) -> Result<Option<Vec<u8>>, Refusal> {
        self.run(arguments, &[], None)
    }

    /// The same as text, without the last line end.
    pub(super) fn text(&self, arguments: &[&str]) -> Result<Option<String>, Refusal> {
        self.made(arguments, &[], None)
    }

    /// Runs git so that it makes something, and takes what it says of it, without the last line end.
    pub(super) fn made(
        &self,
        arguments: &[&str],
        env: &[(&str, String)],
        input: Option<&[u8]>,
    ) -> Result<Option<String>, Refusal> {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned();
        Ok(self.run(arguments, env, input)?.map(text))
    }

    /// Keeps bytes as a blob; gives back its id.
    pub(super) fn keep(&self, bytes: &[u8]) -> Result<String, Refusal> {
        self.made(&["hash-object", "-w", "--stdin"], &[], Some(bytes))?.ok_or_else(Refusal::not_found)
    }

    /// Runs git with more environment variables, and gives it something to read.
    pub(super) fn run(
        &self,
        arguments: &[&str],
        env: &[(&str, String)],
        input: Option<&[u8]>,
    ) -> Result<Option<Vec<u8>>, Refusal> {
        let mut command = Command::new("git");
        // Nothing that a repository configures may run.
        command.args(["-c", "core.hooksPath=/dev/null", "-c", "safe.directory=*", "-c", "core.quotePath=false"]);
        command.args(arguments).current_dir(&self.folder);
        command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C");
        // The caller of wfrun may itself be run by git, from a hook.
        for name in ["GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY"] {
            command.env_remove(name);
        }
        command.env("GIT_DIR", &self.folder).envs(env.iter().map(|(name, value)| (name, value)));
        command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|err| failed(&err))?;
        if let (Some(input), Some(mut stdin)) = (input, child.stdin.take()) {
            // git reads all of it before it writes. Where it ends before that, its status says so.
            stdin.write_all(input).or_else(|err| unless_broken(&err))?;
        }
        let mut bytes = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            stdout.take(MOST + 1).read_to_end(&mut bytes).map_err(|err| failed(&err))?;
        }
        if bytes.len() as u64 > MOST {
            child.kill().ok();
            child.wait().ok();
            return Err(Refusal::new(StatusCode::FORBIDDEN, "This is too large: the API gives at most 100 MB"));
        }
        let status = child.wait().map_err(|err| failed(&err))?;
        Ok(status.success().then_some(bytes))
    }

    /// The commit that a name stands for.
    pub(super) fn commit(&self, name: &str) -> Result<Option<String>, Refusal> {
        self.object(name, "commit")
    }

    /// The object of a kind that a name stands for, tags followed.
    pub(super) fn object(&self, name: &str, kind: &str) -> Result<Option<String>, Refusal> {
        if !is_name(name) {
            return Ok(None);
        }
        let wanted = format!("{name}^{{{kind}}}");
        let found = self.text(&["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted])?;
        // An id that is there in name only is no object.
        match found.filter(|it| is_id(it)) {
            Some(id) if self.ask(&["cat-file", "-e", &id])?.is_some() => Ok(Some(id)),
            Some(_) | None => Ok(None),
        }
    }

    /// An object's kind: `commit`, `tree`, `blob`, `tag`.
    pub(super) fn kind(&self, id: &str) -> Result<Option<String>, Refusal> {
        self.text(&["cat-file", "-t", id])
    }

    /// A blob's size in bytes.
    pub(super) fn size(&self, id: &str) -> Result<u64, Refusal> {
        Ok(self.text(&["cat-file", "-s", id])?.and_then(|it| it.parse().ok()).unwrap_or_default())
    }

    /// A blob's bytes.
    pub(super) fn blob(&self, id: &str) -> Result<Vec<u8>, Refusal> {
        self.ask(&["cat-file", "blob", id])?.ok_or_else(Refusal::not_found)
    }
}

fn unless_broken(err: &std::io::Error) -> Result<(), Refusal> {
    if err.kind() == ErrorKind::BrokenPipe { Ok(()) } else { Err(failed(err)) }
}

fn failed(err: &std::io::Error) -> Refusal {
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, format!("git failed on this machine: {err}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// More than a pipe holds, for a command that reads none of it.
    #[test]
    fn what_git_does_not_read_is_no_failure_of_this_machine() {
        let folder = tempfile::tempdir().expect("a folder");
        let git = Git::new(folder.path().to_owned());
        let input = vec![0; 1024 * 1024];
        assert!(matches!(git.run(&["no-such-command"], &[], Some(&input)), Ok(None)));
    }
}
