//! Who may not ask, what is not served, and clients that mean harm.

use serde_json::{Value, json};
use wfrun_services::Access::{self, Read, Write};
use wfrun_services::ApiNote;

use super::hub::{EVERYTHING, Hub};
use super::{check, none};

/// Scopes, a call with its body, the status, and the permissions that the answer names.
type Allowed<'a> = (&'a [(&'a str, Access)], &'a str, &'a Value, u16, &'a str);

/// Source: GitHub: "Permissions required for GitHub Apps".
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn permissions() {
    let release = json!({"tag_name": "v9"});
    let comment = json!({"body": "x"});
    let table: &[Allowed<'_>] = &[
        (&[("contents", Write)], "POST /releases", &release, 201, "contents=write"),
        (&[("contents", Read)], "POST /releases", &release, 403, "contents=write"),
        (&[], "GET /contents", &Value::Null, 403, "contents=read"),
        (&[("contents", Read)], "GET /contents", &Value::Null, 200, "contents=read"),
        (&[], "GET ", &Value::Null, 200, "metadata=read"),
        (&[("pull-requests", Write)], "POST /issues/7/comments", &comment, 201, "issues=write; pull_requests=write"),
        (&[("issues", Write)], "POST /issues/7/comments", &comment, 201, "issues=write; pull_requests=write"),
        (&[("pull-requests", Write)], "POST /issues/3/comments", &comment, 403, "issues=write; pull_requests=write"),
        (&[("pull-requests", Read)], "GET /issues/3", &Value::Null, 403, "issues=read; pull_requests=read"),
        (&[("issues", Read)], "GET /issues/3", &Value::Null, 200, "issues=read; pull_requests=read"),
        (&[("pull-requests", Write)], "POST /issues", &json!({"title": "x"}), 403, "issues=write"),
        (&[("contents", Write)], "POST /statuses/MAIN", &json!({"state": "success"}), 403, "statuses=write"),
        (&[("checks", Write)], "POST /check-runs", &json!({"name": "n", "head_sha": "MAIN"}), 201, "checks=write"),
    ];
    for (scopes, call, body, status, accepted) in table {
        let hub = Hub::new(scopes).await;
        let answer = hub.ask(&hub.filled(call), body).await;
        assert_eq!(answer.status, *status, "{call} with {scopes:?}: {}", answer.text());
        assert_eq!(answer.header("x-accepted-github-permissions"), Some(*accepted), "{call}");
        if *status == 403 {
            check(call, &answer.json(), &["/message=Resource not accessible by integration", "/status=\"403\""]);
            let notes = hub.notes();
            let [ApiNote::Refused(why)] = notes.as_slice() else { panic!("{notes:?}") };
            let scope = accepted.split('=').next().expect("a scope");
            assert!(why.contains(&format!("`{scope}: ")), "{why}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_ask_at_all() {
    let hub = Hub::new(EVERYTHING).await;
    let url = hub.url("");
    for (headers, message) in [
        (&[][..], "Requires authentication"),
        (&[("authorization", "token ghs_nobody")], "Bad credentials"),
        (&[("authorization", "Bearer")], "Bad credentials"),
    ] {
        let answer = crate::client::send("GET", &url, headers, None).await;
        assert_eq!((answer.status, answer.json()["message"].as_str()), (401, Some(message)));
        assert_eq!(answer.json()["documentation_url"], "https://docs.github.com/rest");
    }
}

/// What is not served is never silence: 501, a text, and a note, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_served_says_so() {
    let hub = Hub::new(EVERYTHING).await;
    let origin = hub.origin();
    for (method, path, says) in [
        ("GET", "api/v3/repos/octo/demo/pages", "GET /repos/octo/demo/pages is not served by wfrun"),
        ("DELETE", "api/v3/repos/octo/demo", "DELETE /repos/octo/demo is not served by wfrun"),
        (
            "GET",
            "api/v3/repos/actions/cache/releases/latest",
            "actions/cache is not known to wfrun, which has octo/demo alone",
        ),
        ("GET", "api/v3/orgs/octo", "GET /orgs/octo is not served by wfrun"),
        ("GET", "api/v3", "GET  is not served by wfrun"),
        ("POST", "api/graphql", "GraphQL is not served by wfrun"),
        ("POST", "api/v3/repos/octo/demo/releases/1/assets", "POST /repos/octo/demo/releases/1/assets is not served"),
        ("GET", "api/uploads/repos/octo/demo", "is not served by wfrun"),
    ] {
        for attempt in 1..=2 {
            let answer = hub.send(method, &format!("{origin}{path}"), &[], None).await;
            let message = answer.json()["message"].as_str().expect("a text").to_owned();
            assert_eq!(answer.status, 501, "{method} {path}");
            assert!(message.contains(says) && message.contains("`--real-github`"), "{message}");
            let notes = hub.take_notes();
            assert_eq!(
                notes,
                if attempt == 1 { vec![ApiNote::Unserved(message)] } else { Vec::new() },
                "{method} {path}"
            );
        }
    }
}

/// Texts that GitHub does not take for their length.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_that_are_too_long() {
    let hub = Hub::new(EVERYTHING).await;
    let text = |length: usize| "ä".repeat(length);
    for (call, body, most) in [
        ("POST /issues/7/comments", json!({}), 65_536),
        ("PATCH /issues/7", json!({}), 65_536),
        ("PATCH /pulls/7", json!({}), 65_536),
        ("POST /pulls/7/reviews", json!({"event": "COMMENT"}), 65_536),
        ("POST /releases", json!({"tag_name": "v3"}), 125_000),
        ("POST /statuses/MAIN", json!({"state": "success"}), 140),
    ] {
        let field = if call.contains("statuses") { "description" } else { "body" };
        for (length, is_taken) in [(most + 1, false), (most, true)] {
            let mut body = body.clone();
            body[field] = text(length).into();
            let answer = hub.ask(&hub.filled(call), &body).await;
            assert_eq!(answer.status < 300, is_taken, "{call} {length}: {}", answer.status);
            if !is_taken {
                let message = format!("{field} is too long (maximum is {most} characters)");
                assert_eq!(answer.json()["errors"][0]["message"], message, "{call}");
            }
        }
    }
    let output = json!({"title": "t", "summary": text(65_536)});
    let check = json!({"name": "n", "head_sha": hub.filled("MAIN"), "output": output});
    assert_eq!(hub.ask("POST /check-runs", &check).await.status, 422);
    let many: Vec<Value> = (0..51).map(|_| json!({"path": "a"})).collect();
    let output = json!({"title": "t", "summary": "s", "annotations": many});
    let check = json!({"name": "n", "head_sha": hub.filled("MAIN"), "output": output});
    assert_eq!(hub.ask("POST /check-runs", &check).await.status, 422);
}

/// However much is asked for, what is said of it ends; the calls themselves are all told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notes_have_an_end() {
    let hub = Hub::new(EVERYTHING).await;
    for number in 0..250 {
        assert_eq!(hub.ask(&format!("GET /pages/{number}"), &none()).await.status, 501);
    }
    assert_eq!(hub.notes().len(), 200);
    assert_eq!(hub.server.calls().len(), 250);
}

/// Clients that mean harm.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_clients() {
    let hub = Hub::new(EVERYTHING).await;
    for (call, body, status) in [
        ("GET /contents/..%2F..%2Fetc%2Fpasswd", none(), 422),
        ("GET /contents/%2e%2e/x", none(), 422),
        ("GET /contents/src%2F..%2F..%2Fx", none(), 422),
        ("GET /contents/:(glob)*", none(), 404),
        ("GET /contents/*", none(), 404),
        ("GET /contents/x%00y", none(), 422),
        ("GET /contents/README.md?ref=--output=x", none(), 404),
        ("GET /contents/README.md?ref=main:src", none(), 404),
        ("GET /commits?sha=--all", none(), 404),
        ("GET /commits?author=--all", none(), 200),
        ("GET /commits?path=--all", none(), 200),
        ("GET /commits/-x", none(), 422),
        ("GET /commits/main..feature", none(), 422),
        ("GET /compare/--output=x...main", none(), 404),
        ("GET /git/blobs/..", none(), 404),
        ("GET /git/trees/main:src", none(), 404),
        ("PUT /contents/.git%2F..%2Fx", json!({"message": "m", "content": ""}), 422),
        ("PUT /contents/.git%2Fhooks%2Fx", json!({"message": "m", "content": ""}), 422),
        ("PUT /contents/x", json!({"message": "m", "content": "not base64!"}), 422),
        ("PUT /contents/x", json!({"message": "m", "content": 7}), 422),
        ("POST /git/refs", json!({"ref": "refs/heads/../../x", "sha": "MAIN"}), 422),
        ("POST /git/refs", json!({"ref": "refs/heads/x", "sha": "--all"}), 422),
        ("POST /releases", json!({"tag_name": "--delete"}), 422),
        ("POST /releases", json!({"tag_name": "x", "target_commitish": "--all"}), 422),
        ("GET /issues/99999999999999999999", none(), 404),
        ("GET /issues/7/comments?page=18446744073709551615&per_page=100", none(), 200),
        ("POST /issues/7/comments", json!("text"), 400),
        ("POST /issues/7/comments", json!({"body": ""}), 422),
        ("POST /issues/7/comments", json!({"body": {"a": 1}}), 422),
    ] {
        let answer = hub.ask(&hub.filled(call), &body).await;
        assert_eq!(answer.status, status, "{call}: {}", answer.text());
        assert!(!answer.text().contains("root:"), "{call}");
    }
    let broken = hub.send("POST", &hub.url("/issues"), &[], Some(b"{\"title\":")).await;
    assert_eq!((broken.status, broken.json()["message"].as_str()), (400, Some("Problems parsing JSON")));
    assert!(!hub.is_there("x"), "no file came of an option");
    for (path, status, size) in [
        ("/issues", 413, "10737418240"),
        ("/issues", 413, "3000000"),
        ("/git/blobs", 413, "60000000"),
        ("/releases/1/assets", 501, "10737418240"),
    ] {
        let answer = hub.send("POST", &hub.url(path), &[("content-length", size)], None).await;
        assert_eq!(answer.status, status, "a body of {size} bytes is not read");
    }
    let large = json!({"content": "x".repeat(3_000_000)});
    assert_eq!(hub.ask("POST /git/blobs", &large).await.status, 201, "a file may be that long");
    let release = hub.ask("POST /releases", &json!({"tag_name": "big"})).await.json();
    let address = release["upload_url"].as_str().expect("an address").replace("{?name,label}", "?name=x");
    let answer = hub.send("POST", &address, &[("content-length", "10737418240")], None).await;
    assert_eq!((answer.status, answer.json()["errors"][0]["field"].as_str()), (422, Some("size")));
}
