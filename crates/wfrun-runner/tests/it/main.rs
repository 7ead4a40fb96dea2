//! Tests of the runner as a whole, with a real Docker engine where one answers.
mod account;
mod deployments;
mod engine;
mod registry_hosts;
mod tasks;
