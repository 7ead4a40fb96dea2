use std::borrow::Cow;

use memchr::{memchr, memrchr2};

/// Cuts a stream of bytes into lines.
///
/// `\n`, `\r\n` and a lone `\r` end a line; bytes that are no UTF-8 become U+FFFD.
/// Source: GitHub: execution rules E2.4.
#[derive(Debug, Default)]
pub struct LineSplitter {
    partial: Vec<u8>,
    /// The last byte was a `\r`: a `\n` now belongs to it.
    after_return: bool,
}

/// What bytes complete.
#[derive(Debug, PartialEq, Eq)]
pub struct Lines {
    /// Without their ends, with `\n` between them.
    pub text: String,
    /// Whether the last is a piece of a line that goes on.
    pub goes_on: bool,
}

impl LineSplitter {
    /// What is longer is given out in pieces, in bytes: no line is held in memory whatever its length.
    pub const LIMIT: usize = 1 << 20;

    /// Takes the next bytes; gives back the lines they complete, if any.
    pub fn push(&mut self, mut bytes: &[u8]) -> Option<Lines> {
        if self.after_return && !bytes.is_empty() {
            self.after_return = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        let whole = memrchr2(b'\n', b'\r', bytes).map(|end| {
            let (lines, rest) = bytes.split_at(end);
            self.after_return = rest == b"\r";
            bytes = rest.get(1..).unwrap_or_default();
            // Between its bytes a `\r\n` is no end of its own.
            self.take(lines.strip_suffix(b"\r").filter(|_| rest.starts_with(b"\n")).unwrap_or(lines))
        });
        self.partial.extend_from_slice(bytes);
        let goes_on = self.partial.len() >= Self::LIMIT;
        let text = match (whole, goes_on) {
            (None, false) => return None,
            (None, true) => self.piece(),
            (Some(lines), false) => lines,
            (Some(lines), true) => lines + "\n" + &self.piece(),
        };
        Some(Lines { text, goes_on })
    }

    /// The last line, if it was not ended.
    pub fn finish(&mut self) -> Option<Lines> {
        (!self.partial.is_empty()).then(|| Lines { text: self.take(&[]), goes_on: false })
    }

    /// What was there, and these bytes behind it.
    fn take(&mut self, lines: &[u8]) -> String {
        if self.partial.is_empty() {
            return text(&unified(lines));
        }
        self.partial.extend_from_slice(lines);
        let lines = text(&unified(&self.partial));
        self.partial.clear();
        self.partial.shrink_to(Self::LIMIT / 16);
        lines
    }

    /// All that is there of a line, but for a character that is not complete.
    fn piece(&mut self) -> String {
        let cut = match std::str::from_utf8(&self.partial) {
            // Wrong bytes inside are replaced; only what may still become a character waits.
            Err(err) if err.error_len().is_none() => err.valid_up_to(),
            Ok(_) | Err(_) => self.partial.len() - incomplete(&self.partial),
        };
        let rest = self.partial.split_off(cut);
        let piece = text(&self.partial);
        self.partial = rest;
        piece
    }
}

/// How many bytes at the end are the beginning of a character.
fn incomplete(bytes: &[u8]) -> usize {
    let tail = bytes.get(bytes.len().saturating_sub(3)..).unwrap_or(bytes);
    let starts = |at: &usize| {
        let rest = tail.get(*at..).unwrap_or_default();
        std::str::from_utf8(rest).is_err_and(|err| err.valid_up_to() == 0 && err.error_len().is_none())
    };
    (0..tail.len()).find(starts).map_or(0, |at| tail.len() - at)
}

/// The same lines with `\n` at all their ends.
fn unified(bytes: &[u8]) -> Cow<'_, [u8]> {
    if memchr(b'\r', bytes).is_none() {
        return Cow::Borrowed(bytes);
    }
    let mut unified = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(end) = memchr(b'\r', rest) {
        let (before, behind) = rest.split_at(end);
        unified.extend_from_slice(before);
        unified.push(b'\n');
        rest = behind.strip_prefix(b"\r\n").or_else(|| behind.get(1..)).unwrap_or_default();
    }
    unified.extend_from_slice(rest);
    Cow::Owned(unified)
}

