//! The local services of a run: caches, artifacts, ID tokens, and the AWS account.
use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{self, error::TrySendError};
use wfrun_agent::ecr_registry;
use wfrun_aws::{
    Account, AccountError, AccountSettings, Endpoint, EndpointError, Era, LogLinesError, Notice, TaskLauncher, Wanted,
    WebIdentityError,
};
use wfrun_backend::docker::{EcrNames, EcrRegistry};
use wfrun_backend::network::{DnsGuard, start_dns_guard};
use wfrun_backend::{DockerBackend, chain};
use wfrun_engine::{ApiCall, ApiNote, AwsCall, AwsDenial, FactKind, Launch};
use wfrun_journal::ServiceCalled;
use wfrun_plan::JobKey;
use wfrun_services::{ArtifactChange, IdTokenError, IdTokenIssuer, Services, ServicesSettings};

use crate::failed_deployments::FailedDeployments;
use crate::{DockerLauncher, LogSink};

/// The services that a run's jobs can reach, all on loopback.
pub struct LocalServices {
    /// Caches, artifacts and ID tokens.
    pub github: Services,
    /// The AWS account, if there is one.
    pub aws: Option<Aws>,
    /// The account's registry, where jobs call it by Amazon's name.
    pub named_registry: Option<NamedRegistry>,
    /// The engine that jobs ask, in which images of the account's registry have names as long as the run goes on.
    pub engine: Option<DockerBackend>,
    /// Whether jobs are kept from the real AWS.
    ///
    /// Differs: on the `host` backend AWS's names are not blocked while AWS is emulated, because they are this machine's own: a program
    /// that does not know `AWS_ENDPOINT_URL` reaches the real AWS, with keys that are not of it.
    pub blocks_aws: bool,
    /// Answers name queries so that the real AWS is not found; none where port 53 cannot be had.
    pub guard: Option<DnsGuard>,
    /// Whether it has been said that a machine's metadata is within reach.
    pub(crate) metadata_told: AtomicBool,
}

/// The AWS account of a run.
pub struct Aws {
    /// The account.
    pub account: Arc<Account>,
    /// Where it is reached.
    pub endpoint: Endpoint,
    /// Starts its tasks as containers.
    pub tasks: Option<Arc<DockerLauncher>>,
    /// What steps name of it.
    pub(crate) names: Option<StepNames>,
    /// Whether it describes task definitions without `enableFaultInjection`, which AWS itself puts into each.
    pub omits_fault_injection: bool,
    /// Tells of its deployments that fail.
    pub(crate) failed: Arc<FailedDeployments>,
}

/// The account's registry, which jobs call by Amazon's name.
pub struct NamedRegistry {
    /// Whose it is, and where.
    pub registry: EcrRegistry,
    /// What jobs get in the place of the engine, where they have one.
    pub names: Option<Arc<EcrNames>>,
    /// Whether steps find that by a variable, as they have this machine's files.
    pub is_by_variable: bool,
}

impl NamedRegistry {
    /// What steps are told of it.
    ///
    /// Differs: where jobs call the account's registry by Amazon's name, steps have a variable `WFRUN_ECR_REGISTRY`; on the `host`
    /// backend `DOCKER_HOST` is wfrun's, too, and who asks the engine past it would ask Amazon.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let socket = self.names.as_ref().filter(|_| self.is_by_variable);
        let docker_host = socket.map(|it| ("DOCKER_HOST".to_owned(), format!("unix://{}", it.path().display())));
        let registry = (ecr_registry::VARIABLE.to_owned(), self.registry.to_variable());
        [registry].into_iter().chain(docker_host).collect()
    }

    /// Gives the image names back that it stands for.
    pub(crate) async fn give_back(&self) {
        let Some(names) = &self.names else { return };
        if let Err(err) = names.give_back().await {
            tracing::warn!("images of account {} stay: {}", self.registry.account, chain(&err));
        }
    }
}

/// Tells what a step that is about to run names of AWS, one entry for each region.
pub type StepNames = Arc<dyn Fn(&Launch) -> Vec<Wanted> + Send + Sync>;

