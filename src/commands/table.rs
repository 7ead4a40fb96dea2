//! `wfrun table`: jobs and situations in one screen.
use wfrun_report::{Column, table_json, table_markdown, table_text};
use wfrun_workflow::{EventName, Workflow};

use crate::cli::{EventArgs, TableArgs};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::foresight::{Foreseen, Foresight};
use crate::output::{Help, Output};

/// Shows what a workflow comes to in several situations.
pub(crate) fn table(args: &TableArgs, environment: &Environment, output: &Output) -> anyhow::Result<Exit> {
    let foresight = match Foresight::open(&args.situation, &args.foresee, environment, output)? {
        Ok(foresight) => foresight,
        Err(exit) => return Ok(exit),
    };
    let workflow = &foresight.set.root;
    let default_branch = foresight.default_branch(&args.situation);
    let names = if args.events.is_empty() { usual(workflow, &default_branch) } else { args.events.clone() };
    let mut found: Vec<(String, Foreseen)> = Vec::new();
    for name in names {
        let event = happening(&name, &args.situation.happening)?;
        found.push((name, foresight.foresee(&event, &args.foresee.force)?));
    }
    // What holds for several situations is said once.
    let mut told: Vec<&str> = Vec::new();
    for notice in found.iter().flat_map(|(_, it)| &it.notices) {
        if !told.contains(&notice.as_str()) {
            told.push(notice);
            Output::note(notice);
        }
    }
    let columns = found.iter().map(|(name, it)| Column { name, gates: &it.gates, outlook: &it.outlook });
    let columns: Vec<Column<'_>> = columns.collect();
    Output::data(&if args.json {
        format!("{:#}\n", table_json(&columns))
    } else if args.markdown {
        table_markdown(&columns)
    } else {
        table_text(&columns, &output.stdout)
    });
    Ok(Exit::Success)
}

/// The situation that `EVENT[:REF]` names, other options as they are given; the ref of a pull request is its base.
fn happening(name: &str, given: &EventArgs) -> anyhow::Result<EventArgs> {
    let (event, git_ref) = match name.split_once(':') {
        Some((event, git_ref)) => (event, Some(git_ref.to_owned())),
        None => (name, None),
    };
    if event.is_empty() || git_ref.as_ref().is_some_and(String::is_empty) {
        let help = "write EVENT or EVENT:REF, for example `push:main` or `pull_request:main`";
        return Err(Help::error("cli/events", format!("`--events {name}` is no situation"), help));
    }
    let mut happening = given.clone();
    happening.event = Some(event.to_owned());
    if event.starts_with("pull_request") {
        happening.base = git_ref.or(happening.base);
    } else {
        happening.git_ref = git_ref.or(happening.git_ref);
    }
    Ok(happening)
}

/// The situations that a person asks about first: each event that the workflow listens to, and pushes of a branch and a tag.
fn usual(workflow: &Workflow, default_branch: &str) -> Vec<String> {
    let mut names = Vec::new();
    for event in workflow.on.events.keys().map(EventName::as_str).filter(|it| *it != "workflow_call") {
        match event {
            "push" => {
                names.extend([format!("push:{default_branch}"), "push:feature/x".to_owned()]);
                names.push("push:refs/tags/v1.0.0".to_owned());
            }
            _ if event.starts_with("pull_request") => names.push(format!("{event}:{default_branch}")),
            _ => names.push(event.to_owned()),
        }
    }
    names
}
