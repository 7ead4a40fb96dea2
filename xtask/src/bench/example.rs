//! The example's test job beside the same commands in a plain shell.

use std::process::Command;

use anyhow::Result;

use super::{Times, summary, time_of};
use crate::tree;

/// What the job's actions and scripts do, by hand. The package cache is the user's own in both.
const PLAIN: &str = "
set -e
work=$(mktemp -d)
trap 'rm -rf $work' EXIT
git clone --quiet --depth 1 \"file://$(git rev-parse --show-toplevel)\" $work/tree
cd $work/tree/examples/news-api
python3 -m venv $work/venv
. $work/venv/bin/activate
python -m pip install --upgrade pip
pip install -r requirements.txt
pytest --cov
coverage report --fail-under=70
";

/// Runs both in turn, so that a noisy machine is noisy for both.
pub(super) fn compare(wfrun: &str, runs: usize) -> Result<(Times, Times)> {
    let (mut ours, mut plain) = (Vec::new(), Vec::new());
    for round in 0..=runs {
        let mut command = Command::new(wfrun);
        command.args(["deploy.yml", "--event", "push", "--ref", "main", "--backend", "sandbox", "--job", "test"]);
        let our_time = time_of(command.current_dir(tree::root().join("examples/news-api")))?;
        let plain_time = time_of(Command::new("bash").args(["-c", PLAIN]).current_dir(tree::root()))?;
        // The first round fills the caches.
        if round > 0 {
            ours.push(our_time);
            plain.push(plain_time);
        }
    }
    Ok((summary(ours), summary(plain)))
}
