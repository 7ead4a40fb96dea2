//! Instructions: which there are and what they take.

use serde_json::{Value, json};

use super::lines::{self, Line};
use super::words::{Flags, json_words, pairs, split};
use super::{Fault, Place};
use crate::go_duration::nanoseconds;

/// An instruction at its place.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) place: Place,
    /// The file's escape character.
    pub(crate) escape: char,
    pub(crate) instruction: Instruction,
}

/// A command line: for the shell, or as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    Shell(String),
    Exec(Vec<String>),
}

/// A text that stands in the Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heredoc {
    pub(crate) name: String,
    /// Whether variables in it are replaced.
    pub(crate) expands: bool,
    pub(super) strips_tabs: bool,
    pub(crate) content: String,
}

/// What `COPY` and `ADD` take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Copy {
    pub(crate) sources: Vec<String>,
    pub(crate) destination: String,
    /// The stage or image of `--from`.
    pub(crate) from: Option<String>,
    pub(crate) chown: Option<String>,
    pub(crate) chmod: Option<String>,
    /// Of the sources that are `<<name`, in order.
    pub(crate) heredocs: Vec<Heredoc>,
}

/// An instruction. Values are as written: variables are replaced when it is carried out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Instruction {
    From {
        image: String,
        platform: Option<String>,
        stage: Option<String>,
    },
    Arg(Vec<(String, Option<String>)>),
    Env(Vec<(String, String)>),
    Label(Vec<(String, String)>),
    Copy(Copy),
    Add(Copy),
    Workdir(String),
    Run {
        command: Command,
        heredocs: Vec<Heredoc>,
    },
    Cmd(Command),
    Entrypoint(Command),
    Expose(Vec<String>),
    User(String),
    Volume(Vec<String>),
    StopSignal(String),
    Shell(Vec<String>),
    /// As in an image's configuration.
    Healthcheck(Value),
    Maintainer(String),
}

const NAMES: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// Reads a logical line.
pub(super) fn read(line: &Line, escape: char) -> Result<Instruction, Fault> {
    let instruction = read_leniently(line, escape)?;
    let (word, rest) = parts(&line.place);
    let name = word.to_ascii_uppercase();
    let (flags, rest) = Flags::take(&name, rest);
    flags.all_known(&line.place, &name, rest)?;
    Ok(instruction)
}

/// The word that an instruction begins with, and what follows.
fn parts(place: &Place) -> (&str, &str) {
    let (word, rest) = place.text.split_once(char::is_whitespace).unwrap_or((&place.text, ""));
    (word, rest.trim())
}

/// Reads a logical line, whatever flags it has.
pub(super) fn read_leniently(line: &Line, escape: char) -> Result<Instruction, Fault> {
    let place = &line.place;
    let (word, rest) = parts(place);
    let name = word.to_ascii_uppercase();
    if !NAMES.contains(&name.as_str()) {
        let fault = place.parse_error(format!("unknown instruction: {word}"));
        let near = NAMES.iter().find(|known| is_near(known, &name));
        return Err(near.into_iter().fold(fault, |fault, near| fault.help(format!("did you mean `{near}`?"))));
    }
    if rest.is_empty() && name != "CMD" && name != "ENTRYPOINT" {
        return Err(place.parse_error(format!("{name} requires at least one argument")));
    }
    let (flags, rest) = Flags::take(&name, rest);
    Ok(match name.as_str() {
        "FROM" => from(place, &flags, rest)?,
        "ARG" => Instruction::Arg(args(rest, escape)),
        "ENV" => Instruction::Env(pairs(place, "ENV", rest, escape)?),
        "LABEL" => Instruction::Label(pairs(place, "LABEL", rest, escape)?),
        "COPY" => Instruction::Copy(copy(line, &flags, "COPY", rest)?),
        "ADD" => Instruction::Add(copy(line, &flags, "ADD", rest)?),
        "WORKDIR" => Instruction::Workdir(rest.to_owned()),
        "RUN" => Instruction::Run { command: command(rest), heredocs: line.heredocs.clone() },
        "CMD" => Instruction::Cmd(command(rest)),
        "ENTRYPOINT" => Instruction::Entrypoint(command(rest)),
        "EXPOSE" => Instruction::Expose(split(rest)),
        "USER" => Instruction::User(one(place, "USER", rest)?),
        "VOLUME" => Instruction::Volume(json_words(rest).unwrap_or_else(|| split(rest))),
        "STOPSIGNAL" => Instruction::StopSignal(one(place, "STOPSIGNAL", rest)?),
        "SHELL" => Instruction::Shell(json_words(rest).filter(|words| !words.is_empty()).ok_or_else(|| {
            place
                .parse_error("SHELL requires the arguments to be in JSON form")
                .help("write `SHELL [\"/bin/bash\", \"-c\"]`")
        })?),
        "HEALTHCHECK" => Instruction::Healthcheck(healthcheck(place, &flags, rest)?),
        "ONBUILD" => {
            let fault = place.parse_error("ONBUILD is not supported by wfrun's stand-in for `docker`");
            return Err(fault.help("build this image with a Docker engine: `--backend docker`"));
        }
        _ => Instruction::Maintainer(rest.to_owned()),
    })
}

