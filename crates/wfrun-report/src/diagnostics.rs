//! Findings, rendered four ways. The fifth, one line for logs, is their own `Display`.
mod github;
mod json;
mod sarif;
mod terminal;

pub use github::diagnostics_github;
pub use json::diagnostics_json;
pub use sarif::diagnostics_sarif;
pub use terminal::render_diagnostics;
