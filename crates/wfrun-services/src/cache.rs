//! The cache: which entry answers a request, and where entries lie.

mod lookup;
mod methods;
mod store;

pub(crate) use methods::{SERVICE, call};
pub(crate) use store::{Reservation, Store};
