//! Starting another program and taking its answer.

use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Output, Stdio};
use std::thread;

use super::error::StandInError;

/// Runs the command to its end, with `stdin` given to it, and returns what it printed whatever its exit code.
pub(super) fn output(
    command: &mut Command,
    stdin: Option<&[u8]>,
    way_out: &'static str,
) -> Result<Output, StandInError> {
    let failed_to_start = |command: &Command, source| StandInError::Start {
        program: command.get_program().to_string_lossy().into_owned(),
        way_out,
        source,
    };
    command.stdin(if stdin.is_some() { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|source| failed_to_start(command, source))?;
    let pipe = child.stdin.take();
    let output = thread::scope(|scope| {
        // Beside the reading: a program that answers before it has read all would wait for a reader, and so would this.
        scope.spawn(|| {
            if let (Some(bytes), Some(mut pipe)) = (stdin, pipe) {
                // A program that reads nothing closes the pipe; its exit code tells.
                pipe.write_all(bytes).ok();
            }
        });
        child.wait_with_output()
    });
    output.map_err(|source| failed_to_start(command, source))
}

/// As [`output`], for a command whose failure fails the step; returns its stdout as text.
pub(super) fn stdout(
    command: &mut Command,
    stdin: Option<&[u8]>,
    way_out: &'static str,
) -> Result<String, StandInError> {
    let output = output(command, stdin, way_out)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(failure(command, &output))
}

/// The failure of a command that ended with another code than 0.
pub(super) fn failure(command: &Command, output: &Output) -> StandInError {
    let mut program = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        program.push(' ');
        program.push_str(&argument.to_string_lossy());
    }
    let status = match (output.status.code(), output.status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "no exit code".to_owned(),
    };
    let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    StandInError::Program { program, status, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_may_answer_while_it_reads() {
        let text = vec![b'x'; 1024 * 1024];
        let told = stdout(&mut Command::new("cat"), Some(&text), "it is part of every system").expect("runs");
        assert_eq!(told.len(), text.len());
        assert_eq!(stdout(&mut Command::new("true"), Some(&text), "it is part of every system").expect("runs"), "");
    }
}
