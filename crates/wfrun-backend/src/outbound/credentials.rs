//! Names and passwords in addresses.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A value with `***` for whatever stands before the `@` of an address in it.
pub fn without_credentials(value: &str) -> String {
    let mut shown = String::new();
    for (before, found, after) in parts(value) {
        shown.push_str(before);
        shown.push_str(if found.is_empty() { "" } else { "***@" });
        shown.push_str(after);
    }
    shown
}

/// What must not be shown of a value: each password as it stands, without its escapes, and as programs send it; a name
/// without a password may be a token.
///
/// Source: GitHub's runner masks the passwords of proxies (`HostContext.cs`).
pub(super) fn words(value: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (scheme, found, _) in parts(value).into_iter().filter(|(_, found, _)| !found.is_empty()) {
        let secret = match found.split_once(':') {
            Some((name, "")) => Err(name),
            Some((_, password)) => Ok(password),
            None => Err(found),
        };
        let secret = match secret {
            Ok(password) => password,
            Err(name) if is_token(name) && !scheme.ends_with("ssh://") => name,
            Err(_) => continue,
        };
        let plain = decoded(found);
        all.extend([secret.to_owned(), decoded(secret), STANDARD.encode(&plain), STANDARD.encode(format!("{plain}:"))]);
    }
    all
}

/// What tokens of well-known services begin with.
const TOKENS: [&str; 8] = ["ghp_", "gho_", "ghs_", "ghu_", "github_pat_", "glpat-", "npm_", "pypi-"];

/// A name such as `git` or `aws` is in many words that a log and a job's outputs need; no token is as short.
fn is_token(name: &str) -> bool {
    name.len() >= 16 || TOKENS.iter().any(|it| name.starts_with(it))
}

/// Host and port of an address, which may lack its scheme.
pub(super) fn authority(value: &str) -> Option<&str> {
    parts(value).into_iter().map(|(_, _, after)| after.split(['/', '?', '#']).next().unwrap_or_default()).next_back()
}

/// Cuts a value, with one address in each part, into what is before, the name and password, and what is after the `@`.
fn parts(value: &str) -> Vec<(&str, &str, &str)> {
    let mut cuts = vec![0];
    // Several addresses are parted by blanks, commas or bars; a scheme begins after those.
    for (at, _) in value.match_indices("://") {
        let before = value.get(..at).unwrap_or_default();
        cuts.push(before.rfind([' ', '\t', '\n', ',', '|']).map_or(0, |it| it + 1));
    }
    cuts.push(value.len());
    cuts.dedup();
    let pieces = cuts.windows(2).filter_map(|it| value.get(it[0]..it[1])).filter(|it| !it.is_empty());
    pieces.map(part).collect()
}

fn part(piece: &str) -> (&str, &str, &str) {
    let begin = piece.find("://").map_or(0, |it| it + 3);
    let (scheme, rest) = piece.split_at(begin);
    let end = rest.find(['/', '?', '#', ' ', '\t', '\n']).unwrap_or(rest.len());
    match rest.get(..end).and_then(|it| it.rfind('@')) {
        Some(at) => (scheme, rest.get(..at).unwrap_or_default(), rest.get(at + 1..).unwrap_or_default()),
        None => (scheme, "", rest),
    }
}

/// Without `%40` and its like.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let code = bytes.get(at + 1..at + 3).and_then(|it| std::str::from_utf8(it).ok());
        if let Some(code) = code.filter(|_| *byte == b'%').and_then(|it| u8::from_str_radix(it, 16).ok()) {
            plain.push(code);
            at += 3;
        } else {
            plain.push(*byte);
            at += 1;
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{authority, without_credentials, words};

    #[test]
    fn values_are_shown_without_credentials() {
        for (value, shown) in [
            ("http://proxy:3128", "http://proxy:3128"),
            ("http://user:p%40ss@proxy:3128/", "http://***@proxy:3128/"),
            ("user:pass@proxy:3128", "***@proxy:3128"),
            ("https://token@index/simple/", "https://***@index/simple/"),
            ("https://a/@scope https://u:p@b/", "https://a/@scope https://***@b/"),
            ("https://u:p@a,https://v:q@b|direct", "https://***@a,https://***@b|direct"),
            ("https://u:p,x@a", "https://***@a"),
            ("https://u:p@q@a/", "https://***@a/"),
            ("localhost,127.0.0.1", "localhost,127.0.0.1"),
            ("/etc/ca@home.pem", "/etc/ca@home.pem"),
        ] {
            assert_eq!(without_credentials(value), shown, "{value}");
        }
    }

    #[test]
    fn every_form_of_a_password_is_known() {
        assert_eq!(words("http://me:p%40ss@proxy:3128"), ["p%40ss", "p@ss", "bWU6cEBzcw==", "bWU6cEBzczo="]);
        assert_eq!(words("https://0123456789abcdef:@index/")[0], "0123456789abcdef");
        assert_eq!(words("https://0123456789abcdef@index/")[..2], ["0123456789abcdef", "0123456789abcdef"]);
        assert_eq!(words("https://ghp_1@index/")[0], "ghp_1");
        assert_eq!(words("ssh://git:secret@host/a")[0], "secret");
    }

    /// What becomes a secret is masked in every log, and outputs that contain it are dropped.
    #[test]
    fn a_name_is_no_secret() {
        for value in [
            "http://proxy:3128",
            "https://aws@codeartifact.example.com/pypi/simple/",
            "https://me:@index/",
            "ssh://git@host/a",
            "ssh://a-long-name-of-a-user@host/a",
            "git+ssh://a-long-name-of-a-user@host/a",
        ] {
            assert_eq!(words(value), Vec::<String>::new(), "{value}");
        }
    }

    #[test]
    fn hosts_are_found() {
        for (value, expected) in [
            ("http://u:p@127.0.0.1:3128/", "127.0.0.1:3128"),
            ("127.0.0.1:3128", "127.0.0.1:3128"),
            ("socks5h://[::1]:1080", "[::1]:1080"),
        ] {
            assert_eq!(authority(value), Some(expected), "{value}");
        }
    }
}
