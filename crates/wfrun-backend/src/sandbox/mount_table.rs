use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use wfrun_agent::mount_table::unescaped;

/// Kinds of file systems that the sandbox makes itself, or that hold no files.
const VIRTUAL: [&str; 21] = [
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fusectl",
    "hugetlbfs",
    "mqueue",
    "nsfs",
    "proc",
    "pstore",
    "ramfs",
    "rpc_pipefs",
    "securityfs",
    "sysfs",
    "tracefs",
];

/// Directories that are made afresh, or whose contents are nobody's business inside.
pub(super) const OWN: [&str; 5] = ["/dev", "/proc", "/run", "/sys", "/tmp"];

/// What engines keep for themselves: huge, and private to the machine.
pub(super) const ENGINES: [&str; 4] =
    ["/var/lib/containerd", "/var/lib/containers", "/var/lib/docker", "/var/lib/kubelet"];

/// A mount of this machine that the sandbox must carry over.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SubMount {
    pub(super) path: PathBuf,
    pub(super) is_read_only: bool,
}

/// Reads `/proc/self/mountinfo`; returns what lies below `/`, parents first, of several on one place only the last.
pub(super) fn sub_mounts(table: &str) -> Vec<SubMount> {
    let mut mounts: Vec<SubMount> = Vec::new();
    for line in table.lines() {
        let Some((mount, kind)) = parse(line) else { continue };
        mounts.retain(|known| known.path != mount.path);
        let is_own = |path: &str| mount.path.starts_with(path);
        if mount.path != Path::new("/")
            && !VIRTUAL.contains(&kind)
            && !OWN.iter().any(|path| is_own(path))
            && !ENGINES.iter().any(|path| is_own(path))
        {
            mounts.push(mount);
        }
    }
    mounts.sort_by(|one, other| one.path.cmp(&other.path));
    mounts
}

/// Fields of a line: `id parent device root PATH OPTIONS tag… - KIND source options`.
fn parse(line: &str) -> Option<(SubMount, &str)> {
    let (mount, system) = line.split_once(" - ")?;
    let mut fields = mount.split(' ').skip(4);
    let path = PathBuf::from(OsString::from_vec(unescaped(fields.next()?.as_bytes())));
    let is_read_only = fields.next()?.split(',').any(|option| option == "ro");
    Some((SubMount { path, is_read_only }, system.split(' ').next()?))
}

#[cfg(test)]
mod tests {
    use super::sub_mounts;

    #[test]
    fn only_real_files_are_carried_over() {
        let table = "\
22 27 0:21 / /proc rw - proc proc rw
25 24 0:23 / /dev/shm rw - tmpfs tmpfs rw
27 1 254:0 / / rw - ext4 /dev/vda rw
30 27 0:30 / /mnt/a\\040b ro,nosuid shared:1 - tmpfs tmpfs ro
31 27 254:1 / /home rw - ext4 /dev/vdb rw
32 31 254:2 / /home/u rw - ext4 /dev/vdc rw
33 27 0:31 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw
34 27 254:0 /var/lib/docker /var/lib/docker rw shared:1 - ext4 /dev/vda rw
35 27 0:32 / /net rw - autofs systemd-1 rw
36 27 254:3 / /home/u rw - xfs /dev/vdd rw
";
        let paths: Vec<String> = sub_mounts(table)
            .iter()
            .map(|mount| format!("{}{}", mount.path.display(), if mount.is_read_only { " ro" } else { "" }))
            .collect();
        assert_eq!(paths, ["/home", "/home/u", "/mnt/a b ro"]);
    }
}
