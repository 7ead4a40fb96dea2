//! What actions ask of AWS.
//!
//! Source: the AWS rules 1.2 to 1.5; the README of `docker/login-action`, "AWS Elastic Container Registry (ECR)".
use indexmap::IndexMap;
use serde_json::{Map, Value, json};
use wfrun_aws::{ForeseenPermission, RequestTarget, UNKNOWN};
use wfrun_syntax::eq_ignoring_case;
use wfrun_workflow::{ActionRef, Step, UsesStep, UsesTarget};

use super::Asks;
use super::definition::Definition;
use super::docker_command::{Place, Transfer};
use super::known::Known;

/// Actions of which is known what they ask for.
const KNOWN: [&str; 7] = [
    "aws-actions/amazon-ecr-login",
    "aws-actions/amazon-ecs-deploy-task-definition",
    "aws-actions/amazon-ecs-render-task-definition",
    "aws-actions/configure-aws-credentials",
    "docker/build-push-action",
    "docker/login-action",
    "docker/metadata-action",
];

/// Owners whose actions ask AWS for nothing.
const SILENT_OWNERS: [&str; 2] = ["actions", "github"];

/// Others that ask AWS for nothing.
const SILENT: [&str; 4] = [
    "docker/setup-buildx-action",
    "docker/setup-docker-action",
    "docker/setup-qemu-action",
    "hashicorp/setup-terraform",
];

/// An action with its inputs.
struct Inputs<'a> {
    known: &'a Known<'a>,
    uses: &'a UsesStep,
    env: &'a IndexMap<String, String>,
}

impl Inputs<'_> {
    /// An input that is given and not empty.
    fn get(&self, name: &str) -> Option<String> {
        let given = self.uses.with.iter().find(|(it, _)| eq_ignoring_case(it, name));
        match given {
            Some((_, field)) => Some(self.known.text_with(field, self.env)).filter(|it| !it.is_empty()),
            None => self.uses.with.computed().map(|_| UNKNOWN.to_string()),
        }
    }

    /// Whether an input is not, for certain, switched off.
    fn may_be_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(|it| !eq_ignoring_case(&it, "false"))
    }

    /// An input of several lines, each with several values.
    fn values(&self, name: &str) -> Vec<String> {
        let text = self.get(name).unwrap_or_default();
        text.split(['\n', ',']).map(str::trim).filter(|it| !it.is_empty()).map(ToOwned::to_owned).collect()
    }
}

