//! The commands of a shell script, as far as they can be told without running it.
//!
//! Reads what POSIX shells and bash have in common: quotes, expansions, substitutions, here-documents, compound commands. What only a
//! run can tell stands as [`UNKNOWN`] in the words. Expressions of GitHub's (`${{ … }}`) are replaced wherever they stand, as GitHub
//! does before the shell sees the script.
//!
//! Source: POSIX.1-2024, "Shell Command Language", 2.2 to 2.9.
mod command;
mod expansion;

use std::ops::Range;

use indexmap::IndexMap;
use wfrun_aws::UNKNOWN;

use self::command::Open;

/// A simple command: a program with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    /// The program and its arguments, at least one.
    pub(crate) words: Vec<Word>,
    /// The files into which its output goes.
    pub(crate) writes: Vec<String>,
}

/// A word after all expansions, with [`UNKNOWN`] for what is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) text: String,
    /// Where it stands in the script, in bytes.
    pub(crate) range: Range<usize>,
    /// Nothing of it is quoted: it may be a word of the shell's own.
    is_plain: bool,
}

/// A script that was read.
#[derive(Debug, Default)]
pub(crate) struct Script {
    /// Its commands in the order in which they stand, those of functions and substitutions too.
    pub(crate) commands: Vec<Command>,
    /// The script does not end where it should, so that what was read may be otherwise.
    pub(crate) is_broken: bool,
}

/// Reads a script.
///
/// `variables` are those of its environment that are known; `expression` answers for the text between `${{` and `}}`.
pub(crate) fn read(script: &str, variables: &IndexMap<String, String>, expression: &dyn Fn(&str) -> String) -> Script {
    let mut reader = Reader {
        text: script,
        at: 0,
        variables: variables.clone(),
        expression,
        heredocs: Vec::new(),
        depth: 0,
        nesting: 0,
        is_inner: None,
        found: Script::default(),
    };
    reader.list(None);
    reader.found
}

/// How deep substitutions may be in each other.
const MOST_NESTED: usize = 100;

/// A script that is being read.
struct Reader<'s> {
    text: &'s str,
    /// In bytes.
    at: usize,
    variables: IndexMap<String, String>,
    expression: &'s dyn Fn(&str) -> String,
    /// Here-documents whose bodies come after the line.
    heredocs: Vec<HereDocument>,
    /// How many compound commands are open: what is assigned in them may not be.
    depth: usize,
    /// How many substitutions and subshells are open.
    nesting: usize,
    /// Where the whole of this text stands in the script, if it was a word of it.
    is_inner: Option<Range<usize>>,
    found: Script,
}

struct HereDocument {
    delimiter: String,
    /// `<<-`
    strips_tabs: bool,
    /// The delimiter is quoted: nothing is expanded.
    is_literal: bool,
}

/// What ends a word.
fn is_end(it: char) -> bool {
    it.is_ascii_whitespace() || matches!(it, ';' | '&' | '|' | '(' | ')' | '<' | '>')
}

impl Reader<'_> {
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
                    self.end(&mut open);
                    open.follows_another = is_twice || it == '|';
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
                ')' if open.cases > 0 => {
                    // A pattern of `case`.
                    self.at += 1;
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
                    let word = self.word();
                    let is_number = word.is_plain && word.text.bytes().all(|it| it.is_ascii_digit());
                    // `2>&1`
                    if !(is_number && matches!(self.peek(), Some('<' | '>'))) {
                        open.words.push(word);
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
            let strips_tabs = self.takes("-");
            self.skip_blanks();
            let start = self.at;
            let word = self.word();
            let is_literal = self.text[start..self.at].contains(['\'', '"', '\\']);
            self.heredocs.push(HereDocument { delimiter: word.text, strips_tabs, is_literal });
        } else if self.takes("<(") || self.takes(">(") {
            let start = self.at - 2;
            self.list(Some(')'));
            open.words.push(Word { text: UNKNOWN.to_string(), range: self.place(start), is_plain: false });
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

    /// The bodies of here-documents: not commands, but for what is substituted in them.
    fn skip_heredocs(&mut self) {
        for heredoc in std::mem::take(&mut self.heredocs) {
            let mut is_ended = false;
            while self.at < self.text.len() {
                let line = self.text[self.at..].split('\n').next().unwrap_or_default();
                let bare = line.trim_end_matches('\r');
                let bare = if heredoc.strips_tabs { bare.trim_start_matches('\t') } else { bare };
                let end = (self.at + line.len() + 1).min(self.text.len());
                if bare == heredoc.delimiter {
                    self.at = end;
                    is_ended = true;
                    break;
                }
                while !heredoc.is_literal && self.at < end {
                    match self.next() {
                        Some('$') => drop(self.dollar()),
                        Some('`') => drop(self.backquotes()),
                        Some('\\') => drop(self.next()),
                        _ => {}
                    }
                }
                self.at = self.at.max(end);
            }
            self.found.is_broken |= !is_ended;
        }
    }

    /// Reads the commands of a substitution or a subshell: what they assign is not known behind it.
    fn inside(&mut self, closing: Option<char>) {
        let depth = self.depth;
        self.depth += 1;
        self.list(closing);
        self.depth = depth;
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
