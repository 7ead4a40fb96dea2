//! The cache: which entry answers a request, and where entries lie.

mod folder;
mod lookup;
mod methods;
mod rest;
mod store;

pub use folder::{CacheEntry, CacheFolder};
pub(crate) use methods::{LOOK_UP, SERVICE, call};
pub(crate) use rest::routes;
pub(crate) use store::{Reservation, Store};
