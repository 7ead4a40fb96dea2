//! Permissions of ECS.

use serde_json::Value;

use super::{Need, Rule, any, arn_in, pass_role, resource, tag_resource, text, texts, with_tags};
use crate::account::Call;

/// Who plays the roles of task definitions.
const TASKS: &str = "ecs-tasks.amazonaws.com";

pub(super) const RULES: &[(&str, Rule)] = &[
    ("CreateCluster", create_cluster),
    ("DescribeClusters", clusters),
    ("ListClusters", any),
    ("DeleteCluster", cluster),
    ("UpdateCluster", cluster),
    ("RegisterTaskDefinition", register_task_definition),
    ("DescribeTaskDefinition", any),
    ("ListTaskDefinitions", any),
    ("ListTaskDefinitionFamilies", any),
    ("DeregisterTaskDefinition", any),
    ("DeleteTaskDefinitions", task_definitions),
    ("CreateService", create_service),
    ("DescribeServices", services),
    ("ListServices", any),
    ("UpdateService", update_service),
    ("DeleteService", service),
    ("RunTask", run_task),
    ("StopTask", task),
    ("DescribeTasks", tasks),
    ("ListTasks", any),
    ("ExecuteCommand", execute_command),
    ("ListServiceDeployments", service),
    ("DescribeServiceDeployments", service_deployments),
    ("DescribeServiceRevisions", service_revisions),
    ("StopServiceDeployment", service_deployment),
    ("TagResource", tag_resource),
    ("UntagResource", resource),
    ("ListTagsForResource", resource),
];

