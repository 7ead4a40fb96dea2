//! An AWS account on loopback that real clients talk to: STS and IAM, ECR with its OCI registry, ECS with rolling deployments, load
//! balancers, and `CloudWatch` Logs.
//!
//! One port answers every protocol: AWS JSON 1.1 and AWS Query at `POST /`, the registry at `/v2/`. The AWS CLI, boto3, the JavaScript
//! SDKs and `docker push` need nothing but `AWS_ENDPOINT_URL`. Invariants:
//!
//! - The crate opens no connection but to targets of load balancers, and only to those on loopback.
//! - It listens on the socket it is given, and on a port of 127.0.0.1 for each load balancer; it writes below `state_dir`, nothing else.
//! - The rollout scheduler is a pure function over a service; time, ids and what becomes of tasks are handed to it.
//! - What is not emulated answers with an error that says so, status 400: never 5xx, which clients retry, and never an empty success.

mod account;
mod account_file;
mod clock;
mod ec2;
mod ecr;
mod ecr_public;
mod ecs;
mod elbv2;
mod endpoint;
mod iam;
mod ids;
mod launcher;
mod logs;
mod protocol;
mod registry;
mod sts;

pub use account::{
    Account, AccountError, AccountSettings, FailedDeployment, FailedService, Injection, InjectionError, Keys, Notice,
    RollingService, ServiceCall, ServiceView, Wanted, WantedService, WantedTaskDefinition, WebIdentityError,
};
pub use account_file::{
    AccountFile, AccountFileError, AuthSection, ClusterEntry, EcrSection, EcsSection, Elbv2Section, Era, Fault,
    HostMode, IamMode, IamSection, LoadBalancerEntry, RepositoryEntry, Runtime, SecretTexts, ServiceEntry,
    ServiceTargetEntry, TagMutability, TaskDefinitionEntry, UnknownKeys, UserEntry, Verify,
};
pub use clock::Clock;
pub use endpoint::{Endpoint, EndpointError};
pub use iam::{
    DecidingStatement, ForeseenPermission, IdentityPolicy, PermissionDecision, PermissionReport, PermissionUse,
    PolicyError, PolicyOutlook, RequestTarget, SmallestPolicy, UNKNOWN, UnusedPermission,
};
pub use launcher::{
    ContainerEnd, LaunchImage, PublishedPort, RegistryLogin, TaskLaunch, TaskLauncher, TaskReport, TaskReporter,
};
pub use logs::LogLinesError;
pub use registry::{registry_account_and_region, registry_name};
