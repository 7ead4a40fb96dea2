/// A piece of HTML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Text, its entities decoded.
    Text(String),
    /// A tag that opens something, with what it links to.
    Open { name: String, address: Option<String> },
    /// A tag that closes something.
    Close { name: String },
}

/// Takes HTML apart; comments go, and what is no tag is text.
pub(super) fn pieces(html: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        let (text, tag) = rest.split_at(start);
        push_text(text, &mut pieces);
        if let Some(comment) = tag.strip_prefix("<!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let Some((inside, after)) = tag.strip_prefix('<').and_then(|it| it.split_once('>')) else {
            push_text(tag, &mut pieces);
            return pieces;
        };
        pieces.extend(tag_of(inside));
        rest = after;
    }
    push_text(rest, &mut pieces);
    pieces
}

fn push_text(text: &str, pieces: &mut Vec<Piece>) {
    if text.is_empty() {
        return;
    }
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")];
    let text = entities.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    pieces.push(Piece::Text(text));
}

fn tag_of(inside: &str) -> Option<Piece> {
    let name = |text: &str| -> String {
        text.chars().take_while(char::is_ascii_alphanumeric).map(|it| it.to_ascii_lowercase()).collect()
    };
    if let Some(closed) = inside.strip_prefix('/') {
        return Some(Piece::Close { name: name(closed) });
    }
    let address = ["href=", "src="].iter().find_map(|it| inside.split_once(it)).map(|(_, value)| unquoted(value));
    let name = name(inside);
    (!name.is_empty()).then_some(Piece::Open { name, address })
}

fn unquoted(value: &str) -> String {
    for quote in ['"', '\''] {
        if let Some(value) = value.strip_prefix(quote) {
            return value.split(quote).next().unwrap_or_default().to_owned();
        }
    }
    value.split([' ', '/']).next().unwrap_or_default().to_owned()
}
