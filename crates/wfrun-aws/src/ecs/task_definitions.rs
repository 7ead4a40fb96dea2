//! The operations on task definitions.

use serde_json::{Value, json};

use super::model::TaskDefinition;
use super::task_definition::register;
use crate::account::Call;
use crate::account_file::Era;
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
/// Differs: all come on one page; revisions cannot be deregistered, so `status: INACTIVE` lists none.
pub(crate) fn list_task_definitions(call: Call<'_>) -> Result<Value, ApiError> {
    let prefix = call.input.text("familyPrefix")?;
    let active = matches!(call.input.text("status")?, None | Some("ACTIVE"));
    let newest_first = call.input.text("sort")? == Some("DESC");
    let mut arns: Vec<String> = call.account.read(call.region(), |region| {
        let mut families: Vec<_> = region.ecs.families.iter().collect();
        families.sort_unstable_by_key(|(name, _)| name.as_str());
        let wanted =
            families.into_iter().filter(|(name, _)| active && prefix.is_none_or(|prefix| prefix == name.as_str()));
        wanted.flat_map(|(_, family)| family.revisions.iter().map(|revision| revision.arn.clone())).collect()
    });
    if newest_first {
        arns.reverse();
    }
    Ok(json!({ "taskDefinitionArns": arns }))
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
