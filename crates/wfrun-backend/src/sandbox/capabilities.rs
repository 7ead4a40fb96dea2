use rustix::thread::{CapabilitySet, remove_capability_from_bounding_set};

use super::mount::SetupError;

/// What root keeps: everything that acts on files, processes and sockets of its own.
///
/// Not among them: what reaches beyond the namespaces (`SYS_ADMIN`, `SYS_MODULE`, `SYS_RAWIO`, `SYS_BOOT`, `SYS_TIME`,
/// `NET_ADMIN`, `MKNOD`, `DAC_READ_SEARCH`, which opens files by number, and so on).
const KEPT: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::SETUID)
    .union(CapabilitySet::SETPCAP)
    .union(CapabilitySet::NET_BIND_SERVICE)
    .union(CapabilitySet::NET_RAW)
    .union(CapabilitySet::IPC_LOCK)
    .union(CapabilitySet::IPC_OWNER)
    .union(CapabilitySet::SYS_CHROOT)
    .union(CapabilitySet::SYS_PTRACE)
    .union(CapabilitySet::SYS_NICE)
    .union(CapabilitySet::SYS_RESOURCE)
    .union(CapabilitySet::AUDIT_WRITE)
    .union(CapabilitySet::SETFCAP);

/// Takes the others from every process that is started from now on, set-user-id programs included.
///
/// An unprivileged user's root has power over the namespaces only, but could take the covers off private files with it.
pub(super) fn drop_capabilities() -> Result<(), SetupError> {
    for capability in CapabilitySet::all().difference(KEPT).iter() {
        match remove_capability_from_bounding_set(capability) {
            // An older kernel does not know the newest ones.
            Ok(()) | Err(rustix::io::Errno::INVAL) => {}
            Err(err) => return Err(SetupError::new("give up capabilities", err.into())),
        }
    }
    Ok(())
}
