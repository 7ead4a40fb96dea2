//! What a process may do, and what those that it starts may.

use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set, set_capabilities};

/// Gives up what nothing that this thread starts can have: whoever may look into this process would get it from here.
pub(crate) fn keep_what_can_be_passed_on() -> rustix::io::Result<()> {
    // An older kernel does not know the newest ones, and has none of them.
    let can_be = |it: &CapabilitySet| capability_is_in_bounding_set(*it).unwrap_or(false);
    let passed_on = CapabilitySet::all().iter().filter(can_be).fold(CapabilitySet::empty(), CapabilitySet::union);
    let CapabilitySets { effective, permitted, inheritable } = capabilities(None)?;
    set_capabilities(
        None,
        CapabilitySets {
            effective: effective & passed_on,
            permitted: permitted & passed_on,
            inheritable: inheritable & passed_on,
        },
    )
}
