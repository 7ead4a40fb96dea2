//! `cargo xtask ci`: the same stages on every machine, each timed, all of them run although one fails.

mod counts;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use self::counts::Counts;
use crate::process::{capture, run as run_command, say};
use crate::{differential, tidy, tree};

/// What property tests make their inputs of, so that what is refused does not depend on chance.
const SEED: (&str, &str) = ("PROPTEST_RNG_SEED", "20261126");

/// One stage's name, and what it does.
type Stage = (&'static str, fn() -> Result<Option<Counts>>);

const FAST: &[Stage] = &[("format", format), ("clippy", clippy), ("tidy", run_tidy)];

const ALL: &[Stage] = &[
    ("format", format),
    ("clippy", clippy),
    ("tests", tests),
    ("doctests", doctests),
    ("docs", docs),
    ("differential", run_differential),
    ("tidy", run_tidy),
];

/// Runs the stages; fails if one of them did.
pub(crate) fn run(flags: &[String]) -> Result<()> {
    let stages = match flags.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => ALL,
        ["--fast"] => FAST,
        other => bail!("unknown flags {other:?}: --fast, or none"),
    };
    let mut lines = Vec::new();
    let mut failed = Vec::new();
    for (name, stage) in stages {
        say(format!("\n== {name}"));
        let started = Instant::now();
        let result = stage();
        let took = seconds(started.elapsed());
        let counted = match &result {
            Ok(Some(counts)) => format!("  {counts}"),
            Ok(None) | Err(_) => String::new(),
        };
        lines.push(format!("{name:<12} {took:>7}  {}{counted}", if result.is_ok() { "ok" } else { "FAILED" }));
        if let Err(err) = result {
            say(format!("{name}: {err:#}"));
            failed.push(*name);
        }
    }
    say(format!("\n{}", lines.join("\n")));
    if failed.is_empty() {
        return Ok(());
    }
    bail!("failed: {}", failed.join(", "))
}

fn format() -> Result<Option<Counts>> {
    run_command(tree::cargo().args(["fmt", "--all", "--check"])).context("`cargo fmt --all` mends it").map(|()| None)
}

fn clippy() -> Result<Option<Counts>> {
    run_command(tree::cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])).map(|()| None)
}

fn tests() -> Result<Option<Counts>> {
    if std::env::var_os("WFRUN_REQUIRE_DOCKER").is_some_and(|it| it == "1") {
        say("WFRUN_REQUIRE_DOCKER=1: a test that misses the engine or its image fails");
    }
    if capture(tree::cargo().args(["nextest", "--version"])).is_some() { with_nextest() } else { with_cargo_test() }
}

/// nextest runs each test in a process of its own and writes what every test printed into a report,
/// where tests say what they left out.
fn with_nextest() -> Result<Option<Counts>> {
    // nextest keeps reports here also where CARGO_TARGET_DIR names another folder.
    let report = tree::root().join("target/nextest/ci/junit.xml");
    // A report of an earlier run must not be taken for this one's.
    match fs::remove_file(&report) {
        Err(err) if err.kind() != std::io::ErrorKind::NotFound => {
            bail!("{} cannot be removed: {err}", report.display())
        }
        Ok(()) | Err(_) => {}
    }
    let mut command = tree::cargo();
    command.args(["nextest", "run", "--workspace", "--profile", "ci", "--no-fail-fast"]);
    command.env("INSTA_UPDATE", "no").env(SEED.0, SEED.1);
    let result = run_command(&mut command);
    let text = fs::read_to_string(&report).unwrap_or_default();
    finish(counts::of_junit(&text), result)
}

/// Where nextest is not installed.
fn with_cargo_test() -> Result<Option<Counts>> {
    say("cargo-nextest is not installed, so `cargo test` runs the tests");
    let mut command = tree::cargo();
    command.args(["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast", "--", "--show-output"]);
    let (output, result) = tee(command.env("INSTA_UPDATE", "no").env(SEED.0, SEED.1))?;
    finish(counts::of_cargo_test(&output), result)
}

fn doctests() -> Result<Option<Counts>> {
    let (output, result) = tee(tree::cargo().args(["test", "--workspace", "--doc"]))?;
    finish(counts::of_cargo_test(&output), result)
}

/// Says what was left out, which a green line would hide.
fn finish(counts: Counts, result: Result<()>) -> Result<Option<Counts>> {
    for line in &counts.left_out {
        say(format!("left out: {line}"));
    }
    result.map(|()| Some(counts))
}

fn docs() -> Result<Option<Counts>> {
    let mut command = tree::cargo();
    command.args(["doc", "--workspace", "--no-deps", "--document-private-items"]).env("RUSTDOCFLAGS", "-D warnings");
    run_command(&mut command).map(|()| None)
}

/// A tenth of what a person runs; without npm or network it says so, and nothing fails.
fn run_differential() -> Result<Option<Counts>> {
    differential::run(&["--count".to_owned(), "10000".to_owned()]).map(|()| None)
}

fn run_tidy() -> Result<Option<Counts>> {
    tidy::run().map(|()| None)
}

/// Runs `command`, showing its standard output and keeping it.
fn tee(command: &mut Command) -> Result<(String, Result<()>)> {
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().context("cargo could not be started")?;
    let output = child.stdout.take().context("the output was asked for")?;
    let mut kept = String::new();
    for line in BufReader::new(output).lines() {
        let line = line.context("the output could not be read")?;
        say(&line);
        kept.push_str(&line);
        kept.push('\n');
    }
    let status = child.wait().context("cargo was lost")?;
    let result = if status.success() { Ok(()) } else { Err(anyhow::anyhow!("tests failed ({status})")) };
    Ok((kept, result))
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
