use memchr::memchr2;

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
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// In order, without their ends.
    pub lines: Vec<String>,
    /// Whether the last is a piece of a line that goes on.
    pub goes_on: bool,
}

impl LineSplitter {
    /// What is longer is given out in pieces, in bytes: no line is held in memory whatever its length.
    pub const LIMIT: usize = 1 << 20;

    /// Takes the next bytes; gives back the lines they complete.
    pub fn push(&mut self, mut bytes: &[u8]) -> Lines {
        let mut lines = Vec::new();
        if self.after_return && !bytes.is_empty() {
            self.after_return = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some(end) = memchr2(b'\n', b'\r', bytes) {
            let (line, rest) = bytes.split_at(end);
            lines.push(self.line(line));
            bytes = match rest {
                [b'\r'] => {
                    self.after_return = true;
                    &[]
                }
                [b'\r', b'\n', rest @ ..] | [_, rest @ ..] => rest,
                [] => &[],
            };
        }
        self.partial.extend_from_slice(bytes);
        let goes_on = self.partial.len() >= Self::LIMIT;
        if goes_on {
            lines.push(self.piece());
        }
        Lines { lines, goes_on }
    }

    /// The last line, if it was not ended.
    pub fn finish(&mut self) -> Option<String> {
        (!self.partial.is_empty()).then(|| self.line(&[]))
    }

    fn line(&mut self, end: &[u8]) -> String {
        if self.partial.is_empty() {
            return text(end);
        }
        self.partial.extend_from_slice(end);
        let line = text(&self.partial);
        self.partial.clear();
        self.partial.shrink_to(Self::LIMIT / 16);
        line
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

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(chunks: &[&str], expected: &[&str]) {
        let mut splitter = LineSplitter::default();
        let mut lines: Vec<String> = chunks.iter().flat_map(|it| splitter.push(it.as_bytes()).lines).collect();
        lines.extend(splitter.finish());
        assert_eq!(lines, expected);
    }

    /// Source: GitHub: execution rules E2.4.
    #[test]
    fn ends_of_lines() {
        check(&["a\nb\r\nc\rd"], &["a", "b", "c", "d"]);
        check(&["a\r", "\nb\n"], &["a", "b"]);
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
        assert_eq!(splitter.push(b"a\xffb\n").lines, ["a\u{fffd}b"]);
        assert_eq!(splitter.push(b"a\xc3").lines, [""; 0]);
        assert_eq!(splitter.push(b"\xa4b\n").lines, ["aäb"]);
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
                let Lines { lines, goes_on } = splitter.push(chunk);
                let count = lines.len();
                for (at, it) in lines.into_iter().enumerate() {
                    whole += &it;
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
        let Lines { lines, goes_on } = splitter.push(&blob);
        assert!(goes_on);
        assert_eq!(lines.first().map(|it| it.chars().count()), Some(LineSplitter::LIMIT));
        assert_eq!(splitter.push(b"\x98\x80\n").lines, ["😀"]);
    }
}
