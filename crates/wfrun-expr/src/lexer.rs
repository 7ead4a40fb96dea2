//! Words of the expression language, and which may follow which.
//!
//! Source: GitHub: planning rules P3.1 (`LexicalAnalyzer` of actions/runner).

use wfrun_syntax::is_dotnet_whitespace;

use crate::{CompareOp, Value, parse_number};

/// A word of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    /// First byte in the expression.
    pub(crate) start: usize,
    /// Byte after the last.
    pub(crate) end: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TokenKind {
    StartGroup,
    StartIndex,
    StartParameters,
    EndGroup,
    EndIndex,
    EndParameters,
    Separator,
    Dereference,
    Wildcard,
    Not,
    Compare(CompareOp),
    And,
    Or,
    Literal(Value),
    PropertyName,
    NamedValue,
    Function,
    /// A word where it may not stand.
    Misplaced,
    /// No word of the language.
    Illegal,
}

/// Kinds of tokens as far as the rules of order distinguish them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    /// Nothing yet, `,`, an opening bracket or an operator: a value must follow.
    Opens,
    /// `.`
    Dereference,
    /// `[`, which also admits `*`.
    StartIndex,
    /// `(` of a call, which also admits `)`.
    StartParameters,
    /// The name of a function.
    Function,
    /// A value that can be looked into.
    Value,
    /// A constant, which cannot.
    Literal,
}

pub(crate) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    last: Last,
    unclosed: Vec<TokenKind>,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0, last: Last::Opens, unclosed: Vec::new() }
    }

    /// Tells whether an opening bracket still waits for its closing one.
    pub(crate) fn has_unclosed(&self) -> bool {
        !self.unclosed.is_empty()
    }

    pub(crate) fn next_token(&mut self) -> Option<Token> {
        self.skip_whitespace();
        let start = self.at;
        let first = self.peek()?;
        let kind = match first {
            '(' => {
                self.take(if self.last == Last::Function { TokenKind::StartParameters } else { TokenKind::StartGroup })
            }
            ')' => {
                let call = self.unclosed.last() == Some(&TokenKind::StartParameters);
                self.take(if call { TokenKind::EndParameters } else { TokenKind::EndGroup })
            }
            '[' => self.take(TokenKind::StartIndex),
            ']' => self.take(TokenKind::EndIndex),
            ',' => self.take(TokenKind::Separator),
            '*' => self.take(TokenKind::Wildcard),
            '\'' => self.string(),
            '!' | '>' | '<' | '=' | '&' | '|' => self.operator(),
            '.' if self.wants_value() => self.number(),
            '.' => self.take(TokenKind::Dereference),
            '-' | '+' | '0'..='9' => self.number(),
            _ => self.keyword(),
        };
        let kind = if self.is_legal(&kind) && self.brackets_match(&kind) {
            kind
        } else {
            TokenKind::Misplaced.unless_illegal(kind)
        };
        self.last = kind.as_last();
        Some(Token { kind, start, end: self.at })
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn skip_whitespace(&mut self) {
        self.at = self.text.len() - self.text[self.at..].trim_start_matches(is_dotnet_whitespace).len();
    }

    fn take(&mut self, kind: TokenKind) -> TokenKind {
        self.at += 1;
        kind
    }

    /// Moves to the next character that ends a word, and returns the word.
    fn take_run(&mut self, goes_on: impl Fn(char) -> bool) -> &'a str {
        let rest = &self.text[self.at..];
        let len = rest.char_indices().skip(1).find(|(_, it)| !goes_on(*it)).map_or(rest.len(), |(at, _)| at);
        self.at += len;
        &rest[..len]
    }

    fn string(&mut self) -> TokenKind {
        let start = self.at + 1;
        let mut end = start;
        let mut doubled = false;
        loop {
            let Some(len) = self.text[end..].find('\'') else {
                self.at = self.text.len();
                return TokenKind::Illegal;
            };
            end += len;
            if !self.text[end + 1..].starts_with('\'') {
                break;
            }
            doubled = true;
            end += 2;
        }
        self.at = end + 1;
        let text = &self.text[start..end];
        TokenKind::Literal(if doubled { Value::from(text.replace("''", "'")) } else { Value::from(text) })
    }

    fn operator(&mut self) -> TokenKind {
        let rest = &self.text[self.at..];
        let known = [
            ("!=", TokenKind::Compare(CompareOp::NotEqual)),
            (">=", TokenKind::Compare(CompareOp::GreaterOrEqual)),
            ("<=", TokenKind::Compare(CompareOp::LessOrEqual)),
            ("==", TokenKind::Compare(CompareOp::Equal)),
            ("&&", TokenKind::And),
            ("||", TokenKind::Or),
            ("!", TokenKind::Not),
            (">", TokenKind::Compare(CompareOp::Greater)),
            ("<", TokenKind::Compare(CompareOp::Less)),
        ];
        for (text, kind) in known {
            if rest.starts_with(text) {
                self.at += text.len();
                return kind;
            }
        }
        self.take_run(|it| !is_boundary(it));
        TokenKind::Illegal
    }

    fn number(&mut self) -> TokenKind {
        let word = self.take_run(|it| it == '.' || !is_boundary(it));
        let number = parse_number(word);
        if number.is_nan() { TokenKind::Illegal } else { TokenKind::Literal(Value::Number(number)) }
    }

    fn keyword(&mut self) -> TokenKind {
        let word = self.take_run(|it| !is_boundary(it));
        if !is_keyword(word) {
            return TokenKind::Illegal;
        }
        if self.last == Last::Dereference {
            return TokenKind::PropertyName;
        }
        match word {
            "null" => TokenKind::Literal(Value::Null),
            "true" => TokenKind::Literal(Value::Bool(true)),
            "false" => TokenKind::Literal(Value::Bool(false)),
            "NaN" => TokenKind::Literal(Value::Number(f64::NAN)),
            "Infinity" => TokenKind::Literal(Value::Number(f64::INFINITY)),
            _ if self.text[self.at..].trim_start_matches(is_dotnet_whitespace).starts_with('(') => TokenKind::Function,
            _ => TokenKind::NamedValue,
        }
    }

    fn wants_value(&self) -> bool {
        matches!(self.last, Last::Opens | Last::StartIndex | Last::StartParameters)
    }

    fn is_legal(&self, kind: &TokenKind) -> bool {
        let after_value = matches!(self.last, Last::Value | Last::Literal);
        match kind {
            TokenKind::StartGroup
            | TokenKind::Not
            | TokenKind::Literal(_)
            | TokenKind::Function
            | TokenKind::NamedValue => self.wants_value(),
            TokenKind::StartIndex | TokenKind::Dereference => self.last == Last::Value,
            TokenKind::StartParameters => self.last == Last::Function,
            TokenKind::EndGroup
            | TokenKind::EndIndex
            | TokenKind::Separator
            | TokenKind::Compare(_)
            | TokenKind::And
            | TokenKind::Or => after_value,
            TokenKind::EndParameters => after_value || self.last == Last::StartParameters,
            TokenKind::Wildcard => matches!(self.last, Last::Dereference | Last::StartIndex),
            TokenKind::PropertyName => self.last == Last::Dereference,
            TokenKind::Misplaced | TokenKind::Illegal => false,
        }
    }

    /// Keeps account of open brackets; a closing one must match the innermost, and `,` stands in calls only.
    fn brackets_match(&mut self, kind: &TokenKind) -> bool {
        let opener = match kind {
            TokenKind::StartGroup | TokenKind::StartIndex | TokenKind::StartParameters => {
                self.unclosed.push(kind.clone());
                return true;
            }
            TokenKind::Separator => return self.unclosed.last() == Some(&TokenKind::StartParameters),
            TokenKind::EndGroup => TokenKind::StartGroup,
            TokenKind::EndIndex => TokenKind::StartIndex,
            TokenKind::EndParameters => TokenKind::StartParameters,
            TokenKind::Dereference
            | TokenKind::Wildcard
            | TokenKind::Not
            | TokenKind::Compare(_)
            | TokenKind::And
            | TokenKind::Or
            | TokenKind::Literal(_)
            | TokenKind::PropertyName
            | TokenKind::NamedValue
            | TokenKind::Function
            | TokenKind::Misplaced
            | TokenKind::Illegal => return true,
        };
        self.unclosed.pop_if(|it| *it == opener).is_some()
    }
}

