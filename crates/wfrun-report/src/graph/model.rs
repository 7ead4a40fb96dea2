//! What all drawings draw: the jobs of a workflow, and in those that call one the jobs of that.
use std::collections::{HashMap, HashSet};

use wfrun_plan::{JobOutlook, Outlook, Prospect};

use super::reason;
use crate::foreseen::hindrances;
use crate::text::one_line;

/// The jobs of one file.
#[derive(Debug)]
pub(super) struct Group<'a> {
    /// What the run calls the leg that calls it; none for the workflow itself and for a caller without a matrix.
    pub(super) title: Option<String>,
    /// How many legs call it with the same prospects.
    pub(super) times: usize,
    /// Its jobs, in file order.
    pub(super) nodes: Vec<Node<'a>>,
}

/// A job.
#[derive(Debug)]
pub(super) struct Node<'a> {
    pub(super) job: &'a JobOutlook,
    /// The number of the job in the outlook.
    pub(super) number: usize,
    /// The jobs it needs, by their places in the group; earlier stages only.
    pub(super) needs: Vec<usize>,
    /// The same without those that come before another of them anyway.
    pub(super) after: Vec<usize>,
    /// Which column it stands in.
    pub(super) stage: usize,
    /// The short reason of a job that is skipped or depends; what a job calls; on what its legs depend.
    pub(super) detail: Option<String>,
    /// What it calls.
    pub(super) groups: Vec<Group<'a>>,
}

type Children<'a> = HashMap<Option<&'a str>, Vec<(usize, &'a JobOutlook)>>;

/// The name of the workflow.
pub(super) fn title(outlook: &Outlook) -> String {
    let first = outlook.jobs.iter().find(|it| it.caller.is_none());
    first.map(|it| one_line(it.workflow.display_name())).unwrap_or_default()
}

/// Sorts the jobs into groups.
pub(super) fn group(outlook: &Outlook) -> Group<'_> {
    let mut children = Children::new();
    for (number, job) in outlook.jobs.iter().enumerate() {
        children.entry(job.caller.as_ref().map(wfrun_plan::JobKey::as_str)).or_default().push((number, job));
    }
    let jobs = children.remove(&None).unwrap_or_default();
    group_of(&jobs, None, &mut children)
}

fn group_of<'a>(jobs: &[(usize, &'a JobOutlook)], title: Option<String>, children: &mut Children<'a>) -> Group<'a> {
    let places: HashMap<&str, usize> = jobs.iter().enumerate().map(|(at, (_, job))| (job.key.as_str(), at)).collect();
    let mut stages: Vec<usize> = jobs.iter().map(|(_, job)| job.stage).collect();
    stages.sort_unstable();
    stages.dedup();
    let stages: HashMap<usize, usize> = stages.into_iter().enumerate().map(|(at, stage)| (stage, at)).collect();
    let mut nodes: Vec<Node<'a>> = Vec::with_capacity(jobs.len());
    for (number, job) in jobs {
        let of = |at: &usize| jobs.get(*at).map(|(_, it)| it.stage);
        let mut needs: Vec<usize> = job.needs.iter().filter_map(|it| places.get(it.as_str()).copied()).collect();
        needs.retain(|it| of(it).is_some_and(|it| it < job.stage));
        let stage = stages.get(&job.stage).copied().unwrap_or_default();
        let groups = called(job, children);
        let open = needs.iter().filter_map(|it| jobs.get(*it)).map(|(_, it)| *it);
        let open: Vec<&JobOutlook> = open.filter(|it| it.verdict == Prospect::Depends).collect();
        let detail = detail(job, &open).map(|it| one_line(&it));
        nodes.push(Node { job, number: *number, needs, after: Vec::new(), stage, detail, groups });
    }
    reduce(&mut nodes);
    Group { title, times: 1, nodes }
}

