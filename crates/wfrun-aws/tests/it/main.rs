//! The endpoint from outside: raw requests, and real clients where the machine has them.

mod accounts;
mod api;
mod clients;
mod iam;
mod permissions;
mod registry;
mod rollouts;
mod signatures;
mod signing;
mod sts;
mod support;
mod web_identity;
