//! Reading workflows: one of 1 MB in the library, and a hundred ordinary ones by `wfrun check` beside `zizmor`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::time_of;
use crate::process::{capture, on_path};
use crate::tree;

/// Bytes of the large workflow: just below GitHub's limit.
const LARGE: usize = 1_040_000;
/// How many ordinary workflows there are.
pub(super) const ORDINARY: usize = 100;

const HEAD: &str = "on:\n  push:\n    branches: [main, 'releases/**']\n  pull_request:\nenv:\n  CI: true\njobs:\n";

/// A job as people write them: a matrix, actions, scripts, expressions in most places.
const JOB: &str = r#"  job-@N@:
    name: Build and test @N@ (${{ matrix.os }})
    if: github.event_name == 'push' || contains(github.event.pull_request.labels.*.name, 'run-@N@')
    runs-on: ${{ matrix.os }}
    timeout-minutes: 30
    strategy:
      fail-fast: false
      matrix:
        os: [ubuntu-latest, ubuntu-22.04]
        node: [18, 20, 22]
    env:
      NAME: value-@N@
      TOKEN: ${{ secrets.TOKEN }}
    steps:
      - uses: actions/checkout@v4
        with:
          fetch-depth: 0
      - name: Set up Node ${{ matrix.node }}
        uses: actions/setup-node@v4
        with:
          node-version: ${{ matrix.node }}
      - name: Install
        id: build
        run: |
SCRIPT          npm ci --prefer-offline
          npm run build -- --target=${{ matrix.os }} --mode production
          echo "version=$(node -p "require('./package.json').version")" >> "$GITHUB_OUTPUT"
      - name: Test
        if: ${{ success() && steps.build.outputs.version != '' }}
        run: npm test -- --coverage --shard=1/4
        env:
          VERSION: ${{ steps.build.outputs.version }}
      - name: Upload
        uses: actions/upload-artifact@v4
        with:
          name: coverage-@N@-${{ matrix.os }}-${{ matrix.node }}
          path: coverage/
    outputs:
      version: ${{ steps.build.outputs.version }}
"#;

fn job(number: usize, script_lines: usize) -> String {
    let script = (0..script_lines).fold(String::new(), |mut text, line| {
        writeln!(text, "          echo 'line {line} of a script that does something with files' | tee -a log.txt")
            .expect("a String takes any text");
        text
    });
    JOB.replace("SCRIPT", &script).replace("@N@", &number.to_string())
}

/// What is read: the large workflow, and the folder of ordinary ones.
pub(super) struct Files {
    pub(super) large: PathBuf,
    pub(super) ordinary: PathBuf,
}

pub(super) fn write() -> Result<Files> {
    let folder = tree::target_folder()?.join("bench-reading");
    let ordinary = folder.join("ordinary");
    let workflows = ordinary.join(".github/workflows");
    fs::create_dir_all(&workflows).with_context(|| format!("{} cannot be made", workflows.display()))?;
    let large = folder.join("large.yml");
    let mut text = format!("name: large\n{HEAD}");
    for number in 0.. {
        // Long scripts, so that a megabyte stays within GitHub's 50,000 YAML nodes.
        let next = job(number, 9);
        if text.len() + next.len() > LARGE {
            break;
        }
        text.push_str(&next);
    }
    fs::write(&large, text)?;
    for number in 0..ORDINARY {
        let jobs: String = (0..4).map(|it| job(it, 0)).collect();
        fs::write(workflows.join(format!("w{number}.yml")), format!("name: w{number}\n{HEAD}{jobs}"))?;
    }
    Ok(Files { large, ordinary })
}

/// Milliseconds that the library takes for the large workflow, median of `runs`.
pub(super) fn library(large: &Path, runs: usize) -> Result<Duration> {
    let mut command = tree::cargo();
    command.args(["run", "--quiet", "--release", "--package", "wfrun-workflow", "--example", "read_speed", "--"]);
    let output = capture(command.arg(large).arg(runs.to_string())).context("the example read_speed failed")?;
    let milliseconds: f64 = output.trim().parse().with_context(|| format!("`{output}` is no number"))?;
    Ok(Duration::from_secs_f64(milliseconds / 1000.0))
}

/// `wfrun check` of all ordinary workflows, or of one file.
pub(super) fn check(wfrun: &str, folder: &Path, file: Option<&Path>) -> Command {
    let mut command = Command::new(wfrun);
    command.arg("check").args(file).current_dir(folder);
    command
}

/// The same by `zizmor`, if it is on the search path. It looks for dangers and not for errors, in the same files.
pub(super) fn zizmor(folder: &Path) -> Option<Command> {
    on_path("zizmor").then(|| {
        let mut command = Command::new("zizmor");
        command.args(["--offline", "--no-progress", "--no-exit-codes", ".github/workflows"]).current_dir(folder);
        command
    })
}

pub(super) fn time(command: &mut Command) -> Result<Duration> {
    time_of(command)
}
