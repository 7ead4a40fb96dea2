//! Where the reader is, in the text and in the value.

use wfrun_syntax::is_dotnet_whitespace;

/// A place in the text, and the path to the value that is read there.
#[derive(Clone)]
pub(super) struct Cursor<'t> {
    text: &'t str,
    at: usize,
    steps: Vec<Step>,
    /// A collection was just opened: messages do not name it yet.
    fresh: bool,
    /// Something was read, be it a bracket.
    begun: bool,
}

/// A collection around the place, with what of it was read last.
#[derive(Clone)]
pub(super) enum Step {
    /// An array, with the position of the item.
    Item(Option<usize>),
    /// An object, with the name of the member.
    Member(Option<String>),
}

impl<'t> Cursor<'t> {
    pub(super) const fn new(text: &'t str) -> Self {
        Self { text, at: 0, steps: Vec::new(), fresh: false, begun: false }
    }

    pub(super) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Moves behind the next character and returns it.
    pub(super) fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    /// Moves by so many bytes, at the end of which a character must start.
    pub(super) const fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// Moves to the end of the text.
    pub(super) const fn skip_all(&mut self) {
        self.at = self.text.len();
    }

    /// White space, as which the reader takes U+0000, too.
    pub(super) fn skip_space(&mut self) {
        let is_space = |it: char| it == '\0' || is_dotnet_whitespace(it);
        self.at = self.text.len() - self.rest().trim_start_matches(is_space).len();
    }

    pub(super) const fn depth(&self) -> usize {
        self.steps.len()
    }

    /// Whether nothing of the innermost collection was read.
    pub(super) const fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// Whether the outermost collection is an array.
    pub(super) fn is_in_array(&self) -> bool {
        matches!(self.steps.first(), Some(Step::Item(_)))
    }

    /// A collection starts; it counts as an item of the one around.
    pub(super) fn open(&mut self, step: Step) {
        self.finish_value();
        self.steps.push(step);
        self.fresh = true;
        self.begun = true;
    }

    /// The innermost collection ends.
    pub(super) fn close(&mut self) {
        self.steps.pop();
        self.fresh = false;
    }

    /// An item was read.
    pub(super) fn finish_value(&mut self) {
        self.begun = true;
        self.fresh = false;
        if let Some(Step::Item(at)) = self.steps.last_mut() {
            *at = Some(at.map_or(0, |it| it + 1));
        }
    }

    /// The name of a member was read.
    pub(super) fn set_name(&mut self, name: &str) {
        self.fresh = false;
        if let Some(Step::Member(it)) = self.steps.last_mut() {
            *it = Some(name.to_owned());
        }
    }

    /// The same place, seen from outside of the innermost collection.
    pub(super) fn outer(&self) -> Self {
        let mut outer = self.clone();
        outer.steps.pop();
        outer
    }

    /// Adds path, line and position (in UTF-16 units) to a message.
    ///
    /// Source: GitHub: `JsonPosition.FormatMessage` of Newtonsoft.Json 13.
    pub(super) fn error(&self, what: &str) -> String {
        let before = self.text.get(..self.at).unwrap_or_default();
        let last = before.rsplit(['\n', '\r']).next().unwrap_or_default();
        let position = last.encode_utf16().count();
        let breaks = before.matches('\n').count() + before.matches('\r').count() - before.matches("\r\n").count();
        let line = if !self.begun && position == 0 { 0 } else { breaks + 1 };
        format!("{what} Path '{}', line {line}, position {position}.", self.path())
    }

    fn path(&self) -> String {
        let named = if self.fresh { self.steps.len().saturating_sub(1) } else { self.steps.len() };
        let mut path = String::new();
        for step in self.steps.iter().take(named) {
            match step {
                Step::Item(Some(at)) => path = format!("{path}[{at}]"),
                Step::Item(None) => path.push_str("[-1]"),
                Step::Member(None) => {}
                Step::Member(Some(name)) if name.contains(is_special) => {
                    path = format!("{path}['{}']", name.replace('\\', "\\\\").replace('\'', "\\'"));
                }
                Step::Member(Some(name)) if path.is_empty() => path.push_str(name),
                Step::Member(Some(name)) => path = format!("{path}.{name}"),
            }
        }
        path
    }
}

/// Whether a name with this character stands in brackets and quotes.
const fn is_special(it: char) -> bool {
    matches!(
        it,
        '.' | ' '
            | '\''
            | '/'
            | '"'
            | '['
            | ']'
            | '('
            | ')'
            | '\t'
            | '\n'
            | '\r'
            | '\u{c}'
            | '\u{8}'
            | '\\'
            | '\u{85}'
            | '\u{2028}'
            | '\u{2029}'
    )
}
