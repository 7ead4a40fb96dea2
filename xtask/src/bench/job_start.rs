//! How long a job's environment takes until its first step may start, read from the run's own journal.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

const WORKFLOW: &str = "on: push\njobs: {j: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}\n";

/// Runs one job with one step in the sandbox and reads when its first step began.
pub(super) fn time(wfrun: &str) -> Result<Duration> {
    let folder = std::env::temp_dir().join(format!("wfrun-bench-{}", std::process::id()));
    let workflows = folder.join(".github/workflows");
    if !workflows.exists() {
        std::fs::create_dir_all(&workflows)?;
        std::fs::write(workflows.join("w.yml"), WORKFLOW)?;
        for words in
            ["init --quiet", "add --all", "-c user.name=bench -c user.email=b@example.org commit --quiet -m start"]
        {
            let status = Command::new("git").args(words.split(' ')).current_dir(&folder).status()?;
            if !status.success() {
                bail!("git {words} ended with {status}");
            }
        }
    }
    let mut command = Command::new(wfrun);
    command.args(["w.yml", "--backend", "sandbox", "--json"]).current_dir(&folder).stdin(Stdio::null());
    let output = command.output().context("wfrun could not be started")?;
    if !output.status.success() {
        bail!("wfrun ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut events = text.lines().filter_map(|it| serde_json::from_str::<Value>(it).ok());
    let started = events.find(|it| it["type"] == "step-started").context("no step began")?;
    Ok(Duration::from_millis(started["at_ms"].as_u64().context("no time")?))
}
