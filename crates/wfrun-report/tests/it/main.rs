//! Views over journals written by hand.
mod blocks;
mod dependencies;
mod diagnostics;
mod explain;
mod fixture;
mod graph;
mod graph_reading;
mod list;
mod live;
mod ndjson;
mod plain;
mod plan;
mod run_why;
mod summaries;
mod tee;
mod trace;
