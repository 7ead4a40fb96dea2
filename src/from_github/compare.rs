//! Where a run on GitHub went other than is foreseen.
use serde_json::{Value as Json, json};
use wfrun_plan::{JobKey, JobOutlook, Leg, Prospect, StepOutlook};

use super::matching::Matching;
use super::{Ended, GithubJob, GithubRun, GithubStep, plain};
use crate::foresight::Foreseen;

/// A run on GitHub beside what is foreseen.
pub(crate) struct Compared {
    heading: String,
    conclusion: String,
    differences: Vec<Difference>,
    /// Jobs that the workflow has not.
    unknown: Vec<String>,
    /// What to tell about what could not be compared.
    pub(crate) notes: Vec<String>,
}

/// One thing that went another way; without a job it is the workflow, without a step the job.
struct Difference {
    job: Option<JobKey>,
    step: Option<String>,
    github: String,
    foreseen: Prospect,
}

impl GithubRun {
    /// Lays the run beside what is foreseen of some jobs, or of a leg of one.
    pub(crate) fn compare(&self, foreseen: &Foreseen, asked: &[(&JobOutlook, Option<&Leg>)]) -> Compared {
        let matching = Matching::new(&self.jobs, &foreseen.outlook);
        let unknown: Vec<String> = matching.unknown.iter().map(|it| plain(&it.name)).collect();
        let mut notes: Vec<String> =
            unknown.iter().map(|it| format!("GitHub's run has a job `{it}`, and the workflow has not")).collect();
        notes.extend(
            matching.ambiguous.iter().map(|it| {
                format!("several jobs are called `{}`: they are not compared with GitHub's", plain(&it.name))
            }),
        );
        let mut differences = Vec::new();
        if foreseen.is_triggered() {
            let jobs = foreseen.outlook.jobs.iter().zip(matching.own.iter().zip(&matching.with_called));
            for (job, (own, all)) in jobs {
                let Some((_, leg)) = asked.iter().find(|(it, _)| it.key == job.key) else { continue };
                differences.extend(job_difference(job, all).or_else(|| self.absence(job, all, foreseen, &matching)));
                let legs = own.iter().filter_map(|ran| Some((leg_of(job, own, ran)?, *ran)));
                let legs = legs.filter(|(it, _)| leg.is_none_or(|leg| leg.key == it.key));
                differences.extend(legs.flat_map(|(leg, ran)| step_differences(leg, ran)));
            }
        } else {
            let github = self.conclusion.clone();
            differences.push(Difference { job: None, step: None, github, foreseen: Prospect::Skipped });
        }
        let (event, branch) = (plain(&self.event), plain(&self.head_branch));
        let ended = if self.conclusion.is_empty() { "is not over" } else { &plain(&self.conclusion) };
        let heading = format!("GitHub's run: {event} of {branch}, {ended}");
        Compared { heading, conclusion: self.conclusion.clone(), differences, unknown, notes }
    }
}

impl GithubRun {
    /// A job that would run, of which the run has nothing though it is over.
    fn absence(
        &self,
        job: &JobOutlook,
        of_github: &[&GithubJob],
        foreseen: &Foreseen,
        matching: &Matching<'_>,
    ) -> Option<Difference> {
        let of_caller = job.caller.as_ref().and_then(|key| {
            let is_it = |it: &JobOutlook| it.legs.iter().any(|leg| leg.key == *key);
            matching.with_called.get(foreseen.outlook.jobs.iter().position(is_it)?)
        });
        // What is called is said by the job that calls it; of a name that several have nothing is known.
        let is_told =
            of_caller.is_some_and(Vec::is_empty) || !matching.ambiguous.is_empty() || !matching.unknown.is_empty();
        let would_run = matches!(job.verdict, Prospect::Runs | Prospect::Fails);
        if !of_github.is_empty() || is_told || !would_run || self.conclusion.is_empty() {
            return None;
        }
        Some(Difference { job: Some(job.key.clone()), step: None, github: ABSENT.to_owned(), foreseen: job.verdict })
    }
}

/// What a run says of a job that it does not have.
const ABSENT: &str = "absent";

