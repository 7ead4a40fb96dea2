//! The operations on task definitions.

use serde_json::{Value, json};

use super::model::{Ecs, TaskDefinition};
use super::page::page;
use super::task_definition::register;
use crate::account::Call;
use crate::account_file::Era;
use crate::clock::epoch_seconds;
use crate::protocol::ApiError;

/// `RegisterTaskDefinition`.
pub(crate) fn register_task_definition(call: Call<'_>) -> Result<Value, ApiError> {
    let (arns, now_ms, era) = (call.arns(), call.account.now_ms(), call.account.era());
    call.account.change(call.region(), |region| {
        let registered = register(&mut region.ecs, call.input.0, arns, &call.caller.arn, now_ms)?;
        Ok(json!({ "taskDefinition": shown(registered, era), "tags": registered.tags }))
    })
}

/// `DescribeTaskDefinition`. `tags` are beside the definition, and only when asked for.
///
/// Source: AWS ECS API reference, `DescribeTaskDefinition`.
pub(crate) fn describe_task_definition(call: Call<'_>) -> Result<Value, ApiError> {
    let name = call.input.required("taskDefinition")?;
    let with_tags = call.input.texts("include")?.contains(&"TAGS");
    call.account.read(call.region(), |region| {
        let unknown = || ApiError::new("ClientException", "Unable to describe task definition.");
        let found = region.ecs.task_definition(name).ok_or_else(unknown)?;
        let tags = if with_tags { found.tags.as_slice() } else { &[] };
        Ok(json!({ "taskDefinition": shown(found, call.account.era()), "tags": tags }))
    })
}

/// `ListTaskDefinitions`: ARNs in order of family and revision.
///
/// Source: AWS ECS API reference, `ListTaskDefinitions`.
pub(crate) fn list_task_definitions(call: Call<'_>) -> Result<Value, ApiError> {
    let prefix = call.input.text("familyPrefix")?;
    let status = call.input.text("status")?.unwrap_or("ACTIVE");
    let newest_first = call.input.text("sort")? == Some("DESC");
    let mut arns: Vec<String> = call.account.read(call.region(), |region| {
        let mut families: Vec<_> = region.ecs.families.iter().collect();
        families.sort_unstable_by_key(|(name, _)| name.as_str());
        let wanted = families.into_iter().filter(|(name, _)| prefix.is_none_or(|prefix| prefix == name.as_str()));
        let revisions = wanted.flat_map(|(_, family)| &family.revisions);
        revisions
            .filter(|revision| revision.body.get("status").and_then(Value::as_str) == Some(status))
            .map(|revision| revision.arn.clone())
            .collect()
    });
    if newest_first {
        arns.reverse();
    }
    page("taskDefinitionArns", arns, 100, call.input)
}

/// `ListTaskDefinitionFamilies`: a family is ACTIVE while one of its revisions is.
///
/// Source: AWS ECS API reference, `ListTaskDefinitionFamilies`.
pub(crate) fn list_task_definition_families(call: Call<'_>) -> Result<Value, ApiError> {
    let prefix = call.input.text("familyPrefix")?.unwrap_or_default();
    let status = call.input.text("status")?.unwrap_or("ALL");
    let mut families: Vec<String> = call.account.read(call.region(), |region| {
        let families = region.ecs.families.iter().filter(|(name, family)| {
            let active = family.revisions.iter().any(TaskDefinition::is_active);
            name.starts_with(prefix) && (status == "ALL" || (status == "ACTIVE") == active)
        });
        families.map(|(name, _)| name.clone()).collect()
    });
    families.sort_unstable();
    page("families", families, 100, call.input)
}

/// `DeregisterTaskDefinition`: the revision is INACTIVE; services go on with it, new ones cannot have it.
///
/// Source: AWS ECS API reference, `DeregisterTaskDefinition`.
pub(crate) fn deregister_task_definition(call: Call<'_>) -> Result<Value, ApiError> {
    let name = call.input.required("taskDefinition")?;
    let (era, now_ms) = (call.account.era(), call.account.now_ms());
    call.account.change(call.region(), |region| {
        let found = revision(&mut region.ecs, name)?;
        if found.is_active() {
            found.body.insert("status".to_owned(), json!("INACTIVE"));
            found.body.insert("deregisteredAt".to_owned(), json!(epoch_seconds(now_ms)));
        }
        Ok(json!({ "taskDefinition": shown(found, era) }))
    })
}

/// `DeleteTaskDefinitions`: at most 10, which were deregistered before. They stay as DELETE_IN_PROGRESS, so that their numbers are not
/// used again.
///
/// Source: AWS ECS API reference, `DeleteTaskDefinitions`.
#[expect(clippy::doc_markdown, reason = "the status is AWS' own word")]
pub(crate) fn delete_task_definitions(call: Call<'_>) -> Result<Value, ApiError> {
    let asked = call.input.texts("taskDefinitions")?;
    if !(1..=10).contains(&asked.len()) {
        let message = "The number of task definitions must be between 1 and 10.";
        return Err(ApiError::new("InvalidParameterException", message));
    }
    let (era, now_ms) = (call.account.era(), call.account.now_ms());
    call.account.change(call.region(), |region| {
        let (mut deleted, mut failures) = (Vec::new(), Vec::new());
        for name in asked {
            match revision(&mut region.ecs, name) {
                Err(_) => failures.push(json!({ "arn": name, "reason": "TASK_DEFINITION_NOT_FOUND" })),
                Ok(found) if found.is_active() => {
                    failures.push(json!({ "arn": found.arn, "reason": "TASK_DEFINITION_ACTIVE" }));
                }
                Ok(found) => {
                    found.body.insert("status".to_owned(), json!("DELETE_IN_PROGRESS"));
                    found.body.insert("deleteRequestedAt".to_owned(), json!(epoch_seconds(now_ms)));
                    deleted.push(shown(found, era));
                }
            }
        }
        Ok(json!({ "taskDefinitions": deleted, "failures": failures }))
    })
}

/// The revision that `family:revision` or an ARN names; the revision must be said.
fn revision<'a>(ecs: &'a mut Ecs, name: &str) -> Result<&'a mut TaskDefinition, ApiError> {
    let name = name.rsplit_once(":task-definition/").map_or(name, |(_, name)| name);
    let (family, number) = name.split_once(':').ok_or_else(|| {
        let message = format!("Invalid revision number. Number: {name}");
        ApiError::new("InvalidParameterException", message)
    })?;
    let revisions = ecs.families.get_mut(family).map(|family| &mut family.revisions);
    let found = revisions.into_iter().flatten().find(|found| found.revision.to_string() == number);
    found.ok_or_else(|| ApiError::new("ClientException", "The specified task definition does not exist."))
}

/// A definition as the account's era shows it.
fn shown(definition: &TaskDefinition, era: Era) -> Value {
    let mut body = definition.body.clone();
    match era {
        Era::Y2024M05 => {}
        Era::Current => {
            body.entry("enableFaultInjection").or_insert(Value::Bool(false));
        }
    }
    Value::Object(body)
}
