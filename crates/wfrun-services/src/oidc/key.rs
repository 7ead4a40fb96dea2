//! The key of this machine's ID tokens: one file that only its owner may read.

use std::fs::{self, DirBuilder};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::PrivateKey;
use rsa::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};
use rsa::traits::PublicKeyParts as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

/// As GitHub's own keys.
const BITS: usize = 2048;

const FILE: &str = "id-token-key.der";

/// A key pair, with the name that tokens call it by.
pub(super) struct Key {
    pub(super) id: String,
    pair: PrivateKey,
}

impl Key {
    /// Reads the key in `folder`, or makes it. Of several processes that make one at the same time, all get the same.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let path = folder.join(FILE);
        match fs::read(&path) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => {}
            read => return Self::read(&read?),
        }
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let pair = PrivateKey::new(&mut getrandom::SysRng, BITS).map_err(io::Error::other)?;
        let der = pair.to_pkcs8_der().map_err(io::Error::other)?;
        // A temporary file is its owner's alone, and stays so under its new name.
        let mut whole = NamedTempFile::new_in(folder)?;
        whole.write_all(der.as_bytes())?;
        whole.as_file().sync_data()?;
        match whole.persist_noclobber(&path) {
            Ok(_) => Ok(Self::of(pair)),
            Err(err) if err.error.kind() == io::ErrorKind::AlreadyExists => Self::read(&fs::read(&path)?),
            Err(err) => Err(err.error),
        }
    }

    fn read(der: &[u8]) -> io::Result<Self> {
        PrivateKey::from_pkcs8_der(der).map(Self::of).map_err(|err| io::Error::new(io::ErrorKind::InvalidData, err))
    }

    fn of(pair: PrivateKey) -> Self {
        let (n, e) = numbers(&pair);
        // Source: <https://www.rfc-editor.org/rfc/rfc7638>: these members, in this order.
        let thumbprint = Sha256::digest(json!({"e": e, "kty": "RSA", "n": n}).to_string());
        Self { id: URL_SAFE_NO_PAD.encode(thumbprint), pair }
    }

    /// The public half as verifiers read it.
    ///
    /// Source: <https://www.rfc-editor.org/rfc/rfc7517#section-5>, <https://www.rfc-editor.org/rfc/rfc7518#section-6.3.1>
    pub(super) fn public(&self) -> Value {
        let (n, e) = numbers(&self.pair);
        json!({"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.id, "n": n, "e": e}]})
    }

    pub(super) fn sign(&self, text: &str) -> io::Result<Vec<u8>> {
        self.pair.pkcs1v15_sign::<Sha256>(text.as_bytes()).map_err(io::Error::other)
    }

    pub(super) fn has_signed(&self, text: &str, signature: &[u8]) -> bool {
        self.pair.to_public_key().pkcs1v15_verify::<Sha256>(text.as_bytes(), signature).is_ok()
    }
}

fn numbers(pair: &PrivateKey) -> (String, String) {
    (URL_SAFE_NO_PAD.encode(pair.n_bytes()), URL_SAFE_NO_PAD.encode(pair.e_bytes()))
}
