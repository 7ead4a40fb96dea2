//! Which AWS resources a workflow names.
//!
//! They are found in its `env`, in the inputs of the AWS actions and in the `aws` commands of its scripts.
use std::collections::HashSet;

use indexmap::IndexMap;
use wfrun_aws::{UNKNOWN, Wanted, WantedService, WantedTaskDefinition};
use wfrun_expr::{Called, Object, Scope, Value};
use wfrun_workflow::{
    EnvMap, Field, Job, RunStep, Step, StepKind, UsesStep, Workflow, WorkflowSet, references, references_in,
};

use self::scripts::{Asked, Call, asked};
pub(crate) use self::steps::{Beforehand, of_step};

mod account;
mod scripts;
mod steps;

/// Programs and libraries that ask for AWS.
const PROGRAMS: [&str; 8] = ["aws", "awslocal", "boto3", "botocore", "cdk", "chalice", "ecs-cli", "eksctl"];
/// What else tells of it.
const TRACES: [&str; 6] = ["aws-actions/", "aws-sdk", "AWS_ACCESS_KEY_ID", "amazonaws.com", "sam deploy", "sam build"];

/// Whether a text, such as a script, asks for AWS.
pub(crate) fn asks_aws(text: &str) -> bool {
    TRACES.iter().any(|it| text.contains(it)) || words(text).iter().any(|it| PROGRAMS.contains(&it.as_str()))
}

/// Whether workflows have to do with AWS: an action of AWS's, an `aws` command, or a secret that is named like a key.
pub(crate) fn uses_aws(set: &WorkflowSet) -> bool {
    set.workflows().any(|it| one_uses_aws(it))
}

fn one_uses_aws(workflow: &Workflow) -> bool {
    if references(workflow, "secrets").iter().any(|it| it.name.to_ascii_uppercase().contains("AWS_")) {
        return true;
    }
    let mut steps = workflow.jobs.values().flat_map(Job::all_steps);
    steps.any(|step| match &step.kind {
        StepKind::Uses(uses) => uses.action().is_some_and(|it| it.owner.eq_ignore_ascii_case("aws-actions")),
        StepKind::Run(run) => asks_aws(&run.script.raw()),
        StepKind::Wait(_) | StepKind::WaitAll | StepKind::Cancel(_) | StepKind::Parallel(_) => false,
    })
}

/// The AWS resources that workflows name, as far as that can be told before they run, and what else is known of them.
///
/// `values` are texts from outside that a run takes, such as its secrets and variables, by their names.
pub(crate) fn aws_names<'v>(
    set: &WorkflowSet,
    values: impl Iterator<Item = (&'v str, &'v str)>,
) -> (Wanted, Beforehand) {
    let names = Names::of(set);
    let beforehand = names.beforehand();
    (Wanted { account: account::number(set, values), ..names.finish() }, beforehand)
}

impl Names {
    fn of(set: &WorkflowSet) -> Self {
        let mut names = Self::default();
        for (workflow, job) in set.workflows().flat_map(|it| it.jobs.values().map(move |job| (it, job))) {
            let env = within(&IndexMap::new(), &workflow.env);
            let env = within(&env, &job.env);
            names.read_env(&env);
            for step in job.all_steps() {
                names.read_step(step, &env, &|run| shell(run, job, workflow));
            }
        }
        names
    }
}

/// The program of a step's shell, none where nobody says one.
fn shell(run: &RunStep, job: &Job, workflow: &Workflow) -> String {
    let said = [run.shell.as_ref(), job.defaults.shell.as_ref(), workflow.defaults.shell.as_ref()];
    let said = said.into_iter().flatten().next().map(Field::raw).unwrap_or_default();
    said.split(' ').next().unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned()
}

/// A kind of resource that a workflow names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Repository,
    Cluster,
    Service,
    /// Of task definitions.
    Family,
}

/// The names as they are found; each kind in order of appearance.
///
/// What a workflow creates before it uses it is not there before. A variable is no use: many workflows create what theirs name.
#[derive(Debug, Default)]
struct Names {
    region: Option<String>,
    wanted: IndexMap<(Kind, String), Wish>,
    /// What variables have literally.
    of_variables: HashSet<(Kind, String)>,
    /// Kinds of which something is created whose name only a run can tell, and how it begins.
    some_created: HashSet<(Kind, String)>,
    containers: Vec<String>,
}

