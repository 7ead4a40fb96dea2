//! GitHub's services on loopback: the cache that `actions/cache`, `setup-*` and `BuildKit` talk to, the artifacts of
//! `actions/upload-artifact` and `actions/download-artifact`, ID tokens, and the REST API.
//!
//! A leaf: it knows the protocols and a folder on disk, nothing of workflows or containers.
//! Jobs are told apart by the runtime token that [`Services::job_token`] makes; there is no other way in.
//!
//! Invariants: a body is never held in memory whole, unless it is a message; an entry or artifact is visible only when its content is complete
//! on disk; any number of processes may use one cache; a run's artifacts are seen by its own jobs only.

mod api;
mod artifact;
mod blob;
mod cache;
mod digested;
mod error;
mod identity;
mod oidc;
mod serve;
mod services;
mod twirp;
mod uploads;

pub use api::{Access, ApiGrant, ApiNote, ApiSettings};
pub use artifact::Artifact;
pub use cache::{CacheEntry, CacheFolder};
pub use error::ServicesError;
pub use identity::{CacheScope, JobIdentity, new_token};
pub use oidc::{IdTokenError, IdTokenIssuer};
pub use services::{ArtifactChange, ServiceCall, Services, ServicesSettings};
