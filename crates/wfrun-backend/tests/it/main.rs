//! What every backend promises, and what each promises alone.

mod container_runs;
mod containers;
mod docker;
mod ecr_socket;
mod every_backend;
mod host;
mod metadata;
mod network;
mod sandbox;
mod scripted;
mod support;
