/// Cuts a stream of bytes into lines.
///
/// `\n`, `\r\n` and a lone `\r` end a line; bytes that are no UTF-8 become U+FFFD.
/// Source: GitHub: execution rules E2.4.
/// Differs: of a line longer than 1 MiB only the beginning is shown, and how much was left out.
#[derive(Debug, Default)]
pub struct LineSplitter {
    partial: Vec<u8>,
    /// How much of the current line was left out.
    left_out: usize,
    /// The last byte was a `\r`: a `\n` now belongs to it.
    after_return: bool,
}

impl LineSplitter {
    /// The longest line, in bytes.
    pub const LIMIT: usize = 1 << 20;

    /// What is taken off the end of a cut line: half a secret there would be known to no masker.
    const MARGIN: usize = 1 << 13;

    /// Takes the next bytes; gives back the lines they complete.
    pub fn push(&mut self, mut bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(first) = bytes.first() {
            if std::mem::take(&mut self.after_return) && *first == b'\n' {
                bytes = bytes.get(1..).unwrap_or_default();
                continue;
            }
            let Some(end) = bytes.iter().position(|it| matches!(it, b'\n' | b'\r')) else {
                self.keep(bytes);
                break;
            };
            self.after_return = bytes.get(end) == Some(&b'\r');
            self.keep(bytes.get(..end).unwrap_or_default());
            lines.push(self.take());
            bytes = bytes.get(end + 1..).unwrap_or_default();
        }
        lines
    }

    /// The last line, if it was not ended.
    pub fn finish(&mut self) -> Option<String> {
        (!self.partial.is_empty()).then(|| self.take())
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = Self::LIMIT - self.partial.len();
        let kept = bytes.get(..room).unwrap_or(bytes);
        self.partial.extend_from_slice(kept);
        self.left_out += bytes.len() - kept.len();
    }

    fn take(&mut self) -> String {
        let left_out = std::mem::take(&mut self.left_out);
        if left_out > 0 {
            self.partial.truncate(Self::LIMIT - Self::MARGIN);
        }
        let mut line = String::from_utf8_lossy(&self.partial).into_owned();
        self.partial.clear();
        if left_out > 0 {
            let more = left_out + Self::MARGIN;
            line += &["… (", &more.to_string(), " more bytes)"].concat();
        }
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
        assert_eq!(splitter.push(&vec![b'x'; LineSplitter::LIMIT * 2]), [""; 0]);
        assert_eq!(
            splitter.push(b"x\nnext\n").iter().map(|it| it.trim_start_matches('x')).collect::<Vec<_>>(),
            [format!("… ({} more bytes)", LineSplitter::LIMIT + 1 + LineSplitter::MARGIN).as_str(), "next",]
        );
        assert!(splitter.partial.capacity() <= LineSplitter::LIMIT * 2, "what is not shown is not kept");
    }
}
