//! Running programs and saying what happens: every task goes through here, so that failures read alike.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// Prints one line for the person at the terminal.
#[expect(clippy::print_stdout, reason = "the one place where tasks print")]
pub(crate) fn say(line: impl AsRef<str>) {
    println!("{}", line.as_ref());
}

/// Prints why a task failed, with its causes.
#[expect(clippy::print_stderr, reason = "the one place where tasks complain")]
pub(crate) fn complain(err: &anyhow::Error) {
    eprintln!("error: {err:#}");
}

/// Runs `command` with the terminal's streams; an exit code other than 0 is an error that names the command.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("`{}` could not be started", line_of(command)))?;
    if !status.success() {
        bail!("`{}` ended with {status}", line_of(command));
    }
    Ok(())
}

/// Runs `command` with its output appended to `log`; a failure shows the log's last lines.
pub(crate) fn run_logged(command: &mut Command, log: &Path) -> Result<()> {
    let file = open_log(log)?;
    let errors = file.try_clone().with_context(|| format!("{} cannot be shared", log.display()))?;
    let status = command
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(errors)
        .status()
        .with_context(|| format!("`{}` could not be started", line_of(command)))?;
    if !status.success() {
        bail!("`{}` ended with {status}\n{}\nwhole log: {}", line_of(command), tail(log, 15), log.display());
    }
    Ok(())
}

/// Returns the trimmed standard output of `command`, or nothing if it cannot be started or fails.
pub(crate) fn capture(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether a program of this name is on `PATH`.
pub(crate) fn on_path(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join(program).is_file())
}

/// A command that runs as root: plain for root, else through `sudo -n`, which fails at once instead of asking.
pub(crate) fn as_root(program: &str) -> Command {
    if capture(Command::new("id").arg("-u")).as_deref() == Some("0") {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.args(["-n", program]);
    command
}

/// Opens `log` for appending, with the folders it needs.
pub(crate) fn open_log(log: &Path) -> Result<File> {
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be created", folder.display()))?;
    }
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .with_context(|| format!("{} cannot be written", log.display()))
}

/// The last `count` lines of a file, indented; empty where it cannot be read.
pub(crate) fn tail(file: &Path, count: usize) -> String {
    let text = fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].iter().fold(String::new(), |mut out, line| {
        writeln!(out, "  | {line}").expect("a String takes all text");
        out
    })
}

fn line_of(command: &Command) -> String {
    let words: Vec<_> = std::iter::once(command.get_program()).chain(command.get_args()).collect();
    words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
