//! The endpoint from outside: raw requests, and real clients where the machine has them.

mod accounts;
mod api;
mod clients;
mod docker;
mod ecr;
mod registry;
mod registry_rows;
mod rollouts;
mod support;
mod web_identity;
