//! The images of container actions, made ready before the first step of a job.
//!
//! Source: GitHub: execution rules E1.1, row 3 (`PrepareActionsAsync` of actions/runner).
use std::collections::HashSet;
use std::path::Path;

use indexmap::{IndexMap, IndexSet};
use wfrun_backend::DockerBackend;
use wfrun_backend::docker::{Log, RunImage};
use wfrun_engine::{Entry, FactKind, ResolvedAction};
use wfrun_workflow::{ActionRef, RunsKind, Step, image_name};

use crate::RunSettings;
use crate::action_container::tag;
use crate::containers::{Telling, tell};

/// An image that a job's steps will run.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum ActionImage {
    /// By its name.
    Named(String),
    /// By a Dockerfile of an action's repository.
    Built {
        /// `owner/repo@ref`, with the action's path if it has one.
        action: String,
        /// Where the Dockerfile is, from the job's work folder.
        dockerfile: String,
    },
}

impl ActionImage {
    /// As the log calls it. Source: GitHub: execution rules E1.1.
    fn entry(&self) -> String {
        match self {
            Self::Named(name) => format!("Pull {name}"),
            Self::Built { action, .. } => format!("Build {action}"),
        }
    }
}

/// The images of a job: those that its steps name, and those of the actions that were found, whose folders are relative to
/// the work folder. Those to pull come first. Actions that are in the workspace nobody has read yet.
pub(crate) fn wanted(named: &[String], actions: &IndexMap<ActionRef, ResolvedAction>) -> Vec<ActionImage> {
    let mut pulled: IndexSet<ActionImage> = named.iter().map(|it| ActionImage::Named(it.clone())).collect();
    let mut built = IndexSet::new();
    for (action, found) in actions {
        match &found.manifest.runs.kind {
            RunsKind::Container { image, .. } => match (image_name(image), &found.folder) {
                (Some(name), _) => _ = pulled.insert(ActionImage::Named(name.to_owned())),
                (None, Some(folder)) => {
                    let dockerfile = format!("{folder}/{image}").trim_start_matches('/').to_owned();
                    built.insert(ActionImage::Built { action: action.to_string(), dockerfile });
                }
                (None, None) => {}
            },
            RunsKind::Composite(steps) => {
                let images = steps.iter().filter_map(Step::image);
                pulled.extend(images.map(|it| ActionImage::Named(it.to_owned())));
            }
            RunsKind::Node { .. } => {}
        }
    }
    pulled.into_iter().chain(built).collect()
}

/// Where images are made ready.
pub(crate) struct Workshop<'a> {
    pub(crate) settings: &'a RunSettings,
    pub(crate) engine: &'a DockerBackend,
    /// The job's work folder on this machine.
    pub(crate) work_dir: &'a Path,
    /// What the job's log begins with: its image, and how its workspace was filled.
    pub(crate) begin: (Option<String>, &'static str),
}

/// Pulls and builds images one after another, each as an entry of the job's log; the first that fails is the last.
///
/// Gives back the names under which the engine has those that were built; nothing if one failed.
pub(crate) async fn prepare(
    workshop: &Workshop<'_>,
    images: Vec<ActionImage>,
    telling: &Telling<'_>,
) -> Option<HashSet<String>> {
    let mut ready = HashSet::new();
    for image in images {
        let (job, (own, workspace)) = (telling.job.clone(), workshop.begin.clone());
        let entry = Entry::Image { name: image.entry() };
        telling.facts.send(FactKind::EntryBegins { job: job.clone(), entry, image: own, workspace }).await.ok();
        let (log, lines) = Log::new();
        let told = tell(job.clone(), telling.facts.clone(), lines);
        let mut hurry = telling.hurry.clone();
        let made = tokio::select! {
            made = workshop.make(&image, &log) => made,
            _ = hurry.wait_for(|it| *it) => Err("it was given up, because the job was cancelled".to_owned()),
        };
        drop(log);
        told.await.ok();
        let error = made.as_ref().err().cloned();
        telling.facts.send(FactKind::ImageReady { job, error }).await.ok();
        ready.extend(made.ok()?);
    }
    Some(ready)
}

impl Workshop<'_> {
    /// Gives back the name of an image that was built.
    async fn make(&self, image: &ActionImage, log: &Log) -> Result<Option<String>, String> {
        let (image, built) = match image {
            ActionImage::Named(name) => {
                (RunImage::Named { name: name.clone(), may_pull: !self.settings.offline }, None)
            }
            ActionImage::Built { dockerfile, .. } => {
                let tag = tag(&self.settings.repository, dockerfile);
                let arguments = self.settings.outbound.proxies_elsewhere();
                let dockerfile = self.work_dir.join(dockerfile);
                (RunImage::Built { dockerfile, tag: tag.clone(), arguments }, Some(tag))
            }
        };
        self.engine.make_image(&image, log).await.map(|_| built)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use wfrun_journal::How;
    use wfrun_syntax::Source;
    use wfrun_workflow::{UsesTarget, lower_action};

    use super::*;

    fn action(name: &str, manifest: &str) -> (ActionRef, ResolvedAction) {
        let source = Source::new("action.yml", manifest);
        let parsed = wfrun_syntax::parse(&source);
        let manifest = lower_action(&source, parsed.value.as_ref()).value.unwrap_or_else(|| panic!("{manifest}"));
        let Some(UsesTarget::Repository(action)) = UsesTarget::parse(name) else { panic!("{name}") };
        let path = if action.path.is_empty() { String::new() } else { format!("/{}", action.path) };
        let folder = Some(format!("/_actions/{}/{}{path}", action.repository(), action.git_ref));
        (action, ResolvedAction { manifest: Arc::new(manifest), how: How::Real, folder })
    }

    #[test]
    fn each_image_once_and_those_to_pull_first() {
        let actions = IndexMap::from([
            action("o/built/in@v1", "name: a\nruns: {using: docker, image: Dockerfile}\n"),
            action("o/named@v1", "name: a\nruns: {using: docker, image: 'docker://alpine:3'}\n"),
            action("o/js@v1", "name: a\nruns: {using: node20, main: a.js}\n"),
            action(
                "o/both@v1",
                "name: a\nruns: {using: composite, steps: [{uses: 'docker://busybox'}, {uses: ./x}]}\n",
            ),
        ]);
        let images = wanted(&["debian:12".to_owned(), "alpine:3".to_owned()], &actions);
        let entries: Vec<String> = images.iter().map(ActionImage::entry).collect();
        assert_eq!(entries, ["Pull debian:12", "Pull alpine:3", "Pull busybox", "Build o/built/in@v1"]);
        let dockerfile = "_actions/o/built/v1/in/Dockerfile".to_owned();
        assert_eq!(images[3], ActionImage::Built { action: "o/built/in@v1".to_owned(), dockerfile });
    }
}
