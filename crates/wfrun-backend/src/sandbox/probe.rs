use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::thread;

use nix::mount::{MntFlags, MsFlags, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};

use super::entry::{SUBCOMMAND, TRY, make_namespaces};
use super::mount::{SetupError, make_dir, mount_new, overlay_options, set_propagation};
use crate::BackendError;

const AS_ROOT: &str = "run wfrun as root, use `--backend docker`, or `--backend host` without isolation";
const PRIVILEGED: &str =
    "give this container `--privileged`, use `--backend docker`, or `--backend host` without isolation";

/// Settings of the kernel by which a distribution keeps unprivileged users from namespaces.
const SWITCHES: [(&str, &str, &str, &str); 3] = [
    (
        "/proc/sys/user/max_user_namespaces",
        "0",
        "user namespaces are switched off (user.max_user_namespaces=0)",
        "run wfrun as root, or set it with `sudo sysctl user.max_user_namespaces=15000`",
    ),
    (
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "user namespaces are for root only (kernel.unprivileged_userns_clone=0)",
        "run wfrun as root, or set it with `sudo sysctl kernel.unprivileged_userns_clone=1`",
    ),
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "AppArmor restricts user namespaces (kernel.apparmor_restrict_unprivileged_userns=1)",
        "run wfrun as root, or set it with `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0`",
    ),
];

/// Whether this machine can make a sandbox; cheap (a few milliseconds), because only the parts that a machine may forbid are
/// tried.
///
/// They are really tried: for root in a thread, for others in a process of `executable`, because a process of several
/// threads may not enter a user namespace. The kernel's settings are read only to say why it failed.
pub fn probe_sandbox(executable: &Path) -> Result<(), BackendError> {
    if geteuid().is_root() {
        // A thread of its own: it leaves the mount namespace for good and ends there.
        let attempt = thread::spawn(try_as_root).join().unwrap_or(Ok(()));
        return attempt.map_err(|err| BackendError::SandboxImpossible { reason: err.to_string(), way_out: PRIVILEGED });
    }
    let tried = Command::new(executable).args([SUBCOMMAND, TRY]).stdin(Stdio::null()).output();
    let reason = match tried {
        Ok(output) if output.status.success() => return Ok(()),
        Ok(output) => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        Err(err) => format!("{} could not be started: {err}", executable.display()),
    };
    Err(setting(Path::new("/")).unwrap_or(BackendError::SandboxImpossible { reason, way_out: AS_ROOT }))
}

/// What the process does that tries it for a user: says on standard output what failed.
pub(super) fn main() -> ExitCode {
    let tried = make_namespaces(geteuid(), getegid())
        .and_then(|()| set_propagation(MsFlags::MS_SLAVE))
        // Not over `/`, which has mounts below it: those a user namespace cannot have in an overlay.
        .and_then(|()| try_overlay(None));
    let Err(err) = tried else { return ExitCode::SUCCESS };
    writeln!(io::stdout(), "{err}").ok();
    ExitCode::FAILURE
}

fn try_as_root() -> Result<(), SetupError> {
    unshare(CloneFlags::CLONE_NEWNS).map_err(|err| SetupError::new("make a mount namespace", err.into()))?;
    set_propagation(MsFlags::MS_PRIVATE)?;
    try_overlay(Some(Path::new("/")))
}

/// Lays an overlay over `lower`, or as a user over an empty folder.
fn try_overlay(lower: Option<&Path>) -> Result<(), SetupError> {
    let scratch = Path::new("/tmp");
    mount_new("tmpfs", scratch, MsFlags::empty(), "size=64k")?;
    let [upper, work, root, empty] = ["upper", "work", "root", "empty"].map(|name| scratch.join(name));
    for directory in [&upper, &work, &root, &empty] {
        make_dir(directory)?;
    }
    let options = overlay_options(lower.unwrap_or(&empty), &upper, &work, lower.is_some()).unwrap_or_default();
    let result = mount_new("overlay", &root, MsFlags::empty(), &options);
    umount2(scratch, MntFlags::MNT_DETACH).ok();
    result
}

/// The setting of the kernel that forbids it to users, if there is one.
fn setting(root: &Path) -> Option<BackendError> {
    let read = |path: &str| fs::read_to_string(root.join(path.trim_start_matches('/'))).ok();
    for (path, forbidden, reason, way_out) in SWITCHES {
        if read(path).is_some_and(|value| value.trim() == forbidden) {
            return Some(BackendError::SandboxImpossible { reason: reason.to_owned(), way_out });
        }
    }
    let release = read("/proc/sys/kernel/osrelease").unwrap_or_default();
    // Ordinary attributes on a memory file system, which mark deleted files there, came with 6.6.
    if version(&release).is_some_and(|version| version < (6, 6)) {
        let reason =
            format!("kernel {} has no overlay for unprivileged users on memory, 6.6 or later has", release.trim());
        return Some(BackendError::SandboxImpossible { reason, way_out: AS_ROOT });
    }
    None
}

fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|character: char| !character.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{setting, version};
    use std::fs;

    #[test]
    fn each_setting_has_its_way_out() {
        for (path, value, expected) in [
            ("proc/sys/user/max_user_namespaces", "0\n", Some("max_user_namespaces=0")),
            ("proc/sys/user/max_user_namespaces", "127\n", None),
            ("proc/sys/kernel/unprivileged_userns_clone", "0\n", Some("unprivileged_userns_clone=0")),
            ("proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n", Some("AppArmor")),
            ("proc/sys/kernel/osrelease", "5.15.0-91-generic\n", Some("kernel 5.15.0-91-generic")),
            ("proc/sys/kernel/osrelease", "6.8.1\n", None),
        ] {
            let root = tempfile::tempdir().expect("a directory");
            let file = root.path().join(path);
            fs::create_dir_all(file.parent().expect("a parent")).expect("directories");
            fs::write(&file, value).expect("a file");
            let message = setting(root.path()).map(|err| err.to_string());
            match expected {
                Some(part) => assert!(
                    message.as_ref().is_some_and(|it| it.contains(part) && it.contains("root")),
                    "{path}: {message:?}"
                ),
                None => assert_eq!(message, None, "{path}"),
            }
        }
    }

    #[test]
    fn versions_are_numbers() {
        assert_eq!(version("6.18.44-generic"), Some((6, 18)));
        assert_eq!(version("weird"), None);
    }
}
