//! Goes through the jobs in the order of their needs, and into what they call.
use std::sync::Arc;

use indexmap::IndexMap;
use wfrun_expr::{Object, Value};
use wfrun_workflow::{FileRef, Job, JobId, Permissions, Workflow, WorkflowSet};

use super::ends::{Ends, Fails, LegEnd};
use super::legs::legs;
use super::planning::{Held, before_group, deadlock, in_group};
use super::scope::{Ancestor, Ancestors, Before, Need};
use super::steps::Steps;
use super::{Group, JobOutlook, Leg, Outlook, Prospect, Reason, World, calls, details, judge};
use crate::needs::{needed, order};
use crate::{JobKey, JobKeys, PlanError, effective_permissions, github_context};

/// Looks at the jobs of a workflow that the world's event triggers, and at all that they call.
///
/// Source: GitHub: planning rules 4.2, 4.3 and 4.9.
pub fn outlook(set: &WorkflowSet, world: &World) -> Result<Outlook, PlanError> {
    let github = Value::Object(github_context(&set.root, &world.event, &world.identity));
    let mut build =
        Build { set, world, github, vars: Value::Object(world.vars.clone()), jobs: Vec::new(), keys: JobKeys::new() };
    let file = FileRef { repository: None, path: set.root.source.path().to_owned() };
    let inputs = Inputs { known: world.inputs.clone(), unknown: Vec::new() };
    let concurrency = build.group(&set.root, &inputs);
    let held = concurrency.iter().filter(|it| it.is_known).map(|it| Held { name: it.name.clone(), by: None }).collect();
    build.workflow(&set.root, &Place { file, caller: None, held }, &inputs)?;
    let (uncalled, jobs) = build.jobs.into_iter().partition(JobOutlook::is_uncalled);
    Ok(Outlook { jobs, uncalled, concurrency })
}

struct Build<'a> {
    set: &'a WorkflowSet,
    world: &'a World,
    github: Value,
    vars: Value,
    jobs: Vec<JobOutlook>,
    keys: JobKeys,
}

/// Which file, and which job calls it.
struct Place {
    file: FileRef,
    caller: Option<Caller>,
    /// The groups that are held while its jobs run.
    held: Vec<Held>,
}

/// One leg of a job that calls a workflow.
struct Caller {
    leg: Leg,
    stage: usize,
    verdict: Prospect,
    permissions: Option<Permissions>,
}

impl Place {
    fn permissions(&self) -> Option<&Permissions> {
        self.caller.as_ref().and_then(|it| it.permissions.as_ref())
    }

    fn key(&self) -> Option<&JobKey> {
        self.caller.as_ref().map(|it| &it.leg.key)
    }

    fn stage(&self) -> usize {
        self.caller.as_ref().map_or(0, |it| it.stage)
    }

    /// A job that is called can do no more than its caller.
    fn fated(&self, (verdict, reason): (Prospect, Reason)) -> (Prospect, Reason) {
        let Some(caller) = &self.caller else { return (verdict, reason) };
        let job = caller.leg.key.clone();
        match (caller.verdict, verdict) {
            (Prospect::Skipped, _) => (Prospect::Skipped, Reason::Caller { job }),
            (Prospect::Depends, Prospect::Runs | Prospect::Fails) => (Prospect::Depends, Reason::Caller { job }),
            _ => (verdict, reason),
        }
    }
}

/// `inputs`, and those whose value only the run can tell.
#[derive(Debug, Clone)]
pub(super) struct Inputs {
    pub(super) known: Value,
    pub(super) unknown: Vec<String>,
}

/// How a job of the same file stands.
struct State {
    verdict: Prospect,
    result: Option<String>,
    /// Whether only the run can tell if it fails.
    is_open: bool,
    stage: usize,
    ancestors: Vec<JobId>,
}

impl State {
    fn fails(&self) -> Fails {
        match self.result.as_deref() {
            Some("failure") => Fails::Yes,
            None if self.is_open => Fails::Perhaps,
            Some(_) | None => Fails::No,
        }
    }
}

type States = IndexMap<JobId, State>;

