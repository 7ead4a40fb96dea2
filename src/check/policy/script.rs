//! What the commands of a script ask of AWS.
use indexmap::IndexMap;
use wfrun_aws::UNKNOWN;
use wfrun_workflow::shell_script::{self, Command, Word};
use wfrun_workflow::{RunStep, Step};

use super::known::Known;
use super::{Asks, At, Walk, aws_command, docker_command};

/// Programs that talk to AWS, or run what may.
const OTHERS: [&str; 28] = [
    "ansible-playbook",
    "cargo",
    "cdk",
    "copilot",
    "docker-compose",
    "eb",
    "ecs-cli",
    "ecs-deploy",
    "eksctl",
    "go",
    "helm",
    "just",
    "kubectl",
    "make",
    "node",
    "npm",
    "npx",
    "packer",
    "pnpm",
    "pulumi",
    "python",
    "python3",
    "sam",
    "serverless",
    "sls",
    "terraform",
    "terragrunt",
    "yarn",
];

/// Of those, what they do without running anything of the repository's.
const HARMLESS: [&str; 9] = ["--version", "-V", "build", "ci", "fmt", "install", "test", "validate", "version"];

/// Programs that change no file that is named behind them.
const READERS: [&str; 12] = ["[", "aws", "cat", "diff", "docker", "echo", "grep", "head", "jq", "ls", "tail", "test"];

impl Walk<'_> {
    pub(super) fn script(&mut self, step: &Step, run: &RunStep) {
        let env = self.known.env_of(step);
        let raw = run.script.raw();
        let place = run.script.node.place();
        if !self.is_for_posix(run) {
            if self.known.sees_keys(&env) || raw.contains("aws ") {
                self.tell(&Asks::not_known("this script, which is not for bash or sh,"), At { place, focus: None });
            }
            return;
        }
        let known = shell_script::Known {
            variables: &env,
            expression: &|inner| self.known.expression(inner, &env),
            substitution: &|_| UNKNOWN.to_string(),
            unknown: UNKNOWN,
        };
        let script = shell_script::read(&raw, &known);
        let folder = [run.working_directory.as_ref(), self.job.defaults.working_directory.as_ref()];
        let folder = folder.into_iter().flatten().next().or(self.workflow.defaults.working_directory.as_ref());
        let mut is_elsewhere = folder.is_some();
        for command in &script.commands {
            is_elsewhere |= ["cd", "pushd"].contains(&command.words[0].text.as_str());
            let is_reader = READERS.contains(&command.words[0].text.as_str());
            let changed = command.words[1..].iter().filter(|_| !is_reader).map(|it| &it.text);
            for file in command.writes.iter().chain(changed) {
                let file = file.trim_start_matches("./");
                self.known.definitions.remove(file);
                self.known.written.insert(file.to_owned());
                self.known.is_lost |= is_elsewhere && file.contains('.');
            }
            let asks = asks_of(&mut self.known, &env, command);
            if let Some((asks, words)) = asks {
                let range = words
                    .iter()
                    .map(|it| &it.range)
                    .fold(words[0].range.clone(), |all, it| all.start.min(it.start)..all.end.max(it.end));
                let number = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
                let focus = Some(run.script.span_of(&(number(range.start)..number(range.end))));
                self.tell(&asks, At { place, focus });
            }
        }
        if script.is_broken && self.known.sees_keys(&env) {
            self.tell(
                &Asks::not_known("a part of this script, which does not end as it begins,"),
                At { place, focus: None },
            );
        }
    }

    /// Whether the step's shell is bash or sh, which it is where nobody says another, but for Windows.
    fn is_for_posix(&self, run: &RunStep) -> bool {
        let said = [run.shell.as_ref(), self.job.defaults.shell.as_ref(), self.workflow.defaults.shell.as_ref()];
        let Some(shell) = said.into_iter().flatten().next() else {
            return !self.job.runs_on.iter().any(|it| it.raw().to_ascii_lowercase().contains("windows"));
        };
        let shell = shell.template.as_literal().unwrap_or_default();
        let program = shell.split(' ').next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
        ["bash", "sh"].contains(&program)
    }
}

/// What a command asks for, and the words that say so.
fn asks_of<'w>(
    known: &mut Known<'_>,
    env: &IndexMap<String, String>,
    command: &'w Command,
) -> Option<(Asks, &'w [Word])> {
    let words = command.started(&["aws", "docker"]);
    let first = words.first()?;
    let program = first.program();
    match program {
        "aws" => {
            let (asks, said) = aws_command::read(known, env, words, &command.writes)?;
            Some((asks, &words[..said.min(words.len())]))
        }
        "docker" | "podman" | "nerdctl" => {
            let (mut asks, said) = docker_command::read(words)?;
            if !known.sees_keys(env) {
                // Most registries have nothing to do with AWS.
                asks.not_known.clear();
            }
            Some((asks, &words[..said.min(words.len())]))
        }
        _ => {
            let is_local =
                first.text.contains('/') && !first.text.starts_with("/usr/") && !first.text.starts_with("/bin/");
            let second = words.get(1).map_or("", |it| it.text.as_str());
            let runs_script = ["bash", "sh", "source", "."].contains(&program) && second.contains(['/', '.']);
            let runs_other = OTHERS.contains(&program) && !second.is_empty() && !HARMLESS.contains(&second);
            let may_ask = is_local || runs_script || runs_other || program == "make";
            if !may_ask || !known.sees_keys(env) {
                return None;
            }
            let said = if is_local || second.is_empty() { 1 } else { 2 };
            let shown: Vec<&str> = words[..said].iter().map(|it| it.text.as_str()).collect();
            let shown = shown.join(" ").replace(UNKNOWN, "…");
            Some((Asks::not_known(&format!("`{shown}`")), &words[..said]))
        }
    }
}
