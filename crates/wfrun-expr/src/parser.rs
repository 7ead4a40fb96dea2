//! Words to a tree, by two stacks, so that no text can exhaust the call stack and errors come in GitHub's order.
//!
//! Source: GitHub: planning rules P3.2 and P3.3 (`ExpressionParser` of actions/runner).

use std::ops::Range;

use crate::{
    Availability, Expr, ExprKind, FunctionSpec, Index, ParseError, ParseErrorKind, Value,
    lexer::{Lexer, Token, TokenKind},
};

/// Longest expression, in UTF-16 units.
const MAX_LENGTH: usize = 21_000;
/// Most levels of an expression; the root is one.
pub(crate) const MAX_DEPTH: usize = 50;

/// Functions every expression may use.
///
/// Source: GitHub: planning rules P3.6.
pub(crate) const WELL_KNOWN: &[FunctionSpec] = &[
    FunctionSpec { name: "case", min: 3, max: 255 },
    FunctionSpec { name: "contains", min: 2, max: 2 },
    FunctionSpec { name: "endsWith", min: 2, max: 2 },
    FunctionSpec { name: "format", min: 1, max: 255 },
    FunctionSpec { name: "fromJSON", min: 1, max: 1 },
    FunctionSpec { name: "join", min: 1, max: 2 },
    FunctionSpec { name: "startsWith", min: 2, max: 2 },
    FunctionSpec { name: "toJSON", min: 1, max: 1 },
];

/// Parses an expression (the text between `${{` and `}}`); empty text is `null`.
///
/// Places in the result and in errors are bytes of `text`.
/// Source: GitHub: planning rules P3.1 to P3.3.
pub fn parse(text: &str, availability: &Availability) -> Result<Expr, ParseError> {
    parse_in(text, availability.contexts, availability.functions)
}

/// Parses as [`parse`] does, with names that are known at run time only.
pub fn parse_in(text: &str, contexts: &[&str], functions: &[FunctionSpec]) -> Result<Expr, ParseError> {
    parse_at(text, 0, contexts, functions)
}

/// Parses text that starts at byte `offset` of a larger one, in which all places are.
pub(crate) fn parse_at(
    text: &str,
    offset: usize,
    contexts: &[&str],
    functions: &[FunctionSpec],
) -> Result<Expr, ParseError> {
    if is_too_long(text) {
        return Err(too_long(offset..offset + text.len()));
    }
    let names = Names { contexts, functions };
    let (operands, operators) = (Vec::with_capacity(8), Vec::with_capacity(8));
    Parser { text, offset, names, operands, operators, too_deep: false }.run()
}

/// Tells whether an expression is longer than GitHub reads.
pub(crate) fn is_too_long(text: &str) -> bool {
    text.len() > MAX_LENGTH && text.encode_utf16().count() > MAX_LENGTH
}

/// The error for an expression of more than 21,000 UTF-16 units.
pub(crate) fn too_long(range: Range<usize>) -> ParseError {
    bare_error(ParseErrorKind::TooLong, format!("Exceeded max expression length {MAX_LENGTH}"), range)
}

/// The error for an expression of more than 50 levels.
pub(crate) fn too_deep(range: Range<usize>) -> ParseError {
    bare_error(ParseErrorKind::TooDeep, format!("Exceeded max expression depth {MAX_DEPTH}"), range)
}

/// An error GitHub prints no position with.
pub(crate) fn bare_error(kind: ParseErrorKind, message: String, range: Range<usize>) -> ParseError {
    ParseError { kind, message, token: String::new(), position: None, range: to_range(range) }
}

pub(crate) fn to_range(range: Range<usize>) -> Range<u32> {
    let limit = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
    limit(range.start)..limit(range.end)
}

struct Names<'a> {
    contexts: &'a [&'a str],
    functions: &'a [FunctionSpec],
}

impl Names<'_> {
    fn function(&self, name: &str) -> Option<&FunctionSpec> {
        self.functions.iter().chain(WELL_KNOWN).find(|it| it.name.eq_ignore_ascii_case(name))
    }
}

struct Parser<'a> {
    text: &'a str,
    offset: usize,
    names: Names<'a>,
    operands: Vec<Operand>,
    operators: Vec<Token>,
    /// Told at the end only, as any other error comes first.
    too_deep: bool,
}

