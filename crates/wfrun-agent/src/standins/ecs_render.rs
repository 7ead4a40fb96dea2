//! Stand-in for `aws-actions/amazon-ecs-render-task-definition`: a new image into a task definition.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::Invocation;
use super::aws_client::{AwsClient, ECS};
use super::error::StandInError;
use super::toolkit;

const USER_AGENT: &str = "amazon-ecs-render-task-definition-for-github-actions";

/// What `DescribeTaskDefinition` returns and `RegisterTaskDefinition` does not take.
///
/// Source: the AWS rules §1.4: these eight and no others (`enableFaultInjection` stays).
pub(super) const READ_ONLY: [&str; 8] = [
    "compatibilities",
    "taskDefinitionArn",
    "requiresAttributes",
    "revision",
    "status",
    "registeredAt",
    "deregisteredAt",
    "registeredBy",
];

const LOG_DRIVERS: [&str; 9] =
    ["json-file", "syslog", "journald", "logentries", "gelf", "fluentd", "awslogs", "splunk", "awsfirelens"];

/// Runs the action.
///
/// Source: the AWS rules §1.4, and the README of `aws-actions/amazon-ecs-render-task-definition`.
pub(super) fn run(_: &Invocation) -> Result<(), StandInError> {
    let changes = Changes::from_inputs()?;
    let mut definition = load()?;
    changes.apply(&mut definition)?;
    for name in READ_ONLY {
        if let Some(members) = definition.as_object_mut() {
            members.shift_remove(name);
        }
    }
    let path = write(&definition)?;
    toolkit::set_output("task-definition", &path)
}

fn load() -> Result<Value, StandInError> {
    let file = toolkit::input("task-definition");
    let (arn, family) = (toolkit::input("task-definition-arn"), toolkit::input("task-definition-family"));
    let revision = toolkit::input("task-definition-revision");
    let reference = if !file.is_empty() {
        toolkit::info("Task definition file will be used.");
        return load_file(&file);
    } else if !arn.is_empty() {
        toolkit::info("The task definition arn will be used to fetch task definition");
        arn
    } else if !family.is_empty() && !revision.is_empty() {
        toolkit::info("The specified revision of the task definition family will be used to fetch task definition");
        format!("{family}:{revision}")
    } else if !family.is_empty() {
        toolkit::info("The latest revision of the task definition family will be used to fetch task definition");
        family
    } else if !revision.is_empty() {
        return Err(StandInError::action(
            "You can't fetch task definition with just revision: Either use task definition file, arn or family name",
        ));
    } else {
        return Err(StandInError::action(
            "Either task definition, task definition arn or task definition family must be provided",
        ));
    };
    let client = AwsClient::from_environment(USER_AGENT).map_err(StandInError::from_sdk)?;
    let request = json!({ "taskDefinition": reference, "include": ["TAGS"] });
    let mut answer = client.json(ECS, "DescribeTaskDefinition", &request).map_err(|error| {
        let error = StandInError::Aws(error);
        toolkit::error(&format!("Failed to describe task definition in ECS: {}", error.chain()));
        error
    })?;
    let tags = answer["tags"].take();
    let mut definition = answer["taskDefinition"].take();
    if !tags.is_null() && definition.is_object() {
        definition["tags"] = tags;
    }
    Ok(definition)
}

fn load_file(file: &str) -> Result<Value, StandInError> {
    // An absolute path replaces the workspace, as `join` has it.
    let path = toolkit::path_variable("GITHUB_WORKSPACE")?.join(file);
    if !path.exists() {
        return Err(StandInError::action(format!("Task definition file does not exist: {file}")));
    }
    let text = fs::read_to_string(&path).map_err(StandInError::file("read", &path))?;
    serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
        let hint =
            if text.trim().is_empty() { " (the file is empty: the command that wrote it may have failed)" } else { "" };
        StandInError::action(format!("{}: {error}{hint}", path.display()))
    })
}

/// The file keeps its name and lives to the end of the job: later steps read it.
fn write(definition: &Value) -> Result<String, StandInError> {
    let folder = toolkit::path_variable("RUNNER_TEMP")?;
    let failed = || StandInError::file("write a file in", Path::new(&folder));
    // Created for its owner alone (0600).
    let mut file = tempfile::Builder::new()
        .prefix("task-definition-")
        .suffix(".json")
        .rand_bytes(12)
        .tempfile_in(&folder)
        .map_err(failed())?;
    let text = serde_json::to_string_pretty(definition).expect("a JSON value can be written as JSON");
    file.write_all(text.as_bytes()).map_err(failed())?;
    let (_, path) = file.keep().map_err(|error| failed()(error.error))?;
    Ok(path.to_string_lossy().into_owned())
}

/// What the inputs change.
#[derive(Debug, Default)]
struct Changes {
    containers: Vec<String>,
    image: String,
    command: Vec<String>,
    environment: Vec<(String, String)>,
    secrets: Vec<(String, String)>,
    env_files: Vec<String>,
    log_driver: String,
    log_options: Vec<(String, String)>,
    labels: Vec<(String, String)>,
    task_role: String,
    execution_role: String,
}

