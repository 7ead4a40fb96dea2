//! The endpoint from outside: raw requests, and real clients where the machine has them.

mod accounts;
mod api;
mod clients;
mod injections;
mod launchers;
mod load_balancers;
mod logs;
mod registry;
mod rollouts;
mod services;
mod support;
mod tasks;
mod web_identity;
