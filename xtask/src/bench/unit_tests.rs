//! `wfrun test` of 1,000 cases over 20 workflows.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::time_of;
use crate::tree;

/// How many workflows there are, each with a test file.
pub(super) const WORKFLOWS: usize = 20;
/// How many cases each test file has.
pub(super) const CASES: usize = 50;

const WORKFLOW: &str = r"
on:
  push:
    branches: [main, 'releases/**']
  pull_request:
  workflow_dispatch:
    inputs:
      target: { type: choice, options: [staging, production] }
env:
  CI: true
jobs:
  changes:
    runs-on: ubuntu-latest
    outputs:
      app: ${{ steps.filter.outputs.app }}
    steps:
      - uses: actions/checkout@v4
      - id: filter
        run: ./changed.sh >> $GITHUB_OUTPUT
  lint:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: make lint
  test:
    needs: [changes, lint]
    if: needs.changes.outputs.app == 'true'
    runs-on: ${{ matrix.os }}
    strategy:
      matrix:
        os: [ubuntu-latest, windows-latest]
    steps:
      - uses: actions/checkout@v4
      - id: unit
        run: make test
      - name: Report
        if: failure() && steps.unit.outcome == 'failure'
        run: ./report.sh
  image:
    needs: test
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - id: build
        run: docker build .
      - name: Push
        if: github.event_name == 'push'
        run: docker push
  deploy:
    needs: image
    if: github.ref == 'refs/heads/main' || inputs.target == 'production'
    runs-on: ubuntu-latest
    steps:
      - run: ./deploy.sh
      - name: Roll back
        if: failure()
        run: ./rollback.sh
  notify:
    needs: [deploy, test]
    if: always() && contains(needs.*.result, 'failure')
    runs-on: ubuntu-latest
    steps:
      - run: ./notify.sh
";

/// Situations, each with what comes of it.
const KINDS: [&str; 5] = [
    "    ref: main\n    outputs: { changes.filter: { app: true } }\n    expect:\n      jobs: { test: runs, image: runs, deploy: runs, notify: skipped }\n      steps: { image.Push: runs, deploy.Roll back: skipped }\n",
    "    event: pull_request\n    head: feature/x\n    outputs: { changes.filter: { app: true } }\n    expect:\n      jobs: { image: runs, deploy: skipped }\n      steps: { image.Push: skipped }\n",
    "    ref: releases/1\n    outputs: { changes.filter: { app: false } }\n    expect:\n      jobs: { test: skipped, image: skipped, deploy: skipped, notify: skipped }\n",
    "    ref: main\n    outputs: { changes.filter: { app: true } }\n    force: { test.unit: failure }\n    expect:\n      jobs: { test: failure, image: skipped, notify: runs }\n      steps: { test.Report: runs }\n",
    "    ref: feature/x\n    expect:\n      triggered: false\n",
];

/// Writes the workflows and their tests; gives back the folder.
pub(super) fn write() -> Result<PathBuf> {
    let folder = tree::target_folder()?.join("bench-unit-tests");
    let workflows = folder.join(".github/workflows");
    fs::create_dir_all(&workflows).with_context(|| format!("{} cannot be made", workflows.display()))?;
    for number in 0..WORKFLOWS {
        fs::write(workflows.join(format!("w{number}.yml")), format!("name: w{number}{WORKFLOW}"))?;
        let mut tests = format!("workflow: .github/workflows/w{number}.yml\ncases:\n");
        for (case, kind) in KINDS.iter().cycle().take(CASES).enumerate() {
            write!(tests, "  - name: case {case}\n    run-number: {case}\n{kind}")?;
        }
        fs::write(folder.join(format!("w{number}.wftest.yml")), tests)?;
    }
    Ok(folder)
}

/// One run of all cases; all of them must pass.
pub(super) fn time(wfrun: &str, folder: &PathBuf) -> Result<Duration> {
    time_of(Command::new(wfrun).arg("test").current_dir(folder))
}
