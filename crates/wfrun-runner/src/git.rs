//! The git command line, asked safely.
use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use thiserror::Error;

/// A folder inside a git repository.
#[derive(Debug, Clone)]
pub struct Git {
    folder: PathBuf,
    env: Vec<(String, String)>,
    memory: Option<Memory>,
}

/// Answers by what was asked, shared by all copies; `Err` is what git said when it said no.
type Memory = Arc<Mutex<HashMap<Vec<String>, Result<String, String>>>>;

/// git could not answer.
#[derive(Debug, Error)]
pub enum GitError {
    /// There is no git.
    #[error("`git` could not be started")]
    Missing(#[source] std::io::Error),
    /// It ended with an error.
    #[error("`git {arguments}` failed: {message}")]
    Failed {
        /// What was asked.
        arguments: String,
        /// What it said.
        message: String,
    },
}

impl Git {
    /// git in `folder`.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), env: Vec::new(), memory: None }
    }

    /// Asks nothing twice, for as long as it and its copies live: for looking at a repository that nobody changes.
    #[must_use]
    pub fn with_memory(mut self) -> Self {
        self.memory = Some(Memory::default());
        self
    }

    /// With one more environment variable.
    #[must_use]
    pub fn with_env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs git; gives back what it printed, without the last line end.
    pub fn ask<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<String, GitError> {
        let asked: Vec<_> = arguments.iter().map(|it| it.as_ref().to_string_lossy().into_owned()).collect();
        let known = self.memory.as_ref().and_then(|it| it.lock().ok()?.get(&asked).cloned());
        let answer = if let Some(answer) = known {
            answer
        } else {
            let answer = self.answer(arguments)?;
            if let Some(mut memory) = self.memory.as_ref().and_then(|it| it.lock().ok()) {
                memory.insert(asked.clone(), answer.clone());
            }
            answer
        };
        answer.map_err(|message| GitError::Failed { arguments: asked.join(" "), message })
    }

    /// What git says; `Err` inside is its refusal.
    fn answer<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Result<String, String>, GitError> {
        let output = self.command(arguments).stdin(Stdio::null()).output().map_err(GitError::Missing)?;
        if output.status.success() {
            let text = String::from_utf8_lossy(&output.stdout);
            return Ok(Ok(text.trim_end_matches(['\n', '\r']).to_owned()));
        }
        Ok(Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }

    /// Runs git and gives what it prints to `read`, as it comes.
    pub(crate) fn pipe<S: AsRef<OsStr>, T>(
        &self,
        arguments: &[S],
        read: impl FnOnce(&mut dyn std::io::Read) -> T,
    ) -> Result<T, GitError> {
        let mut command = self.command(arguments);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(GitError::Missing)?;
        let answer = child.stdout.take().map(|mut it| {
            let answer = read(&mut it);
            // What is left over must not block it.
            std::io::copy(&mut it, &mut std::io::sink()).ok();
            answer
        });
        let output = child.wait_with_output().map_err(GitError::Missing)?;
        match answer {
            Some(answer) if output.status.success() => Ok(answer),
            Some(_) | None => {
                let asked: Vec<_> = arguments.iter().map(|it| it.as_ref().to_string_lossy()).collect();
                let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                Err(GitError::Failed { arguments: asked.join(" "), message })
            }
        }
    }

    /// Runs git; none where it says no or nothing.
    pub fn look_up<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Option<String> {
        self.ask(arguments).ok().filter(|it| !it.is_empty())
    }

    /// The commit that `name` stands for.
    pub fn commit(&self, name: &str) -> Option<String> {
        self.look_up(&["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{name}^{{commit}}")])
    }

    fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new("git");
        // Nothing that a repository configures may run or slow us down.
        command.args(["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "safe.directory=*"]);
        command.args(arguments).current_dir(&self.folder);
        command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C");
        // The caller may itself be run by git, from a hook.
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY"] {
            command.env_remove(name);
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }
}
