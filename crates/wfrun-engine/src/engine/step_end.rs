//! The end of a step: its files, its result.
//!
//! Source: GitHub: execution rules E1.4 (8 to 12) and E3.3.
use indexmap::IndexMap;
use wfrun_journal::{AnnotationLevel, How, Masked, Outcome, Phase, RunEventKind, StepFinished, StepSummary};
use wfrun_plan::{JobKey, StepPath};
use wfrun_workflow::{Step, StepKind};

use super::Engine;
use crate::put::put_all;
use crate::scope::{At, Status};
use crate::state::{JobState, StepResult};
use crate::strand::{Current, Stage};
use crate::{FileCommandError, StepEnd, StepFiles, parse_key_values};

/// Source: GitHub: execution rules E3.3.
const SUMMARY_LIMIT: usize = 1_048_576;

/// What is known at the end of a stage.
pub(super) struct Ending {
    name: Masked,
    how: How,
    started_at_ms: u64,
    outcome: Outcome,
    conclusion: Outcome,
    exit_code: Option<i32>,
    outputs: IndexMap<String, String>,
}

impl Ending {
    pub(super) fn forced(
        name: Masked,
        now_ms: u64,
        outcome: Outcome,
        conclusion: Outcome,
        outputs: IndexMap<String, String>,
    ) -> Self {
        let how = How::Simulated;
        Self { name, how, started_at_ms: now_ms, outcome, conclusion, exit_code: None, outputs }
    }

    pub(super) fn of(current: Current, outcome: Outcome, conclusion: Outcome, exit_code: Option<i32>) -> Self {
        Self {
            name: current.name,
            how: current.how,
            started_at_ms: current.started_at_ms,
            outcome,
            conclusion,
            exit_code,
            outputs: current.outputs,
        }
    }

    pub(super) fn failed_at_once(name: Masked, now_ms: u64, conclusion: Outcome) -> Self {
        Self {
            name,
            how: How::Real,
            started_at_ms: now_ms,
            outcome: Outcome::Failure,
            conclusion,
            exit_code: None,
            outputs: IndexMap::new(),
        }
    }
}

impl Engine {
    pub(super) fn step_ended(&mut self, key: &JobKey, process: u64, end: &StepEnd, files: &StepFiles) {
        if !self.jobs.get_mut(key).is_some_and(|it| it.turn_to(process)) {
            return;
        }
        let Some(stage) = self.jobs.get(key).and_then(JobState::current).map(|it| it.stage.clone()) else { return };
        let Some(step) = self.model_step(key, &stage.path).cloned() else { return };
        self.put_off_deadline(key);
        let outcome = self.end_to_outcome(key, &step, end);
        self.process_files(key, &stage, files);
        let exit_code = match end {
            StepEnd::Exited { code } => Some(*code),
            StepEnd::NotStarted { .. } | StepEnd::Lost { .. } => None,
        };
        self.finish_current(key, outcome, exit_code, IndexMap::new());
    }

    fn end_to_outcome(&mut self, key: &JobKey, step: &Step, end: &StepEnd) -> Outcome {
        let Some(state) = self.jobs.get(key) else { return Outcome::Failure };
        let Some(strand) = state.strand() else { return Outcome::Failure };
        let Some(current) = strand.stack.last() else { return Outcome::Failure };
        if strand.stack.iter().any(|it| it.timed_out) {
            // The step with the limit says so itself.
            if !current.timed_out {
                self.annotate(key, AnnotationLevel::Error, "The action has timed out.");
            }
            return Outcome::Failure;
        }
        let ended_by_step = strand.background.as_ref().is_some_and(|it| it.cancelled);
        if current.stopping && (state.status == Outcome::Cancelled || ended_by_step) {
            self.annotate(key, AnnotationLevel::Error, "The operation was canceled.");
            return Outcome::Cancelled;
        }
        match end {
            StepEnd::Exited { code: 0 } => Outcome::Success,
            StepEnd::Exited { code } => {
                // Actions say themselves what went wrong.
                if matches!(step.kind, StepKind::Run(_)) {
                    let message = format!("Process completed with exit code {code}.");
                    self.annotate(key, AnnotationLevel::Error, &message);
                }
                Outcome::Failure
            }
            StepEnd::NotStarted { message } => {
                self.annotate(key, AnnotationLevel::Error, message);
                Outcome::Failure
            }
            StepEnd::Lost { reason } => {
                self.annotate(key, AnnotationLevel::Error, "the job's environment went away");
                let help = "start it again if need be; `wfrun clean` removes what is left of this run".to_owned();
                self.fault(Some(key), &format!("the environment of job `{key}` went away: {reason}"), Some(help));
                Outcome::Failure
            }
        }
    }

    pub(super) fn is_forgiven(
        &mut self,
        key: &JobKey,
        path: &StepPath,
        step: &Step,
        env: &IndexMap<String, String>,
    ) -> bool {
        let Some(field) = &step.continue_on_error else { return false };
        let contexts = self.step_contexts(key, path, step, env, None);
        let at = At { contexts: &contexts, status: Status::None, hashes: None };
        match field.template.evaluate(&at) {
            Ok(trace) => trace.value().is_truthy(),
            Err(err) => {
                let message =
                    "The step failed and an error occurred when attempting to determine whether to continue on error.";
                self.annotate(key, AnnotationLevel::Error, message);
                self.annotate(key, AnnotationLevel::Error, &err.to_string());
                false
            }
        }
    }