impl Build<'_> {
    /// Looks at all jobs; tells how they end together.
    fn workflow(&mut self, workflow: &Arc<Workflow>, place: &Place, inputs: &Inputs) -> Result<LegEnd, PlanError> {
        let mut states = States::new();
        let mut found: IndexMap<JobId, Vec<JobOutlook>> = IndexMap::new();
        for id in order(workflow)? {
            let Some(job) = workflow.jobs.get(id) else { continue };
            let before = self.jobs.len();
            let state = self.job(workflow, job, place, inputs, &states)?;
            states.insert(id.clone(), state);
            found.insert(id.clone(), self.jobs.split_off(before));
        }
        // In the order of the file, whatever the order of needs.
        for id in workflow.jobs.keys() {
            self.jobs.extend(found.swap_remove(id).unwrap_or_default());
        }
        Ok(together(&states))
    }

    fn job(
        &mut self,
        workflow: &Arc<Workflow>,
        job: &Job,
        place: &Place,
        inputs: &Inputs,
        states: &States,
    ) -> Result<State, PlanError> {
        let id = &job.id.value;
        let key = within(place.key(), id.as_str());
        let needs = needed(workflow, job);
        let ancestors = all_before(&needs, states);
        let view = View::new(&needs, &ancestors, states, |id| self.world.outputs(within(place.key(), id).as_str()));
        let mut keys = std::mem::take(&mut self.keys);
        let before = view.before(self, inputs);
        let judged = if self.world.skips(&key) {
            (Prospect::Skipped, Reason::Stated { result: "skipped".to_owned() })
        } else {
            judge::job(&job.condition, &before)
        };
        let (verdict, reason) = place.fated(judged);
        let after = needs.iter().filter_map(|it| states.get(*it)).map(|it| it.stage + 1).max().unwrap_or(0);
        let stage = place.stage() + after;
        let needs = needs.iter().map(|it| within(place.key(), it.as_str())).collect();
        let mut outlook = JobOutlook { needs, stage, ..self.declared(workflow, job, place, (verdict, reason)) };
        let (mut called, mut ends) = (Vec::new(), Ends::default());
        if matches!(verdict, Prospect::Skipped | Prospect::Fails) {
            // What it would call is looked at all the same: a person may ask for it.
            if let Some(call) = &job.call {
                let inputs = calls::inputs(self.set, call, &place.file, &before.without_matrix());
                called.push((Leg::new(key.clone(), key.to_string()), Inputs::of(&inputs)));
            }
        } else {
            (called, ends) = self.expand(job, place, &before, &mut keys, &mut outlook);
        }
        self.keys = keys;
        let permissions = outlook.permissions.clone();
        let never = !matches!(outlook.verdict, Prospect::Runs | Prospect::Depends);
        let verdict = if never { Prospect::Skipped } else { outlook.verdict };
        self.jobs.push(outlook);
        let own = self.jobs.len();
        for (leg, inputs) in called {
            let stated = self.world.result(&leg.key);
            let begins = !never && leg.hindrance.is_none();
            let verdict = if begins { verdict } else { Prospect::Skipped };
            let caller = Caller { leg, stage, verdict, permissions: permissions.clone() };
            let end = self.call(job, place, caller, &inputs)?;
            if begins {
                ends.add(stated, end);
            }
        }
        let outlook = self.jobs.get_mut(own - 1);
        let (verdict, fate) = outlook.map_or((verdict, None), |it| {
            settle(it, ends);
            let fate = fate(it).or_else(|| self.world.result(&key));
            (it.verdict, fate)
        });
        let result = fate.or_else(|| ends.result()).map(str::to_owned);
        let is_open = fate.is_none() && ends.is_open();
        // What needs a caller waits for all that it calls.
        let last = self.jobs.iter().skip(own).map(|it| it.stage).max().unwrap_or(stage);
        Ok(State { verdict, result, is_open, stage: last - place.stage(), ancestors })
    }

    /// What is known of a job whatever its legs and its place in the order.
    fn declared(
        &self,
        workflow: &Arc<Workflow>,
        job: &Job,
        place: &Place,
        (verdict, reason): (Prospect, Reason),
    ) -> JobOutlook {
        let is_unwritten = matches!(reason, Reason::Condition { span: None, .. });
        JobOutlook {
            key: within(place.key(), job.id.value.as_str()),
            id: job.id.value.clone(),
            workflow: Arc::clone(workflow),
            caller: place.key().cloned(),
            needs: Vec::new(),
            stage: 0,
            permissions: effective_permissions(workflow, job, place.permissions()),
            call: job.call.as_ref().map(|it| calls::call(self.set, it, &place.file)),
            verdict,
            reason: Some(reason).filter(|_| !(is_unwritten && verdict == Prospect::Runs)),
            legs: Vec::new(),
            deferred: Vec::new(),
        }
    }

    /// Fills in legs and steps; gives back which of the legs call with what, and how they end.
    fn expand(
        &self,
        job: &Job,
        place: &Place,
        before: &Before<'_>,
        keys: &mut JobKeys,
        outlook: &mut JobOutlook,
    ) -> (Vec<(Leg, Inputs)>, Ends) {
        let caller = place.caller.as_ref().map(|it| (&it.leg.key, it.leg.name.as_str()));
        let found = match legs(&outlook.workflow, job, caller, keys, before) {
            Ok(found) => found,
            Err(err) => {
                outlook.verdict = Prospect::Fails;
                outlook.reason = Some(Reason::Strategy { message: err.to_string(), span: Some(err.span()) });
                return (Vec::new(), Ends::default());
            }
        };
        outlook.deferred = found.deferred;
        let mut steps = Steps::new(&outlook.workflow, job);
        let (mut called, mut ends) = (Vec::new(), Ends::default());
        for (mut leg, strategy) in found.legs {
            let scope = if outlook.deferred.is_empty() {
                before.of_leg(&leg.matrix, &strategy)
            } else {
                before.without_matrix()
            };
            let callee = job.call.as_ref().and_then(|it| self.set.called.get(&place.file.resolve(&it.target.value)));
            if let Some(call) = &job.call {
                leg.inputs = calls::inputs(self.set, call, &place.file, &scope);
                let inputs = Inputs::of(&leg.inputs);
                leg.concurrency.extend(callee.and_then(|it| self.group(it, &inputs)));
                called.push((leg.clone(), inputs));
            }
            leg.hindrance = self.hindrance(job, callee, &leg, place, &scope);
            let stated = self.world.result(&leg.key);
            match &leg.hindrance {
                Some(Reason::Deadlock { .. }) => ends.cancel(),
                Some(Reason::Stated { .. }) => ends.add(stated, LegEnd::runs(Fails::No)),
                Some(_) => ends.add(None, LegEnd::runs(Fails::Yes)),
                None => {
                    let (of_leg, fails) = steps.of_leg(self.world.step_ends(&leg.key), &scope);
                    leg.steps = of_leg;
                    // Of what it calls it is added later.
                    if job.call.is_none() {
                        ends.add(stated, LegEnd::runs(Fails::of_leg(job, fails, &scope)));
                    }
                }
            }
            if let Some((of_call, _)) = called.last_mut().filter(|_| job.call.is_some()) {
                of_call.hindrance.clone_from(&leg.hindrance);
            }
            outlook.legs.push(leg);
        }
        (called, ends)
    }

    /// Why a leg never begins. A stated end counts before all that is evaluated once its group is entered.
    fn hindrance(
        &self,
        job: &Job,
        callee: Option<&Arc<Workflow>>,
        leg: &Leg,
        place: &Place,
        scope: &Before<'_>,
    ) -> Option<Reason> {
        let (view, inputs) = (View::default(), Inputs::of(&leg.inputs));
        let of_callee = view.before(self, &inputs);
        let called = callee.and_then(|it| Some((it.concurrency.as_ref()?, &of_callee)));
        let span = job.concurrency.as_ref().map(|it| it.span).or(job.call.as_ref().map(|it| it.target.span));
        let groups = leg.concurrency.get(..1).unwrap_or_default();
        let stated = || {
            let skipped = || Reason::Stated { result: "skipped".to_owned() };
            self.world.skips(&leg.key).then(skipped)
        };
        let is_stated = self.world.result(&leg.key).is_some();
        before_group(job, called, scope)
            .or_else(|| deadlock(groups, &place.held, span))
            .or_else(stated)
            .or_else(|| if is_stated { None } else { in_group(job, callee.map(|it| &**it), scope) })
    }

    /// The concurrency group of a workflow as a whole.
    fn group(&self, workflow: &Workflow, inputs: &Inputs) -> Option<Group> {
        let view = View::default();
        details::group(workflow.concurrency.as_ref()?, &view.before(self, inputs))
    }

    /// Looks at the jobs of a called workflow, if it is at hand.
    fn call(&mut self, job: &Job, place: &Place, caller: Caller, inputs: &Inputs) -> Result<LegEnd, PlanError> {
        let Some(call) = &job.call else { return Ok(LegEnd::runs(Fails::No)) };
        let file = place.file.resolve(&call.target.value);
        let Some(callee) = self.set.called.get(&file).cloned() else { return Ok(LegEnd::runs(Fails::No)) };
        let mut held = place.held.clone();
        // A job has one group: its own, or else that of the workflow that it calls.
        let own = caller.leg.concurrency.first().filter(|it| it.is_known);
        held.extend(own.map(|it| Held { name: it.name.clone(), by: Some(caller.leg.key.clone()) }));
        self.workflow(&callee, &Place { file, caller: Some(caller), held }, inputs)
    }
}

