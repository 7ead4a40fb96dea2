//! Concurrency groups in a test: those of one run, which is alone. No time passes in it, so jobs meet in a group if they are
//! ready at once; whether others would is a matter of how long they take, and so is open.
//!
//! Source: GitHub: planning rules 4.7.
use std::collections::HashMap;

use wfrun_engine::{ConcurrencyGroup, FactKind};
use wfrun_plan::JobKey;

/// A job, or the run as a whole.
type Member = Option<JobKey>;

/// Who is in the groups, by their keys.
#[derive(Debug, Default)]
pub(super) struct Groups {
    all: HashMap<String, Group>,
    /// Who entered, in order.
    entered: Vec<Entry>,
}

/// A job that entered a group.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) job: JobKey,
    pub(super) group: ConcurrencyGroup,
    /// The number of the fact by which it became ready.
    pub(super) turn: u64,
}

#[derive(Debug, Default)]
struct Group {
    running: Option<Member>,
    pending: Vec<Member>,
}

impl Groups {
    /// Takes a place in a group, at once or behind others; says what that means to all of them.
    pub(super) fn enter(&mut self, member: Member, wanted: &ConcurrencyGroup, turn: u64) -> Vec<FactKind> {
        self.entered.extend(member.clone().map(|job| Entry { job, group: wanted.clone(), turn }));
        let lost = |member: Member| FactKind::GroupLost { job: member, reason: wanted.why_lost() };
        let group = self.all.entry(wanted.key()).or_default();
        let mut facts = Vec::new();
        if wanted.cancel_in_progress {
            facts.extend(group.running.clone().map(lost));
        }
        if !wanted.queues_all {
            facts.extend(group.pending.drain(..).map(lost));
        }
        if group.pending.len() < ConcurrencyGroup::MOST_PENDING {
            group.pending.push(member);
        } else {
            facts.push(lost(member));
        }
        facts.extend(group.promote());
        facts
    }

    /// The jobs that entered groups, in order.
    pub(super) fn into_entries(self) -> Vec<Entry> {
        self.entered
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

/// The group in which a job meets others at a time that only a run can tell, if that may cost one of them its place.
///
/// `is_ordered` tells whether one of two jobs waits for the other: these never meet.
pub(super) fn race<'e>(
    entries: &'e [Entry],
    job: &JobKey,
    is_ordered: &dyn Fn(&JobKey, &JobKey) -> bool,
) -> Option<&'e str> {
    let own = entries.iter().find(|it| it.job == *job)?;
    let same = |it: &&Entry| it.group.key() == own.group.key();
    let may_meet = |one: &Entry, other: &Entry| one.job != other.job && !is_ordered(&one.job, &other.job);
    let met: Vec<&Entry> = entries.iter().filter(same).filter(|it| may_meet(own, it)).collect();
    let ends = |it: &Entry| it.group.cancel_in_progress;
    let of_two = met.iter().any(|it| it.turn != own.turn && (ends(it) || ends(own)));
    let of_three = || {
        let pairs = met.iter().enumerate().flat_map(|(at, one)| met.iter().skip(at + 1).map(move |other| (one, other)));
        let mut pairs = pairs.filter(|(one, other)| may_meet(one, other));
        pairs.any(|(one, other)| {
            let displaces = [own, one, other].iter().any(|it| !it.group.queues_all);
            displaces && (one.turn != own.turn || other.turn != own.turn)
        })
    };
    (of_two || of_three()).then_some(own.group.name.as_str())
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
        assert_eq!(said(&groups.enter(job("a"), &plain, 0)), "+a");
        assert_eq!(said(&groups.enter(job("b"), &group("G", false, false), 0)), "", "case does not matter");
        assert_eq!(said(&groups.enter(job("c"), &plain, 0)), "-b");
        assert_eq!(said(&groups.enter(job("d"), &group("other", false, false), 0)), "+d");
        assert_eq!(said(&groups.enter(job("e"), &group("g", false, true), 0)), "", "both wait");
        assert_eq!(said(&groups.leave(&job("a"))), "+c");
        assert_eq!(said(&groups.enter(job("f"), &group("g", true, false), 0)), "-c -e");
        assert_eq!(said(&groups.leave(&job("c"))), "+f");
        assert_eq!(said(&groups.leave(&job("f"))), "");
    }

    #[test]
    fn what_is_a_matter_of_time() {
        let entry = |name: &str, turn, cancel_in_progress, queues_all| Entry {
            job: JobKey::new(name),
            group: ConcurrencyGroup { name: "g".to_owned(), cancel_in_progress, queues_all },
            turn,
        };
        let plain = |name, turn| entry(name, turn, false, false);
        let never = |_: &JobKey, _: &JobKey| false;
        let a_before_c = |one: &JobKey, other: &JobKey| {
            [one.as_str(), other.as_str()].concat().contains('a') && {
                [one.as_str(), other.as_str()].concat().contains('c')
            }
        };
        let races = |entries: &[Entry], order: &dyn Fn(&JobKey, &JobKey) -> bool| {
            race(entries, &JobKey::new("a"), order).is_some()
        };
        assert!(!races(&[plain("a", 1), plain("b", 2)], &never), "one runs, the other waits");
        assert!(!races(&[plain("a", 1), plain("b", 1), plain("c", 1)], &never), "ready at once");
        assert!(races(&[plain("a", 1), plain("b", 1), plain("c", 2)], &never));
        assert!(!races(&[plain("a", 1), plain("b", 1), plain("c", 2)], &a_before_c), "only two can meet");
        let queued = |name, turn| entry(name, turn, false, true);
        assert!(!races(&[queued("a", 1), queued("b", 2), queued("c", 3)], &never), "all wait in turn");
        assert!(races(&[plain("a", 1), entry("b", 2, true, false)], &never));
        assert!(!races(&[plain("a", 1), entry("c", 2, true, false)], &a_before_c));
    }
}
