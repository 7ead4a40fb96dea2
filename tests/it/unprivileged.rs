//! `wfrun` as a user without rights: the sandbox is a user namespace, files stay the user's.
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};

use crate::docker::{IMAGE, has_docker, left};
use crate::repo::{Ran, Repo, WFRUN, files_below};

/// An id that no account has.
const ID: u32 = 61_234;

/// A user with a home of its own, who may start wfrun.
pub(crate) struct User {
    home: tempfile::TempDir,
    /// A group besides the user's own.
    group: Option<u32>,
}

impl User {
    /// A user, if the tests may start programs as one; says so where not.
    pub(crate) fn new() -> Option<Self> {
        let user = Self { home: tempfile::tempdir().expect("a folder"), group: None };
        if geteuid().is_root() {
            fs::copy(WFRUN, user.executable()).expect("a copy, because nobody may look into the folder of the tests");
            fs::set_permissions(user.executable(), fs::Permissions::from_mode(0o755)).expect("a file");
            Self::give(user.home.path());
        }
        let able = user.command(Path::new("/"), &["--version"]).output();
        if able.is_ok_and(|it| it.status.success()) {
            return Some(user);
        }
        println!("skipped: no `setpriv` to become a user with");
        None
    }

    fn executable(&self) -> PathBuf {
        if geteuid().is_root() { self.home.path().join("wfrun") } else { PathBuf::from(WFRUN) }
    }

    fn id() -> u32 {
        if geteuid().is_root() { ID } else { geteuid().as_raw() }
    }

    /// Makes files the user's.
    pub(crate) fn give(path: &Path) {
        if geteuid().is_root() {
            for path in std::iter::once(path.to_owned()).chain(files_below(path)) {
                std::os::unix::fs::lchown(&path, Some(ID), Some(ID)).expect("it is there");
            }
        }
    }

    /// A command line of the user's, after what has to stand before it.
    pub(crate) fn command(&self, folder: &Path, arguments: &[&str]) -> Command {
        self.command_in(&[], folder, arguments)
    }

    fn command_in(&self, before: &[&str], folder: &Path, arguments: &[&str]) -> Command {
        let mut words: Vec<String> = before.iter().map(|it| (*it).to_owned()).collect();
        if geteuid().is_root() {
            let groups = self.group.map_or_else(|| "--clear-groups".to_owned(), |it| format!("--groups={it}"));
            words.extend(["setpriv".to_owned(), format!("--reuid={ID}"), format!("--regid={ID}"), groups]);
        }
        words.push(self.executable().display().to_string());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).args(arguments).current_dir(folder).stdin(Stdio::null()).env_clear();
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env("PATH", path).env("HOME", self.home.path()).env("NO_COLOR", "1");
        command
    }

    /// A repository of the user's.
    pub(crate) fn repo(workflow: &str) -> Repo {
        let repo = Repo::new(workflow, &[("kept", "kept\n")]);
        Self::give(repo.root().parent().expect("a folder of its own"));
        repo
    }

    fn work(&self) -> PathBuf {
        self.home.path().join(".cache/wfrun/work")
    }

    /// What is left of runs.
    fn leftovers(&self) -> Vec<PathBuf> {
        fs::read_dir(self.work()).into_iter().flatten().flatten().map(|it| it.path()).collect()
    }
}

/// Whether a sandbox can be made for a user here; says so where not.
pub(crate) fn can_sandbox(user: &User) -> bool {
    let tried = user.command(Path::new("/"), &["__sandbox", "--try"]).output().expect("wfrun starts");
    if !tried.status.success() {
        println!("skipped: no sandbox for users: {}", String::from_utf8_lossy(&tried.stdout));
    }
    tried.status.success()
}

