//! `cargo xtask differential`: random expressions, evaluated by wfrun and by the npm package `@actions/expressions`.
//!
//! The package is GitHub's own, in TypeScript. Where it goes other ways than GitHub's service the difference is one of
//! the listed ones (`known.rs`), and counted; any other one fails the task.

mod generate;
mod known;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use self::known::{KNOWN, Pair};
use crate::process::{capture, on_path, say};
use crate::tree;

const PACKAGE: &str = "@actions/expressions@0.3.61";
/// Most differences that are shown.
const SHOWN: usize = 20;

/// Generates, evaluates twice and compares.
pub(crate) fn run(flags: &[String]) -> Result<()> {
    let (mut count, mut seed) = (100_000, 1);
    let mut flags = flags.iter().map(String::as_str);
    while let Some(flag) = flags.next() {
        let mut number = || -> Result<u64> {
            let text = flags.next().unwrap_or_default();
            text.parse().with_context(|| format!("`{flag} {text}` is no number"))
        };
        match flag {
            "--count" => count = number()?,
            "--seed" => seed = number()?,
            other => bail!("unknown flag {other:?}: --count N, --seed S"),
        }
    }
    let folder = tree::target_folder()?.join("differential");
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be created", folder.display()))?;
    if let Err(why) = install(&folder) {
        say(format!("skipped: {why}"));
        return Ok(());
    }
    let wfrun = build()?;
    let questions = folder.join("questions.ndjson");
    fs::write(&questions, generate::lines(count, seed)).context("the questions cannot be written")?;
    let ours = answers(Command::new(wfrun).args(["eval", "--batch"]), &questions, &folder.join("wfrun.ndjson"))?;
    let oracle = tree::root().join("xtask/differential/oracle.mjs");
    let theirs = answers(Command::new("node").arg(oracle).arg(&folder), &questions, &folder.join("package.ndjson"))?;
    compare(&questions, &ours, &theirs)
}

/// The build for development, which tests have built already, and which checks its arithmetic.
fn build() -> Result<PathBuf> {
    crate::process::run(tree::cargo().args(["build", "--quiet", "--package", "wfrun"]))?;
    Ok(tree::target_folder()?.join(crate::bench::host()?).join("debug/wfrun"))
}

/// Installs the package, or tells what is missing.
fn install(folder: &Path) -> std::result::Result<(), String> {
    for program in ["node", "npm"] {
        if !on_path(program) {
            return Err(format!("`{program}` is not on the search path"));
        }
    }
    let (_, version) = PACKAGE.rsplit_once('@').unwrap_or_default();
    let manifest = folder.join("node_modules/@actions/expressions/package.json");
    let is_there = fs::read_to_string(manifest).is_ok_and(|it| it.contains(&format!("\"version\": \"{version}\"")));
    if is_there {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    npm.args([
        "install",
        "--no-save",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--fetch-retries",
        "0",
        "--prefix",
    ]);
    match capture(npm.arg(folder).arg(PACKAGE)) {
        Some(_) => Ok(()),
        None => Err(format!("npm cannot install {PACKAGE}; is there a network?")),
    }
}

/// Lets `command` answer the questions, in the order in which they are asked.
fn answers(command: &mut Command, questions: &Path, answers: &PathBuf) -> Result<Vec<Value>> {
    let input = File::open(questions).context("the questions cannot be read")?;
    let output = File::create(answers).with_context(|| format!("{} cannot be written", answers.display()))?;
    let status = command.stdin(input).stdout(Stdio::from(output)).status().context("a program could not be started")?;
    let text = fs::read_to_string(answers).with_context(|| format!("{} cannot be read", answers.display()))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    text.lines().map(|line| serde_json::from_str(line).with_context(|| format!("no JSON: {line}"))).collect()
}

fn compare(questions: &Path, ours: &[Value], theirs: &[Value]) -> Result<()> {
    let text = fs::read_to_string(questions).context("the questions cannot be read")?;
    if text.lines().count() != ours.len() || ours.len() != theirs.len() {
        bail!("{} questions have {} and {} answers", text.lines().count(), ours.len(), theirs.len());
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut outcomes: BTreeMap<&str, usize> = BTreeMap::new();
    let mut different = 0;
    for ((line, ours), theirs) in text.lines().zip(ours).zip(theirs) {
        let question: Value = serde_json::from_str(line).context("a question is no JSON")?;
        let expr = question["expr"].as_str().unwrap_or_default();
        *outcomes.entry(ours["error"]["kind"].as_str().unwrap_or("value")).or_default() += 1;
        let pair = Pair { expr, ours, theirs };
        if pair.is_same() {
            continue;
        }
        if let Some(known) = KNOWN.iter().find(|it| (it.applies)(&pair)) {
            *counts.entry(known.name).or_default() += 1;
            continue;
        }
        different += 1;
        if different <= SHOWN {
            say(format!(
                "difference: {expr}\n  contexts {}\n  wfrun    {ours}\n  package  {theirs}",
                question["contexts"]
            ));
        }
    }
    let outcomes: Vec<String> = outcomes.iter().map(|(what, count)| format!("{count} {what}")).collect();
    say(format!("{} expressions: {}", ours.len(), outcomes.join(", ")));
    for known in KNOWN {
        let count = counts.get(known.name).copied().unwrap_or_default();
        say(format!("{count:>7}  {}: {}", known.name, known.reason));
    }
    say(format!("{different:>7}  other differences"));
    if different > 0 {
        bail!("{different} differences are not among the listed ones");
    }
    Ok(())
}
