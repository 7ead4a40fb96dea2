//! Which AWS resources a workflow names.
//!
//! They are found in its `env`, in the inputs of the AWS actions and in the `aws` commands of its scripts.
use std::collections::HashMap;

use indexmap::IndexMap;
use wfrun_aws::{Wanted, WantedService, WantedTaskDefinition};
use wfrun_expr::{Called, Object, Scope, Value};
use wfrun_workflow::{EnvMap, Field, Job, Step, StepKind, UsesStep, Workflow, WorkflowSet, references};

/// Programs and libraries that ask for AWS.
const PROGRAMS: [&str; 8] = ["aws", "awslocal", "boto3", "botocore", "cdk", "chalice", "ecs-cli", "eksctl"];
/// What else tells of it.
const TRACES: [&str; 6] = ["aws-actions/", "aws-sdk", "AWS_ACCESS_KEY_ID", "amazonaws.com", "sam deploy", "sam build"];

/// Whether a text, such as a script, asks for AWS.
pub fn asks_aws(text: &str) -> bool {
    TRACES.iter().any(|it| text.contains(it)) || words(text).iter().any(|it| PROGRAMS.contains(&it.as_str()))
}

/// Whether workflows have to do with AWS: an action of AWS's, an `aws` command, or a secret that is named like a key.
pub fn uses_aws(set: &WorkflowSet) -> bool {
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

/// The AWS resources that workflows name.
pub fn aws_names(set: &WorkflowSet) -> Wanted {
    let mut names = Names::default();
    for (workflow, job) in set.workflows().flat_map(|it| it.jobs.values().map(move |job| (it, job))) {
        let mut env = literals(&workflow.env, &IndexMap::new());
        let own = literals(&job.env, &env);
        env.extend(own);
        names.read_env(&env);
        for step in job.all_steps() {
            names.read_step(step, &env);
        }
    }
    names.finish()
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

/// Commands that create what an option names.
const CREATING: [(&str, &str, &str, Kind); 4] = [
    ("ecr", "create-repository", "--repository-name", Kind::Repository),
    ("ecs", "create-cluster", "--cluster-name", Kind::Cluster),
    ("ecs", "create-service", "--service-name", Kind::Service),
    ("ecs", "register-task-definition", "--family", Kind::Family),
];

/// The names as they are found; each kind in order of appearance.
///
/// What a workflow creates before it uses it is not there before. A variable is no use: many workflows create what theirs name.
#[derive(Debug, Default)]
struct Names {
    region: Option<String>,
    wanted: IndexMap<(Kind, String), Wish>,
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

    fn read_step(&mut self, step: &Step, env: &IndexMap<String, String>) {
        let mut env = env.clone();
        let own = literals(&step.env, &env);
        env.extend(own);
        match &step.kind {
            StepKind::Uses(uses) => self.read_inputs(uses, &env),
            StepKind::Run(run) => {
                if let Some(script) = text(&run.script, &env) {
                    self.read_script(&script, &env);
                } else {
                    // An expression that only a run can answer leaves the rest of the script readable.
                    self.read_script(&run.script.raw(), &env);
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

    fn read_script(&mut self, script: &str, env: &IndexMap<String, String>) {
        for line in script.replace("\\\n", " ").lines() {
            let words = words(line);
            let Some(start) = words.iter().position(|it| it == "aws") else { continue };
            let words: Vec<String> = words.iter().skip(start).map(|it| expand(it, env)).collect();
            let [service, operation] = [1, 2].map(|at| words.get(at).map_or("", String::as_str));
            let creates = CREATING.iter().find(|(of, name, _, _)| *of == service && *name == operation);
            for pair in words.windows(2) {
                let [flag, value] = pair else { continue };
                if value.contains('$') || value.is_empty() {
                    continue;
                }
                if let Some((_, _, _, kind)) = creates.filter(|(_, _, option, _)| option == flag) {
                    self.note(*kind, value, Wish::Created);
                    continue;
                }
                match (service, flag.as_str()) {
                    ("ecs", "--cluster") => self.note(Kind::Cluster, value, Wish::Used),
                    ("ecs", "--service" | "--services") => self.note(Kind::Service, value, Wish::Used),
                    ("ecs", "--task-definition") => {
                        self.note(Kind::Family, value.split(':').next().unwrap_or(value), Wish::Used);
                    }
                    ("ecr", "--repository-name" | "--repository-names") => {
                        self.note(Kind::Repository, value, Wish::Used);
                    }
                    _ => {}
                }
            }
        }
    }

    fn finish(self) -> Wanted {
        let all = |kind: Kind| {
            let names = self.wanted.iter().filter(move |((it, _), wish)| *it == kind && **wish != Wish::Created);
            names.map(|((_, name), _)| name.clone())
        };
        // Services are in the first cluster, also where the workflow creates that.
        let cluster = self.wanted.keys().find(|(kind, _)| *kind == Kind::Cluster).map(|(_, name)| name.clone());
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

fn add(list: &mut Vec<String>, value: &str) {
    if !value.is_empty() && !list.iter().any(|it| it == value) {
        list.push(value.to_owned());
    }
}

/// The entries of a mapping whose values can be told before a run.
fn literals(map: &EnvMap, env: &IndexMap<String, String>) -> IndexMap<String, String> {
    map.iter().filter_map(|(name, field)| Some((name.to_owned(), text(field, env)?))).collect()
}

fn text(field: &Field, env: &IndexMap<String, String>) -> Option<String> {
    let known = field.template.contexts_used().iter().all(|it| it == "env");
    let members = env.iter().map(|(name, value)| (name.clone(), Value::string(value)));
    let scope = Known(Object::case_sensitive(members));
    let trace = field.template.evaluate(&scope).ok().filter(|_| known)?;
    Some(trace.value().to_text())
}

/// A scope that knows `env` only.
struct Known(Object);

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

/// Replaces `$NAME` and `${NAME}` by what is known; the rest stays as it is.
fn expand(word: &str, env: &IndexMap<String, String>) -> String {
    let known: HashMap<&str, &str> = env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut out = String::new();
    let mut rest = word;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let braced = after.strip_prefix('{').and_then(|it| it.split_once('}'));
        let end = after.find(|it: char| !it.is_ascii_alphanumeric() && it != '_').unwrap_or(after.len());
        let (name, behind) = braced.unwrap_or_else(|| after.split_at(end));
        if let Some(value) = known.get(name) {
            out.push_str(value);
        } else {
            out.push('$');
            out.push_str(name);
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use wfrun_syntax::Source;

    use super::*;

    fn workflow(text: &str) -> WorkflowSet {
        let source = Source::new("w.yml", text);
        let parsed = wfrun_syntax::parse(&source);
        let lowered = wfrun_workflow::lower(&source, parsed.value.as_ref());
        assert!(!lowered.has_errors(), "{:?}", lowered.diagnostics);
        WorkflowSet::alone(std::sync::Arc::new(lowered.value))
    }

    #[test]
    fn found_everywhere() {
        let workflow = workflow(
            "on: push\nenv: {AWS_REGION: eu-west-1, C: web, ECR_REPOSITORY: shop}\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n    - uses: aws-actions/amazon-ecs-deploy-task-definition@v1\n      with: {service: front, cluster: '${{ env.C }}', task-definition: x.json}\n    - run: |\n        aws ecs describe-task-definition \\\n          --task-definition \"${C}-task:3\" --query x\n        aws ecr describe-repositories --repository-names=other $UNKNOWN\n",
        );
        assert!(uses_aws(&workflow));
        let wanted = aws_names(&workflow);
        assert_eq!(wanted.region.as_deref(), Some("eu-west-1"));
        assert_eq!(wanted.repositories, ["shop", "other"]);
        assert_eq!(wanted.clusters, ["web"]);
        let services: Vec<_> = wanted.services.iter().map(|it| (it.cluster.as_str(), it.service.as_str())).collect();
        assert_eq!(services, [("web", "front")]);
        let families: Vec<_> = wanted.task_definitions.iter().map(|it| it.family.as_str()).collect();
        assert_eq!(families, ["web-task"]);
    }

    /// Commands find what they create absent, and the rest there.
    #[test]
    fn what_is_created_is_not_there_before() {
        let commands = [
            "aws ecr create-repository --repository-name fresh",
            "aws ecr describe-images --repository-name fresh",
            "aws ecs create-cluster --cluster-name c",
            "aws ecs register-task-definition --family f --container-definitions x",
            "aws ecs create-service --cluster c --service-name s --task-definition f:1",
            "aws ecs wait services-stable --cluster c --services s",
            "aws ecs describe-services --cluster c --services old",
            "aws ecs create-service --cluster c --service-name old --task-definition known",
        ];
        let steps: Vec<String> = commands.iter().map(|it| format!("{{run: '{it}'}}")).collect();
        let text = format!(
            "on: push\nenv: {{ECR_REPOSITORY: fresh, ECS_CLUSTER: c}}\njobs: {{a: {{runs-on: x, steps: [{}]}}}}\n",
            steps.join(", ")
        );
        let wanted = aws_names(&workflow(&text));
        assert_eq!(wanted.repositories, [] as [&str; 0]);
        assert_eq!(wanted.clusters, [] as [&str; 0]);
        let services: Vec<_> = wanted.services.iter().map(|it| it.service.as_str()).collect();
        assert_eq!(services, ["old"]);
        let families: Vec<_> = wanted.task_definitions.iter().map(|it| it.family.as_str()).collect();
        assert_eq!(families, ["known"]);
    }

    #[test]
    fn a_key_is_enough() {
        let text = "on: push\njobs: {a: {runs-on: x, steps: [{run: deploy.py, env: {K: '${{ secrets.prod_aws_access_key_id }}'}}]}}\n";
        assert!(uses_aws(&workflow(text)));
    }

    /// What is overlooked would meet the real AWS.
    #[test]
    fn also_in_a_parallel_group() {
        let step = "{parallel: [{run: aws ecs describe-clusters --cluster web}, {run: b}]}";
        let workflow = workflow(&format!("on: push\njobs: {{a: {{runs-on: x, steps: [{step}]}}}}\n"));
        assert!(uses_aws(&workflow));
        assert_eq!(aws_names(&workflow).clusters, ["web"]);
    }

    #[test]
    fn nothing_to_do_with_aws() {
        let workflow = workflow("on: push\njobs: {a: {runs-on: x, steps: [{run: 'echo awsome'}]}}\n");
        assert!(!uses_aws(&workflow));
    }
}
