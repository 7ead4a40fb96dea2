//! The forms in which a secret may show up in a log.
//!
//! Source: GitHub: execution rules E5.2 (actions/runner `ValueEncoders.cs`).
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Returns every form of `value` that is masked, the raw one first; empty forms are left out.
pub(crate) fn variants(value: &str) -> Vec<String> {
    let bytes = value.as_bytes();
    let mut all = vec![value.to_owned()];
    all.extend((0..3).map(|offset| STANDARD.encode(bytes.get(offset..).unwrap_or_default())));
    all.push(value.replace('"', "\\\""));
    all.push(value.replace('\'', "''"));
    all.push(json_escaped(value));
    all.push(uri_escaped(value));
    all.push(xml_escaped(value));
    all.extend(without_quotes(value));
    all.extend(powershell_parts(value));
    all.retain(|it| !it.trim().is_empty());
    all.sort();
    all.dedup();
    all
}

/// As Json.NET writes it, which escapes three more line ends than JSON has to.
fn json_escaped(value: &str) -> String {
    let quoted = serde_json::to_string(value).unwrap_or_default();
    let inner = quoted.strip_prefix('"').and_then(|it| it.strip_suffix('"')).unwrap_or_default();
    inner.replace('\u{85}', "\\u0085").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

/// RFC 3986: all but unreserved characters as `%XX`.
fn uri_escaped(value: &str) -> String {
    let escape = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    value.bytes().map(escape).collect()
}

fn xml_escaped(value: &str) -> String {
    value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&apos;")
}

/// Quoted values of more than eight characters are also masked without their quotes.
fn without_quotes(value: &str) -> Option<String> {
    let inner = value.strip_prefix('"')?.strip_suffix('"')?;
    (units(value) > 8).then(|| inner.to_owned())
}

/// PowerShell breaks a value at `&` in its error messages; the parts count from six characters on.
fn powershell_parts(value: &str) -> Vec<String> {
    let (before, after) = match (value.find("&+"), value.rfind('&')) {
        (Some(at), _) => {
            let rest = value.get(at + 2..).unwrap_or_default();
            (value.get(..at + 2), Some(rest.chars().skip(1).collect::<String>()))
        }
        (None, Some(at)) => (value.get(..=at), value.get(at + 1..).map(str::to_owned)),
        (None, None) => return Vec::new(),
    };
    let parts = [before.map(str::to_owned), after];
    parts.into_iter().flatten().filter(|it| units(it) >= 6).collect()
}

/// The length as .NET counts it.
fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All forms but the value itself.
    #[track_caller]
    fn check(value: &str, expected: &[&str], absent: &[&str]) {
        let all = variants(value);
        assert!(all.contains(&value.to_owned()), "0, raw: {all:?}");
        for it in expected {
            assert!(all.contains(&(*it).to_owned()), "{it:?} is missing in {all:?}");
        }
        for it in absent {
            assert!(!all.contains(&(*it).to_owned()), "{it:?} is in {all:?}");
        }
    }

    /// Source: GitHub: execution rules E5.2, row by row.
    #[test]
    fn every_encoder() {
        // 1 to 3: base64, and of the bytes without the first one and two.
        check("hunter2secret", &["aHVudGVyMnNlY3JldA==", "dW50ZXIyc2VjcmV0", "bnRlcjJzZWNyZXQ="], &[]);
        check("é", &["w6k="], &[""]);
        // 4, command line.
        check("say \"hi\"", &["say \\\"hi\\\""], &[]);
        // 5, expression literal.
        check("it's", &["it''s"], &[]);
        // 6, JSON string without its quotes.
        check("a\"\\/\u{8}\u{c}\n\r\t\u{1f}ä", &["a\\\"\\\\/\\b\\f\\n\\r\\t\\u001fä"], &[]);
        check("a\u{85}\u{2028}\u{2029}", &["a\\u0085\\u2028\\u2029"], &[]);
        check("\"\"x", &["\\\"\\\"x"], &["x"]);
        // 7, URI data.
        check("a-_.~b c/ü+&", &["a-_.~b%20c%2F%C3%BC%2B%26"], &[]);
        // 8, XML.
        check("a&b<c>d\"e'f", &["a&amp;b&lt;c&gt;d&quot;e&apos;f"], &[]);
        // 9, without quotes around it, if it is longer than eight.
        check("\"1234567\"", &["1234567"], &[]);
        check("\"123456\"", &[], &["123456"]);
        check("\"12345678", &[], &["12345678"]);
        // 10 and 11, the parts PowerShell makes of it at its last `&`, from six characters on.
        check("part-one&part-two&part-three", &["part-one&part-two&", "part-three"], &["part-one"]);
        check("1234&12345", &[], &["1234&", "12345"]);
        check("12345&123456", &["12345&", "123456"], &[]);
        // With `&+` the part behind it begins one character later.
        check("secretpart1&+secretpart2&x", &["secretpart1&+", "ecretpart2&x"], &["secretpart2&x"]);
        check("secretpart1&+s", &["secretpart1&+"], &[""]);
    }
}
