//! Signature version 4 for the tests' plain client.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use wfrun_aws::{Clock, Keys};

/// The account's time as `X-Amz-Date` has it.
pub(crate) fn date(clock: &Clock) -> String {
    // The clock shows its milliseconds in `Debug` alone.
    let shown = format!("{clock:?}");
    let now_ms: i64 = shown.trim_matches(|it: char| !it.is_ascii_digit()).parse().expect("a clock shows its time");
    let now = jiff::Timestamp::from_millisecond(now_ms).expect("a time that there is");
    now.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Completes an `Authorization` header whose day, signed headers and signature are made up.
pub(crate) fn sign(
    (method, path): (&str, &str),
    host: &str,
    date: &str,
    header: &str,
    keys: &Keys,
    body: &[u8],
) -> String {
    let (_, scope) = header.split_once("Credential=").expect("a credential");
    let scope: Vec<&str> = scope.split(',').next().unwrap_or_default().split('/').collect();
    let [key, _, region, service, _] = scope[..] else { panic!("a scope of five parts: {header}") };
    let day = &date[..8];
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let hash = hex::encode(Sha256::digest(body));
    let canonical = format!("{method}\n{path}\n{query}\nhost:{host}\nx-amz-date:{date}\n\nhost;x-amz-date\n{hash}");
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex::encode(Sha256::digest(canonical)));
    let mut secret = format!("AWS4{}", keys.secret_access_key).into_bytes();
    for part in [day, region, service, "aws4_request"] {
        secret = mac(&secret, part);
    }
    let signature = hex::encode(mac(&secret, &to_sign));
    format!("AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders=host;x-amz-date, Signature={signature}")
}

fn mac(key: &[u8], message: &str) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.chain_update(message).finalize().into_bytes().to_vec()
}
