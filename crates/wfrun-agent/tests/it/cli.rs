//! The command stand-ins, run in surroundings of the test's own.

mod aws;
pub(crate) mod docker;
mod server;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use wfrun_agent::standins::cli::{self, Process};

/// A home, a working directory and variables.
pub(crate) struct Surroundings {
    folder: TempDir,
    directory: Option<PathBuf>,
    variables: BTreeMap<String, String>,
}

/// How a command ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    pub(crate) code: u8,
    pub(crate) output: String,
    pub(crate) errors: String,
}

impl Surroundings {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name).display().to_string();
        let variables = [
            ("HOME".to_owned(), path("home")),
            ("WFRUN_DECLARATIONS".to_owned(), path("declarations")),
            ("SOURCE_DATE_EPOCH".to_owned(), "1700000000".to_owned()),
        ];
        fs::create_dir_all(folder.path().join("work")).expect("can create");
        Self { variables: variables.into(), directory: None, folder }
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn stand_in(&mut self, directory: PathBuf) {
        self.directory = Some(directory);
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// Writes a file of the working directory, with a time that is always the same.
    pub(crate) fn write(&self, relative: &str, content: impl AsRef<[u8]>) {
        let path = self.work().join(relative);
        fs::create_dir_all(path.parent().expect("has a parent")).expect("can create");
        fs::write(&path, content).expect("can write");
        let file = fs::File::options().append(true).open(&path).expect("can open");
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_600_000_000);
        file.set_modified(time).expect("can set the time");
    }

    /// Runs a command line, words separated by blanks, quoted by `'` or `"`.
    pub(crate) fn run(&self, line: &str) -> Ending {
        self.run_with_input(line, "")
    }

    pub(crate) fn run_with_input(&self, line: &str, input: &str) -> Ending {
        let words = words(line);
        let (mut output, mut errors) = (Vec::new(), Vec::new());
        let directory = self.directory.clone().unwrap_or_else(|| self.work());
        let mut input = input.as_bytes();
        let mut process = Process::new(self.variables.clone(), directory, &mut input, &mut output, &mut errors);
        let code = cli::run(&words[0], &words[1..], &mut process).expect("is a command");
        let text = |bytes| String::from_utf8(bytes).expect("is UTF-8");
        Ending { code, output: text(output), errors: text(errors) }
    }

    /// The declarations so far, as `how: subject: detail`.
    pub(crate) fn declarations(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder.path().join("declarations")).unwrap_or_default();
        let field = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
        text.lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("is JSON"))
            .map(|value| [field(&value, "how"), field(&value, "subject"), field(&value, "detail")].join(": "))
            .collect()
    }
}

fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = None::<String>;
    let mut quote = None;
    for letter in line.chars() {
        match (letter, quote) {
            (' ', None) => words.extend(word.take()),
            ('\'' | '"', None) => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (letter, Some(open)) if letter == open => quote = None,
            (letter, _) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

const LINE: &str = "WFRUN_TEST_COMMAND";

/// Not a test of its own: started with [`LINE`] set, the test binary is the command.
#[test]
fn entry() {
    let Ok(line) = std::env::var(LINE) else { return };
    let mut words = words(&line).into_iter();
    let code = cli::main(&words.next().expect("has a name"), words).expect("is a command");
    #[expect(clippy::exit, reason = "the harness would turn the code into its own")]
    std::process::exit(i32::from(code != std::process::ExitCode::SUCCESS));
}

#[test]
fn sudo_becomes_the_command() {
    let cases = [
        ("/usr/bin/sudo -E -u root A=1 sh -c 'echo $A $B; exit 7'", 7, "1 2", ""),
        ("sudo -u www-data id", 1, "", "sudo: `-u www-data` is not supported by wfrun's stand-in for `sudo`"),
        ("sudo nope-nope", 1, "", "sudo: nope-nope: command not found"),
    ];
    for (line, code, output, errors) in cases {
        let program = std::env::current_exe().expect("has a path");
        let mut command = std::process::Command::new(program);
        command.args(["--exact", "cli::entry", "--nocapture"]).env(LINE, line).env("B", "2");
        let ended = command.output().expect("starts");
        let (stdout, stderr) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
        assert_eq!(ended.status.code(), Some(code), "{line}: {stderr}");
        assert!(stdout.contains(output) && stderr.contains(errors), "{line}: {stdout}{stderr}");
    }
}

#[test]
fn only_known_names_are_commands() {
    assert!(cli::main("/usr/bin/wfrun", []).is_none());
    assert!(cli::main("docker-compose", []).is_none());
    assert_eq!(cli::COMMANDS, ["aws", "docker", "sudo"]);
}

/// The folder of this module's files.
fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/cli")
}
