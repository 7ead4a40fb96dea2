//! Processes as `/proc` shows them.

use std::collections::BTreeSet;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal as NixSignal, kill, killpg};
use nix::unistd::Pid;
use rustix::process::WaitOptions;

use crate::protocol::{FoundProcess, Signal, Target};

/// So often is the table read again for processes that were forked while the others were killed.
const ROUNDS: usize = 64;
/// A process that cannot be killed (it waits for a dead disk) must not hold the supervisor for ever.
const LAST_WAIT: Duration = Duration::from_secs(5);

impl From<Signal> for NixSignal {
    fn from(signal: Signal) -> Self {
        match signal {
            Signal::Interrupt => Self::SIGINT,
            Signal::Terminate => Self::SIGTERM,
            Signal::Kill => Self::SIGKILL,
        }
    }
}

/// Sends a signal to a process that leads its own group. Who is gone is passed over.
pub(super) fn signal(leader: Pid, signal: Signal, target: Target) {
    // The only failure is that nobody is left.
    match target {
        Target::Leader => kill(leader, NixSignal::from(signal)).unwrap_or_default(),
        Target::Group => killpg(leader, NixSignal::from(signal)).unwrap_or_default(),
        Target::Tree => signal_all(signal.into(), |processes| members(processes, leader.as_raw())),
    }
}

/// Kills every descendant of this process and waits until they are gone. It must be a subreaper, so that none escapes.
pub(super) fn kill_descendants() {
    let own = Pid::this().as_raw();
    let begin = Instant::now();
    while begin.elapsed() < LAST_WAIT {
        if own == 1 {
            // Nothing but this process's own descendants is in its process namespace. Fails when there are none.
            kill(Pid::from_raw(-1), NixSignal::SIGKILL).ok();
        } else {
            signal_all(NixSignal::SIGKILL, |processes| descendants(processes, &BTreeSet::from([own])));
        }
        // A child that dies hands its own children over to this process, so one pass is not always enough.
        loop {
            match rustix::process::wait(WaitOptions::NOHANG) {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => return,
            }
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Kills every other process with `name=value` in its environment.
pub(super) fn sweep(name: &str, value: &str) -> Vec<FoundProcess> {
    let wanted = format!("{name}={value}");
    let own = Pid::this().as_raw();
    let mut found = Vec::new();
    for process in processes().into_iter().filter(|process| process.pid != own && !process.is_zombie) {
        let environment = fs::read(format!("/proc/{}/environ", process.pid)).unwrap_or_default();
        if environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
            && kill(Pid::from_raw(process.pid), NixSignal::SIGKILL).is_ok()
        {
            found.push(FoundProcess { pid: process.pid, name: process.name });
        }
    }
    found
}

fn signal_all(signal: NixSignal, select: impl Fn(&[Process]) -> BTreeSet<i32>) {
    // Only a process that cannot answer may be followed up: what others start on a signal is their cleaning up.
    let rounds = if signal == NixSignal::SIGKILL { ROUNDS } else { 1 };
    let mut done = BTreeSet::new();
    for _ in 0..rounds {
        let fresh: Vec<i32> = select(&processes()).difference(&done).copied().collect();
        if fresh.is_empty() {
            return;
        }
        for pid in fresh {
            kill(Pid::from_raw(pid), signal).ok();
            done.insert(pid);
        }
    }
}

/// The process itself, its group, and all descendants of both.
fn members(processes: &[Process], leader: i32) -> BTreeSet<i32> {
    let group = processes.iter().filter(|process| process.group == leader).map(|process| process.pid);
    let roots: BTreeSet<i32> = group.chain([leader]).collect();
    let mut members = descendants(processes, &roots);
    members.extend(processes.iter().filter(|it| !it.is_zombie).map(|it| it.pid).filter(|pid| roots.contains(pid)));
    members
}

/// All living descendants of `roots`, without the roots themselves.
fn descendants(processes: &[Process], roots: &BTreeSet<i32>) -> BTreeSet<i32> {
    let mut family = roots.clone();
    loop {
        let before = family.len();
        family.extend(
            processes.iter().filter(|process| family.contains(&process.parent)).map(|it| it.pid).collect::<Vec<_>>(),
        );
        if family.len() == before {
            return processes
                .iter()
                .filter(|it| !it.is_zombie)
                .map(|it| it.pid)
                .filter(|pid| family.contains(pid) && !roots.contains(pid))
                .collect();
        }
    }
}

#[derive(Debug)]
struct Process {
    pid: i32,
    name: String,
    is_zombie: bool,
    parent: i32,
    group: i32,
}

fn processes() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let mut processes: Vec<Process> =
        pids.filter_map(|pid| parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)).collect();
    processes.sort_by_key(|process| process.pid);
    processes
}

/// Reads a line of `/proc/PID/stat`: `pid (name) state parent group …`, where the name may hold anything.
fn parse(line: &str) -> Option<Process> {
    let (pid, rest) = line.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?;
    Some(Process {
        pid: pid.parse().ok()?,
        name: name.to_owned(),
        is_zombie: matches!(state, "Z" | "X"),
        parent: fields.next()?.parse().ok()?,
        group: fields.next()?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::{descendants, members, parse};
    use std::collections::BTreeSet;

    #[test]
    fn a_name_may_hold_anything() {
        let process = parse("42 (a) b (c) S 7 42 1 0 -1\n").expect("a line");
        assert_eq!((process.pid, process.name.as_str(), process.parent, process.group), (42, "a) b (c", 7, 42));
        assert!(!process.is_zombie);
    }

    #[test]
    fn a_tree_is_the_group_and_all_descendants() {
        let lines = [
            "1 (init) S 0 1",
            "10 (bash) S 1 10",
            "11 (sleep) S 10 10",
            "12 (setsid) S 11 12",
            "13 (orphan) S 1 10",
            "14 (other) S 1 14",
            "15 (dead) Z 10 10",
        ];
        let processes: Vec<_> = lines.iter().map(|line| parse(&format!("{line} 1")).expect("a line")).collect();
        let all = members(&processes, 10);
        assert!(BTreeSet::from([10, 11, 12, 13]).is_subset(&all) && !all.contains(&14) && !all.contains(&1));
        assert_eq!(descendants(&processes, &BTreeSet::from([1])), BTreeSet::from([10, 11, 12, 13, 14]));
    }
}
