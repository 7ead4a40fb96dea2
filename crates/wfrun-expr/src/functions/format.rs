//! `format`.
//!
//! Source: GitHub: planning rules P3.7 (`Format` of actions/runner).

use super::Arguments;
use crate::EvalError;

/// A piece of the result.
enum Piece<'t> {
    Text(&'t str),
    Argument { index: usize, specifiers: String },
}

pub(super) fn format(args: &mut Arguments<'_, '_>) -> Result<String, EvalError> {
    let template = args.get(0)?.to_text();
    // The whole template is checked before any argument is evaluated.
    let pieces = split(&template, args.len() - 1)?;
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(it) => text.push_str(it),
            Piece::Argument { index, specifiers } => {
                let value = args.get(index + 1)?;
                if !specifiers.is_empty() {
                    return Err(EvalError::FormatSpecifiers { specifiers, kind: value.kind() });
                }
                text.push_str(&value.to_text());
            }
        }
        args.check_memory(text.len())?;
    }
    Ok(text)
}

fn split(template: &str, supplied: usize) -> Result<Vec<Piece<'_>>, EvalError> {
    let invalid = || EvalError::InvalidFormat { format: template.to_owned() };
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some(brace) = rest.find(['{', '}']) {
        let behind = &rest[brace + 1..];
        let opens = rest[brace..].starts_with('{');
        let doubled = behind.starts_with(if opens { '{' } else { '}' });
        if doubled {
            pieces.push(Piece::Text(&rest[..=brace]));
            rest = &behind[1..];
            continue;
        }
        if !opens {
            return Err(invalid());
        }
        let (index, specifiers, after) = read_argument(behind).ok_or_else(invalid)?;
        if index >= supplied {
            return Err(EvalError::MissingFormatArgument { format: template.to_owned() });
        }
        pieces.push(Piece::Text(&rest[..brace]));
        pieces.push(Piece::Argument { index, specifiers });
        rest = after;
    }
    pieces.push(Piece::Text(rest));
    Ok(pieces)
}

/// Reads `0}` or `0:specifiers}`, behind the opening brace.
fn read_argument(text: &str) -> Option<(usize, String, &str)> {
    let digits = text.len() - text.trim_start_matches(|it: char| it.is_ascii_digit()).len();
    let index: u8 = text[..digits].parse().ok()?;
    let mut rest = &text[digits..];
    let mut specifiers = String::new();
    if let Some(after) = rest.strip_prefix('}') {
        return Some((index.into(), specifiers, after));
    }
    rest = rest.strip_prefix(':')?;
    loop {
        let (part, after) = rest.split_once('}')?;
        specifiers.push_str(part);
        let Some(doubled) = after.strip_prefix('}') else {
            return Some((index.into(), specifiers, after));
        };
        specifiers.push('}');
        rest = doubled;
    }
}
