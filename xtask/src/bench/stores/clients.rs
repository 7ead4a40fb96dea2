//! GitHub's own clients of caches and artifacts, unmodified, in a step of wfrun and of `act`: the same script and the same data, with
//! the services that each has by itself.
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::super::{Times, row, summary};
use super::{COMMIT, DATA, shell, time_of};
use crate::process::{capture, on_path, say};

const CACHE: &str = "6.3.0";
/// The newest, and one that `act` 0.2.89 can serve.
///
/// Source: `act`, `pkg/artifacts/arifacts_v4.go`: a field that it does not know (`mime_type`) is an error, and the signature in its
/// addresses ends with a bare `=`, which `@azure/storage-blob` leaves out after 12.18.0.
const ARTIFACT: [&str; 2] = ["6.2.1", "5.0.0"];
const STORAGE: [Option<&str>; 2] = [None, Some("@azure/storage-blob@12.18.0")];

const ACTION: &str = "name: client
inputs: {packages: {required: true}, protocol: {default: ''}}
runs: {using: node20, main: main.mjs}
";

const WORKFLOW: &str = "on: push
jobs:
  j:
    runs-on: ubuntu-latest
    steps:
    - uses: actions/checkout@v4
    - run: DATA
    - uses: ./client
      with: {packages: '${{ vars.PACKAGES }}', protocol: '${{ vars.PROTOCOL }}'}
";

/// What the script said of its calls.
#[derive(Debug, Default, PartialEq)]
struct Ran {
    took: Vec<(String, Duration)>,
    failed: Vec<String>,
    /// It had the first protocol of the cache only.
    first: bool,
}

struct Clients<'a> {
    wfrun: &'a str,
    folder: PathBuf,
}

/// Measures and prints a row for each call, or says what is missing for it.
pub(super) fn rows(wfrun: &str, folder: &Path, runs: usize) -> Result<()> {
    if let Some(missing) = ["act", "npm", "node"].into_iter().find(|it| !on_path(it)) {
        say(format!("the clients of actions are left out: `{missing}` is not on the search path"));
        return Ok(());
    }
    let clients = Clients { wfrun, folder: folder.to_owned() };
    clients.make()?;
    for index in 0..ARTIFACT.len() {
        if !clients.install(index) {
            say(format!("the clients of actions are left out: npm cannot install {}", packages(index).join(" ")));
            return Ok(());
        }
    }
    clients.compare(runs)?.print()
}

/// The runs of each, with the newest versions and with those that the peer could serve.
struct Compared {
    newest: Vec<Ran>,
    like_peer: Vec<Ran>,
    peer: Vec<Ran>,
    /// The peer with the newest versions.
    tried: Ran,
    served: usize,
}

impl Compared {
    fn print(&self) -> Result<()> {
        say(format!(
            "{:<34} {:>11} {:>11} {:>11} {:>7}",
            "clients in an action, 512 MB", "median", "min", "act", "ratio"
        ));
        let note = |text: &str| say(format!("{:<34} {text}", ""));
        let Self { newest, like_peer, peer, tried, served } = self;
        for call in ["save", "restore"] {
            print(&format!("cache {CACHE} {call}"), call, newest, peer)?;
            if tried.first {
                print(&format!("cache {CACHE} {call}, protocol 1"), call, like_peer, peer)?;
            }
        }
        if tried.first {
            note("act has protocol 1 of the cache only");
        }
        for call in ["upload", "download"] {
            print(&format!("artifact {} {call}", ARTIFACT[0]), call, newest, if *served == 0 { peer } else { &[] })?;
            if *served > 0 {
                print(&format!("artifact {} {call}", ARTIFACT[*served]), call, like_peer, peer)?;
            }
        }
        let all = [(ARTIFACT[0], std::slice::from_ref(tried)), (ARTIFACT[*served], peer)];
        for (version, runs) in all {
            for failed in runs.iter().flat_map(|it| &it.failed) {
                note(&format!("act, with artifact {version}, in one of {}: {failed}", runs.len()));
            }
        }
        Ok(())
    }
}

/// A row of a call, with the peer where it could do it.
fn print(name: &str, call: &str, ours: &[Ran], peer: &[Ran]) -> Result<()> {
    let ours = times(ours, call).with_context(|| format!("{name}: no time"))?;
    row(name, &ours, times(peer, call).as_ref());
    Ok(())
}

/// The times of a call where it succeeded.
fn times(all: &[Ran], call: &str) -> Option<Times> {
    let one = |ran: &Ran| ran.took.iter().find(|it| it.0 == call).map(|it| it.1);
    let times: Vec<Duration> = all.iter().filter_map(one).collect();
    (!times.is_empty()).then(|| summary(times))
}

fn packages(index: usize) -> Vec<String> {
    let mut all = vec![format!("@actions/cache@{CACHE}"), format!("@actions/artifact@{}", ARTIFACT[index])];
    all.extend(STORAGE[index].map(str::to_owned));
    all
}

