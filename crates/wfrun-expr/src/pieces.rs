//! Where the expressions of a text begin and end.
use std::ops::Range;

/// What begins an expression.
const OPEN: &str = "${{";
/// What ends it.
const CLOSE: &str = "}}";

/// A part of a text that may hold expressions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece<'t> {
    /// Text without expression; never empty.
    Text(&'t str),
    /// An expression.
    Expression {
        /// What stands between `${{` and `}}`, with the blanks around it.
        inner: &'t str,
        /// Where it stands with `${{` and `}}`, in bytes of the text.
        range: Range<usize>,
    },
    /// The rest of the text, from a `${{` on that no `}}` closes.
    Open(&'t str),
}

/// Takes a text apart, in order and without a gap: the first `}}` that does not stand within `'…'` closes an expression.
///
/// Source: GitHub: planning rules P1.4.
pub fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|it| !it.is_empty())?;
        let start = at;
        let piece = match rest.find(OPEN) {
            Some(0) => match find_end(text, start + OPEN.len()) {
                Some(end) => {
                    let inner = &text[start + OPEN.len()..end - CLOSE.len()];
                    Piece::Expression { inner, range: start..end }
                }
                None => Piece::Open(rest),
            },
            ahead => Piece::Text(&rest[..ahead.unwrap_or(rest.len())]),
        };
        at += match &piece {
            Piece::Text(it) | Piece::Open(it) => it.len(),
            Piece::Expression { range, .. } => range.len(),
        };
        Some(piece)
    })
}

/// The inner texts of a text's expressions; one that nothing closes is none.
pub fn expressions(text: &str) -> impl Iterator<Item = &str> {
    pieces(text).filter_map(|it| match it {
        Piece::Expression { inner, .. } => Some(inner),
        Piece::Text(_) | Piece::Open(_) => None,
    })
}

/// Returns the byte behind the `}}` that closes an expression, whose inner text begins at `inner`.
fn find_end(text: &str, inner: usize) -> Option<usize> {
    let mut is_quoted = false;
    text.as_bytes()[inner..].windows(CLOSE.len()).enumerate().find_map(|(ahead, pair)| {
        is_quoted ^= pair[0] == b'\'';
        (!is_quoted && pair == CLOSE.as_bytes()).then_some(inner + ahead + CLOSE.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each piece as it stands, expressions between brackets, what is not closed behind an exclamation mark.
    fn told(text: &str) -> String {
        let told = pieces(text).map(|it| match it {
            Piece::Text(it) => it.to_owned(),
            Piece::Expression { inner, range } => {
                assert_eq!(text[range], format!("{OPEN}{inner}{CLOSE}"));
                format!("[{inner}]")
            }
            Piece::Open(it) => format!("!{it}"),
        });
        told.collect::<Vec<_>>().join("|")
    }

    #[test]
    fn texts_are_taken_apart() {
        for (text, expected) in [
            ("", ""),
            ("plain }} ${ {{", "plain }} ${ {{"),
            ("${{ a }}", "[ a ]"),
            ("${{}}", "[]"),
            ("é${{a}}${{ b }} 😀", "é|[a]|[ b ]| 😀"),
            ("${{ format('{{0}}}}', a) }}}", "[ format('{{0}}}}', a) ]|}"),
            ("${{ 'it''s }}' }} '${{ b }}'", "[ 'it''s }}' ]| '|[ b ]|'"),
            ("${{ '${{ }}' }}", "[ '${{ }}' ]"),
            ("${{ a }}} }}", "[ a ]|} }}"),
            ("a ${{ b }", "a |!${{ b }"),
            ("${{ 'b }} ${{ c }}", "!${{ 'b }} ${{ c }}"),
            ("${{", "!${{"),
            ("${{}", "!${{}"),
        ] {
            assert_eq!(told(text), expected, "{text}");
        }
        assert_eq!(expressions("a ${{ b }} ${{ 'c}}' }} ${{ d").collect::<Vec<_>>(), [" b ", " 'c}}' "]);
    }
}
