//! `wfrun run`: runs a workflow.
mod settle;

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use console::Term;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use wfrun_aws::{AccountFile, AccountSettings};
use wfrun_engine::{Engine, EngineSettings, FactKind, Grace};
use wfrun_journal::{Outcome, RunRecord, Sink};
use wfrun_plan::{JobKey, Plan, PlanError, Selection};
use wfrun_report::{
    LiveView, NdjsonWriter, PlainView, SummaryFile, Tee, Verbosity, ViewThread, not_triggered, render_timings,
};
use wfrun_runner::{
    Groups, LocalServices, Outside, RunSettings, Snapshot, SnapshotSettings, Trees, aws_names, container_workspace,
    node_of_machine, uses_aws,
};
use wfrun_services::{IdTokenIssuer, ServicesSettings};
use wfrun_syntax::{Diagnostic, Source};

use self::settle::{Settled, look_for_actions, settle};
use crate::check::to_show;
use crate::checkouts::Checkouts;
use crate::cli::{AwsChoice, RunArgs};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::forced::Forced;
use crate::github_token::{self, GithubToken};
use crate::outbound;
use crate::output::{Help, Output};
use crate::place::shims;
use crate::secrets;
use crate::settings::{Loaded, expectations, load, not_written, state_dir};

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
    let emulates = args.aws == AwsChoice::Emulate && uses_aws(&loaded.set);
    loaded.diagnostics.extend(secrets::check(&loaded.set.root, &loaded.secrets, emulates.then_some(&loaded.set)));
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
    let place = runtime.block_on(settle(args, environment, &loaded, &plan, &mut inventory, &mut found));
    if found.iter().any(Diagnostic::is_error) {
        runtime.shutdown_background();
        return Ok(refuse(output, &found));
    }
    let place = place?;
    output.diagnostics(&to_show(&loaded.set.root.source, &found));
    let record = runtime.block_on(carry_out(args, environment, output, loaded, plan, (forced, token, place)))?;
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

async fn carry_out(
    args: &RunArgs,
    environment: &Environment,
    output: &Output,
    loaded: Loaded,
    mut plan: Plan,
    (forced, token, settled): (wfrun_engine::Forced, GithubToken, Settled),
) -> anyhow::Result<RunRecord> {
    let outside = Outside::new();
    let signals = tokio::spawn(pass_signals_on(outside.sender.clone()));
    let Settled { place, image_ids } = settled;
    super::clean::sweep(&environment.cache.join("work"));
    let state = state_dir(&loaded.root)?;
    let number = run_number(args, &state);
    let run_id = new_run_id(&environment.cache.join("work"), &state)?;
    let run_dir = state.join("runs").join(&run_id);
    make_private(&run_dir).map_err(|err| not_written(&run_dir, &err))?;
    // Before any job, as only what is there can be hidden from it.
    let id_token_key = environment.cache.join("oidc");
    make_private(&id_token_key).map_err(|err| not_written(&id_token_key, &err))?;
    let issuer = IdTokenIssuer::new(&id_token_key);
    let github = ServicesSettings::below(&state, args.cache_limit, issuer);
    let (services, mut notices) = start_services(args, &loaded, &state, github, outside.sender.clone()).await?;
    let Loaded { set, actions, vendored, situation, mut secrets, vars, env, inputs, outbound, diagnostics, .. } =
        loaded;
    let checkouts = Checkouts::of(&set);
    let near = checkouts.near(&actions, &plan.event.repository);
    let wanted = SnapshotSettings { dirty: args.dirty, near, lfs: checkouts.lfs, ..situation.snapshot };
    let snapshot = take_snapshot(environment, &run_id, &wanted)?;
    plan.event.sha.clone_from(&snapshot.sha);
    let account = services.aws.as_ref().map(|it| &*it.account);
    let (mut hidden, notice) = secrets::swap_aws_keys(&set, &mut secrets, account);
    notices.extend(notice);
    let scratch = environment.cache.join("work").join(&run_id);
    let api = github_token::api_settings(&plan, &snapshot, &run_id, number, &scratch);
    let tokens = token.prepare(&services.github, &mut secrets, api);
    hidden.extend(tokens.hidden.iter().cloned());
    notices.extend(tokens.notices.iter().cloned());
    hidden.extend(outbound::hidden(&outbound));
    notices.extend(outbound::notices(&outbound, args.ca_file.is_some(), place.backend.name(), args.verbose));
    if services.guard.is_none() && services.aws.is_some() && place.backend.name() != "host" {
        notices.push("AWS's names are blocked by a list, because port 53 of 127.77.0.53 is not to be had".to_owned());
    }
    if args.offline {
        notices.push("wfrun itself fetches nothing; steps still have this machine's network".to_owned());
    }
    let left_out = if args.dirty { 0 } else { situation.repository.uncommitted() };
    if left_out > 0 {
        let files = if left_out == 1 {
            "1 uncommitted change is".to_owned()
        } else {
            format!("{left_out} uncommitted changes are")
        };
        notices.insert(0, format!("{files} not in this run: `--dirty` takes them in"));
    }
    notices.splice(0..0, situation.notices);
    let run_settings = RunSettings {
        keep_workspaces: args.keep_workspace.then(|| run_dir.join("workspaces")),
        trees: Trees::below(environment.cache.join("trees")),
        groups: Groups::of(&environment.cache.join("groups"), &plan.event.repository),
        run_id: run_id.clone(),
        repository: plan.event.repository.clone(),
        shims: shims(&place, environment),
        // In a container a real program wins; in the sandbox the host's docker has no engine to talk to.
        shims_first: place.backend.name() == "sandbox",
        backend: Arc::clone(&place.backend),
        images: place.images.clone(),
        image_ids,
        tools: vendored.map(|it| it.tools()).unwrap_or_default(),
        work_root: environment.cache.join("work"),
        hidden: vec![id_token_key],
        snapshot: snapshot.clone(),
        offline: args.offline,
        actions,
        outbound: Arc::new(outbound),
        node: node_of_machine(&environment.path),
        executable: std::env::current_exe().context("failed to find wfrun's own executable")?,
        cache_scopes: cache_scopes(&plan),
    };
    let identity = github_token::identity(&tokens, &run_id, number, &snapshot.sha);
    let without_effect =
        diagnostics.into_iter().filter(|it| it.code.as_str() == "wfrun/no-effect").map(|it| it.message);
    let settings = EngineSettings {
        run_id,
        identity,
        backend: place.backend.name().to_owned(),
        backend_reason: place.reason,
        token_seed: tokens.seed,
        secrets,
        hidden,
        vars,
        inputs,
        env,
        forced,
        any_machine: false,
        has_containers: place.backend.name() == "docker",
        // A sandbox is there in less time than a job takes to end.
        makes_ahead: place.backend.name() == "docker",
        container_workspace: Some(container_workspace(&plan.event.repository)),
        max_jobs: args.max_jobs.unwrap_or_else(jobs_at_once),
        strict: args.strict,
        grace: Grace::default(),
        notices,
        without_effect: without_effect.collect(),
    };
    let engine = Engine::new(plan, settings);
    let views = ViewThread::start(views(args, output, &run_dir)?).context("failed to start the thread of the views")?;
    let mut record = wfrun_runner::run(engine, run_settings, services, outside, &|events| views.show(events)).await;
    signals.abort();
    for failure in views.end().failures() {
        Output::note(&format!("{failure}: {}", failure.err));
        // A run of which a part is not on record is no success.
        record.faults += 1;
    }
    remove_snapshot(&snapshot.dir);
    Ok(record)
}

