//! The launcher `simulate`: nothing is started; a task's life is a script of reports, one for each step of the account.

use std::collections::VecDeque;
use std::sync::Mutex;

use indexmap::IndexMap;

use super::{ContainerEnd, TaskLaunch, TaskLauncher, TaskReport, TaskReporter, TaskReports};
use crate::account::lock;
use crate::account_file::Fault;
use crate::registry::ImageReference;

/// Plays tasks.
///
/// A task of a service becomes healthy, or fails as [`Fault`] says. One without a service ends by itself.
///
/// Differs: a task without a service exits with 0 after two seconds in simulate; what its command would have done is not known.
pub(crate) struct Simulate {
    reports: TaskReports,
    /// Images that fail, by tag or digest.
    faults: IndexMap<String, Fault>,
    /// What is still to be told of each task, in order of their start.
    scripts: Mutex<IndexMap<String, (TaskReporter, Script)>>,
}

/// What is told at each step, if anything.
type Script = VecDeque<Option<TaskReport>>;

impl Simulate {
    pub(crate) fn new(faults: IndexMap<String, Fault>, reports: TaskReports) -> Self {
        Self { reports, faults, scripts: Mutex::default() }
    }

    /// One step: the next report on each task.
    pub(crate) fn advance(&self) {
        lock(&self.scripts).retain(|_, (reporter, script)| {
            if let Some(report) = script.pop_front().flatten() {
                reporter.report(report);
            }
            !script.is_empty()
        });
    }

    /// Starts a task that fails so, whatever its image.
    pub(crate) fn start_with(&self, task: &TaskLaunch, reporter: TaskReporter, fault: Option<Fault>) {
        let script = script(task, fault.or_else(|| self.fault(task)));
        // With the first word of the script, so that a rollout takes no step more.
        reporter.report(TaskReport::Pulling);
        reporter.report(TaskReport::Pulled);
        lock(&self.scripts).insert(task.id.clone(), (reporter, script));
    }

    fn fault(&self, task: &TaskLaunch) -> Option<Fault> {
        task.images.values().find_map(|image| {
            let tagged = self.faults.get(ImageReference::read(&image.name).reference);
            tagged.or_else(|| self.faults.get(image.digest.as_deref()?)).copied()
        })
    }
}

impl TaskLauncher for Simulate {
    fn start(&self, task: TaskLaunch, reporter: TaskReporter) {
        self.start_with(&task, reporter, None);
    }

    fn stop(&self, task: &str) {
        // The script of a healthy task is over, and that of an earlier process' task is gone with it: stopping is always taken.
        let stopped = VecDeque::from([Some(TaskReport::Stopped)]);
        lock(&self.scripts).insert(task.to_owned(), (self.reports.reporter(task), stopped));
    }
}

fn script(task: &TaskLaunch, fault: Option<Fault>) -> Script {
    const STEPS_OF_A_TASK_WITHOUT_SERVICE: usize = 40;
    let running = || Some(TaskReport::Running { address: None, ports: Vec::new() });
    let exited = |exit_code: i32| {
        let names = task.definition.get("containerDefinitions").and_then(serde_json::Value::as_array);
        let names = names.into_iter().flatten().filter_map(|container| container["name"].as_str());
        let end = |name: &str| ContainerEnd { container: name.to_owned(), exit_code: Some(exit_code), reason: None };
        Some(TaskReport::Exited { containers: names.map(end).collect(), last_lines: Vec::new() })
    };
    match fault {
        Some(Fault::Crash) => VecDeque::from([exited(1)]),
        Some(Fault::Unhealthy) => VecDeque::from([running(), Some(TaskReport::Unhealthy)]),
        None if task.is_of_service() => VecDeque::from([running(), Some(TaskReport::Healthy)]),
        None => {
            let mut script = VecDeque::from([running(), Some(TaskReport::Healthy)]);
            script.extend((0..STEPS_OF_A_TASK_WITHOUT_SERVICE).map(|_| None));
            script.push_back(exited(0));
            script
        }
    }
}
