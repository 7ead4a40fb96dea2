//! Concurrency groups in a test: those of one run, which is alone. No time passes in it, so jobs meet in a group if they are
//! ready at once; whether others would is a matter of how long they take.
//!
//! Source: GitHub: planning rules 4.7.
use std::collections::HashMap;

use wfrun_engine::{ConcurrencyGroup, FactKind};
use wfrun_plan::JobKey;

/// Source: GitHub: planning rules 4.7.
const MOST_PENDING: usize = 100;

/// A job, or the run as a whole.
type Member = Option<JobKey>;

/// Who is in the groups, by their names in lower case.
#[derive(Debug, Default)]
pub(super) struct Groups {
    all: HashMap<String, Group>,
}

#[derive(Debug, Default)]
struct Group {
    running: Option<Member>,
    pending: Vec<Member>,
}

impl Groups {
    /// Takes a place in a group, at once or behind others; says what that means to all of them.
    pub(super) fn enter(&mut self, member: Member, wanted: &ConcurrencyGroup) -> Vec<FactKind> {
        let lost = |member: Member| {
            let reason = format!("Canceling since a higher priority waiting request for '{}' exists", wanted.name);
            FactKind::GroupLost { job: member, reason }
        };
        let group = self.all.entry(wanted.name.to_lowercase()).or_default();
        let mut facts = Vec::new();
        if wanted.cancel_in_progress {
            facts.extend(group.running.clone().map(lost));
        }
        if !wanted.queues_all {
            facts.extend(group.pending.drain(..).map(lost));
        }
        if group.pending.len() < MOST_PENDING {
            group.pending.push(member);
        } else {
            facts.push(lost(member));
        }
        facts.extend(group.promote());
        facts
    }

    /// Leaves all groups; who waits longest takes the place.
    pub(super) fn leave(&mut self, member: &Member) -> Vec<FactKind> {
        let left = |group: &mut Group| {
            group.pending.retain(|it| it != member);
            group.running.take_if(|it| it == member);
            group.promote()
        };
        self.all.values_mut().filter_map(left).collect()
    }
}

impl Group {
    /// Who waits longest runs where nobody does.
    fn promote(&mut self) -> Option<FactKind> {
        if self.running.is_some() || self.pending.is_empty() {
            return None;
        }
        let next = self.pending.remove(0);
        self.running = Some(next.clone());
        Some(FactKind::GroupEntered { job: next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said, in short: `+a` entered, `-a` lost.
    fn said(facts: &[FactKind]) -> String {
        let short = |it: &FactKind| {
            let name = |job: &Member| job.as_ref().map_or("run", JobKey::as_str).to_owned();
            if let FactKind::GroupEntered { job } = it {
                return format!("+{}", name(job));
            }
            if let FactKind::GroupLost { job, .. } = it { format!("-{}", name(job)) } else { format!("{it:?}") }
        };
        facts.iter().map(short).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn who_runs_who_waits_and_who_gives_way() {
        let job = |name: &str| Some(JobKey::new(name));
        let group = |name: &str, cancel_in_progress, queues_all| ConcurrencyGroup {
            name: name.to_owned(),
            cancel_in_progress,
            queues_all,
        };
        let mut groups = Groups::default();
        let plain = group("g", false, false);
        assert_eq!(said(&groups.enter(job("a"), &plain)), "+a");
        assert_eq!(said(&groups.enter(job("b"), &group("G", false, false))), "", "case does not matter");
        assert_eq!(said(&groups.enter(job("c"), &plain)), "-b");
        assert_eq!(said(&groups.enter(job("d"), &group("other", false, false))), "+d");
        assert_eq!(said(&groups.enter(job("e"), &group("g", false, true))), "", "both wait");
        assert_eq!(said(&groups.leave(&job("a"))), "+c");
        assert_eq!(said(&groups.enter(job("f"), &group("g", true, false))), "-c -e");
        assert_eq!(said(&groups.leave(&job("c"))), "+f");
        assert_eq!(said(&groups.leave(&job("f"))), "");
    }
}