/// Ctrl-C asks, a second one kills, a third one gives clean-up up.
async fn pass_signals_on(facts: mpsc::Sender<FactKind>) {
    let listen = |kind| signal(kind).ok();
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup(), SignalKind::quit()];
    let [Some(mut interrupt), Some(mut terminate), Some(mut hangup), Some(mut quit)] = kinds.map(listen) else {
        return;
    };
    let mut count = 0;
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
            _ = quit.recv() => {}
        }
        count += 1;
        if count > 2 {
            #[expect(clippy::exit, reason = "a person has asked three times")]
            std::process::exit(Exit::Cancelled as i32);
        }
        if facts.send(FactKind::Cancel { force: count > 1 }).await.is_err() {
            return;
        }
    }
}

async fn start_services(
    args: &RunArgs,
    loaded: &Loaded,
    state: &Path,
    github: ServicesSettings,
    facts: mpsc::Sender<FactKind>,
) -> anyhow::Result<(LocalServices, Vec<String>)> {
    let aws = if args.aws == AwsChoice::Emulate && uses_aws(&loaded.set) {
        Some(account(args, loaded, state)?)
    } else {
        None
    };
    Ok(LocalServices::start(github, aws, facts).await?)
}

fn account(args: &RunArgs, loaded: &Loaded, state: &Path) -> anyhow::Result<AccountSettings> {
    let given = args.aws_account.clone();
    let path = given.clone().unwrap_or_else(|| state.join("aws.yml"));
    let file = match std::fs::read_to_string(&path) {
        Ok(text) => AccountFile::parse(&text).map_err(|err| account_error(&path, text, &err))?,
        Err(err) if given.is_none() && err.kind() == std::io::ErrorKind::NotFound => AccountFile::default(),
        Err(err) => {
            let help = "the account file says what exists in the AWS account; see docs/account-file.md";
            return Err(Help::error("aws/account-file", format!("failed to read {}: {err}", path.display()), help));
        }
    };
    let file_dir = path.parent().unwrap_or(Path::new(".")).to_owned();
    let state_dir = args.aws_state.clone().unwrap_or_else(|| state.join("aws"));
    Ok(AccountSettings { file, file_dir, wanted: aws_names(&loaded.set), state_dir })
}

fn account_error(path: &Path, text: String, err: &wfrun_aws::AccountFileError) -> anyhow::Error {
    let source = Source::new(path.display().to_string(), text);
    let help = err.help.clone();
    let place = format!("{}:{}:{}", source.path(), err.line, err.column);
    Help::error("aws/account-file", format!("{} ({place})", err.message), help)
}

