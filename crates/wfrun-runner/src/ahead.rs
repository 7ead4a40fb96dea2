//! Environments that are made while other jobs run.
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinHandle;
use wfrun_backend::chain;
use wfrun_engine::EnvironmentRequest;
use wfrun_plan::JobKey;

use crate::job::{MadeAhead, OpenError};

/// Those that no job has taken yet.
#[derive(Default)]
pub(crate) struct Ahead(Mutex<HashMap<JobKey, Making>>);

struct Making {
    request: Arc<EnvironmentRequest>,
    made: JoinHandle<Result<MadeAhead, OpenError>>,
}

impl Ahead {
    /// Has one made for a job.
    pub(crate) fn begin(
        &self,
        job: JobKey,
        request: Arc<EnvironmentRequest>,
        making: impl Future<Output = Result<MadeAhead, OpenError>> + Send + 'static,
    ) {
        let made = tokio::spawn(making);
        self.all().insert(job, Making { request, made });
    }

    /// The one that was made for a job, if there is one, it lives, and is what the job turned out to want.
    ///
    /// One that could not be made is none: making it again says why.
    pub(crate) async fn take(&self, job: &JobKey, request: &EnvironmentRequest) -> Option<MadeAhead> {
        let making = self.all().remove(job)?;
        let fits = *making.request == *request;
        let made = finished(making).await?;
        // It may have waited long, and have been stopped meanwhile.
        if fits && made.is_alive().await {
            return Some(made);
        }
        discard(job, made).await;
        None
    }

    /// Takes one away whose job does not run.
    pub(crate) async fn drop_one(&self, job: &JobKey) {
        let making = self.all().remove(job);
        if let Some(making) = making
            && let Some(made) = finished(making).await
        {
            discard(job, made).await;
        }
    }

    /// Takes away what no job has taken.
    pub(crate) async fn clear(&self) {
        let jobs: Vec<JobKey> = self.all().keys().cloned().collect();
        for job in jobs {
            Box::pin(self.drop_one(&job)).await;
        }
    }

    fn all(&self) -> std::sync::MutexGuard<'_, HashMap<JobKey, Making>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn finished(making: Making) -> Option<MadeAhead> {
    match making.made.await {
        Ok(Ok(made)) => Some(made),
        Ok(Err(err)) => {
            tracing::debug!("an environment could not be made ahead: {}", chain(&err));
            None
        }
        Err(err) => {
            tracing::warn!("an environment could not be made ahead: {err}");
            None
        }
    }
}

async fn discard(job: &JobKey, made: MadeAhead) {
    if let Err(err) = made.discard().await {
        tracing::warn!("the environment made ahead for job `{job}` stays: {}", chain(&err));
    }
}
