//! `wfrun run`: runs a workflow.
mod carry_out;
pub(super) mod own;
mod registry_name;
mod services;
mod settle;
mod signals;

use std::time::Instant;

use wfrun_journal::{Outcome, RunRecord};
use wfrun_plan::{JobKey, PlanError, Selection};
use wfrun_report::{not_triggered, render_timings};
use wfrun_syntax::Diagnostic;

use self::carry_out::{AwsOfRun, Ready};
use self::settle::{look_for_actions, settle};
use crate::aws_keys::{self, KeyNames};
use crate::aws_use;
use crate::check::to_show;
use crate::cli::RunArgs;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::forced::Forced;
use crate::github_token::GithubToken;
use crate::iam_policies;
use crate::output::{Help, Output};
use crate::own_files::OwnFiles;
use crate::secrets;
use crate::settings::{expectations, load};

/// Runs a workflow to its end.
pub(crate) fn run(args: &RunArgs, environment: &Environment, output: &Output) -> anyhow::Result<Exit> {
    let started = Instant::now();
    let expected = expectations(args)?;
    let mut loaded = match load(args, environment)? {
        Ok(loaded) => loaded,
        Err(diagnostics) => return Ok(refuse(output, &diagnostics)),
    };
    loaded.situation.repository.required()?;
    let token = GithubToken::of(args.real_github, &loaded.secrets)?;
    let files = OwnFiles::below(&loaded.root);
    let emulates = aws_use::is_emulated(args, &loaded, &files);
    let keys = aws_keys::names(&loaded.set, &loaded.secrets, &files);
    let policies = iam_policies::read(&args.account.iam_policy);
    loaded.diagnostics.extend(policies.diagnostics);
    let none = KeyNames::new();
    let minted = if emulates { &keys } else { &none };
    loaded.diagnostics.extend(secrets::check(&loaded.set.root, &loaded.secrets, minted));
    if loaded.diagnostics.iter().any(Diagnostic::is_error) {
        return Ok(refuse(output, &loaded.diagnostics));
    }
    output.diagnostics(&to_show(&loaded.set.root.source, &loaded.diagnostics));
    let event = loaded.situation.event.clone();
    let legs = crate::foresight::legs(&args.foresee.matrix)?;
    let selection = Selection::of(&loaded.set, &args.situation.job, args.situation.no_needs, legs);
    let selection = selection.map_err(|err| plan_error(&err))?;
    let plan = match wfrun_plan::plan(loaded.set.clone(), event.clone(), selection) {
        Ok(plan) => plan,
        Err(PlanError::NotTriggered(reason)) => {
            output.diagnostics(&[not_triggered(&reason, &loaded.set.root, &event)]);
            return Ok(Exit::NotTriggered);
        }
        Err(err @ (PlanError::Cycle | PlanError::UnknownJob { .. })) => return Err(plan_error(&err)),
    };
    for (job, _) in &expected {
        // A misspelt job would be taken for one that did not run.
        Selection::of(&loaded.set, std::slice::from_ref(job), true, Vec::new()).map_err(|err| plan_error(&err))?;
    }
    let forced = Forced::read(&loaded.set, &args.foresee.force)?.for_run();
    let (mut found, mut inventory) = look_for_actions(&mut loaded, &plan)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let place = runtime.block_on(settle(args, environment, &loaded, (&plan, emulates), &mut inventory, &mut found));
    if found.iter().any(Diagnostic::is_error) {
        runtime.shutdown_background();
        return Ok(refuse(output, &found));
    }
    output.diagnostics(&to_show(&loaded.set.root.source, &found));
    let aws = AwsOfRun { emulates, policies: policies.value, keys };
    let ready = Ready { args, environment, output, loaded, aws, plan, forced, token, settled: place? };
    let record = runtime.block_on(ready.carry_out())?;
    if args.timings {
        let whole_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let text = render_timings(&record, whole_ms.saturating_sub(record.duration_ms), &output.stdout);
        // Standard output is the events' alone.
        if args.json { Output::note(&text) } else { Output::data(&text) }
    }
    // Tasks that still wait for something, such as a name look-up, must not hold the prompt.
    runtime.shutdown_background();
    Ok(conclude(&record, &expected))
}

