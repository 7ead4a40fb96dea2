//! Roles for whoever has an ID token.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use wfrun_aws::{Account, AccountSettings, Clock, Endpoint, Injection, Keys, WebIdentityError};

use crate::support::{Answer, World, news_api, percent_encoded, settings};

const ROLE: &str = "arn:aws:iam::123456789012:role/deploys/deploy";
const NOW_S: u64 = 1_800_000_000;

/// A provider whose tokens are words.
fn verify(token: &str) -> Result<Map<String, Value>, WebIdentityError> {
    let audience = match token {
        "good" => json!("sts.amazonaws.com"),
        "several" => json!(["a", "sts.amazonaws.com"]),
        "another" => json!("https://github.com/octo"),
        "old" => return Err(WebIdentityError::Expired { until: 1_700_000_000 }),
        "forged" => return Err(WebIdentityError::Unverified),
        "elsewhere" => return Err(WebIdentityError::UnknownIssuer { issuer: "https://example.com".to_owned() }),
        _ => return Err(WebIdentityError::Malformed),
    };
    let claims =
        json!({"iss": "https://token.actions.githubusercontent.com", "sub": "repo:o/r:ref:x", "aud": audience});
    Ok(claims.as_object().cloned().unwrap_or_default())
}

async fn world() -> (World, Arc<AtomicU64>, TempDir) {
    world_with("", Vec::new()).await
}

async fn world_with(file: &str, injections: Vec<Injection>) -> (World, Arc<AtomicU64>, TempDir) {
    let (mut world, folder) = World::new().await;
    let now_ms = Arc::new(AtomicU64::new(NOW_S * 1000));
    let clock = Arc::clone(&now_ms);
    let clock = Clock::from_fn(move || clock.load(Ordering::Relaxed));
    let (calls, place) = (Arc::clone(&world.calls), folder.path().join("trusting"));
    std::fs::create_dir(&place).expect("a folder");
    let observer = move |call| calls.lock().expect("no panic").push(call);
    let settings = AccountSettings { injections, ..settings(&place, file, news_api()) };
    let (account, _) = Account::open_with_clock(settings, clock.clone(), observer).expect("an account");
    let account = Arc::new(account.trusting(verify));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
    world.endpoint = Endpoint::start(Arc::clone(&account), listener).await.expect("the endpoint starts");
    world.keys = account.mint_root_keys();
    world.account = account;
    world.clock = clock;
    (world, now_ms, folder)
}

async fn assume(world: &World, role: &str, token: &str, more: &str) -> Answer {
    let body = format!(
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn={role}&RoleSessionName=GitHubActions\
         &WebIdentityToken={token}{more}"
    );
    world.send("POST", "/", &[("Content-Type", "application/x-www-form-urlencoded")], body.as_bytes()).await
}

fn element<'a>(xml: &'a str, name: &str) -> &'a str {
    let (_, rest) = xml.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("no {name}: {xml}"));
    rest.split_once("</").map_or(rest, |(text, _)| text)
}

async fn who(world: &mut World, keys: &Keys, token: &str) -> Answer {
    world.keys = keys.clone();
    let authorization = world.authorization("sts");
    let headers = [("Authorization", authorization.as_str()), ("X-Amz-Security-Token", token)];
    world.send("POST", "/", &headers, b"Action=GetCallerIdentity&Version=2011-06-15").await
}

fn session_keys(text: &str) -> Keys {
    Keys {
        access_key_id: element(text, "AccessKeyId").to_owned(),
        secret_access_key: element(text, "SecretAccessKey").to_owned(),
    }
}

/// Source: AWS STS API reference, `AssumeRoleWithWebIdentity`.
#[tokio::test]
async fn a_token_opens_a_session_that_ends() {
    let (mut world, now_ms, _folder) = world().await;
    let answer = assume(&world, ROLE, "good", "&DurationSeconds=900").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let text = answer.text();
    assert_eq!(element(&text, "Arn"), "arn:aws:sts::123456789012:assumed-role/deploy/GitHubActions");
    assert_eq!(element(&text, "SubjectFromWebIdentityToken"), "repo:o/r:ref:x");
    assert_eq!(element(&text, "Audience"), "sts.amazonaws.com");
    assert_eq!(element(&text, "Expiration"), "2027-01-15T08:15:00Z");
    let provider = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";
    assert_eq!(element(&text, "Provider"), provider);
    let keys = session_keys(&text);
    let (key, token) = (&keys.access_key_id, element(&text, "SessionToken"));
    assert!(key.starts_with("ASIA") && key.len() == 20, "{key}");

    let told = who(&mut world, &keys, token).await.text();
    assert_eq!(element(&told, "Arn"), "arn:aws:sts::123456789012:assumed-role/deploy/GitHubActions");
    let id = element(&told, "UserId");
    assert!(id.starts_with("AROA") && id.ends_with(":GitHubActions"), "{id}");
    assert_eq!(element(&text, "AssumedRoleId"), id);

    let wrong = who(&mut world, &keys, "x").await;
    assert_eq!((wrong.status, element(&wrong.text(), "Code")), (403, "InvalidClientTokenId"));
    now_ms.fetch_add(900_000, Ordering::Relaxed);
    let late = who(&mut world, &keys, token).await;
    assert_eq!((late.status, element(&late.text(), "Code")), (403, "ExpiredToken"));

    let several = assume(&world, ROLE, "several", "").await.text();
    assert_eq!(element(&several, "Expiration"), "2027-01-15T09:15:00Z");
    assert_eq!(element(&several, "AssumedRoleId"), id, "the same role has the same id");
    let calls = world.calls.lock().expect("no panic");
    let call = calls.iter().find(|it| it.operation == "AssumeRoleWithWebIdentity").expect("it was told");
    assert_eq!((call.status, call.allowed, &call.principal), (200, true, &None));
}