fn take_snapshot(environment: &Environment, run_id: &str, settings: &SnapshotSettings) -> anyhow::Result<Snapshot> {
    let work = environment.cache.join("work").join(run_id);
    let dir = work.join("repository.git");
    Ok(Snapshot::take(&dir, settings)?)
}

/// A folder that only its owner may look into: scripts in it hold secrets, journals what a run did.
fn make_private(folder: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// The snapshot lies in the run's work folder, which goes as a whole.
fn remove_snapshot(dir: &Path) {
    let Some(folder) = dir.parent() else { return };
    if let Err(err) = wfrun_runner::remove_folder(folder) {
        Output::note(&format!("failed to remove {}: {err}", folder.display()));
    }
}

/// The current ref's caches may be written; those of the base and the default branch may be read, too.
fn cache_scopes(plan: &Plan) -> Vec<String> {
    let event = &plan.event;
    let base = event.base_ref.as_ref().map(|it| format!("refs/heads/{it}"));
    let mut scopes = vec![event.git_ref.clone()];
    for it in base.into_iter().chain([format!("refs/heads/{}", event.default_branch)]) {
        if !scopes.contains(&it) {
            scopes.push(it);
        }
    }
    scopes
}

/// Two jobs for each processor, as most wait a good part of their time, at least four, and as many as have half a
/// gigabyte of memory each.
fn jobs_at_once() -> usize {
    const MEMORY_KB: usize = 512 * 1024;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let table = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let free = table.lines().find_map(|it| it.strip_prefix("MemAvailable:"));
    let free = free.and_then(|it| it.trim().trim_end_matches(" kB").parse::<usize>().ok());
    let by_memory = free.map_or(usize::MAX, |it| it / MEMORY_KB);
    (processors * 2).max(4).min(by_memory).max(1)
}

fn run_number(args: &RunArgs, state: &Path) -> u64 {
    let earlier = std::fs::read_dir(state.join("runs")).map_or(0, Iterator::count);
    args.situation.run_number.unwrap_or(earlier as u64 + 1)
}

/// Digits, as GitHub's run ids are: microseconds since 1970, made unique among the runs of this machine and of this
/// repository. The run's work folder is made with it, and is its claim.
fn new_run_id(work: &Path, state: &Path) -> anyhow::Result<String> {
    make_private(work).map_err(|err| not_written(work, &err))?;
    let mut id = jiff::Timestamp::now().as_microsecond();
    loop {
        let folder = work.join(id.to_string());
        // Two at the same moment: only one of them makes the folder.
        match std::fs::DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) if !state.join("runs").join(id.to_string()).exists() => {
                let owner = folder.join(super::clean::OWNER);
                std::fs::write(&owner, wfrun_backend::owner()).map_err(|err| not_written(&owner, &err))?;
                return Ok(id.to_string());
            }
            Ok(()) => std::fs::remove_dir(&folder).map_err(|err| not_written(&folder, &err))?,
            Err(err) if err.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(err) => return Err(not_written(&folder, &err)),
        }
        id += 1;
    }
}

/// The views of a run: the journal file, and what the caller sees.
fn views(args: &RunArgs, output: &Output, run_dir: &Path) -> anyhow::Result<Tee> {
    let path: PathBuf = run_dir.join("journal.ndjson");
    let file = std::fs::File::create(&path).map_err(|err| not_written(&path, &err))?;
    let journal = NdjsonWriter::new(std::io::BufWriter::new(file)).named(path);
    let stdout = Term::buffered_stdout();
    let verbosity = match (args.quiet, args.verbose) {
        (true, _) => Verbosity::Quiet,
        (false, true) => Verbosity::Verbose,
        (false, false) => Verbosity::Normal,
    };
    let seen: Box<dyn Sink + Send> = if args.json {
        Box::new(NdjsonWriter::new(std::io::stdout()))
    } else if stdout.is_term() && !args.verbose && !args.quiet {
        Box::new(LiveView::new(stdout, output.stdout, verbosity))
    } else {
        Box::new(PlainView::new(std::io::stdout(), output.stdout, verbosity))
    };
    let summaries = SummaryFile::new(run_dir.join("summary.md"));
    Ok(Tee::new(vec![Box::new(journal), Box::new(summaries), seen]))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Runs of other repositories may begin in the same moment.
    #[test]
    fn no_two_runs_share_an_id() {
        let work = tempfile::tempdir().expect("a folder");
        let states = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
        let ids = std::thread::scope(|scope| {
            let many = |state: &'_ Path| (0..200).map(|_| new_run_id(work.path(), state).expect("an id")).collect();
            let runs = states.each_ref().map(|it| scope.spawn(move || -> Vec<String> { many(it.path()) }));
            runs.map(|it| it.join().expect("no panic")).concat()
        });
        assert!(ids.iter().all(|it| it.bytes().all(|it| it.is_ascii_digit())));
        assert!(ids.iter().all(|it| work.path().join(it).join(super::super::clean::OWNER).exists()));
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
    }
}
