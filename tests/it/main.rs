//! `wfrun` as a person runs it: real processes, real environments.
#![expect(clippy::print_stdout, reason = "what is skipped must be seen")]
mod actions;
mod bad_input;
mod cancel;
mod check;
mod check_references;
mod containers;
mod diagnostics_pages;
mod differences;
mod docker;
mod eval;
mod forced;
mod graph;
mod legs_and_calls;
mod list;
mod pipeline;
mod repo;
mod situations;
mod status_functions;
mod steps;
mod table;
mod wftest;
mod why;
mod why_legs;
mod why_run;
mod workspace;
