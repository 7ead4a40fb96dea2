//! Everything an account remembers.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::ecr::Ecr;
use crate::ecs::{Ecs, Task, TaskStatus};
use crate::elbv2::Elbv2;
use crate::iam::{Iam, User};
use crate::logs::Logs;

/// The state file's content.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct State {
    /// Unique ids of IAM users by name, as earlier versions kept them; see [`State::take_over_users`].
    pub(crate) users: IndexMap<String, String>,
    #[serde(default)]
    pub(crate) iam: Iam,
    /// Digests of the task definition files that were registered, by path as the account file has it.
    pub(crate) registered_files: IndexMap<String, String>,
    /// What exists in each region.
    pub(crate) regions: IndexMap<String, Region>,
}

impl State {
    /// Users that an earlier version wrote become IAM's.
    pub(crate) fn take_over_users(&mut self, now_ms: u64) {
        for (name, id) in std::mem::take(&mut self.users) {
            self.iam.users.entry(name).or_insert_with(|| User::new(id, now_ms));
        }
    }

    /// Stopped tasks can be described for an hour, on AWS; here at least as long as the account is open.
    ///
    /// Source: AWS ECS API reference, `DescribeTasks`.
    pub(crate) fn forget_old_tasks(&mut self, now_ms: u64) {
        const KEPT_MS: u64 = 3_600_000;
        // One that is being stopped may still be a target of a load balancer.
        let is_kept = |task: &Task| {
            let stopped_at_ms = task.stop.as_ref().map_or(0, |stop| stop.at_ms);
            task.status != TaskStatus::Stopped || stopped_at_ms + KEPT_MS > now_ms
        };
        for cluster in self.regions.values_mut().flat_map(|region| region.ecs.clusters.values_mut()) {
            cluster.tasks.retain(is_kept);
            cluster.services.values_mut().for_each(|service| service.tasks.retain(is_kept));
        }
    }
}

/// What exists in a region.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Region {
    pub(crate) ecr: Ecr,
    pub(crate) ecs: Ecs,
    #[serde(default)]
    pub(crate) elbv2: Elbv2,
    #[serde(default)]
    pub(crate) logs: Logs,
}