/// How the jobs of a workflow end together, for the job that calls it.
fn together(states: &States) -> LegEnd {
    let fails = states.values().map(State::fails).max().unwrap_or_default();
    let is_skipped = |it: &State| it.result.as_deref() == Some("skipped");
    let called = if states.values().all(is_skipped) {
        Prospect::Skipped
    } else if states.values().filter(|it| !is_skipped(it)).all(|it| it.verdict == Prospect::Depends) {
        Prospect::Depends
    } else {
        Prospect::Runs
    };
    let is_cancelled = states.values().any(|it| it.result.as_deref() == Some("cancelled"));
    LegEnd { fails, called, is_cancelled }
}

/// Lets a job that never begins, or all of whose legs or called jobs are skipped, say so.
fn settle(outlook: &mut JobOutlook, ends: Ends) {
    if !matches!(outlook.verdict, Prospect::Runs | Prospect::Depends) {
        return;
    }
    let hindrances: Vec<&Reason> = outlook.legs.iter().filter_map(|it| it.hindrance.as_ref()).collect();
    if !hindrances.is_empty() && hindrances.len() == outlook.legs.len() {
        let fails = |it: &&&Reason| matches!(it, Reason::Planning { .. });
        let failing = hindrances.iter().find(fails).copied();
        let certain = if failing.is_some() { Prospect::Fails } else { Prospect::Skipped };
        let reason = failing.or(hindrances.first().copied()).cloned();
        if outlook.verdict == Prospect::Runs {
            (outlook.verdict, outlook.reason) = (certain, reason);
        }
        return;
    }
    let Some(call) = &outlook.call else { return };
    let reason = Reason::Called { file: call.file.to_string() };
    if ends.are_skipped() {
        (outlook.verdict, outlook.reason) = (Prospect::Skipped, Some(reason));
    } else if ends.is_open() && !ends.has_run() && outlook.verdict == Prospect::Runs {
        (outlook.verdict, outlook.reason) = (Prospect::Depends, Some(reason));
    }
}