impl TokenKind {
    fn unless_illegal(self, kind: Self) -> Self {
        if kind == Self::Illegal { kind } else { self }
    }

    /// Tells whether more must follow, so that an expression may not end here.
    pub(crate) fn is_operator(&self) -> bool {
        matches!(self.as_last(), Last::Opens | Last::StartIndex | Last::StartParameters | Last::Dereference)
    }

    fn as_last(&self) -> Last {
        match self {
            Self::StartGroup | Self::Separator | Self::Not | Self::Compare(_) | Self::And | Self::Or => Last::Opens,
            Self::StartIndex => Last::StartIndex,
            Self::StartParameters => Last::StartParameters,
            Self::Dereference => Last::Dereference,
            Self::Function => Last::Function,
            Self::EndGroup
            | Self::EndIndex
            | Self::EndParameters
            | Self::Wildcard
            | Self::PropertyName
            | Self::NamedValue => Last::Value,
            // Nothing is read after a token that is wrong.
            Self::Literal(_) | Self::Misplaced | Self::Illegal => Last::Literal,
        }
    }
}

fn is_boundary(it: char) -> bool {
    matches!(it, '(' | '[' | ')' | ']' | ',' | '.' | '!' | '>' | '<' | '=' | '&' | '|') || is_dotnet_whitespace(it)
}

pub(crate) fn is_keyword(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(|it| it.is_ascii_alphabetic() || it == '_')
        && chars.all(|it| it.is_ascii_alphanumeric() || it == '_' || it == '-')
}
