//! Events to nodes, without recursion.

use std::{collections::HashMap, sync::Arc};

use granit_parser::{Event, StructureStyle, Tag};

use super::scalar::{Scalar, TagError, resolve};
use crate::{
    Checked, Diagnostic, Entry, Mapping, Node, NodeKind, ScalarStyle, Source, Span, Spanned, Text, eq_ignoring_case,
    node::Written, source::to_u32, upper_ordinal,
};

/// Most levels of collections.
const MAX_DEPTH: usize = 50;
/// Most nodes, those behind aliases counted each time.
const MAX_NODES: usize = 50_000;

pub(super) struct Composer<'a> {
    source: &'a Arc<Source>,
    open: Vec<Collection>,
    anchors: HashMap<usize, Built>,
    nodes: usize,
    /// Where the last event ended.
    last: u32,
    root: Option<Node>,
    diagnostics: Vec<Diagnostic>,
}

/// A finished node with what limits need to know about it, so that an alias costs nothing.
#[derive(Clone)]
struct Built {
    node: Node,
    /// How many nodes it stands for.
    weight: usize,
    /// How many levels of collections it has.
    height: usize,
}

/// A collection whose end is still to come.
struct Collection {
    content: Content,
    span: Span,
    /// Where it begins with its anchor and tag.
    start: u32,
    block: bool,
    anchor: usize,
    weight: usize,
    height: usize,
}

enum Content {
    Sequence(Vec<Node>),
    Mapping { entries: Vec<Entry>, keys: Keys, key: Option<Key> },
}

/// A key whose value is still to come.
enum Key {
    Good(Spanned<String>),
    /// It was reported, and its value is dropped.
    Bad,
}

type Step = Result<(), Box<Diagnostic>>;

impl<'a> Composer<'a> {
    pub(super) fn new(source: &'a Arc<Source>) -> Self {
        Self {
            source,
            open: Vec::new(),
            anchors: HashMap::new(),
            nodes: 0,
            last: 0,
            root: None,
            diagnostics: Vec::new(),
        }
    }

    /// Gives up: returns what was found so far and why.
    pub(super) fn fail(&mut self, found: Diagnostic) -> Vec<Diagnostic> {
        let mut all = std::mem::take(&mut self.diagnostics);
        all.push(found);
        all
    }

    /// Returns the tree; null if there was no document.
    pub(super) fn finish(self) -> Checked<Node> {
        let root = self.root.unwrap_or_else(|| Node::synthetic(NodeKind::Null, Span::default()));
        Checked { value: root, diagnostics: self.diagnostics }
    }

    #[expect(clippy::match_same_arms, reason = "what is ignored today is named, although the parser's enum is open")]
    pub(super) fn accept(&mut self, event: Event<'_>, span: Span, tag_start: Option<usize>) -> Step {
        match event {
            Event::Scalar(value, style, anchor, tag) => {
                let node = self.scalar(&value, to_style(style), span, tag.as_deref(), tag_start)?;
                self.last = self.last.max(node.span.end);
                self.count(1, span)?;
                self.place(Built { node, weight: 1, height: 0 }, anchor);
                Ok(())
            }
            Event::Alias(anchor) => {
                self.last = span.end;
                self.alias(anchor, span)
            }
            Event::SequenceStart(style, anchor, _) => {
                let span = if style == StructureStyle::Block { self.first_dash(span) } else { span };
                self.start(Content::Sequence(Vec::new()), style, anchor, span)
            }
            Event::MappingStart(style, anchor, _) => {
                let content = Content::Mapping { entries: Vec::new(), keys: Keys::default(), key: None };
                self.start(content, style, anchor, span)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.end(span);
                Ok(())
            }
            Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(..)
            | Event::DocumentEnd
            | Event::Anchor(..)
            | Event::UnresolvedAlias(_) => Ok(()),
            // The parser may learn to tell more about the presentation; it is no data.
            _ => Ok(()),
        }
    }

    fn start(&mut self, content: Content, style: StructureStyle, anchor: usize, span: Span) -> Step {
        if self.open.len() >= MAX_DEPTH {
            return Err(Box::new(self.too_deep(span)));
        }
        self.count(1, span)?;
        let start = self.properties(span.start);
        self.last = span.end;
        let block = style == StructureStyle::Block;
        self.open.push(Collection { content, span, start, block, anchor, weight: 1, height: 1 });
        Ok(())
    }

