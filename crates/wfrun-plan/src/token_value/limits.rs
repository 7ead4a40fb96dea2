//! How much one evaluation of a part of a workflow file may make, counted as GitHub counts.
use wfrun_expr::Value;

use super::TokenErrorKind;

/// Most levels, expressions among them.
const MAX_LEVELS: usize = 50;
/// Bytes of any value.
const OBJECT: usize = 24;
/// Bytes of a text besides its characters.
const TEXT: usize = 26;

/// Counts bytes up to 10 MB.
///
/// Source: actions/runner: `TemplateMemory.cs`; `MaxDepth` and `MaxResultSize` in `WorkflowTemplateEvaluator.cs`.
#[derive(Debug)]
pub(crate) struct Limits {
    left: usize,
    is_exceeded: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { left: 10 * 1_048_576, is_exceeded: false }
    }
}

impl Limits {
    /// Counts one value; the error is none where it was given before.
    pub(super) fn admit(&mut self, text: Option<&str>, level: usize) -> Result<(), Option<TokenErrorKind>> {
        let fits = if level > MAX_LEVELS {
            Err(TokenErrorKind::TooDeep)
        } else {
            self.take(text.map_or(OBJECT, text_size)).map_err(|()| TokenErrorKind::TooLarge)
        };
        fits.map_err(|kind| (!std::mem::replace(&mut self.is_exceeded, true)).then_some(kind))
    }

    /// Counts bytes; an error from the moment on at which there are too many.
    pub(crate) fn take(&mut self, bytes: usize) -> Result<(), ()> {
        match self.left.checked_sub(bytes) {
            Some(left) if !self.is_exceeded => {
                self.left = left;
                Ok(())
            }
            Some(_) | None => Err(()),
        }
    }
}

/// Bytes of a text.
pub(crate) fn text_size(text: &str) -> usize {
    TEXT + 2 * if text.is_ascii() { text.len() } else { text.encode_utf16().count() }
}

/// Bytes of a value with all its parts.
pub(crate) fn size(value: &Value) -> usize {
    let mut bytes = 0;
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        bytes += value.as_str().map_or(OBJECT, text_size);
        open.extend(value.as_array().into_iter().flatten());
        for (key, member) in value.as_object().into_iter().flat_map(wfrun_expr::Object::iter) {
            bytes += text_size(key);
            open.push(member);
        }
    }
    bytes
}
