use wfrun_syntax::{parse_hex_or_octal, trim_dotnet};

/// Reads text as a number the way GitHub does, NaN if it is none.
///
/// White space around is ignored, empty text is 0; `0x` and `0o` are 32 bits wide, so `0xFFFFFFFF` is -1; `Infinity`
/// is read in any case.
/// Source: GitHub: planning rules P3.4 (`ExpressionUtility.ParseNumber` of actions/runner).
pub fn parse_number(text: &str) -> f64 {
    let text = trim_dotnet(text);
    if text.is_empty() {
        return 0.0;
    }
    if let Some(number) = parse_hex_or_octal(text) {
        return number.unwrap_or(f64::NAN);
    }
    let (negative, unsigned) = match (text.strip_prefix('-'), text.strip_prefix('+')) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (false, rest),
        (None, None) => (false, text),
    };
    let number = if unsigned.eq_ignore_ascii_case("infinity") {
        f64::INFINITY
    } else {
        // .NET does not mind U+0000 behind the digits.
        let digits = unsigned.trim_end_matches('\0');
        if is_decimal(digits) { digits.parse().unwrap_or(f64::NAN) } else { f64::NAN }
    };
    if negative { -number } else { number }
}

/// Digits with at most one point, and an exponent: what Rust's parser reads besides names of numbers.
fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |it: &str| it.bytes().all(|byte| byte.is_ascii_digit());
    let has_digits = !whole.is_empty() || !fraction.is_empty();
    let exponent_fits = exponent.is_none_or(|it| {
        let it = it.strip_prefix(['+', '-']).unwrap_or(it);
        !it.is_empty() && digits(it)
    });
    has_digits && digits(whole) && digits(fraction) && exponent_fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_dotnet_reads() {
        for (text, number) in [
            ("", 0.0),
            ("  ", 0.0),
            (" 12 ", 12.0),
            ("\u{a0}1\u{85}", 1.0),
            ("5.", 5.0),
            (".5", 0.5),
            ("+1", 1.0),
            ("-1.5e+2", -150.0),
            ("1E-1", 0.1),
            ("0x10", 16.0),
            ("0o17", 15.0),
            ("0xFFFFFFFF", -1.0),
            ("1e400", f64::INFINITY),
            ("-2\0\0", -2.0),
            ("infinity", f64::INFINITY),
            ("+Infinity", f64::INFINITY),
            ("-INFINITY", f64::NEG_INFINITY),
        ] {
            #[expect(clippy::float_cmp, reason = "the very same double is expected")]
            let same = parse_number(text) == number;
            assert!(same, "{text:?} is {}", parse_number(text));
        }
        for text in [
            "abc",
            "1_000",
            "1,000",
            "0X10",
            "-0x1",
            "0xFFFFFFFFF",
            "1.5.2",
            "NaN",
            "inf",
            ".",
            "e1",
            "1e",
            "- 1",
            "١",
            "\0",
            "1\0 1",
            "0x1\0",
        ] {
            assert!(parse_number(text).is_nan(), "{text:?}");
        }
    }
}
