//! How long a job's environment takes until its first step may start, read from the run's own journal.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

const WORKFLOW: &str = "on: push\njobs: {j: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}\n";

/// Runs one job with one step and reads when its first step began.
pub(super) fn time(wfrun: &str, backend: &str) -> Result<Duration> {
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
    command.args(["w.yml", "--backend", backend, "--json"]).current_dir(&folder).stdin(Stdio::null());
    let output = command.output().context("wfrun could not be started")?;
    if !output.status.success() {
        bail!("wfrun ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut events = text.lines().filter_map(|it| serde_json::from_str::<Value>(it).ok());
    let started = events.find(|it| it["type"] == "step-started").context("no step began")?;
    Ok(Duration::from_millis(started["at_ms"].as_u64().context("no time")?))
}

/// How long the engine itself takes to make and start a container of the image in which jobs run.
pub(super) fn bare_engine() -> Result<Duration> {
    let body =
        r#"{"Image": "wfrun/runner:bookworm", "Entrypoint": ["sleep", "60"], "HostConfig": {"NetworkMode": "host"}}"#;
    let begin = Instant::now();
    let created = ask("POST", "/containers/create", body)?;
    let id = created.split_once("\"Id\":\"").and_then(|(_, rest)| rest.split('"').next());
    let id = id.with_context(|| format!("no container was made: {created}"))?.to_owned();
    ask("POST", &format!("/containers/{id}/start"), "")?;
    let took = begin.elapsed();
    ask("DELETE", &format!("/containers/{id}?force=1"), "")?;
    Ok(took)
}

fn ask(method: &str, path: &str, body: &str) -> Result<String> {
    let mut stream = UnixStream::connect("/var/run/docker.sock").context("there is no Docker engine")?;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