impl Changes {
    fn from_inputs() -> Result<Self, StandInError> {
        let containers = toolkit::required_input("container-name")?;
        let image = toolkit::required_input("image")?;
        let names: Vec<String> = containers.split(',').map(str::to_owned).collect();
        if names.iter().any(String::is_empty) {
            return Err(StandInError::action(
                "Invalid format for container name. Please use a single value or comma separated values",
            ));
        }
        let command = toolkit::input("command");
        Ok(Self {
            containers: names,
            image,
            command: if command.is_empty() { Vec::new() } else { command.split(' ').map(str::to_owned).collect() },
            environment: pairs("environment-variables", |line| {
                format!(
                    "Cannot parse the environment variable '{line}'. Environment variable pairs must be of the form \
                     NAME=value."
                )
            })?,
            secrets: pairs("secrets", |line| {
                format!(
                    "Cannot parse the secret '{line}'. Secret pairs must be of the form NAME=valueFrom, where valueFrom \
                     is an arn from parameter store or secrets manager. See AWS documentation for more information: \
                     https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specifying-sensitive-data.html."
                )
            })?,
            env_files: toolkit::input_lines("env-files"),
            log_driver: log_driver()?,
            log_options: options("log-configuration-options")?,
            labels: options("docker-labels")?,
            task_role: role("task-role-arn")?,
            execution_role: role("execution-role-arn")?,
        })
    }

    fn apply(&self, definition: &mut Value) -> Result<(), StandInError> {
        for name in &self.containers {
            let containers = definition["containerDefinitions"].as_array_mut().ok_or_else(|| {
                StandInError::action(
                    "Invalid task definition format: containerDefinitions section is not present or is not an array",
                )
            })?;
            let container = containers.iter_mut().find(|it| it["name"] == json!(name)).ok_or_else(|| {
                StandInError::action("Invalid task definition: Could not find container definition with matching name")
            })?;
            self.apply_to(container);
        }
        for (member, arn) in [("taskRoleArn", &self.task_role), ("executionRoleArn", &self.execution_role)] {
            if !arn.is_empty() {
                definition[member] = json!(arn);
            }
        }
        Ok(())
    }

    fn apply_to(&self, container: &mut Value) {
        container["image"] = json!(self.image);
        if !self.command.is_empty() {
            container["command"] = json!(self.command);
        }
        if !self.env_files.is_empty() {
            let files = self.env_files.iter().map(|file| json!({ "value": file, "type": "s3" }));
            container["environmentFiles"] = files.collect();
        }
        merge(container, "environment", "value", &self.environment);
        merge(container, "secrets", "valueFrom", &self.secrets);
        if !self.log_driver.is_empty() {
            object(container, "logConfiguration").insert("logDriver".to_owned(), json!(self.log_driver));
        }
        if !self.log_options.is_empty() {
            object(container, "logConfiguration");
            let options = object(&mut container["logConfiguration"], "options");
            options.extend(self.log_options.iter().map(|(key, value)| (key.clone(), json!(value))));
        }
        if !self.labels.is_empty() {
            let labels = object(container, "dockerLabels");
            labels.extend(self.labels.iter().map(|(key, value)| (key.clone(), json!(value))));
        }
    }
}

/// Replaces entries of the same name and appends new ones.
fn merge(container: &mut Value, list: &str, member: &str, pairs: &[(String, String)]) {
    if pairs.is_empty() {
        return;
    }
    if !container[list].is_array() {
        container[list] = json!([]);
    }
    let Some(entries) = container[list].as_array_mut() else { return };
    for (name, value) in pairs {
        match entries.iter_mut().find(|entry| entry["name"] == json!(name)) {
            Some(entry) => entry[member] = json!(value),
            None => entries.push(json!({ "name": name, member: value })),
        }
    }
}

/// The object under `member`, made where there is none.
fn object<'a>(parent: &'a mut Value, member: &str) -> &'a mut Map<String, Value> {
    if !parent[member].is_object() {
        parent[member] = json!({});
    }
    parent[member].as_object_mut().expect("an object was put there")
}

fn pairs(input: &str, message: impl Fn(&str) -> String) -> Result<Vec<(String, String)>, StandInError> {
    let split = |line: String| match line.split_once('=') {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err(StandInError::action(message(&line))),
    };
    toolkit::input_lines(input).into_iter().map(split).collect()
}

/// As the action: what follows a second `=` is lost.
fn options(input: &str) -> Result<Vec<(String, String)>, StandInError> {
    let found = pairs(input, |line| {
        format!("Can't parse logConfiguration option {line}. Must be in key=value format, one per line")
    })?;
    Ok(found.into_iter().map(|(key, value)| (key, value.split('=').next().unwrap_or_default().to_owned())).collect())
}

fn log_driver() -> Result<String, StandInError> {
    let driver = toolkit::input("log-configuration-log-driver");
    if driver.is_empty() || LOG_DRIVERS.contains(&driver.as_str()) {
        return Ok(driver);
    }
    Err(StandInError::action(format!(
        "'{driver}' is invalid logConfigurationLogDriver. valid options are {}. More details: \
         https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LogConfiguration.html",
        LOG_DRIVERS.join(",")
    )))
}

fn role(input: &str) -> Result<String, StandInError> {
    let arn = toolkit::input(input);
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let is_valid = match parts.as_slice() {
        ["arn", partition, "iam", "", account, resource] => {
            let partitions = ["aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f"];
            partitions.contains(partition)
                && account.len() == 12
                && account.bytes().all(|byte| byte.is_ascii_digit())
                && resource.strip_prefix("role/").is_some_and(|name| !name.is_empty())
        }
        _ => arn.is_empty(),
    };
    if is_valid {
        return Ok(arn);
    }
    Err(StandInError::action(format!(
        "Invalid ARN format for {input}. Expected format: arn:aws:iam::<account-id>:role/<role-name>"
    )))
}