#[tokio::test]
async fn what_is_refused_and_how() {
    let (world, _, _folder) = world().await;
    let key = "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity \
               documentation for requirements";
    let old = format!("Token expired: current date/time {NOW_S} must be before the expiration date/time 1700000000");
    let jwt = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)";
    let elsewhere = "arn:aws:iam::999999999999:role/deploy";
    let rows: [(&str, &str, &str, u16, &str, &str); 9] = [
        (ROLE, "garbage", "", 400, "InvalidIdentityToken", jwt),
        (ROLE, "forged", "", 400, "InvalidIdentityToken", key),
        (ROLE, "another", "", 400, "InvalidIdentityToken", "Incorrect token audience"),
        (
            ROLE,
            "elsewhere",
            "",
            400,
            "InvalidIdentityToken",
            "No OpenIDConnect provider found in your account for https://example.com",
        ),
        (ROLE, "old", "", 400, "ExpiredTokenException", &old),
        (elsewhere, "good", "", 403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"),
        ("deploy", "good", "", 400, "ValidationError", "deploy is invalid"),
        (ROLE, "good", "&DurationSeconds=7200", 400, "ValidationError", "The requested DurationSeconds exceeds"),
        (ROLE, "", "", 400, "ValidationError", "1 validation error detected: Value null at 'webIdentityToken'"),
    ];
    for (role, token, more, status, code, message) in rows {
        let answer = assume(&world, role, token, more).await;
        let text = answer.text();
        assert_eq!((answer.status, element(&text, "Code")), (status, code), "{token} {text}");
        assert!(element(&text, "Message").starts_with(message), "{token}: {text}");
    }
}

#[tokio::test]
async fn an_account_that_trusts_nobody_takes_no_token() {
    let (world, _folder) = World::new().await;
    let answer = assume(&world, ROLE, "good", "").await;
    assert_eq!((answer.status, element(&answer.text(), "Code")), (400, "InvalidIdentityToken"));
}

#[tokio::test]
async fn the_permission_to_play_a_role_can_be_taken_away() {
    for (action, status) in [("sts:AssumeRoleWithWebIdentity", 403), ("sts:AssumeRole", 200)] {
        let denied = Injection::IamDeny { action: action.to_owned() };
        let (world, _, _folder) = world_with("", vec![denied]).await;
        let answer = assume(&world, ROLE, "good", "").await;
        let text = answer.text();
        assert_eq!(answer.status, status, "{action}: {text}");
        if status == 403 {
            assert_eq!(element(&text, "Code"), "AccessDenied");
            assert_eq!(element(&text, "Message"), "Not authorized to perform sts:AssumeRoleWithWebIdentity");
        }
    }
}

/// Source: the AWS rules 2.7, `AssumeRoleWithWebIdentity`.
#[tokio::test]
async fn a_role_that_is_in_iam_lets_in_whom_its_trust_policy_means() {
    let (world, _, _folder) = world_with("iam: { mode: enforce }", Vec::new()).await;
    let role = |name: &str, subject: &str| {
        let provider = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";
        let trust = json!({ "Version": "2012-10-17", "Statement": {
            "Effect": "Allow", "Principal": { "Federated": provider }, "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": { "token.actions.githubusercontent.com:aud": "sts.amazonaws.com" },
                "StringLike": { "token.actions.githubusercontent.com:sub": subject },
            },
        } });
        let trust = percent_encoded(&trust.to_string());
        format!("&RoleName={name}&AssumeRolePolicyDocument={trust}")
    };
    for (name, subject) in [("mine", "repo:o/r:*"), ("other", "repo:o/other:*")] {
        assert_eq!(world.query("iam", "CreateRole", &role(name, subject)).await.status, 200);
    }
    let answer = assume(&world, "arn:aws:iam::123456789012:role/mine", "good", "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = assume(&world, "arn:aws:iam::123456789012:role/other", "good", "").await;
    let text = answer.text();
    assert_eq!((answer.status, element(&text, "Code")), (403, "AccessDenied"));
    assert_eq!(element(&text, "Message"), "Not authorized to perform sts:AssumeRoleWithWebIdentity");
    let report = world.account.permission_report();
    assert_eq!(report.denied[0].reason, "the role's trust policy does not allow it");
    let provider = "&Url=https://token.actions.githubusercontent.com&ClientIDList.member.1=other";
    assert_eq!(world.query("iam", "CreateOpenIDConnectProvider", provider).await.status, 200);
    let answer = assume(&world, "arn:aws:iam::123456789012:role/mine", "good", "").await.text();
    assert_eq!(element(&answer, "Message"), "Incorrect token audience");
}
