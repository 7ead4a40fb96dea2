//! What only the sandbox promises: this machine does not change, and private files stay private.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use wfrun_backend::{BackendError, Mount};

use crate::support::{agent_executable, collect, is_running, open, open_with, sandbox, spec, wait_until_gone};

/// Names, sizes and times of everything in some directories that steps like to write to, but for what other tests make there.
fn machine() -> BTreeMap<String, (u64, i64, i64)> {
    let mut all = BTreeMap::new();
    for directory in ["/etc", "/opt", "/usr/local", "/home", "/root", "/var/lib/dpkg"] {
        note(Path::new(directory), 3, &mut all);
    }
    all
}

fn note(path: &Path, depth: usize, all: &mut BTreeMap<String, (u64, i64, i64)>) {
    let Ok(metadata) = path.symlink_metadata() else { return };
    // Caches of whoever builds this change all the time.
    let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default();
    if [".cargo", ".cache", ".rustup"].contains(&name) || name.starts_with("wfrun-test-") {
        return;
    }
    // Others make folders of their own in it and remove them: what is left is seen by its name.
    let is_shared = path == Path::new("/home");
    let state = if is_shared { (0, 0, 0) } else { (metadata.size(), metadata.mtime(), metadata.mtime_nsec()) };
    all.insert(path.display().to_string(), state);
    if metadata.is_dir() && depth > 0 {
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            note(&entry.path(), depth - 1, all);
        }
    }
}

#[tokio::test]
async fn this_machine_does_not_change() {
    let Some(backend) = sandbox() else { return };
    let before = machine();
    let place = open(&backend).await;
    place.output("echo x > /etc/wfrun-was-here; touch /tmp/wfrun-was-here /dev/shm/wfrun-was-here").await;
    let as_root = "
        rm /etc/os-release; echo 1.2.3.4 x >> /etc/hosts; mkdir -p /opt/hostedtoolcache/Python
        printf '#!/bin/sh\\necho installed\\n' > /usr/local/bin/wfrun-tool; chmod +x /usr/local/bin/wfrun-tool
        test \"$(wfrun-tool)\" = installed; echo x > /var/lib/dpkg/wfrun
        chmod 700 /usr/local; useradd -m wfrun-user; test -d /home/wfrun-user; hostname wfrun-other || :";
    // An unprivileged user may not write to what belongs to root, also not to a copy.
    if nix::unistd::geteuid().is_root() {
        place.output(as_root).await;
    }
    place.close().await;
    let after = machine();
    let changed: Vec<_> = after
        .iter()
        .filter(|(path, state)| before.get(*path) != Some(state))
        .chain(before.iter().filter(|(path, _)| !after.contains_key(*path)))
        .collect();
    assert!(changed.is_empty(), "{changed:?}");
    for path in ["/tmp/wfrun-was-here", "/dev/shm/wfrun-was-here", "/etc/wfrun-was-here", "/.old-root"] {
        assert!(!Path::new(path).exists(), "{path}");
    }
    assert!(!fs::read_to_string("/proc/sys/kernel/hostname").expect("a name").starts_with("wfrun-other"));
}

#[tokio::test]
async fn packages_can_be_installed() {
    let Some(backend) = sandbox() else { return };
    let place = open(&backend).await;
    // As apt and pip do it, from files made here: no network in tests.
    if place.environment.which("dpkg-deb").await.is_some() && nix::unistd::geteuid().is_root() {
        let script = "
            mkdir -p pkg/DEBIAN pkg/usr/bin; printf '#!/bin/sh\\necho from-deb\\n' > pkg/usr/bin/wfrun-deb; chmod 755 pkg/usr/bin/wfrun-deb
            printf 'Package: wfrun-deb\\nVersion: 1\\nArchitecture: all\\nMaintainer: x <x@x>\\nDescription: x\\n' > pkg/DEBIAN/control
            dpkg-deb --build pkg wfrun.deb >/dev/null; apt-get install -y -qq ./wfrun.deb >/dev/null 2>log || { cat log; exit 1; }; wfrun-deb";
        assert_eq!(place.output(script).await.lines().last(), Some("from-deb"));
        assert!(!Path::new("/usr/bin/wfrun-deb").exists());
    }
    if place.environment.which("python3").await.is_some() {
        let script = "python3 -m venv --without-pip v && v/bin/python -c 'import sys; print(sys.prefix)'";
        assert_eq!(place.output(script).await, "/home/runner/work/v\n");
    }
    place.close().await;
}