/// How a job ends that never begins.
fn fate(outlook: &JobOutlook) -> Option<&'static str> {
    match (outlook.verdict, &outlook.reason) {
        (Prospect::Fails, _) => Some("failure"),
        (Prospect::Skipped, Some(Reason::Deadlock { .. })) => Some("cancelled"),
        (Prospect::Skipped, _) => Some("skipped"),
        (Prospect::Runs | Prospect::Depends, _) => None,
    }
}

/// What the needs of a job and the jobs before it look like.
#[derive(Default)]
struct View {
    needs: Vec<Need>,
    ancestors: Ancestors,
}

impl View {
    fn new(needs: &[&JobId], ancestors: &[JobId], states: &States, outputs: impl Fn(&str) -> Option<Object>) -> Self {
        let result = |id: &JobId| states.get(id).and_then(|it| it.result.clone());
        let needs =
            needs.iter().map(|id| Need { id: id.to_string(), result: result(id), outputs: outputs(id.as_str()) });
        let jobs = ancestors.iter().map(|id| Ancestor {
            id: id.to_string(),
            result: result(id),
            depends: states.get(id).is_some_and(|it| it.verdict == Prospect::Depends || it.is_open),
        });
        let jobs = jobs.collect();
        Self { needs: needs.collect(), ancestors: Ancestors { jobs, earlier: None } }
    }

    fn before<'a>(&'a self, build: &'a Build<'_>, inputs: &'a Inputs) -> Before<'a> {
        Before {
            github: &build.github,
            vars: &build.vars,
            inputs: &inputs.known,
            unknown_inputs: &inputs.unknown,
            needs: &self.needs,
            ancestors: &self.ancestors,
            strategy: Value::Null,
            matrix: Value::Null,
            unknown_matrix: false,
            env: None,
        }
    }
}

/// Needs, their needs, and so on.
fn all_before(needs: &[&JobId], states: &States) -> Vec<JobId> {
    let mut all: Vec<JobId> = Vec::new();
    for need in needs {
        let before = states.get(*need).map(|it| it.ancestors.as_slice()).unwrap_or_default();
        for id in before.iter().chain([*need]) {
            if !all.contains(id) {
                all.push(id.clone());
            }
        }
    }
    all
}

fn within(caller: Option<&JobKey>, id: &str) -> JobKey {
    match caller {
        Some(caller) => JobKey::new(format!("{caller} / {id}")),
        None => JobKey::new(id),
    }
}
