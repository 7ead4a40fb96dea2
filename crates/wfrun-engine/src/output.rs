//! What is known of the output of steps besides their lines: matchers, long lines, and what waits for a file.
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use wfrun_journal::{LongLine, Stream};
use wfrun_plan::JobKey;

use crate::FactKind;
use crate::engine::Origin;
use crate::matcher::{Matcher, MatcherConfig};

/// Of all jobs.
#[derive(Debug, Default)]
pub(crate) struct Outputs {
    jobs: HashMap<JobKey, JobOutput>,
}

/// Of one job.
#[derive(Debug, Default)]
struct JobOutput {
    /// Its matchers, the newest first. They hold for the rest of the job.
    matchers: Vec<Arc<MatcherConfig>>,
    streams: HashMap<(u64, Stream), StreamOutput>,
    /// Processes whose output waits for a file to be read.
    held: HashMap<u64, Held>,
}

/// Of one stream of a process.
#[derive(Debug, Default)]
struct StreamOutput {
    matchers: Vec<Matcher>,
    long: Option<LongLine>,
}

/// A process's facts that wait for a file.
#[derive(Debug)]
pub(crate) struct Held {
    /// The line that asked for it.
    pub(crate) from: Origin,
    pub(crate) line: String,
    pub(crate) reads: ReadFor,
    pub(crate) facts: VecDeque<FactKind>,
}

/// What a file of matchers is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadFor {
    Adding,
    Removing,
}

impl Outputs {
    /// Whether what a process prints has to wait.
    pub(crate) fn is_held(&self, job: &JobKey, process: u64) -> bool {
        self.jobs.get(job).is_some_and(|it| it.held.contains_key(&process))
    }

    /// Lets a process's facts wait from now on.
    pub(crate) fn hold(&mut self, from: &Origin, line: &str, reads: ReadFor) {
        let held = Held { from: from.clone(), line: line.to_owned(), reads, facts: VecDeque::new() };
        self.jobs.entry(from.job.clone()).or_default().held.insert(from.process, held);
    }

    /// Keeps a fact, if it has to wait; otherwise gives it back.
    pub(crate) fn keep(&mut self, fact: FactKind) -> Option<FactKind> {
        match self.held_of(&fact) {
            Some(held) => held.facts.push_back(fact),
            None => return Some(fact),
        }
        None
    }

    /// Keeps a fact that comes before all that wait already.
    pub(crate) fn hold_first(&mut self, fact: FactKind) {
        if let Some(held) = self.held_of(&fact) {
            held.facts.push_front(fact);
        }
    }

    /// Ends the waiting of a process.
    pub(crate) fn release(&mut self, job: &JobKey, process: u64) -> Option<Held> {
        self.jobs.get_mut(job)?.held.remove(&process)
    }

    fn held_of(&mut self, fact: &FactKind) -> Option<&mut Held> {
        let (job, process) = fact.of_process()?;
        self.jobs.get_mut(job)?.held.get_mut(&process)
    }

    /// The matchers at work on a stream; none where the job has none.
    pub(crate) fn matchers(&mut self, from: &Origin) -> Option<&mut Vec<Matcher>> {
        let job = self.jobs.get_mut(&from.job)?;
        let at_work = job.streams.get(&from.key()).is_some_and(|it| !it.matchers.is_empty());
        if job.matchers.is_empty() && !at_work {
            return None;
        }
        Some(&mut job.stream(from).matchers)
    }

    /// Puts matchers in the place of those of the same owners, before all others.
    pub(crate) fn add(&mut self, from: &Origin, configs: Vec<MatcherConfig>) {
        let configs: Vec<Arc<MatcherConfig>> = configs.into_iter().map(Arc::new).collect();
        let job = self.jobs.entry(from.job.clone()).or_default();
        job.stream(from);
        let is_new = |owner: &str| configs.iter().any(|it| it.owner.eq_ignore_ascii_case(owner));
        job.matchers.retain(|it| !is_new(&it.owner));
        job.matchers.splice(0..0, configs.iter().cloned());
        for stream in job.streams.values_mut() {
            stream.matchers.retain(|it| !is_new(&it.config.owner));
            // One by one, as GitHub does it: in the step that adds them the last comes first.
            for it in &configs {
                stream.matchers.insert(0, Matcher::new(Arc::clone(it)));
            }
        }
    }

    /// Takes the matchers of these owners away.
    pub(crate) fn remove(&mut self, job: &JobKey, owners: &[String]) {
        let Some(job) = self.jobs.get_mut(job) else { return };
        let goes = |owner: &str| owners.iter().any(|it| it.eq_ignore_ascii_case(owner));
        job.matchers.retain(|it| !goes(&it.owner));
        job.streams.values_mut().for_each(|it| it.matchers.retain(|it| !goes(&it.config.owner)));
    }

    pub(crate) fn has_long_line(&self, from: &Origin) -> bool {
        let stream = self.jobs.get(&from.job).and_then(|it| it.streams.get(&from.key()));
        stream.is_some_and(|it| it.long.is_some())
    }

    pub(crate) fn take_long_line(&mut self, from: &Origin) -> Option<LongLine> {
        self.jobs.get_mut(&from.job)?.streams.get_mut(&from.key())?.long.take()
    }

    pub(crate) fn put_long_line(&mut self, from: &Origin, line: LongLine) {
        self.jobs.entry(from.job.clone()).or_default().stream(from).long = Some(line);
    }

    /// A process is over.
    pub(crate) fn forget(&mut self, job: &JobKey, process: u64) {
        if let Some(job) = self.jobs.get_mut(job) {
            job.streams.retain(|(it, _), _| *it != process);
        }
    }
}

impl JobOutput {
    /// A stream begins with the job's matchers.
    fn stream(&mut self, from: &Origin) -> &mut StreamOutput {
        let Self { matchers, streams, held: _ } = self;
        streams.entry(from.key()).or_insert_with(|| StreamOutput {
            matchers: matchers.iter().map(|it| Matcher::new(Arc::clone(it))).collect(),
            long: None,
        })
    }
}