fn from(place: &Place, flags: &Flags, rest: &str) -> Result<Instruction, Fault> {
    let words = split(rest);
    let (image, stage) = match words.as_slice() {
        [image] => (image, None),
        [image, keyword, stage] if keyword.eq_ignore_ascii_case("as") => (image, Some(stage.to_ascii_lowercase())),
        _ => return Err(place.parse_error("FROM requires either one or three arguments")),
    };
    Ok(Instruction::From { image: image.clone(), platform: flags.get("platform"), stage })
}

fn args(rest: &str, escape: char) -> Vec<(String, Option<String>)> {
    let words = super::words::quoted_words(rest, escape).into_iter();
    words
        .map(|word| {
            word.split_once('=').map_or((word.clone(), None), |(name, value)| (name.to_owned(), Some(value.to_owned())))
        })
        .collect()
}

fn copy(line: &Line, flags: &Flags, name: &str, rest: &str) -> Result<Copy, Fault> {
    let mut words = json_words(rest).unwrap_or_else(|| split(rest));
    let destination = words.pop().filter(|_| !words.is_empty()).ok_or_else(|| {
        let message = format!(
            "{name} requires at least two arguments, but only one was provided. Destination could not be determined"
        );
        line.place.parse_error(message)
    })?;
    let sources = words.into_iter().filter(|word| lines::word(word).is_none()).collect();
    Ok(Copy {
        sources,
        destination,
        from: flags.get("from"),
        chown: flags.get("chown"),
        chmod: flags.get("chmod"),
        heredocs: line.heredocs.clone(),
    })
}

fn command(rest: &str) -> Command {
    json_words(rest).map_or_else(|| Command::Shell(rest.to_owned()), Command::Exec)
}

fn one(place: &Place, name: &str, rest: &str) -> Result<String, Fault> {
    match split(rest).as_slice() {
        [only] => Ok(only.clone()),
        _ => Err(place.parse_error(format!("{name} requires exactly one argument"))),
    }
}

/// Source: Docker, "Dockerfile reference", "HEALTHCHECK"; durations are nanoseconds in the configuration.
fn healthcheck(place: &Place, flags: &Flags, rest: &str) -> Result<Value, Fault> {
    let (kind, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let test = match kind.to_ascii_uppercase().as_str() {
        "NONE" => return Ok(json!({ "Test": ["NONE"] })),
        "CMD" => match command(rest.trim()) {
            Command::Shell(text) if text.is_empty() => {
                return Err(place.parse_error("Missing command after HEALTHCHECK CMD"));
            }
            Command::Shell(text) => vec!["CMD-SHELL".to_owned(), text],
            Command::Exec(words) => [vec!["CMD".to_owned()], words].concat(),
        },
        other => {
            return Err(place.parse_error(format!("Unknown type \"{other}\" in HEALTHCHECK (try CMD)")));
        }
    };
    let mut check = json!({ "Test": test });
    for (flag, member) in [
        ("interval", "Interval"),
        ("timeout", "Timeout"),
        ("start-period", "StartPeriod"),
        ("start-interval", "StartInterval"),
    ] {
        if let Some(text) = flags.get(flag) {
            let nanos =
                nanoseconds(&text).ok_or_else(|| place.parse_error(format!("time: invalid duration \"{text}\"")))?;
            if nanos != 0 {
                check[member] = nanos.into();
            }
        }
    }
    if let Some(text) = flags.get("retries") {
        let retries: u32 =
            text.parse().map_err(|_| place.parse_error(format!("invalid number of retries \"{text}\"")))?;
        if retries != 0 {
            check["Retries"] = retries.into();
        }
    }
    Ok(check)
}

/// Whether two names differ by a letter or by two that changed places.
fn is_near(known: &str, typed: &str) -> bool {
    let (known, typed): (Vec<char>, Vec<char>) = (known.chars().collect(), typed.chars().collect());
    let same_start = known.iter().zip(&typed).take_while(|(left, right)| left == right).count();
    let same_end = known.iter().rev().zip(typed.iter().rev()).take_while(|(left, right)| left == right).count();
    let longest = known.len().max(typed.len());
    let swapped = known.len() == typed.len()
        && same_start + same_end + 2 == longest
        && known[same_start] == typed[same_start + 1]
        && known[same_start + 1] == typed[same_start];
    swapped || (longest - known.len().min(typed.len()) <= 1 && same_start + same_end + 1 >= longest)
}
