//! Variables in instructions: `$a`, `${a}`, `${a:-b}`, `${a:+b}`, `${a:?b}`, `${a#b}`; quotes and escapes.

/// Replaces variables, takes quotes away and resolves escapes; `lookup` gives a variable's value.
///
/// The error is Docker's text. Source: Docker, "Dockerfile reference", "Environment replacement".
pub(crate) fn expand(text: &str, escape: char, lookup: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    Expander::of(text, escape, lookup).until(None)
}

/// As [`expand`], where all that comes of it is known: `None` where it takes a variable that has no value, or has a fault.
pub(super) fn expand_known(text: &str, escape: char, lookup: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut expander = Expander::of(text, escape, lookup);
    let result = expander.until(None).ok()?;
    (!expander.misses).then_some(result)
}

/// Replaces variables in a heredoc, where quotes are text.
pub(crate) fn expand_document(
    text: &str,
    escape: char,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<String, String> {
    Expander { keeps_quotes: true, ..Expander::of(text, escape, lookup) }.until(None)
}

struct Expander<'a> {
    letters: Vec<char>,
    at: usize,
    escape: char,
    keeps_quotes: bool,
    lookup: &'a dyn Fn(&str) -> Option<String>,
    /// Whether nothing stands in the result for a variable without a value.
    misses: bool,
}

impl<'a> Expander<'a> {
    fn of(text: &str, escape: char, lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { letters: text.chars().collect(), at: 0, escape, keeps_quotes: false, lookup, misses: false }
    }

    /// Reads to the end, or to the letter that closes.
    fn until(&mut self, closing: Option<char>) -> Result<String, String> {
        let mut result = String::new();
        while let Some(letter) = self.next() {
            if Some(letter) == closing {
                return Ok(result);
            }
            match letter {
                '\'' if !self.keeps_quotes => self.single_quoted(&mut result)?,
                '"' if !self.keeps_quotes => self.double_quoted(&mut result)?,
                '$' => result.push_str(&self.variable()?),
                letter if letter == self.escape => match self.next() {
                    Some(next) if self.keeps_quotes && next != '$' && next != self.escape => {
                        result.extend([letter, next]);
                    }
                    Some(next) => result.push(next),
                    None => result.push(letter),
                },
                letter => result.push(letter),
            }
        }
        match closing {
            Some(_) => Err("syntax error: missing '}'".to_owned()),
            None => Ok(result),
        }
    }

    fn single_quoted(&mut self, result: &mut String) -> Result<(), String> {
        loop {
            match self.next() {
                None => return Err("unexpected end of statement while looking for matching single-quote".to_owned()),
                Some('\'') => return Ok(()),
                Some(letter) => result.push(letter),
            }
        }
    }

    fn double_quoted(&mut self, result: &mut String) -> Result<(), String> {
        loop {
            match self.next() {
                None => return Err("unexpected end of statement while looking for matching double-quote".to_owned()),
                Some('"') => return Ok(()),
                Some('$') => result.push_str(&self.variable()?),
                Some(letter) if letter == self.escape => match self.next() {
                    Some(next) if next == '"' || next == '$' || next == self.escape => result.push(next),
                    Some(next) => result.extend([letter, next]),
                    None => result.push(letter),
                },
                Some(letter) => result.push(letter),
            }
        }
    }

    fn variable(&mut self) -> Result<String, String> {
        if self.peek() != Some('{') {
            let name = self.name();
            let value = if name.is_empty() { Some("$".to_owned()) } else { (self.lookup)(&name) };
            return Ok(self.or_nothing(value));
        }
        self.at += 1;
        let name = self.name();
        if name.is_empty() {
            return Err("syntax error: bad substitution".to_owned());
        }
        let value = (self.lookup)(&name);
        let operator = self.next();
        let (ignores_empty, operator) = match operator {
            Some(':') => (true, self.next()),
            other => (false, other),
        };
        let is_set = value.as_ref().is_some_and(|value| !(ignores_empty && value.is_empty()));
        match operator {
            Some('}') if !ignores_empty => Ok(self.or_nothing(value)),
            Some('-') => {
                let word = self.word(!is_set)?;
                Ok(value.filter(|_| is_set).unwrap_or(word))
            }
            Some('+') => {
                let word = self.word(is_set)?;
                Ok(if is_set { word } else { String::new() })
            }
            Some('?') => {
                let word = self.word(!is_set)?;
                let message = if word.is_empty() { "is not allowed to be unset".to_owned() } else { word };
                value.filter(|_| is_set).ok_or(format!("{name}: {message}"))
            }
            Some(side @ ('#' | '%')) if !ignores_empty => {
                let value = self.or_nothing(value);
                self.trimmed(side, &value)
            }
            Some(other) => Err(format!("unsupported modifier ({other}) in substitution")),
            None => Err("syntax error: missing '}'".to_owned()),
        }
    }