/// The last part of a name that may be an ARN.
fn short(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

fn cluster_name(call: Call<'_>) -> &str {
    text(call, "cluster").or_else(|| text(call, "clusterName")).map_or("default", short)
}

fn cluster_arn(call: Call<'_>) -> String {
    call.arns().cluster(cluster_name(call))
}

fn cluster(call: Call<'_>, action: &str) -> Vec<Need> {
    vec![Need::new(action, cluster_arn(call))]
}

fn create_cluster(call: Call<'_>, action: &str) -> Vec<Need> {
    with_tags(call, cluster(call, action), "tags", "ecs:TagResource")
}

fn clusters(call: Call<'_>, action: &str) -> Vec<Need> {
    match texts(call, "clusters") {
        none if none.is_empty() => vec![Need::new(action, call.arns().cluster("default"))],
        names => names.into_iter().map(|name| Need::new(action, call.arns().cluster(short(name)))).collect(),
    }
}

/// A service's ARN, with the keys that are about it.
fn service_need(call: Call<'_>, action: &str, name: &str) -> Need {
    let arn = if name.matches('/').count() > 1 {
        name.to_owned()
    } else {
        call.arns().service(cluster_name(call), short(name))
    };
    let need = Need::new(action, arn).key("ecs:cluster", cluster_arn(call));
    match text(call, "taskDefinition") {
        Some(definition) => need.key("ecs:task-definition", definition_arn(call, definition)),
        None => need,
    }
}

fn service(call: Call<'_>, action: &str) -> Vec<Need> {
    let name = text(call, "service").or_else(|| text(call, "serviceName")).unwrap_or("*");
    vec![service_need(call, action, name)]
}

fn services(call: Call<'_>, action: &str) -> Vec<Need> {
    texts(call, "services").into_iter().map(|name| service_need(call, action, name)).collect()
}

fn create_service(call: Call<'_>, action: &str) -> Vec<Need> {
    let mut needs = with_tags(call, service(call, action), "tags", "ecs:TagResource");
    needs.extend(pass_on_update(call));
    needs
}

fn update_service(call: Call<'_>, action: &str) -> Vec<Need> {
    let mut needs = service(call, action);
    if let Ok(Some(enabled)) = call.input.flag("enableExecuteCommand") {
        needs = needs.into_iter().map(|it| it.key("ecs:enable-execute-command", enabled.to_string())).collect();
    }
    needs.extend(pass_on_update(call));
    needs
}

/// The roles of the task definition, where the account file asks for it; AWS lists none for services.
fn pass_on_update(call: Call<'_>) -> Vec<Need> {
    if !call.account.permissions().passrole_on_update() {
        return Vec::new();
    }
    text(call, "taskDefinition").map(|it| roles_of(call, it)).unwrap_or_default()
}

fn register_task_definition(call: Call<'_>, action: &str) -> Vec<Need> {
    let family = text(call, "family").unwrap_or("*");
    let arn = definition_arn(call, &format!("{family}:*"));
    // What AWS says, though a policy may name the family. Source: the AWS rules 5.6.
    let need = Need { shown: Some("*"), ..Need::new(action, arn) };
    let mut needs = with_tags(call, vec![need], "tags", "ecs:TagResource");
    let roles = ["executionRoleArn", "taskRoleArn"].into_iter().filter_map(|member| text(call, member));
    needs.extend(distinct(roles.map(|role| pass_role(call.account, role, TASKS))));
    needs
}

fn run_task(call: Call<'_>, action: &str) -> Vec<Need> {
    let definition = text(call, "taskDefinition").unwrap_or("*");
    let need = Need::new(action, definition_arn(call, definition)).key("ecs:cluster", cluster_arn(call));
    let mut needs = with_tags(call, vec![need], "tags", "ecs:TagResource");
    let mut roles = roles_of(call, definition);
    if let Ok(Some(overrides)) = call.input.map("overrides") {
        let given = ["executionRoleArn", "taskRoleArn"].into_iter().filter_map(|it| overrides.text(it).ok().flatten());
        roles.extend(given.map(|role| pass_role(call.account, role, TASKS)));
    }
    needs.extend(distinct(roles.into_iter()));
    needs
}

/// `iam:PassRole` for the roles of a task definition that is registered.
fn roles_of(call: Call<'_>, definition: &str) -> Vec<Need> {
    let roles: Vec<String> = call.account.read(call.region(), |region| {
        let body = region.ecs.task_definition(definition).map(|it| &it.body);
        let named = ["executionRoleArn", "taskRoleArn"].into_iter();
        named.filter_map(|it| body?.get(it).and_then(Value::as_str)).map(ToOwned::to_owned).collect()
    });
    distinct(roles.iter().map(|role| pass_role(call.account, role, TASKS)))
}

fn distinct(needs: impl Iterator<Item = Need>) -> Vec<Need> {
    let mut distinct: Vec<Need> = Vec::new();
    for need in needs {
        if !distinct.iter().any(|it| it.resource == need.resource) {
            distinct.push(need);
        }
    }
    distinct
}

/// The ARN of `family:revision`; a family alone is its newest revision.
fn definition_arn(call: Call<'_>, definition: &str) -> String {
    if definition.starts_with("arn:") {
        return definition.to_owned();
    }
    if definition.contains(':') {
        return call.arns().task_definition_named(definition);
    }
    let newest =
        call.account.read(call.region(), |region| region.ecs.task_definition(definition).map(|it| it.arn.clone()));
    newest.unwrap_or_else(|| call.arns().task_definition_named(&format!("{definition}:*")))
}

fn task_definitions(call: Call<'_>, action: &str) -> Vec<Need> {
    let named = texts(call, "taskDefinitions").into_iter();
    named.map(|it| Need::new(action, definition_arn(call, it))).collect()
}

fn task_need(call: Call<'_>, action: &str, task: &str) -> Need {
    let arn = if task.starts_with("arn:") { task.to_owned() } else { call.arns().task(cluster_name(call), task) };
    Need::new(action, arn).key("ecs:cluster", cluster_arn(call))
}

fn task(call: Call<'_>, action: &str) -> Vec<Need> {
    vec![task_need(call, action, text(call, "task").unwrap_or("*"))]
}

fn tasks(call: Call<'_>, action: &str) -> Vec<Need> {
    texts(call, "tasks").into_iter().map(|it| task_need(call, action, it)).collect()
}

fn execute_command(call: Call<'_>, action: &str) -> Vec<Need> {
    let mut needs = task(call, action);
    if let Some(container) = text(call, "container") {
        needs = needs.into_iter().map(|it| it.key("ecs:container-name", container)).collect();
    }
    needs
}

fn service_deployments(call: Call<'_>, action: &str) -> Vec<Need> {
    texts(call, "serviceDeploymentArns").into_iter().map(|it| Need::new(action, it)).collect()
}

fn service_revisions(call: Call<'_>, action: &str) -> Vec<Need> {
    texts(call, "serviceRevisionArns").into_iter().map(|it| Need::new(action, it)).collect()
}

fn service_deployment(call: Call<'_>, action: &str) -> Vec<Need> {
    arn_in(call, action, "serviceDeploymentArn")
}
