//! What the first process inside does before it supervises.

use std::fmt::Write as _;
use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use nix::mount::{MntFlags, MsFlags, umount2};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{chdir, pivot_root};
use wfrun_agent::supervisor::{self, COVER_DIR, EXECUTABLE, SHIM_DIR};

use super::capabilities::drop_capabilities;
use super::config::Config;
use super::devices::{OldDevices, mount_proc};
use super::layers::Layers;
use super::mount::{Held, SetupError, call, make_dir, mount_new, set_propagation, write};
use super::private_files;

/// Source: the home directory of user `runner` on GitHub's Ubuntu images.
pub(super) const HOME: &str = "/home/runner";
/// Source: the work directory on GitHub's Ubuntu images, the parent of every `github.workspace`.
pub(super) const WORK: &str = "/home/runner/work";
/// Source: `RUNNER_TOOL_CACHE` on GitHub's Ubuntu images.
pub(super) const TOOL_CACHE: &str = "/opt/hostedtoolcache";

/// A directory that every machine has and that is empty inside anyway, so it can be covered while the root is made.
const SCRATCH: &str = "/tmp";
/// Memory is used only for what steps really write.
const SCRATCH_OPTIONS: &str = "mode=755,size=80%,nr_inodes=0";
/// Where this machine's root is during the set-up.
const OLD_ROOT: &str = "/.old-root";

/// Makes the file system of the sandbox, moves into it, and gives up what steps must not have.
pub(super) fn set_up(config: &Config, is_root: bool) -> Result<(), SetupError> {
    umask(Mode::from_bits_truncate(0o022));
    set_propagation(if is_root { MsFlags::MS_PRIVATE } else { MsFlags::MS_SLAVE })?;
    let sources = Sources::open(config)?;
    let texts = Texts::read(config);
    let scratch = Path::new(SCRATCH);
    mount_new("tmpfs", scratch, MsFlags::MS_NODEV, SCRATCH_OPTIONS)?;
    let fresh = Fresh::make(scratch)?;
    let root = Layers::new(scratch, is_root).make_root(&config.home)?;
    enter(&root)?;
    mount_proc(Path::new("/proc"))?;
    sources.devices.mount(is_root)?;
    fresh.tmp.bind(Path::new("/tmp"), false, false)?;
    fresh.run.bind(Path::new("/run"), false, false)?;
    private_files::hide(&config.homes, &config.hidden, &fresh.empty_dir, &fresh.empty_file)?;
    texts.write()?;
    sources.bind(config)?;
    for (folder, names) in [(COVER_DIR, &config.covers), (SHIM_DIR, &config.shims)] {
        supervisor::make_shims(Path::new(folder), Path::new(EXECUTABLE), names)
            .map_err(|message| SetupError::new("make the shims", std::io::Error::other(message)))?;
    }
    call("leave this machine's root".to_owned(), || umount2(OLD_ROOT, MntFlags::MNT_DETACH))?;
    // Nothing is in it any more, and an empty directory would do no harm.
    fs::remove_dir(OLD_ROOT).ok();
    drop_capabilities()
}

/// Makes `root` the root, from where absolute symbolic links lead into the sandbox and never out of it.
fn enter(root: &Path) -> Result<(), SetupError> {
    let old = root.join(OLD_ROOT.trim_start_matches('/'));
    make_dir(&old)?;
    call("enter the new root".to_owned(), || pivot_root(root, &old))?;
    call("enter the new root".to_owned(), || chdir("/"))
}

/// What is seen inside, held open before its path is covered.
#[derive(Debug)]
struct Sources {
    devices: OldDevices,
    work: Held,
    executable: Held,
    mounts: Vec<Held>,
}

impl Sources {
    fn open(config: &Config) -> Result<Self, SetupError> {
        Ok(Self {
            devices: OldDevices::open()?,
            work: Held::open(&config.work_dir)?,
            executable: Held::open(&config.agent_executable)?,
            mounts: config.mounts.iter().map(|mount| Held::open(&mount.source)).collect::<Result<_, _>>()?,
        })
    }

    fn bind(&self, config: &Config) -> Result<(), SetupError> {
        make_dir(Path::new(TOOL_CACHE))?;
        make_dir(Path::new(HOME))?;
        self.work.bind(Path::new(WORK), false, true)?;
        self.executable.bind(Path::new(EXECUTABLE), true, false)?;
        for (held, mount) in self.mounts.iter().zip(&config.mounts) {
            held.bind(&mount.target, mount.read_only, true)?;
        }
        Ok(())
    }
}

/// Empty things.
#[derive(Debug)]
struct Fresh {
    tmp: Held,
    run: Held,
    empty_dir: Held,
    empty_file: Held,
}

impl Fresh {
    fn make(scratch: &Path) -> Result<Self, SetupError> {
        let dir = |name: &str, mode: u32| {
            let path = scratch.join(name);
            make_dir(&path)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(mode))
                .map_err(|err| SetupError::new(format!("set the mode of {}", path.display()), err))?;
            Held::open(&path)
        };
        let file = scratch.join("empty-file");
        write(&file, "")?;
        let fresh = Self {
            tmp: dir("tmp", 0o1777)?,
            run: dir("run", 0o755)?,
            empty_dir: dir("empty", 0o755)?,
            empty_file: Held::open(&file)?,
        };
        dir("run/lock", 0o1777)?;
        Ok(fresh)
    }
}

/// The files of the network, which may be links to what is not there inside.
#[derive(Debug)]
struct Texts {
    hosts: String,
    resolv_conf: String,
}

impl Texts {
    fn read(config: &Config) -> Self {
        let old = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let resolv_conf =
            config.dns.map_or_else(|| old("/etc/resolv.conf"), |address| format!("nameserver {address}\n"));
        Self { hosts: hosts(&old("/etc/hosts"), &config.hosts), resolv_conf }
    }

    fn write(&self) -> Result<(), SetupError> {
        for (path, text) in [("/etc/hosts", &self.hosts), ("/etc/resolv.conf", &self.resolv_conf)] {
            fs::remove_file(path).ok();
            write(Path::new(path), text)?;
        }
        Ok(())
    }
}

/// The first line for a name wins, so ours come first.
fn hosts(old: &str, extra: &[(String, IpAddr)]) -> String {
    let mut text = String::new();
    for (name, address) in extra {
        writeln!(text, "{address} {name}").expect("a string takes any text");
    }
    text + old
}

#[cfg(test)]
mod tests {
    use super::hosts;
    use std::net::{IpAddr, Ipv4Addr};

    #[test]
    fn our_names_come_before_this_machines() {
        let extra = [("sts.amazonaws.com".to_owned(), IpAddr::V4(Ipv4Addr::LOCALHOST))];
        assert_eq!(hosts("127.0.0.1 localhost\n", &extra), "127.0.0.1 sts.amazonaws.com\n127.0.0.1 localhost\n");
    }
}
