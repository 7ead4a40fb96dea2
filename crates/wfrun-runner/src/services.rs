//! The local services of a run: caches, artifacts, ID tokens, and the AWS account.
use std::net::Ipv4Addr;
use std::sync::Arc;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{self, error::TrySendError};
use wfrun_aws::{Account, AccountError, AccountSettings, Endpoint, EndpointError, WebIdentityError};
use wfrun_backend::network::{DnsGuard, start_dns_guard};
use wfrun_engine::{ApiCall, ApiNote, FactKind};
use wfrun_journal::ServiceCalled;
use wfrun_plan::JobKey;
use wfrun_services::{ArtifactChange, IdTokenError, IdTokenIssuer, Services, ServicesSettings};

/// The services that a run's jobs can reach, all on loopback.
pub struct LocalServices {
    /// Caches, artifacts and ID tokens.
    pub github: Services,
    /// The AWS account, if there is one.
    pub aws: Option<Aws>,
    /// Whether jobs are kept from the real AWS.
    pub blocks_aws: bool,
    /// Answers name queries so that the real AWS is not found; none where port 53 cannot be had.
    pub guard: Option<DnsGuard>,
}

/// The AWS account of a run.
pub struct Aws {
    /// The account.
    pub account: Arc<Account>,
    /// Where it is reached.
    pub endpoint: Endpoint,
}

/// The local services could not be started.
#[derive(Debug, Error)]
pub enum ServicesError {
    /// Caches, artifacts and ID tokens.
    #[error("failed to start GitHub's services")]
    Github(#[source] wfrun_services::ServicesError),
    /// The account.
    #[error("failed to open the AWS account")]
    Account(#[source] AccountError),
    /// No port on loopback.
    #[error("failed to listen on 127.0.0.1")]
    Listen(#[source] std::io::Error),
    /// The account's endpoint.
    #[error("failed to start the AWS endpoint")]
    Endpoint(#[source] EndpointError),
}

/// The address of the name server that keeps steps from the real AWS; any of 127/8 is this machine.
pub const GUARD: Ipv4Addr = Ipv4Addr::new(127, 77, 0, 53);

impl LocalServices {
    /// Starts the services; their calls become facts. Without `blocks_aws` jobs reach the real AWS.
    ///
    /// Gives back what the account created, to be told.
    pub async fn start(
        github: ServicesSettings,
        aws: Option<AccountSettings>,
        blocks_aws: bool,
        facts: mpsc::Sender<FactKind>,
    ) -> Result<(Self, Vec<String>), ServicesError> {
        let (calls, issuer) = (facts.clone(), github.issuer.clone());
        let github = Services::start(github, move |call| {
            if let Some(change) = call.artifact {
                tell(&calls, artifact(&call.job, change));
            }
            if let Some(notice) = call.notice {
                tell(&calls, FactKind::Noticed(notice));
            }
            let job = Some(call.job).filter(|it| !it.is_empty()).map(JobKey::new);
            let (operation, status) = (call.operation, call.status);
            if call.service == "github" {
                let note = call.note.map(api_note);
                return tell(&calls, FactKind::ApiCalled(ApiCall { job, operation, status, note }));
            }
            let (iam_action, allowed, would) = (None, None, None);
            let service = call.service.to_owned();
            let hit = call.hit;
            let called = ServiceCalled { service, operation, status, iam_action, allowed, hit, job, would };
            tell(&calls, FactKind::ServiceCalled(called));
        });
        let github = github.await.map_err(ServicesError::Github)?;
        let guard = if blocks_aws { start_dns_guard(GUARD).await.ok() } else { None };
        let Some(settings) = aws else { return Ok((Self { github, aws: None, blocks_aws, guard }, Vec::new())) };
        let (aws, notices) = Aws::start(settings, issuer, facts).await?;
        Ok((Self { github, aws: Some(aws), blocks_aws, guard }, notices))
    }

    /// The ports of 127.0.0.1 that jobs use.
    pub(crate) fn ports(&self) -> Vec<u16> {
        let aws = self.aws.as_ref().map(|it| it.endpoint.url());
        let port = |url: String| url.trim_end_matches('/').rsplit(':').next()?.parse().ok();
        [Some(self.github.url()), aws].into_iter().flatten().filter_map(port).collect()
    }

    /// Stops the services.
    pub async fn stop(self) {
        self.github.stop().await;
        if let Some(aws) = self.aws {
            aws.endpoint.stop().await;
        }
    }
}

impl Aws {
    /// Opens the account and serves it; its calls become facts. Tokens of the issuer open roles.
    ///
    /// Gives back what the account created, to be told.
    pub async fn start(
        settings: AccountSettings,
        issuer: IdTokenIssuer,
        facts: mpsc::Sender<FactKind>,
    ) -> Result<(Self, Vec<String>), ServicesError> {
        let observer = move |call: wfrun_aws::ServiceCall| {
            tell(
                &facts,
                FactKind::ServiceCalled(ServiceCalled {
                    service: call.service,
                    operation: call.operation,
                    status: call.status,
                    iam_action: call.iam_action,
                    allowed: Some(call.allowed),
                    hit: None,
                    job: None,
                    would: None,
                }),
            );
        };
        let (account, notices) = Account::open(settings, observer).map_err(ServicesError::Account)?;
        let account = Arc::new(account.trusting(move |token| issuer.verify(token).map_err(|err| refusal(&err))));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(ServicesError::Listen)?;
        let endpoint = Endpoint::start(Arc::clone(&account), listener).await.map_err(ServicesError::Endpoint)?;
        Ok((Self { account, endpoint }, notices.into_iter().map(|it| it.message).collect()))
    }
}

/// What the AWS account says of a token that the issuer does not take.
fn refusal(err: &IdTokenError) -> WebIdentityError {
    match err {
        IdTokenError::Malformed => WebIdentityError::Malformed,
        IdTokenError::OtherIssuer { issuer } => WebIdentityError::UnknownIssuer { issuer: issuer.clone() },
        IdTokenError::Key { .. } | IdTokenError::Foreign => WebIdentityError::Unverified,
        IdTokenError::Expired { until } => WebIdentityError::Expired { until: *until },
    }
}

/// The service must answer its client, so a call that finds the run's queue full waits elsewhere.
fn tell(facts: &mpsc::Sender<FactKind>, fact: FactKind) {
    if let Err(TrySendError::Full(fact)) = facts.try_send(fact) {
        let facts = facts.clone();
        tokio::spawn(async move { facts.send(fact).await });
    }
}

fn api_note(note: wfrun_services::ApiNote) -> ApiNote {
    match note {
        wfrun_services::ApiNote::Would(text) => ApiNote::Would(text),
        wfrun_services::ApiNote::Unserved(text) => ApiNote::Unserved(text),
        wfrun_services::ApiNote::Refused(text) => ApiNote::Refused(text),
    }
}

/// What became of an artifact, as a fact of the run.
fn artifact(job: &str, change: ArtifactChange) -> FactKind {
    let job = JobKey::new(job);
    match change {
        ArtifactChange::Kept(it) => FactKind::ArtifactKept {
            job,
            id: it.id.to_string(),
            name: it.name,
            size: it.size,
            digest: format!("sha256:{}", it.sha256),
        },
        ArtifactChange::Removed(it) => FactKind::ArtifactRemoved { job, id: it.id.to_string() },
    }
}
