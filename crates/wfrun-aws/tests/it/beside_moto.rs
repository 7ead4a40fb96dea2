//! The account and moto, side by side on one script; `docs/aws.md` has the table. Skipped, visibly, where moto is not installed.

use crate::clients::{command, is_there, skipped};
use crate::support::World;

/// What docs/aws.md says moto does with an operation.
fn documented(service: &str, operation: &str) -> Option<String> {
    let text = include_str!("../../../../docs/aws.md");
    let section = text.split("\n### ").find(|it| it.lines().next() == Some(service))?;
    let row = section.lines().find(|it| it.starts_with(&format!("| `{operation}` |")))?;
    row.split(" | ").nth(2).map(|it| it.trim_end_matches(" |").to_owned())
}

#[tokio::test]
async fn beside_moto() {
    // Others do other things: the table is about this one.
    let version = "import boto3, moto, moto.server; assert moto.__version__ == '5.2.5'";
    if !is_there("python3", &["-c", version]).await {
        return skipped("Python 3 has no boto3 and no moto 5.2.5 with its server");
    }
    let (world, _folder) = World::new().await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/beside_moto.py");
    let output = command("python3", &world).arg(script).output().await.expect("Python starts");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let mut compared = 0;
    for line in stdout.lines() {
        let [service, operation, verdict] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}\n{stderr}");
        };
        assert!(!verdict.contains("WRONG"), "{line}");
        if service == "deployments" {
            assert!(verdict.starts_with("2 here"), "{line}");
            continue;
        }
        let moto =
            documented(service, operation).unwrap_or_else(|| panic!("{service}:{operation} is not in the table"));
        let begin = if verdict.contains("not in moto") { "no" } else { "yes" };
        assert!(moto == begin || moto.starts_with(&format!("{begin}, ")), "{line}: docs/aws.md says {moto:?}");
        compared += 1;
    }
    assert!(output.status.success(), "{stderr}");
    assert!(compared > 150, "{compared} operations\n{stderr}");
}
