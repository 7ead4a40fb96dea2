use std::sync::Arc;

use wfrun_expr::{Availability, Condition, ParseError, Template};
use wfrun_syntax::{Code, Diagnostic, Mapping, Node, NodeKind, Severity, Source, Span, Spanned, closest};

use crate::field::span_in;
use crate::{EnvMap, Field, IfField};

/// A key that a mapping may have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) support: Support,
}

/// What wfrun does with a key today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Support {
    /// It is carried out.
    Full,
    /// It has no effect here, and that is said.
    NoEffect(&'static str),
    /// A workflow with it cannot be run yet.
    NotYet,
    /// It says nothing that a run here could show.
    Silent,
}

impl Key {
    pub(crate) const fn full(name: &'static str) -> Self {
        Self { name, support: Support::Full }
    }

    pub(crate) const fn no_effect(name: &'static str, why: &'static str) -> Self {
        Self { name, support: Support::NoEffect(why) }
    }

    pub(crate) const fn not_yet(name: &'static str) -> Self {
        Self { name, support: Support::NotYet }
    }

    pub(crate) const fn silent(name: &'static str) -> Self {
        Self { name, support: Support::Silent }
    }
}

/// Reads typed values out of nodes and keeps what is wrong with them.
#[derive(Debug)]
pub(crate) struct Cursor {
    pub(crate) source: Arc<Source>,
    diagnostics: Vec<Diagnostic>,
}

impl Cursor {
    pub(crate) fn new(source: &Arc<Source>) -> Self {
        Self { source: Arc::clone(source), diagnostics: Vec::new() }
    }