fn detail(job: &JobOutlook, open_needs: &[&JobOutlook]) -> Option<String> {
    if let Some(reason) = reason::short(job, open_needs) {
        return Some(reason);
    }
    if let Some(first) = hindrances(job).first() {
        return Some(first.clone());
    }
    if let Some(first) = job.deferred.first() {
        return Some(format!("legs depend on {}", one_line(first)));
    }
    let call = job.model()?.call.as_ref()?;
    let written = job.workflow.source.slice(call.target.span);
    Some(format!("calls {}", one_line(written.trim_matches(['"', '\'']))))
}

/// The groups below a job, alike ones once.
fn called<'a>(job: &'a JobOutlook, children: &mut Children<'a>) -> Vec<Group<'a>> {
    let mut keys: Vec<&str> = job.legs.iter().map(|it| it.key.as_str()).collect();
    if keys.is_empty() {
        keys.push(job.key.as_str());
    }
    let several = keys.len() > 1;
    let mut groups: Vec<Group<'a>> = Vec::new();
    for key in keys {
        // Taken out, so that nothing is drawn twice.
        let Some(jobs) = children.remove(&Some(key)) else { continue };
        let group = group_of(&jobs, several.then(|| one_line(key)), children);
        match groups.iter_mut().find(|it| it.is_like(&group)) {
            Some(twin) => twin.times += 1,
            None => groups.push(group),
        }
    }
    if let [only] = groups.as_mut_slice() {
        // The number of legs is in the caller's label.
        only.title = None;
    }
    groups
}

/// Leaves out the needs that are before other needs.
fn reduce(nodes: &mut [Node<'_>]) {
    let mut order: Vec<usize> = (0..nodes.len()).collect();
    order.sort_by_key(|it| nodes.get(*it).map(|it| it.stage));
    let mut before: HashMap<usize, HashSet<usize>> = HashMap::new();
    for at in order {
        let Some(node) = nodes.get_mut(at) else { continue };
        let all = |it: &usize| before.get(it).into_iter().flatten().copied();
        let implied: HashSet<usize> = node.needs.iter().flat_map(all).collect();
        node.after = node.needs.iter().copied().filter(|it| !implied.contains(it)).collect();
        let mut own = implied;
        own.extend(&node.needs);
        before.insert(at, own);
    }
}

impl Group<'_> {
    fn is_like(&self, other: &Self) -> bool {
        let pairs = || self.nodes.iter().zip(&other.nodes);
        self.nodes.len() == other.nodes.len() && pairs().all(|(a, b)| a.is_like(b))
    }

    /// `call (a)`, or `call (a) and 5 more` for legs that are alike.
    pub(super) fn caption(&self) -> Option<String> {
        let title = self.title.as_ref()?;
        Some(if self.times > 1 { format!("{title} and {} more", self.times - 1) } else { title.clone() })
    }
}

impl Node<'_> {
    fn is_like(&self, other: &Self) -> bool {
        let groups = || self.groups.iter().zip(&other.groups);
        self.job.id == other.job.id
            && self.job.verdict == other.job.verdict
            && self.job.legs.len() == other.job.legs.len()
            && self.detail == other.detail
            && self.groups.len() == other.groups.len()
            && groups().all(|(a, b)| a.times == b.times && a.is_like(b))
    }

    /// `test`, `test ×6`, `test ×?`.
    pub(super) fn label(&self, times: &str) -> String {
        let id = one_line(self.job.id.as_str());
        if !self.job.deferred.is_empty() {
            return format!("{id} {times}?");
        }
        match self.job.legs.len() {
            0 | 1 => id,
            legs => format!("{id} {times}{legs}"),
        }
    }

    /// Whether a line to it is a firm one.
    pub(super) fn is_firm(&self) -> bool {
        self.job.verdict == Prospect::Runs
    }

    /// `skipped`, `depends`, `fails` or `runs`.
    pub(super) fn class(&self) -> &'static str {
        match self.job.verdict {
            Prospect::Runs => "runs",
            Prospect::Skipped => "skipped",
            Prospect::Depends => "depends",
            Prospect::Fails => "fails",
        }
    }
}
