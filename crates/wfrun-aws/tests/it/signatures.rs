//! Who signed, and whether it is true.

use serde_json::json;
use wfrun_aws::Keys;

use crate::support::World;

/// Source: the AWS rules 2.3, "Auth errors".
#[tokio::test]
async fn a_wrong_secret_is_noticed() {
    let (world, _folder) = World::new().await;
    let good = world.keys.clone();
    let wrong = Keys { secret_access_key: "x".repeat(40), ..good.clone() };
    let world = world.acting_as(wrong.clone());
    let (code, message) = world.refused("ecs", "ListTasks", &json!({})).await;
    assert_eq!(code, "InvalidSignatureException");
    assert!(message.starts_with("The request signature we calculated does not match the signature you provided."));
    let answer = world.query("sts", "GetCallerIdentity", "").await;
    assert_eq!(answer.status, 403);
    assert!(answer.text().contains("<Code>SignatureDoesNotMatch</Code>"), "{}", answer.text());
    assert!(world.calls.lock().unwrap().iter().all(|call| !call.allowed && call.principal.is_none()));

    let (world, _folder) = World::with_file("auth: { verify: none }").await;
    let wrong = Keys { secret_access_key: "x".repeat(40), ..world.keys.clone() };
    let world = world.acting_as(wrong);
    assert_eq!(world.query("sts", "GetCallerIdentity", "").await.status, 200);
}

#[tokio::test]
async fn keys_that_nobody_has() {
    for (file, is_root) in [
        ("", true),
        ("iam: { mode: report }", true),
        ("iam: { mode: enforce }", false),
        ("auth: { unknown_keys: reject }", false),
        ("{ iam: { mode: enforce }, auth: { unknown_keys: accept-as-root } }", true),
    ] {
        let (world, _folder) = World::with_file(file).await;
        let unknown = Keys { access_key_id: "AKIAUNKNOWN".to_owned(), secret_access_key: "x".to_owned() };
        let world = world.acting_as(unknown);
        let answer = world.query("sts", "GetCallerIdentity", "").await;
        let text = answer.text();
        if is_root {
            assert!(text.contains("<Arn>arn:aws:iam::123456789012:root</Arn>"), "{file}: {text}");
        } else {
            let words =
                "<Code>InvalidClientTokenId</Code><Message>The security token included in the request is invalid.";
            assert!(answer.status == 403 && text.contains(words), "{file}: {text}");
            let (code, _) = world.refused("ecs", "ListTasks", &json!({})).await;
            assert_eq!(code, "UnrecognizedClientException");
        }
    }
}
