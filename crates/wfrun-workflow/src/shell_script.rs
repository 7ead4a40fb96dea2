//! The commands of a shell script, as far as they can be told without running it.
//!
//! Reads what POSIX shells and bash have in common: quotes, expansions, substitutions, here-documents, compound commands. What only a
//! run can tell stands as one character in the words, [`Known::unknown`]. Expressions of GitHub's (`${{ … }}`) are replaced wherever
//! they stand, as GitHub does before the shell sees the script.
//!
//! Source: POSIX.1-2024, "Shell Command Language", 2.2 to 2.9.
mod command;
mod expansion;
mod heredoc;
mod wrappers;

use std::ops::Range;

use indexmap::IndexMap;

use self::command::Open;
use self::heredoc::HereDocument;

/// A simple command: a program with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The program and its arguments, at least one.
    pub words: Vec<Word>,
    /// The files into which its output goes.
    pub writes: Vec<String>,
    /// The command whose output it reads through a pipe, by its place in the script's list.
    pub reads: Option<usize>,
}

/// A word after all expansions, with [`Known::unknown`] for what is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// What the program sees.
    pub text: String,
    /// Where it stands in the script, in bytes.
    pub range: Range<usize>,
    /// Nothing of it is quoted: it may be a word of the shell's own.
    is_plain: bool,
    /// A part of it is quoted.
    has_quotes: bool,
}

/// A script that was read.
#[derive(Debug, Default)]
pub struct Script {
    /// Its commands in the order in which they stand, those of functions and substitutions too.
    pub commands: Vec<Command>,
    /// The script does not end where it should, so that what was read may be otherwise.
    pub is_broken: bool,
}

/// What is known of the world that a script runs in.
#[derive(Clone, Copy)]
pub struct Known<'k> {
    /// The variables of its environment.
    pub variables: &'k IndexMap<String, String>,
    /// Answers for the text between `${{` and `}}`, without the blanks around it.
    pub expression: &'k dyn Fn(&str) -> String,
    /// Answers for the script between `$(` and `)` or between backquotes.
    pub substitution: &'k dyn Fn(&str) -> String,
    /// What stands for all that is not known.
    pub unknown: char,
}

/// Reads a script.
pub fn read(script: &str, known: &Known<'_>) -> Script {
    let mut reader = Reader::new(script, known, known.variables.clone());
    reader.list(None);
    reader.found
}

/// How deep substitutions may be in each other.
const MOST_NESTED: usize = 100;

/// How much is read of scripts in words, in bytes: `eval` can read the same one again and again.
const MOST_INNER: usize = 1 << 17;

/// How much variables may come to in all, in bytes.
const MOST_VALUES: usize = 1 << 20;

/// A script that is being read.
struct Reader<'s> {
    text: &'s str,
    /// In bytes.
    at: usize,
    known: &'s Known<'s>,
    variables: IndexMap<String, String>,
    /// Here-documents whose bodies come after the line.
    heredocs: Vec<HereDocument>,
    /// Which variables are assigned in each compound command that is open: behind it they may have other values.
    blocks: Vec<Vec<String>>,
    /// How many substitutions and subshells are open.
    nesting: usize,
    /// How many bytes of scripts in words are still read.
    left: usize,
    /// And how many of values are still put in.
    values_left: usize,
    /// Where the whole of this text stands in the script, if it was a word of it.
    is_inner: Option<Range<usize>>,
    found: Script,
}

/// What ends a word.
fn is_end(it: char) -> bool {
    it.is_ascii_whitespace() || matches!(it, ';' | '&' | '|' | '(' | ')' | '<' | '>')
}

impl<'s> Reader<'s> {
    fn new(text: &'s str, known: &'s Known<'s>, variables: IndexMap<String, String>) -> Self {
        Self {
            text,
            at: 0,
            known,
            variables,
            heredocs: Vec::new(),
            blocks: Vec::new(),
            nesting: 0,
            left: MOST_INNER,
            values_left: MOST_VALUES,
            is_inner: None,
            found: Script::default(),
        }
    }

    fn unknown(&self) -> String {
        self.known.unknown.to_string()
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let it = self.peek()?;
        self.at += it.len_utf8();
        Some(it)
    }

    fn takes(&mut self, text: &str) -> bool {
        let takes = self.text[self.at..].starts_with(text);
        if takes {
            self.at += text.len();
        }
        takes
    }

