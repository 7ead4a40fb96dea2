//! Files of certificates.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

/// The certificates of a file, as lines without blanks; else what is wrong with it, as the end of a sentence.
pub(super) fn certificates(bytes: &[u8]) -> Result<Vec<String>, &'static str> {
    // Comments may be in any encoding.
    let text = String::from_utf8_lossy(bytes);
    let mut found = Vec::new();
    let mut rest: &str = &text;
    while let Some(at) = rest.find(BEGIN) {
        rest = rest.get(at + BEGIN.len()..).unwrap_or_default();
        let Some((label, body)) = rest.split_once(DASHES) else { break };
        if label.ends_with("PRIVATE KEY") {
            return Err("has a private key in it, which steps must not see");
        }
        let Some((body, after)) = body.split_once(&format!("-----END {label}-----")) else {
            return Err("ends within a certificate");
        };
        rest = after;
        if !["CERTIFICATE", "X509 CERTIFICATE"].contains(&label) {
            continue;
        }
        let body: String = body.split_ascii_whitespace().collect();
        // A certificate is a sequence, whose first byte is this.
        if STANDARD.decode(&body).ok().and_then(|it| it.first().copied()) != Some(0x30) {
            return Err("has a certificate in it that is damaged");
        }
        found.push(body);
    }
    if found.is_empty() {
        Err("has no certificate in it in the form PEM (`-----BEGIN CERTIFICATE-----`)")
    } else {
        Ok(found)
    }
}

/// A file with the certificates of several, each once.
pub(super) fn bundle(files: &[&[String]]) -> String {
    let mut seen = HashSet::new();
    let mut text = String::new();
    for body in files.iter().copied().flatten().filter(|it| seen.insert(it.as_str())) {
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        for at in (0..body.len()).step_by(64) {
            text.push_str(body.get(at..(at + 64).min(body.len())).unwrap_or_default());
            text.push('\n');
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{bundle, certificates};

    const ONE: &str = "-----BEGIN CERTIFICATE-----\nMAAw\nAAAA\n-----END CERTIFICATE-----\n";

    #[test]
    fn what_is_in_a_file() {
        let two = format!("# caf\u{e9}\n{ONE}text\n{}", ONE.replace("MAAw", "MAAx").replace('\n', "\r\n"));
        assert_eq!(certificates(two.as_bytes()), Ok(vec!["MAAwAAAA".to_owned(), "MAAxAAAA".to_owned()]));
        for (text, part) in [
            ("", "no certificate"),
            ("\u{30}\u{82}binary", "no certificate"),
            ("-----BEGIN CERTIFICATE-----\nMAAw\n", "ends within"),
            ("-----BEGIN CERTIFICATE-----\nhello\n-----END CERTIFICATE-----\n", "damaged"),
            ("-----BEGIN EC PRIVATE KEY-----\nMAAw\n-----END EC PRIVATE KEY-----\n", "private key"),
            ("-----BEGIN PUBLIC KEY-----\nMAAw\n-----END PUBLIC KEY-----\n", "no certificate"),
        ] {
            let err = certificates(text.as_bytes()).expect_err("no certificates");
            assert!(err.contains(part), "{text}: {err}");
        }
    }

    #[test]
    fn each_certificate_is_in_a_bundle_once() {
        let one = certificates(ONE.as_bytes()).expect("a certificate");
        let text = bundle(&[&one, &one]);
        assert_eq!(text.matches("BEGIN").count(), 1);
        assert_eq!(certificates(text.as_bytes()), Ok(one));
        let long = vec!["MAAw".repeat(40)];
        assert_eq!(certificates(bundle(&[&long]).as_bytes()), Ok(long));
    }
}
