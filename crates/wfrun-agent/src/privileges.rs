//! What the first process of a container makes of the rights that it has only in order to set things up.

mod user;

use std::ffi::OsStr;
use std::fs;
use std::io;

use nix::sys::prctl;
use nix::unistd::{Gid, Uid, fchown, setgroups, setresgid, setresuid};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, remove_capability_from_bounding_set, set_capabilities,
};

use crate::metadata::{Forbidden, MetadataCut};
use user::User;

/// Whether a machine's metadata is cut off, and what is given up before anything is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Privileges {
    /// Whether metadata is cut off, and what else nobody may do then.
    pub metadata: Option<Forbidden>,
    /// Capabilities that nothing which is started gets.
    pub given_up: CapabilitySet,
    /// The user to become, as `docker run --user` takes it, where that is not root.
    pub user: Option<String>,
    /// Further groups of that user, as `docker run --group-add` takes them.
    pub groups: Vec<String>,
}

impl Default for Privileges {
    fn default() -> Self {
        Self { metadata: None, given_up: CapabilitySet::empty(), user: None, groups: Vec::new() }
    }
}

impl Privileges {
    /// How the command line says it.
    pub fn to_args(&self) -> Vec<String> {
        let mut args = Vec::new();
        let mut option = |name: &str, value: &str| args.extend([name.to_owned(), value.to_owned()]);
        match self.metadata {
            None => {}
            Some(Forbidden::Nothing) => option("--metadata", "cut"),
            Some(Forbidden::WhatSysAdminOpens) => option("--metadata", "cut-and-confined"),
        }
        for (name, _) in self.given_up.iter_names() {
            option("--give-up", name);
        }
        if let Some(user) = &self.user {
            option("--user", user);
        }
        for group in &self.groups {
            option("--group", group);
        }
        args
    }

    /// Takes an option of a command line; `None` where it is none of these.
    pub(crate) fn option(&mut self, name: &str, value: &OsStr) -> Option<()> {
        let value = value.to_str()?;
        match (name, value) {
            ("--metadata", "cut") => self.metadata = Some(Forbidden::Nothing),
            ("--metadata", "cut-and-confined") => self.metadata = Some(Forbidden::WhatSysAdminOpens),
            ("--give-up", name) => self.given_up |= CapabilitySet::from_name(name)?,
            ("--user", user) => self.user = Some(user.to_owned()),
            ("--group", group) => self.groups.push(group.to_owned()),
            _ => return None,
        }
        Some(())
    }

    /// Does it; this process must have one thread only, and connects to nothing from here on. Gives back who answers for
    /// metadata, or why nobody does.
    ///
    /// What is given up is gone for everything that is started; this process itself keeps the right to look into programs of
    /// other users.
    pub(crate) fn take_effect(&self) -> Result<Option<Result<MetadataCut, String>>, String> {
        let user = self.user.as_deref().map(|it| find(it, &self.groups)).transpose()?;
        let cut = self.metadata.map(MetadataCut::install);
        if self.given_up.is_empty() && user.is_none() {
            return Ok(cut);
        }
        for capability in self.given_up.iter() {
            remove_capability_from_bounding_set(capability)
                .map_err(|err| format!("failed to give up rights: {err}"))?;
        }
        if let Some(user) = &user {
            // This process keeps what it has, to choose from below.
            prctl::set_keepcaps(true).and_then(|()| become_user(user)).map_err(|err| {
                format!("failed to become user `{}`: {err}", self.user.as_deref().unwrap_or_default())
            })?;
        }
        self.reduce(user.is_none()).map_err(|err| format!("failed to give up rights: {err}"))?;
        // Else its own files below `/proc` would be root's.
        prctl::set_dumpable(true).ok();
        Ok(cut)
    }

    fn reduce(&self, is_root: bool) -> rustix::io::Result<()> {
        let has = capabilities(None)?;
        let of_user = if is_root { has.permitted.difference(self.given_up) } else { CapabilitySet::empty() };
        let looks = if self.metadata.is_some() { CapabilitySet::SYS_PTRACE } else { CapabilitySet::empty() };
        let kept = of_user.union(looks.intersection(has.permitted));
        let inheritable = has.inheritable.difference(self.given_up);
        set_capabilities(None, CapabilitySets { effective: kept, permitted: kept, inheritable })
    }
}

fn find(user: &str, groups: &[String]) -> Result<User, String> {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    User::find(user, groups, &read("/etc/passwd"), &read("/etc/group"))
}

fn become_user(user: &User) -> nix::Result<()> {
    give_output(user);
    let groups: Vec<Gid> = user.groups.iter().copied().map(Gid::from_raw).collect();
    let (uid, gid) = (Uid::from_raw(user.uid), Gid::from_raw(user.gid));
    setgroups(&groups)?;
    setresgid(gid, gid, gid)?;
    setresuid(uid, uid, uid)
}

/// Who opens `/dev/stdout` needs to own it, as the engine sees to for the user that it starts. Best effort, as there: it may
/// be a file of somebody else's.
fn give_output(user: &User) {
    let owner = (Some(Uid::from_raw(user.uid)), Some(Gid::from_raw(user.gid)));
    fchown(io::stdout(), owner.0, owner.1).ok();
    fchown(io::stderr(), owner.0, owner.1).ok();
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let given_up = CapabilitySet::SYS_ADMIN | CapabilitySet::SYS_PTRACE;
        let groups = vec!["docker".to_owned(), "44".to_owned()];
        let user = Some("node:1000".to_owned());
        for metadata in [None, Some(Forbidden::Nothing), Some(Forbidden::WhatSysAdminOpens)] {
            let privileges = Privileges { metadata, given_up, user: user.clone(), groups: groups.clone() };
            let mut read = Privileges::default();
            for pair in privileges.to_args().chunks(2) {
                assert_eq!(read.option(&pair[0], &OsString::from(&pair[1])), Some(()), "{pair:?}");
            }
            assert_eq!(read, privileges);
        }
        for (name, value) in [("--give-up", "NO_SUCH"), ("--metadata", "open"), ("--other", "x")] {
            assert_eq!(Privileges::default().option(name, OsStr::new(value)), None, "{name} {value}");
        }
    }
}
