//! The services, driven by raw HTTP requests as clients send them.
#![expect(clippy::print_stdout, reason = "what is skipped must be seen")]

mod blobs;
mod cache;
mod client;
mod limits;
mod oidc;
mod rest;
