//! `wfrun list`: the workflows of a repository.
use std::path::Path;

use wfrun_report::{Listed, list_json, list_text};
use wfrun_syntax::{Checked, Diagnostic};
use wfrun_workflow::{ReadOptions, read_workflow};

use crate::cli::ListArgs;
use crate::exit::Exit;
use crate::find;
use crate::output::{Help, Output};

/// Lists the workflows below `.github/workflows`; one that cannot be read is listed as such.
pub(crate) fn list(args: &ListArgs, output: &Output) -> anyhow::Result<Exit> {
    let from = find::directory(args.directory.as_deref())?;
    let Some(folder) = find::around(&from) else {
        let help = format!("there is no `{}` here or above: give a folder with `-C`", find::WORKFLOWS);
        return Err(Help::error("workflow/not-found", "there are no workflows", help));
    };
    let all: Vec<Listed> = find::files_in(&folder).iter().map(|it| read(it)).collect();
    if all.is_empty() {
        Output::note(&format!("{} is empty", folder.display()));
    }
    Output::data(&if args.json { format!("{:#}\n", list_json(&all)) } else { list_text(&all, &output.stdout) });
    Ok(Exit::Success)
}

fn read(path: &Path) -> Listed {
    let found = match find::read(path) {
        Ok(found) => found,
        Err(err) => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let path = format!("{}/{name}", find::WORKFLOWS);
            return Listed::Invalid { path, error: Box::new(Output::finding(&err)) };
        }
    };
    let Checked { value: workflow, diagnostics } = read_workflow(&found.source, ReadOptions::default());
    match diagnostics.into_iter().find(Diagnostic::is_error) {
        Some(error) => Listed::Invalid { path: found.source.path().to_owned(), error: Box::new(error) },
        None => Listed::Valid(Box::new(workflow)),
    }
}
