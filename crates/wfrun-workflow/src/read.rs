//! A YAML tree, walked along the schema as GitHub's reader does.
//!
//! All errors of a file are collected. Their messages and places are GitHub's, also where there are two for one mistake
//! (`runn: x` is an unknown key *and* leaves a step without a kind); the help is ours.
//! Source: GitHub: planning rules 1.4 (`TemplateReader` of actions/runner).
mod help;
mod mapping;

use std::sync::Arc;

use wfrun_expr::{Availability, Template};
use wfrun_syntax::{Checked, Code, Diagnostic, Mapping, Node, NodeKind, Source, Span};

use crate::Limits;
use crate::report::expression_error;
use crate::schema::{Def, Text};
use crate::token::{Token, TokenKind};

/// How strictly a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadOptions {
    /// Unknown keys are warned about rather than refused.
    pub allow_unknown: bool,
    /// What GitHub's server limits.
    pub limits: Limits,
}

/// What was read.
pub(crate) struct Tree {
    /// The values; none where a limit is exceeded.
    pub(crate) token: Option<Token>,
    /// How many bytes they take in GitHub's count, with the file's path.
    pub(crate) size: usize,
}

/// Reads a tree as `def` says; nothing is left of it where a limit is exceeded.
pub(crate) fn read(source: &Arc<Source>, node: &Node, def: &'static Def, options: ReadOptions) -> Checked<Tree> {
    let bytes = text_bytes(source.path());
    let mut reader =
        Reader { source, options, diagnostics: Vec::new(), bytes, depth: 0, exceeded: None, key: "", is_item: false };
    let token = reader.value(node, def, &Availability::NONE);
    if let Some(message) = reader.exceeded {
        let help = "this is a limit of GitHub's: move parts into reusable workflows or scripts";
        reader
            .diagnostics
            .push(Diagnostic::error(Code::new("workflow/too-large"), message).at(source, node.place()).help(help));
        return Checked { value: Tree { token: None, size: reader.bytes }, diagnostics: reader.diagnostics };
    }
    Checked { value: Tree { token: Some(token), size: reader.bytes }, diagnostics: reader.diagnostics }
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    options: ReadOptions,
    diagnostics: Vec<Diagnostic>,
    bytes: usize,
    depth: usize,
    /// A limit that was exceeded; nothing is read from then on.
    exceeded: Option<&'static str>,
    /// The key that is read.
    key: &'a str,
    /// Whether it is an item of that key's sequence.
    is_item: bool,
}

/// Bytes any value takes.
const VALUE: usize = 24;

/// Bytes of a text in GitHub's count.
pub(crate) fn text_bytes(text: &str) -> usize {
    let units = if text.is_ascii() { text.len() } else { text.encode_utf16().count() };
    26 + 2 * units
}

impl<'a> Reader<'a> {
    /// Reads one value. What is wrong is kept, and a value of some kind comes back all the same.
    fn value(&mut self, node: &'a Node, def: &'static Def, context: &'static Availability) -> Token {
        let context = def.context.unwrap_or(context);
        let kind = match &*node.kind {
            NodeKind::Sequence(items) => self.sequence(node, items, def, context),
            NodeKind::Mapping(mapping) => self.collection(node, mapping, def, context),
            NodeKind::Null | NodeKind::Bool(_) | NodeKind::Number(_) | NodeKind::String(_) => {
                let kind = self.scalar(node, def, context);
                self.count_scalar(node, &kind);
                kind
            }
        };
        Token { kind, node: node.clone() }
    }

    fn sequence(
        &mut self,
        node: &Node,
        items: &'a [Node],
        def: &'static Def,
        context: &'static Availability,
    ) -> TokenKind {
        let Some(item) = def.sequence else {
            self.error(
                "workflow/wrong-type",
                "A sequence was not expected",
                node.place(),
                Some(help::instead_of_sequence(def, &self.name(def))),
            );
            return TokenKind::Sequence(Vec::new());
        };
        if !self.enter() {
            return TokenKind::Sequence(Vec::new());
        }
        let around = std::mem::replace(&mut self.is_item, true);
        let items = items.iter().map(|it| self.value(it, item, context)).collect();
        self.is_item = around;
        self.depth -= 1;
        TokenKind::Sequence(items)
    }

