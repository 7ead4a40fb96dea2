/// What a `Range` header asks of a body of `size` bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Range {
    /// All of it: there is no header, or none that has to be understood.
    Whole,
    /// `length` bytes from `start`.
    Part {
        /// First byte.
        start: u64,
        /// Bytes, at least one.
        length: u64,
    },
    /// Nothing of it is there: answer 416.
    Outside,
}

/// Reads a `Range` or `x-ms-range` header. Several ranges at once are answered with the whole, as the standard allows.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc9110#section-14.1.2>
pub(crate) fn parse(header: Option<&str>, size: u64) -> Range {
    let Some((first, last)) = header.and_then(|it| it.trim().strip_prefix("bytes=")).and_then(|it| it.split_once('-'))
    else {
        return Range::Whole;
    };
    let (start, end) = match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(start), Ok(last)) if start <= last => (start, last.saturating_add(1).min(size)),
        (Ok(start), Err(_)) if last.trim().is_empty() => (start, size),
        (Err(_), Ok(suffix)) if first.trim().is_empty() => (size.saturating_sub(suffix), size),
        (Ok(_) | Err(_), Ok(_) | Err(_)) => return Range::Whole,
    };
    match end.checked_sub(start) {
        Some(length) if length > 0 => Range::Part { start, length },
        Some(_) | None => Range::Outside,
    }
}

#[cfg(test)]
mod tests {
    use super::{Range, parse};

    #[test]
    fn table() {
        let part = |start, length| Range::Part { start, length };
        let rows = [
            (None, Range::Whole),
            (Some("bytes=0-9"), part(0, 10)),
            (Some("bytes=0-0"), part(0, 1)),
            (Some("bytes=4-"), part(4, 6)),
            (Some("bytes=-3"), part(7, 3)),
            (Some("bytes=-30"), part(0, 10)),
            (Some("bytes=8-100"), part(8, 2)),
            (Some("bytes=8-18446744073709551615"), part(8, 2)),
            (Some("bytes=10-"), Range::Outside),
            (Some("bytes=10-12"), Range::Outside),
            (Some("bytes=-0"), Range::Outside),
            (Some("bytes=5-4"), Range::Whole),
            (Some("bytes=0-1,4-5"), Range::Whole),
            (Some("bytes=a-b"), Range::Whole),
            (Some("lines=1-2"), Range::Whole),
        ];
        for (header, expected) in rows {
            assert_eq!(parse(header, 10), expected, "{header:?}");
        }
        assert_eq!(parse(Some("bytes=0-"), 0), Range::Outside, "nothing of an empty body");
    }
}
