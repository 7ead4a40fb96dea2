//! Words: quotes and expansions.
use wfrun_aws::UNKNOWN;
use wfrun_expr::{Piece, pieces};

use super::{Reader, Word, is_end};

impl Reader<'_> {
    /// Reads a word, up to what ends it; an empty one where there is none.
    pub(super) fn word(&mut self) -> Word {
        let start = self.at;
        let (mut text, mut is_plain) = (String::new(), true);
        while let Some(it) = self.peek() {
            match it {
                // An array: `NAME=(…)`.
                '(' if text.ends_with('=') => {
                    self.at += 1;
                    self.goes_deeper();
                    self.array();
                    self.nesting -= 1;
                    text.push(UNKNOWN);
                }
                it if is_end(it) => break,
                _ => {
                    self.at += it.len_utf8();
                    is_plain &= !matches!(it, '\\' | '\'' | '"' | '$' | '`');
                    match it {
                        '\\' => match self.next() {
                            Some('\n') | None => {}
                            Some(it) => text.push(it),
                        },
                        '\'' => self.single_quotes(&mut text),
                        '"' => self.double_quotes(&mut text),
                        '$' => text.push_str(&self.dollar()),
                        '`' => text.push_str(&self.backquotes()),
                        it => text.push(it),
                    }
                }
            }
        }
        Word { text, range: self.place(start), is_plain }
    }

    /// The items of an array, for what is substituted in them.
    fn array(&mut self) {
        while let Some(it) = self.peek() {
            match it {
                ')' => {
                    self.at += 1;
                    return;
                }
                it if is_end(it) => self.at += 1,
                _ => drop(self.word()),
            }
        }
        self.found.is_broken = true;
    }

    fn single_quotes(&mut self, text: &mut String) {
        while let Some(it) = self.next() {
            match it {
                '\'' => return,
                '$' if self.text[self.at..].starts_with("{{") => text.push_str(&self.dollar()),
                it => text.push(it),
            }
        }
        self.found.is_broken = true;
    }

    fn double_quotes(&mut self, text: &mut String) {
        while let Some(it) = self.next() {
            match it {
                '"' => return,
                '$' => text.push_str(&self.dollar()),
                '`' => text.push_str(&self.backquotes()),
                '\\' => match self.next() {
                    Some('\n') | None => {}
                    Some(it @ ('$' | '`' | '"' | '\\')) => text.push(it),
                    Some(it) => text.extend(['\\', it]),
                },
                it => text.push(it),
            }
        }
        self.found.is_broken = true;
    }

    /// What follows a `$` that was read.
    pub(super) fn dollar(&mut self) -> String {
        self.goes_deeper();
        let text = self.expanded();
        self.nesting -= 1;
        text
    }

    fn expanded(&mut self) -> String {
        if self.takes("{{") {
            return self.expression();
        }
        if self.takes("((") {
            return self.arithmetic();
        }
        if self.takes("(") {
            self.inside(Some(')'));
            return UNKNOWN.to_string();
        }
        if self.takes("{") {
            return self.braces();
        }
        if self.takes("'") {
            let mut text = String::new();
            self.single_quotes(&mut text);
            return text;
        }
        if self.takes("\"") {
            let mut text = String::new();
            self.double_quotes(&mut text);
            return text;
        }
        let rest = &self.text[self.at..];
        let end = rest.find(|it: char| !it.is_ascii_alphanumeric() && it != '_').unwrap_or(rest.len());
        match rest.chars().next() {
            Some(it) if it.is_ascii_alphabetic() || it == '_' => {
                self.at += end;
                self.value(&rest[..end])
            }
            Some('0'..='9' | '@' | '*' | '#' | '?' | '$' | '!' | '-') => {
                self.at += 1;
                UNKNOWN.to_string()
            }
            Some(_) | None => "$".to_owned(),
        }
    }

    fn value(&self, name: &str) -> String {
        self.variables.get(name).cloned().unwrap_or_else(|| UNKNOWN.to_string())
    }

    /// `${NAME}`; what is done to the value is not followed.
    fn braces(&mut self) -> String {
        let start = self.at;
        let mut is_name = true;
        while let Some(it) = self.next() {
            match it {
                '}' if is_name => return self.value(&self.text[start..self.at - 1]),
                '}' => return UNKNOWN.to_string(),
                '$' => drop(self.dollar()),
                '`' => drop(self.backquotes()),
                '\'' => self.single_quotes(&mut String::new()),
                '"' => self.double_quotes(&mut String::new()),
                '\\' => drop(self.next()),
                _ => {}
            }
            is_name &= it.is_ascii_alphanumeric() || it == '_';
        }
        self.found.is_broken = true;
        UNKNOWN.to_string()
    }

    /// `$(( … ))`, with what is substituted in it.
    fn arithmetic(&mut self) -> String {
        let mut open = 2;
        while open > 0 {
            match self.next() {
                Some('(') => open += 1,
                Some(')') => open -= 1,
                Some('$') => drop(self.dollar()),
                Some(_) => {}
                None => {
                    self.found.is_broken = true;
                    break;
                }
            }
        }
        UNKNOWN.to_string()
    }

    /// `${{ … }}`, of which `${{` was read.
    fn expression(&mut self) -> String {
        let start = self.at - "${{".len();
        match pieces(&self.text[start..]).next() {
            Some(Piece::Expression { inner, range }) => {
                self.at = start + range.end;
                (self.expression)(inner.trim())
            }
            Some(Piece::Text(_) | Piece::Open(_)) | None => {
                self.found.is_broken = true;
                self.at = self.text.len();
                UNKNOWN.to_string()
            }
        }
    }

    /// A substitution in backquotes, whose first one was read.
    pub(super) fn backquotes(&mut self) -> String {
        let start = self.at;
        loop {
            match self.next() {
                Some('`') => break,
                Some('\\') => drop(self.next()),
                Some(_) => {}
                None => {
                    self.found.is_broken = true;
                    return UNKNOWN.to_string();
                }
            }
        }
        let (whole, end) = (self.text, self.at);
        // What is read stays where it stands in the script: only its end is nearer.
        self.text = &whole[..end - 1];
        self.at = start;
        self.inside(None);
        (self.text, self.at) = (whole, end);
        UNKNOWN.to_string()
    }
}
