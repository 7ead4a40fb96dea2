//! The life of a task: its containers are made in their order, watched, stopped and taken away.
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::Instant;
use wfrun_aws::{ContainerEnd, PublishedPort, TaskLaunch, TaskReport, TaskReporter};
use wfrun_backend::docker::{Login, Reached, TaskContainer, TaskEnd, TaskNetwork};

use super::health::{self, Verdict};
use super::output::{LAST_LINES, LogPlace, Tail, follow};
use super::plan::{Condition, ContainerPlan, TaskPlan};
use super::{Shared, Wish, plan};

/// Source: AWS ECS developer guide: without a check a task is healthy after this time.
const WITHOUT_CHECK: Duration = Duration::from_secs(40);
const AT_LEAST: Duration = Duration::from_secs(1);
/// So long is waited for what an ended container still had to print, or for its end to be known.
const LEFTOVERS: Duration = Duration::from_secs(2);

/// Carries a task from its beginning to its end; gives back the last word on it. Nothing of it is left then.
///
/// Into `printed` goes what reports show of its output, as soon as it is known which container that is.
pub(super) async fn live(
    shared: &Arc<Shared>,
    launch: &TaskLaunch,
    reporter: &TaskReporter,
    printed: &OnceLock<Tail>,
    mut wish: watch::Receiver<Wish>,
) -> TaskReport {
    let plan = match plan::read(launch, &shared.settings) {
        Ok(plan) => plan,
        Err(reason) => return TaskReport::CannotStart { reason },
    };
    reporter.report(TaskReport::Pulling);
    tokio::select! {
        pulled = pull(shared, launch, &plan) => if let Err(reason) = pulled {
            return TaskReport::CannotStart { reason };
        },
        _ = wish.wait_for(|it| *it != Wish::Run) => return TaskReport::Stopped,
    }
    reporter.report(TaskReport::Pulled);
    let (events, told) = mpsc::unbounded_channel();
    let states: Vec<State> = plan.containers.iter().map(|_| State::default()).collect();
    if let Some(first) = states.get(first_essential(&plan)) {
        printed.set(first.tail.clone()).ok();
    }
    let mut life = Life {
        shared,
        launch,
        reporter,
        plan,
        states,
        events,
        told,
        holder: None,
        is_running: false,
        is_healthy: None,
    };
    let last_word = life.carry(&mut wish).await;
    life.take_away().await;
    last_word
}

/// Source: AWS ECS developer guide, "`CannotPullContainer` task errors in Amazon ECS".
async fn pull(shared: &Shared, launch: &TaskLaunch, plan: &TaskPlan) -> Result<(), String> {
    let own = Login { username: launch.registry.user.clone(), password: launch.registry.password.clone() };
    for one in &plan.containers {
        let login = one.image.digest.as_ref().map(|_| &own);
        shared.engine.pull_for_task(&one.image.pull, login).await.map_err(|err| {
            let image = &one.image.name;
            format!("CannotPullContainerError: pull image manifest has been retried 3 time(s): failed to resolve ref {image}: {err}")
        })?;
    }
    Ok(())
}

struct Life<'a> {
    shared: &'a Arc<Shared>,
    launch: &'a TaskLaunch,
    reporter: &'a TaskReporter,
    plan: TaskPlan,
    /// As in the plan.
    states: Vec<State>,
    events: mpsc::UnboundedSender<(usize, Event)>,
    told: mpsc::UnboundedReceiver<(usize, Event)>,
    /// Holds the network of several containers.
    holder: Option<String>,
    is_running: bool,
    /// What was told last of its health.
    is_healthy: Option<bool>,
}

/// A container.
#[derive(Default)]
struct State {
    /// Once it was made.
    id: Option<String>,
    started: bool,
    end: Option<TaskEnd>,
    healthy: Option<bool>,
    tail: Tail,
    output: Option<JoinHandle<()>>,
    watching: Vec<AbortHandle>,
}

enum Event {
    Ended(TaskEnd),
    Checked(Verdict),
}

