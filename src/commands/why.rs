//! `wfrun why`: why a workflow is triggered and its jobs run, or not; of a run that is over see [`super::why_run`].
use std::collections::HashMap;

use wfrun_plan::{Change, JobKey, JobOutlook, Leg, Prospect, candidates, directed, search};
use wfrun_report::{JobWhy, Why, why_json, why_text};

use crate::cli::{EventArgs, WhyArgs};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::foresight::{Foreseen, Foresight};
use crate::from_github::GithubRun;
use crate::output::Output;

/// So many ways out of one job are offered.
const MOST_CHANGES: usize = 5;
/// So many sets of changes are planned for one job that is explained at length; that is about 0.1 s.
const MOST_TRIES: usize = 800;
/// The same for each of all jobs.
const FEW_TRIES: usize = 200;
/// So many jobs are planned again altogether: a large workflow's explanation must not take long.
const MOST_JOBS: usize = 20_000;

/// Explains what a situation makes of a workflow.
pub(crate) fn why(args: &WhyArgs, environment: &Environment, output: &Output) -> anyhow::Result<Exit> {
    let of_job = super::why_job::named(args)?;
    let args = of_job.as_ref().unwrap_or(args);
    if let Some(run) = super::why_run::wanted(args)? {
        return super::why_run::why_run(&run, args, output);
    }
    let run = args.from_github.as_deref().map(GithubRun::read).transpose()?;
    let mut foresight = match Foresight::open(&args.situation, &args.foresee, environment, output)? {
        Ok(foresight) => foresight,
        Err(exit) => return Ok(exit),
    };
    let mut args = args.clone();
    let foreseen = match &run {
        Some(run) => run.foresee(&mut foresight, &mut args.situation.happening, &args.foresee.force)?,
        None => foresight.foresee(&args.situation, &args.foresee.force)?,
    };
    foreseen.tell();
    explain(&args, &foresight, &foreseen, run.as_ref(), output)
}

fn explain(
    args: &WhyArgs,
    foresight: &Foresight<'_>,
    foreseen: &Foreseen,
    run: Option<&GithubRun>,
    output: &Output,
) -> anyhow::Result<Exit> {
    let wanted = args.wanted.as_ref().or(args.situation.job.first());
    let jobs: Vec<(&JobOutlook, Option<&Leg>)> = match wanted {
        Some(wanted) => vec![foreseen.job(wanted)?],
        None => foreseen.outlook.jobs.iter().map(|it| (it, None)).collect(),
    };
    let compared = run.map(|it| it.compare(foreseen, &jobs));
    for note in compared.iter().flat_map(|it| &it.notes) {
        Output::note(note);
    }
    let mut ways_out = WaysOut::new(args, foresight, foreseen);
    let jobs: Vec<JobWhy<'_>> = jobs.into_iter().map(|(job, leg)| ways_out.job(job, leg, wanted.is_some())).collect();
    let why = Why {
        workflow: &foresight.set.root,
        event: &foreseen.world.event,
        gates: &foreseen.gates,
        jobs,
        at_length: wanted.is_some(),
        until_skipped: args.until_skipped,
    };
    if args.json {
        let mut json = why_json(&why);
        if let (Some(compared), Some(members)) = (&compared, json.as_object_mut()) {
            members.insert("github".to_owned(), compared.json());
        }
        Output::data(&format!("{json:#}\n"));
    } else {
        let compared = compared.map(|it| it.text()).unwrap_or_default();
        Output::data(&(why_text(&why, &output.stdout) + &compared));
    }
    Ok(if foreseen.is_triggered() { Exit::Success } else { Exit::NotTriggered })
}

/// Looks for the changes that make jobs run, or be skipped.
struct WaysOut<'a> {
    args: &'a WhyArgs,
    foresight: &'a Foresight<'a>,
    foreseen: &'a Foreseen,
    goal: Prospect,
    /// What was planned again already; no verdicts where the options contradict each other.
    tried: HashMap<Vec<Change>, Verdicts>,
    /// So many more jobs are planned again.
    budget: usize,
}

type Verdicts = HashMap<JobKey, Prospect>;

impl<'a> WaysOut<'a> {
    fn new(args: &'a WhyArgs, foresight: &'a Foresight<'a>, foreseen: &'a Foreseen) -> Self {
        let goal = if args.until_skipped { Prospect::Skipped } else { Prospect::Runs };
        Self { args, foresight, foreseen, goal, tried: HashMap::new(), budget: MOST_JOBS }
    }

    fn job<'j>(&mut self, job: &'j JobOutlook, leg: Option<&'j Leg>, at_length: bool) -> JobWhy<'j> {
        let sought = self.foreseen.verdict(job) != self.goal;
        JobWhy { job, leg, changes: self.changes(job, at_length), sought }
    }

    /// The smallest changes for one job; each was planned again with the options it stands for.
    fn changes(&mut self, job: &JobOutlook, at_length: bool) -> Vec<Vec<Change>> {
        let goal = self.goal;
        if self.foreseen.verdict(job) == goal {
            return Vec::new();
        }
        let (root, world) = (&self.foresight.set.root, &self.foreseen.world);
        let given_type = self.args.situation.happening.activity.as_deref().filter(|it| !it.is_empty());
        let all = candidates(&self.foreseen.outlook, job, root, world, given_type);
        let outlook = &self.foreseen.outlook;
        // What makes conditions true; what makes one false is mostly one change.
        let sets = if goal == Prospect::Runs { directed(outlook, job, root, world, given_type) } else { Vec::new() };
        let (most, tries) = if at_length { (MOST_CHANGES, MOST_TRIES) } else { (1, FEW_TRIES) };
        search(&all, &sets, most, tries, &mut |changes| self.again(changes).get(&job.key) == Some(&goal))
    }

    fn again(&mut self, changes: &[Change]) -> &Verdicts {
        let (args, foresight, budget) = (self.args, self.foresight, &mut self.budget);
        self.tried.entry(changes.to_vec()).or_insert_with(|| {
            if *budget == 0 {
                return Verdicts::new();
            }
            let mut event = args.situation.happening.clone();
            let mut force = args.foresee.force.clone();
            for it in changes {
                apply(it, &mut event, &mut force);
            }
            let Ok(again) = foresight.foresee(&event, &force) else { return Verdicts::new() };
            *budget = budget.saturating_sub(again.outlook.jobs.len());
            let all = again.outlook.jobs.iter().chain(&again.outlook.uncalled);
            all.map(|it| (it.key.clone(), again.verdict(it))).collect()
        })
    }
}

/// Adds the options of a change to a command line, and nothing else: of an option that is there once the last holds, and
/// all others stay.
fn apply(change: &Change, event: &mut EventArgs, force: &mut Vec<String>) {
    let flags = change.flags();
    let value = flags.get(1).cloned();
    match change {
        Change::Event { drops_type, .. } => {
            event.event = value;
            if *drops_type {
                event.activity = flags.get(3).cloned();
            }
        }
        Change::Schedule { .. } => event.schedule = value,
        Change::Ref { .. } => event.git_ref = value,
        Change::Base { .. } => event.base = value,
        Change::Type { .. } => event.activity = value,
        Change::Head { .. } => event.head = value,
        Change::Actor { .. } => event.actor = value,
        Change::Repository { .. } => event.repository = value,
        Change::Input { .. } => event.input.extend(value),
        Change::Var { .. } => event.var.extend(value),
        Change::Changed { .. } => event.changed.extend(value),
        Change::Result { .. } => force.extend(value),
    }
}
