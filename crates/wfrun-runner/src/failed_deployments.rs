//! Deployments that the account's circuit breaker gave up, told to people when they happen: clients often show less.
use std::collections::{HashMap, HashSet};
use std::sync::Weak;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use wfrun_aws::{Account, FailedService};
use wfrun_engine::FactKind;

/// How often it is looked for them.
const LOOK: Duration = Duration::from_millis(100);
/// So long is waited for the last lines of a task that is still being stopped.
const PATIENCE: Duration = Duration::from_secs(3);

/// Tells each failed deployment once, until the account is gone. Those that an earlier run left are known already.
pub(crate) async fn watch(account: Weak<Account>, facts: mpsc::Sender<FactKind>) {
    let mut told: HashSet<String> = match account.upgrade() {
        Some(account) => account.failed_services().into_iter().map(|it| it.deployment.id).collect(),
        None => return,
    };
    let mut pending: HashMap<String, Instant> = HashMap::new();
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(account) = account.upgrade() else { return };
        for failed in account.failed_services() {
            let id = &failed.deployment.id;
            if told.contains(id) {
                continue;
            }
            let since = *pending.entry(id.clone()).or_insert_with(Instant::now);
            if failed.is_ending && since.elapsed() < PATIENCE {
                continue;
            }
            let message = sentence(&failed);
            told.insert(failed.deployment.id);
            facts.send(FactKind::Warned(message)).await.ok();
        }
    }
}

/// What is told: the deployment, why its last task stopped, and what that printed.
fn sentence(FailedService { cluster, service, deployment: failed, .. }: &FailedService) -> String {
    let definition = failed.task_definition.rsplit('/').next().unwrap_or_default();
    let code = failed.exit_code.map(|code| format!(" (exit code {code})")).unwrap_or_default();
    let head = format!(
        "deployment {} of service `{service}` in cluster `{cluster}` failed: tasks of {definition} did not become healthy; the last one: \
         {}{code}",
        failed.id, failed.reason
    );
    let lines = failed.last_lines.iter().map(|line| format!("\n  | {line}"));
    [head].into_iter().chain(lines).collect()
}

#[cfg(test)]
mod tests {
    use wfrun_aws::FailedDeployment;

    use super::*;

    #[test]
    fn the_last_lines_stand_below() {
        let deployment = FailedDeployment {
            id: "ecs-svc/7".to_owned(),
            task_definition: "arn:aws:ecs:us-east-1:123456789012:task-definition/api:2".to_owned(),
            reason: "Essential container in task exited".to_owned(),
            exit_code: Some(1),
            last_lines: vec!["Traceback".to_owned(), "KeyError: 'DATABASE_URL'".to_owned()],
        };
        let failed = FailedService { cluster: "c".to_owned(), service: "s".to_owned(), deployment, is_ending: false };
        assert_eq!(
            sentence(&failed),
            "deployment ecs-svc/7 of service `s` in cluster `c` failed: tasks of api:2 did not become healthy; the last one: Essential \
             container in task exited (exit code 1)\n  | Traceback\n  | KeyError: 'DATABASE_URL'"
        );
    }
}