struct Operand {
    part: Part,
    depth: usize,
    /// Bytes of the expression, parentheses included.
    outer: Range<usize>,
}

enum Part {
    Expr(Expr),
    Property(String),
    Wildcard,
}

impl Parser<'_> {
    fn run(mut self) -> Result<Expr, ParseError> {
        let mut lexer = Lexer::new(self.text);
        let mut last: Option<Token> = None;
        while let Some(token) = lexer.next_token() {
            match &token.kind {
                TokenKind::Illegal => return Err(self.error(ParseErrorKind::IllegalToken, &token)),
                TokenKind::Misplaced => return Err(self.error(ParseErrorKind::UnexpectedSymbol, &token)),
                TokenKind::Literal(value) => self.push(ExprKind::Literal(value.clone()), &token),
                TokenKind::NamedValue => self.push_context(&token)?,
                TokenKind::Function => self.push_function(&token)?,
                TokenKind::PropertyName => {
                    let name = self.word(&token).to_owned();
                    self.push_part(Part::Property(name), 1, token.start..token.end);
                }
                TokenKind::Wildcard => self.push_part(Part::Wildcard, 1, token.start..token.end),
                TokenKind::EndGroup | TokenKind::EndIndex | TokenKind::EndParameters => {
                    self.flush_to(0);
                    self.close(&token, last.as_ref())?;
                }
                TokenKind::Separator => {
                    self.flush_to(0);
                    self.operators.push(token.clone());
                }
                TokenKind::Not | TokenKind::StartGroup | TokenKind::StartParameters => {
                    self.operators.push(token.clone());
                }
                TokenKind::StartIndex => {
                    self.flush_to(precedence(&TokenKind::Dereference));
                    self.operators.push(token.clone());
                }
                TokenKind::Dereference | TokenKind::Compare(_) | TokenKind::And | TokenKind::Or => {
                    self.flush_to(precedence(&token.kind));
                    self.operators.push(token.clone());
                }
            }
            last = Some(token);
        }
        let Some(last) = last else {
            return Ok(Expr { kind: ExprKind::Literal(Value::Null), range: to_range(self.offset..self.offset) });
        };
        if last.kind.is_operator() || lexer.has_unclosed() {
            return Err(self.error(ParseErrorKind::UnexpectedEnd, &last));
        }
        self.flush_to(0);
        let root = self.pop_expr();
        if self.too_deep {
            return Err(too_deep(self.offset..self.offset + self.text.len()));
        }
        Ok(root.0)
    }

    fn word(&self, token: &Token) -> &str {
        &self.text[token.start..token.end]
    }

    fn push(&mut self, kind: ExprKind, token: &Token) {
        let expr = Expr { kind, range: self.range(token.start..token.end) };
        self.push_part(Part::Expr(expr), 1, token.start..token.end);
    }

    fn push_part(&mut self, part: Part, depth: usize, outer: Range<usize>) {
        // A tree that is too deep is not kept: walking or dropping it must not exhaust the call stack.
        let (part, depth) = if depth > MAX_DEPTH {
            self.too_deep = true;
            (Part::Expr(Expr { kind: ExprKind::Literal(Value::Null), range: 0..0 }), 1)
        } else {
            (part, depth)
        };
        self.operands.push(Operand { part, depth, outer });
    }

    fn range(&self, range: Range<usize>) -> Range<u32> {
        to_range(self.offset + range.start..self.offset + range.end)
    }

    fn push_context(&mut self, token: &Token) -> Result<(), ParseError> {
        let name = self.word(token).to_owned();
        if !self.names.contexts.iter().any(|it| it.eq_ignore_ascii_case(&name)) {
            return Err(self.error(ParseErrorKind::UnrecognizedNamedValue, token));
        }
        self.push(ExprKind::Context(name), token);
        Ok(())
    }

    fn push_function(&mut self, token: &Token) -> Result<(), ParseError> {
        let function = self.word(token).to_owned();
        if self.names.function(&function).is_none() {
            return Err(self.error(ParseErrorKind::UnrecognizedFunction, token));
        }
        self.push(ExprKind::Call { function, args: Vec::new() }, token);
        Ok(())
    }

    /// Builds what stands on the stack and binds at least as tight as `least`, up to the innermost bracket.
    fn flush_to(&mut self, least: u8) {
        while let Some(top) = self.operators.pop_if(|it| {
            let binds = precedence(&it.kind);
            binds > 0 && binds >= least
        }) {
            self.build(&top);
        }
    }

    fn build(&mut self, operator: &Token) {
        if operator.kind == TokenKind::Dereference {
            let index = self.pop();
            self.build_index(index);
            return;
        }
        let (right, right_depth, right_outer) = self.pop_expr();
        if operator.kind == TokenKind::Not {
            let outer = operator.start..right_outer.end;
            self.push_expr(ExprKind::Not(Box::new(right)), right_depth + 1, outer);
            return;
        }
        let (left, left_depth, left_outer) = self.pop_expr();
        let outer = left_outer.start..right_outer.end;
        match &operator.kind {
            TokenKind::Compare(op) => {
                let kind = ExprKind::Compare { op: *op, left: Box::new(left), right: Box::new(right) };
                self.push_expr(kind, left_depth.max(right_depth) + 1, outer);
            }
            TokenKind::And => {
                let mut depth = 0;
                let mut operands = Vec::new();
                for (operand, its_depth) in [(left, left_depth), (right, right_depth)] {
                    if let ExprKind::And(inner) = operand.kind {
                        depth = depth.max(its_depth);
                        operands.extend(inner);
                    } else {
                        depth = depth.max(its_depth + 1);
                        operands.push(operand);
                    }
                }
                self.push_expr(ExprKind::And(operands), depth, outer);
            }
            TokenKind::Or => {
                let mut depth = 0;
                let mut operands = Vec::new();
                for (operand, its_depth) in [(left, left_depth), (right, right_depth)] {
                    if let ExprKind::Or(inner) = operand.kind {
                        depth = depth.max(its_depth);
                        operands.extend(inner);
                    } else {
                        depth = depth.max(its_depth + 1);
                        operands.push(operand);
                    }
                }
                self.push_expr(ExprKind::Or(operands), depth, outer);
            }
            TokenKind::StartGroup
            | TokenKind::StartIndex
            | TokenKind::StartParameters
            | TokenKind::EndGroup
            | TokenKind::EndIndex
            | TokenKind::EndParameters
            | TokenKind::Separator
            | TokenKind::Dereference
            | TokenKind::Wildcard
            | TokenKind::Not
            | TokenKind::Literal(_)
            | TokenKind::PropertyName
            | TokenKind::NamedValue
            | TokenKind::Function
            | TokenKind::Misplaced
            | TokenKind::Illegal => unreachable!("only operators are built"),
        }
    }

    fn push_expr(&mut self, kind: ExprKind, depth: usize, outer: Range<usize>) {
        let expr = Expr { kind, range: self.range(outer.clone()) };
        self.push_part(Part::Expr(expr), depth, outer);
    }

    fn build_index(&mut self, index: Operand) {
        let (target, target_depth, target_outer) = self.pop_expr();
        let outer = target_outer.start..index.outer.end;
        let depth = target_depth.max(index.depth) + 1;
        let index = match index.part {
            Part::Property(name) => Index::Property(name),
            Part::Wildcard => Index::Wildcard,
            Part::Expr(expr) => Index::Expr(Box::new(expr)),
        };
        self.push_expr(ExprKind::Index { target: Box::new(target), index }, depth, outer);
    }

    fn close(&mut self, closer: &Token, last: Option<&Token>) -> Result<(), ParseError> {
        if closer.kind == TokenKind::EndParameters {
            return self.close_call(closer, last);
        }
        let opener = self.operators.pop();
        let mut inner = self.pop();
        inner.outer = opener.map_or(inner.outer.start, |it| it.start)..closer.end;
        if closer.kind == TokenKind::EndIndex {
            self.build_index(inner);
        } else {
            self.operands.push(inner);
        }
        Ok(())
    }

    fn close_call(&mut self, closer: &Token, last: Option<&Token>) -> Result<(), ParseError> {
        let empty = last.is_some_and(|it| it.kind == TokenKind::StartParameters);
        let mut count = usize::from(!empty);
        while self.operators.pop_if(|it| it.kind == TokenKind::Separator).is_some() {
            count += 1;
        }
        let mut args: Vec<(Expr, usize)> = Vec::new();
        for _ in 0..count {
            let (arg, depth, _) = self.pop_expr();
            args.push((arg, depth));
        }
        args.reverse();
        let opener = self.operators.pop().unwrap_or_else(|| closer.clone());
        let (call, _, name) = self.pop_expr();
        let ExprKind::Call { function, .. } = call.kind else {
            unreachable!("a function stands before its parameters");
        };
        self.check_count(&function, &name, count, &opener)?;
        let depth = args.iter().map(|(_, depth)| *depth).max().unwrap_or_default() + 1;
        let args = args.into_iter().map(|(arg, _)| arg).collect();
        self.push_expr(ExprKind::Call { function, args }, depth, name.start..closer.end);
        Ok(())
    }

    /// GitHub names the parenthesis when the number of arguments is wrong, and `case` itself when it is even.
    fn check_count(&self, function: &str, name: &Range<usize>, count: usize, opener: &Token) -> Result<(), ParseError> {
        let Some(spec) = self.names.function(function) else { return Ok(()) };
        if count < spec.min {
            return Err(self.error(ParseErrorKind::TooFewParameters, opener));
        }
        if count > spec.max {
            return Err(self.error(ParseErrorKind::TooManyParameters, opener));
        }
        if function.eq_ignore_ascii_case("case") && count.is_multiple_of(2) {
            let token = Token { kind: TokenKind::Function, start: name.start, end: name.end };
            return Err(self.error(ParseErrorKind::EvenParameters, &token));
        }
        Ok(())
    }

    fn pop(&mut self) -> Operand {
        self.operands.pop().expect("the rules of order leave an operand for every operator")
    }

    fn pop_expr(&mut self) -> (Expr, usize, Range<usize>) {
        let Operand { part, depth, outer } = self.pop();
        match part {
            Part::Expr(expr) => (expr, depth, outer),
            // `*` that is more than an index, as in `a[* == 1]`, is a text to GitHub.
            Part::Wildcard => {
                let kind = ExprKind::Literal(Value::from("*"));
                (Expr { kind, range: self.range(outer.clone()) }, depth, outer)
            }
            Part::Property(_) => unreachable!("names stand behind `.` only, which binds tightest"),
        }
    }

    fn error(&self, kind: ParseErrorKind, token: &Token) -> ParseError {
        let what = match kind {
            ParseErrorKind::UnexpectedEnd => "Unexpected end of expression",
            ParseErrorKind::UnrecognizedNamedValue => "Unrecognized named-value",
            ParseErrorKind::UnrecognizedFunction => "Unrecognized function",
            ParseErrorKind::TooFewParameters => "Too few parameters supplied",
            ParseErrorKind::TooManyParameters => "Too many parameters supplied",
            ParseErrorKind::EvenParameters => {
                "Even number of parameters supplied, requires an odd number of parameters"
            }
            ParseErrorKind::IllegalToken
            | ParseErrorKind::UnexpectedSymbol
            | ParseErrorKind::TooLong
            | ParseErrorKind::TooDeep
            | ParseErrorKind::NotClosed
            | ParseErrorKind::Empty
            | ParseErrorKind::Directive => "Unexpected symbol",
        };
        let word = self.word(token).to_owned();
        let position = self.text[..token.start].encode_utf16().count() + 1;
        let message = format!("{what}: '{word}'. Located at position {position} within expression: {}", self.text);
        let position = u32::try_from(position).ok();
        ParseError { kind, message, token: word, position, range: self.range(token.start..token.end) }
    }
}

/// How tight an operator binds; 0 for brackets and `,`, which nothing is built across.
fn precedence(kind: &TokenKind) -> u8 {
    match kind {
        TokenKind::Or => 1,
        TokenKind::And => 2,
        TokenKind::Compare(crate::CompareOp::Equal | crate::CompareOp::NotEqual) => 3,
        TokenKind::Compare(_) => 4,
        TokenKind::Not => 5,
        TokenKind::Dereference => 6,
        TokenKind::StartIndex
        | TokenKind::StartGroup
        | TokenKind::StartParameters
        | TokenKind::EndGroup
        | TokenKind::EndIndex
        | TokenKind::EndParameters
        | TokenKind::Separator
        | TokenKind::Wildcard
        | TokenKind::Literal(_)
        | TokenKind::PropertyName
        | TokenKind::NamedValue
        | TokenKind::Function
        | TokenKind::Misplaced
        | TokenKind::Illegal => 0,
    }
}
