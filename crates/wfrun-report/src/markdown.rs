//! Markdown as lines of a terminal: what a step writes into its summary.
//!
//! GitHub's own toolkit writes HTML into summaries (`<h1>`, `<table>`, `<details>`), so its tags are read like the marks
//! that mean the same.
mod html;
mod page;
mod table;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use crate::Style;
use crate::markdown::html::{Piece, pieces};
use crate::markdown::page::{Page, Part};
use crate::text::clean;

/// Renders a text in at most `style.width` columns, where its words and its code allow it.
pub(crate) fn render(text: &str, style: Style) -> Vec<String> {
    // A summary may colour nothing and move no cursor.
    let plain = Style { color: false, ..style };
    let text: Vec<_> = text.lines().map(|it| clean(it, plain)).collect();
    let text = text.join("\n");
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut page = Page::new(style);
    for event in Parser::new_ext(&text, options) {
        tell(&mut page, event);
    }
    page.finish()
}

fn tell(page: &mut Page, event: Event<'_>) {
    match event {
        Event::Start(tag) => open(page, tag),
        Event::End(tag) => close(page, tag),
        Event::Text(text) | Event::InlineMath(text) | Event::DisplayMath(text) => page.text(&text),
        Event::Code(text) => page.text(&format!("`{text}`")),
        Event::Html(text) | Event::InlineHtml(text) => tell_html(page, &text),
        Event::SoftBreak => page.text(" "),
        Event::HardBreak => page.line_break(),
        Event::Rule => page.rule(),
        Event::TaskListMarker(is_done) => page.text(if is_done { "[x] " } else { "[ ] " }),
        Event::FootnoteReference(name) => page.text(&format!("[{name}]")),
    }
}

fn open(page: &mut Page, tag: Tag<'_>) {
    match tag {
        Tag::Paragraph => page.open(Part::Paragraph),
        Tag::Heading { level, .. } => page.open(Part::Heading(number(level))),
        Tag::BlockQuote(_) => page.open(Part::Quote),
        Tag::CodeBlock(CodeBlockKind::Indented | CodeBlockKind::Fenced(_)) => page.open(Part::Code),
        Tag::List(first) => page.open(Part::List(first)),
        Tag::Item => page.open(Part::Item),
        Tag::Table(_) => page.open(Part::Table),
        Tag::TableHead | Tag::TableRow => page.open(Part::Row),
        Tag::TableCell => page.open(Part::Cell),
        Tag::Strong => page.open(Part::Strong),
        Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => page.open(Part::Link(dest_url.to_string())),
        Tag::HtmlBlock
        | Tag::FootnoteDefinition(_)
        | Tag::DefinitionList
        | Tag::DefinitionListTitle
        | Tag::DefinitionListDefinition
        | Tag::Emphasis
        | Tag::Strikethrough
        | Tag::Superscript
        | Tag::Subscript
        | Tag::MetadataBlock(_) => {}
    }
}

fn close(page: &mut Page, tag: TagEnd) {
    match tag {
        TagEnd::Paragraph => page.close(&Part::Paragraph),
        TagEnd::Heading(level) => page.close(&Part::Heading(number(level))),
        TagEnd::BlockQuote(_) => page.close(&Part::Quote),
        TagEnd::CodeBlock => page.close(&Part::Code),
        TagEnd::List(_) => page.close(&Part::List(None)),
        TagEnd::Item => page.close(&Part::Item),
        TagEnd::Table => page.close(&Part::Table),
        TagEnd::TableHead | TagEnd::TableRow => page.close(&Part::Row),
        TagEnd::TableCell => page.close(&Part::Cell),
        TagEnd::Strong => page.close(&Part::Strong),
        TagEnd::Link | TagEnd::Image => page.close(&Part::Link(String::new())),
        TagEnd::HtmlBlock
        | TagEnd::FootnoteDefinition
        | TagEnd::DefinitionList
        | TagEnd::DefinitionListTitle
        | TagEnd::DefinitionListDefinition
        | TagEnd::Emphasis
        | TagEnd::Strikethrough
        | TagEnd::Superscript
        | TagEnd::Subscript
        | TagEnd::MetadataBlock(_) => {}
    }
}

fn tell_html(page: &mut Page, text: &str) {
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => page.html_text(&text),
            Piece::Open { name, address } => match name.as_str() {
                "br" => page.line_break(),
                "hr" => page.rule(),
                "img" => page.text(&format!("({})", address.unwrap_or_default())),
                name => {
                    if let Some(part) = part(name, address) {
                        page.open(part);
                    }
                }
            },
            Piece::Close { name } => {
                if let Some(part) = part(&name, None) {
                    page.close(&part);
                }
            }
        }
    }
}