fn job_difference(job: &JobOutlook, of_github: &[&GithubJob]) -> Option<Difference> {
    let first = of_github.first()?;
    let ran = of_github.iter().find(|it| Ended::of(&it.conclusion).has_run());
    let all_skipped = of_github.iter().all(|it| Ended::of(&it.conclusion) == Ended::Skipped);
    let github = match (job.verdict, ran) {
        (Prospect::Runs | Prospect::Fails, None) if all_skipped => &first.conclusion,
        (Prospect::Skipped, Some(ran)) => &ran.conclusion,
        (Prospect::Fails, Some(ran)) if Ended::of(&ran.conclusion) == Ended::Success => &ran.conclusion,
        (Prospect::Runs | Prospect::Skipped | Prospect::Depends | Prospect::Fails, _) => return None,
    };
    Some(Difference { job: Some(job.key.clone()), step: None, github: github.clone(), foreseen: job.verdict })
}

/// Steps are compared up to the first that failed: all that is foreseen of steps holds if those before go well.
fn step_differences(leg: &Leg, ran: &GithubJob) -> Vec<Difference> {
    if !Ended::of(&ran.conclusion).has_run() {
        return Vec::new();
    }
    let mut steps: Vec<&GithubStep> = ran.steps.iter().collect();
    steps.sort_by_key(|it| it.number);
    let end = steps.iter().position(|it| matches!(Ended::of(&it.conclusion), Ended::Failure | Ended::Cancelled));
    steps.truncate(end.map_or(steps.len(), |it| it + 1));
    let differs = |step: &&GithubStep| {
        let verdict = step_of(leg, &step.name)?.verdict;
        let is_other = match (verdict, Ended::of(&step.conclusion)) {
            (Prospect::Runs, ended) => ended == Ended::Skipped,
            (Prospect::Skipped, ended) => ended.has_run(),
            (Prospect::Fails, ended) => matches!(ended, Ended::Success | Ended::Skipped),
            (Prospect::Depends, _) => false,
        };
        is_other.then(|| Difference {
            job: Some(leg.key.clone()),
            step: Some(plain(&step.name)),
            github: step.conclusion.clone(),
            foreseen: verdict,
        })
    };
    steps.iter().filter_map(differs).collect()
}

/// The leg that one of GitHub's jobs is: by its name, if there are several.
pub(super) fn leg_of<'a>(job: &'a JobOutlook, of_github: &[&GithubJob], ran: &GithubJob) -> Option<&'a Leg> {
    if let ([only], 1) = (job.legs.as_slice(), of_github.len()) {
        return Some(only);
    }
    let name = ran.name.to_lowercase();
    let mut found = job.legs.iter().filter(|it| it.name.to_lowercase() == name);
    found.next().filter(|_| found.next().is_none())
}

/// The step of this name, if there is one only.
fn step_of<'a>(leg: &'a Leg, name: &str) -> Option<&'a StepOutlook> {
    let name = name.to_lowercase();
    let mut found = leg.steps.iter().filter(|it| it.name.to_lowercase() == name);
    found.next().filter(|_| found.next().is_none())
}

impl Compared {
    /// For people; begins with an empty line.
    pub(crate) fn text(&self) -> String {
        let mut lines = vec![String::new(), self.heading.clone()];
        lines.extend(self.differences.iter().map(|it| format!("  {}", it.sentence())));
        if self.differences.is_empty() {
            lines.push("  it went as foreseen, as far as that can be told".to_owned());
        }
        lines.into_iter().map(|it| it + "\n").collect()
    }

    /// `{"conclusion","differences":[{"job","step","github","foreseen","message"}],"unknown_jobs":[…]}`
    pub(crate) fn json(&self) -> Json {
        let differences = self.differences.iter().map(|it| {
            json!({
                "job": it.job, "step": it.step, "github": it.github, "foreseen": it.foreseen, "message": it.sentence(),
            })
        });
        json!({
            "conclusion": self.conclusion,
            "differences": differences.collect::<Vec<_>>(),
            "unknown_jobs": self.unknown,
        })
    }
}

impl Difference {
    fn sentence(&self) -> String {
        let what = match (&self.job, &self.step) {
            (None, _) => return "GitHub ran it, and what happened does not trigger it here".to_owned(),
            (Some(job), None) => plain(job.as_str()),
            (Some(job), Some(step)) => format!("{}, step {step}", plain(job.as_str())),
        };
        match self.foreseen {
            Prospect::Runs | Prospect::Fails if self.github == ABSENT => {
                format!("{what}: GitHub's run does not have it, wfrun would run it")
            }
            Prospect::Runs => format!("{what}: GitHub skipped it, wfrun would run it"),
            Prospect::Fails => {
                format!("{what}: on GitHub it ended with {}, with wfrun it would fail", plain(&self.github))
            }
            Prospect::Skipped | Prospect::Depends => {
                format!("{what}: GitHub ran it ({}), wfrun would skip it", plain(&self.github))
            }
        }
    }
}