/// What is known of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    /// A variable has it.
    Named,
    /// It is used.
    Used,
    /// It is created before it is used.
    Created,
}

impl Names {
    /// Whatever comes first counts, but that a name alone is nothing yet.
    fn note(&mut self, kind: Kind, name: &str, wish: Wish) {
        if name.is_empty() {
            return;
        }
        if wish == Wish::Named {
            self.of_variables.insert((kind, name.to_owned()));
        }
        let known = self.wanted.entry((kind, name.to_owned())).or_insert(wish);
        if *known == Wish::Named {
            *known = wish;
        }
    }

    fn read_env(&mut self, env: &IndexMap<String, String>) {
        for (name, value) in env {
            match name.as_str() {
                "AWS_REGION" | "AWS_DEFAULT_REGION" => self.region = self.region.take().or(Some(value.clone())),
                "ECR_REPOSITORY" => self.note(Kind::Repository, value, Wish::Named),
                "ECS_CLUSTER" => self.note(Kind::Cluster, value, Wish::Named),
                "ECS_SERVICE" => self.note(Kind::Service, value, Wish::Named),
                // Many workflows keep a file's path in this variable.
                "ECS_TASK_DEFINITION" if !value.contains(['/', '.']) => self.note(Kind::Family, value, Wish::Named),
                "CONTAINER_NAME" => add(&mut self.containers, value),
                _ => {}
            }
        }
    }

    fn read_step(&mut self, step: &Step, env: &IndexMap<String, String>, shell: &dyn Fn(&RunStep) -> String) {
        let env = within(env, &step.env);
        match &step.kind {
            StepKind::Uses(uses) => self.read_inputs(uses, &env),
            StepKind::Run(run) => {
                for it in asked(&run.script.raw(), &shell(run), &env) {
                    if let Asked::Aws(call) = it {
                        self.read_call(&call);
                    }
                }
            }
            StepKind::Wait(_) | StepKind::WaitAll | StepKind::Cancel(_) | StepKind::Parallel(_) => {}
        }
    }

    fn read_inputs(&mut self, uses: &UsesStep, env: &IndexMap<String, String>) {
        if !uses.action().is_some_and(|it| it.owner.eq_ignore_ascii_case("aws-actions")) {
            return;
        }
        for (name, value) in literals(&uses.with, env) {
            match name.to_ascii_lowercase().as_str() {
                "aws-region" => self.region = self.region.take().or(Some(value)),
                "cluster" => self.note(Kind::Cluster, &value, Wish::Used),
                "service" => self.note(Kind::Service, &value, Wish::Used),
                "container-name" => add(&mut self.containers, &value),
                "task-definition-family" => self.note(Kind::Family, &value, Wish::Used),
                _ => {}
            }
        }
    }

    fn read_call(&mut self, call: &Call) {
        let service = call.service.as_str();
        let creates = call.creates();
        for (option, value) in &call.options {
            if let Some((kind, _)) = creates.filter(|(_, it)| it == option) {
                if let Some((beginning, _)) = value.split_once(UNKNOWN) {
                    self.some_created.insert((kind, beginning.to_owned()));
                } else {
                    self.note(kind, value, Wish::Created);
                }
                continue;
            }
            if value.contains(UNKNOWN) {
                continue;
            }
            match (service, option.as_str()) {
                ("ecs", "--cluster") => self.note(Kind::Cluster, value, Wish::Used),
                ("ecs", "--service" | "--services") => self.note(Kind::Service, value, Wish::Used),
                ("ecs", "--task-definition") => {
                    self.note(Kind::Family, family(value).unwrap_or_default(), Wish::Used);
                }
                ("ecr", "--repository-name" | "--repository-names") => self.note(Kind::Repository, value, Wish::Used),
                _ => {}
            }
        }
    }

