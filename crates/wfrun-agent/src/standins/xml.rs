//! XML as far as Maven's settings need it: elements with attributes, and text in the innermost ones.

use std::fmt::Write as _;

/// An element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    /// Names and values, in order.
    pub(super) attributes: Vec<(String, String)>,
    pub(super) content: Content,
}

/// What is in an element: other elements, or text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    Elements(Vec<Element>),
    Text(String),
}

/// What to do with comments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// There may be none inside of the outermost element: they would be lost.
    Whole,
    /// They are passed over.
    WithoutComments,
}

impl Element {
    /// An element with text.
    pub(super) fn text(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), attributes: Vec::new(), content: Content::Text(text.to_owned()) }
    }

    /// An element with others.
    pub(super) fn of(name: &str, children: Vec<Self>) -> Self {
        Self { name: name.to_owned(), attributes: Vec::new(), content: Content::Elements(children) }
    }

    /// The elements directly inside.
    pub(super) fn children(&self) -> &[Self] {
        match &self.content {
            Content::Elements(all) => all,
            Content::Text(_) => &[],
        }
    }

    /// The text of the first element of that name inside; empty where there is none.
    pub(super) fn text_of(&self, name: &str) -> &str {
        match self.children().iter().find(|it| it.name == name).map(|it| &it.content) {
            Some(Content::Text(text)) => text,
            Some(Content::Elements(_)) | None => "",
        }
    }

    /// The value of an attribute; empty where there is none.
    pub(super) fn attribute(&self, name: &str) -> &str {
        self.attributes.iter().find(|(it, _)| it == name).map_or("", |(_, value)| value)
    }

    /// Reads the outermost element. `None` for what is not well-formed, and for more than this module knows: text beside
    /// elements, `CDATA`.
    pub(super) fn parse(text: &str, reading: Reading) -> Option<Self> {
        let text = match reading {
            Reading::Whole => text.to_owned(),
            Reading::WithoutComments => without_comments(text),
        };
        let mut rest = text.trim_start_matches('\u{feff}').trim_start();
        while let Some(after) = rest.strip_prefix("<?") {
            rest = after.split_once("?>")?.1.trim_start();
        }
        let (element, rest) = Self::parse_element(rest)?;
        rest.trim().is_empty().then_some(element)
    }

    fn parse_element(text: &str) -> Option<(Self, &str)> {
        let rest = text.strip_prefix('<')?;
        let end = rest.find(|c: char| c.is_whitespace() || c == '>' || c == '/')?;
        let (name, mut rest) = rest.split_at(end);
        if name.is_empty() || name.starts_with(['!', '?']) {
            return None;
        }
        let mut attributes = Vec::new();
        loop {
            rest = rest.trim_start();
            if let Some(rest) = rest.strip_prefix("/>") {
                let content = Content::Text(String::new());
                return Some((Self { name: name.to_owned(), attributes, content }, rest));
            }
            if let Some(after) = rest.strip_prefix('>') {
                rest = after;
                break;
            }
            let (key, after) = rest.split_once('=')?;
            let after = after.trim_start();
            let quote = after.chars().next().filter(|it| matches!(it, '"' | '\''))?;
            let (value, after) = after[1..].split_once(quote)?;
            attributes.push((key.trim().to_owned(), unescape(value)));
            rest = after;
        }
        let close = format!("</{name}");
        let mut children = Vec::new();
        loop {
            let (before, after) = rest.split_at(rest.find('<')?);
            if let Some(after) = after.strip_prefix(close.as_str()) {
                let rest = after.trim_start().strip_prefix('>')?;
                let content = match (children.is_empty(), before.trim()) {
                    (true, _) => Content::Text(unescape(before)),
                    (false, "") => Content::Elements(children),
                    (false, _) => return None,
                };
                return Some((Self { name: name.to_owned(), attributes, content }, rest));
            }
            if !before.trim().is_empty() {
                return None;
            }
            let (child, after) = Self::parse_element(after)?;
            children.push(child);
            rest = after;
        }
    }

    /// Prints it with two spaces for each level. An attribute with which a line would be longer than `width` goes on the next.
    pub(super) fn print(&self, width: Option<usize>) -> String {
        let mut text = String::new();
        self.print_at(0, width.unwrap_or(usize::MAX), &mut text);
        text
    }

    fn print_at(&self, level: usize, width: usize, text: &mut String) {
        let indent = "  ".repeat(level);
        let mut line = format!("{indent}<{}", self.name);
        for (name, value) in &self.attributes {
            let attribute = format!("{name}=\"{}\"", escape(value).replace('"', "&quot;"));
            if line.len() + 1 + attribute.len() > width {
                text.push_str(&line);
                text.push('\n');
                line = format!("{indent}  {attribute}");
            } else {
                line.push(' ');
                line.push_str(&attribute);
            }
        }
        text.push_str(&line);
        match &self.content {
            Content::Text(own) if own.is_empty() => text.push_str("/>"),
            Content::Text(own) => write!(text, ">{}</{}>", escape(own), self.name).expect("a String takes any text"),
            Content::Elements(children) => {
                text.push('>');
                for child in children {
                    text.push('\n');
                    child.print_at(level + 1, width, text);
                }
                write!(text, "\n{indent}</{}>", self.name).expect("a String takes any text");
            }
        }
    }
}

fn without_comments(text: &str) -> String {
    let mut parts = text.split("<!--");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |it, part| it + part.split_once("-->").map_or("", |(_, after)| after))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn unescape(text: &str) -> String {
    let known = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    known.iter().fold(text.to_owned(), |it, (from, to)| it.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_prints() {
        let mut element = Element::of(
            "settings",
            vec![Element::text("id", "a < b & \"c\""), Element::of("servers", vec![Element::text("server", "")])],
        );
        element.attributes = vec![("xmlns".to_owned(), "http://octo.io/\"x\"".to_owned())];
        let printed = element.print(Some(80));
        assert_eq!(
            printed,
            "<settings xmlns=\"http://octo.io/&quot;x&quot;\">\n  <id>a &lt; b &amp; \"c\"</id>\n  <servers>\n    <server/>\n  \
             </servers>\n</settings>"
        );
        assert_eq!(Element::parse(&printed, Reading::Whole), Some(element.clone()));
        assert_eq!(Element::parse(&format!("<?xml version=\"1.0\"?>\n{printed}\n"), Reading::Whole), Some(element));
    }

    #[test]
    fn long_lines_are_broken_at_attributes() {
        let mut element = Element::text("a", "");
        element.attributes = [("one", 40), ("two", 40), ("three", 3)]
            .map(|(name, length)| (name.to_owned(), "x".repeat(length)))
            .to_vec();
        assert_eq!(
            element.print(Some(80)),
            format!("<a one=\"{}\"\n  two=\"{}\" three=\"xxx\"/>", "x".repeat(40), "x".repeat(40))
        );
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for text in
            ["", "a", "<a>", "<a><!-- b --></a>", "<a>b<c/></a>", "<a></b>", "<a b=c/>", "<a/><b/>", "<![CDATA[x]]>"]
        {
            assert_eq!(Element::parse(text, Reading::Whole), None, "{text}");
        }
    }
}
