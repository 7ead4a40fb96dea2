/// Cuts a stream of bytes into lines.
///
/// `\n`, `\r\n` and a lone `\r` end a line; bytes that are no UTF-8 become U+FFFD; a line longer than
/// [`LineSplitter::LIMIT`] is cut there. Source: GitHub: execution rules E2.4.
#[derive(Debug, Default)]
pub struct LineSplitter {
    partial: Vec<u8>,
    /// The last byte was a `\r`: a `\n` now belongs to it.
    after_return: bool,
}

impl LineSplitter {
    /// The longest line, in bytes.
    pub const LIMIT: usize = 1 << 20;

    /// Takes the next bytes; gives back the lines they complete.
    pub fn push(&mut self, mut bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(first) = bytes.first() {
            if std::mem::take(&mut self.after_return) && *first == b'\n' {
                bytes = bytes.get(1..).unwrap_or_default();
                continue;
            }
            let room = Self::LIMIT.saturating_sub(self.partial.len());
            match bytes.iter().take(room).position(|it| matches!(it, b'\n' | b'\r')) {
                Some(end) => {
                    self.after_return = bytes.get(end) == Some(&b'\r');
                    self.partial.extend_from_slice(bytes.get(..end).unwrap_or_default());
                    lines.push(self.take());
                    bytes = bytes.get(end + 1..).unwrap_or_default();
                }
                None if bytes.len() > room => {
                    self.partial.extend_from_slice(bytes.get(..room).unwrap_or_default());
                    lines.push(self.take());
                    bytes = bytes.get(room..).unwrap_or_default();
                }
                None => {
                    self.partial.extend_from_slice(bytes);
                    break;
                }
            }
        }
        lines
    }

    /// The last line, if it was not ended.
    pub fn finish(&mut self) -> Option<String> {
        (!self.partial.is_empty()).then(|| self.take())
    }

    fn take(&mut self) -> String {
        let line = String::from_utf8_lossy(&self.partial).into_owned();
        self.partial.clear();
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(chunks: &[&str], expected: &[&str]) {
        let mut splitter = LineSplitter::default();
        let mut lines: Vec<String> = chunks.iter().flat_map(|it| splitter.push(it.as_bytes())).collect();
        lines.extend(splitter.finish());
        assert_eq!(lines, expected);
    }

    #[test]
    fn ends_of_lines() {
        check(&["a\nb\r\nc\rd"], &["a", "b", "c", "d"]);
        check(&["a\r", "\nb\n"], &["a", "b"]);
        check(&["a", "b", "\n"], &["ab"]);
        check(&["\n\n\r\r\n"], &["", "", "", ""]);
        check(&[""], &[]);
    }

    #[test]
    fn bytes_that_are_no_text() {
        let mut splitter = LineSplitter::default();
        assert_eq!(splitter.push(b"a\xffb\n"), ["a\u{fffd}b"]);
    }

    #[test]
    fn endless_lines_are_cut() {
        let mut splitter = LineSplitter::default();
        let lines = splitter.push(&vec![b'x'; LineSplitter::LIMIT * 2 + 1]);
        assert_eq!(lines.iter().map(String::len).collect::<Vec<_>>(), [LineSplitter::LIMIT, LineSplitter::LIMIT]);
        assert_eq!(splitter.finish().as_deref(), Some("x"));
    }
}
