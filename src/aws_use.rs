//! Whether a run has to do with AWS, so that it gets an account on this machine.
use std::collections::BTreeSet;

use wfrun_workflow::{Job, StepKind, WorkflowSet, references};

use crate::aws_keys;
use crate::aws_names::{asks_aws, uses_aws};
use crate::cli::{AwsChoice, RunArgs};
use crate::own_files::OwnFiles;
use crate::settings::Loaded;

/// Programs that run what a file of a fixed name says.
const FILES_OF_PROGRAMS: [(&str, &str); 6] = [
    ("make", "Makefile"),
    ("npm", "package.json"),
    ("yarn", "package.json"),
    ("pnpm", "package.json"),
    ("just", "justfile"),
    ("task", "Taskfile.yml"),
];

/// Whether it is to be emulated: where that is asked for, or the workflow, an action or a script of the repository that it
/// names, or the value of a secret that it takes has to do with AWS.
///
/// Differs: a run gets an AWS account where its workflows, actions and scripts of its repository, or its secrets tell of AWS, or with
/// `--aws emulate`; else there is none, and AWS's names lead nowhere.
pub(crate) fn is_emulated(args: &RunArgs, loaded: &Loaded, files: &OwnFiles) -> bool {
    match args.aws {
        Some(AwsChoice::Off) => false,
        Some(AwsChoice::Emulate) => true,
        None => uses_aws(&loaded.set) || takes_a_key(loaded) || any_file(&loaded.set, files, &mut asks_aws),
    }
}

fn takes_a_key(loaded: &Loaded) -> bool {
    let taken = loaded.set.workflows().flat_map(|it| references(it, "secrets")).map(|it| it.name.to_ascii_uppercase());
    taken.filter_map(|it| loaded.secrets.get(&it)).any(|it| aws_keys::holds_a_key(it.expose()))
}

/// Whether an answer is true of an action or a script of the repository that the workflows name, of actions within them, too.
pub(crate) fn any_file(set: &WorkflowSet, files: &OwnFiles, answer: &mut dyn FnMut(&str) -> bool) -> bool {
    let mut actions = BTreeSet::new();
    for step in set.workflows().flat_map(|it| it.jobs.values()).flat_map(Job::all_steps) {
        let asks = match &step.kind {
            StepKind::Uses(uses) => {
                files.action_of(uses).is_some_and(|text| any_of_action(&text, files, answer, &mut actions))
            }
            StepKind::Run(run) => any_of_script(&run.script.raw(), files, answer),
            StepKind::Wait(_) | StepKind::WaitAll | StepKind::Cancel(_) | StepKind::Parallel(_) => false,
        };
        if asks {
            return true;
        }
    }
    false
}

/// `seen` are the folders of actions that were looked at.
fn any_of_action(
    text: &str,
    files: &OwnFiles,
    answer: &mut dyn FnMut(&str) -> bool,
    seen: &mut BTreeSet<String>,
) -> bool {
    if answer(text) || any_of_script(text, files, answer) {
        return true;
    }
    let others: Vec<&str> = words(text).filter(|it| it.starts_with("./") && seen.insert((*it).to_owned())).collect();
    others.iter().any(|it| files.action(it).is_some_and(|text| any_of_action(&text, files, answer, seen)))
}

/// Whether it is true of a file that a script names; one level, as that file may name hundreds.
fn any_of_script(script: &str, files: &OwnFiles, answer: &mut dyn FnMut(&str) -> bool) -> bool {
    let mut named: BTreeSet<&str> = BTreeSet::new();
    for word in words(script) {
        let of_program = FILES_OF_PROGRAMS.iter().find(|(program, _)| *program == word).map(|(_, file)| *file);
        named.extend(of_program.or_else(|| (word.contains(['.', '/']) && word.len() > 2).then_some(word)));
    }
    named.iter().any(|it| files.read(it).is_some_and(|text| answer(&text)))
}

/// What may be a name in a script or in YAML.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|it: char| it.is_whitespace() || "'\";&|()={},[]".contains(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(steps: &str) -> WorkflowSet {
        let text = format!("on: push\njobs: {{j: {{runs-on: x, steps: {steps}}}}}\n");
        let source = wfrun_syntax::Source::new("w.yml", text);
        let node = wfrun_syntax::parse(&source).value;
        WorkflowSet::alone(std::sync::Arc::new(wfrun_workflow::lower(&source, node.as_ref()).value))
    }

    #[test]
    fn what_files_of_the_repository_do() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            std::fs::write(path, text).expect("a file");
        };
        write("deploy.sh", "#!/bin/sh\naws ecs update-service\n");
        write("tools/up.py", "import boto3\n");
        write("Makefile", "deploy:\n\tpython -m build\n");
        write("package.json", "{\"dependencies\": {\"@aws-sdk/client-s3\": \"3\"}}");
        write("plain.sh", "echo awsome\n");
        write("act/action.yml", "runs:\n  using: composite\n  steps:\n  - uses: ./inner\n");
        write(
            "inner/action.yml",
            "runs:\n  steps:\n  - uses: aws-actions/configure-aws-credentials@v4\n  - uses: ./act\n",
        );
        write("calls/action.yml", "runs:\n  steps: [{run: ./deploy.sh, shell: bash}]\n");
        let files = OwnFiles::below(folder.path());
        for (steps, expected) in [
            ("[{run: ./deploy.sh prod}]", true),
            ("[{run: 'cd . && bash deploy.sh'}]", true),
            ("[{run: python tools/up.py}]", true),
            ("[{run: make deploy}]", false),
            ("[{run: npm run deploy}]", true),
            ("[{run: ./plain.sh}]", false),
            ("[{uses: ./act}]", true),
            ("[{uses: ./calls}]", true),
            ("[{parallel: [{uses: ./act}]}]", true),
            ("[{uses: ./none}]", false),
        ] {
            assert_eq!(any_file(&set(steps), &files, &mut asks_aws), expected, "{steps}");
        }
    }
}
