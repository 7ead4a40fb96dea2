//! What is remembered of a deployment: the service deployments and service revisions of the API.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::model::{Deployment, Service};

/// A deployment of a service, from its begin to its end and beyond. It is also the service's revision of that time.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Record {
    /// The last part of the service deployment's ARN.
    pub(crate) serial: String,
    /// `ecs-svc/` and digits; the digits are the service revision's id.
    pub(crate) deployment: String,
    pub(crate) task_definition: String,
    /// What the service was set to: `networkConfiguration`, `loadBalancers` and others.
    pub(crate) settings: Map<String, Value>,
    /// Image names and the digests they had at the first task.
    pub(crate) digests: IndexMap<String, String>,
    /// The deployments that it replaces.
    pub(crate) sources: Vec<String>,
    pub(crate) created_at_ms: u64,
    pub(crate) updated_at_ms: u64,
    pub(crate) finished_at_ms: Option<u64>,
    pub(crate) status: RecordStatus,
    pub(crate) reason: Option<String>,
    pub(crate) rollback: Option<Rollback>,
    pub(crate) tripped: bool,
    pub(crate) failures: u32,
}

/// Source: AWS ECS API reference, `ServiceDeployment`, `status`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum RecordStatus {
    InProgress,
    Successful,
    Stopped,
    RollbackInProgress,
    RollbackSuccessful,
    RollbackFailed,
}

/// A roll-back from a deployment.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Rollback {
    pub(crate) reason: String,
    pub(crate) started_at_ms: u64,
    /// The deployment that it goes back to.
    pub(crate) to: String,
}

/// The id of a deployment's service revision.
pub(crate) fn revision_id(deployment: &str) -> &str {
    deployment.trim_start_matches("ecs-svc/")
}

impl Service {
    /// How many of the past are kept.
    const RECORDS: usize = 50;

    /// Remembers that the PRIMARY deployment began.
    pub(super) fn record_begin(&mut self, now_ms: u64) {
        for superseded in self.records.iter_mut().filter(|record| record.is_open()) {
            let rolled_back = superseded.status == RecordStatus::RollbackInProgress;
            let status = if rolled_back { RecordStatus::RollbackFailed } else { RecordStatus::Stopped };
            superseded.end(status, Some("Service deployment was superseded by a newer one."), now_ms);
        }
        let Some((primary, others)) = self.deployments.split_first() else { return };
        self.records.push(Record {
            serial: self.deployment_serial.clone(),
            deployment: primary.id.clone(),
            task_definition: primary.task_definition.clone(),
            settings: self.settings.clone(),
            digests: IndexMap::new(),
            sources: others.iter().map(|old| old.id.clone()).collect(),
            created_at_ms: now_ms,
            updated_at_ms: now_ms,
            finished_at_ms: None,
            status: RecordStatus::InProgress,
            reason: None,
            rollback: None,
            tripped: false,
            failures: 0,
        });
        let surplus = self.records.len().saturating_sub(Self::RECORDS);
        self.records.drain(..surplus);
    }

    /// Remembers that a deployment was given up, for `reason`, and what the service goes back to.
    pub(super) fn record_failure(
        &mut self,
        failed: &Deployment,
        tripped: bool,
        reason: &str,
        back_to: Option<&str>,
        now_ms: u64,
    ) {
        let Some(record) = self.records.iter_mut().rfind(|record| record.deployment == failed.id) else { return };
        record.tripped = tripped;
        record.failures = failed.counted_failures;
        record.updated_at_ms = now_ms;
        match back_to {
            Some(to) => {
                record.status = RecordStatus::RollbackInProgress;
                record.reason = Some(reason.to_owned());
                let rollback = Rollback { reason: reason.to_owned(), started_at_ms: now_ms, to: to.to_owned() };
                record.rollback = Some(rollback);
            }
            None => record.end(RecordStatus::Stopped, Some(reason), now_ms),
        }
    }

    /// Remembers that the PRIMARY deployment is complete: its own, or one that was rolled back to it.
    pub(super) fn record_completion(&mut self, now_ms: u64) {
        let Some(record) = self.records.iter_mut().rfind(|record| record.is_open()) else { return };
        let rolled_back = record.status == RecordStatus::RollbackInProgress;
        let status = if rolled_back { RecordStatus::RollbackSuccessful } else { RecordStatus::Successful };
        record.end(status, None, now_ms);
    }
}

impl Record {
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.status, RecordStatus::InProgress | RecordStatus::RollbackInProgress)
    }

    fn end(&mut self, status: RecordStatus, reason: Option<&str>, now_ms: u64) {
        self.status = status;
        self.reason = reason.map(ToOwned::to_owned).or(self.reason.take());
        self.updated_at_ms = now_ms;
        self.finished_at_ms = Some(now_ms);
    }
}
