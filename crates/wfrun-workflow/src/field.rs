use std::ops::Range;

use wfrun_expr::{Condition, Template};
use wfrun_syntax::{Node, Span, Spanned};

use crate::{EntryKey, Token, TokenKind};

/// A value that may hold expressions, and where it stands.
#[derive(Debug, Clone)]
pub struct Field {
    /// The text, its expressions parsed.
    pub template: Template,
    /// The scalar it was read from.
    pub node: Node,
}

impl Field {
    /// Where it stands.
    pub fn span(&self) -> Span {
        self.node.span
    }

    /// Where a range of the text stands in the file.
    pub fn span_of(&self, range: &Range<u32>) -> Span {
        span_in(&self.node, range)
    }

    /// The text as written, after YAML: what GitHub would show if it cannot be evaluated.
    pub fn raw(&self) -> String {
        self.node.scalar_text().unwrap_or_default()
    }
}

/// An `if:`, written or implied.
#[derive(Debug, Clone)]
pub struct IfField {
    /// What is evaluated.
    pub condition: Condition,
    /// The scalar it was read from; none where no `if:` was written.
    pub node: Option<Node>,
}

impl IfField {
    /// What GitHub takes where no `if:` is written.
    pub fn success() -> Self {
        Self { condition: Condition::success(), node: None }
    }

    /// Where it stands, if it was written.
    pub fn span(&self) -> Option<Span> {
        self.node.as_ref().map(|it| it.span)
    }

    /// Where a range of the condition's text stands in the file.
    pub fn span_of(&self, range: &Range<u32>) -> Option<Span> {
        self.node.as_ref().map(|it| span_in(it, range))
    }
}

/// A mapping of names to values, such as `env:` or `with:`, in file order.
///
/// A value cannot see the others of its mapping. Most mappings hold literal names only; where expressions make up
/// names, or all of it, [`EnvMap::computed`] says where.
/// Source: GitHub: planning rules 1.4 and 4.8.
#[derive(Debug, Clone, Default)]
pub struct EnvMap {
    /// What it is made of, in file order.
    pub parts: Vec<MapPart>,
}

/// A part of an [`EnvMap`].
#[derive(Debug, Clone)]
pub enum MapPart {
    /// `NAME: value`
    Entry(Spanned<String>, Field),
    /// `${{ expression }}: value`
    Computed(Token, Token),
    /// `${{ insert }}: mapping`, whose entries stand for themselves.
    Insert(Token),
    /// An expression in the place of the whole mapping.
    Whole(Field),
}

impl EnvMap {
    /// Reads a mapping that the schema has taken.
    pub(crate) fn of(token: Option<&Token>) -> Self {
        let Some(token) = token else { return Self::default() };
        if token.is_expression() {
            return Self { parts: token.field().map(MapPart::Whole).into_iter().collect() };
        }
        let parts = token.entries().iter().filter_map(|entry| match &entry.key {
            EntryKey::Text(key) => Some(MapPart::Entry(key.clone(), entry.value.field()?)),
            EntryKey::Expression(key) => {
                let node = entry.value.node.clone();
                let key = Token { kind: TokenKind::Expression(key.value.clone()), node };
                Some(MapPart::Computed(key, entry.value.clone()))
            }
            EntryKey::Insert(_) => Some(MapPart::Insert(entry.value.clone())),
        });
        Self { parts: parts.collect() }
    }

    /// Makes a mapping of literal names.
    pub(crate) fn of_fields(entries: impl IntoIterator<Item = (Spanned<String>, Field)>) -> Self {
        Self { parts: entries.into_iter().map(|(name, field)| MapPart::Entry(name, field)).collect() }
    }

    /// Goes through the entries with literal names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Field)> {
        self.entries().map(|(name, field)| (name.value.as_str(), field))
    }

    /// Goes through the entries with literal names and their places.
    pub fn entries(&self) -> impl Iterator<Item = (&Spanned<String>, &Field)> {
        self.parts.iter().filter_map(|it| match it {
            MapPart::Entry(name, field) => Some((name, field)),
            MapPart::Computed(..) | MapPart::Insert(_) | MapPart::Whole(_) => None,
        })
    }

    /// Goes through the values of literal names, and those that make up the rest.
    pub fn values(&self) -> impl Iterator<Item = &Field> {
        self.parts.iter().filter_map(|it| match it {
            MapPart::Entry(_, field) | MapPart::Whole(field) => Some(field),
            MapPart::Computed(..) | MapPart::Insert(_) => None,
        })
    }

    /// Returns the value of a literal name; case counts.
    pub fn get(&self, name: &str) -> Option<&Field> {
        self.iter().find(|(key, _)| *key == name).map(|(_, field)| field)
    }

    /// Returns where an expression makes up names, if one does.
    pub fn computed(&self) -> Option<Span> {
        self.parts.iter().find_map(|it| match it {
            MapPart::Entry(..) => None,
            MapPart::Computed(token, _) | MapPart::Insert(token) => Some(token.node.span),
            MapPart::Whole(field) => Some(field.span()),
        })
    }

    /// Tells whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }
}

/// Where a byte range of a scalar's value stands in the file.
pub(crate) fn span_in(node: &Node, range: &Range<u32>) -> Span {
    match node.as_text() {
        Some(text) => text.span_of(range.start as usize..range.end as usize),
        None => node.span,
    }
}
