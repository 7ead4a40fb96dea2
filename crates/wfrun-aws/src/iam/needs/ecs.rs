//! Permissions of ECS.

use super::{Asked, Need, ROLES, Rule, any, arn_in, pass_role, resource, tag_resource, text, texts, with_tags};

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

fn cluster_name(asked: Asked<'_>) -> &str {
    text(asked, "cluster").or_else(|| text(asked, "clusterName")).map_or("default", short)
}

fn cluster_arn(asked: Asked<'_>) -> String {
    asked.arns.cluster(cluster_name(asked))
}

fn cluster(asked: Asked<'_>, action: &str) -> Vec<Need> {
    vec![Need::new(action, cluster_arn(asked))]
}

fn create_cluster(asked: Asked<'_>, action: &str) -> Vec<Need> {
    with_tags(asked, cluster(asked, action), "tags", "ecs:TagResource")
}

fn clusters(asked: Asked<'_>, action: &str) -> Vec<Need> {
    match texts(asked, "clusters") {
        none if none.is_empty() => vec![Need::new(action, asked.arns.cluster("default"))],
        names => names.into_iter().map(|name| Need::new(action, asked.arns.cluster(short(name)))).collect(),
    }
}

/// A service's ARN, with the keys that are about it.
fn service_need(asked: Asked<'_>, action: &str, name: &str) -> Need {
    let arn = if name.matches('/').count() > 1 {
        name.to_owned()
    } else {
        asked.arns.service(cluster_name(asked), short(name))
    };
    let need = Need::new(action, arn).key("ecs:cluster", cluster_arn(asked));
    match text(asked, "taskDefinition") {
        Some(definition) => need.key("ecs:task-definition", definition_arn(asked, definition)),
        None => need,
    }
}

fn service(asked: Asked<'_>, action: &str) -> Vec<Need> {
    let name = text(asked, "service").or_else(|| text(asked, "serviceName")).unwrap_or("*");
    vec![service_need(asked, action, name)]
}

fn services(asked: Asked<'_>, action: &str) -> Vec<Need> {
    texts(asked, "services").into_iter().map(|name| service_need(asked, action, name)).collect()
}

fn create_service(asked: Asked<'_>, action: &str) -> Vec<Need> {
    let mut needs = with_tags(asked, service(asked, action), "tags", "ecs:TagResource");
    needs.extend(pass_on_update(asked));
    needs
}

fn update_service(asked: Asked<'_>, action: &str) -> Vec<Need> {
    let mut needs = service(asked, action);
    if let Ok(Some(enabled)) = asked.input.flag("enableExecuteCommand") {
        needs = needs.into_iter().map(|it| it.key("ecs:enable-execute-command", enabled.to_string())).collect();
    }
    needs.extend(pass_on_update(asked));
    needs
}

/// The roles of the task definition, where the account file asks for it; AWS lists none for services.
fn pass_on_update(asked: Asked<'_>) -> Vec<Need> {
    if !asked.known.passrole_on_update() {
        return Vec::new();
    }
    text(asked, "taskDefinition").map(|it| roles_of(asked, it)).unwrap_or_default()
}

fn register_task_definition(asked: Asked<'_>, action: &str) -> Vec<Need> {
    let family = text(asked, "family").unwrap_or("*");
    let arn = definition_arn(asked, &format!("{family}:*"));
    // What AWS says, though a policy may name the family. Source: the AWS rules 5.6.
    let need = Need { shown: Some("*"), ..Need::new(action, arn) };
    let mut needs = with_tags(asked, vec![need], "tags", "ecs:TagResource");
    let roles = ROLES.into_iter().filter_map(|member| text(asked, member));
    needs.extend(distinct(roles.map(|role| pass_role(asked, role, TASKS))));
    needs
}

fn run_task(asked: Asked<'_>, action: &str) -> Vec<Need> {
    let definition = text(asked, "taskDefinition").unwrap_or("*");
    let need = Need::new(action, definition_arn(asked, definition)).key("ecs:cluster", cluster_arn(asked));
    let mut needs = with_tags(asked, vec![need], "tags", "ecs:TagResource");
    let mut roles = roles_of(asked, definition);
    if let Ok(Some(overrides)) = asked.input.map("overrides") {
        let given = ROLES.into_iter().filter_map(|it| overrides.text(it).ok().flatten());
        roles.extend(given.map(|role| pass_role(asked, role, TASKS)));
    }
    needs.extend(distinct(roles.into_iter()));
    needs
}

/// `iam:PassRole` for the roles of a task definition that is registered.
fn roles_of(asked: Asked<'_>, definition: &str) -> Vec<Need> {
    let roles = asked.known.roles_of(asked.arns, definition);
    distinct(roles.iter().map(|role| pass_role(asked, role, TASKS)))
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
fn definition_arn(asked: Asked<'_>, definition: &str) -> String {
    if definition.starts_with("arn:") {
        return definition.to_owned();
    }
    if definition.contains(':') {
        return asked.arns.task_definition_named(definition);
    }
    let newest = asked.known.newest(asked.arns, definition);
    newest.unwrap_or_else(|| asked.arns.task_definition_named(&format!("{definition}:*")))
}

fn task_definitions(asked: Asked<'_>, action: &str) -> Vec<Need> {
    let named = texts(asked, "taskDefinitions").into_iter();
    named.map(|it| Need::new(action, definition_arn(asked, it))).collect()
}

fn task_need(asked: Asked<'_>, action: &str, task: &str) -> Need {
    let arn = if task.starts_with("arn:") { task.to_owned() } else { asked.arns.task(cluster_name(asked), task) };
    Need::new(action, arn).key("ecs:cluster", cluster_arn(asked))
}

fn task(asked: Asked<'_>, action: &str) -> Vec<Need> {
    vec![task_need(asked, action, text(asked, "task").unwrap_or("*"))]
}

fn tasks(asked: Asked<'_>, action: &str) -> Vec<Need> {
    texts(asked, "tasks").into_iter().map(|it| task_need(asked, action, it)).collect()
}

fn execute_command(asked: Asked<'_>, action: &str) -> Vec<Need> {
    let mut needs = task(asked, action);
    if let Some(container) = text(asked, "container") {
        needs = needs.into_iter().map(|it| it.key("ecs:container-name", container)).collect();
    }
    needs
}

fn service_deployments(asked: Asked<'_>, action: &str) -> Vec<Need> {
    texts(asked, "serviceDeploymentArns").into_iter().map(|it| Need::new(action, it)).collect()
}

fn service_revisions(asked: Asked<'_>, action: &str) -> Vec<Need> {
    texts(asked, "serviceRevisionArns").into_iter().map(|it| Need::new(action, it)).collect()
}

fn service_deployment(asked: Asked<'_>, action: &str) -> Vec<Need> {
    arn_in(asked, action, "serviceDeploymentArn")
}
