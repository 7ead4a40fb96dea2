//! The services, driven by raw HTTP requests as clients send them, and by clients of GitHub's.
#![expect(clippy::print_stdout, reason = "what is skipped must be seen")]

mod api;
mod artifacts;
mod blobs;
mod cache;
mod client;
mod conformance;
mod damaged;
mod full_disk;
mod hostile;
mod limits;
#[path = "../../../../tests/it/npm.rs"]
mod npm;
mod octokit;
mod oidc;
mod rest;
mod uploads;
