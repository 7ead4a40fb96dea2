//! Signature version 4, recomputed.

use axum::http::{HeaderMap, Method, Uri};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::Credential;
use crate::protocol::{url_decoded, url_encoded};

/// What a signature covers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signed<'a> {
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a Uri,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}

const SKEW_S: i64 = 15 * 60;

/// Of `X-Amz-Date`.
const FORM: &str = "%Y%m%dT%H%M%SZ";

const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
                        Access Key and signing method. Consult the service documentation for details.";

/// Checks that a request was signed with `secret`, for `service`, and at most 15 minutes from `now_ms`. The error is AWS' message.
///
/// The signed host is what the `Host` header says, also for requests that were redirected from a host of AWS.
///
/// Source: AWS IAM user guide, "Create a signed AWS API request" and "Troubleshoot Signature Version 4 signing".
/// Differs: bodies that are signed chunk by chunk (`STREAMING-…`) do not verify; no emulated service takes them.
pub(crate) fn verify(
    request: Signed<'_>,
    credential: &Credential,
    secret: &str,
    service: &str,
    now_ms: u64,
) -> Result<(), String> {
    if credential.service != service {
        return Err(format!("Credential should be scoped to correct service: '{service}'."));
    }
    let Some((shown, at)) = date(request.headers) else {
        return Err("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.".to_owned());
    };
    if !shown.starts_with(&credential.day) || credential.day.len() != 8 {
        return Err(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != '{}', from '{shown}'.",
            credential.day,
            shown.get(..8).unwrap_or(&shown)
        ));
    }
    within_skew(&shown, at, now_ms)?;
    if !credential.signed_headers.iter().any(|it| it == "host") {
        return Err("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.".to_owned());
    }
    let Some(canonical) = canonical_request(request, credential) else { return Err(MISMATCH.to_owned()) };
    let Credential { day, region, .. } = credential;
    let hashed = hex::encode(Sha256::digest(canonical));
    let to_sign = format!("AWS4-HMAC-SHA256\n{shown}\n{day}/{region}/{service}/aws4_request\n{hashed}");
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in [day, region, service, "aws4_request"] {
        key = mac(&key, part).finalize().into_bytes().to_vec();
    }
    let given = hex::decode(&credential.signature).unwrap_or_default();
    mac(&key, &to_sign).verify_slice(&given).map_err(|_| MISMATCH.to_owned())
}

fn mac(key: &[u8], message: &str) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length").chain_update(message)
}

/// When a request was signed, as it is signed (`20261123T090837Z`) and in seconds since 1970.
fn date(headers: &HeaderMap) -> Option<(String, i64)> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    if let Some(text) = text("x-amz-date") {
        let civil = jiff::civil::DateTime::strptime(FORM, text).ok()?;
        let at = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
        return Some((text.to_owned(), at.as_second()));
    }
    let at = jiff::fmt::rfc2822::parse(text("date")?).ok()?.timestamp();
    Some((written(at), at.as_second()))
}

fn written(at: Timestamp) -> String {
    at.to_zoned(jiff::tz::TimeZone::UTC).strftime(FORM).to_string()
}

fn within_skew(shown: &str, at: i64, now_ms: u64) -> Result<(), String> {
    let now = i64::try_from(now_ms / 1000).unwrap_or(i64::MAX);
    let text = |seconds: i64| Timestamp::from_second(seconds).map(written).unwrap_or_default();
    if at < now.saturating_sub(SKEW_S) {
        let earliest = text(now - SKEW_S);
        return Err(format!("Signature expired: {shown} is now earlier than {earliest} ({} - 15 min.)", text(now)));
    }
    if at > now.saturating_add(SKEW_S) {
        let latest = text(now + SKEW_S);
        return Err(format!(
            "Signature not yet current: {shown} is still later than {latest} ({} + 15 min.)",
            text(now)
        ));
    }
    Ok(())
}

/// `None` where a signed header is not there.
fn canonical_request(request: Signed<'_>, credential: &Credential) -> Option<String> {
    let Signed { method, uri, headers, body } = request;
    let mut text =
        format!("{method}\n{}\n{}\n", canonical_path(uri.path()), canonical_query(uri.query().unwrap_or_default()));
    for name in &credential.signed_headers {
        let mut values = Vec::new();
        for value in headers.get_all(name) {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            values.push(value.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        if values.is_empty() {
            return None;
        }
        text.extend([name, ":", &values.join(","), "\n"]);
    }
    text.extend(["\n", &credential.signed_headers.join(";"), "\n"]);
    let unsigned = headers.get("x-amz-content-sha256").is_some_and(|it| it == "UNSIGNED-PAYLOAD");
    let hash = if unsigned { "UNSIGNED-PAYLOAD".to_owned() } else { hex::encode(Sha256::digest(body)) };
    text.push_str(&hash);
    Some(text)
}

/// The path without `.` and `..`, each part encoded once more than it was sent.
fn canonical_path(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            other => parts.push(other),
        }
    }
    let mut out: String = parts.iter().flat_map(|part| ["/".to_owned(), url_encoded(part.bytes())]).collect();
    if out.is_empty() || path.ends_with('/') {
        out.push('/');
    }
    out
}