    /// Writes a stage's end down, wherever it came from.
    pub(super) fn finish_stage(&mut self, key: &JobKey, stage: &Stage, step: &Step, ending: Ending) {
        let outputs = ending.outputs.iter();
        let finished = StepFinished {
            job: key.clone(),
            step: stage.path.clone(),
            id: step.has_id.then(|| step.id.to_string()),
            name: ending.name,
            phase: stage.phase,
            outcome: ending.outcome,
            conclusion: ending.conclusion,
            exit_code: ending.exit_code,
            duration_ms: self.now_ms.saturating_sub(ending.started_at_ms),
            outputs: outputs
                .map(|(name, value)| (self.masker.mask(name).to_string(), self.masker.mask(value)))
                .collect(),
            how: ending.how,
        };
        self.emit(RunEventKind::StepFinished(finished));
        self.record_result(key, stage, step, ending.outputs, ending.outcome, ending.conclusion);
    }

    /// Puts a result where `steps.<id>` and the status find it.
    pub(super) fn record_result(
        &mut self,
        key: &JobKey,
        stage: &Stage,
        step: &Step,
        outputs: IndexMap<String, String>,
        outcome: Outcome,
        conclusion: Outcome,
    ) {
        let Some(state) = self.jobs.get_mut(key) else { return };
        let result = StepResult { outputs, outcome: Some(outcome), conclusion: Some(conclusion) };
        let is_main = stage.phase == Phase::Main;
        let own = state.strand_mut().and_then(|it| it.background.as_mut()).filter(|it| it.path == stage.path);
        if let Some(background) = own {
            // It reaches the job once it is waited for.
            background.ended = Some(result);
            return;
        }
        let id = step.id.to_string();
        if let Some(composite) = state.composite_of_mut(&stage.path) {
            if is_main && step.has_id {
                composite.results.insert(id, result);
            }
            composite.merge(conclusion);
        } else {
            if is_main && step.has_id {
                state.results.insert(id, result);
            }
            state.merge(conclusion);
        }
    }

    /// Source: GitHub: execution rules E3.1: in this order, whatever the result.
    fn process_files(&mut self, key: &JobKey, stage: &Stage, files: &StepFiles) {
        if let Some(state) = self.jobs.get_mut(key) {
            for path in files.path.split(['\n', '\r']).filter(|it| !it.is_empty()) {
                state.add_path(path);
            }
        }
        self.process_env(key, &files.env);
        self.process_summary(key, stage, &files.summary);
        let (saved, err) = parse_key_values(&files.state, true);
        if let Some(state) = self.jobs.get_mut(key) {
            put_all(state.saved.entry(stage.path.clone()).or_default(), saved);
        }
        self.file_error(key, "state", err);
        let (outputs, err) = parse_key_values(&files.output, false);
        if let Some(current) = self.jobs.get_mut(key).and_then(JobState::current_mut) {
            put_all(&mut current.outputs, outputs);
        }
        self.file_error(key, "output", err);
        for (name, reason) in &files.unreadable {
            self.file_failed(key, name, reason);
        }
        for it in &files.declarations {
            self.declare(key, Some(&stage.path), it.how, &it.subject, &it.detail);
        }
    }

    fn process_env(&mut self, key: &JobKey, text: &str) {
        let (pairs, err) = parse_key_values(text, false);
        for (name, value) in pairs {
            if name.eq_ignore_ascii_case("NODE_OPTIONS") {
                let message = "Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command.";
                self.annotate(key, AnnotationLevel::Error, message);
            } else if let Some(state) = self.jobs.get_mut(key) {
                state.add_env(name, value);
            }
        }
        self.file_error(key, "env", err);
    }

    fn process_summary(&mut self, key: &JobKey, stage: &Stage, text: &str) {
        if text.len() > SUMMARY_LIMIT {
            let size = text.len() / 1024;
            let message = format!(
                "$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of 1024k, got {size}k. \
                 For more information see: https://docs.github.com/actions/using-workflows/workflow-commands-for-github-actions#adding-a-markdown-summary"
            );
            self.annotate(key, AnnotationLevel::Error, &message);
        } else if !text.is_empty() {
            let text = self.masker.mask_lines(text);
            let (job, step) = (key.clone(), stage.path.clone());
            self.emit(RunEventKind::StepSummary(StepSummary { job, step, text }));
        }
    }

    fn file_error(&mut self, key: &JobKey, name: &str, err: Option<FileCommandError>) {
        if let Some(err) = err {
            self.file_failed(key, name, &err.to_string());
        }
    }

    fn file_failed(&mut self, key: &JobKey, name: &str, reason: &str) {
        let message = format!("Unable to process file command '{name}' successfully.");
        self.annotate(key, AnnotationLevel::Error, &message);
        self.annotate(key, AnnotationLevel::Error, reason);
        if let Some(current) = self.jobs.get_mut(key).and_then(JobState::current_mut) {
            current.command_failed = true;
        }
    }
}
