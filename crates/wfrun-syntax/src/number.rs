/// Writes a number as GitHub does wherever a number becomes text.
///
/// At most 15 significant digits, `1E+15` beyond that, `NaN`, `Infinity`; minus zero is `0`.
/// Source: GitHub: planning rules P3.8 (.NET `ToString("G15")`, invariant culture).
pub fn format_number(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if number == 0.0 {
        return "0".to_owned();
    }
    // Most numbers are whole and have fewer digits than count.
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    if number.fract() == 0.0 && number.abs() < 1e15 {
        return (number as i64).to_string();
    }
    // `d.dddddddddddddde±x`, rounded correctly to 15 digits.
    let scientific = format!("{:.14e}", number.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_end_matches('0');
    let unsigned = if (-4..15).contains(&exponent) { fixed(digits, exponent) } else { powered(digits, exponent) };
    if number < 0.0 { format!("-{unsigned}") } else { unsigned }
}

fn fixed(digits: &str, exponent: i32) -> String {
    let Ok(whole) = usize::try_from(exponent + 1) else {
        return format!("0.{}{digits}", "0".repeat(exponent.unsigned_abs() as usize - 1));
    };
    if whole == 0 {
        return format!("0.{digits}");
    }
    if digits.len() <= whole {
        return format!("{digits}{}", "0".repeat(whole - digits.len()));
    }
    format!("{}.{}", &digits[..whole], &digits[whole..])
}

fn powered(digits: &str, exponent: i32) -> String {
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{first}{point}{rest}E{sign}{:02}", exponent.unsigned_abs())
}

/// Reads `0x…` or `0o…` as 32-bit two's complement, so that `0xFFFFFFFF` is -1.
///
/// `None`: the text does not start so; `Some(None)`: it does, but other characters follow or it is wider than 32 bits.
/// Source: GitHub: planning rules P1.2 and P3.4.
pub fn parse_hex_or_octal(text: &str) -> Option<Option<f64>> {
    let (digits, radix) = match (text.strip_prefix("0x"), text.strip_prefix("0o")) {
        (Some(digits), _) => (digits, 16),
        (None, Some(digits)) => (digits, 8),
        (None, None) => return None,
    };
    if digits.is_empty() || !digits.chars().all(|it| it.is_digit(radix)) {
        return Some(None);
    }
    let significant = digits.trim_start_matches('0');
    if significant.is_empty() {
        return Some(Some(0.0));
    }
    Some(u32::from_str_radix(significant, radix).ok().map(|it| f64::from(it.cast_signed())))
}

/// Tells whether .NET counts a character as white space.
///
/// Source: GitHub: planning rules P3.1 (`Char.IsWhiteSpace`, the same set as Unicode's `White_Space`).
pub const fn is_dotnet_whitespace(it: char) -> bool {
    it.is_whitespace()
}

/// Cuts white space from both ends as .NET's `Trim` does.
pub fn trim_dotnet(text: &str) -> &str {
    text.trim_matches(is_dotnet_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(
        clippy::excessive_precision,
        clippy::approx_constant,
        reason = "the digits that are dropped are the point"
    )]
    fn numbers_have_fifteen_digits() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-2.0, "-2"),
            (755.0, "755"),
            (1.1, "1.1"),
            (0.5, "0.5"),
            (-0.5, "-0.5"),
            (1e14, "100000000000000"),
            (999_999_999_999_999.0, "999999999999999"),
            (1e15, "1E+15"),
            (999_999_999_999_999.9, "1E+15"),
            (0.0001, "0.0001"),
            (0.000_123_45, "0.00012345"),
            (0.00001, "1E-05"),
            (0.000_012_345, "1.2345E-05"),
            (123_456_789_012_345_678.0, "1.23456789012346E+17"),
            (1_587_106_672_383_762_434.0, "1.58710667238376E+18"),
            (1e21, "1E+21"),
            (1e100, "1E+100"),
            (-1e-100, "-1E-100"),
            (0.1 + 0.2, "0.3"),
            (1.0 / 3.0, "0.333333333333333"),
            (4_294_967_296.0, "4294967296"),
            (123_456.789, "123456.789"),
            (3.141_592_653_589_793_12, "3.14159265358979"),
            (f64::MAX, "1.79769313486232E+308"),
            (5e-324, "4.94065645841247E-324"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(format_number(number), text);
        }
    }

    #[test]
    fn hex_and_octal_wrap_at_32_bits() {
        for (text, expected) in [
            ("0x1F", Some(Some(31.0))),
            ("0o17", Some(Some(15.0))),
            ("0xFFFFFFFF", Some(Some(-1.0))),
            ("0x00000000001", Some(Some(1.0))),
            ("0x100000000", Some(None)),
            ("0o40000000000", Some(None)),
            ("0o8", Some(None)),
            ("0x", Some(None)),
            ("0x+1", Some(None)),
            ("0X1", None),
            ("1", None),
        ] {
            assert_eq!(parse_hex_or_octal(text), expected, "{text}");
        }
    }
}
