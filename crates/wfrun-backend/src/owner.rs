//! Which process something on this machine belongs to, so that others can tell what was left behind.
use std::fs;

/// What names this process: its id, and when it began, since ids come again.
pub fn owner() -> String {
    let pid = std::process::id();
    format!("{pid} {}", began(pid).unwrap_or_default())
}

/// Whether the process that an [`owner`] names still runs.
pub fn owner_lives(owner: &str) -> bool {
    let (pid, time) = owner.trim().split_once(' ').unwrap_or((owner.trim(), ""));
    let now = pid.parse().ok().and_then(began);
    now.is_some_and(|it| time.is_empty() || it == time)
}

/// When a process began, in the kernel's clock; nothing if there is none.
fn began(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name may have blanks in it.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(19).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_lives() {
        let own = owner();
        assert!(owner_lives(&own) && owner_lives(&format!("{own}\n")));
        let (pid, time) = own.split_once(' ').expect("two words");
        assert!(owner_lives(pid), "without a time the process alone counts");
        assert!(!owner_lives(&format!("{pid} {time}0")), "its id came again");
        assert!(!owner_lives("4194305 1") && !owner_lives(""));
    }
}
