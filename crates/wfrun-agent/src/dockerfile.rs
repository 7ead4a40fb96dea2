//! Dockerfiles: from text to instructions, each with its line; and what building one takes from elsewhere.

pub(crate) mod glob;
mod instruction;
mod lines;
mod needs;
pub(crate) mod substitute;
mod words;

use std::fmt;

use thiserror::Error;

pub(crate) use instruction::{Command, Copy, Heredoc, Instruction, Statement};
pub use needs::{Needs, needs};

/// What is wrong in a Dockerfile, and where: Docker's text, then the place and a way out.
#[derive(Debug, Error)]
pub(crate) struct Fault {
    pub(crate) message: String,
    pub(crate) place: Place,
    pub(crate) help: Option<String>,
}

/// A line of a Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The file, as named on the command line.
    pub(crate) file: String,
    /// The line on which the instruction begins, from 1.
    pub(crate) line: usize,
    /// The instruction as written, its lines joined.
    pub(crate) text: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.message, self.place)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, "\nhelp: {help}"))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.text)
    }
}

impl Place {
    /// A fault that Docker finds when it reads the file.
    pub(crate) fn parse_error(&self, message: impl fmt::Display) -> Fault {
        self.fault(format!("Error response from daemon: dockerfile parse error on line {}: {message}", self.line))
    }

    /// A fault found on the way.
    pub(crate) fn fault(&self, message: impl Into<String>) -> Fault {
        Fault { message: message.into(), place: self.clone(), help: None }
    }
}

impl Fault {
    /// The same fault with a way out.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Reads a Dockerfile; `file` is what it is called in messages.
///
/// Source: Docker, "Dockerfile reference".
pub(crate) fn parse(text: &str, file: &str) -> Result<Vec<Statement>, Fault> {
    let mut statements = Vec::new();
    let (escape, lines) = lines::read(text, file);
    for line in lines {
        let line = line?;
        let instruction = instruction::read(&line, escape)?;
        statements.push(Statement { place: line.place, escape, instruction });
    }
    let is_arg = |statement: &&Statement| matches!(statement.instruction, Instruction::Arg(_));
    match statements.iter().find(|statement| !is_arg(statement)) {
        Some(Statement { instruction: Instruction::From { .. }, .. }) => Ok(statements),
        Some(statement) => {
            let fault = statement.place.fault("Error response from daemon: no build stage in current context");
            Err(fault.help("the first instruction must be `FROM`; only `ARG` may stand before it"))
        }
        None => {
            let place = Place { file: file.to_owned(), line: 1, text: String::new() };
            let message = if statements.is_empty() {
                "the Dockerfile (Dockerfile) cannot be empty"
            } else {
                "no build stage in current context"
            };
            Err(place.fault(format!("Error response from daemon: {message}")).help("begin with `FROM <image>`"))
        }
    }
}

/// Reads what there is to read of a Dockerfile: without the instructions that are wrong, and with flags that are not known.
fn lenient(text: &str) -> impl Iterator<Item = Statement> {
    let (escape, lines) = lines::read(text, "Dockerfile");
    lines.into_iter().flatten().filter_map(move |line| {
        let instruction = instruction::read_leniently(&line, escape).ok()?;
        Some(Statement { place: line.place, escape, instruction })
    })
}

#[cfg(test)]
mod tests;