    fn collection(
        &mut self,
        node: &Node,
        mapping: &'a Mapping,
        def: &'static Def,
        context: &'static Availability,
    ) -> TokenKind {
        if def.mappings.is_empty() {
            self.error(
                "workflow/wrong-type",
                "A mapping was not expected",
                node.place(),
                Some(help::instead_of_mapping(def, &self.name(def))),
            );
            return TokenKind::Mapping(Vec::new());
        }
        if !self.enter() {
            return TokenKind::Mapping(Vec::new());
        }
        let entries = self.mapping(node, mapping, def, context);
        self.depth -= 1;
        TokenKind::Mapping(entries)
    }

    /// Goes one level down, unless a limit is reached.
    fn enter(&mut self) -> bool {
        self.count(VALUE);
        if self.depth >= self.options.limits.depth {
            self.exceeded = Some("Maximum object depth exceeded");
        }
        if self.exceeded.is_some() {
            return false;
        }
        self.depth += 1;
        true
    }

    fn count(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > self.options.limits.size {
            self.exceeded = Some("Maximum object size exceeded");
        }
    }

    fn count_scalar(&mut self, node: &Node, kind: &TokenKind) {
        let text = match kind {
            TokenKind::Text(text) => text_bytes(text),
            TokenKind::Expression(_) => node.as_text().map_or(0, |it| text_bytes(&it.value)),
            TokenKind::Null
            | TokenKind::Bool(_)
            | TokenKind::Number(_)
            | TokenKind::Sequence(_)
            | TokenKind::Mapping(_) => 0,
        };
        self.count(VALUE + text);
    }

    fn scalar(&mut self, node: &Node, def: &Def, context: &Availability) -> TokenKind {
        let Some(written) = node.as_text() else {
            return self.literal(node, node.scalar_text().unwrap_or_default(), def);
        };
        if !written.value.contains("${{") {
            return self.literal(node, written.value.clone(), def);
        }
        match Template::parse(&written.value, context) {
            Ok(Template::Literal(text)) => self.literal(node, text, def),
            Ok(template) => {
                if context.contexts.is_empty() && context.functions.is_empty() {
                    let help = Some(format!("{} is read before anything runs: write the value itself", self.name(def)));
                    let message = "A template expression is not allowed in this context";
                    self.error("expr/not-allowed", message, node.place(), help);
                }
                TokenKind::Expression(template)
            }
            Err(error) => {
                // GitHub goes on to check the raw text, whose error would be about the same mistake.
                self.diagnostics.push(expression_error(self.source, node, &error, context));
                TokenKind::Text(written.value.clone())
            }
        }
    }

    /// Checks a scalar without expressions; other scalars may stand for their text.
    fn literal(&mut self, node: &Node, text: String, def: &Def) -> TokenKind {
        match &*node.kind {
            NodeKind::Null if def.null => return TokenKind::Null,
            NodeKind::Bool(it) if def.boolean => return TokenKind::Bool(*it),
            NodeKind::Number(it) if def.number => return TokenKind::Number(*it),
            NodeKind::Null
            | NodeKind::Bool(_)
            | NodeKind::Number(_)
            | NodeKind::String(_)
            | NodeKind::Sequence(_)
            | NodeKind::Mapping(_) => {}
        }
        if !takes(def.text, &text) {
            let (code, help) = help::wrong_scalar(def, &self.name(def), node, &text);
            self.error(code, format!("Unexpected value '{text}'"), node.place(), Some(help));
        }
        TokenKind::Text(text)
    }

    /// What messages call the value that is read.
    fn name(&self, def: &Def) -> String {
        match (def.what, self.is_item) {
            ("", false) => format!("`{}`", self.key),
            ("a job", false) => format!("job `{}`", self.key),
            ("", true) => format!("an item of `{}`", self.key),
            (what, _) => what.to_owned(),
        }
    }

    fn error(&mut self, code: &'static str, message: impl Into<String>, span: Span, help: Option<String>) {
        let mut found = Diagnostic::error(Code::new(code), message).at(self.source, span);
        found.help = help;
        self.diagnostics.push(found);
    }
}

fn takes(rule: Text, text: &str) -> bool {
    match rule {
        Text::No => false,
        Text::Any => true,
        Text::NonEmpty => !text.is_empty(),
        Text::OneOf(words) => words.contains(&text),
        Text::OneOfInAnyCase(words) => words.iter().any(|it| it.eq_ignore_ascii_case(text)),
    }
}
