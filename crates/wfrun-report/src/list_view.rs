//! The workflows of a repository, for people and for programs.
mod json;
mod text;

use indexmap::IndexMap;
use wfrun_syntax::{Diagnostic, Location, Place};
use wfrun_workflow::{CallSecrets, Field, Workflow, open_references, references};

pub use json::list_json;
pub use text::list_text;

/// A workflow file as it is listed.
#[derive(Debug)]
pub enum Listed {
    /// One that can be read.
    Valid(Box<Workflow>),
    /// One with errors.
    Invalid {
        /// The file.
        path: String,
        /// The first error.
        error: Box<Diagnostic>,
    },
}

/// The names that a workflow refers to in a context, each with its places, in the order of the file.
fn names(workflow: &Workflow, context: &str) -> IndexMap<String, Vec<Location>> {
    let mut names: IndexMap<String, Vec<Location>> = IndexMap::new();
    let mut found = references(workflow, context);
    found.sort_by_key(|it| it.span.start);
    for reference in found {
        // GitHub keeps the names of both in upper case, and gives each run this one secret itself.
        let name = reference.name.to_ascii_uppercase();
        if context == "secrets" && name == "GITHUB_TOKEN" {
            continue;
        }
        let place = Place { source: workflow.source.clone(), span: reference.span }.start();
        let places = names.entry(name).or_default();
        if !places.contains(&place) {
            places.push(place);
        }
    }
    if context == "secrets" {
        // What a caller has to give need not be used.
        let declared = workflow.on.event("workflow_call").into_iter().flat_map(|it| &it.secrets);
        for (name, spec) in declared {
            let place = Place { source: workflow.source.clone(), span: spec.span }.start();
            names.entry(name.to_ascii_uppercase()).or_insert_with(|| vec![place]);
        }
    }
    names
}

/// Where a context is used with a name that only the run can tell, or as a whole.
fn open_names(workflow: &Workflow, context: &str) -> Vec<Location> {
    let mut found = open_references(workflow, context);
    found.sort_by_key(|it| it.start);
    let mut places: Vec<Location> =
        found.into_iter().map(|span| Place { source: workflow.source.clone(), span }.start()).collect();
    places.dedup();
    places
}

/// The jobs that hand all secrets to the workflow they call.
fn inheriting(workflow: &Workflow) -> Vec<String> {
    let inherits =
        |it: &&wfrun_workflow::Job| it.call.as_ref().is_some_and(|it| matches!(it.secrets, CallSecrets::Inherit));
    workflow.jobs.values().filter(inherits).map(|it| it.id.value.to_string()).collect()
}

/// What a job calls, as written.
fn calls(workflow: &Workflow, job: &wfrun_workflow::Job) -> Option<String> {
    let target = &job.call.as_ref()?.target;
    Some(workflow.source.slice(target.span).trim_matches(['"', '\'']).to_owned())
}

/// A default as written.
fn default(field: Option<&Field>) -> Option<String> {
    field.map(Field::raw)
}