fn canonical_query(query: &str) -> String {
    let pairs = query.split('&').filter(|it| !it.is_empty()).map(|it| it.split_once('=').unwrap_or((it, "")));
    let mut pairs: Vec<(String, String)> =
        pairs.map(|(name, value)| (url_encoded(decoded(name)), url_encoded(decoded(value)))).collect();
    pairs.sort_unstable();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// `%XX` decoded; a plus is a plus here.
fn decoded(text: &str) -> Vec<u8> {
    url_decoded(text.replace('+', "%2B").as_bytes()).into_bytes()
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

    use super::super::credential;
    use super::{Signed, canonical_path, canonical_query, verify};

    /// 2015-08-30T12:36:00Z
    const NOW_MS: u64 = 1_440_938_160_000;
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    fn check(method: &str, uri: &str, headers: &[(&str, &str)], body: &str, signature: &str) -> Result<(), String> {
        check_at(NOW_MS, "service", SECRET, (method, uri, headers, body), signature)
    }

    type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str);

    fn check_at(now_ms: u64, service: &str, secret: &str, case: Case<'_>, signature: &str) -> Result<(), String> {
        let (method, uri, headers, body) = case;
        let mut map = HeaderMap::new();
        let mut names: Vec<&str> = Vec::new();
        for (name, value) in headers {
            map.append(name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap());
            if !names.contains(name) {
                names.push(name);
            }
        }
        names.sort_unstable();
        let scope = format!("AKIDEXAMPLE/20150830/us-east-1/{service}/aws4_request");
        let authorization =
            format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={}, Signature={signature}", names.join(";"));
        map.insert("authorization", authorization.parse().unwrap());
        let credential = credential(&map).unwrap();
        let (method, uri): (Method, Uri) = (method.parse().unwrap(), uri.parse().unwrap());
        let request = Signed { method: &method, uri: &uri, headers: &map, body: body.as_bytes() };
        verify(request, &credential, secret, "service", now_ms)
    }

    const DATE: (&str, &str) = ("x-amz-date", "20150830T123600Z");
    const HOST: (&str, &str) = ("host", "example.amazonaws.com");

    type Row<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str, &'a str);

    /// Source: AWS, "Signature Version 4 test suite".
    #[test]
    fn the_published_examples_verify() {
        let form = ("content-type", "application/x-www-form-urlencoded");
        let rows: [Row<'_>; 5] = [
            ("GET", "/", &[HOST, DATE], "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            (
                "GET",
                "/?Param2=value2&Param1=value1",
                &[HOST, DATE],
                "",
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
            ("POST", "/", &[HOST, DATE], "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
            (
                "POST",
                "/",
                &[form, HOST, DATE],
                "Param1=value1",
                "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
            ),
            (
                "GET",
                "/example/..",
                &[HOST, DATE],
                "",
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            ),
        ];
        for (method, uri, headers, body, signature) in rows {
            assert_eq!(check(method, uri, headers, body, signature), Ok(()), "{method} {uri}");
        }
    }

    #[test]
    fn what_is_changed_does_not_verify() {
        const GOOD: &str = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
        let post: Case<'_> = ("POST", "/", &[HOST, DATE], "");
        let at = |seconds: i64| NOW_MS.checked_add_signed(seconds * 1000).unwrap();
        assert_eq!(check_at(at(900), "service", SECRET, post, GOOD), Ok(()));
        assert_eq!(check_at(at(-900), "service", SECRET, post, GOOD), Ok(()));
        let rows = [
            (check_at(NOW_MS, "service", "other", post, GOOD), "The request signature we calculated does not match"),
            (check_at(NOW_MS, "ecs", SECRET, post, GOOD), "Credential should be scoped to correct service: 'service'."),
            (
                check_at(at(901), "service", SECRET, post, GOOD),
                "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T125101Z - 15 min.)",
            ),
            (
                check_at(at(-901), "service", SECRET, post, GOOD),
                "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z",
            ),
            (check("POST", "/", &[HOST, DATE], "x", GOOD), "The request signature we calculated"),
            (check("GET", "/", &[HOST, DATE], "", GOOD), "The request signature we calculated"),
            (check("POST", "/?x", &[HOST, DATE], "", GOOD), "The request signature we calculated"),
            (check("POST", "/", &[("host", "127.0.0.1"), DATE], "", GOOD), "The request signature we calculated"),
            (check("POST", "/", &[HOST, DATE], "", "zz"), "The request signature we calculated"),
            (check("POST", "/", &[HOST, DATE], "", ""), "The request signature we calculated"),
            (check("POST", "/", &[DATE], "", GOOD), "'Host' or ':authority' must be a 'SignedHeader'"),
            (check("POST", "/", &[HOST], "", GOOD), "Authorization header requires existence of either"),
            (
                check("POST", "/", &[HOST, ("x-amz-date", "20150831T123600Z")], "", GOOD),
                "Date in Credential scope does not match",
            ),
        ];
        for (at, (result, want)) in rows.into_iter().enumerate() {
            let err = result.unwrap_err();
            assert!(err.starts_with(want), "{at}: {err}");
        }
    }

    #[test]
    fn paths_and_queries() {
        for (path, want) in [("/", "/"), ("//a/./b/../c/", "/a/c/"), ("/a%20b", "/a%2520b"), ("/..", "/")] {
            assert_eq!(canonical_path(path), want);
        }
        for (query, want) in [("b=2&a=1&a", "a=&a=1&b=2"), ("x=a+b%2Fc", "x=a%2Bb%2Fc"), ("", "")] {
            assert_eq!(canonical_query(query), want);
        }
    }
}
