use wfrun_expr::Template;
use wfrun_syntax::{Node, Span, Spanned};

use crate::Field;

/// A value that the schema has taken, its expressions parsed: what GitHub calls a template token.
#[derive(Debug, Clone)]
pub struct Token {
    /// What was read.
    pub kind: TokenKind,
    /// The YAML it was read from.
    pub node: Node,
}

/// What a [`Token`] is.
#[derive(Debug, Clone)]
pub enum TokenKind {
    /// Nothing.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A text, or another scalar in its text form where a text belongs.
    Text(String),
    /// An expression, or text with expressions; never [`Template::Literal`].
    Expression(Template),
    /// A list.
    Sequence(Vec<Token>),
    /// A mapping.
    Mapping(Vec<Entry>),
}

/// One `key: value` of a [`Token`].
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its key.
    pub key: EntryKey,
    /// Its value.
    pub value: Token,
}

/// The key of an [`Entry`].
#[derive(Debug, Clone)]
pub enum EntryKey {
    /// A literal key.
    Text(Spanned<String>),
    /// `${{ … }}:`
    Expression(Spanned<Template>),
    /// `${{ insert }}:`
    Insert(Span),
}

impl Token {
    /// Where GitHub says it stands.
    pub fn place(&self) -> Span {
        self.node.place()
    }

    /// A literal text.
    pub fn text(&self) -> Option<&str> {
        if let TokenKind::Text(it) = &self.kind { Some(it) } else { None }
    }

    /// A literal text with its place.
    pub fn spanned_text(&self) -> Option<Spanned<String>> {
        self.text().map(|it| Spanned::new(it.to_owned(), self.place()))
    }

    /// A literal boolean.
    pub fn as_bool(&self) -> Option<bool> {
        if let TokenKind::Bool(it) = &self.kind { Some(*it) } else { None }
    }

    /// A literal number.
    pub fn as_number(&self) -> Option<f64> {
        if let TokenKind::Number(it) = &self.kind { Some(*it) } else { None }
    }

    /// Tells whether there is nothing.
    pub fn is_null(&self) -> bool {
        matches!(self.kind, TokenKind::Null)
    }

    /// Tells whether it is an expression.
    pub fn is_expression(&self) -> bool {
        matches!(self.kind, TokenKind::Expression(_))
    }

    /// The items of a sequence; none of anything else.
    pub fn items(&self) -> &[Self] {
        if let TokenKind::Sequence(it) = &self.kind { it } else { &[] }
    }

    /// The items of a sequence, or the one scalar that stands for a list.
    pub fn one_or_many(&self) -> &[Self] {
        match &self.kind {
            TokenKind::Sequence(items) => items,
            TokenKind::Null | TokenKind::Mapping(_) => &[],
            TokenKind::Bool(_) | TokenKind::Number(_) | TokenKind::Text(_) | TokenKind::Expression(_) => {
                std::slice::from_ref(self)
            }
        }
    }

    /// The entries of a mapping; none of anything else.
    pub fn entries(&self) -> &[Entry] {
        if let TokenKind::Mapping(it) = &self.kind { it } else { &[] }
    }

    /// The value of a known key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|it| it.key.text() == Some(key)).map(|it| &it.value)
    }

    /// Goes through the entries with literal keys.
    pub fn pairs(&self) -> impl Iterator<Item = (&Spanned<String>, &Self)> {
        self.entries().iter().filter_map(|it| match &it.key {
            EntryKey::Text(key) => Some((key, &it.value)),
            EntryKey::Expression(_) | EntryKey::Insert(_) => None,
        })
    }

    /// Tells whether an expression stands in it, as a key or as a value.
    pub fn has_expressions(&self) -> bool {
        match &self.kind {
            TokenKind::Expression(_) => true,
            TokenKind::Sequence(items) => items.iter().any(Self::has_expressions),
            TokenKind::Mapping(entries) => {
                entries.iter().any(|it| !matches!(it.key, EntryKey::Text(_)) || it.value.has_expressions())
            }
            TokenKind::Null | TokenKind::Bool(_) | TokenKind::Number(_) | TokenKind::Text(_) => false,
        }
    }

    /// A scalar as a value that may be evaluated; none of collections.
    pub fn field(&self) -> Option<Field> {
        let template = match &self.kind {
            TokenKind::Expression(template) => template.clone(),
            TokenKind::Text(text) => Template::Literal(text.clone()),
            TokenKind::Null | TokenKind::Bool(_) | TokenKind::Number(_) => Template::Literal(self.node.scalar_text()?),
            TokenKind::Sequence(_) | TokenKind::Mapping(_) => return None,
        };
        Some(Field { template, node: self.node.clone() })
    }
}

impl EntryKey {
    /// A literal key's text.
    pub fn text(&self) -> Option<&str> {
        if let Self::Text(it) = self { Some(&it.value) } else { None }
    }
}
