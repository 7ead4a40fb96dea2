//! The endpoint from outside: raw requests, and real clients where the machine has them.

mod accounts;
mod api;
mod bench;
mod beside_moto;
mod clients;
mod docker;
mod ecr;
mod iam;
mod iam_guides;
mod injections;
mod launchers;
mod load_balancers;
mod logs;
mod permissions;
mod registry;
mod registry_rows;
mod rollouts;
mod services;
mod signatures;
mod signing;
mod sts;
mod support;
mod tasks;
mod web_identity;
