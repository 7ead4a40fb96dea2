//! Durations as Docker's command line and Dockerfiles write them.

/// `1m30s`, `500ms`: nanoseconds; none for what is no duration, and for one of more than 285 years.
///
/// Source: Go, `time.ParseDuration`; here without a sign.
pub fn nanoseconds(text: &str) -> Option<i64> {
    if text == "0" {
        return Some(0);
    }
    let (mut total, mut rest) = (0.0, text);
    while !rest.is_empty() {
        let digits = rest.find(|it: char| !(it.is_ascii_digit() || it == '.'))?;
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|it: char| it.is_ascii_digit() || it == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let nanoseconds = match unit {
            "ns" => 1.0,
            "us" | "µs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 6e10,
            "h" => 3.6e12,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * nanoseconds;
        rest = after;
    }
    #[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
    let in_range = (!text.is_empty() && total < 9e18).then_some(total as i64);
    in_range
}

#[cfg(test)]
mod tests {
    use super::nanoseconds;

    #[test]
    fn durations() {
        for (text, found) in [
            ("0", Some(0)),
            ("10s", Some(10_000_000_000)),
            ("1m30s", Some(90_000_000_000)),
            ("1.5h", Some(5_400_000_000_000)),
            (".5s", Some(500_000_000)),
            ("1h.5m", Some(3_630_000_000_000)),
            ("500ms2us", Some(500_002_000)),
            ("", None),
            ("10", None),
            ("s", None),
            ("1d", None),
            ("-1s", None),
            ("1.2.3s", None),
            ("9999999h", None),
        ] {
            assert_eq!(nanoseconds(text), found, "{text}");
        }
    }
}
