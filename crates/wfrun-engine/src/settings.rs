use indexmap::IndexMap;
use wfrun_expr::Value;
use wfrun_journal::Secret;
use wfrun_plan::RunIdentity;

use crate::Forced;

/// What the caller decided about a run.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a decision of its own")]
pub struct EngineSettings {
    /// The run's id: the name of its folder.
    pub run_id: String,
    /// What expressions and variables say of the run.
    pub identity: RunIdentity,
    /// Where jobs run.
    pub backend: String,
    /// Why there.
    pub backend_reason: String,
    /// What the tokens of jobs are made of, one for each; without it all have that of `identity`.
    pub token_seed: Option<Secret>,
    /// `secrets`
    pub secrets: IndexMap<String, Secret>,
    /// Further values to mask, which steps never get: real keys that stand-ins took the place of.
    pub hidden: Vec<Secret>,
    /// `vars`
    pub vars: IndexMap<String, String>,
    /// `inputs`
    pub inputs: Value,
    /// Variables given by `--env`; below the workflow's own `env`.
    pub env: IndexMap<String, String>,
    /// What takes the place of real results.
    pub forced: Forced,
    /// Whether jobs for any kind of machine can be taken, as where nothing really runs.
    pub any_machine: bool,
    /// Whether jobs can run in containers of their choice, and have services.
    pub has_containers: bool,
    /// Whether an environment takes so long to make that it is worth making it before its job begins.
    pub makes_ahead: bool,
    /// Whether the AWS account starts its ECS tasks as containers, instead of simulating them.
    pub starts_tasks: bool,
    /// Whether the AWS account describes task definitions without `enableFaultInjection`, which AWS itself puts into each.
    pub omits_fault_injection: bool,
    /// `github.workspace` of jobs that ask for containers: it is read before these are made. None if it is not known.
    pub container_workspace: Option<String>,
    /// At most so many jobs at once; 0 is no limit.
    pub max_jobs: usize,
    /// Whether anything declared makes the run incomplete.
    pub strict: bool,
    /// How long steps may take to end when they are told to.
    pub grace: Grace,
    /// What to say before anything runs.
    pub notices: Vec<String>,
    /// Parts of the workflow that have no effect here.
    pub without_effect: Vec<String>,
}

impl EngineSettings {
    /// Whether the secret or, without one, the variable `ACTIONS_STEP_DEBUG` is `true`.
    ///
    /// Source: GitHub: execution rules E1.11.
    pub(crate) fn is_debug(&self) -> bool {
        let is_it = |name: &String| name.eq_ignore_ascii_case("ACTIONS_STEP_DEBUG");
        let secret = self.secrets.iter().find(|(name, _)| is_it(name)).map(|(_, it)| it.expose());
        let value = secret.or_else(|| self.vars.iter().find(|(name, _)| is_it(name)).map(|(_, it)| it.as_str()));
        value.is_some_and(|it| it.trim().eq_ignore_ascii_case("true"))
    }
}

/// How long steps may take to end when they are told to, in milliseconds after the first signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grace {
    /// From SIGINT to SIGTERM after a time limit.
    pub terminate_ms: u64,
    /// From SIGINT to SIGKILL after a time limit.
    pub kill_ms: u64,
    /// From SIGINT to SIGTERM when a person cancels.
    pub cancel_terminate_ms: u64,
    /// From SIGINT to SIGKILL when a person cancels.
    pub cancel_kill_ms: u64,
    /// From Ctrl-C to the end of `always()` steps and post steps; of one job that is cancelled its
    /// `cancel-timeout-minutes` says so.
    pub cancel_deadline_ms: u64,
    /// At least so long these steps have behind the last step of their job that Ctrl-C ended, however long that took.
    pub clean_up_ms: u64,
}

impl Default for Grace {
    /// After a time limit as on GitHub; on Ctrl-C so that a person has their prompt back within three seconds.
    ///
    /// Source: GitHub: execution rules E1.8.
    /// Differs: after Ctrl-C `always()` and post steps have two seconds to end, and 1.3 behind a step that was slow to end, where GitHub gives five minutes.
    fn default() -> Self {
        Self {
            terminate_ms: 7_500,
            kill_ms: 10_000,
            cancel_terminate_ms: 800,
            cancel_kill_ms: 1_400,
            cancel_deadline_ms: 2_000,
            clean_up_ms: 1_300,
        }
    }
}
