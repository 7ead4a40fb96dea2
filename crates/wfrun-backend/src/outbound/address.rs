//! Addresses as variables have them, with names and passwords.

use std::net::Ipv4Addr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What tokens of well-known services begin with.
const TOKENS: [&str; 8] = ["ghp_", "gho_", "ghs_", "ghu_", "github_pat_", "glpat-", "npm_", "pypi-"];

/// The password that GitHub asks for where the name is the token.
const NO_PASSWORD: &str = "x-oauth-basic";

/// Where an address ends, or its host, whichever is first.
const HOST_ENDS: [char; 6] = ['/', '?', '#', ' ', '\t', '\n'];

/// What an address is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// A proxy has no path, so that whatever has a slash in it before an `@` is a password.
    Proxy,
    /// Anything else.
    Other,
}

/// An address, or what stands in the place of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Address<'a> {
    /// All up to and with `://`; nothing where there is no scheme.
    scheme: &'a str,
    user: Option<User<'a>>,
    host: &'a str,
    port: Option<&'a str>,
    /// What comes after host and port.
    rest: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct User<'a> {
    name: &'a str,
    password: Option<&'a str>,
    /// It may be a host, its port and a path with an `@` as well.
    is_doubtful: bool,
}

impl<'a> Address<'a> {
    /// The addresses of a value, one after the other; each has what stands before it.
    pub(super) fn all(usage: Use, value: &'a str) -> Vec<Self> {
        let mut cuts = vec![0];
        // Several addresses are parted by blanks, commas or bars; a scheme begins after those.
        for (at, _) in value.match_indices("://") {
            let before = value.get(..at).unwrap_or_default();
            cuts.push(before.rfind([' ', '\t', '\n', ',', '|']).map_or(0, |it| it + 1));
        }
        cuts.push(value.len());
        cuts.dedup();
        let pieces = cuts.windows(2).filter_map(|it| value.get(it[0]..it[1])).filter(|it| !it.is_empty());
        pieces.map(|it| Self::read(usage, it)).collect()
    }

    fn read(usage: Use, piece: &'a str) -> Self {
        let (scheme, rest) = piece.split_at(piece.find("://").map_or(0, |it| it + 3));
        let (user, rest) = match User::find(usage, !scheme.is_empty(), rest) {
            Some((user, rest)) => (Some(user), rest),
            None => (None, rest),
        };
        let (authority, rest) = rest.split_at(rest.find(HOST_ENDS).unwrap_or(rest.len()));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        Self { scheme, user, host, port, rest }
    }

    /// With `***` for the name and the password.
    pub(super) fn shown(&self) -> String {
        let user = if self.user.is_some() { "***@" } else { "" };
        let colon = if self.port.is_some() { ":" } else { "" };
        [self.scheme, user, self.host, colon, self.port.unwrap_or_default(), self.rest].concat()
    }

    /// As it stands, with another port in the place of one of 127.0.0.1, if `moved` has it: ports, and what they become.
    pub(super) fn moved(&self, moved: &[(u16, u16)]) -> String {
        let user = match self.user {
            Some(User { name, password: Some(password), .. }) => format!("{name}:{password}@"),
            Some(User { name, password: None, .. }) => format!("{name}@"),
            None => String::new(),
        };
        let known = self.loopback().filter(|(host, _)| is_one(host));
        let new =
            known.and_then(|(_, port)| moved.iter().find(|(from, _)| *from == port)).map(|(_, to)| to.to_string());
        let port = new.as_deref().or(self.port).map_or_else(String::new, |it| format!(":{it}"));
        [self.scheme, &user, self.host, &port, self.rest].concat()
    }

    /// What must not be shown: a password as it stands, without its escapes, and as programs send it; a name that looks like
    /// a token.
    ///
    /// Source: GitHub's runner masks the passwords of proxies (`HostContext.cs`).
    pub(super) fn secrets(&self) -> Vec<String> {
        let Some(User { name, password, is_doubtful: false }) = self.user else { return Vec::new() };
        let password = password.filter(|it| !it.is_empty());
        let is_token = is_token(name) && !self.is_ssh();
        let (words, sent) = match password {
            Some(NO_PASSWORD) => (vec![name], vec![format!("{name}:{NO_PASSWORD}")]),
            Some(password) => {
                let words = [Some(password), is_token.then_some(name)].into_iter().flatten().collect();
                (words, vec![format!("{name}:{password}")])
            }
            None if is_token => (vec![name], vec![name.to_owned(), format!("{name}:")]),
            None => return Vec::new(),
        };
        let plain = words.into_iter().flat_map(|it| [it.to_owned(), decoded(it)]);
        plain.chain(sent.iter().map(|it| STANDARD.encode(decoded(it)))).collect()
    }

