use serde_json::{Value, json};

use crate::client::{Answer, Job, MAIN, Server, send};

fn claims() -> Vec<(String, String)> {
    let all = [("sub", "repo:octo/demo:ref:refs/heads/main"), ("repository_owner", "octo"), ("run_number", "3")];
    all.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

async fn get(url: &str, token: Option<&str>) -> Answer {
    let authorization = token.map(|it| format!("Bearer {it}"));
    let headers: Vec<_> = authorization.iter().map(|it| ("authorization", it.as_str())).collect();
    send("GET", url, &headers, None).await
}

async fn ask(url: &str, job: &Job) -> Answer {
    get(url, Some(&job.token)).await
}

/// What a token says; whether it is signed is looked at elsewhere.
fn said(answer: &Answer) -> Value {
    use base64::Engine as _;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    let token = answer["value"].as_str().expect("a token");
    assert_eq!(answer["count"], token.len());
    let part = token.split('.').nth(1).expect("claims");
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// Source: GitHub: execution rules E9.8.
#[tokio::test]
async fn a_job_gets_tokens_for_its_audience() {
    let store = tempfile::tempdir().expect("a folder");
    let server = Server::start(store.path()).await;
    let job = server.job("asks", &[MAIN]);
    let url = server.services.allow_id_tokens(&job.token, claims());
    assert!(url.contains('?'), "clients append to the query: {url}");
    let own = said(&ask(&url, &job).await);
    assert_eq!(
        (&own["aud"], &own["sub"]),
        (&json!("https://github.com/octo"), &json!("repo:octo/demo:ref:refs/heads/main"))
    );
    assert_eq!(own["iss"], "https://token.actions.githubusercontent.com");
    assert_eq!(said(&ask(&format!("{url}&audience=api%3A%2F%2Fa%20b"), &job).await)["aud"], "api://a b");
    assert_eq!(said(&ask(&format!("{url}&audience="), &job).await)["aud"], "https://github.com/octo");
    assert_eq!(server.calls()[0], "oidc asks GetIDToken 200");
}

#[tokio::test]
async fn others_get_none() {
    let store = tempfile::tempdir().expect("a folder");
    let server = Server::start(store.path()).await;
    let (job, other) = (server.job("asks", &[MAIN]), server.job("other", &[MAIN]));
    let url = server.services.allow_id_tokens(&job.token, claims());
    let elsewhere = tempfile::tempdir().expect("a folder");
    let foreign = Server::start(elsewhere.path()).await.job("asks", &[MAIN]);
    for (token, status) in [(None, 401), (Some("x.y.z"), 401), (Some(&*foreign.token), 401), (Some(&*other.token), 403)]
    {
        let answer = get(&url, token).await;
        assert_eq!(answer.status, status, "{token:?}");
        assert!(answer.json()["message"].is_string() && answer.json()["value"].is_null(), "{}", answer.text());
    }
    assert_eq!(server.calls().last().expect("a call"), "oidc other GetIDToken 403");
    assert_eq!(send("POST", &url, &[], Some(b"")).await.status, 405);
}

#[tokio::test]
async fn verifiers_find_the_keys() {
    let store = tempfile::tempdir().expect("a folder");
    let server = Server::start(store.path()).await;
    let document = get(&format!("{}.well-known/openid-configuration", server.services.url()), None).await.json();
    assert_eq!(document["issuer"], "https://token.actions.githubusercontent.com");
    let keys = get(document["jwks_uri"].as_str().expect("an address"), None).await.json();
    let key = &keys["keys"][0];
    assert_eq!(
        (&key["kty"], &key["alg"], &key["use"], &key["e"]),
        (&json!("RSA"), &json!("RS256"), &json!("sig"), &json!("AQAB"))
    );
    assert!(key["d"].is_null() && key["p"].is_null(), "only the public half");
    assert_eq!(server.calls(), ["oidc  openid-configuration 200", "oidc  jwks 200"]);
}

#[tokio::test]
async fn a_key_that_cannot_be_made_is_told() {
    let store = tempfile::tempdir().expect("a folder");
    std::fs::write(store.path().join("oidc"), b"").expect("a file where the folder would be");
    let server = Server::start(store.path()).await;
    let job = server.job("asks", &[MAIN]);
    let url = server.services.allow_id_tokens(&job.token, claims());
    let answer = ask(&url, &job).await;
    let message = answer.json()["message"].as_str().unwrap_or_default().to_owned();
    assert!(answer.status == 500 && message.contains("the key of ID tokens"), "{message}");
}