#[test]
fn the_sandbox_needs_no_root() {
    let Some(user) = User::new().filter(can_sandbox) else { return };
    let repo = User::repo(
        "on: push
jobs:
  j:
    runs-on: ubuntu-latest
    steps:
    - uses: actions/checkout@v4
    - run: |
        test \"$(id -u) $(pwd) $HOME\" = '0 /home/runner/work/repo/repo /home/runner'
        test \"$(cat kept)\" = kept && test -z \"$(git status --porcelain)\"
        echo made > made; mkdir closed && touch closed/x && chmod 0 closed
        echo home > ~/home; echo etc > /etc/wfrun-test; touch /tmp/t
        test ! -e /var/run/docker.sock && ! cat /etc/shadow
        grep -q ' 1$' /proc/self/uid_map
    - uses: actions/cache@v4
      with: {path: made, key: k}
",
    );
    let ran = user.command(&repo.root(), &["w.yml", "--backend", "sandbox", "--json", "--keep-workspace"]).output();
    let ran = Ran::of(&ran.expect("wfrun starts")).ends_with(0);
    assert!(ran.lines().contains(&"Cache saved with key: k".to_owned()), "{:#?}", ran.lines());
    assert_eq!(user.leftovers(), [] as [PathBuf; 0]);
    assert!(!Path::new("/etc/wfrun-test").exists());
    let all = files_below(user.home.path()).into_iter().chain(files_below(&repo.root().join(".wfrun")));
    let others: Vec<PathBuf> = all.filter(|it| it.symlink_metadata().is_ok_and(|it| it.uid() != User::id())).collect();
    assert_eq!(others, [] as [PathBuf; 0], "all files are the user's");
}

#[test]
fn ctrl_c_leaves_nothing_of_a_user_s_run() {
    let Some(user) = User::new().filter(can_sandbox) else { return };
    let repo = User::repo(
        "on: push
jobs:
  j:
    runs-on: ubuntu-latest
    steps:
    - uses: actions/checkout@v4
    - run: \"trap '' TERM INT; setsid sleep 61234 & echo here; sleep 61234\"
",
    );
    for signal in [Signal::SIGINT, Signal::SIGKILL] {
        let mut command = user.command(&repo.root(), &["w.yml", "--backend", "sandbox", "--json"]);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("wfrun starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        assert!(lines.any(|it| it.is_ok_and(|it| it.contains("\"text\":\"here\""))), "the step runs");
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("a number"));
        kill(pid, signal).expect("it runs");
        lines.for_each(drop);
        let code = child.wait().expect("it has ended").code();
        assert_eq!(code, (signal == Signal::SIGINT).then_some(130));
        let begin = Instant::now();
        while runs_as(User::id(), "sleep\u{0}61234") && begin.elapsed() < Duration::from_mins(1) {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(!runs_as(User::id(), "sleep\u{0}61234"), "{signal}: a process of the run goes on");
    }
    // What a killed run leaves is files, until the next one.
    assert_eq!(user.leftovers().len(), 1);
    let cleaned = user.command(&repo.root(), &["clean"]).output().expect("wfrun starts");
    assert!(cleaned.status.success() && user.leftovers().is_empty(), "{cleaned:?}");
}

/// Whether a process of this user has `text` in its command line.
fn runs_as(id: u32, text: &str) -> bool {
    let processes = fs::read_dir("/proc").expect("/proc").flatten().map(|it| it.path());
    let mut own = processes.filter(|it| it.metadata().is_ok_and(|it| it.uid() == id));
    own.any(|it| fs::read(it.join("cmdline")).is_ok_and(|it| String::from_utf8_lossy(&it).contains(text)))
}

/// What root writes in a container would be root's here as well, and nobody else could remove it.
#[test]
fn what_a_container_writes_is_the_user_s_in_the_end() {
    const SOCKET: &str = "/var/run/docker.sock";
    let Some(mut user) = User::new().filter(|_| geteuid().is_root() && has_docker()) else { return };
    let socket = Path::new(SOCKET).metadata().expect("the engine's socket");
    if socket.gid() == 0 || socket.mode() & 0o060 != 0o060 {
        println!("skipped: no group may use the engine");
        return;
    }
    user.group = Some(socket.gid());
    let steps = "
    steps:
    - uses: actions/checkout@v4
    - run: 'mkdir -p a/b && echo made > a/b/c && chmod 700 a && ln -s /etc/passwd link && id -u'
";
    let repo = User::repo(&format!(
        "on: push
jobs:
  runner:
    runs-on: ubuntu-latest{steps}
  container:
    runs-on: ubuntu-latest
    container: {IMAGE}{steps}"
    ));
    let ran = user.command(&repo.root(), &["w.yml", "--backend", "docker", "--json", "--offline"]).output();
    let ran = Ran::of(&ran.expect("wfrun starts")).ends_with(0);
    assert_eq!(ran.lines().iter().filter(|it| *it == "0").count(), 2, "steps are root: {:#?}", ran.lines());
    assert_eq!(user.leftovers(), [] as [PathBuf; 0]);
    assert_eq!((left(&ran).as_str(), Path::new("/etc/passwd").metadata().expect("a file").uid()), ("", 0));
    // Also where wfrun is killed: the container's first process gives it back, and the next run removes it.
    repo.change(".github/workflows/w.yml", "id -u", "echo here && sleep 60");
    repo.commit("sleep");
    User::give(repo.root().parent().expect("a folder of its own"));
    let mut command = user.command(&repo.root(), &["w.yml", "--backend", "docker", "--json", "--job", "runner"]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("wfrun starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    assert!(lines.any(|it| it.is_ok_and(|it| it.contains("\"text\":\"here\""))), "the step runs");
    child.kill().and_then(|()| child.wait()).expect("it runs");
    let begin = Instant::now();
    let is_given = || files_below(&user.work()).iter().all(|it| it.symlink_metadata().is_ok_and(|it| it.uid() == ID));
    while !is_given() && begin.elapsed() < Duration::from_mins(1) {
        std::thread::sleep(Duration::from_millis(50));
    }
    let cleaned = user.command(&repo.root(), &["clean"]).output().expect("wfrun starts");
    assert!(cleaned.status.success() && user.leftovers().is_empty(), "{cleaned:?}");
}

