//! What becomes of the words of a command.
use super::wrappers::started;
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
    /// The command whose output it reads, by its place among those found.
    pub(super) reads: Option<usize>,
    /// How many here-documents it has.
    pub(super) heredocs: usize,
}

impl Open {
    pub(super) fn begins_case(&self) -> bool {
        self.words.first().is_some_and(|it| it.is_plain && it.text == "case")
    }
}

/// Words of the shell's own before a command.
const BEFORE: [&str; 9] = ["!", "do", "elif", "else", "if", "then", "time", "until", "while"];

/// Commands that assign what stands behind them.
const ASSIGNING: [&str; 5] = ["export", "local", "declare", "readonly", "typeset"];

/// Longer values, in bytes, are not followed: a script can double one in each line.
const LONGEST_VALUE: usize = 4096;

/// Shells whose `-c` is a script.
const SHELLS: [&str; 4] = ["bash", "sh", "dash", "zsh"];

impl Reader<'_> {
    /// The command has ended: keeps it and tells its place, or does what it says to what is read.
    pub(super) fn end(&mut self, open: &mut Open) -> Option<usize> {
        let (words, writes) = (std::mem::take(&mut open.words), std::mem::take(&mut open.writes));
        let heredocs = std::mem::take(&mut open.heredocs);
        let rest = self.without_own_words(&words, open)?;
        let is_sure = !open.follows_another;
        let assigned = rest.iter().take_while(|it| assignment(&it.text).is_some()).count();
        let (assignments, command) = rest.split_at(assigned);
        let Some(program) = command.first() else {
            self.assign(assignments, is_sure);
            return None;
        };
        match program.text.as_str() {
            word if ASSIGNING.contains(&word) => self.assign(&command[1..], is_sure),
            "unset" | "read" => {
                for name in &command[1..] {
                    self.set(&name.text, self.unknown());
                }
            }
            _ => {
                self.scripts_of(command, heredocs);
                let reads = open.reads.take();
                self.found.commands.push(Command { words: command.to_vec(), writes, reads });
                return Some(self.found.commands.len() - 1);
            }
        }
        None
    }

    /// The words behind those of the shell's own, which are done; none where nothing of a command is there.
    fn without_own_words<'w>(&mut self, words: &'w [Word], open: &mut Open) -> Option<&'w [Word]> {
        let mut rest = words;
        while let [first, others @ ..] = rest
            && first.is_plain
        {
            match first.text.as_str() {
                "for" | "select" => {
                    self.blocks.push(Vec::new());
                    if let Some(name) = others.first() {
                        self.set(&name.text, self.unknown());
                    }
                    return None;
                }
                "case" => {
                    self.blocks.push(Vec::new());
                    open.cases += 1;
                    // What stands behind `in` is the first pattern.
                    return None;
                }
                "esac" => {
                    open.cases = open.cases.saturating_sub(1);
                    self.close();
                }
                "fi" | "done" | "}" => self.close(),
                "{" => self.blocks.push(Vec::new()),
                "function" => return None,
                word => {
                    if ["if", "until", "while"].contains(&word) {
                        self.blocks.push(Vec::new());
                    }
                    if !BEFORE.contains(&word) {
                        break;
                    }
                }
            }
            rest = others;
        }
        Some(rest)
    }

    fn assign(&mut self, words: &[Word], is_sure: bool) {
        for word in words {
            let Some((name, value)) = assignment(&word.text) else { continue };
            let is_known = is_sure && !name.ends_with('+') && value.len() <= LONGEST_VALUE;
            let value = if is_known { value.to_owned() } else { self.unknown() };
            self.set(name.trim_end_matches('+'), value);
        }
    }

    /// Sets a variable, up to the end of the compound command.
    fn set(&mut self, name: &str, value: String) {
        self.variables.insert(name.to_owned(), value);
        self.blocks.last_mut().into_iter().for_each(|it| it.push(name.to_owned()));
    }

    /// `sh -c 'script'`, `eval 'script'`, `trap 'script' EXIT` and `sh << END`
    fn scripts_of(&mut self, command: &[Word], heredocs: usize) {
        let [program, rest @ ..] = started(command, &SHELLS) else { return };
        let script = match program.program() {
            "eval" | "trap" => rest.first(),
            shell if SHELLS.contains(&shell) => {
                let flag = rest.iter().position(|it| it.text.starts_with('-') && it.text.ends_with('c'));
                if rest.iter().all(|it| it.text.starts_with('-')) {
                    let own = self.heredocs.len().saturating_sub(heredocs);
                    self.heredocs[own..].iter_mut().for_each(|it| it.is_script = true);
                }
                flag.and_then(|at| rest.get(at + 1))
            }
            _ => None,
        };
        if let Some(script) = script.filter(|it| !it.text.starts_with(self.known.unknown)) {
            self.inner(&script.text, script.range.clone());
        }
    }
}

/// `NAME=value`, or `NAME+=value` with the `+`.
pub(super) fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let bare = name.strip_suffix('+').unwrap_or(name);
    let is_name = bare.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_')
        && bare.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_');
    is_name.then_some((name, value))
}
