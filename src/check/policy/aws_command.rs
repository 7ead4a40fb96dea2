//! The commands of the AWS CLI.
//!
//! Source: AWS CLI command reference; botocore's `xform_name` makes the options of the members' names.
use indexmap::IndexMap;
use serde_json::{Map, Value, json};
use wfrun_aws::{ForeseenPermission, RequestTarget, UNKNOWN};
use wfrun_workflow::shell_script::Word;

use super::Asks;
use super::definition::Definition;
use super::known::Known;
use super::uses::log_in;
use crate::aws_cli::{Parts, is_global};

/// Services by the CLI's names, with those of actions, and whether their members begin with a capital.
const SERVICES: [(&str, &str, bool); 7] = [
    ("ec2", "ec2", true),
    ("ecr", "ecr", false),
    ("ecs", "ecs", false),
    ("elbv2", "elasticloadbalancing", true),
    ("iam", "iam", true),
    ("logs", "logs", false),
    ("sts", "sts", true),
];

/// Commands that ask AWS for nothing.
const SILENT: [&str; 3] = ["configure", "help", "--version"];

/// What a waiter asks for, again and again.
const WAITERS: [(&str, &str, &str); 11] = [
    ("ecr", "image-scan-complete", "describe-image-scan-findings"),
    ("ecs", "services-inactive", "describe-services"),
    ("ecs", "services-stable", "describe-services"),
    ("ecs", "tasks-running", "describe-tasks"),
    ("ecs", "tasks-stopped", "describe-tasks"),
    ("elbv2", "load-balancer-available", "describe-load-balancers"),
    ("elbv2", "load-balancers-deleted", "describe-load-balancers"),
    ("elbv2", "target-in-service", "describe-target-health"),
    ("elbv2", "target-deregistered", "describe-target-health"),
    ("iam", "role-exists", "get-role"),
    ("iam", "user-exists", "get-user"),
];

/// Options with a list, where one value is a list, too.
const LISTS: [&str; 12] = [
    "--clusters",
    "--load-balancer-arns",
    "--repository-names",
    "--resource-arns",
    "--service-deployment-arns",
    "--service-revision-arns",
    "--services",
    "--tags",
    "--target-group-arns",
    "--task-definitions",
    "--tasks",
    "--transitive-tag-keys",
];

/// Reads a command whose first word is `aws`; `None` where it asks for nothing. Tells how many words say what it is, too.
pub(super) fn read(
    known: &mut Known<'_>,
    env: &IndexMap<String, String>,
    words: &[Word],
    writes: &[String],
) -> Option<(Asks, usize)> {
    let parts = Parts::of(words);
    let (service, operation) = (parts.named.first().copied()?, parts.named.get(1).copied().unwrap_or_default());
    if SILENT.contains(&service) || operation == "help" {
        return None;
    }
    let by = format!("`{}`", format!("aws {service} {operation}").trim_end()).replace(UNKNOWN, "…");
    let mut asks = Asks::by(&by);
    let mut target = known.target(env);
    if let Some(region) = parts.option("--region") {
        region.clone_into(&mut target.region);
    }
    if parts.option("--profile").is_some() {
        // Another identity, which the policies are not of.
        return Some((Asks::not_known(&format!("{by} with another profile")), parts.said));
    }
    match (service, operation) {
        ("ecr", "get-login-password" | "get-login") => asks.needs = log_in(false, &target),
        ("ecr-public", "get-login-password") => asks.needs = log_in(true, &target),
        ("ecs", "register-task-definition") => asks.needs = parts.definition(known).needs(&target),
        ("ecs", "describe-task-definition") => {
            let family = parts.option("--task-definition").map(|it| it.rsplit('/').next().unwrap_or(it));
            let family = family.map(|it| it.split(':').next().unwrap_or(it).to_owned());
            for file in writes.iter().filter(|it| !it.contains(UNKNOWN)) {
                known
                    .definitions
                    .insert(file.trim_start_matches("./").to_owned(), Definition::unknown(family.as_deref()));
            }
            asks.needs.extend(parts.needs("ecs", operation, &target)?);
        }
        _ => {
            let operation = match operation {
                "wait" => {
                    let waiter = parts.named.get(2).copied().unwrap_or_default();
                    let asked = WAITERS.iter().find(|(of, name, _)| *of == service && *name == waiter);
                    asked.map_or("", |(_, _, asked)| asked)
                }
                "tail" if service == "logs" => "filter-log-events",
                other => other,
            };
            match parts.needs(service, operation, &target) {
                Some(needs) => asks.needs = needs,
                None => return Some((Asks::not_known(&by), parts.said)),
            }
        }
    }
    if parts.is_open && !asks.needs.is_empty() {
        asks.not_known.push(format!("of what {by} asks AWS"));
    }
    Some((asks, parts.said))
}