/// The setting that forbids it holds in a user namespace around wfrun as it does on a whole machine.
#[test]
fn where_it_is_forbidden_that_is_said() {
    let Some(user) = User::new().filter(|_| geteuid().is_root()) else { return };
    let forbid = "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$@\"";
    let before = ["unshare", "--user", "--map-users=0,0,65536", "--map-groups=0,0,65536", "sh", "-c", forbid, "sh"];
    let able = Command::new(before[0]).args(&before[1..]).arg("true").output();
    if !able.is_ok_and(|it| it.status.success()) {
        println!("skipped: no `unshare` that maps users");
        return;
    }
    let repo = User::repo("on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps: [run: 'true']\n");
    let run =
        |arguments: &[&str]| Ran::of(&user.command_in(&before, &repo.root(), arguments).output().expect("it starts"));
    let ran = run(&["w.yml", "--backend", "sandbox"]).ends_with(3);
    let reason = "user namespaces are switched off (user.max_user_namespaces=0)";
    assert!(ran.stderr.contains(reason) && ran.stderr.contains("sysctl"), "{}", ran.stderr);
    // Nobody but root may use the engine here.
    let examined = run(&["doctor"]).ends_with(3);
    for part in [reason, "✗ start", "no job can run here", "sudo sysctl user.max_user_namespaces=15000"] {
        assert!(examined.stdout.replace("\n                ", " ").contains(part), "{part}\n{}", examined.stdout);
    }
}

#[test]
fn a_user_is_told_what_a_user_has() {
    let Some(user) = User::new().filter(can_sandbox) else { return };
    let output = user.command(Path::new("/"), &["doctor", "--json"]).env("DOCKER_HOST", "unix:///nowhere").output();
    let ran = Ran::of(&output.expect("wfrun starts")).ends_with(0);
    let told: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!((&told["usable"], &told["auto"]), (&serde_json::json!(["sandbox"]), &serde_json::json!("sandbox")));
    let standing = |area: &str, name: &str| {
        let all = told["findings"].as_array().expect("findings");
        let found = all.iter().find(|it| it["area"] == area && it["name"] == name);
        found.map(|it| it["standing"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(standing("sandbox", "start").as_deref(), Some("good"));
    assert_eq!(standing("sandbox", "packages").as_deref(), Some("limited"));
    assert_eq!(standing("docker", "engine").as_deref(), Some("missing"));
    assert_eq!(standing("disk", "cache").as_deref(), Some("good"));
    assert_eq!(user.leftovers(), [] as [PathBuf; 0], "the doctor takes away what it tried");
}

/// As in a container that is started with any number for a user.
#[test]
fn a_user_needs_neither_an_account_nor_a_home() {
    let Some(user) = User::new().filter(can_sandbox) else { return };
    let repo = User::repo("on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps: [run: 'echo $HOME']\n");
    let mut command = user.command(&repo.root(), &["w.yml", "--backend", "sandbox", "--json"]);
    let ran = command.env_remove("HOME").env("XDG_CACHE_HOME", user.home.path().join(".cache")).output();
    let ran = Ran::of(&ran.expect("wfrun starts")).ends_with(0);
    assert_eq!(ran.lines(), ["/home/runner"]);
}
