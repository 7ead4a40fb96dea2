//! A run, from its own folders to the end of its last job.
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use console::Term;
use wfrun_aws::{Account, IdentityPolicy};
use wfrun_engine::{Engine, EngineSettings, Forced, Grace};
use wfrun_journal::{RunRecord, Secret, Sink};
use wfrun_plan::Plan;
use wfrun_report::{LiveView, NdjsonWriter, PlainView, SummaryFile, Tee, Verbosity, ViewThread};
use wfrun_runner::{
    Groups, LocalServices, Outside, RunSettings, Snapshot, SnapshotSettings, Trees, Vendored, container_workspace,
    node_of_machine,
};
use wfrun_services::{IdTokenIssuer, ServicesSettings};

use super::own::Own;
use super::registry_name::{name_registry, tell_of_lookups};
use super::services::start_services;
use super::settle::Settled;
use super::signals::pass_signals_on;
use crate::aws_keys::{self, KeyNames};
use crate::aws_permissions;
use crate::checkouts::Checkouts;
use crate::cli::{AwsChoice, RunArgs};
use crate::environment::Environment;
use crate::github_token::{self, GithubToken, Tokens};
use crate::outbound;
use crate::output::Output;
use crate::place::{CommandStandIns, Place, command_stand_ins};
use crate::settings::{Loaded, not_written};

/// What emulation is without namespaces.
const HOST_REACHES_AWS: &str = "on the `host` backend AWS's names are not blocked: a program that does not know AWS_ENDPOINT_URL \
                                reaches the real AWS, with keys that are not of it";
/// What `--aws off` means.
const AWS_IS_REAL: &str =
    "--aws off: steps reach the real AWS, with the keys that they are given; what they do there is real";

/// All that a run needs to begin.
pub(super) struct Ready<'a> {
    pub(super) args: &'a RunArgs,
    pub(super) environment: &'a Environment,
    pub(super) output: &'a Output,
    pub(super) loaded: Loaded,
    pub(super) aws: AwsOfRun,
    pub(super) plan: Plan,
    pub(super) forced: Forced,
    pub(super) token: GithubToken,
    pub(super) settled: Settled,
}

/// What a run has to do with AWS.
pub(super) struct AwsOfRun {
    /// Whether it gets an account on this machine.
    pub(super) emulates: bool,
    /// Of the workflow's identity in that account.
    pub(super) policies: Vec<IdentityPolicy>,
    /// Secrets that are parts of keys.
    pub(super) keys: KeyNames,
}

/// What the engine alone is told.
struct Told {
    tokens: Tokens,
    hidden: Vec<Secret>,
    notices: Vec<String>,
    forced: Forced,
    starts_tasks: bool,
    omits_fault_injection: bool,
}

