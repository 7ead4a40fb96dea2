//! Here-documents.
use super::Reader;
use super::command::Open;

/// A here-document whose body is not read yet.
pub(super) struct HereDocument {
    delimiter: String,
    /// `<<-`
    strips_tabs: bool,
    /// The delimiter is quoted: nothing is expanded.
    is_literal: bool,
    /// A shell reads it.
    pub(super) is_script: bool,
}

impl Reader<'_> {
    /// What follows `<<`.
    pub(super) fn heredoc(&mut self, open: &mut Open) {
        let strips_tabs = self.takes("-");
        self.skip_blanks();
        let start = self.at;
        let word = self.word();
        let is_literal = self.text[start..self.at].contains(['\'', '"', '\\']);
        self.heredocs.push(HereDocument { delimiter: word.text, strips_tabs, is_literal, is_script: false });
        open.heredocs += 1;
    }

    /// The bodies: not commands, but for what is substituted in them, and for those of shells.
    pub(super) fn skip_heredocs(&mut self) {
        for heredoc in std::mem::take(&mut self.heredocs) {
            let start = self.at;
            let mut body = String::new();
            let mut is_ended = false;
            while self.at < self.text.len() {
                let line = self.text[self.at..].split('\n').next().unwrap_or_default();
                let bare = line.trim_end_matches('\r');
                let bare = if heredoc.strips_tabs { bare.trim_start_matches('\t') } else { bare };
                let end = (self.at + line.len() + 1).min(self.text.len());
                if bare == heredoc.delimiter {
                    is_ended = true;
                    if heredoc.is_script {
                        let place = self.place(start);
                        self.inner(&body, place);
                    }
                    self.at = end;
                    break;
                }
                self.body_line(&heredoc, end, &mut body);
            }
            self.found.is_broken |= !is_ended;
        }
    }

    /// Reads a line of a body, and on to its end where a substitution goes over several.
    fn body_line(&mut self, heredoc: &HereDocument, end: usize, body: &mut String) {
        while self.at < end {
            let Some(it) = self.next() else { break };
            match it {
                '$' if !heredoc.is_literal || self.text[self.at..].starts_with("{{") => body.push_str(&self.dollar()),
                '`' if !heredoc.is_literal => body.push_str(&self.backquotes()),
                '\\' if !heredoc.is_literal => match self.next() {
                    Some('\n') | None => {}
                    Some(it @ ('$' | '`' | '\\')) => body.push(it),
                    Some(it) => body.extend(['\\', it]),
                },
                it => body.push(it),
            }
        }
    }
}
