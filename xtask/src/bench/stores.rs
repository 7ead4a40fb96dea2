//! How long caches and artifacts take, beside the programs that do the same work to files of this machine, and beside a peer's servers.

mod clients;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::{Times, measure, row, time_of};

/// Half of it compresses well, half not at all.
const DATA: &str = "mkdir data && head -c 256M /dev/urandom > data/random && (yes 'a line of text, as there are many' || true) | head -c 256M > data/text";

const WORKFLOWS: [(&str, &str); 2] = [
    (
        "cache",
        "    - {uses: actions/cache@v4, with: {path: data, key: bench}}
    - run: test -e data || (DATA)
",
    ),
    (
        "artifact",
        "    - run: DATA
    - {uses: actions/upload-artifact@v4, with: {name: data, path: data, compression-level: 0}}
    - {uses: actions/download-artifact@v4, with: {name: data, path: again}}
",
    ),
];

/// Makes a repository of a folder.
const COMMIT: &str = "git init --quiet --initial-branch=main && git add --all && git -c user.name=bench -c user.email=b@example.org commit --quiet -m start";

/// A repository with the workflows, and the same data beside it.
struct Stores {
    folder: PathBuf,
}

/// Measures and prints a row for each.
pub(super) fn rows(wfrun: &str, runs: usize) -> Result<()> {
    let stores = Stores::make()?;
    let printed = stores.print(wfrun, runs);
    std::fs::remove_dir_all(&stores.folder).context("the folder of the stores could not be removed")?;
    printed
}

impl Stores {
    fn make() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("wfrun-bench-stores-{}", std::process::id()));
        let workflows = folder.join("repo/.github/workflows");
        std::fs::create_dir_all(&workflows)?;
        for (name, steps) in WORKFLOWS {
            let steps = steps.replace("DATA", DATA);
            let text = format!("on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps:\n{steps}");
            std::fs::write(workflows.join(format!("{name}.yml")), text)?;
        }
        let stores = Self { folder };
        time_of(&mut shell(&stores.folder.join("repo"), COMMIT))?;
        time_of(&mut shell(&stores.folder, DATA))?;
        Ok(stores)
    }

    fn print(&self, wfrun: &str, runs: usize) -> Result<()> {
        for (name, ours, peer) in self.measure(wfrun, runs)? {
            row(name, &ours, Some(&peer));
        }
        clients::rows(wfrun, &self.folder.join("clients"), runs)
    }

    fn measure(&self, wfrun: &str, runs: usize) -> Result<Vec<(&'static str, Times, Times)>> {
        let plain = |command: &str| measure(&mut || time_of(&mut shell(&self.folder, command)), runs);
        let repo = self.folder.join("repo");
        let cache = |step: &str, phase: &str| self.step(wfrun, "cache", step, phase);
        let saved = measure(
            &mut || {
                time_of(Command::new(wfrun).args(["cache", "rm", "--all"]).current_dir(&repo)).ok();
                std::fs::remove_dir_all(repo.join(".wfrun/cache")).ok();
                cache("1", "post")
            },
            runs,
        )?;
        let saved_plain = plain("tar --create data | zstd --threads=0 --force -q -o data.tar.zst")?;
        let restored = measure(&mut || cache("1", "main"), runs)?;
        let restored_plain = plain(
            "rm -rf again && mkdir again && zstd --decompress --stdout -q data.tar.zst | tar --extract --directory again",
        )?;
        let artifact = |step: &str| measure(&mut || self.step(wfrun, "artifact", step, "main"), runs);
        let (up, down) = (artifact("2")?, artifact("3")?);
        let copied = plain("rm -rf copy && cp --recursive data copy")?;
        let copied_again = plain("rm -rf copy && cp --recursive data copy")?;
        Ok(vec![
            ("save 512 MB (tar | zstd)", saved, saved_plain),
            ("restore 512 MB (zstd -d | tar x)", restored, restored_plain),
            ("upload 512 MB (cp)", up, copied),
            ("download 512 MB (cp)", down, copied_again),
        ])
    }

    /// Runs a workflow in the sandbox; how long one of its steps took, as the journal has it.
    fn step(&self, wfrun: &str, workflow: &str, step: &str, phase: &str) -> Result<Duration> {
        let mut command = Command::new(wfrun);
        command.args([&format!("{workflow}.yml"), "--backend", "sandbox", "--json"]);
        let output = command.current_dir(self.folder.join("repo")).stdin(Stdio::null()).output()?;
        if !output.status.success() {
            bail!("wfrun ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
        }
        // What a run keeps is not what is measured.
        std::fs::remove_dir_all(self.folder.join("repo/.wfrun/runs"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut events = text.lines().filter_map(|it| serde_json::from_str::<Value>(it).ok());
        let is_it = |it: &Value| it["type"] == "step-finished" && it["step"] == step && it["phase"] == phase;
        let finished = events.find(is_it).with_context(|| format!("step {step} did not end"))?;
        Ok(Duration::from_millis(finished["duration_ms"].as_u64().context("no time")?))
    }
}

fn shell(folder: &Path, script: &str) -> Command {
    let mut command = Command::new("bash");
    command.args(["-c", &format!("set -eo pipefail; {script}")]).current_dir(folder);
    command
}