impl Known<'_> {
    /// Whether it is known what an action asks for.
    pub(super) fn knows(action: &ActionRef) -> bool {
        let name = action.with_path().to_ascii_lowercase();
        KNOWN.contains(&name.as_str()) || is_silent(action, &name)
    }

    /// What a step with `uses:` asks for; what it leaves for others is known from then on.
    pub(super) fn uses(&mut self, step: &Step, uses: &UsesStep) -> Asks {
        let env = self.env_of(step);
        let has_keys = self.sees_keys(&env);
        let by = format!("`{}`", uses.target.value);
        let UsesTarget::Repository(action) = &uses.target.value else {
            return if has_keys { Asks::not_known(&by) } else { Asks::default() };
        };
        let mut asks = Asks::by(&by);
        match action.with_path().to_ascii_lowercase().as_str() {
            "aws-actions/configure-aws-credentials" => self.configure(step, uses, &env, &mut asks),
            "aws-actions/amazon-ecr-login" => self.ecr_login(step, uses, &env, &mut asks),
            "aws-actions/amazon-ecs-render-task-definition" => self.render(step, uses, &env, &mut asks),
            "aws-actions/amazon-ecs-deploy-task-definition" => self.deploy(uses, &env, &mut asks),
            "docker/login-action" => self.docker_login(uses, &env, &mut asks),
            "docker/metadata-action" => self.metadata(step, uses, &env),
            "docker/build-push-action" => self.build_push(uses, &env, &mut asks),
            name if is_silent(action, name) || !has_keys => {}
            _ => return Asks::not_known(&by),
        }
        if !has_keys && action.owner.eq_ignore_ascii_case("docker") {
            // Most registries have nothing to do with AWS.
            asks.not_known.clear();
        }
        asks
    }

    fn inputs<'a>(&'a self, uses: &'a UsesStep, env: &'a IndexMap<String, String>) -> Inputs<'a> {
        Inputs { known: self, uses, env }
    }

    fn configure(&mut self, step: &Step, uses: &UsesStep, env: &IndexMap<String, String>, asks: &mut Asks) {
        let inputs = self.inputs(uses, env);
        let (region, role) = (inputs.get("aws-region"), inputs.get("role-to-assume"));
        let is_signed = inputs.get("aws-access-key-id").is_some() || inputs.may_be_on("role-chaining");
        let mut asked = Map::new();
        for (member, input, default) in
            [("RoleSessionName", "role-session-name", Some("GitHubActions")), ("ExternalId", "role-external-id", None)]
        {
            let value = inputs.get(input).or(default.map(ToOwned::to_owned));
            asked.extend(value.map(|it| (member.to_owned(), it.into())));
        }
        if !inputs.may_be_on("role-skip-session-tagging") {
            let keys = ["GitHub", "Repository", "Workflow", "Action", "Actor", "Commit", "Branch"];
            let tags: Vec<Value> = keys.iter().map(|it| json!({"Key": it, "Value": UNKNOWN.to_string()})).collect();
            asked.insert("Tags".to_owned(), tags.into());
        }
        if let Some(region) = region {
            self.export("AWS_REGION", &region);
            self.export("AWS_DEFAULT_REGION", &region);
        }
        self.account = UNKNOWN.to_string();
        if let Some(role) = role {
            let account = role.strip_prefix("arn:").and_then(|it| it.split(':').nth(3));
            self.account = account.unwrap_or(&self.account).to_owned();
            // A token of GitHub's is not signed with keys: the role's trust policy alone lets it in.
            if !is_signed && env.contains_key("AWS_ACCESS_KEY_ID") {
                asks.not_known.push(format!("whether {} assumes the role with keys", asks.by));
            }
            if is_signed {
                let is_name = !role.starts_with("arn:") && !role.starts_with(UNKNOWN);
                let arn = if is_name { format!("arn:aws:iam::{UNKNOWN}:role/{role}") } else { role };
                asked.insert("RoleArn".to_owned(), arn.into());
                asks.needs.extend(
                    ForeseenPermission::of_operation("sts", "AssumeRole", &asked, &self.target(env))
                        .unwrap_or_default(),
                );
            }
        }
        self.has_keys = true;
        self.set_output(step, "aws-account-id", self.account.clone());
    }

    fn ecr_login(&mut self, step: &Step, uses: &UsesStep, env: &IndexMap<String, String>, asks: &mut Asks) {
        let (inputs, target) = (self.inputs(uses, env), self.target(env));
        let is_public = inputs.get("registry-type").is_some_and(|it| eq_ignoring_case(&it, "public"));
        let account = match inputs.values("registries").as_slice() {
            [] => target.account.clone(),
            [one] => one.clone(),
            _ => UNKNOWN.to_string(),
        };
        asks.needs.extend(log_in(is_public, &target));
        let registry =
            if is_public { "public.ecr.aws".to_owned() } else { wfrun_aws::registry_name(&account, &target.region) };
        self.set_output(step, "registry", registry);
    }

    fn render(&mut self, step: &Step, uses: &UsesStep, env: &IndexMap<String, String>, asks: &mut Asks) {
        let inputs = self.inputs(uses, env);
        let mut definition = if let Some(file) = inputs.get("task-definition") {
            self.definition(&file)
        } else {
            let family = inputs.get("task-definition-family");
            if family.is_some() || inputs.get("task-definition-arn").is_some() {
                asks.needs.extend(operation("DescribeTaskDefinition", &json!({}), &self.target(env)));
            }
            Definition::unknown(family.as_deref())
        };
        for (input, member) in [("execution-role-arn", "executionRoleArn"), ("task-role-arn", "taskRoleArn")] {
            if let Some(role) = inputs.get(input) {
                definition.set(member, &role);
            }
        }
        // No file has this name: it stands for the one that the step writes.
        let file = format!("{UNKNOWN}/{}", step.id.as_str());
        self.set_output(step, "task-definition", &*file);
        self.definitions.insert(file, definition);
    }

    fn deploy(&self, uses: &UsesStep, env: &IndexMap<String, String>, asks: &mut Asks) {
        let (inputs, target) = (self.inputs(uses, env), self.target(env));
        let definition = inputs.get("task-definition").map(|it| self.definition(&it));
        let definition = definition.unwrap_or_else(|| Definition::unknown(None));
        asks.needs.extend(definition.needs(&target));
        let cluster = inputs.get("cluster").unwrap_or_else(|| "default".to_owned());
        if inputs.may_be_on("run-task") {
            asks.needs.extend(definition.needs_to_run(&cluster, &target));
            if inputs.may_be_on("wait-for-task-stopped") {
                let input = json!({"cluster": cluster, "tasks": [UNKNOWN.to_string()]});
                asks.needs.extend(operation("DescribeTasks", &input, &target));
            }
        }
        let Some(service) = inputs.get("service") else { return };
        let described = json!({"cluster": cluster, "services": [service]});
        asks.needs.extend(operation("DescribeServices", &described, &target));
        let is_code_deploy = ["application", "appspec", "deployment-group"];
        if is_code_deploy.iter().any(|it| inputs.get(&format!("codedeploy-{it}")).is_some()) {
            asks.not_known.push(format!("what {} asks of CodeDeploy", asks.by));
        } else {
            let updated = json!({"cluster": cluster, "service": service});
            asks.needs.extend(operation("UpdateService", &updated, &target));
        }
    }

    /// Into ECR it logs in with a token that it asks for itself.
    fn docker_login(&self, uses: &UsesStep, env: &IndexMap<String, String>, asks: &mut Asks) {
        let inputs = self.inputs(uses, env);
        let Some(registry) = inputs.get("registry") else { return };
        if inputs.get("ecr").is_some_and(|it| eq_ignoring_case(&it, "false")) {
            return;
        }
        match Place::of(&registry) {
            Place::Ecr { target, .. } => asks.needs.extend(log_in(false, &target)),
            Place::NotKnown => asks.not_known.push(format!("whether {} logs into ECR", asks.by)),
            Place::Elsewhere if registry.starts_with("public.ecr.aws") => {
                asks.needs.extend(log_in(true, &self.target(env)));
            }
            Place::Elsewhere => {}
        }
    }

    fn metadata(&mut self, step: &Step, uses: &UsesStep, env: &IndexMap<String, String>) {
        let images = self.inputs(uses, env).get("images").unwrap_or_default();
        let images = images.lines().map(str::trim).filter(|it| !it.is_empty());
        // `name=…,enable=…` is the other way to write one.
        let names =
            images.map(|it| it.split(',').next().unwrap_or(it)).map(|it| it.strip_prefix("name=").unwrap_or(it));
        let tags: Vec<String> = names.map(|it| format!("{it}:{UNKNOWN}")).collect();
        self.set_output(step, "tags", tags.join("\n"));
    }

    fn build_push(&self, uses: &UsesStep, env: &IndexMap<String, String>, asks: &mut Asks) {
        let inputs = self.inputs(uses, env);
        let outputs = inputs.get("outputs").unwrap_or_default();
        if inputs.may_be_on("push") || outputs.contains("push=true") || outputs.contains("type=registry") {
            for tag in inputs.values("tags") {
                asks.transfer(Transfer::Push, &tag);
            }
        }
        for (input, what) in [("cache-from", Transfer::Pull), ("cache-to", Transfer::Push)] {
            for reference in inputs.values(input).iter().filter_map(|it| it.strip_prefix("ref=")) {
                asks.transfer(what, reference);
            }
        }
    }
}

fn is_silent(action: &ActionRef, name: &str) -> bool {
    SILENT_OWNERS.iter().any(|it| action.owner.eq_ignore_ascii_case(it)) || SILENT.contains(&name)
}

fn operation(name: &str, input: &Value, target: &RequestTarget) -> Vec<ForeseenPermission> {
    let input = input.as_object().cloned().unwrap_or_default();
    ForeseenPermission::of_operation("ecs", name, &input, target).unwrap_or_default()
}

/// What a token for a registry needs.
///
/// Source: AWS ECR public user guide, "Registry authentication".
pub(super) fn log_in(is_public: bool, target: &RequestTarget) -> Vec<ForeseenPermission> {
    let actions: &[&str] = if is_public {
        &["ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken"]
    } else {
        &["ecr:GetAuthorizationToken"]
    };
    actions.iter().map(|action| ForeseenPermission::new(action, "*", target)).collect()
}
