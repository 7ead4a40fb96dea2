//! Programs that start another one.
use super::{Command, Word};

/// Programs that start the one behind them, perhaps with options.
const WRAPPERS: [&str; 10] = ["builtin", "command", "env", "exec", "nice", "nohup", "sudo", "time", "timeout", "xargs"];

impl Word {
    /// The name of the program that a command's first word means, without its folder.
    pub fn program(&self) -> &str {
        self.text.rsplit('/').next().unwrap_or_default()
    }
}

impl Command {
    /// The words from the program on that runs, which `sudo`, `xargs` and the like may start.
    ///
    /// `programs` are looked for behind the options and values of these; any other program is taken to stand right behind them.
    pub fn started(&self, programs: &[&str]) -> &[Word] {
        started(&self.words, programs)
    }
}

pub(super) fn started<'w>(words: &'w [Word], programs: &[&str]) -> &'w [Word] {
    if !words.first().is_some_and(|it| WRAPPERS.contains(&it.text.as_str())) {
        return words;
    }
    let at = words.iter().position(|it| programs.contains(&it.program())).unwrap_or(1);
    words.get(at..).unwrap_or_default()
}
