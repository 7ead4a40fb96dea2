//! Words: quotes and expansions.
use wfrun_expr::{Piece, pieces};

use super::command::assignment;
use super::{Reader, Word, is_end};

impl Reader<'_> {
    /// Reads a word, up to what ends it; an empty one where there is none.
    pub(super) fn word(&mut self) -> Word {
        let (fields, word) = self.fields();
        Word { text: fields.join(" "), ..word }
    }

    /// Reads a word of a command, of which unquoted values make several, or none.
    ///
    /// Source: POSIX.1-2024, "Shell Command Language", 2.6.5.
    pub(super) fn words(&mut self) -> Vec<Word> {
        let (mut fields, word) = self.fields();
        let is_assignment = fields.first().is_some_and(|it| assignment(it).is_some());
        fields.retain(|it| !it.is_empty());
        if is_assignment || fields.is_empty() && word.has_quotes {
            return vec![Word { text: fields.join(" "), ..word }];
        }
        fields.into_iter().map(|text| Word { text, ..word.clone() }).collect()
    }

    /// A word's fields, at least one, and the word without its text.
    fn fields(&mut self) -> (Vec<String>, Word) {
        let start = self.at;
        let (mut fields, mut text) = (Vec::new(), String::new());
        let (mut is_plain, mut has_quotes) = (true, false);
        while let Some(it) = self.peek() {
            match it {
                // An array: `NAME=(…)`.
                '(' if text.ends_with('=') => {
                    self.at += 1;
                    self.goes_deeper();
                    self.array();
                    self.nesting -= 1;
                    text.push(self.known.unknown);
                }
                it if is_end(it) => break,
                _ => {
                    self.at += it.len_utf8();
                    is_plain &= !matches!(it, '\\' | '\'' | '"' | '$' | '`');
                    has_quotes |= matches!(it, '\\' | '\'' | '"');
                    match it {
                        '\\' => match self.next() {
                            Some('\n') | None => {}
                            Some(it) => text.push(it),
                        },
                        '\'' => self.single_quotes(&mut text),
                        '"' => self.double_quotes(&mut text),
                        '$' if self.text[self.at..].starts_with(['\'', '"']) => {
                            has_quotes = true;
                            text.push_str(&self.dollar());
                        }
                        '$' => split(&self.dollar(), &mut text, &mut fields),
                        '`' => split(&self.backquotes(), &mut text, &mut fields),
                        it => text.push(it),
                    }
                }
            }
        }
        fields.push(text);
        (fields, Word { text: String::new(), range: self.place(start), is_plain, has_quotes })
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

    /// `$'…'`, in which a backslash keeps a quote from ending it.
    fn escaped_quotes(&mut self) -> String {
        let mut text = String::new();
        while let Some(it) = self.next() {
            match it {
                '\'' => return text,
                '\\' => match self.next() {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some(it @ ('\'' | '"' | '\\')) => text.push(it),
                    it => text.extend(['\\'].into_iter().chain(it)),
                },
                it => text.push(it),
            }
        }
        self.found.is_broken = true;
        text
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
            let start = self.at;
            self.inside(Some(')'));
            let script = &self.text[start..self.at];
            return (self.known.substitution)(script.strip_suffix(')').unwrap_or(script));
        }
        if self.takes("{") {
            return self.braces();
        }
        if self.takes("'") {
            return self.escaped_quotes();
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
                self.unknown()
            }
            Some(_) | None => "$".to_owned(),
        }
    }

    /// A variable's value; nothing is known of it any more once all values together are longer than any script needs.
    fn value(&mut self, name: &str) -> String {
        let Some(value) = self.variables.get(name) else { return self.unknown() };
        let Some(left) = self.values_left.checked_sub(value.len()) else {
            self.found.is_broken = true;
            return self.unknown();
        };
        let value = value.clone();
        self.values_left = left;
        value
    }

    /// `${NAME}`, also with what is done where it has no value; anything else that is done to the value is not followed.
    fn braces(&mut self) -> String {
        let start = self.at;
        while let Some(it) = self.next() {
            match it {
                '}' => {
                    let inside = &self.text[start..self.at - 1];
                    let end = inside.find(|it: char| !it.is_ascii_alphanumeric() && it != '_').unwrap_or(inside.len());
                    let (name, behind) = inside.split_at(end);
                    let value = self.value(name);
                    // It may be empty where nothing of it is known.
                    let has_value = value.contains(|it| it != self.known.unknown);
                    let is_for_none = has_value && behind.trim_start_matches(':').starts_with(['-', '=', '?']);
                    return if behind.is_empty() || is_for_none { value } else { self.unknown() };
                }
                '$' => drop(self.dollar()),
                '`' => drop(self.backquotes()),
                '\'' => self.single_quotes(&mut String::new()),
                '"' => self.double_quotes(&mut String::new()),
                '\\' => drop(self.next()),
                _ => {}
            }
        }
        self.found.is_broken = true;
        self.unknown()
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
        self.unknown()
    }

    /// `${{ … }}`, of which `${{` was read.
    fn expression(&mut self) -> String {
        let start = self.at - "${{".len();
        match pieces(&self.text[start..]).next() {
            Some(Piece::Expression { inner, range }) => {
                self.at = start + range.end;
                (self.known.expression)(inner.trim())
            }
            Some(Piece::Text(_) | Piece::Open(_)) | None => {
                self.found.is_broken = true;
                self.at = self.text.len();
                self.unknown()
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
                    return self.unknown();
                }
            }
        }
        let (whole, end) = (self.text, self.at);
        // What is read stays where it stands in the script: only its end is nearer.
        self.text = &whole[..end - 1];
        self.at = start;
        self.inside(None);
        (self.text, self.at) = (whole, end);
        (self.known.substitution)(&whole[start..end - 1])
    }
}

/// Adds an unquoted value to a word that is read: blanks in it end a field.
fn split(value: &str, text: &mut String, fields: &mut Vec<String>) {
    for (at, part) in value.split([' ', '\t', '\n']).enumerate() {
        if at > 0 {
            fields.extend(Some(std::mem::take(text)).filter(|it| !it.is_empty()));
        }
        text.push_str(part);
    }
}
