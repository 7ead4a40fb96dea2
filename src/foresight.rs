//! What `why`, `plan` and their like look at: a workflow, all it calls, and the situation they are looked at for.
use std::path::PathBuf;

use indexmap::IndexMap;
use wfrun_expr::{Object, Value};
use wfrun_plan::{
    Gate, JobKey, JobOutlook, Leg, NotTriggered, Outlook, PlanError, Prospect, RunIdentity, World, gates, outlook,
};
use wfrun_syntax::{Checked, Diagnostic};
use wfrun_workflow::{FileRef, SetOptions, WorkflowSet, read_set};

use crate::check::to_show;
use crate::cli::{EventArgs, ForeseeArgs, SituationArgs};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::forced::Forced;
use crate::output::{Help, Output};
use crate::repositories::Repositories;
use crate::repository::Repository;
use crate::situation::situation_in;
use crate::{find, key_values, secrets, vendored};

/// A workflow and all it calls.
pub(crate) struct Foresight<'e> {
    pub(crate) set: WorkflowSet,
    root: PathBuf,
    repository: Repository,
    /// Names and values of the legs that are looked at.
    legs: Vec<(String, String)>,
    /// The variables of files; read once, however many situations are looked at.
    vars: IndexMap<String, String>,
    environment: &'e Environment,
    /// How jobs end by key, where `--force` does not say: as a run on GitHub had it.
    pub(crate) assumed: IndexMap<String, String>,
    /// What is wrong, none of it an error.
    diagnostics: Vec<Diagnostic>,
}

/// What a situation makes of a workflow.
pub(crate) struct Foreseen {
    pub(crate) world: World,
    pub(crate) gates: Vec<Gate>,
    /// The jobs, the event let through.
    pub(crate) outlook: Outlook,
    /// What to tell about the situation.
    pub(crate) notices: Vec<String>,
}

impl<'e> Foresight<'e> {
    /// Reads a workflow and all it calls; gives back the findings if one is an error.
    fn read(
        args: &SituationArgs,
        more: &ForeseeArgs,
        environment: &'e Environment,
    ) -> anyhow::Result<Result<Self, Vec<Diagnostic>>> {
        let from = find::directory(args.directory.as_deref())?;
        let found = find::workflow(&args.workflow, &from)?;
        let mut repositories = Repositories::new(&more.local_repository, more.mirror.as_deref(), &from)?;
        if repositories.vendored.is_none() {
            repositories.vendored = vendored::find(None, &found.root, environment)?;
        }
        let mut load = |wanted: &FileRef| repositories.load(&found.root, wanted);
        let Checked { value: set, mut diagnostics } = read_set(&found.source, SetOptions::default(), &mut load);
        // Secrets and variables of the environment decide nothing here; what is wrong with them is said all the same.
        diagnostics.extend(secrets::given(args)?.diagnostics);
        let vars = key_values::collect(args.defaults.vars.as_deref(), &args.var_file, &[], "--var")?;
        diagnostics.extend(vars.diagnostics);
        diagnostics.extend(key_values::environment(args)?.diagnostics);
        if diagnostics.iter().any(Diagnostic::is_error) {
            return Ok(Err(diagnostics));
        }
        let repository = Repository::open(&found.root).with_memory();
        Ok(Ok(Self {
            set,
            root: found.root,
            repository,
            legs: legs(&more.matrix)?,
            vars: vars.value,
            environment,
            assumed: IndexMap::new(),
            diagnostics,
        }))
    }

    /// Reads it and shows what is wrong with it; an exit code, where that is an error.
    pub(crate) fn open(
        args: &SituationArgs,
        more: &ForeseeArgs,
        environment: &'e Environment,
        output: &Output,
    ) -> anyhow::Result<Result<Self, Exit>> {
        Ok(match Self::read(args, more, environment)? {
            Ok(it) => {
                output.diagnostics(&to_show(&it.set.root.source, &it.diagnostics));
                Ok(it)
            }
            Err(diagnostics) => Err(crate::commands::refuse_workflow(output, &diagnostics)),
        })
    }

    /// The default branch, as given or as git has it.
    pub(crate) fn default_branch(&self, args: &EventArgs) -> String {
        args.default_branch.clone().unwrap_or_else(|| self.repository.default_branch())
    }

    /// Whether git has a commit.
    pub(crate) fn has_commit(&self, sha: &str) -> bool {
        self.repository.git.commit(sha).is_some()
    }

