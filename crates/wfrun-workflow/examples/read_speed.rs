//! Reads a workflow file many times and prints the median of the milliseconds for YAML, schema and model together.
//!
//! `cargo xtask bench` runs it: `cargo run --release -p wfrun-workflow --example read_speed -- FILE [RUNS]`.
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a tool that measures, not a part of the core")]
use std::time::Instant;

use wfrun_syntax::Source;
use wfrun_workflow::{ReadOptions, read_workflow};

fn main() -> Result<(), String> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("name a file")?;
    let runs: usize = arguments.next().and_then(|it| it.parse().ok()).unwrap_or(20);
    let text = std::fs::read_to_string(&path).map_err(|err| format!("{path}: {err}"))?;
    let mut times = Vec::new();
    for _ in 0..runs.max(1) {
        let started = Instant::now();
        let source = Source::new(path.as_str(), text.as_str());
        let read = read_workflow(&source, ReadOptions::default());
        let took = started.elapsed().as_secs_f64() * 1000.0;
        if read.has_errors() {
            return Err(format!("{path}: {}", read.diagnostics[0]));
        }
        times.push(took);
    }
    times.sort_by(f64::total_cmp);
    println!("{:.2}", times[times.len() / 2]);
    Ok(())
}