#[tokio::test]
async fn private_files_are_not_seen() {
    let Some(backend) = sandbox() else { return };
    let home = std::env::home_dir().expect("a home");
    // Only looked at, never made: which of them are there differs from machine to machine.
    let present: Vec<_> = [".ssh", ".aws", ".docker", ".gnupg", ".netrc", ".kube", ".npmrc", ".pypirc", ".config/gh"]
        .iter()
        .map(|name| home.join(name))
        .filter(|path| path.exists())
        .collect();
    let place = open(&backend).await;
    for path in present {
        let script = format!("if test -d {0}; then ls -A {0} | wc -l; else wc -c < {0}; fi", path.display());
        assert_eq!(place.output(&script).await, "0\n", "{}", path.display());
    }
    assert_eq!(place.output("ls -A /run/docker.sock /var/run/docker.sock 2>/dev/null | wc -l").await, "0\n");
    assert_eq!(place.output("ls -A /var/lib/docker 2>/dev/null | wc -l").await, "0\n");
    assert_eq!(place.output("ls -A /tmp | wc -l").await, "0\n");
    place.close().await;
}

#[tokio::test]
async fn the_homes_of_all_users_are_covered() {
    let Some(backend) = sandbox() else { return };
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let home = tempfile::Builder::new().prefix("wfrun-test-").tempdir_in("/home").expect("root may");
    fs::create_dir(home.path().join(".ssh")).expect("a directory");
    for file in [".ssh/id_ed25519", ".netrc", "notes"] {
        fs::write(home.path().join(file), "text").expect("a file");
    }
    let place = open(&backend).await;
    let script = format!("cd {}; cat .ssh/id_ed25519 .netrc notes 2>/dev/null || :", home.path().display());
    assert_eq!(place.output(&script).await, "text", "the notes, and nothing else");
    place.close().await;
}

#[tokio::test]
async fn what_is_to_be_hidden_is_empty() {
    let Some(backend) = sandbox() else { return };
    // Not below `/tmp`, which starts empty anyway.
    let target = env!("CARGO_TARGET_TMPDIR");
    let folder = tempfile::tempdir_in(if target.starts_with("/tmp/") { "/var/tmp" } else { target }).expect("a folder");
    fs::write(folder.path().join("key"), "text").expect("a file");
    let look = format!("ls {} | wc -l", folder.path().display());
    for (hidden, seen) in [(vec![], "1\n"), (vec![folder.path().to_owned()], "0\n")] {
        let place = open_with(&backend, |it| it.hidden = hidden).await;
        assert_eq!(place.output(&look).await, seen);
        place.close().await;
    }
}

#[tokio::test]
async fn what_reaches_beyond_the_sandbox_is_forbidden() {
    let Some(backend) = sandbox() else { return };
    let place = open(&backend).await;
    for script in [
        "mknod disk b 254 0",
        "mknod /tmp/disk b 254 0",
        "mount -t tmpfs none /mnt",
        "umount /run",
        "echo 1 > /proc/sys/net/ipv4/ip_forward",
        "echo h > /proc/sysrq-trigger",
        "echo x > /opt/wfrun/wfrun",
        "date -s '2001-01-01'",
    ] {
        assert_ne!(place.run(script).await.code, Some(0), "{script}");
    }
    // What belongs to the sandbox is allowed.
    for script in ["chown 1:1 /etc/os-release", "su -s /bin/sh nobody -c true", "setpriv --reuid=1 true"] {
        if nix::unistd::geteuid().is_root() {
            assert_eq!(place.run(script).await.code, Some(0), "{script}");
        }
    }
    place.close().await;
}

#[tokio::test]
async fn processes_and_devices_are_the_sandboxes_own() {
    let Some(backend) = sandbox() else { return };
    let place = open(&backend).await;
    assert_eq!(place.output("cat /proc/1/comm").await, "wfrun\n");
    let pids: usize = place.output("ls -d /proc/[0-9]* | wc -l").await.trim().parse().expect("a number");
    assert!(pids < 6, "{pids} processes are seen");
    assert_eq!(
        place.output("echo x > /dev/null; head -c 4 /dev/urandom | wc -c; head -c 2 /dev/zero | wc -c").await,
        "4\n2\n"
    );
    if place.environment.which("python3").await.is_some() {
        let script = "python3 -c 'import os, multiprocessing as m; a, b = os.openpty(); print(os.ttyname(b)); m.Lock(); print(os.path.exists(\"/dev/sda\"))'";
        assert_eq!(place.output(script).await, "/dev/pts/0\nFalse\n");
    }
    place.close().await;
}