    fn end(&mut self, span: Span) {
        let Some(collection) = self.open.pop() else { return };
        let Collection { content, span: mut whole, start, block, anchor, weight, height } = collection;
        // A block collection has no end of its own: the parser names the next thing that stands in the file.
        whole.end = if block { self.last.max(whole.start) } else { span.end };
        self.last = self.last.max(whole.end);
        let kind = match content {
            Content::Sequence(items) => NodeKind::Sequence(items),
            Content::Mapping { entries, .. } => NodeKind::Mapping(Mapping { entries }),
        };
        let node = Node { kind: Arc::new(kind), span: whole, alias_of: None, start, scalar: None };
        self.place(Built { node, weight, height }, anchor);
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Step {
        let Some(Built { node, weight, height }) = self.anchors.get(&anchor).cloned() else {
            let found = Diagnostic::error("yaml/recursive-alias", "an alias stands inside the value it stands for");
            let help = "a value cannot contain itself: write the inner part out";
            return Err(Box::new(found.at(self.source, span).help(help)));
        };
        if self.open.len() + height > MAX_DEPTH {
            return Err(Box::new(self.too_deep(span)));
        }
        self.count(weight, span)?;
        let node = Node { alias_of: Some(node.definition()), span, ..node };
        self.place(Built { node, weight, height }, 0);
        Ok(())
    }

    fn count(&mut self, weight: usize, span: Span) -> Step {
        self.nodes = self.nodes.saturating_add(weight);
        if self.nodes <= MAX_NODES {
            return Ok(());
        }
        let message = "Maximum YAML nodes exceeded";
        let help = format!("GitHub reads at most {MAX_NODES} nodes, those behind aliases counted each time");
        Err(Box::new(Diagnostic::error("yaml/too-many-nodes", message).at(self.source, span).help(help)))
    }

    fn too_deep(&self, span: Span) -> Diagnostic {
        let found = Diagnostic::error("yaml/too-deep", "Maximum object depth exceeded").at(self.source, span);
        found.help(format!("GitHub reads at most {MAX_DEPTH} levels"))
    }

    /// Puts a finished node where it belongs.
    fn place(&mut self, built: Built, anchor: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, built.clone());
        }
        let Built { node, weight, height } = built;
        let Some(collection) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        collection.weight = collection.weight.saturating_add(weight);
        collection.height = collection.height.max(height + 1);
        match &mut collection.content {
            Content::Sequence(items) => items.push(node),
            Content::Mapping { entries, keys, key } => match key.take() {
                Some(Key::Good(key)) => entries.push(Entry { key, value: node }),
                Some(Key::Bad) => {}
                None => *key = Some(read_key(self.source, node, entries, keys, &mut self.diagnostics)),
            },
        }
    }

    fn scalar(
        &mut self,
        value: &str,
        style: ScalarStyle,
        span: Span,
        tag: Option<&Tag>,
        tag_start: Option<usize>,
    ) -> Result<Node, Box<Diagnostic>> {
        let tag = tag.map(|it| format!("{}{}", it.handle(), it.suffix()));
        let missing = style == ScalarStyle::Plain && span.is_empty();
        let text = if missing { "" } else { value };
        let tag_start = tag_start.map(to_u32);
        let kind = resolve(text, style, tag.as_deref())
            .map_err(|error| Box::new(self.tag_error(&error, text, style, span, tag_start, tag.as_deref())))?;
        let whole = self.whole_scalar(style, span);
        let raw_span = Span::new(whole.start, span.end.max(whole.start));
        let written = Written { source: Arc::clone(self.source), span: raw_span, style };
        let kind = match kind {
            Scalar::Null => NodeKind::Null,
            Scalar::Bool(it) => NodeKind::Bool(it),
            Scalar::Number(it) => NodeKind::Number(it),
            Scalar::String => {
                NodeKind::String(Text { value: text.to_owned(), span: whole, scalar: Some(written.clone()) })
            }
        };
        let start = self.properties(whole.start);
        Ok(Node { kind: Arc::new(kind), span: whole, alias_of: None, start, scalar: Some(written) })
    }

    /// The parser's place of a block scalar starts behind the header and goes on to the next thing in the file.
    fn whole_scalar(&self, style: ScalarStyle, span: Span) -> Span {
        match style {
            ScalarStyle::Literal | ScalarStyle::Folded => {
                let content = self.source.slice(span);
                let start = self.header(span).unwrap_or(span.start);
                let end = span.start + to_u32(content.trim_end_matches([' ', '\t', '\r', '\n']).len());
                let first_line = self.source.line_span(self.source.location(start).line);
                Span::new(start, end.max(first_line.map_or(start, |it| it.end.min(span.end))).max(start))
            }
            ScalarStyle::Plain if span.is_empty() => {
                // A missing value stands behind its colon.
                let colon = u32::from(self.source.slice(Span::new(span.start, span.start + 1)) == ":");
                Span::new(span.start + colon, span.start + colon)
            }
            ScalarStyle::Plain | ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => span,
        }
    }

    /// The parser's place of a sequence that stands as deep as its key is that of the first item; GitHub's is the dash.
    ///
    /// Source: GitHub: `Parser.ParseNode` of YamlDotNet.Signed 6.0.0.
    fn first_dash(&self, span: Span) -> Span {
        let between = self.source.slice(Span::new(self.last, span.start));
        let mut at = 0;
        for line in between.split_inclusive(['\n', '\r']) {
            let text = line.trim_start_matches(' ');
            // Before the first line break stands the rest of the key's line.
            if at > 0
                && text.strip_prefix('-').is_some_and(|it| it.is_empty() || it.starts_with([' ', '\t', '\n', '\r']))
            {
                let dash = self.last + to_u32(at + line.len() - text.len());
                return Span::new(dash, span.end.max(dash));
            }
            at += line.len();
        }
        span
    }

    /// Finds where a value begins with its anchor (`&name`) and tag (`!!str`), between the last event and the value.
    fn properties(&self, value: u32) -> u32 {
        let between = self.source.slice(Span::new(self.last, value));
        if !between.contains(['&', '!']) {
            return value;
        }
        let mut comment = false;
        let mut before = '\n';
        for (at, it) in between.char_indices() {
            match it {
                '\n' | '\r' => comment = false,
                '#' => comment = true,
                '&' | '!' if !comment && (before.is_whitespace() || matches!(before, '[' | '{' | ',' | ':')) => {
                    return self.last + to_u32(at);
                }
                _ => {}
            }
            before = it;
        }
        value
    }

    /// Finds `|` or `>`, between the last event and the content. Only marks, properties and comments stand there.
    fn header(&self, content: Span) -> Option<u32> {
        let between = self.source.slice(Span::new(self.last, content.start));
        let mut comment = false;
        let mut before = '\n';
        for (at, it) in between.char_indices() {
            match it {
                '\n' | '\r' => comment = false,
                '#' if before.is_whitespace() => comment = true,
                '|' | '>' if !comment && before.is_whitespace() => return Some(self.last + to_u32(at)),
                _ => {}
            }
            before = it;
        }
        None
    }

    fn tag_error(
        &self,
        error: &TagError,
        text: &str,
        style: ScalarStyle,
        span: Span,
        tag_start: Option<u32>,
        tag: Option<&str>,
    ) -> Diagnostic {
        let start = tag_start.unwrap_or(span.start);
        let place = Span::new(start, span.end.max(start));
        let crate::Location { line, col } = self.source.location(start);
        let tag = tag.unwrap_or_default();
        let found = match error {
            TagError::Style => Diagnostic::error(
                "yaml/tag-style",
                format!("The scalar style '{style:?}' on line {line} and column {col} is not valid with the tag '{tag}'"),
            )
            .help("remove the tag, or the quotes"),
            TagError::Value(kind) => Diagnostic::error(
                "yaml/tag-value",
                format!(
                    "The value '{text}' on line {line} and column {col} is invalid for the type 'tag:yaml.org,2002:{kind}'"
                ),
            )
            .help("quote the value to make it a string"),
            TagError::Unknown => Diagnostic::error("yaml/unexpected-tag", format!("Unexpected tag '{tag}'"))
                .help("`!` at the start of a value makes a YAML tag: put the value in quotes, or an expression in `${{ }}`"),
        };
        found.at(self.source, place)
    }
}