/// What a tag of HTML means.
fn part(name: &str, address: Option<String>) -> Option<Part> {
    let level = name.strip_prefix('h').and_then(|it| it.parse().ok()).filter(|it| (1..=6).contains(it));
    Some(match name {
        "p" | "div" | "details" => Part::Paragraph,
        "summary" => Part::Heading(6),
        "blockquote" => Part::Quote,
        "pre" => Part::Code,
        "ul" => Part::List(None),
        "ol" => Part::List(Some(1)),
        "li" => Part::Item,
        "table" => Part::Table,
        "tr" => Part::Row,
        "td" | "th" => Part::Cell,
        "b" | "strong" => Part::Strong,
        "a" => Part::Link(address.unwrap_or_default()),
        _ => Part::Heading(level?),
    })
}

fn number(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let style = Style { color: false, width: 40, unicode: true };
        let lines = render(text, style).join("\n");
        assert_eq!(lines, expected.trim_matches('\n'), "{text}\n\n{lines}");
    }

    #[test]
    fn blocks() {
        check(
            "# Title\nText that is\none paragraph.\n\n## Part\n\n### Detail\n\nMore.",
            "
Title
═════

Text that is one paragraph.

Part
────

### Detail

More.",
        );
        check(
            "a paragraph that is a good deal longer than forty columns",
            "
a paragraph that is a good deal longer
than forty columns",
        );
        check(
            "> quoted\n> twice\n\n---\n\nlast  \nline",
            "
│ quoted twice

────────────────────────────────────────

last
line",
        );
        check(
            "```js\nlet x  = 1;\n\n  y\n```",
            "
    let x  = 1;

      y",
        );
    }

    #[test]
    fn lists() {
        check(
            "before\n\n- one\n- two is longer than what fits into a line\n  - inner\n- three\n\nafter",
            "
before

• one
• two is longer than what fits into a
  line
  • inner
• three

after",
        );
        check(
            "1. one\n2. two\n\n- [x] done\n- [ ] open",
            "
1. one
2. two

• [x] done
• [ ] open",
        );
    }

    #[test]
    fn inline() {
        check(
            "**bold** *em* ~~gone~~ `code` [text](https://x.y) <https://z> ![alt](i.png)",
            "
bold em gone `code` text (https://x.y)
https://z alt (i.png)",
        );
        check("a &amp; b &lt;c&gt;", "a & b <c>");
    }

    #[test]
    fn tables() {
        check(
            "| Name | Result |\n|---|---:|\n| unit | **42** |\n| ünï |  |",
            "
Name  Result
────  ──────
unit  42
ünï",
        );
        let wide = format!("| a | b |\n|---|---|\n| {} | short |", "wide ".repeat(12));
        check(
            &wide,
            "
a                                  b
─────────────────────────────────  ─────
wide wide wide wide wide wide wi…  short",
        );
    }

    /// What `@actions/core` writes.
    #[test]
    fn html() {
        check(
            "<h1>Results</h1>\n<table><tr><th>File</th><th>Cover</th></tr><tr><td>a.js</td><td>90 &amp; more</td></tr></table>\n<ul><li>x</li><li>y</li></ul>\n<pre lang=\"js\"><code>let a = 1;\nlet b;</code></pre>\n<details><summary>Label</summary>content</details>\n<hr>\n<blockquote>q</blockquote>\n<a href=\"https://x.y\">text</a><br>\n<img src=\"i.png\" alt=\"x\">\n",
            "
Results
═══════

File  Cover
────  ─────────
a.js  90 & more

• x
• y

    let a = 1;
    let b;

###### Label

content

────────────────────────────────────────

│ q

text (https://x.y)
(i.png)",
        );
        check("inline <b>bold</b> and <unknown>kept</unknown> <!-- not --> text", "inline bold and kept text");
    }

    #[test]
    fn nothing_moves_the_cursor() {
        check("a\u{1b}[2Jb \u{7}c", "ab c");
    }

    #[test]
    fn bold_words_are_painted_one_by_one() {
        let style = Style { color: true, width: 10, unicode: true };
        let lines = render("**bold words wrap**", style);
        assert_eq!(lines, ["\u{1b}[1mbold\u{1b}[0m \u{1b}[1mwords\u{1b}[0m", "\u{1b}[1mwrap\u{1b}[0m"]);
    }
}
