//! Deployments that the account's circuit breaker gave up, told to people when they happen: clients often show less.
use std::collections::HashSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};
use wfrun_aws::{Account, FailedService, RollingService};
use wfrun_engine::FactKind;
use wfrun_plan::JobKey;

use crate::DockerLauncher;

/// How often it is looked for them.
const LOOK: Duration = Duration::from_millis(100);
/// So long an end waits until a person has been told: whoever takes facts may have much to do.
const LAST_LOOK: Duration = Duration::from_secs(5);
/// So long a job's end waits for deployments for which none of its steps waited.
const ROLLOUTS: Duration = Duration::from_secs(3);

/// Tells each failed deployment once, at once: a task that ignores SIGTERM takes long to stop, and the run may be over then.
pub(crate) struct FailedDeployments {
    account: Weak<Account>,
    tasks: Option<Arc<DockerLauncher>>,
    facts: mpsc::Sender<FactKind>,
    /// Held while one is being told.
    told: Mutex<HashSet<String>>,
    /// Deployments that go on, and need not be waited for or told of again.
    going_on: Mutex<HashSet<String>>,
}

impl FailedDeployments {
    /// Those that an earlier run left are known already.
    pub(crate) fn new(
        account: &Arc<Account>,
        tasks: Option<Arc<DockerLauncher>>,
        facts: mpsc::Sender<FactKind>,
    ) -> Arc<Self> {
        let known = account.failed_services().into_iter().map(|it| it.deployment.id).collect();
        let going_on = account.rolling_services().into_iter().map(|it| it.deployment).collect();
        let account = Arc::downgrade(account);
        Arc::new(Self { account, tasks, facts, told: Mutex::new(known), going_on: Mutex::new(going_on) })
    }

    /// Looks again and again, until nobody else holds it.
    pub(crate) async fn watch(this: Weak<Self>) {
        while let Some(this) = this.upgrade() {
            this.look().await;
            drop(this);
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits a moment, at the end of a job, for deployments that no step waited for: one that fails is told then. What goes on is told.
    ///
    /// Differs: the end of a job waits up to 3 s for what is being deployed in the emulated account, so that a failure is seen for which
    /// no step waits.
    pub(crate) async fn wait_for_rollouts(&self, job: &JobKey) {
        let mut going_on = self.going_on.lock().await;
        let rolling = || {
            let all = self.account.upgrade().map(|it| it.rolling_services()).unwrap_or_default();
            all.into_iter().filter(|it| !going_on.contains(&it.deployment)).collect::<Vec<_>>()
        };
        let settled = async {
            while !rolling().is_empty() {
                tokio::time::sleep(LOOK).await;
            }
        };
        if tokio::time::timeout(ROLLOUTS, settled).await.is_ok() {
            return;
        }
        for RollingService { cluster, service, deployment } in rolling() {
            going_on.insert(deployment.clone());
            let message = format!(
                "job `{job}` ends while deployment {deployment} of service `{service}` in cluster `{cluster}` goes on, so that no step of it \
                 sees whether it fails: `wait-for-service-stability: true` or `aws ecs wait services-stable` waits for it"
            );
            self.facts.send(FactKind::Noticed(message)).await.ok();
        }
    }

    /// Looks once more, before an end; what is being told meanwhile is waited for.
    pub(crate) async fn look_at_last(&self) {
        if tokio::time::timeout(LAST_LOOK, self.look()).await.is_err() {
            tracing::warn!("a failed deployment was not told in time");
        }
    }

    async fn look(&self) {
        let mut told = self.told.lock().await;
        let failed = self.account.upgrade().map(|it| it.failed_services()).unwrap_or_default();
        for mut failed in failed {
            if told.contains(&failed.deployment.id) {
                continue;
            }
            if failed.is_ending && failed.deployment.last_lines.is_empty() {
                failed.deployment.last_lines = self.lines_by_now(&failed);
            }
            self.facts.send(FactKind::Warned(sentence(&failed))).await.ok();
            told.insert(failed.deployment.id);
        }
    }

    /// What a task that is still being stopped has printed.
    fn lines_by_now(&self, FailedService { cluster, service, deployment, .. }: &FailedService) -> Vec<String> {
        let tasks = self.tasks.as_ref();
        tasks.map(|it| it.lines_by_now(cluster, service, &deployment.task_definition)).unwrap_or_default()
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