    /// Host and port, if it is on this machine's loopback.
    pub(super) fn loopback(&self) -> Option<(String, u16)> {
        // What curl takes where no port is named.
        let port = self.port.map_or(Ok(1080), str::parse).ok()?;
        let host = self.host.trim_matches(['[', ']']).to_ascii_lowercase();
        let is_four = || host.parse::<Ipv4Addr>().is_ok_and(|it| it.is_loopback());
        (host == "localhost" || host == "::1" || is_four()).then_some((host, port))
    }

    /// There a name is never a token.
    fn is_ssh(&self) -> bool {
        self.scheme.to_ascii_lowercase().ends_with("ssh://")
    }
}

impl<'a> User<'a> {
    /// Cuts name and password off what comes after the scheme.
    fn find(usage: Use, has_scheme: bool, text: &'a str) -> Option<(Self, &'a str)> {
        let end = text.find(HOST_ENDS).unwrap_or(text.len());
        let authority = text.get(..end)?;
        let (mut at, mut is_doubtful) = (authority.rfind('@'), false);
        if usage == Use::Proxy {
            at = text.rfind('@');
        } else if let (None, true, Some((_, after))) = (at, has_scheme, authority.split_once(':')) {
            // A password with a slash, a mark or a cross in it, which should be escaped.
            at = text.rfind('@');
            is_doubtful = after.bytes().all(|it| it.is_ascii_digit());
        }
        let (found, rest) = (text.get(..at?)?, text.get(at? + 1..)?);
        let (name, password) = match found.split_once(':') {
            Some((name, password)) => (name, Some(password)),
            None => (found, None),
        };
        Some((Self { name, password, is_doubtful }, rest))
    }
}

/// The one address of the loopback that is passed on to containers.
pub(super) fn is_one(host: &str) -> bool {
    ["127.0.0.1", "localhost"].contains(&host)
}

/// A name such as `git` or `aws` is in many words that a log and a job's outputs need; no token is as short.
fn is_token(name: &str) -> bool {
    name.len() >= 16 || TOKENS.iter().any(|it| name.starts_with(it))
}

