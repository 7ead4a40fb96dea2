use wfrun_backend::{Scripted, ScriptedReply};

use crate::support::{collect, open};

#[tokio::test]
async fn a_function_answers() {
    let backend = Scripted::new().on(|exec| match exec.argv.last().map(String::as_str) {
        Some("fail") => ScriptedReply { code: 1, lines: vec!["no".to_owned(), "really".to_owned()] },
        _ => ScriptedReply::default(),
    });
    let place = open(&backend).await;
    let ended = place.run("fail").await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), "no\nreally\n"));
    assert_eq!(place.run("pass").await.code, Some(0));
    assert_eq!(place.environment.which("git").await.as_deref(), Some("/usr/bin/git"));
    let process = place.environment.spawn(place.exec(&["fail"])).await.expect("there");
    place.close().await;
    assert_eq!(collect(process).await.code, Some(1), "what was asked before the end is answered");
}