impl Life<'_> {
    async fn carry(&mut self, wish: &mut watch::Receiver<Wish>) -> TaskReport {
        let mut settled = None;
        loop {
            let asked = *wish.borrow_and_update();
            if asked != Wish::Run {
                self.end_all(wish).await;
                return self.exited(None);
            }
            if let Err(reason) = self.start_ready().await {
                self.end_all(wish).await;
                return TaskReport::CannotStart { reason };
            }
            if let Some(at) = self.ended_essential() {
                self.end_all(wish).await;
                return self.exited(Some(at));
            }
            if !self.is_running && self.states.iter().all(|state| state.started) {
                if let Err(reason) = self.tell_running().await {
                    self.end_all(wish).await;
                    return TaskReport::CannotStart { reason };
                }
                let after = WITHOUT_CHECK.mul_f64(self.shared.settings.health_scale).max(AT_LEAST);
                settled = self.checked().next().is_none().then(|| Instant::now() + after);
            }
            self.tell_health();
            tokio::select! {
                _ = wish.changed() => {}
                Some((at, event)) = self.told.recv() => self.take_in(at, event),
                () = tokio::time::sleep_until(settled.unwrap_or_else(Instant::now)), if settled.is_some() => {
                    settled = None;
                    self.reporter.report(TaskReport::Healthy);
                }
            }
        }
    }

    fn take_in(&mut self, at: usize, event: Event) {
        let state = &mut self.states[at];
        match event {
            Event::Ended(end) => {
                state.end = Some(end);
                state.watching.drain(..).for_each(|watcher| watcher.abort());
            }
            Event::Checked(Verdict::Healthy) => state.healthy = Some(true),
            Event::Checked(Verdict::Unhealthy(why)) => {
                state.healthy = Some(false);
                why.lines().take(LAST_LINES / 2).for_each(|line| state.tail.push(line));
            }
        }
    }

    /// Essential containers with a check.
    fn checked(&self) -> impl Iterator<Item = usize> {
        let checked = |(at, one): (usize, &ContainerPlan)| (one.essential && one.check.is_some()).then_some(at);
        self.plan.containers.iter().enumerate().filter_map(checked)
    }

    fn tell_health(&mut self) {
        if !self.is_running || self.checked().next().is_none() {
            return;
        }
        let now = if self.checked().any(|at| self.states[at].healthy == Some(false)) {
            Some(false)
        } else if self.checked().all(|at| self.states[at].healthy == Some(true)) {
            Some(true)
        } else {
            None
        };
        match now.filter(|_| now != self.is_healthy) {
            Some(true) => self.reporter.report(TaskReport::Healthy),
            Some(false) => self.reporter.report(TaskReport::Unhealthy),
            None => return,
        }
        self.is_healthy = now;
    }

    /// An essential container that has ended.
    fn ended_essential(&self) -> Option<usize> {
        let all = self.plan.containers.iter().zip(&self.states);
        all.into_iter().position(|(one, state)| one.essential && state.end.is_some())
    }

    /// Starts what waits for nothing any more.
    async fn start_ready(&mut self) -> Result<(), String> {
        while let Some(at) = self.next_ready()? {
            if self.plan.containers.len() > 1 && self.holder.is_none() {
                self.hold_network().await?;
            }
            self.start(at).await?;
        }
        Ok(())
    }

    fn next_ready(&self) -> Result<Option<usize>, String> {
        for (at, one) in self.plan.containers.iter().enumerate().filter(|(at, _)| !self.states[*at].started) {
            let mut waits = false;
            for (on, condition) in &one.depends {
                match fulfilled(&self.states[*on], *condition) {
                    Some(true) => {}
                    None => waits = true,
                    Some(false) => return Err(unresolved(&self.plan.containers[*on].name, &one.name, *condition)),
                }
            }
            if !waits {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    async fn hold_network(&mut self) -> Result<(), String> {
        let first = &self.plan.containers[0].container;
        let mut ports: Vec<u16> = self.plan.containers.iter().flat_map(|one| one.ports.clone()).collect();
        ports.sort_unstable();
        ports.dedup();
        let holder = TaskContainer {
            name: format!("{}-network", first.name),
            run_id: first.run_id.clone(),
            job: first.job.clone(),
            labels: first.labels.clone(),
            image: first.image.clone(),
            network: TaskNetwork::Own { ports },
            hosts: first.hosts.clone(),
            ..TaskContainer::default()
        };
        let executable: PathBuf = self.shared.settings.executable.clone();
        let held = self.shared.engine.hold_network(&holder, executable).await;
        self.holder = Some(held.map_err(|err| format!("ResourceInitializationError: {err}"))?);
        Ok(())
    }

    async fn start(&mut self, at: usize) -> Result<(), String> {
        let engine = &self.shared.engine;
        let (one, state) = (&self.plan.containers[at], &mut self.states[at]);
        let network = match &self.holder {
            Some(holder) => TaskNetwork::Of(holder.clone()),
            None => TaskNetwork::Own { ports: one.ports.clone() },
        };
        let made = engine.create_task(&TaskContainer { network, ..one.container.clone() }).await;
        let id = made.map_err(|err| format!("CannotCreateContainerError: {err}"))?;
        state.id = Some(id.clone());
        let output = engine.start_task(&id).await.map_err(|err| format!("CannotStartContainerError: {err}"))?;
        state.started = true;
        let place = one.logs.as_ref().map(|logs| LogPlace {
            region: logs.region.clone(),
            group: logs.group.clone(),
            stream: match &logs.prefix {
                Some(prefix) => format!("{prefix}/{}/{}", one.name, self.launch.id),
                // Source: Docker's `awslogs` driver: the container's id.
                None => id.clone(),
            },
            create_group: logs.create_group,
        });
        let shared = Arc::clone(self.shared);
        let sink = move |lines: &[String]| {
            if let (Some(place), Some(sink)) = (&place, shared.logs.get()) {
                sink(place, lines);
            }
        };
        state.output = Some(tokio::spawn(follow(output, state.tail.clone(), sink)));
        let (engine, events, container) = (engine.clone(), self.events.clone(), id.clone());
        let waiting = async move {
            let end = engine.end_of_task(&container).await;
            events.send((at, Event::Ended(end))).ok();
        };
        tokio::spawn(waiting);
        if let Some(check) = one.check.clone() {
            let (engine, events, scale) =
                (self.shared.engine.clone(), self.events.clone(), self.shared.settings.health_scale);
            let watching = tokio::spawn(async move {
                let tell = |verdict| drop(events.send((at, Event::Checked(verdict))));
                health::watch(&check, scale, &engine, &id, tell).await;
            });
            state.watching.push(watching.abort_handle());
        }
        Ok(())
    }

    async fn tell_running(&mut self) -> Result<(), String> {
        let reached = match &self.holder {
            Some(holder) => self.shared.engine.reach_task(holder).await?,
            None => match self.states.first().and_then(|state| state.id.as_ref()) {
                Some(id) => self.shared.engine.reach_task(id).await?,
                None => Reached::default(),
            },
        };
        let mut ports = Vec::new();
        for one in &self.plan.containers {
            for (inside, outside) in reached.ports.iter().filter(|(inside, _)| one.ports.contains(inside)) {
                ports.push(PublishedPort {
                    container: one.name.clone(),
                    container_port: *inside,
                    host_address: outside.ip().to_string(),
                    host_port: outside.port(),
                });
            }
        }
        self.is_running = true;
        self.reporter.report(TaskReport::Running { address: reached.address.map(|it| it.to_string()), ports });
        Ok(())
    }

    /// Stops all containers: those that nothing that runs waited for come first. Who wishes that the task vanish waits for none of it.
    async fn end_all(&mut self, wish: &mut watch::Receiver<Wish>) {
        for state in &mut self.states {
            state.watching.drain(..).for_each(|watcher| watcher.abort());
        }
        tokio::select! {
            () = self.stop_in_order() => {}
            _ = wish.wait_for(|it| *it == Wish::Vanish) => return,
        }
        let deadline = Instant::now() + LEFTOVERS;
        while self.states.iter().any(|state| state.started && state.end.is_none()) {
            match tokio::time::timeout_at(deadline, self.told.recv()).await {
                Ok(Some((at, event @ Event::Ended(_)))) => self.take_in(at, event),
                Ok(Some((_, Event::Checked(_)))) => {}
                Ok(None) | Err(_) => break,
            }
        }
        for output in self.states.iter_mut().filter_map(|state| state.output.take()) {
            tokio::time::timeout_at(deadline, output).await.ok();
        }
    }

    async fn stop_in_order(&self) {
        let mut left: Vec<usize> = (0..self.states.len()).filter(|at| self.states[*at].started).collect();
        while !left.is_empty() {
            let needed =
                |at: &usize| left.iter().any(|by| self.plan.containers[*by].depends.iter().any(|(on, _)| on == at));
            let (later, now): (Vec<usize>, Vec<usize>) = left.iter().copied().partition(needed);
            let stops = now.iter().filter(|at| self.states[**at].end.is_none()).filter_map(|at| {
                let id = self.states[*at].id.as_ref()?;
                Some(self.shared.engine.stop_task(id, self.plan.containers[*at].stop_timeout))
            });
            for stopped in futures_util::future::join_all(stops).await {
                if let Err(err) = stopped {
                    tracing::debug!(task = self.launch.id, err, "a container was not stopped");
                }
            }
            left = later;
        }
    }

    /// How the containers ended; `first` is the one whose end it was.
    fn exited(&self, first: Option<usize>) -> TaskReport {
        if self.states.iter().all(|state| !state.started) {
            return TaskReport::Stopped;
        }
        let first = first.unwrap_or_else(|| first_essential(&self.plan));
        let others = (0..self.states.len()).filter(|at| *at != first);
        let ends = [first].into_iter().chain(others).map(|at| {
            let end = self.states[at].end.as_ref();
            let out_of_memory = end.is_some_and(|end| end.out_of_memory);
            ContainerEnd {
                container: self.plan.containers[at].name.clone(),
                exit_code: end.and_then(|end| end.exit_code),
                // Source: AWS ECS developer guide, "Stopped tasks error codes".
                reason: out_of_memory.then(|| "OutOfMemoryError: Container killed due to memory usage".to_owned()),
            }
        });
        TaskReport::Exited { containers: ends.collect(), last_lines: self.states[first].tail.lines() }
    }

    async fn take_away(&mut self) {
        let engine = &self.shared.engine;
        let made = self.states.iter_mut().filter_map(|state| state.id.take()).chain(self.holder.take());
        for id in made.collect::<Vec<_>>() {
            if let Err(err) = engine.remove_task(&id).await {
                tracing::warn!(%err, "a container of a task stays until the end of the run");
            }
        }
        for volume in &self.plan.volumes {
            if let Err(err) = engine.remove_task_volume(volume).await {
                tracing::warn!(%err, "a volume of a task stays until the end of the run");
            }
        }
    }
}

/// The container whose output reports show, where none has ended by itself.
fn first_essential(plan: &TaskPlan) -> usize {
    plan.containers.iter().position(|one| one.essential).unwrap_or_default()
}

/// Whether a condition on a container is true; `None` while that is open.
fn fulfilled(on: &State, condition: Condition) -> Option<bool> {
    match (condition, &on.end) {
        (Condition::Start, _) => on.started.then_some(true),
        (Condition::Complete, end) => end.as_ref().map(|_| true),
        (Condition::Success, end) => end.as_ref().map(|end| end.exit_code == Some(0)),
        (Condition::Healthy, Some(_)) => Some(false),
        (Condition::Healthy, None) => on.healthy,
    }
}

/// Source: the ECS agent, `dependencygraph`: its errors.
fn unresolved(dependency: &str, target: &str, condition: Condition) -> String {
    let what = match condition {
        Condition::Success => "did not exit successfully",
        Condition::Healthy => "is not healthy",
        Condition::Start | Condition::Complete => "did not start",
    };
    format!(
        "ResourceInitializationError: dependency graph: failed to resolve container ordering dependency [{dependency}] for target \
         [{target}] as dependency {what}."
    )
}
