//! The end of a step: its files, its result.
//!
//! Source: GitHub: execution rules E1.4 (8 to 12) and E3.3.
use indexmap::IndexMap;
use wfrun_journal::{AnnotationLevel, How, Masked, Outcome, Phase, RunEventKind, StepFinished, StepSummary};
use wfrun_plan::{JobKey, StepPath};
use wfrun_workflow::{Step, StepKind};

use super::Engine;
use crate::scope::{At, Status};
use crate::state::{Stage, StepResult};
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
        let current = self.jobs.get(key).and_then(|it| it.current.as_ref());
        let Some(current) = current.filter(|it| it.serial == process) else { return };
        let stage = current.stage;
        let Some(step) = self.model_step(key, stage.index).cloned() else { return };
        let mut outcome = self.end_to_outcome(key, &step, end);
        self.process_files(key, stage, files);
        let Some(current) = self.jobs.get_mut(key).and_then(|it| it.current.take()) else { return };
        if current.command_failed && outcome == Outcome::Success {
            outcome = Outcome::Failure;
        }
        let conclusion = if outcome == Outcome::Failure && self.is_forgiven(key, &step, &current.env) {
            Outcome::Success
        } else {
            outcome
        };
        let exit_code = match end {
            StepEnd::Exited { code } => Some(*code),
            StepEnd::NotStarted { .. } => None,
        };
        let ending = Ending {
            name: current.name,
            how: current.how,
            started_at_ms: current.started_at_ms,
            outcome,
            conclusion,
            exit_code,
            outputs: current.outputs,
        };
        self.finish_stage(key, stage, &step, ending);
    }

    fn end_to_outcome(&mut self, key: &JobKey, step: &Step, end: &StepEnd) -> Outcome {
        let Some(state) = self.jobs.get(key) else { return Outcome::Failure };
        let Some(current) = &state.current else { return Outcome::Failure };
        if current.timed_out {
            let minutes = current.timeout_minutes.unwrap_or_default();
            let message = format!("The action '{}' has timed out after {minutes} minutes.", current.name);
            self.annotate(key, AnnotationLevel::Error, &message);
            return Outcome::Failure;
        }
        if current.stopping && state.status == Outcome::Cancelled {
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
        }
    }

    pub(super) fn is_forgiven(&mut self, key: &JobKey, step: &Step, env: &IndexMap<String, String>) -> bool {
        let Some(field) = &step.continue_on_error else { return false };
        let contexts = self.step_contexts(key, step, env, None);
        let at = At { contexts: &contexts, status: Status::None, hashes: None };
        match field.template.evaluate(&at) {
            Ok(trace) => trace.value().is_truthy(),
            Err(err) => {
                self.annotate(key, AnnotationLevel::Error, &format!("`continue-on-error`: {err}"));
                false
            }
        }
    }

    /// Writes a stage's end down, wherever it came from.
    pub(super) fn finish_stage(&mut self, key: &JobKey, stage: Stage, step: &Step, ending: Ending) {
        let outputs = ending.outputs.iter();
        let finished = StepFinished {
            job: key.clone(),
            step: StepPath::at(stage.index),
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

    /// Puts a result where `steps.<id>` and `job.status` find it.
    pub(super) fn record_result(
        &mut self,
        key: &JobKey,
        stage: Stage,
        step: &Step,
        outputs: IndexMap<String, String>,
        outcome: Outcome,
        conclusion: Outcome,
    ) {
        let Some(state) = self.jobs.get_mut(key) else { return };
        if stage.phase == Phase::Main && step.has_id {
            let result = StepResult { outputs, outcome: Some(outcome), conclusion: Some(conclusion) };
            state.results.insert(step.id.to_string(), result);
        }
        state.merge(conclusion);
    }

    /// Source: GitHub: execution rules E3.1: in this order, whatever the result.
    fn process_files(&mut self, key: &JobKey, stage: Stage, files: &StepFiles) {
        if let Some(state) = self.jobs.get_mut(key) {
            for path in files.path.split(['\n', '\r']).filter(|it| !it.is_empty()) {
                state.added_paths.retain(|it| it != path);
                state.added_paths.push(path.to_owned());
            }
        }
        self.process_env(key, &files.env);
        self.process_summary(key, stage, &files.summary);
        let (saved, err) = parse_key_values(&files.state, true);
        if let Some(state) = self.jobs.get_mut(key) {
            state.saved.entry(stage.index).or_default().extend(saved);
        }
        self.file_error(key, "state", err);
        let (outputs, err) = parse_key_values(&files.output, false);
        if let Some(current) = self.jobs.get_mut(key).and_then(|it| it.current.as_mut()) {
            current.outputs.extend(outputs);
        }
        self.file_error(key, "output", err);
        for (name, reason) in &files.unreadable {
            self.file_failed(key, name, reason);
        }
        for it in &files.declarations {
            self.declare(key, Some(&StepPath::at(stage.index)), it.how, &it.subject, &it.detail);
        }
    }

    fn process_env(&mut self, key: &JobKey, text: &str) {
        let (pairs, err) = parse_key_values(text, false);
        for (name, value) in pairs {
            if name.eq_ignore_ascii_case("NODE_OPTIONS") {
                let message = "Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command.";
                self.annotate(key, AnnotationLevel::Error, message);
            } else if let Some(state) = self.jobs.get_mut(key) {
                state.global_env.insert(name, value);
            }
        }
        self.file_error(key, "env", err);
    }

    fn process_summary(&mut self, key: &JobKey, stage: Stage, text: &str) {
        if text.len() > SUMMARY_LIMIT {
            let size = text.len() / 1024;
            let message = format!(
                "$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of 1024k, got {size}k. \
                 For more information see: https://docs.github.com/actions/using-workflows/workflow-commands-for-github-actions#adding-a-markdown-summary"
            );
            self.annotate(key, AnnotationLevel::Error, &message);
        } else if !text.is_empty() {
            let text = self.masker.mask_lines(text);
            let (job, step) = (key.clone(), StepPath::at(stage.index));
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
        if let Some(current) = self.jobs.get_mut(key).and_then(|it| it.current.as_mut()) {
            current.command_failed = true;
        }
    }
}