/// What an AWS account is opened with.
pub struct AwsSettings {
    /// The account's own; its launcher is set here.
    pub account: AccountSettings,
    /// Starts tasks as containers, where the account file says so.
    pub tasks: Option<Arc<DockerLauncher>>,
    /// What steps name when their turn comes; the account gets what of it is lacking.
    pub names: Option<StepNames>,
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
        aws: Option<AwsSettings>,
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
            let (service, hit) = (call.service.to_owned(), call.hit);
            let called = ServiceCalled { service, operation, status, hit, job, ..ServiceCalled::default() };
            tell(&calls, FactKind::ServiceCalled(called));
        });
        let github = github.await.map_err(ServicesError::Github)?;
        let guard = if blocks_aws { start_dns_guard(GUARD).await.ok() } else { None };
        let Some(settings) = aws else {
            return Ok((Self::new(github, None, blocks_aws, guard), Vec::new()));
        };
        let (aws, notices) = Aws::start(settings, issuer, facts).await?;
        Ok((Self::new(github, Some(aws), blocks_aws, guard), notices))
    }

    fn new(github: Services, aws: Option<Aws>, blocks_aws: bool, guard: Option<DnsGuard>) -> Self {
        let metadata_told = AtomicBool::new(false);
        Self { github, aws, named_registry: None, engine: None, blocks_aws, guard, metadata_told }
    }

    /// Whether programs are kept from what clouds tell a machine about itself, its credentials among it: as long as AWS is
    /// emulated.
    ///
    /// Differs: while AWS is emulated, programs of steps do not reach the addresses at which clouds tell a machine its credentials
    /// (169.254.169.254 and those of ECS and EKS): they are told that the network is unreachable, and the step gets a warning. It
    /// keeps from accidents: who changes the address under the eyes of the check, connects by `io_uring` or as a 32-bit program, has
    /// another user in a container, or has the Docker engine start a container gets past it. No program of a step can have a
    /// seccomp listener of its own then. Steps also have `AWS_EC2_METADATA_DISABLED`, so that SDKs do not try.
    ///
    /// Differs: while AWS is emulated, programs in containers get no rights by starting others (`no_new_privs`): `sudo` of another
    /// user than root does not work. Where the container's own user, or a user on `host`, has `sudo`, metadata is not cut off
    /// instead, and a warning of the run says so.
    ///
    /// Differs: while AWS is emulated, the first process of a container action is wfrun's, as with `docker run --init`.
    pub(crate) fn cuts_metadata(&self) -> bool {
        self.aws.is_some()
    }

    /// The ports of 127.0.0.1 that jobs use.
    pub(crate) fn ports(&self) -> Vec<u16> {
        let aws = self.aws.as_ref().map(|it| it.endpoint.url());
        let port = |url: String| url.trim_end_matches('/').rsplit(':').next()?.parse().ok();
        let own = [Some(self.github.url()), aws].into_iter().flatten().filter_map(port);
        own.chain(self.aws.iter().flat_map(|it| it.account.load_balancer_ports())).collect()
    }

    /// Stops the services.
    pub async fn stop(self) {
        self.github.stop().await;
        if let Some(aws) = self.aws {
            aws.stop().await;
        }
    }
}