    /// Reads commands up to the end, or up to the `)` that closes a subshell or a substitution.
    fn list(&mut self, closing: Option<char>) {
        self.goes_deeper();
        let mut open = Open::default();
        let mut is_closed = false;
        while let Some(it) = self.peek() {
            match it {
                ' ' | '\t' | '\r' | '\x0c' => self.at += 1,
                '\\' if self.takes("\\\n") || self.takes("\\\r\n") => {}
                '#' => self.at += self.text[self.at..].find('\n').unwrap_or(self.text.len() - self.at),
                '\n' => {
                    self.at += 1;
                    self.end(&mut open);
                    open.follows_another = false;
                    self.skip_heredocs();
                }
                ';' => {
                    self.at += 1;
                    self.end(&mut open);
                    open.follows_another = false;
                }
                '&' if self.takes("&>>") || self.takes("&>") => self.target(&mut open, true),
                '&' | '|' => {
                    self.at += 1;
                    let is_twice = self.takes(&it.to_string());
                    let is_pipe = it == '|' && !is_twice;
                    // `a |& b`
                    let _ = is_pipe && self.takes("&");
                    let ended = self.end(&mut open);
                    open.reads = ended.filter(|_| is_pipe);
                    open.follows_another = is_twice || is_pipe;
                }
                '(' => {
                    self.at += 1;
                    if open.words.is_empty() {
                        self.inside(Some(')'));
                    } else if self.takes(")") {
                        // The name of a function: its commands are read as if it were called.
                        open.words.clear();
                    }
                }
                ')' if open.cases > 0 || open.begins_case() => {
                    // A pattern of `case`, and so another branch; the first may stand on its line.
                    self.at += 1;
                    if open.begins_case() {
                        self.end(&mut open);
                    }
                    self.forget();
                    open.words.clear();
                }
                ')' => {
                    self.at += 1;
                    if closing == Some(')') {
                        is_closed = true;
                        break;
                    }
                }
                '<' | '>' => self.redirection(&mut open),
                _ => {
                    let words = self.words();
                    // What stands behind it is read before the command ends.
                    let is_branch = |it: &Word| it.is_plain && ["elif", "else"].contains(&it.text.as_str());
                    if open.words.is_empty() && words.first().is_some_and(is_branch) {
                        self.forget();
                    }
                    let is_number = |it: &Word| it.is_plain && it.text.bytes().all(|it| it.is_ascii_digit());
                    // `2>&1`
                    if !(words.iter().all(is_number) && matches!(self.peek(), Some('<' | '>'))) {
                        open.words.extend(words);
                    }
                }
            }
        }
        self.end(&mut open);
        self.found.is_broken |= closing.is_some() && !is_closed;
        self.nesting -= 1;
    }

    /// `> file`, `2>&1`, `<< END`, `<(command)`
    fn redirection(&mut self, open: &mut Open) {
        if self.takes("<<<") {
            self.target(open, false);
        } else if self.takes("<<") {
            self.heredoc(open);
        } else if self.takes("<(") || self.takes(">(") {
            let start = self.at - 2;
            self.list(Some(')'));
            open.words.push(Word {
                text: self.unknown(),
                range: self.place(start),
                is_plain: false,
                has_quotes: false,
            });
        } else if self.takes(">&") || self.takes("<&") {
            self.target(open, false);
        } else {
            let writes = self.peek() == Some('>');
            self.at += 1;
            let _ = self.takes(">") || self.takes("|");
            self.target(open, writes);
        }
    }

    fn target(&mut self, open: &mut Open, writes: bool) {
        self.skip_blanks();
        let word = self.word();
        if writes && !word.text.is_empty() {
            open.writes.push(word.text);
        }
    }

    fn skip_blanks(&mut self) {
        while self.takes(" ") || self.takes("\t") || self.takes("\\\n") {}
    }

    /// Reads the commands of a substitution or a subshell: what they assign is not known behind it.
    fn inside(&mut self, closing: Option<char>) {
        let open = self.blocks.len();
        self.blocks.push(Vec::new());
        self.list(closing);
        while self.blocks.len() > open {
            self.close();
        }
        self.blocks.resize_with(open, Vec::new);
    }

    /// Reads a word that is a script itself.
    fn inner(&mut self, script: &str, range: Range<usize>) {
        let Some(left) = self.left.checked_sub(script.len()) else {
            self.found.is_broken = true;
            return;
        };
        let known = self.known;
        let mut reader = Reader::new(script, known, self.variables.clone());
        reader.nesting = self.nesting;
        reader.left = left;
        reader.values_left = self.values_left;
        reader.is_inner = Some(self.is_inner.clone().unwrap_or(range));
        reader.list(None);
        self.left = reader.left;
        self.values_left = reader.values_left;
        let before = self.found.commands.len();
        let commands = reader.found.commands.into_iter();
        self.found.commands.extend(commands.map(|it| Command { reads: it.reads.map(|it| it + before), ..it }));
        self.found.is_broken |= reader.found.is_broken;
    }

    /// A compound command has ended, or another branch of it begins.
    fn forget(&mut self) {
        for name in self.blocks.last_mut().map(std::mem::take).unwrap_or_default() {
            self.variables.insert(name, self.known.unknown.to_string());
        }
    }

    fn close(&mut self) {
        self.forget();
        self.blocks.pop();
    }

    /// One more is open; with too many of them nothing more is read.
    fn goes_deeper(&mut self) {
        self.nesting += 1;
        if self.nesting > MOST_NESTED {
            self.found.is_broken = true;
            self.at = self.text.len();
        }
    }

    /// Where something that began at `start` stands in the script.
    fn place(&self, start: usize) -> Range<usize> {
        self.is_inner.clone().unwrap_or(start..self.at)
    }
}

#[cfg(test)]
mod tests;
