//! What becomes of the words of a command.
use wfrun_aws::UNKNOWN;

use super::{Command, Reader, Word};

/// A command that is being read.
#[derive(Debug, Default)]
pub(super) struct Open {
    pub(super) words: Vec<Word>,
    pub(super) writes: Vec<String>,
    /// How many `case` are open.
    pub(super) cases: usize,
    /// It stands behind `&&`, `||` or `|`: what it assigns may not be.
    pub(super) follows_another: bool,
}

/// Words of the shell's own before a command.
const BEFORE: [&str; 9] = ["!", "do", "elif", "else", "if", "then", "time", "until", "while"];

/// Commands that assign what stands behind them.
const ASSIGNING: [&str; 5] = ["export", "local", "declare", "readonly", "typeset"];

/// Shells whose `-c` is a script.
const SHELLS: [&str; 4] = ["bash", "sh", "dash", "zsh"];

impl Reader<'_> {
    /// The command has ended: keeps it, or does what it says to what is read.
    pub(super) fn end(&mut self, open: &mut Open) {
        let (words, writes) = (std::mem::take(&mut open.words), std::mem::take(&mut open.writes));
        let mut rest = words.as_slice();
        while let [first, others @ ..] = rest
            && first.is_plain
        {
            match first.text.as_str() {
                "for" | "select" => {
                    self.depth += 1;
                    if let Some(name) = others.first() {
                        self.variables.insert(name.text.clone(), UNKNOWN.to_string());
                    }
                    return;
                }
                "case" => {
                    self.depth += 1;
                    open.cases += 1;
                    // What stands behind `in` is the first pattern.
                    return;
                }
                "esac" => {
                    open.cases = open.cases.saturating_sub(1);
                    self.depth = self.depth.saturating_sub(1);
                }
                "fi" | "done" | "}" => self.depth = self.depth.saturating_sub(1),
                "{" => self.depth += 1,
                "function" => return,
                word => {
                    if ["if", "until", "while"].contains(&word) {
                        self.depth += 1;
                    }
                    if !BEFORE.contains(&word) {
                        break;
                    }
                }
            }
            rest = others;
        }
        let is_sure = self.depth == 0 && !open.follows_another;
        let assigned = rest.iter().take_while(|it| assignment(&it.text).is_some()).count();
        let (assignments, command) = rest.split_at(assigned);
        match command.first().map(|it| it.text.as_str()) {
            None => self.assign(assignments, is_sure),
            Some(word) if ASSIGNING.contains(&word) => self.assign(&command[1..], is_sure),
            Some("unset" | "read") => {
                for name in &command[1..] {
                    self.variables.insert(name.text.clone(), UNKNOWN.to_string());
                }
            }
            Some(_) => {
                self.inner(command);
                self.found.commands.push(Command { words: command.to_vec(), writes });
            }
        }
    }

    fn assign(&mut self, words: &[Word], is_sure: bool) {
        for word in words {
            let Some((name, value)) = assignment(&word.text) else { continue };
            let value = if is_sure && !name.ends_with('+') { value.to_owned() } else { UNKNOWN.to_string() };
            self.variables.insert(name.trim_end_matches('+').to_owned(), value);
        }
    }

    /// `sh -c 'script'` and `eval 'script'`
    fn inner(&mut self, command: &[Word]) {
        let [program, rest @ ..] = command else { return };
        let script = match program.text.rsplit('/').next() {
            Some("eval") => rest.first(),
            Some(shell) if SHELLS.contains(&shell) => {
                let flag = rest.iter().position(|it| it.text.starts_with('-') && it.text.ends_with('c'));
                flag.and_then(|at| rest.get(at + 1))
            }
            Some(_) | None => None,
        };
        let Some(script) = script.filter(|it| !it.text.starts_with(UNKNOWN)) else { return };
        let mut reader = Reader {
            text: &script.text,
            at: 0,
            variables: self.variables.clone(),
            expression: self.expression,
            heredocs: Vec::new(),
            depth: self.depth,
            nesting: self.nesting,
            is_inner: Some(script.range.clone()),
            found: super::Script::default(),
        };
        reader.list(None);
        self.found.commands.append(&mut reader.found.commands);
        self.found.is_broken |= reader.found.is_broken;
    }
}

/// `NAME=value`, or `NAME+=value` with the `+`.
fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let bare = name.strip_suffix('+').unwrap_or(name);
    let is_name = bare.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_')
        && bare.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_');
    is_name.then_some((name, value))
}
