//! `cargo xtask bench`: wall-clock times of commands, beside a peer's that does the same in the same run.

mod eval;
mod example;
mod job_start;
mod log;
mod planning;
mod reading;
mod registry;
mod stores;
mod unit_tests;
mod versus;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::process::{run as run_command, say};
use crate::tree;

const RUNS: usize = 20;

/// Runs all cases and prints a table. `act` on the search path serves as the peer where it does the same.
pub(crate) fn run(flags: &[String]) -> Result<()> {
    let mut runs = RUNS;
    let mut with_example = true;
    let mut only_stores = false;
    let mut only_registry = false;
    let mut peer = None;
    let mut flags = flags.iter().map(String::as_str);
    while let Some(flag) = flags.next() {
        match flag {
            "--runs" => {
                let count = flags.next().unwrap_or_default();
                runs = count
                    .parse()
                    .ok()
                    .filter(|it| *it > 0)
                    .with_context(|| format!("`{count}` is no number of runs"))?;
            }
            "--no-example" => with_example = false,
            "--stores" => only_stores = true,
            "--registry" => only_registry = true,
            "--vs" => peer = Some(flags.next().context("`--vs` wants the name of a peer: act")?.to_owned()),
            other => bail!("unknown flag {other:?}: --runs N, --no-example, --stores, --registry, --vs act"),
        }
    }
    if only_registry {
        head(runs.min(3));
        return registry::rows(runs.min(3));
    }
    let wfrun = build()?;
    if let Some(peer) = peer {
        return versus::run(&wfrun, &peer, runs.min(5));
    }
    head(runs);
    if only_stores {
        return stores::rows(&wfrun, runs.min(5));
    }
    for case in cases(&wfrun) {
        let ours = measure(&mut || time(&case.command), runs).with_context(|| case.name)?;
        let peer =
            case.peer.as_ref().map(|it| measure(&mut || time(it), runs)).transpose().with_context(|| case.name)?;
        row(case.name, &ours, peer.as_ref());
    }
    row("job start in the sandbox", &measure(&mut || job_start::time(&wfrun, "sandbox"), runs)?, None);
    if job_start::bare_engine().is_ok() {
        let bare = measure(&mut job_start::bare_engine, runs)?;
        row(
            "job start on docker (bare engine)",
            &measure(&mut || job_start::time(&wfrun, "docker"), runs)?,
            Some(&bare),
        );
    }
    log_rows(&wfrun, runs.min(5))?;
    eval_rows(&wfrun, runs)?;
    reading_rows(&wfrun, runs)?;
    planning_rows(&wfrun, runs)?;
    let folder = unit_tests::write()?;
    let name = format!("test of {} cases", unit_tests::WORKFLOWS * unit_tests::CASES);
    row(&name, &measure(&mut || unit_tests::time(&wfrun, &folder), runs)?, None);
    if with_example {
        let (ours, plain) = example::compare(&wfrun, runs.min(5))?;
        row("the example's tests, warm", &ours, Some(&plain));
    }
    Ok(())
}

fn head(runs: usize) {
    say(format!("{:<34} {:>11} {:>11} {:>11} {:>7}   ({runs} runs)", "case", "median", "min", "peer", "ratio"));
}

fn log_rows(wfrun: &str, runs: usize) -> Result<()> {
    let folder = log::write()?;
    for (title, name, _) in log::KINDS {
        let times = measure(&mut || log::time(wfrun, &folder, name), runs)?;
        row(title, &times, None);
        let speed = f64::from(log::SIZE) / 1e6 / times.median.as_secs_f64();
        let peak = peak_memory(&mut log::command(wfrun, &folder, name))?;
        say(format!("{:<34} {speed:>7.0} MB/s, at most {peak} kB", ""));
    }
    std::fs::remove_dir_all(folder).context("the folder of logs could not be removed")
}

fn eval_rows(wfrun: &str, runs: usize) -> Result<()> {
    let input = eval::input(&tree::target_folder()?)?;
    let batch = measure(&mut || eval::time(wfrun, &input), runs)?;
    row("eval --batch, 100,000 lines", &batch, None);
    let speed = f64::from(eval::LINES) / batch.median.as_secs_f64();
    say(format!("{:<34} {speed:>9.0} lines/s, at most {} kB", "", peak_memory(&mut eval::command(wfrun, &input)?)?));
    Ok(())
}

fn reading_rows(wfrun: &str, runs: usize) -> Result<()> {
    let files = reading::write()?;
    let library = reading::library(&files.large, runs)?;
    say(format!("{:<34} {:>11}", "1 MB workflow, in the library", milliseconds(library)));
    let large = measure(&mut || reading::time(&mut reading::check(wfrun, &files.ordinary, Some(&files.large))), runs)?;
    row("check of a 1 MB workflow", &large, None);
    let peak = peak_memory(&mut reading::check(wfrun, &files.ordinary, Some(&files.large)))?;
    say(format!("{:<34} at most {peak} kB", ""));
    let ours = measure(&mut || reading::time(&mut reading::check(wfrun, &files.ordinary, None)), runs)?;
    let peer = reading::zizmor(&files.ordinary);
    let peer = peer.map(|mut it| measure(&mut || reading::time(&mut it), runs)).transpose()?;
    row("check of 100 workflows (zizmor)", &ours, peer.as_ref());
    let peak = peak_memory(&mut reading::check(wfrun, &files.ordinary, None))?;
    say(format!("{:<34} at most {peak} kB", ""));
    Ok(())
}

