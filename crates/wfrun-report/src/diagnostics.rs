//! Findings, rendered three ways. The fourth, one line for logs, is their own `Display`.
mod github;
mod json;
mod terminal;

pub use github::diagnostics_github;
pub use json::diagnostics_json;
pub use terminal::render_diagnostics;
