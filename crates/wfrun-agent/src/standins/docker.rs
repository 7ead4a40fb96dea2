//! What the stand-ins of Docker's own actions share: the `docker` command, with its output in the step's log.

mod build_push;
pub(super) mod builders;
mod ecr;
mod input_list;
mod login;
mod setup_buildx;

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

use super::error::StandInError;
use super::search_path::SearchPath;
use super::{program, toolkit};

pub(super) use build_push::run as run_build_push;
pub(super) use login::run as run_login;
pub(super) use setup_buildx::run as run_setup_buildx;

/// What to tell a user whose job has no `docker`.
pub(super) const INSTALL: &str = "the job's environment has no `docker` command; install the Docker CLI";

/// How a `docker` command ended, and what it printed.
#[derive(Debug)]
struct Ended {
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

impl Ended {
    /// The last line on stderr, or the exit code where there is none.
    ///
    /// Source: docker's actions: `stderr.match(/(.*)\s*$/)`, or all of it where it is one line.
    fn last_line(&self) -> String {
        match self.stderr.trim().lines().last() {
            Some(line) => line.trim().to_owned(),
            None => format!("docker ended with {}", self.status),
        }
    }
}

/// `docker` with these words.
fn docker<S: AsRef<OsStr>>(words: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new("docker");
    command.args(words);
    command
}

/// Runs `docker` without a word in the log.
fn silent(command: &mut Command, stdin: Option<&[u8]>) -> Result<Ended, StandInError> {
    let output = program::output(command, stdin, INSTALL)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Ended { status: output.status, stdout: text(&output.stdout), stderr: text(&output.stderr) })
}

/// Runs `docker` as `@actions/exec` does: the log shows the command, and what it prints while it prints it.
fn shown(command: &mut Command) -> Result<Ended, StandInError> {
    let found = SearchPath::of_the_step().find("docker").unwrap_or_else(|| PathBuf::from("docker"));
    let mut line = format!("[command]{}", found.display());
    for word in command.get_args() {
        line.push(' ');
        line.push_str(&word.to_string_lossy());
    }
    toolkit::info(&line);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let start = |source| StandInError::Start { program: "docker".to_owned(), way_out: INSTALL, source };
    let mut child = command.spawn().map_err(start)?;
    let (out, errors) = (child.stdout.take(), child.stderr.take());
    let (stdout, stderr) = thread::scope(|scope| {
        let errors = scope.spawn(|| errors.map(|pipe| copy(pipe, &mut std::io::stderr())).unwrap_or_default());
        let out = out.map(|pipe| copy(pipe, &mut std::io::stdout())).unwrap_or_default();
        (out, errors.join().unwrap_or_default())
    });
    let status = child.wait().map_err(start)?;
    Ok(Ended { status, stdout, stderr })
}

/// Copies lines as they come, and keeps them.
fn copy(from: impl Read, to: &mut impl Write) -> String {
    let mut kept = Vec::new();
    let mut lines = BufReader::new(from);
    loop {
        let start = kept.len();
        match lines.read_until(b'\n', &mut kept) {
            Ok(0) | Err(_) => return String::from_utf8_lossy(&kept).into_owned(),
            // The reader of the log may be gone; the exit code still says how the step went.
            Ok(_) => to.write_all(&kept[start..]).and_then(|()| to.flush()).unwrap_or_default(),
        }
    }
}

/// The folder of Docker's settings: `$DOCKER_CONFIG`, else `~/.docker`.
fn settings_folder() -> PathBuf {
    match toolkit::variable("DOCKER_CONFIG") {
        folder if folder.is_empty() => Path::new(&toolkit::variable("HOME")).join(".docker"),
        folder => PathBuf::from(folder),
    }
}

/// Whether a variable or an option is on, as docker's programs read it.
fn is_true(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "1" | "t" | "true")
}

/// The group `Docker info`; gives what keeps the engine from answering, if anything does.
fn tell_engine() -> Result<Option<String>, StandInError> {
    toolkit::start_group("Docker info");
    let version = shown(&mut docker(["version"]))?;
    let info = shown(&mut docker(["info"]))?;
    toolkit::end_group();
    Ok([version, info].iter().find(|it| !it.status.success()).map(Ended::last_line))
}

/// The platform that the engine builds for, such as `linux/amd64`.
fn own_platform() -> Result<String, StandInError> {
    let mut command = docker(["version", "--format", "{{.Server.Os}}/{{.Server.Arch}}"]);
    let ended = silent(&mut command, None)?;
    let told = ended.stdout.trim();
    if ended.status.success() && !told.is_empty() {
        return Ok(told.to_owned());
    }
    Err(StandInError::action(ended.last_line()))
}