#[tokio::test]
async fn names_resolve_as_told_inside_only() {
    let Some(backend) = sandbox() else { return };
    let place = open_with(&backend, |spec| {
        spec.hosts = vec![("sts.amazonaws.com".to_owned(), IpAddr::V4(Ipv4Addr::new(127, 1, 2, 3)))];
        spec.dns = Some(IpAddr::V4(Ipv4Addr::new(127, 77, 0, 53)));
    })
    .await;
    assert_eq!(
        place.output("getent ahostsv4 sts.amazonaws.com | head -1 | cut -d' ' -f1; cat /etc/resolv.conf").await,
        "127.1.2.3\nnameserver 127.77.0.53\n"
    );
    place.close().await;
    assert!(!fs::read_to_string("/etc/hosts").expect("hosts").contains("127.1.2.3"));
}

#[tokio::test]
async fn mounts_are_seen_where_they_should_be() {
    let Some(backend) = sandbox() else { return };
    let shared = tempfile::tempdir().expect("a directory");
    fs::write(shared.path().join("file"), "shared").expect("a file");
    let mount = |source: &Path, target: &str, read_only| Mount {
        source: source.to_owned(),
        target: target.to_owned(),
        read_only,
    };
    let mounts = vec![
        mount(shared.path(), "/mnt/new/read", true),
        mount(shared.path(), "/opt/write", false),
        mount(&shared.path().join("file"), "/var/run/new.file", true),
    ];
    let place = open_with(&backend, |spec| spec.mounts = mounts).await;
    assert_eq!(
        place.output("cat /mnt/new/read/file /run/new.file; echo more > /opt/write/other").await,
        "sharedshared"
    );
    assert_ne!(place.run("echo x > /mnt/new/read/file").await.code, Some(0));
    place.close().await;
    assert_eq!(fs::read_to_string(shared.path().join("other")).expect("written"), "more\n");
}

#[tokio::test]
async fn everything_goes_when_whoever_opened_it_is_killed() {
    let Some(_) = sandbox() else { return };
    let mark = format!("87{}", std::process::id());
    // Another process of this test opens the sandbox, and is killed in the middle of a step.
    let own = std::env::current_exe().expect("the test's own path");
    let mut victim = Command::new(own)
        .args(["--exact", "sandbox::victim", "--ignored"])
        .env("WFRUN_TEST_MARK", &mark)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let sleep = format!("sleep\0{mark}");
    while !is_running(&sleep) {
        assert_eq!(victim.try_wait().expect("a state"), None, "it ended before its time");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    victim.kill().expect("it is there");
    victim.wait().expect("it ends");
    wait_until_gone(&sleep).await;
}

#[tokio::test]
#[ignore = "run by everything_goes_when_whoever_opened_it_is_killed"]
async fn victim() {
    let Some(backend) = sandbox() else { return };
    let mark = std::env::var("WFRUN_TEST_MARK").unwrap_or_else(|_| "0".to_owned());
    let place = open(&backend).await;
    collect(place.start(&format!("setsid sleep {mark} & sleep {mark}")).await).await;
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let Some(backend) = sandbox() else { return };
    let work_dir = tempfile::tempdir().expect("a directory");
    let open = async |change: fn(&mut wfrun_backend::EnvironmentSpec)| {
        let mut spec = spec(work_dir.path());
        change(&mut spec);
        wfrun_backend::Backend::open(&backend, spec).await.expect_err("something is missing")
    };
    let err = open(|spec| spec.work_dir = "/nonexistent/work".into()).await;
    assert!(matches!(&err, BackendError::Path { path, .. } if path == Path::new("/nonexistent/work")), "{err}");
    let err = open(|spec| spec.agent_executable = "/etc/passwd".into()).await;
    assert!(matches!(&err, BackendError::Agent { .. }), "{err}");
    let err = open(|spec| spec.agent_executable = "/bin/true".into()).await;
    assert!(matches!(&err, BackendError::Lost { .. }), "{err}");
    let err = open(|spec| spec.shims = vec!["no/such".to_owned()]).await;
    assert!(matches!(&err, BackendError::Setup { message, .. } if message.contains("/opt/wfrun/bin/no/such")), "{err}");
    let err = open(|spec| spec.covers = vec!["no/such".to_owned()]).await;
    assert!(matches!(&err, BackendError::Setup { message, .. } if message.contains("covers/no/such")), "{err}");
    assert!(agent_executable().exists());
}
