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

fn json_escaped(value: &str) -> String {
    let quoted = serde_json::to_string(value).unwrap_or_default();
    quoted.trim_start_matches('"').strip_suffix('"').unwrap_or_default().to_owned()
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
    (value.chars().count() > 8).then(|| inner.to_owned())
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
    parts.into_iter().flatten().filter(|it| it.chars().count() >= 6).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: GitHub: execution rules E5.2, the documented value.
    #[test]
    fn documented_variants() {
        let all = variants("hunter2secret");
        for expected in ["hunter2secret", "aHVudGVyMnNlY3JldA==", "dW50ZXIyc2VjcmV0", "bnRlcjJzZWNyZXQ="] {
            assert!(all.contains(&expected.to_owned()), "{expected} in {all:?}");
        }
    }

    #[test]
    fn escapes() {
        let all = variants("a\"b'c&d e\n");
        for expected in
            ["a\\\"b'c&d e\n", "a\"b''c&d e\n", "a\\\"b'c&d e\\n", "a%22b%27c%26d%20e%0A", "a&quot;b&apos;c&amp;d e\n"]
        {
            assert!(all.contains(&expected.to_owned()), "{expected:?} in {all:?}");
        }
    }

    #[test]
    fn quotes_and_ampersands() {
        assert!(variants("\"quoted-value\"").contains(&"quoted-value".to_owned()));
        assert!(!variants("\"short\"").contains(&"short".to_owned()));
        assert!(variants("secretpart&anotherpart").contains(&"anotherpart".to_owned()));
    }
}
