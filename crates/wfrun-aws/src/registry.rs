//! The OCI registry at `/v2/`: what `docker push` and `docker pull` talk to.
//!
//! Layers stream to disk and are checked against their digest on the way. Blobs are shared by all repositories; which repository has
//! which blob is part of the account's state.

mod auth;
mod blobs;
mod fault;
mod link;
mod manifests;
mod path;
mod push;
mod reference;
mod route;
mod store;
mod uploads;

pub(crate) use self::auth::{TOKEN_LIFE, Token, TokenKey};
pub(crate) use self::link::{LayerLink, download, is_link};
pub(crate) use self::push::{PushedManifest, Rejection};
pub(crate) use self::reference::{Home, ImageReference};
pub use self::reference::{registry_account_and_region, registry_name};
pub(crate) use self::route::{answer, owner, parameter};
pub(crate) use self::store::{Registry, is_digest};
pub(crate) use self::uploads::UploadFault;
