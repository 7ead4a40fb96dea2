//! `wfrun eval --batch`: lines a second, and the most memory it takes.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::json;

/// Lines in the input.
pub(super) const LINES: u32 = 100_000;

const EXPRESSIONS: &[&str] = &[
    "github.ref == 'refs/heads/main' && github.event_name == 'push'",
    "contains(github.event.head_commit.message, '[skip ci]') || startsWith(github.ref, 'refs/tags/')",
    "format('{0}-{1}-{2}', matrix.os, matrix.node, github.sha)",
    "toJSON(matrix)",
    "needs.build.outputs.version != '' && needs.build.result == 'success'",
    "fromJSON('[1,2,3]')[1]",
    "join(github.event.commits.*.id, ', ')",
    "!cancelled() && (success() || failure())",
    "case(github.ref_type == 'tag', github.ref_name, 'dev')",
    "matrix.node >= 18 && matrix.os != 'windows-latest'",
    "env.CI && secrets.TOKEN || 'none'",
];

/// Writes the input: every line has five contexts, about 480 bytes.
pub(super) fn input(folder: &Path) -> Result<PathBuf> {
    let path = folder.join("eval-batch.ndjson");
    let mut text = String::new();
    for id in 0..LINES {
        let expr = EXPRESSIONS[id as usize % EXPRESSIONS.len()];
        let tag = id % 3 == 0;
        let contexts = json!({
            "github": {
                "ref": if tag { "refs/tags/v1" } else { "refs/heads/main" }, "event_name": "push",
                "sha": format!("{id:040x}"), "ref_name": if tag { "v1" } else { "main" },
                "ref_type": if tag { "tag" } else { "branch" },
                "event": {"head_commit": {"message": format!("Mend it (#{id})")}, "commits": [{"id": "a1"}, {"id": "b2"}]},
            },
            "matrix": {"os": "ubuntu-latest", "node": 16 + id % 5},
            "needs": {"build": {"result": "success", "outputs": {"version": format!("1.2.{id}")}}},
            "env": {"CI": "true"},
            "secrets": {"TOKEN": "x"},
        });
        let line = json!({"id": id, "expr": expr, "contexts": contexts});
        writeln!(text, "{line}").expect("a String takes any text");
    }
    fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(path)
}

/// How long all lines take, from the start of the process to its end.
pub(super) fn time(wfrun: &str, input: &Path) -> Result<Duration> {
    let started = Instant::now();
    let status = command(wfrun, input)?.status().context("wfrun could not be started")?;
    let took = started.elapsed();
    if !status.success() {
        bail!("wfrun eval --batch ended with {status}");
    }
    Ok(took)
}

/// The most memory it takes, in kilobytes, as the kernel keeps it.
pub(super) fn peak(wfrun: &str, input: &Path) -> Result<u64> {
    let mut child = command(wfrun, input)?.spawn().context("wfrun could not be started")?;
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    while child.try_wait().context("wfrun was lost")?.is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|it| it.strip_prefix("VmHWM:"));
        let size = line.and_then(|it| it.trim().strip_suffix(" kB")).and_then(|it| it.trim().parse().ok());
        most = most.max(size.unwrap_or_default());
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(most)
}

fn command(wfrun: &str, input: &Path) -> Result<Command> {
    let mut command = Command::new(wfrun);
    let input = File::open(input).with_context(|| format!("{} cannot be read", input.display()))?;
    command.args(["eval", "--batch"]).stdin(input).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(command)
}
