//! Time stamps: a number of seconds on the wire, ISO 8601 in the output.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

/// `2026-11-23T09:09:18.487000+00:00`; without a fraction where it is zero. What is no number stays as it is.
///
/// Source: AWS CLI user guide, "`cli_timestamp_format`" (`iso8601` is version 2's default).
///
/// Differs: always in UTC, as on GitHub's runners, not in the machine's time zone.
pub(super) fn iso8601(value: &Value) -> Value {
    let Some(seconds) = value.as_f64() else {
        return value.clone();
    };
    #[expect(clippy::cast_possible_truncation, reason = "a time stamp in microseconds is far below 2^63")]
    let micros = (seconds * 1e6).round() as i64;
    let Ok(timestamp) = Timestamp::from_microsecond(micros) else {
        return value.clone();
    };
    let format = if micros % 1_000_000 == 0 { "%Y-%m-%dT%H:%M:%S+00:00" } else { "%Y-%m-%dT%H:%M:%S.%6f+00:00" };
    Value::String(timestamp.to_zoned(TimeZone::UTC).strftime(format).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn writes_fractions_only_where_there_are_some() {
        assert_eq!(iso8601(&json!(1_795_424_922.51)), json!("2026-11-23T09:08:42.510000+00:00"));
        assert_eq!(iso8601(&json!(1_795_425_601)), json!("2026-11-23T09:20:01+00:00"));
        assert_eq!(iso8601(&json!("soon")), json!("soon"));
    }
}
