//! `/proc`, `/sys` and `/dev`.

use std::os::unix::fs::symlink;
use std::path::Path;

use nix::mount::MsFlags;

use super::mount::{Held, SetupError, make_dir, mount_new};

const NODES: [&str; 6] = ["full", "null", "random", "tty", "urandom", "zero"];
const LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("ptmx", "pts/ptmx"),
    ("stderr", "/proc/self/fd/2"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
];

/// Parts of `/proc` that act on the whole machine.
const MACHINE: [&str; 4] = ["/proc/bus", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// What must be opened before the old `/dev` and `/sys` are out of sight.
#[derive(Debug)]
pub(super) struct OldDevices {
    nodes: Vec<(&'static str, Held)>,
    sys: Held,
}

impl OldDevices {
    pub(super) fn open() -> Result<Self, SetupError> {
        let open = |name| Ok((name, Held::open(&Path::new("/dev").join(name))?));
        let nodes = NODES.into_iter().map(open).collect::<Result<_, SetupError>>()?;
        Ok(Self { nodes, sys: Held::open(Path::new("/sys"))? })
    }

    /// Makes the new ones; called in the new root, whose `/proc` is mounted.
    pub(super) fn mount(&self, is_root: bool) -> Result<(), SetupError> {
        // A user namespace may not look below a mount; root must not see this machine's control groups, which it could change.
        self.sys.bind(Path::new("/sys"), true, !is_root)?;
        if is_root {
            for path in MACHINE.map(Path::new).into_iter().filter(|path| path.exists()) {
                Held::open(path)?.bind(path, true, false)?;
            }
        }
        mount_new("tmpfs", Path::new("/dev"), MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC, "mode=755,size=64k")?;
        for (name, node) in &self.nodes {
            node.bind(&Path::new("/dev").join(name), false, false)?;
        }
        for (name, target) in LINKS {
            let link = Path::new("/dev").join(name);
            symlink(target, &link).map_err(|err| SetupError::new(format!("link {}", link.display()), err))?;
        }
        let quiet = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
        // The group `tty` is 5 everywhere, but not mapped for an unprivileged user.
        let group = if is_root { ",gid=5" } else { "" };
        let (pts, shm) = (Path::new("/dev/pts"), Path::new("/dev/shm"));
        make_dir(pts)?;
        make_dir(shm)?;
        mount_new("devpts", pts, quiet, &format!("newinstance,ptmxmode=0666,mode=620{group}"))?;
        mount_new("tmpfs", shm, MsFlags::MS_NOSUID | MsFlags::MS_NODEV, "mode=1777")
    }
}

/// Mounts a `/proc` that shows the processes inside only.
pub(super) fn mount_proc(target: &Path) -> Result<(), SetupError> {
    make_dir(target)?;
    mount_new("proc", target, MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC, "")
}