impl Ready<'_> {
    /// Carries it out to its end; all that it made but what it keeps is gone then.
    pub(super) async fn carry_out(self) -> anyhow::Result<RunRecord> {
        let Self { args, environment, output, mut loaded, aws, mut plan, forced, token, mut settled } = self;
        let outside = Outside::new();
        let signals = tokio::spawn(pass_signals_on(outside.sender.clone()));
        super::super::clean::sweep(&environment.cache.join("work"));
        let own = Own::make(args.situation.run_number, environment, &loaded.root)?;
        let github =
            ServicesSettings::below(&own.state, &own.work, args.cache_limit, IdTokenIssuer::new(&own.id_token_key));
        let started =
            start_services(args, &loaded, aws.emulates.then_some(aws.policies), &own, github, outside.sender.clone())
                .await?;
        let (mut services, mut notices) = started;
        notices.extend(name_registry(&loaded.set, &own, &mut settled.place, &mut services).await?);
        tell_of_lookups(&services, outside.sender.clone());
        let snapshot = take_snapshot(args, &loaded, &plan, &own)?;
        plan.event.sha.clone_from(&snapshot.sha);
        let mut hidden = Vec::new();
        if args.aws == Some(AwsChoice::Off) {
            output.alarm(AWS_IS_REAL);
            notices.push(AWS_IS_REAL.to_owned());
        } else {
            let account = services.aws.as_ref().map(|it| &*it.account);
            let swapped = aws_keys::swap(&aws.keys, &mut loaded.secrets, &mut loaded.vars, account);
            hidden.extend(swapped.hidden);
            notices.extend(swapped.notice);
        }
        let account = services.aws.as_ref().map(|it| Arc::clone(&it.account));
        let tasks = services.aws.as_ref().and_then(|it| it.tasks.as_ref());
        let starts_tasks = tasks.is_some();
        let omits_fault_injection = services.aws.as_ref().is_some_and(|it| it.omits_fault_injection);
        hidden.extend(tasks.into_iter().flat_map(|it| it.secrets()).map(Secret::new));
        let api = github_token::api_settings(&plan, &snapshot, &own.run_id, own.number, &own.work);
        let tokens = token.prepare(&services.github, &mut loaded.secrets, api);
        hidden.extend(tokens.hidden.iter().cloned());
        hidden.extend(outbound::hidden(&loaded.outbound));
        notices.extend(tokens.notices.iter().cloned());
        notices.extend(notices_of_place(args, &loaded, &services, &settled.place));
        let notices = [before_all(args, &mut loaded), notices].concat();
        let told = Told { tokens, hidden, notices, forced, starts_tasks, omits_fault_injection };
        let engine_settings = engine_settings(args, &mut loaded, &plan, &own, &settled.place, told, &snapshot);
        let run_settings = run_settings(args, environment, loaded, &plan, &own, settled, snapshot.clone())?;
        let engine = Engine::new(plan, engine_settings);
        let views = views(args, output, &own.run_dir)?;
        let views = ViewThread::start(views).context("failed to start the thread of the views")?;
        let run_dir = own.run_dir;
        let mut record = wfrun_runner::run(engine, run_settings, services, outside, &|events| views.show(events)).await;
        signals.abort();
        for failure in views.end().failures() {
            Output::note(&format!("{failure}: {}", failure.err));
            // A run of which a part is not on record is no success.
            record.faults += 1;
        }
        remove_snapshot(&snapshot.dir);
        if let Some(account) = account {
            tell_permissions(&account, &record, &run_dir, args, output)?;
        }
        Ok(record)
    }
}

/// What the workflow needed of AWS; without `--quiet`, or where something was denied.
fn tell_permissions(
    account: &Account,
    record: &RunRecord,
    run_dir: &Path,
    args: &RunArgs,
    output: &Output,
) -> anyhow::Result<()> {
    let report = account.permission_report();
    let style = if args.json { output.stderr } else { output.stdout };
    let Some(text) = aws_permissions::keep(&report, record, run_dir, style)? else { return Ok(()) };
    match (args.quiet && report.denied.is_empty(), args.json) {
        (true, _) => {}
        // Standard output is the events' alone.
        (false, true) => Output::note(text.trim_end()),
        (false, false) => Output::data(&text),
    }
    Ok(())
}

/// What a person should know of the commit, before all else.
fn before_all(args: &RunArgs, loaded: &mut Loaded) -> Vec<String> {
    let left_out = if args.dirty { 0 } else { loaded.situation.repository.uncommitted() };
    let files = match left_out {
        0 => None,
        1 => Some("1 uncommitted change is".to_owned()),
        more => Some(format!("{more} uncommitted changes are")),
    };
    let left_out = files.map(|it| format!("{it} not in this run: `--dirty` takes them in"));
    std::mem::take(&mut loaded.situation.notices).into_iter().chain(left_out).collect()
}