    fn beforehand(&self) -> Beforehand {
        let created = self.wanted.iter().filter(|(_, wish)| **wish == Wish::Created).map(|(key, _)| key.clone());
        Beforehand {
            created: created.collect(),
            some_created: self.some_created.clone(),
            containers: self.containers.clone(),
            names_repositories: self.wanted.keys().any(|(kind, _)| *kind == Kind::Repository),
        }
    }

    /// What is to be there from the start. What steps name comes when their turn does, as more is known of it then.
    fn finish(self) -> Wanted {
        let of_variables = &self.of_variables;
        let all = |kind: Kind| {
            let names = self.wanted.iter().filter(move |((it, _), wish)| *it == kind && **wish != Wish::Created);
            names.filter(|(it, _)| of_variables.contains(it)).map(|((_, name), _)| name.clone())
        };
        // Services are in the first cluster, also where the workflow creates that.
        let cluster = self.wanted.keys().find(|it| it.0 == Kind::Cluster && of_variables.contains(*it));
        let cluster = cluster.map(|(_, name)| name.clone());
        let cluster = cluster.unwrap_or_else(|| "default".to_owned());
        let services = all(Kind::Service).map(|service| WantedService {
            cluster: cluster.clone(),
            service,
            by_code_deploy: false,
        });
        let task_definitions =
            all(Kind::Family).map(|family| WantedTaskDefinition { family, containers: self.containers.clone() });
        Wanted {
            account: None,
            region: self.region.clone(),
            repositories: all(Kind::Repository).collect(),
            clusters: all(Kind::Cluster).collect(),
            services: services.collect(),
            task_definitions: task_definitions.collect(),
        }
    }
}

/// The family that a name or an ARN of a task definition says, with or without a revision; none for a file.
fn family(name: &str) -> Option<&str> {
    let is_file = !name.starts_with("arn:") && name.contains('/') || name.starts_with("file:");
    let name = name.rsplit('/').next().filter(|_| !is_file)?;
    name.split(':').next()
}

fn add(list: &mut Vec<String>, value: &str) {
    if !value.is_empty() && !list.iter().any(|it| it == value) {
        list.push(value.to_owned());
    }
}

/// The variables that are known where `map` is set within `env`: one with a value that is not known is not the outer one.
fn within(env: &IndexMap<String, String>, map: &EnvMap) -> IndexMap<String, String> {
    let mut all = env.clone();
    for (name, field) in map.iter() {
        match text(field, env) {
            Some(value) => drop(all.insert(name.to_owned(), value)),
            None => drop(all.shift_remove(name)),
        }
    }
    all
}

/// The entries of a mapping whose values can be told before a run.
fn literals(map: &EnvMap, env: &IndexMap<String, String>) -> IndexMap<String, String> {
    map.iter().filter_map(|(name, field)| Some((name.to_owned(), text(field, env)?))).collect()
}

fn text(field: &Field, env: &IndexMap<String, String>) -> Option<String> {
    let is_known = field.template.contexts_used().iter().all(|it| it == "env")
        // A variable that is not known is not empty.
        && references_in(field, "env").iter().all(|it| env.contains_key(&it.name));
    let trace = field.template.evaluate(&Known::of(env)).ok().filter(|_| is_known)?;
    Some(trace.value().to_text())
}

/// A scope that knows `env` only.
struct Known(Object);

impl Known {
    fn of(env: &IndexMap<String, String>) -> Self {
        Self(Object::case_sensitive(env.iter().map(|(name, value)| (name.clone(), Value::string(value)))))
    }
}

impl Scope for Known {
    fn context(&self, name: &str) -> Value {
        if name.eq_ignore_ascii_case("env") { Value::Object(self.0.clone()) } else { Value::Null }
    }

    fn call(&self, _: &str, _: &[Value]) -> Called {
        Called::NotYet
    }
}

/// The words of a command line, as far as quotes go.
fn words(line: &str) -> Vec<String> {
    let separators = |it: char| it.is_whitespace() || matches!(it, '(' | ')' | ';' | '|' | '&' | '=');
    let words = line.split(separators).map(|it| it.trim_matches(['"', '\'', '`']).to_owned());
    words.filter(|it| !it.is_empty()).collect()
}

#[cfg(test)]
mod tests;
