use std::sync::Arc;

use crate::{ScalarStyle, Source, Span, Spanned, Text, format_number};

/// A value of a YAML document and its place.
///
/// Cloning is cheap: an alias shares the [`NodeKind`] of its anchor.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What it is.
    pub kind: Arc<NodeKind>,
    /// Where it is written; for an alias, where `*name` stands.
    pub span: Span,
    /// For an alias: where the anchored value stands. Its children have places there, too.
    pub alias_of: Option<Span>,
    pub(crate) start: u32,
    pub(crate) scalar: Option<Written>,
}

/// What a [`Node`] is, after GitHub's typing of scalars.
///
/// Source: GitHub: planning rules P1.2.
#[derive(Debug, Clone, PartialEq)]
pub enum NodeKind {
    /// `null`, `~` or nothing at all.
    Null,
    /// `true` or `false`, in lower, upper or title case.
    Bool(bool),
    /// Any number; GitHub has doubles only.
    Number(f64),
    /// Any other scalar, and every quoted or block scalar.
    String(Text),
    /// `- a` or `[a]`.
    Sequence(Vec<Node>),
    /// `a: b` or `{a: b}`.
    Mapping(Mapping),
}

/// The entries of a mapping, in the order of the file.
///
/// No two keys are equal ignoring case: of such a pair the second was reported and dropped.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mapping {
    /// The entries.
    pub entries: Vec<Entry>,
}

/// One `key: value`.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key as text: `1:` has the key `1`, `~:` the empty one.
    pub key: Spanned<String>,
    /// The value; a missing one is a null with an empty span behind the colon.
    pub value: Node,
}

/// How a scalar was written, and where. The text stays in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) source: Arc<Source>,
    /// The scalar, quotes and block header included.
    pub(crate) span: Span,
    pub(crate) style: ScalarStyle,
}

impl Written {
    pub(crate) fn raw(&self) -> &str {
        self.source.slice(self.span)
    }
}

impl Node {
    /// Makes a node that stands for no text, for values that are made up.
    pub fn synthetic(kind: NodeKind, span: Span) -> Self {
        Self { kind: Arc::new(kind), span, alias_of: None, start: span.start, scalar: None }
    }

    /// Returns where the value itself stands: for an alias at its anchor, where GitHub reports errors.
    pub fn definition(&self) -> Span {
        self.alias_of.unwrap_or(self.span)
    }

    /// Returns the place of the value as GitHub counts it: at the anchor for an alias, and from the anchor (`&name`)
    /// or tag (`!!str`) in front of the value, if there is one.
    ///
    /// Source: GitHub: planning rules P1.3 and P1.5.
    pub fn place(&self) -> Span {
        let definition = self.definition();
        Span::new(self.start.min(definition.start), definition.end)
    }

    /// Returns a scalar as written, quotes and block header included; `None` for collections.
    pub fn raw(&self) -> Option<&str> {
        self.scalar.as_ref().map(Written::raw)
    }

    /// Returns how a scalar was written; `None` for collections.
    pub fn style(&self) -> Option<ScalarStyle> {
        self.scalar.as_ref().map(|it| it.style)
    }

    /// Returns the text GitHub makes of a scalar where text is expected; `None` for collections.
    ///
    /// Null is empty, `True` is `true`, `0755` is `755`, `1e15` is `1E+15`.
    /// Source: GitHub: planning rules P1.2 and P3.8.
    pub fn scalar_text(&self) -> Option<String> {
        match &*self.kind {
            NodeKind::Null => Some(String::new()),
            NodeKind::Bool(it) => Some(it.to_string()),
            NodeKind::Number(it) => Some(format_number(*it)),
            NodeKind::String(it) => Some(it.value.clone()),
            NodeKind::Sequence(_) | NodeKind::Mapping(_) => None,
        }
    }

    /// Takes the text of a scalar out of the node, without a copy where no alias shares it.
    pub(crate) fn into_scalar_text(self) -> Option<String> {
        match Arc::try_unwrap(self.kind) {
            Ok(NodeKind::String(text)) => Some(text.value),
            Ok(kind) => Self::synthetic(kind, self.span).scalar_text(),
            Err(shared) => Self { kind: shared, ..Self::synthetic(NodeKind::Null, self.span) }.scalar_text(),
        }
    }

    /// Tells whether the node is null.
    pub fn is_null(&self) -> bool {
        matches!(&*self.kind, NodeKind::Null)
    }

    /// Returns the boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let NodeKind::Bool(it) = &*self.kind { Some(*it) } else { None }
    }

    /// Returns the number, if it is one.
    pub fn as_number(&self) -> Option<f64> {
        if let NodeKind::Number(it) = &*self.kind { Some(*it) } else { None }
    }

    /// Returns the text of a string; not of other scalars, see [`Self::scalar_text`].
    pub fn as_text(&self) -> Option<&Text> {
        if let NodeKind::String(it) = &*self.kind { Some(it) } else { None }
    }

    /// Returns the items, if it is a sequence.
    pub fn as_sequence(&self) -> Option<&[Self]> {
        if let NodeKind::Sequence(it) = &*self.kind { Some(it) } else { None }
    }

    /// Returns the entries, if it is a mapping.
    pub fn as_mapping(&self) -> Option<&Mapping> {
        if let NodeKind::Mapping(it) = &*self.kind { Some(it) } else { None }
    }

    /// Names the kind for messages: `a mapping`, `a string` and so on.
    pub fn describe(&self) -> &'static str {
        match &*self.kind {
            NodeKind::Null => "nothing (null)",
            NodeKind::Bool(_) => "a boolean",
            NodeKind::Number(_) => "a number",
            NodeKind::String(_) => "a string",
            NodeKind::Sequence(_) => "a sequence",
            NodeKind::Mapping(_) => "a mapping",
        }
    }
}

impl Mapping {
    /// Returns the value of a key, which must match in case, as GitHub demands of its keywords.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|it| &it.value)
    }

    /// Returns the entry of a key, which must match in case.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|it| it.key.value == key)
    }

    /// Goes through the entries in the order of the file.
    pub fn iter(&self) -> std::slice::Iter<'_, Entry> {
        self.entries.iter()
    }

    /// Goes through the keys in the order of the file.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|it| it.key.value.as_str())
    }

    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Tells whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<'a> IntoIterator for &'a Mapping {
    type Item = &'a Entry;
    type IntoIter = std::slice::Iter<'a, Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
