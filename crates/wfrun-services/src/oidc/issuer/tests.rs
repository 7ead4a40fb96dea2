use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::super::claims::claims;
use super::{IdTokenError, IdTokenIssuer};

fn job() -> Vec<(String, String)> {
    [("sub", "repo:o/r:ref:refs/heads/main"), ("repository_owner", "o"), ("run_number", "3")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
}

/// A token with its claims changed, and signed by `issuer` if there is one.
fn changed(token: &str, issuer: Option<&IdTokenIssuer>, change: impl FnOnce(&mut Value)) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    let mut claims: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).expect("base64url")).expect("JSON");
    change(&mut claims);
    let signed = format!("{}.{}", parts[0], URL_SAFE_NO_PAD.encode(claims.to_string()));
    let signature = match issuer {
        Some(issuer) => {
            let key = issuer.key().expect("a key");
            URL_SAFE_NO_PAD.encode(key.sign(&signed).expect("a signature"))
        }
        None => parts[2].to_owned(),
    };
    format!("{signed}.{signature}")
}

#[test]
fn only_its_own_tokens_are_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    let issuer = IdTokenIssuer::new(&folder.path().join("one"));
    let token = issuer.issue(&job(), Some("sts.amazonaws.com")).expect("a token");
    let claims = issuer.verify(&token).expect("its own token");
    assert_eq!((&claims["aud"], &claims["sub"]), (&json!("sts.amazonaws.com"), &json!("repo:o/r:ref:refs/heads/main")));
    let refused = |token: &str| issuer.verify(token).expect_err(token);
    let other = IdTokenIssuer::new(&folder.path().join("other")).issue(&job(), None).expect("a token");
    assert!(matches!(refused(&other), IdTokenError::Foreign));
    let claim = |it: &mut Value| it["sub"] = json!("repo:o/r:environment:production");
    assert!(matches!(refused(&changed(&token, None, claim)), IdTokenError::Foreign));
    let iss = |it: &mut Value| it["iss"] = json!("https://example.com");
    let elsewhere = refused(&changed(&token, Some(&issuer), iss));
    assert!(matches!(elsewhere, IdTokenError::OtherIssuer { issuer } if issuer == "https://example.com"));
    let old = |it: &mut Value| it["exp"] = json!(1_700_000_000);
    assert!(matches!(refused(&changed(&token, Some(&issuer), old)), IdTokenError::Expired { .. }));
    let later = |it: &mut Value| it["nbf"] = json!(9_000_000_000_i64);
    assert!(matches!(refused(&changed(&token, Some(&issuer), later)), IdTokenError::Expired { .. }));
    // The header that asks for no signature at all.
    let (_, rest) = token.split_once('.').expect("parts");
    let none = format!("{}.{rest}", URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"none"}"#));
    assert!(matches!(refused(&none), IdTokenError::Foreign));
    for garbled in ["", "a", "a.b", "a.b.c", "e30.e30.!", "e30.e30.", "....", "é.é.é"] {
        assert!(matches!(refused(garbled), IdTokenError::Malformed | IdTokenError::OtherIssuer { .. }), "{garbled}");
    }
}

#[test]
fn the_key_is_private_and_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("deep").join("oidc");
    let token = IdTokenIssuer::new(&place).issue(&job(), None).expect("a token");
    let files: Vec<_> = std::fs::read_dir(&place).expect("the folder").map(|it| it.expect("a file").path()).collect();
    let mode = |path: &std::path::Path| std::fs::metadata(path).expect("a file").permissions().mode() & 0o777;
    assert_eq!((files.len(), mode(&files[0]), mode(&place)), (1, 0o600, 0o700));
    IdTokenIssuer::new(&place).verify(&token).expect("the same key in another process");
    std::fs::write(&files[0], "no key").expect("written");
    let err = IdTokenIssuer::new(&place).issue(&job(), None).expect_err("a broken key is not replaced");
    assert!(matches!(err, IdTokenError::Key { .. }), "{err}");
}

#[test]
fn those_who_make_it_at_once_share_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let issuers = [(); 3].map(|()| IdTokenIssuer::new(folder.path()));
    std::thread::scope(|scope| issuers.iter().for_each(|it| drop(scope.spawn(|| it.keys().expect("keys")))));
    let keys = issuers.map(|it| it.keys().expect("keys").to_string());
    assert!(keys.iter().all(|it| *it == keys[0]), "{keys:?}");
}

/// Source: GitHub: execution rules E9.8: all values are text, but for the times.
#[test]
fn types_of_claims() {
    let claims = claims(&job(), None, 1_000_000);
    assert_eq!(claims["aud"], "https://github.com/o");
    for (name, value) in &claims {
        assert_eq!(value.is_number(), ["nbf", "exp", "iat"].contains(&name.as_str()), "{name}: {value}");
    }
    assert_eq!(
        (&claims["nbf"], &claims["iat"], &claims["exp"]),
        (&json!(999_400), &json!(1_000_000), &json!(1_000_300))
    );
    let other = super::super::claims::claims(&job(), None, 1_000_000);
    assert_ne!(claims["jti"], other["jti"]);
}