fn planning_rows(wfrun: &str, runs: usize) -> Result<()> {
    let folder = planning::write()?;
    row("why of the example's deployment", &measure(&mut || planning::time(&mut planning::why(wfrun)), runs)?, None);
    for (name, workflow) in [
        (format!("plan of {} jobs of 256 legs", planning::WIDE), "wide"),
        (format!("plan of {} jobs, nested", planning::DEEP), "deep"),
    ] {
        let mut command = planning::plan(wfrun, &folder, workflow);
        row(&name, &measure(&mut || planning::time(&mut command), runs)?, None);
        say(format!("{:<34} at most {} kB", "", peak_memory(&mut planning::plan(wfrun, &folder, workflow))?));
    }
    Ok(())
}

/// The most memory a command takes, in kilobytes, as the kernel keeps it.
fn peak_memory(command: &mut Command) -> Result<u64> {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().with_context(|| format!("{command:?} could not be started"))?;
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    while child.try_wait().context("the command was lost")?.is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|it| it.strip_prefix("VmHWM:"));
        let size = line.and_then(|it| it.trim().strip_suffix(" kB")).and_then(|it| it.trim().parse().ok());
        most = most.max(size.unwrap_or_default());
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(most)
}

/// What is timed.
struct Case {
    name: &'static str,
    command: Vec<String>,
    /// A command that does the same work in another way.
    peer: Option<Vec<String>>,
}

fn cases(wfrun: &str) -> Vec<Case> {
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let ours = |text: &str| [vec![wfrun.to_owned()], words(text)].concat();
    let workflow = "examples/news-api/.github/workflows/deploy.yml";
    let act = Command::new("act").arg("--version").output().is_ok_and(|it| it.status.success());
    let act = |text: String| act.then(|| words(&text));
    vec![
        Case { name: "start and end", command: ours("--version"), peer: act("act --version".to_owned()) },
        Case {
            name: "plan of the example (act: --list)",
            command: ours(&format!("plan {workflow} --event push --ref main")),
            peer: act(format!("act push --list -W {workflow}")),
        },
    ]
}

fn build() -> Result<String> {
    run_command(tree::cargo().args(["build", "--release", "--package", "wfrun"]))?;
    let path: PathBuf = tree::target_folder()?.join(host()?).join("release/wfrun");
    Ok(path.to_str().context("the path of the release build is no text")?.to_owned())
}

/// What was measured.
pub(crate) struct Times {
    median: Duration,
    min: Duration,
}

/// Measures once more than asked for: the first fills the caches and does not count.
fn measure(once: &mut dyn FnMut() -> Result<Duration>, runs: usize) -> Result<Times> {
    let times = (0..=runs).map(|_| once()).collect::<Result<Vec<_>>>()?;
    Ok(summary(times.get(1..).unwrap_or_default().to_vec()))
}

fn time(words: &[String]) -> Result<Duration> {
    let (program, arguments) = words.split_first().context("a command has a first word")?;
    let mut command = Command::new(program);
    command.args(arguments).current_dir(tree::root());
    time_of(&mut command)
}

/// How long a command takes that must succeed: a time without a result says nothing.
pub(crate) fn time_of(command: &mut Command) -> Result<Duration> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let started = Instant::now();
    let status = command.status().with_context(|| format!("{command:?} could not be started"))?;
    let took = started.elapsed();
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(took)
}

fn summary(mut times: Vec<Duration>) -> Times {
    times.sort_unstable();
    Times { median: times[times.len() / 2], min: times[0] }
}

fn row(name: &str, ours: &Times, peer: Option<&Times>) {
    let (peer, ratio) = peer.map_or((String::new(), String::new()), |peer| {
        (milliseconds(peer.median), format!("{:.2}", ours.median.as_secs_f64() / peer.median.as_secs_f64()))
    });
    say(format!("{name:<34} {:>11} {:>11} {peer:>11} {ratio:>7}", milliseconds(ours.median), milliseconds(ours.min)));
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

/// The target that `.cargo/config.toml` names, which is a folder between `target` and the profile.
pub(crate) fn host() -> Result<String> {
    let output = crate::process::capture(Command::new("rustc").args(["--print", "host-tuple"]));
    output.context("`rustc --print host-tuple` failed")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::summary;

    #[test]
    fn median_and_least() {
        let times = summary([5, 1, 9].map(Duration::from_millis).to_vec());
        assert_eq!((times.median, times.min), (Duration::from_millis(5), Duration::from_millis(1)));
    }
}
