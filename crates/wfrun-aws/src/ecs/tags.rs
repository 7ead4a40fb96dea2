//! Tags of clusters, services, tasks and task definitions; settings of the account.

use serde_json::{Value, json};

use super::model::{Cluster, Ecs, Service};
use super::page::page;
use super::task::Task;
use crate::account::Call;
use crate::protocol::ApiError;

/// `TagResource`: a tag with the key of another takes its place.
///
/// Source: AWS ECS API reference, `TagResource` (at most 50 tags).
pub(crate) fn tag_resource(call: Call<'_>) -> Result<Value, ApiError> {
    const MOST: usize = 50;
    let arn = call.input.required("resourceArn")?;
    let given = call.input.list("tags")?;
    call.account.change(call.region(), |region| {
        let tags = tags(&mut region.ecs, arn)?;
        let mut changed: Vec<Value> =
            tags.iter().filter(|known| given.iter().all(|tag| tag["key"] != known["key"])).cloned().collect();
        changed.extend(given.iter().cloned());
        if changed.len() > MOST {
            let message = format!("A resource can have at most {MOST} tags.");
            return Err(ApiError::new("LimitExceededException", message));
        }
        *tags = changed;
        Ok(json!({}))
    })
}

/// `UntagResource`.
pub(crate) fn untag_resource(call: Call<'_>) -> Result<Value, ApiError> {
    let arn = call.input.required("resourceArn")?;
    let keys = call.input.texts("tagKeys")?;
    call.account.change(call.region(), |region| {
        tags(&mut region.ecs, arn)?.retain(|tag| keys.iter().all(|key| tag["key"] != *key));
        Ok(json!({}))
    })
}

/// `ListTagsForResource`.
pub(crate) fn list_tags_for_resource(call: Call<'_>) -> Result<Value, ApiError> {
    let arn = call.input.required("resourceArn")?;
    let mut ecs = call.account.read(call.region(), |region| region.ecs.clone());
    Ok(json!({ "tags": *tags(&mut ecs, arn)? }))
}

/// The tags of what the ARN names.
fn tags<'a>(ecs: &'a mut Ecs, arn: &str) -> Result<&'a mut Vec<Value>, ApiError> {
    let unknown = || ApiError::new("InvalidParameterException", format!("The specified resource was not found: {arn}"));
    let resource = arn.splitn(6, ':').nth(5).ok_or_else(unknown)?;
    let parts: Vec<&str> = resource.split('/').collect();
    match parts.as_slice() {
        ["cluster", cluster] => Ok(&mut ecs.cluster_mut(cluster)?.tags),
        ["service", cluster, name] => {
            let service = ecs.cluster_mut(cluster)?.services.get_mut(*name);
            service.map(|service| &mut service.tags).ok_or_else(unknown)
        }
        ["task", cluster, id] => {
            let Cluster { tasks, services, .. } = ecs.cluster_mut(cluster)?;
            let tasks = services.values_mut().flat_map(|service| &mut service.tasks).chain(tasks);
            tasks.into_iter().find(|task| task.id == *id).map(Task::tags_mut).ok_or_else(unknown)
        }
        ["task-definition", name] => {
            let (family, revision) = name.split_once(':').ok_or_else(unknown)?;
            let revisions = ecs.families.get_mut(family).map(|family| &mut family.revisions);
            let found = revisions.into_iter().flatten().find(|found| found.revision.to_string() == revision);
            found.map(|definition| &mut definition.tags).ok_or_else(unknown)
        }
        _ => Err(unknown()),
    }
}

/// The tags of a new task: those of each list, of which the first has its say about a key, and those that ECS makes itself for a cluster
/// and, where there is one, a service.
///
/// Source: AWS ECS developer guide, "Tagging Amazon ECS resources" (tags with the prefix `aws:` are not propagated).
pub(super) fn of_task(lists: &[&[Value]], managed: Option<(&str, Option<&str>)>) -> Vec<Value> {
    let mut tags: Vec<Value> = Vec::new();
    for tag in lists.iter().copied().flatten() {
        let reserved = tag["key"].as_str().is_some_and(|key| key.to_ascii_lowercase().starts_with("aws:"));
        if !reserved && tags.iter().all(|known| known["key"] != tag["key"]) {
            tags.push(tag.clone());
        }
    }
    if let Some((cluster, service)) = managed {
        tags.push(json!({ "key": "aws:ecs:clusterName", "value": cluster }));
        tags.extend(service.map(|service| json!({ "key": "aws:ecs:serviceName", "value": service })));
    }
    tags
}

impl Service {
    /// The tags of a new task of it, whose definition has the tags `of_definition`.
    pub(super) fn tags_of_task(&self, cluster: &str, of_definition: &[Value]) -> Vec<Value> {
        let propagated = match self.settings.get("propagateTags").and_then(Value::as_str) {
            Some("SERVICE") => self.tags.as_slice(),
            Some("TASK_DEFINITION") => of_definition,
            Some(_) | None => &[],
        };
        let managed = self.settings.get("enableECSManagedTags") == Some(&Value::Bool(true));
        of_task(&[propagated], managed.then_some((cluster, Some(&self.name))))
    }
}

/// `PutAccountSetting` and `PutAccountSettingDefault`: kept and shown.
///
/// Source: AWS ECS API reference, `PutAccountSetting`.
/// Differs: no setting of the account in ECS has an effect, and one of a principal is that of all.
pub(crate) fn put_account_setting(call: Call<'_>) -> Result<Value, ApiError> {
    let (name, value) = (call.input.required("name")?, call.input.required("value")?);
    let principal = root(call);
    call.account.change(call.region(), |region| {
        region.ecs.account_settings.insert(name.to_owned(), value.to_owned());
        Ok(json!({ "setting": { "name": name, "value": value, "principalArn": principal, "type": "user" } }))
    })
}

/// `ListAccountSettings`.
pub(crate) fn list_account_settings(call: Call<'_>) -> Result<Value, ApiError> {
    let (wanted, value) = (call.input.text("name")?, call.input.text("value")?);
    let principal = root(call);
    let found = call.account.read(call.region(), |region| {
        let settings = region.ecs.account_settings.iter();
        let settings = settings.filter(|(name, is)| {
            wanted.is_none_or(|wanted| wanted == name.as_str()) && value.is_none_or(|value| value == is.as_str())
        });
        settings
            .map(|(name, value)| json!({ "name": name, "value": value, "principalArn": principal, "type": "user" }))
            .collect()
    });
    page::<Value>("settings", found, 10, call.input)
}

fn root(call: Call<'_>) -> String {
    crate::ids::root_arn(call.account.account_id())
}
