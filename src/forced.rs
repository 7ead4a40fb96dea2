//! `--force`: how jobs and steps are taken to end.
use indexmap::IndexMap;
use wfrun_engine::ForcedStep;
use wfrun_journal::Outcome;
use wfrun_plan::{JobKey, JobOutlook, Outlook, StepEnd};
use wfrun_syntax::closest;
use wfrun_workflow::WorkflowSet;

use crate::foresight::unknown_job;
use crate::names::{Names, Unknown};
use crate::output::Help;

/// What `--force` says.
#[derive(Debug, Default)]
pub(crate) struct Forced {
    /// How jobs or legs end, by key as written.
    pub(crate) results: IndexMap<String, String>,
    /// How steps end.
    pub(crate) steps: Vec<StepEnd>,
}

const RESULTS: [&str; 4] = ["success", "failure", "cancelled", "skipped"];
/// A step cannot be cancelled alone.
const OUTCOMES: [&str; 3] = ["success", "failure", "skipped"];

impl Forced {
    /// Reads `JOB=RESULT` and `JOB.STEP=RESULT`; a job of that name wins.
    pub(crate) fn read(set: &WorkflowSet, options: &[String]) -> anyhow::Result<Self> {
        let mut forced = Self::default();
        if options.is_empty() {
            return Ok(forced);
        }
        let names = Names::of(set);
        for text in options {
            // A step's name may have the sign in it, no result has.
            let Some((what, word)) = text.rsplit_once('=').filter(|(what, _)| !what.is_empty()) else {
                let help = "write JOB=RESULT or JOB.STEP=RESULT";
                return Err(Help::error("cli/pair", format!("`--force {text}` is no pair"), help));
            };
            let unknown = |it: Unknown| refused(text, &it.message(), it.help());
            match names.job(what) {
                Ok(_) => {
                    // The last that is said of a job holds, however its name is written.
                    forced.results.retain(|it, _| !it.eq_ignore_ascii_case(what));
                    forced.results.insert(what.to_owned(), word_of(text, word, &RESULTS)?);
                    continue;
                }
                Err(it) if !what.contains('.') => return Err(unknown(it)),
                Err(_) => {}
            }
            let place = names.step(what).map_err(unknown)?;
            let outcome = word_of(text, word, &OUTCOMES)?;
            forced.steps.push(StepEnd { job: place.job.to_string(), index: place.index, outcome });
        }
        Ok(forced)
    }

    /// The same for the engine.
    pub(crate) fn for_run(&self) -> wfrun_engine::Forced {
        // The words were looked at when they were read.
        let outcome = |word: &str| Outcome::parse(word).unwrap_or(Outcome::Skipped);
        let step = |it: &StepEnd| ForcedStep {
            job: JobKey::new(it.job.as_str()),
            index: it.index,
            outcome: outcome(&it.outcome),
            outputs: IndexMap::new(),
        };
        wfrun_engine::Forced {
            jobs: self.results.iter().map(|(job, word)| (JobKey::new(job.as_str()), outcome(word))).collect(),
            job_outputs: Vec::new(),
            steps: self.steps.iter().map(step).collect(),
        }
    }

    /// Refuses a leg that is not there: it would be taken for nothing.
    pub(crate) fn check(&self, outlook: &Outlook) -> anyhow::Result<()> {
        let all = || outlook.jobs.iter().chain(&outlook.uncalled);
        let mut named = self.results.keys().chain(self.steps.iter().map(|it| &it.job));
        let unknown = named.find(|text| !all().any(|it| has(it, text)));
        unknown.map_or(Ok(()), |it| Err(unknown_job(outlook, it)))
    }
}

/// Whether a job, or a leg of it, may be what is meant; of legs that are not known any may.
fn has(job: &JobOutlook, text: &str) -> bool {
    let has_no_legs = job.legs.is_empty() || !job.deferred.is_empty();
    job.key.is_named(text)
        || job.legs.iter().any(|it| it.key.is_named(text))
        || (has_no_legs && JobKey::new(JobKey::without_legs(job.key.as_str())).is_named(&JobKey::without_legs(text)))
}

fn word_of(text: &str, word: &str, all: &[&str]) -> anyhow::Result<String> {
    if all.contains(&word) {
        return Ok(word.to_owned());
    }
    let help = match closest(word, all.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("results are: {}", all.join(", ")),
    };
    Err(refused(text, "no such result", help))
}

fn refused(text: &str, why: &str, help: String) -> anyhow::Error {
    Help::error("cli/force", format!("`--force {text}`: {why}"), help)
}