impl Aws {
    /// Opens the account and serves it; its calls become facts. Tokens of the issuer open roles.
    ///
    /// Gives back what the account created, to be told.
    pub async fn start(
        settings: AwsSettings,
        issuer: IdTokenIssuer,
        facts: mpsc::Sender<FactKind>,
    ) -> Result<(Self, Vec<String>), ServicesError> {
        let AwsSettings { account: mut settings, tasks, names } = settings;
        let omits_fault_injection = settings.file.ecs.task_definition_era == Era::Y2024M05;
        settings.launcher = tasks.clone().map(|tasks| tasks as Arc<dyn TaskLauncher>);
        let (notices, watched) = (facts.clone(), facts.clone());
        let observer = move |mut call: wfrun_aws::ServiceCall| {
            for notice in std::mem::take(&mut call.notices) {
                tell(&facts, FactKind::Noticed(notice.message));
            }
            tell(&facts, FactKind::AwsCalled(aws_call(call)));
        };
        let (account, opened) = Account::open(settings, observer).map_err(ServicesError::Account)?;
        let account = Arc::new(account.trusting(move |token| issuer.verify(token).map_err(|err| refusal(&err))));
        if let Some(tasks) = &tasks {
            // Before the endpoint starts them.
            tasks.log_to(log_sink(&account, notices));
        }
        let failed = FailedDeployments::new(&account, tasks.clone(), watched);
        tokio::spawn(FailedDeployments::watch(Arc::downgrade(&failed)));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(ServicesError::Listen)?;
        let endpoint = Endpoint::start(Arc::clone(&account), listener).await.map_err(ServicesError::Endpoint)?;
        let opened = opened.into_iter();
        let started = Self { account, endpoint, tasks, names, omits_fault_injection, failed };
        Ok((started, opened.map(|it| it.message).collect()))
    }

    /// What makes steps find what they name.
    pub(crate) fn provider(&self) -> Option<Provider> {
        Some(Provider { account: Arc::clone(&self.account), names: Arc::clone(self.names.as_ref()?) })
    }

    /// Stops serving, and takes its tasks away.
    pub async fn stop(self) {
        self.failed.look_at_last().await;
        self.endpoint.stop().await;
        if let Some(tasks) = self.tasks {
            tasks.shutdown().await;
        }
    }
}

/// Creates what steps name in the AWS account, just before they run: what they name is all known then.
pub(crate) struct Provider {
    account: Arc<Account>,
    names: StepNames,
}

impl Provider {
    /// Creates what a step names and the account lacks; gives back what is to be told of it.
    pub(crate) fn provide(&self, launch: &Launch) -> Vec<String> {
        let provided = (self.names)(launch).into_iter().map(|wanted| self.account.provide(&wanted));
        let told = |done: Result<Vec<Notice>, AccountError>| match done {
            Ok(notices) => notices.into_iter().map(|it| it.message).collect(),
            Err(err) => vec![format!("what the step names in AWS was not created: {}", chain(&err))],
        };
        provided.flat_map(told).collect()
    }
}

/// Writes what containers print into the account's log streams.
///
/// Differs: a log group that is absent is created, with a notice, also without `awslogs-create-group`; AWS does not start the task.
fn log_sink(account: &Arc<Account>, facts: mpsc::Sender<FactKind>) -> LogSink {
    let (account, told) = (Arc::downgrade(account), Mutex::new(HashSet::new()));
    Arc::new(move |place, lines| {
        let Some(account) = account.upgrade() else { return };
        let put = |create| {
            let lines = lines.iter().map(String::as_str);
            account.put_log_lines(&place.region, &place.group, &place.stream, lines, create)
        };
        let done = match put(place.create_group) {
            Err(LogLinesError::NoGroup { group }) => {
                let message = format!(
                    "created log group `{group}`, to which a task writes; AWS does not start the task without it or `awslogs-create-group`"
                );
                tell(&facts, FactKind::Noticed(message));
                put(true)
            }
            done => done,
        };
        if let Err(err) = done
            && told.lock().unwrap_or_else(PoisonError::into_inner).insert(place.group.clone())
        {
            let message = format!("what tasks print is not kept in log group `{}`: {}", place.group, chain(&err));
            tell(&facts, FactKind::Noticed(message));
        }
    })
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

fn aws_call(call: wfrun_aws::ServiceCall) -> AwsCall {
    let wfrun_aws::ServiceCall { service, operation, status, iam_action, allowed, resource, .. } = call;
    let (missing, injected, not_done) = (call.missing, call.injected, call.not_done);
    let denial = call.denial.map(|words| AwsDenial { words, missing, injected });
    AwsCall { service, operation, status, iam_action, resource, allowed, denial, not_done }
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