    fn or_nothing(&mut self, value: Option<String>) -> String {
        self.misses |= value.is_none();
        value.unwrap_or_default()
    }

    /// What stands behind an operator, to the brace that closes.
    fn word(&mut self, is_used: bool) -> Result<String, String> {
        let misses = self.misses;
        let word = self.until(Some('}'))?;
        self.misses = if is_used { self.misses } else { misses };
        Ok(word)
    }

    /// `${a#pattern}`, `${a##pattern}` from the front and `${a%pattern}`, `${a%%pattern}` from the end.
    fn trimmed(&mut self, side: char, value: &str) -> Result<String, String> {
        let longest = self.peek() == Some(side);
        self.at += usize::from(longest);
        let pattern = self.until(Some('}'))?;
        let mut cuts: Vec<usize> = value.char_indices().map(|(at, _)| at).chain([value.len()]).collect();
        // Shortest match first: the front grows from the start, the end from the back.
        if (side == '%') != longest {
            cuts.reverse();
        }
        // A pattern here matches `/` too, unlike one of files.
        let (pattern, flat) = (pattern.replace('/', "\u{1}"), value.replace('/', "\u{1}"));
        let cut = cuts.into_iter().find(|cut| {
            let part = if side == '#' { &flat[..*cut] } else { &flat[*cut..] };
            super::glob::matches(&pattern, part)
        });
        Ok(match cut {
            Some(cut) if side == '#' => value[cut..].to_owned(),
            Some(cut) => value[..cut].to_owned(),
            None => value.to_owned(),
        })
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(letter) = self.peek() {
            let fits = letter == '_' || letter.is_ascii_alphabetic() || (letter.is_ascii_digit() && !name.is_empty());
            if !fits {
                break;
            }
            name.push(letter);
            self.at += 1;
        }
        name
    }

    fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += 1;
        Some(letter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Option<String> {
        match name {
            "A" => Some("a".to_owned()),
            "EMPTY" => Some(String::new()),
            "PATH" => Some("/usr/bin:/bin".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn expands() {
        let cases = [
            ("$A", "a"),
            ("${A}b$A", "aba"),
            ("$NOPE.", "."),
            ("${NOPE:-x}", "x"),
            ("${EMPTY:-x}", "x"),
            ("${EMPTY-x}", ""),
            ("${NOPE-x}", "x"),
            ("${A:+x}", "x"),
            ("${EMPTY:+x}", ""),
            ("${EMPTY+x}", "x"),
            ("${NOPE:-${A}$A}", "aa"),
            ("${NOPE:-\"x y\"}", "x y"),
            ("${A:?no}", "a"),
            (r"\$A", "$A"),
            ("'$A'", "$A"),
            ("\"$A b\"", "a b"),
            (r#""\"\$A\x""#, r#""$A\x"#),
            ("a'b c'd", "ab cd"),
            ("$", "$"),
            ("$1", "$1"),
            ("/opt/bin:$PATH", "/opt/bin:/usr/bin:/bin"),
            ("${PATH#*/}", "usr/bin:/bin"),
            ("${PATH##*/}", "bin"),
            ("${PATH%:*}", "/usr/bin"),
            ("${PATH%%/b*}", "/usr"),
        ];
        for (text, want) in cases {
            assert_eq!(expand(text, '\\', &lookup).as_deref(), Ok(want), "{text}");
        }
        assert_eq!(expand("`$A\\x", '`', &lookup).as_deref(), Ok("$A\\x"));
        assert_eq!(expand_document("\"$A\" \\$A \\n 'x'\n", '\\', &lookup).as_deref(), Ok("\"a\" $A \\n 'x'\n"));
    }

    #[test]
    fn says_what_is_wrong() {
        let cases = [
            ("${NOPE:?}", "NOPE: is not allowed to be unset"),
            ("${NOPE?say it}", "NOPE: say it"),
            ("${A", "syntax error: missing '}'"),
            ("${A:-b", "syntax error: missing '}'"),
            ("${}", "syntax error: bad substitution"),
            ("${A^}", "unsupported modifier (^) in substitution"),
            ("'a", "unexpected end of statement while looking for matching single-quote"),
            ("\"a", "unexpected end of statement while looking for matching double-quote"),
        ];
        for (text, want) in cases {
            assert_eq!(expand(text, '\\', &lookup), Err(want.to_owned()), "{text}");
        }
    }
}
