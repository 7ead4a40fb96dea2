//! Which jobs of a run on GitHub are which of a workflow.
use std::collections::HashMap;

use wfrun_expr::{Piece, pieces};
use wfrun_plan::{JobOutlook, Outlook, called_name};

use super::GithubJob;

/// The jobs of a run, sorted to those of a workflow.
pub(super) struct Matching<'a> {
    /// For each job of the outlook its legs on GitHub.
    pub(super) own: Vec<Vec<&'a GithubJob>>,
    /// The same, and for a job that calls a workflow all that it calls: GitHub does not list it itself.
    pub(super) with_called: Vec<Vec<&'a GithubJob>>,
    /// Those that the workflow has not.
    pub(super) unknown: Vec<&'a GithubJob>,
    /// Those whose name several jobs of the workflow have.
    pub(super) ambiguous: Vec<&'a GithubJob>,
}

impl<'a> Matching<'a> {
    pub(super) fn new(jobs: &'a [GithubJob], outlook: &Outlook) -> Self {
        let none = vec![Vec::new(); outlook.jobs.len()];
        let mut found = Self { own: none.clone(), with_called: none, unknown: Vec::new(), ambiguous: Vec::new() };
        let names: Vec<Vec<String>> = outlook.jobs.iter().map(|it| names(outlook, it)).collect();
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, name) in names.iter().enumerate().flat_map(|(index, all)| all.iter().map(move |it| (index, it))) {
            let of_name = by_name.entry(name).or_default();
            if !of_name.contains(&index) {
                of_name.push(index);
            }
        }
        for job in jobs {
            let name = job.name.to_lowercase();
            match by_name.get(name.as_str()).map(Vec::as_slice) {
                Some([only]) => found.put(*only, job),
                Some(several) => match shown_as(&job.name, several, outlook) {
                    Some(index) => found.put(index, job),
                    None => found.ambiguous.push(job),
                },
                None => match loosely(&name, &names, outlook) {
                    Some((index, true)) => found.put_called(index, job),
                    Some((index, false)) => found.put(index, job),
                    None => found.unknown.push(job),
                },
            }
        }
        found.give_to_callers(outlook);
        found
    }

    fn put(&mut self, index: usize, job: &'a GithubJob) {
        self.own.get_mut(index).into_iter().for_each(|it| it.push(job));
        self.put_called(index, job);
    }

    fn put_called(&mut self, index: usize, job: &'a GithubJob) {
        self.with_called.get_mut(index).into_iter().for_each(|it| it.push(job));
    }

    /// Callers stand before what they call.
    fn give_to_callers(&mut self, outlook: &Outlook) {
        for (index, job) in outlook.jobs.iter().enumerate().rev() {
            let Some(caller) = job.caller.as_ref() else { continue };
            let is_caller = |it: &JobOutlook| it.legs.iter().any(|leg| leg.key == *caller);
            let called = self.with_called.get(index).cloned().unwrap_or_default();
            if let Some(of_caller) = outlook.jobs.iter().position(is_caller) {
                self.with_called.get_mut(of_caller).into_iter().for_each(|it| it.extend(&called));
            }
        }
    }
}

/// All that a job may be called, in small letters.
fn names(outlook: &Outlook, job: &JobOutlook) -> Vec<String> {
    let keys = std::iter::once(&job.key).chain(job.legs.iter().map(|it| &it.key)).map(ToString::to_string);
    keys.chain(shown(outlook, job)).map(|it| it.to_lowercase()).collect()
}

/// The job among several that github.com shows with exactly this name.
fn shown_as(name: &str, several: &[usize], outlook: &Outlook) -> Option<usize> {
    let is_shown =
        |it: &&usize| outlook.jobs.get(**it).is_some_and(|it| shown(outlook, it).iter().any(|it| it == name));
    let mut found = several.iter().filter(is_shown);
    found.next().copied().filter(|_| found.next().is_none())
}

/// What github.com shows: the name of each leg or, where the job is skipped, the name as written.
fn shown(outlook: &Outlook, job: &JobOutlook) -> Vec<String> {
    let mut names: Vec<String> = job.legs.iter().map(|it| it.name.clone()).collect();
    let written = job.workflow.jobs.get(&job.id).and_then(|it| it.name.as_ref()).map(wfrun_workflow::Field::raw);
    let own = written.unwrap_or_else(|| job.id.to_string());
    let calls = outlook.jobs.iter().flat_map(|it| &it.legs).find(|leg| Some(&leg.key) == job.caller.as_ref());
    names.push(calls.map_or_else(|| own.clone(), |it| called_name(&it.name, &own)));
    names
}

/// Whether a name has the fixed parts of another, `t ${{ matrix.v }}`, in their order.
fn fits_parts(name: &str, written: &str) -> bool {
    // What stands before the first expression, and behind each.
    let mut fixed = vec![""];
    for piece in pieces(written) {
        match piece {
            Piece::Text(it) => fixed.last_mut().into_iter().for_each(|last| *last = it),
            Piece::Expression { .. } => fixed.push(""),
            Piece::Open(_) => return false,
        }
    }
    let [first, between @ .., last] = fixed.as_slice() else { return false };
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    for part in between {
        let Some((_, behind)) = rest.split_once(part) else { return false };
        rest = behind;
    }
    rest.ends_with(last)
}

/// Finds a job by the beginning of a name, where the rest is known to the run only: a leg's values, or what is called.
/// The second tells whether it is what the job calls.
fn loosely(name: &str, names: &[Vec<String>], outlook: &Outlook) -> Option<(usize, bool)> {
    let of_job = |(index, job): (usize, &JobOutlook)| {
        let declared = job.workflow.jobs.get(&job.id)?;
        let (calls, has_matrix) = (declared.call.is_some(), declared.strategy.is_some());
        // A name of which only the run can tell parts.
        let written = names.get(index)?.iter().find(|it| it.contains("${{"));
        if let Some(written) = written.filter(|it| has_matrix && fits_parts(name, it)) {
            return Some((written.len(), index, false));
        }
        let fits = |beginning: &String| {
            let rest = name.strip_prefix(beginning.as_str())?;
            let is_leg = has_matrix && rest.starts_with(" (");
            let is_called = calls && (rest.starts_with(" / ") || is_leg && rest.contains(") / "));
            (is_called || is_leg).then_some((beginning.len(), index, is_called))
        };
        names.get(index)?.iter().filter_map(fits).max()
    };
    outlook.jobs.iter().enumerate().filter_map(of_job).max().map(|(_, index, is_called)| (index, is_called))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_which_parts_are_known() {
        for (name, written, fits) in [
            ("t 1", "t ${{ matrix.v }}", true),
            ("1 on x, y", "${{ matrix.v }} on ${{ matrix.o }}, ${{ matrix.p }}", true),
            ("1 on x", "${{ matrix.v }} at ${{ matrix.o }}", false),
            ("u 1", "t ${{ matrix.v }}", false),
            ("t 1 more", "t ${{ matrix.v }}", true),
            ("t 1 more", "t ${{ matrix.v }} less", false),
            ("t }1 (x)", "t ${{ format('}}{0}', matrix.v) }} (x)", true),
            ("t", "t", false),
        ] {
            assert_eq!(fits_parts(name, written), fits, "{name} of {written}");
        }
    }
}
