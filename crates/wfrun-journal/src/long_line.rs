use crate::{Masked, Masker};

/// A line that comes in pieces, each masked as if the line were whole.
///
/// What could be the beginning of a secret is kept back until the next piece shows whether it is.
#[derive(Debug, Clone, Default)]
pub struct LongLine {
    kept: String,
    /// So many bytes of `kept` belong to a secret whose beginning is already out.
    covered: usize,
}

impl LongLine {
    /// Takes the next piece; gives back what is certain by now.
    pub fn push(&mut self, masker: &Masker, piece: &str) -> Masked {
        self.kept.push_str(piece);
        let mut end = (self.kept.len() + 1).saturating_sub(masker.longest().max(1));
        while !self.kept.is_char_boundary(end) {
            end -= 1;
        }
        // Every secret that begins before `end` is here as a whole.
        let ranges = masker.ranges(&self.kept, self.covered);
        let across = ranges.iter().filter(|(start, _)| *start < end).map(|(_, end)| *end).max().unwrap_or(0);
        let rest = self.kept.split_off(end);
        let ranges: Vec<_> = ranges.into_iter().filter(|it| it.0 < end).map(|(from, to)| (from, to.min(end))).collect();
        let out = Masked::new(crate::masker::replace(&self.kept, &ranges));
        self.kept = rest;
        self.covered = across.saturating_sub(end);
        out
    }

    /// What was kept back; the line is over.
    pub fn finish(self, masker: &Masker) -> Masked {
        masker.masked(&self.kept, self.covered).unwrap_or_else(|| Masked::new(self.kept))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;

    fn masker(secrets: &[&str]) -> Masker {
        let mut masker = Masker::default();
        for it in secrets {
            masker.learn(&Secret::new(*it));
        }
        masker
    }

    fn in_pieces(masker: &Masker, pieces: &[&str]) -> Vec<String> {
        let mut line = LongLine::default();
        let mut out: Vec<String> = pieces.iter().map(|it| line.push(masker, it).to_string()).collect();
        out.push(line.finish(masker).to_string());
        out
    }

    /// Wherever a line is cut, no part of a secret is out, and nothing else is lost.
    #[test]
    fn no_cut_shows_a_part_of_a_secret() {
        let masker = masker(&["hunter2secret", "cretin", "ä1"]);
        let line = "user:hunter2secretin and ä1, aHVudGVyMnNlY3JldA== hunter2secre";
        let whole = masker.mask(line).to_string();
        assert_eq!(whole, "user:*** and ***, *** hunter2secre");
        for size in 1..line.len() {
            let mut pieces = Vec::new();
            let mut rest = line;
            while !rest.is_empty() {
                let mut at = size.min(rest.len());
                while !rest.is_char_boundary(at) {
                    at += 1;
                }
                let (piece, after) = rest.split_at(at);
                pieces.push(piece);
                rest = after;
            }
            let out = in_pieces(&masker, &pieces).concat();
            // A secret across a cut is `***` on both sides.
            let mut joined = out.clone();
            while joined.contains("****") {
                joined = joined.replace("****", "***");
            }
            assert_eq!(joined, whole, "pieces of {size}: {out}");
        }
    }

    #[test]
    fn without_secrets_nothing_is_kept_back() {
        assert_eq!(in_pieces(&Masker::default(), &["abc", "def"]), ["abc", "def", ""]);
    }

    #[test]
    fn a_line_that_is_all_secret() {
        assert_eq!(in_pieces(&masker(&["xx"]), &["xxxx", "xxxx"]), ["***", "***", "***"]);
    }
}