impl Parts<'_> {
    /// What an operation needs; `None` where that is not known.
    fn needs(&self, service: &str, operation: &str, target: &RequestTarget) -> Option<Vec<ForeseenPermission>> {
        let (_, prefix, is_capital) = SERVICES.iter().find(|(name, ..)| *name == service)?;
        let operation = member(operation, true);
        let input = self.input(*is_capital);
        let is_open = self.is_open
            || self.options.contains_key("--cli-input-json")
            || self.options.contains_key("--cli-input-yaml");
        let needs = ForeseenPermission::of_operation(prefix, &operation, &input, target)?;
        if is_open {
            // What the resource is may stand in what is not known.
            let action = format!("{prefix}:{operation}");
            return Some(vec![ForeseenPermission::new(&action, &UNKNOWN.to_string(), target)]);
        }
        Some(needs)
    }

    /// What the client sends, as far as rules ask for it.
    fn input(&self, is_capital: bool) -> Map<String, Value> {
        let mut input = Map::new();
        for (option, values) in &self.options {
            if is_global(option) || option.starts_with("--cli-") {
                continue;
            }
            let (name, flag) = match option.strip_prefix("--no-") {
                Some(name) if values.is_empty() => (name, false),
                _ => (option.trim_start_matches('-'), true),
            };
            input.insert(member(name, is_capital), value(option, values, flag));
        }
        // `aws logs tail GROUP`
        if let [_, "tail", group, ..] = self.named.as_slice() {
            input.insert("logGroupName".to_owned(), json!(group));
        }
        input
    }

    /// The task definition that is registered.
    fn definition(&self, known: &Known<'_>) -> Definition {
        if let Some(json) = self.option("--cli-input-json") {
            return match json.strip_prefix("file://") {
                Some(file) => known.definition(file),
                None => Definition::of_json(json).unwrap_or_else(|| Definition::unknown(None)),
            };
        }
        if self.is_open || self.options.contains_key("--cli-input-yaml") {
            return Definition::unknown(None);
        }
        Definition::of(self.input(false))
    }
}

/// The value of an option: JSON, a list, a text, or nothing, which is a flag.
fn value(option: &str, values: &[&str], flag: bool) -> Value {
    let is_list = LISTS.contains(&option);
    match values {
        [] => flag.into(),
        [text] if text.starts_with("file://") || text.starts_with("fileb://") => UNKNOWN.to_string().into(),
        [text] if text.starts_with(['[', '{']) => {
            serde_json::from_str(text).unwrap_or_else(|_| UNKNOWN.to_string().into())
        }
        all if option == "--tags" => all.iter().map(|it| tag(it)).collect(),
        [text] if !is_list => (*text).into(),
        all => all.iter().map(|it| Value::from(*it)).collect(),
    }
}

/// `key=team,value=news`, in the case of any service.
fn tag(text: &str) -> Value {
    let part = |name: &str| {
        let pairs = text.split(',').filter_map(|it| it.split_once('='));
        let mut found = pairs.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        found.next().map_or_else(|| UNKNOWN.to_string(), ToOwned::to_owned)
    };
    json!({"key": part("key"), "value": part("value"), "Key": part("key"), "Value": part("value")})
}

/// `task-definition` as a member's name, `describe-tasks` as an operation's.
fn member(name: &str, is_capital: bool) -> String {
    let mut out = String::new();
    for (at, part) in name.split('-').enumerate() {
        let mut letters = part.chars();
        match letters.next() {
            Some(first) if at > 0 || is_capital => out.extend(first.to_uppercase().chain(letters)),
            Some(first) => out.extend(std::iter::once(first).chain(letters)),
            None => {}
        }
    }
    out.replace("OpenId", "OpenID")
}