/// And of where jobs run, and what they reach.
fn notices_of_place(args: &RunArgs, loaded: &Loaded, services: &LocalServices, place: &Place) -> Vec<String> {
    let backend = place.backend.name();
    let mut notices: Vec<String> =
        outbound::notices(&loaded.outbound, args.ca_file.is_some(), backend, args.verbose).into_iter().collect();
    if services.guard.is_none() && services.aws.is_some() && backend != "host" {
        notices.push("AWS's names are blocked by a list, because port 53 of 127.77.0.53 is not to be had".to_owned());
    }
    if services.aws.is_some() && backend == "host" {
        notices.push(HOST_REACHES_AWS.to_owned());
    }
    if args.offline {
        notices.push("wfrun itself fetches nothing; steps still have this machine's network".to_owned());
    }
    notices
}

fn run_settings(
    args: &RunArgs,
    environment: &Environment,
    loaded: Loaded,
    plan: &Plan,
    own: &Own,
    settled: Settled,
    snapshot: Snapshot,
) -> anyhow::Result<RunSettings> {
    let Settled { place, image_ids } = settled;
    let CommandStandIns { shims, covers } = command_stand_ins(&place, environment);
    Ok(RunSettings {
        keep_workspaces: args.keep_workspace.then(|| own.run_dir.join("workspaces")),
        trees: Trees::below(environment.cache.join("trees")),
        groups: Groups::of(&environment.cache.join("groups"), &plan.event.repository),
        run_id: own.run_id.clone(),
        repository: plan.event.repository.clone(),
        shims,
        covers,
        backend: Arc::clone(&place.backend),
        images: place.images,
        image_ids,
        vendored_node: loaded.vendored.as_deref().and_then(Vendored::node).map(|(path, _)| path),
        tools: loaded.vendored.map(|it| it.tools()).unwrap_or_default(),
        work_root: environment.cache.join("work"),
        hidden: vec![own.id_token_key.clone()],
        snapshot,
        offline: args.offline,
        actions: loaded.actions,
        outbound: Arc::new(loaded.outbound),
        node: node_of_machine(&environment.path),
        executable: std::env::current_exe().context("failed to find wfrun's own executable")?,
        cache_scopes: cache_scopes(plan),
    })
}

fn engine_settings(
    args: &RunArgs,
    loaded: &mut Loaded,
    plan: &Plan,
    own: &Own,
    place: &Place,
    told: Told,
    snapshot: &Snapshot,
) -> EngineSettings {
    let Told { tokens, hidden, notices, forced, starts_tasks, omits_fault_injection } = told;
    let identity = github_token::identity(&tokens, &own.run_id, own.number, &snapshot.sha);
    let diagnostics = std::mem::take(&mut loaded.diagnostics).into_iter();
    let without_effect = diagnostics.filter(|it| it.code.as_str() == "wfrun/no-effect").map(|it| it.message);
    EngineSettings {
        run_id: own.run_id.clone(),
        identity,
        backend: place.backend.name().to_owned(),
        backend_reason: place.reason.clone(),
        token_seed: tokens.seed,
        secrets: std::mem::take(&mut loaded.secrets),
        hidden,
        vars: std::mem::take(&mut loaded.vars),
        inputs: loaded.inputs.clone(),
        env: std::mem::take(&mut loaded.env),
        forced,
        any_machine: false,
        has_containers: place.backend.name() == "docker",
        // A sandbox is there in less time than a job takes to end.
        makes_ahead: place.backend.name() == "docker",
        starts_tasks,
        omits_fault_injection,
        container_workspace: Some(container_workspace(&plan.event.repository)),
        max_jobs: args.max_jobs.unwrap_or_else(jobs_at_once),
        strict: args.strict,
        grace: Grace::default(),
        notices,
        without_effect: without_effect.collect(),
    }
}

/// The commit, with what else checkouts want of this machine.
fn take_snapshot(args: &RunArgs, loaded: &Loaded, plan: &Plan, own: &Own) -> anyhow::Result<Snapshot> {
    let checkouts = Checkouts::of(&loaded.set);
    let near = checkouts.near(&loaded.actions, &plan.event.repository);
    let wanted = loaded.situation.snapshot.clone();
    let wanted = SnapshotSettings { dirty: args.dirty, near, lfs: checkouts.lfs, ..wanted };
    Ok(Snapshot::take(&own.work.join("repository.git"), &wanted)?)
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