    /// Looks at the workflow for a situation.
    pub(crate) fn foresee(&self, args: &EventArgs, force: &[String]) -> anyhow::Result<Foreseen> {
        let root = &self.set.root;
        let found = situation_in(self.repository.clone(), root, &self.root, args, self.environment)?;
        let mut vars = self.vars.clone();
        vars.extend(key_values::collect(None, &[], &args.var, "--var")?.value);
        let forced = Forced::read(&self.set, force)?;
        let mut results = self.assumed.clone();
        results.retain(|key, _| !forced.results.keys().any(|it| JobKey::new(key.as_str()).is_named(it)));
        results.extend(forced.results.clone());
        let identity = RunIdentity {
            run_id: String::new(),
            run_number: args.run_number.unwrap_or(1),
            run_attempt: 1,
            token: String::new(),
            workflow_sha: found.event.sha.clone(),
            api: wfrun_plan::ApiUrls::default(),
        };
        let skips = results.iter().filter(|(_, result)| *result == "skipped").map(|(job, _)| job.clone()).collect();
        let world = World {
            event: found.event,
            identity,
            inputs: Value::Object(found.inputs),
            vars: vars.into_iter().map(|(name, value)| (name, Value::from(value))).collect::<Object>(),
            results,
            skips,
            outputs: IndexMap::new(),
            steps: forced.steps.clone(),
        };
        let mut outlook = outlook(&self.set, &world).map_err(|err| crate::commands::plan_error(&err))?;
        forced.check(&outlook)?;
        let mut notices = found.notices;
        notices.extend(self.keep_legs(&mut outlook));
        let gates = gates(root, &world.event);
        if let Some(why) = gates.iter().find_map(Gate::open) {
            outlook.depend_on_trigger(&format!("what is changed is not known: {why}; `--changed PATH` says it"));
        }
        Ok(Foreseen { world, gates, outlook, notices })
    }
}

impl Foresight<'_> {
    /// Leaves of each matrix what `--matrix` asks for; says which jobs lose all legs.
    fn keep_legs(&self, outlook: &mut Outlook) -> Vec<String> {
        // Planned again and again by those who look for ways out.
        if self.legs.is_empty() {
            return Vec::new();
        }
        let before: Vec<String> = outlook.jobs.iter().map(|it| it.key.to_string()).collect();
        outlook.keep_legs(&self.legs);
        let gone = before.iter().filter(|it| outlook.jobs.iter().all(|job| job.key.as_str() != *it));
        let gone: Vec<String> = gone.map(|it| format!("`{it}`")).collect();
        if gone.is_empty() {
            return Vec::new();
        }
        let wanted: Vec<String> = self.legs.iter().map(|(name, value)| format!("--matrix {name}:{value}")).collect();
        vec![format!("no leg has what `{}` asks for, so nothing is left of {}", wanted.join(" "), gone.join(", "))]
    }
}

impl Foreseen {
    /// Says what there is to tell about the situation.
    pub(crate) fn tell(&self) {
        for notice in &self.notices {
            Output::note(notice);
        }
    }

    /// Why the event does not trigger the workflow, if it does not: the first gate that is not passed.
    pub(crate) fn refusal(&self) -> Option<NotTriggered> {
        self.gates.iter().find(|it| !it.passed).cloned().and_then(Gate::refusal)
    }

    /// Whether the event triggers the workflow.
    pub(crate) fn is_triggered(&self) -> bool {
        self.gates.iter().all(|it| it.passed)
    }

    /// How a job stands: one of a workflow that is not triggered does not run.
    pub(crate) fn verdict(&self, job: &JobOutlook) -> Prospect {
        if self.is_triggered() { job.verdict } else { Prospect::Skipped }
    }

    /// Finds a job by its key, or one of its legs by its own, in any case.
    pub(crate) fn job(&self, wanted: &str) -> anyhow::Result<(&JobOutlook, Option<&Leg>)> {
        find_job(&self.outlook, wanted).ok_or_else(|| unknown_job(&self.outlook, wanted))
    }
}

fn find_job<'o>(outlook: &'o Outlook, wanted: &str) -> Option<(&'o JobOutlook, Option<&'o Leg>)> {
    let leg = || outlook.jobs.iter().find_map(|it| Some((it, Some(it.leg(wanted)?))));
    outlook.job(wanted).map(|it| (it, None)).or_else(leg)
}

pub(crate) fn unknown_job(outlook: &Outlook, wanted: &str) -> anyhow::Error {
    let mut jobs: Vec<String> = outlook.jobs.iter().map(|it| it.key.to_string()).collect();
    if wanted.contains('(') {
        jobs.extend(
            outlook.jobs.iter().filter(|it| it.legs.len() > 1).flat_map(|it| &it.legs).map(|it| it.key.to_string()),
        );
    }
    crate::commands::plan_error(&PlanError::UnknownJob { id: wanted.to_owned(), jobs })
}

/// Reads `--matrix KEY:VALUE`.
pub(crate) fn legs(matrix: &[String]) -> anyhow::Result<Vec<(String, String)>> {
    let parse = |text: &String| match text.split_once(':') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(Help::error("cli/pair", format!("`--matrix {text}` is no pair"), "write KEY:VALUE")),
    };
    matrix.iter().map(parse).collect()
}
