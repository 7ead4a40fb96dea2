//! The endpoint from outside: raw requests, and real clients where the machine has them.

mod accounts;
mod api;
mod bench;
mod clients;
mod injections;
mod launchers;
mod registry;
mod rollouts;
mod services;
mod support;
mod tasks;
mod web_identity;