impl Clients<'_> {
    /// A repository with the workflow and an action that is the script.
    fn make(&self) -> Result<()> {
        let repo = self.folder.join("repo");
        for (path, text) in [
            (".github/workflows/c.yml", WORKFLOW.replace("DATA", DATA).as_str()),
            ("client/action.yml", ACTION),
            ("client/main.mjs", include_str!("client.mjs")),
        ] {
            let path = repo.join(path);
            std::fs::create_dir_all(path.parent().context("it has a folder")?)?;
            std::fs::write(path, text)?;
        }
        time_of(&mut shell(&repo, COMMIT)).map(drop)
    }

    fn install(&self, index: usize) -> bool {
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]);
        capture(npm.arg(self.packages(index)).args(packages(index))).is_some()
    }

    fn packages(&self, index: usize) -> PathBuf {
        self.folder.join(format!("packages-{index}"))
    }

    /// Runs both in turn, so that both see the same noise.
    fn compare(&self, runs: usize) -> Result<Compared> {
        // What a peer can serve shows only when it is asked to.
        let tried = self.act(0)?;
        let served = usize::from(!tried.failed.is_empty());
        let mut all = Compared { newest: Vec::new(), like_peer: Vec::new(), peer: Vec::new(), tried, served };
        for _ in 0..runs {
            all.newest.push(self.wfrun(0, false)?);
            if served > 0 || all.tried.first {
                all.like_peer.push(self.wfrun(served, all.tried.first)?);
            }
            all.peer.push(self.act(served)?);
        }
        Ok(all)
    }

    /// Runs it on this machine itself, as `act` can without an engine.
    fn wfrun(&self, index: usize, first: bool) -> Result<Ran> {
        let mut command = Command::new(self.wfrun);
        command.args(["c.yml", "--backend", "host"]);
        let ran = self.run(command, index, first)?;
        std::fs::remove_dir_all(self.folder.join("repo/.wfrun"))?;
        if let Some(failed) = ran.failed.first() {
            bail!("wfrun with {}: {failed}", packages(index).join(" "));
        }
        Ok(ran)
    }

    fn act(&self, index: usize) -> Result<Ran> {
        let home = self.folder.join("home");
        std::fs::create_dir_all(&home)?;
        // Its default may be in use, and it does not say which one it took for 0.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = Command::new("act");
        command.args(["push", "-P", "ubuntu-latest=-self-hosted", "--action-offline-mode"]);
        command.args(["--cache-server-addr", "127.0.0.1", "--artifact-server-addr", "127.0.0.1"]);
        command.args(["--artifact-server-port", &port.to_string()]);
        for (option, folder) in [
            ("--cache-server-path", "caches"),
            ("--artifact-server-path", "artifacts"),
            ("--action-cache-path", "actions"),
        ] {
            command.arg(option).arg(home.join(folder));
        }
        // A person's own `.actrc` and store are no part of it.
        command.env("HOME", &home).env_remove("XDG_CONFIG_HOME").env_remove("XDG_CACHE_HOME");
        let ran = self.run(command, index, false);
        std::fs::remove_dir_all(home)?;
        ran
    }

    fn run(&self, mut command: Command, index: usize, first: bool) -> Result<Ran> {
        let packages = format!("PACKAGES={}", self.packages(index).display());
        let protocol = format!("PROTOCOL={}", if first { "first" } else { "any" });
        command.args(["--var", &packages, "--var", &protocol]).current_dir(self.folder.join("repo"));
        let output =
            command.stdin(Stdio::null()).output().with_context(|| format!("{command:?} could not be started"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            bail!("{command:?} ended with {}: {text}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
        }
        Ok(Ran::read(&text))
    }
}

impl Ran {
    /// From a log in which each line may have something before it.
    fn read(log: &str) -> Self {
        let mut ran = Self::default();
        for line in log.lines() {
            let after = |mark: &str| line.split_once(mark).map(|it| it.1.trim_end());
            if let Some((call, ms)) = after("client-took ").and_then(|it| it.split_once(' ')) {
                ran.took.extend(ms.parse().ok().map(|ms| (call.to_owned(), Duration::from_millis(ms))));
            }
            ran.failed.extend(after("client-failed ").map(str::to_owned));
            ran.first |= after("client-protocol ") == Some("first");
        }
        ran
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Ran, times};

    #[test]
    fn what_the_script_said() {
        let log = "time=\"…\" level=info msg=\"Start server\"\n[c.yml/j]   | client-protocol first\n\
                   [c.yml/j]   | client-took save 1200\nj  client-took restore 7\r\nj  client-failed upload no: such thing\n";
        let took = [("save", 1200), ("restore", 7)].map(|(call, ms)| (call.to_owned(), Duration::from_millis(ms)));
        let failed = vec!["upload no: such thing".to_owned()];
        let ran = Ran::read(log);
        assert_eq!(ran, Ran { took: took.to_vec(), failed, first: true });
        assert!(!Ran::read("client-protocol second").first);
        let all = [ran, Ran::read("client-took save 1000\nclient-took save x")];
        assert_eq!(times(&all, "save").map(|it| it.min), Some(Duration::from_secs(1)));
        assert_eq!(times(&all, "restore").map(|it| it.median), Some(Duration::from_millis(7)));
        assert!(times(&all, "upload").is_none());
    }
}