/// Makes a key of a node, or reports why it is none.
/// The keys of a mapping, for look-up without case; only large mappings need it.
#[derive(Default)]
struct Keys {
    by_upper_case: HashMap<String, Span>,
    /// How many entries are in it.
    known: usize,
}

impl Keys {
    /// Mappings of up to so many entries are searched one by one.
    const SMALL: usize = 24;

    /// Finds where an equal key stands.
    fn find(&mut self, key: &str, entries: &[Entry]) -> Option<Span> {
        if entries.len() <= Self::SMALL {
            return entries.iter().find(|it| eq_ignoring_case(&it.key.value, key)).map(|it| it.key.span);
        }
        for entry in entries.iter().skip(self.known) {
            self.by_upper_case.entry(upper_ordinal(&entry.key.value)).or_insert(entry.key.span);
        }
        self.known = entries.len();
        self.by_upper_case.get(&upper_ordinal(key)).copied()
    }
}

fn read_key(
    source: &Arc<Source>,
    node: Node,
    entries: &[Entry],
    keys: &mut Keys,
    diagnostics: &mut Vec<Diagnostic>,
) -> Key {
    let place = node.place();
    if node.raw().is_none() {
        let message = format!("a key must be text, but this is {}", node.describe());
        let found = Diagnostic::error("yaml/key-not-scalar", message).at(source, place);
        diagnostics.push(found.help("quote the key if the brackets belong to it"));
        return Key::Bad;
    }
    let Some(text) = node.into_scalar_text() else {
        return Key::Bad;
    };
    // Keys that are expressions are compared after evaluation: `${{ insert }}` may stand twice.
    if !text.contains("${{")
        && let Some(first) = keys.find(&text, entries)
    {
        let found = Diagnostic::error("yaml/duplicate-key", format!("'{text}' is already defined"));
        let help = "keys are compared without case; remove or rename one of them";
        diagnostics.push(found.at(source, place).label(source, first, "first defined here").help(help));
        return Key::Bad;
    }
    Key::Good(Spanned::new(text, place))
}

fn to_style(style: granit_parser::ScalarStyle) -> ScalarStyle {
    match style {
        granit_parser::ScalarStyle::Plain => ScalarStyle::Plain,
        granit_parser::ScalarStyle::SingleQuoted => ScalarStyle::SingleQuoted,
        granit_parser::ScalarStyle::DoubleQuoted => ScalarStyle::DoubleQuoted,
        granit_parser::ScalarStyle::Literal => ScalarStyle::Literal,
        granit_parser::ScalarStyle::Folded => ScalarStyle::Folded,
    }
}
