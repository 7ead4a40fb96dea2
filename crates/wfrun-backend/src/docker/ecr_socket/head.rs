//! The head of a request, and its bytes.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::net::UnixStream;

use super::Names;

/// More than a client of the engine's ever sends: its credentials are in a header.
const LIMIT: usize = 256 * 1024;

/// Method, target and headers of a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Head {
    pub(super) method: String,
    /// Path and query.
    pub(super) target: String,
    headers: Vec<(String, String)>,
}

impl Head {
    /// Reads a head, and what came with it of what follows. Nothing where the client went away without a word.
    pub(super) async fn receive(client: &mut UnixStream) -> io::Result<Option<(Self, Vec<u8>)>> {
        let mut bytes = Vec::new();
        loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                let rest = bytes.split_off(end + 4);
                let head = Self::read(&bytes).ok_or(io::ErrorKind::InvalidData)?;
                return Ok(Some((head, rest)));
            }
            if bytes.len() > LIMIT {
                return Err(io::ErrorKind::InvalidData.into());
            }
            if client.read_buf(&mut bytes).await? == 0 {
                return if bytes.is_empty() { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
        }
    }

    /// Reads the bytes up to the empty line.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut lines = text.trim_end().split("\r\n");
        let mut words = lines.next()?.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        let header = |line: &str| line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
        Some(Self { method, target, headers: lines.map(header).collect::<Option<_>>()? })
    }

    /// A request of wfrun's own.
    pub(super) fn of(method: &str, target: &str) -> Self {
        let headers = vec![("Host".to_owned(), "docker".to_owned())];
        Self { method: method.to_owned(), target: target.to_owned(), headers }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Whether the connection becomes another protocol's: `attach`, `exec`, `build` with `BuildKit`.
    pub(super) fn is_upgrade(&self) -> bool {
        self.header("Upgrade").is_some()
    }

    /// The same with none of this name.
    pub(super) fn without(&self, name: &str) -> Self {
        let mut head = self.clone();
        head.headers.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
        head
    }

    /// The same with one header in place of those of its name.
    pub(super) fn with(&self, name: &str, value: &str) -> Self {
        let mut head = self.without(name);
        head.headers.push((name.to_owned(), value.to_owned()));
        head
    }

    /// The same for another target.
    pub(super) fn to(&self, target: String) -> Self {
        Self { target, ..self.clone() }
    }

    /// The same with credentials that are for the registry here.
    pub(super) fn with_registry(&self, names: &Names) -> Self {
        let changed = self.credentials("X-Registry-Auth").and_then(|mut auth| {
            let address = auth["serveraddress"].as_str()?.replace(&names.amazon, &names.here);
            auth["serveraddress"] = Value::String(address);
            Some(encoded(&auth))
        });
        changed.map_or_else(|| self.clone(), |auth| self.with("X-Registry-Auth", &auth))
    }

    /// The JSON of a header with credentials.
    pub(super) fn credentials(&self, name: &str) -> Option<Value> {
        let text = self.header(name)?;
        let bytes = URL_SAFE.decode(text).or_else(|_| URL_SAFE_NO_PAD.decode(text)).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// The head as it is sent.
    pub(super) fn bytes(&self, version: &str) -> Vec<u8> {
        let lines = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
        format!("{} {} {version}\r\n{}\r\n", self.method, self.target, lines.collect::<String>()).into_bytes()
    }
}

/// Credentials as they stand in a header.
pub(super) fn encoded(credentials: &Value) -> String {
    URL_SAFE.encode(credentials.to_string())
}

#[cfg(test)]
mod tests {
    use super::{Head, Names};
    use base64::Engine as _;
    use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};

    #[test]
    fn heads_are_read_and_written() {
        let text = "POST /v1.41/x?a=b HTTP/1.1\r\nHost: docker\r\nconnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
        let head = Head::read(text.as_bytes()).expect("a head");
        assert_eq!((&*head.method, &*head.target, head.header("HOST")), ("POST", "/v1.41/x?a=b", Some("docker")));
        assert!(head.is_upgrade());
        assert_eq!(String::from_utf8(head.bytes("HTTP/1.1")).expect("text"), text);
        let closed = String::from_utf8(head.with("Connection", "close").bytes("HTTP/1.0")).expect("text");
        assert!(closed.ends_with("Upgrade: tcp\r\nConnection: close\r\n\r\n"), "{closed}");
        for garbage in ["", "x", "GET /\r\nno header\r\n\r\n"] {
            assert_eq!(Head::read(garbage.as_bytes()), None, "{garbage:?}");
        }
    }

    #[test]
    fn credentials_are_for_the_registry_here() {
        let names = Names { amazon: "1.dkr.ecr.r.amazonaws.com".into(), here: "127.0.0.1:5".into() };
        let auth = br#"{"username":"AWS","serveraddress":"https://1.dkr.ecr.r.amazonaws.com"}"#;
        for encoded in [URL_SAFE.encode(auth), URL_SAFE_NO_PAD.encode(auth)] {
            let head = Head::read(format!("POST / HTTP/1.1\r\nX-Registry-Auth: {encoded}\r\n\r\n").as_bytes());
            let changed = head.expect("a head").with_registry(&names);
            let bytes = URL_SAFE.decode(changed.header("x-registry-auth").expect("it stays")).expect("base64");
            let want = r#"{"username":"AWS","serveraddress":"https://127.0.0.1:5"}"#;
            let read = |text: &[u8]| serde_json::from_slice::<serde_json::Value>(text).expect("JSON");
            assert_eq!(read(&bytes), read(want.as_bytes()));
        }
        let head = Head::read(b"POST / HTTP/1.1\r\nX-Registry-Auth: {}\r\n\r\n").expect("a head");
        assert_eq!(head.with_registry(&names), head, "what is not understood stays");
    }
}
