//! The services, driven by raw HTTP requests as clients send them.

mod blobs;
mod cache;
mod client;
mod oidc;