fn text(bytes: &[u8]) -> String {
    // Quicker than to look for what is to be replaced, which is hardly ever there.
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes).into_owned(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(chunks: &[&str], expected: &[&str]) {
        let mut splitter = LineSplitter::default();
        let mut blocks: Vec<Lines> = chunks.iter().filter_map(|it| splitter.push(it.as_bytes())).collect();
        blocks.extend(splitter.finish());
        let lines: Vec<&str> = blocks.iter().flat_map(|it| it.text.split('\n')).collect();
        assert_eq!(lines, expected);
    }

    /// Source: GitHub: execution rules E2.4.
    #[test]
    fn ends_of_lines() {
        check(&["a\nb\r\nc\rd"], &["a", "b", "c", "d"]);
        check(&["a\r", "\nb\n"], &["a", "b"]);
        check(&["a\r\n", "\nb\r\n\r", "\n"], &["a", "", "b", ""]);
        check(&["a\r\r\nb\n\r", "\n\n"], &["a", "", "b", "", ""]);
        check(&["a\r", "b\r", "", "\n"], &["a", "b"]);
        check(&["a", "b", "\n"], &["ab"]);
        check(&["\n\n\r\r\n"], &["", "", "", ""]);
        check(&[""], &[]);
    }

    /// What is masked is a line, so a secret that came in two reads is whole.
    #[test]
    fn reads_cut_no_line() {
        check(&["x hunter", "2sec", "ret y\nnext"], &["x hunter2secret y", "next"]);
    }

    #[test]
    fn bytes_that_are_no_text() {
        let mut splitter = LineSplitter::default();
        let mut push = |bytes: &[u8]| splitter.push(bytes).map(|it| it.text);
        assert_eq!(push(b"a\xffb\n").as_deref(), Some("a\u{fffd}b"));
        assert_eq!(push(b"a\xc3"), None);
        assert_eq!(push(b"\xa4b\n").as_deref(), Some("aäb"));
        // What is cut by the end of its line is no part of the next one.
        assert_eq!(push(b"a\xc3\n\xa4b\n").as_deref(), Some("a\u{fffd}\n\u{fffd}b"));
    }

    /// However it is cut, all of a long line comes, and nothing of it stays in memory.
    #[test]
    fn long_lines_come_in_pieces() {
        let line = "ä€😀x".repeat(LineSplitter::LIMIT / 4) + "end";
        let bytes = [line.as_bytes(), b"\nnext\n"].concat();
        for size in [4_096, 65_537, 262_143] {
            let mut splitter = LineSplitter::default();
            let (mut whole, mut ended) = (String::new(), Vec::new());
            for chunk in bytes.chunks(size) {
                let Some(Lines { text, goes_on }) = splitter.push(chunk) else { continue };
                let count = text.split('\n').count();
                for (at, it) in text.split('\n').enumerate() {
                    whole += it;
                    if !goes_on || at + 1 < count {
                        ended.push(std::mem::take(&mut whole));
                    }
                }
                assert!(splitter.partial.len() < LineSplitter::LIMIT);
            }
            assert_eq!(ended.len(), 2);
            assert!(ended.first() == Some(&line), "nothing is lost or replaced");
            assert_eq!(ended.get(1).map(String::as_str), Some("next"));
        }
    }

    #[test]
    fn a_piece_of_a_blob_waits_for_no_character() {
        let mut splitter = LineSplitter::default();
        let blob = [vec![0xff; LineSplitter::LIMIT], b"\xf0\x9f".to_vec()].concat();
        let Lines { text, goes_on } = splitter.push(&blob).expect("a piece");
        assert!(goes_on);
        assert_eq!(text.chars().count(), LineSplitter::LIMIT);
        assert_eq!(splitter.push(b"\x98\x80\n").map(|it| it.text).as_deref(), Some("😀"));
    }
}
