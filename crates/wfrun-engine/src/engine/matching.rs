//! Problem matchers of a job: added, removed, and asked about each line.
//!
//! Source: GitHub: execution rules E4.5 (actions/runner `OutputManager.cs`).
use wfrun_journal::AnnotationLevel;
use wfrun_plan::JobKey;

use super::Engine;
use super::lines::Origin;
use crate::matcher::read_matchers;
use crate::output::{Held, ReadFor};
use crate::{Command, Effect};

impl Engine {
    /// Asks for a file of matchers; until it is read, what the process prints has to wait.
    pub(super) fn ask_for_matchers(&mut self, from: &Origin, line: &str, reads: ReadFor, file: &str) {
        if file.is_empty() {
            return self.annotate(&from.job, AnnotationLevel::Warning, "File path must be specified.");
        }
        let environment = self.jobs.get(&from.job).and_then(|it| it.environment.as_ref());
        let workspace = environment.map_or("", |it| it.layout.workspace.as_str());
        let path = if file.starts_with('/') { file.to_owned() } else { format!("{workspace}/{file}") };
        self.outputs.hold(from, line, reads);
        let (job, process) = (from.job.clone(), from.process);
        self.turn.effects.push(Effect::ReadFile { job, process, path });
    }

    pub(super) fn remove_matcher(&mut self, from: &Origin, line: &str, command: &Command) {
        let owner = command.properties.get("owner").filter(|it| !it.is_empty());
        let wrong = match (owner, command.data.as_str()) {
            (Some(owner), "") => return self.remove_matchers(from, std::slice::from_ref(owner)),
            (None, file) if !file.is_empty() => return self.ask_for_matchers(from, line, ReadFor::Removing, file),
            (Some(_), _) => {
                "Either specify an owner name or a file path in ##[remove-matcher] command. Both values cannot be set."
            }
            (None, _) => "Either an owner name or a file path must be specified in ##[remove-matcher] command.",
        };
        self.annotate(&from.job, AnnotationLevel::Warning, wrong);
    }

    /// A file that was asked for: what had to wait goes on.
    pub(super) fn file_read(&mut self, job: &JobKey, process: u64, text: Result<String, String>) {
        let Some(Held { from, line, reads, mut facts }) = self.outputs.release(job, process) else { return };
        if let Some(state) = self.jobs.get_mut(job) {
            state.turn_to(process);
        }
        match (text.and_then(|it| read_matchers(&it)), reads) {
            (Ok(configs), ReadFor::Adding) if !configs.is_empty() => {
                let owners: Vec<String> = configs.iter().map(|it| format!("'{}'", it.owner)).collect();
                self.outputs.add(&from, configs);
                let owners = owners.join(", ");
                self.debug(&from, &format!("Added matchers: {owners}. Problem matchers scan action output for known warning or error strings and report these inline."));
            }
            (Ok(configs), ReadFor::Removing) => {
                let owners: Vec<String> = configs.into_iter().map(|it| it.owner).collect();
                self.remove_matchers(&from, &owners);
            }
            (Ok(_), ReadFor::Adding) => {}
            (Err(reason), ReadFor::Adding | ReadFor::Removing) => self.fail_command(&from, &line, &reason),
        }
        while let Some(fact) = facts.pop_front() {
            // One of them may ask for a file again.
            if let Some(fact) = self.outputs.keep(fact) {
                self.take_in(fact);
            }
        }
    }

    fn remove_matchers(&mut self, from: &Origin, owners: &[String]) {
        self.outputs.remove(&from.job, owners);
        let owners: Vec<String> = owners.iter().map(|it| format!("'{it}'")).collect();
        self.debug(from, &format!("Removed matchers: {}", owners.join(", ")));
    }

    /// Whether a matcher made a problem of a line.
    pub(super) fn matched(&mut self, from: &Origin, line: &str) -> bool {
        let Some(matchers) = self.outputs.matchers(from) else { return false };
        let (mut problems, mut failed) = (Vec::new(), Vec::new());
        for at in 0..matchers.len() {
            match matchers.get_mut(at).map(|it| it.take(line)) {
                Some(Ok(Some(problem))) => {
                    let others = matchers.iter_mut().enumerate().filter(|(other, _)| *other != at);
                    others.for_each(|(_, it)| it.reset());
                    let level = level(problem.severity.as_deref());
                    let has_message = problem.message.as_ref().is_some_and(|it| !it.trim().is_empty());
                    if let Some(level) = level.filter(|_| has_message) {
                        problems.push((level, problem));
                        break;
                    }
                }
                Some(Err(_)) => failed.push(at),
                Some(Ok(None)) | None => {}
            }
        }
        // Those that cannot cope with a line go, for the rest of the step.
        let gone: Vec<String> = failed.iter().rev().map(|at| matchers.remove(*at).config.owner.clone()).collect();
        for owner in gone.iter().rev() {
            let message = format!(
                "Removing issue matcher '{owner}'. Matcher failed 3 times. Error: The Regex engine has timed out while trying to match a pattern to an input string. This can occur for many reasons, including very large inputs or excessive backtracking caused by nested quantifiers, back-references and other factors."
            );
            self.annotate(&from.job, AnnotationLevel::Warning, &message);
        }
        let Some((level, problem)) = problems.pop() else { return false };
        self.problem(from, level, &problem, line);
        true
    }
}

fn level(severity: Option<&str>) -> Option<AnnotationLevel> {
    match severity.unwrap_or_default().to_ascii_lowercase().as_str() {
        "" | "error" => Some(AnnotationLevel::Error),
        "warning" => Some(AnnotationLevel::Warning),
        "notice" => Some(AnnotationLevel::Notice),
        _ => None,
    }
}