/// What GitHub does not take of an action either, wherever the action comes from.
const BAD_ACTIONS: [&str; 3] = ["action/bad-manifest", "action/short-sha", "action/too-deep"];

/// Says what is wrong; a workflow that only asks for more than wfrun has is not invalid.
pub(crate) fn refuse(output: &Output, diagnostics: &[Diagnostic]) -> Exit {
    output.diagnostics(diagnostics);
    let is_beyond = |code: &str| {
        let is_missing = ["action/", "vendor/"].iter().any(|it| code.starts_with(it)) && !BAD_ACTIONS.contains(&code);
        ["wfrun/not-supported-yet", "workflow/call-elsewhere", "backend/no-image"].contains(&code) || is_missing
    };
    let mut errors = diagnostics.iter().filter(|it| it.is_error());
    if errors.all(|it| is_beyond(it.code.as_str())) { Exit::CouldNot } else { Exit::Invalid }
}

/// A planning error for people.
pub(crate) fn plan_error(err: &PlanError) -> anyhow::Error {
    let help = match err {
        PlanError::UnknownJob { id, jobs } => match wfrun_syntax::closest(id, jobs.iter().map(String::as_str)) {
            Some(it) => format!("did you mean `{it}`?"),
            None => format!("its jobs are: {}", jobs.join(", ")),
        },
        PlanError::Cycle | PlanError::NotTriggered(_) => "see `needs` of the jobs".to_owned(),
    };
    Help::error("plan/failed", err.to_string(), help)
}

/// Exit code, after what `--expect` says.
fn conclude(record: &RunRecord, expected: &[(String, Outcome)]) -> Exit {
    let mut failed = false;
    for (job, wanted) in expected {
        let result = result_of(record, job);
        if result != Some(*wanted) {
            let result = result.map_or("nothing", Outcome::as_str);
            Output::note(&format!("expected `{job}` to end with {wanted}: it ended with {result}"));
            failed = true;
        }
    }
    let exit = Exit::of(record);
    if failed && exit != Exit::Cancelled {
        return Exit::Failure;
    }
    // Every result was foreseen, failures too.
    let foreseen = exit == Exit::Failure && !expected.is_empty() && covers_failures(record, expected);
    if foreseen { Exit::Success } else { exit }
}

/// How a job ended, whatever its case; the legs of a matrix together, if it is named without one.
fn result_of(record: &RunRecord, job: &str) -> Option<Outcome> {
    let named = |key: &&JobKey| key.as_str().eq_ignore_ascii_case(job);
    if let Some(run) = record.jobs.iter().find(|(key, _)| named(key)) {
        return run.1.result;
    }
    let legs = record.legs.iter().find(|(key, _)| named(key)).map(|(_, legs)| legs)?;
    Some(Outcome::together(legs.iter().filter_map(|it| record.jobs.get(it)?.result)))
}

/// Whether each job that failed was expected to: by itself, as part of its matrix, or by the workflow that it is of.
fn covers_failures(record: &RunRecord, expected: &[(String, Outcome)]) -> bool {
    let mut failed = record.jobs.iter().filter(|(_, it)| it.result == Some(Outcome::Failure));
    failed.all(|(key, _)| {
        let whole = record.legs.iter().find(|(_, legs)| legs.contains(key)).map(|(whole, _)| whole);
        let is_part = |job: &String| {
            let is = |it: &JobKey| it.as_str().eq_ignore_ascii_case(job);
            let prefix = format!("{} / ", job.to_ascii_lowercase());
            let calls = || key.as_str().to_ascii_lowercase().starts_with(&prefix);
            let called = || record.jobs.get(key).is_some_and(|it| it.calls.is_some()) && expected_below(key, expected);
            is(key) || whole.is_some_and(is) || calls() || called()
        };
        expected.iter().any(|(job, _)| is_part(job))
    })
}

/// Whether something is expected of what a job calls.
fn expected_below(caller: &JobKey, expected: &[(String, Outcome)]) -> bool {
    let prefix = format!("{} / ", caller.as_str().to_ascii_lowercase());
    expected.iter().any(|(job, _)| job.to_ascii_lowercase().starts_with(&prefix))
}
