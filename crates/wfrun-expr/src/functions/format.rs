//! `format`.
//!
//! Source: GitHub: planning rules P3.7 (`Format` of actions/runner).

use super::Arguments;
use crate::{EvalError, memory::Counter};

/// A piece of the result.
enum Piece<'t> {
    Text(&'t str),
    Argument { index: usize, specifiers: String },
}

pub(super) fn format(args: &mut Arguments<'_, '_>) -> Result<String, EvalError> {
    let template = args.get(0)?;
    let template = template.text();
    let mut counter = args.counter();
    // The whole template is checked before any argument is evaluated, and all are evaluated before text is made.
    let pieces = split(&template, args, &mut counter)?;
    for piece in &pieces {
        if let Piece::Argument { index, specifiers } = piece {
            let value = args.get(index + 1)?;
            if !specifiers.is_empty() {
                return Err(EvalError::FormatSpecifiers { specifiers: specifiers.clone(), kind: value.kind() });
            }
            count(&value.text(), args, &mut counter)?;
        }
    }
    let mut text = String::new();
    for piece in &pieces {
        match piece {
            Piece::Text(it) => text.push_str(it),
            Piece::Argument { index, .. } => text.push_str(&args.get(index + 1)?.text()),
        }
    }
    Ok(text)
}

/// Empty pieces cost nothing.
fn count(text: &str, args: &Arguments<'_, '_>, counter: &mut Counter) -> Result<(), EvalError> {
    if text.is_empty() { Ok(()) } else { counter.add_text(text).map_err(|it| args.exceeded(it)) }
}

fn split<'t>(template: &'t str, args: &Arguments<'_, '_>, counter: &mut Counter) -> Result<Vec<Piece<'t>>, EvalError> {
    let supplied = args.len() - 1;
    let invalid = || EvalError::InvalidFormat { format: template.to_owned() };
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some(brace) = rest.find(['{', '}']) {
        let behind = &rest[brace + 1..];
        let opens = rest[brace..].starts_with('{');
        let doubled = behind.starts_with(if opens { '{' } else { '}' });
        if doubled {
            count(&rest[..=brace], args, counter)?;
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
        count(&rest[..brace], args, counter)?;
        pieces.push(Piece::Text(&rest[..brace]));
        pieces.push(Piece::Argument { index, specifiers });
        rest = after;
    }
    count(rest, args, counter)?;
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