/// Without `%40` and its like.
fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::{Address, Use};

    fn shown(usage: Use, value: &str) -> String {
        Address::all(usage, value).iter().map(Address::shown).collect()
    }

    fn secrets(usage: Use, value: &str) -> Vec<String> {
        Address::all(usage, value).iter().flat_map(Address::secrets).collect()
    }

    #[test]
    fn values_are_shown_without_credentials() {
        for (value, expected) in [
            ("http://proxy:3128", "http://proxy:3128"),
            ("http://user:p%40ss@proxy:3128/", "http://***@proxy:3128/"),
            ("user:pass@proxy:3128", "***@proxy:3128"),
            ("https://token@index/simple/", "https://***@index/simple/"),
            ("https://ghp_token:x-oauth-basic@index/simple/", "https://***@index/simple/"),
            ("https://a/@scope https://u:p@b/", "https://a/@scope https://***@b/"),
            ("https://u:p@a,https://v:q@b|direct", "https://***@a,https://***@b|direct"),
            ("https://u:p,x@a", "https://***@a"),
            ("https://u:p@q@a/", "https://***@a/"),
            ("https://u:p@a/@scope/b", "https://***@a/@scope/b"),
            ("https://u:p/q?r#s@a/b", "https://***@a/b"),
            ("https://u:p@a/ own=https://v:q/r@[::1]:8080/b", "https://***@a/ own=https://***@[::1]:8080/b"),
            ("localhost,127.0.0.1", "localhost,127.0.0.1"),
            ("/etc/ca@home.pem", "/etc/ca@home.pem"),
            ("[::1]:1080", "[::1]:1080"),
        ] {
            assert_eq!(shown(Use::Other, value), expected, "{value}");
        }
    }

    /// Whatever characters a password has that should be escaped.
    #[test]
    fn a_proxy_has_no_path() {
        for mark in ["/", "#", "?", "@", "/?#", ":", " "] {
            for scheme in ["http://", ""] {
                let value = format!("{scheme}me:pa{mark}ss@proxy:3128");
                assert_eq!(shown(Use::Proxy, &value), format!("{scheme}***@proxy:3128"), "{value}");
                assert_eq!(secrets(Use::Proxy, &value)[0], format!("pa{mark}ss"), "{value}");
            }
        }
        assert_eq!(shown(Use::Proxy, "http://me:12/3@proxy"), "http://***@proxy");
        assert_eq!(secrets(Use::Proxy, "http://me:12/3@proxy")[0], "12/3");
    }

    #[test]
    fn every_form_of_a_password_is_known() {
        assert_eq!(secrets(Use::Other, "http://me:p%40ss@proxy:3128"), ["p%40ss", "p@ss", "bWU6cEBzcw=="]);
        assert_eq!(secrets(Use::Other, "https://me:pa/ss@index/simple")[0], "pa/ss");
        let token = "0123456789abcdef";
        for value in ["https://0123456789abcdef:@index/", "https://0123456789abcdef@index/"] {
            let forms = [token, token, "MDEyMzQ1Njc4OWFiY2RlZg==", "MDEyMzQ1Njc4OWFiY2RlZjo="];
            assert_eq!(secrets(Use::Other, value), forms, "{value}");
        }
        assert_eq!(secrets(Use::Other, "https://ghp_1@index/")[0], "ghp_1");
        assert_eq!(secrets(Use::Other, "ssh://git:secret@host/a")[0], "secret");
    }

    #[test]
    fn a_token_may_stand_in_the_place_of_the_name() {
        let basic = "Z2hwX3Rva2VuOngtb2F1dGgtYmFzaWM=";
        let value = "https://ghp_token:x-oauth-basic@host/simple";
        assert_eq!(secrets(Use::Other, value), ["ghp_token", "ghp_token", basic]);
        assert_eq!(secrets(Use::Other, "https://0:x-oauth-basic@host/simple")[0], "0");
        let all = secrets(Use::Other, "https://glpat-1:pass@host/simple");
        assert!(all.contains(&"glpat-1".to_owned()) && all.contains(&"pass".to_owned()), "{all:?}");
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
            "https://index:8080/@scope/",
        ] {
            assert_eq!(secrets(Use::Other, value), Vec::<String>::new(), "{value}");
        }
    }

    #[test]
    fn ports_of_the_loopback_move() {
        for (value, expected) in [
            ("http://u:p@127.0.0.1:3128/", "http://u:p@127.0.0.1:40000/"),
            ("localhost:3128", "localhost:40000"),
            ("socks5://127.0.0.1", "socks5://127.0.0.1:40001"),
            ("http://t@127.0.0.1:3129/", "http://t@127.0.0.1:3129/"),
            ("http://127.0.0.2:3128", "http://127.0.0.2:3128"),
            ("http://proxy:3128", "http://proxy:3128"),
            ("https://u:p@a/@b https://127.0.0.1:3128/c", "https://u:p@a/@b https://127.0.0.1:40000/c"),
            ("localhost,127.0.0.1", "localhost,127.0.0.1"),
            ("on", "on"),
        ] {
            let moved = |it: &Address<'_>| it.moved(&[(3128, 40_000), (1080, 40_001)]);
            assert_eq!(Address::all(Use::Other, value).iter().map(moved).collect::<String>(), expected);
        }
    }

    #[test]
    fn the_loopback_is_known() {
        for (value, expected) in [
            ("http://u:p@127.0.0.1:3128/", Some(("127.0.0.1", 3128))),
            ("http://u:p/q@LocalHost:3128/", Some(("localhost", 3128))),
            ("127.9.0.1", Some(("127.9.0.1", 1080))),
            ("socks5h://[::1]:1081", Some(("::1", 1081))),
            ("socks5h://[::1]", Some(("::1", 1080))),
            ("http://127.0.0.1@proxy:3128/", None),
            ("http://proxy:3128/127.0.0.1", None),
        ] {
            let found = Address::all(Use::Proxy, value).pop().and_then(|it| it.loopback());
            assert_eq!(found, expected.map(|(host, port)| (host.to_owned(), port)), "{value}");
        }
    }
}