    pub(crate) fn finish(self) -> Vec<Diagnostic> {
        self.diagnostics
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|it| it.severity == Severity::Error)
    }

    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    pub(crate) fn error(&mut self, code: &'static str, message: impl Into<String>, span: Span, help: Option<String>) {
        let mut diagnostic = Diagnostic::error(Code::new(code), message).at(&self.source, span);
        if let Some(help) = help {
            diagnostic = diagnostic.help(help);
        }
        self.push(diagnostic);
    }

    /// The entries of a mapping, its keys looked up in `keys`; unknown ones are errors.
    pub(crate) fn mapping<'a>(&mut self, node: &'a Node, what: &str, keys: &[Key]) -> Option<&'a Mapping> {
        let mapping = self.any_mapping(node, what)?;
        for entry in &mapping.entries {
            let name = entry.key.value.as_str();
            match keys.iter().find(|it| it.name == name) {
                Some(key) => self.note_support(*key, entry.key.span, what),
                None => self.unknown_key(&entry.key, what, keys),
            }
        }
        Some(mapping)
    }

    /// The entries of a mapping whose keys are free.
    pub(crate) fn any_mapping<'a>(&mut self, node: &'a Node, what: &str) -> Option<&'a Mapping> {
        if let NodeKind::Mapping(mapping) = &*node.kind {
            return Some(mapping);
        }
        let help = format!("{what} is a mapping: write `key: value` lines below it, indented");
        self.error("workflow/wrong-type", "A mapping was expected", node.span, Some(help));
        None
    }

    fn note_support(&mut self, key: Key, span: Span, what: &str) {
        let Key { name, support } = key;
        match support {
            Support::Full | Support::Silent => {}
            Support::NoEffect(why) => {
                let message = format!("`{name}` of {what} has no effect here: {why}");
                self.push(Diagnostic::warning(Code::new("wfrun/no-effect"), message).at(&self.source, span));
            }
            Support::NotYet => self.not_yet(&format!("`{name}` of {what}"), span),
        }
    }

    /// Says that the workflow holds something that wfrun cannot run yet.
    pub(crate) fn not_yet(&mut self, thing: &str, span: Span) {
        let message = format!("{thing} is not supported by wfrun yet");
        let help = "GitHub accepts it, wfrun does not run it in part: README.md says what is built";
        self.error("wfrun/not-supported-yet", message, span, Some(help.to_owned()));
    }

    fn unknown_key(&mut self, key: &Spanned<String>, what: &str, keys: &[Key]) {
        let names = || keys.iter().map(|it| it.name);
        let help = match closest(&key.value, names()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("keys of {what}: {}", names().collect::<Vec<_>>().join(", ")),
        };
        let message = format!("Unexpected value '{}'", key.value);
        self.error("workflow/unknown-key", message, key.span, Some(help));
    }

    /// The items of a sequence, or the single scalar that may stand for one.
    pub(crate) fn one_or_many<'a>(&mut self, node: &'a Node) -> Vec<&'a Node> {
        match &*node.kind {
            NodeKind::Sequence(items) => items.iter().collect(),
            NodeKind::Null => Vec::new(),
            NodeKind::Mapping(_) => {
                let help = "write a list: `[a, b]`, or one `- item` a line".to_owned();
                self.error("workflow/wrong-type", "A mapping was not expected", node.span, Some(help));
                Vec::new()
            }
            NodeKind::Bool(_) | NodeKind::Number(_) | NodeKind::String(_) => vec![node],
        }
    }

    /// A literal text: no expression is evaluated here.
    pub(crate) fn text(&mut self, node: &Node) -> Option<Spanned<String>> {
        self.scalar(node).map(|value| Spanned::new(value, node.span))
    }

    /// A literal text that may not be empty.
    pub(crate) fn filled_text(&mut self, node: &Node) -> Option<Spanned<String>> {
        let text = self.text(node)?;
        if text.value.is_empty() {
            self.error("workflow/missing-value", "Unexpected value ''", node.span, Some("write a value".to_owned()));
            return None;
        }
        Some(text)
    }

    fn scalar(&mut self, node: &Node) -> Option<String> {
        let found = match &*node.kind {
            NodeKind::Sequence(_) => "A sequence was not expected",
            NodeKind::Mapping(_) => "A mapping was not expected",
            NodeKind::Null | NodeKind::Bool(_) | NodeKind::Number(_) | NodeKind::String(_) => {
                return node.scalar_text();
            }
        };
        self.error("workflow/wrong-type", found, node.span, Some("a single value belongs here".to_owned()));
        None
    }

    /// A value in which expressions are evaluated.
    pub(crate) fn field(&mut self, node: &Node, availability: &Availability) -> Option<Field> {
        let value = self.scalar(node)?;
        match Template::parse(&value, availability) {
            Ok(template) => Some(Field { template, node: node.clone() }),
            Err(err) => {
                self.expression_error(node, &err, availability);
                None
            }
        }
    }

    /// A number or boolean: a literal of that type, or an expression.
    pub(crate) fn typed_field(&mut self, node: &Node, availability: &Availability, kind: Typed) -> Option<Field> {
        let field = self.field(node, availability)?;
        let fits = match (&*node.kind, kind) {
            (NodeKind::Number(_), Typed::Number) | (NodeKind::Bool(_), Typed::Boolean) => true,
            (NodeKind::String(_), Typed::Number | Typed::Boolean) => matches!(field.template, Template::Expression(_)),
            (_, Typed::Number | Typed::Boolean) => false,
        };
        if !fits {
            let help = format!("{} belongs here, without quotes, or an expression `${{{{ … }}}}`", kind.words());
            let message = format!("Unexpected value '{}'", field.raw());
            self.error("workflow/wrong-type", message, node.span, Some(help));
            return None;
        }
        Some(field)
    }

    /// A mapping of names to values in which expressions are evaluated.
    pub(crate) fn map(&mut self, node: &Node, what: &str, availability: &Availability) -> EnvMap {
        if matches!(&*node.kind, NodeKind::Null) {
            return EnvMap::new();
        }
        if matches!(&*node.kind, NodeKind::String(_)) {
            self.not_yet(&format!("an expression for all of {what}"), node.span);
            return EnvMap::new();
        }
        let Some(mapping) = self.any_mapping(node, what) else { return EnvMap::new() };
        let mut map = EnvMap::new();
        for entry in &mapping.entries {
            if let Some(field) = self.field(&entry.value, availability) {
                map.insert(entry.key.value.clone(), field);
            }
        }
        map
    }

    /// An `if:`; `node` is none where none was written. One that cannot be read is said and taken as `success()`.
    pub(crate) fn condition(&mut self, node: Option<&Node>, availability: &Availability) -> Option<IfField> {
        let text = node.and_then(|it| self.scalar(it));
        let parsed = Condition::parse(text.as_deref(), availability);
        let field = self.if_field(parsed, node, availability);
        field.or_else(|| Some(IfField { condition: Condition::parse(None, availability).ok()?, node: None }))
    }

    /// A `pre-if:` or `post-if:` of an action, to which no `success()` is added.
    pub(crate) fn bare_condition(&mut self, node: &Node, availability: &Availability) -> Option<IfField> {
        let parsed = Condition::parse_bare(&self.scalar(node)?, availability);
        self.if_field(parsed, Some(node), availability)
    }

    fn if_field(
        &mut self,
        parsed: Result<Condition, ParseError>,
        node: Option<&Node>,
        availability: &Availability,
    ) -> Option<IfField> {
        match parsed {
            Ok(condition) => Some(IfField { condition, node: node.cloned() }),
            Err(err) => {
                if let Some(node) = node {
                    self.expression_error(node, &err, availability);
                }
                None
            }
        }
    }

    fn expression_error(&mut self, node: &Node, err: &ParseError, availability: &Availability) {
        let span = span_in(node, &err.range);
        let help = expression_help(&err.token, availability);
        self.error("expr/invalid", err.to_string(), span, Some(help));
    }
}

/// The type of a value that is not a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Typed {
    Number,
    Boolean,
}

impl Typed {
    fn words(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Boolean => "`true` or `false`",
        }
    }
}

fn expression_help(word: &str, availability: &Availability) -> String {
    if word.contains('"') {
        return "strings in expressions stand in single quotes: 'text'".to_owned();
    }
    let functions = availability.functions.iter().map(|it| it.name);
    let known = availability.contexts.iter().copied().chain(functions);
    match closest(word, known.clone()) {
        Some(name) if name != word => format!("did you mean `{name}`?"),
        _ => match availability.contexts {
            [] => "no context is available here".to_owned(),
            contexts => format!("available here: {}", contexts.join(", ")),
        },
    }
}
