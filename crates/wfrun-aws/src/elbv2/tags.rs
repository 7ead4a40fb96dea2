//! The operations on tags.

use serde_json::{Value, json};

use super::input::{described_pairs, pairs};
use super::model::{Elbv2, Texts};
use super::{listeners, load_balancers, target_groups};
use crate::account::Call;
use crate::protocol::ApiError;

/// `DescribeTags`.
pub(super) fn describe(call: Call<'_>) -> Result<Value, ApiError> {
    let arns = call.input.texts("ResourceArns")?;
    call.account.read(call.region(), |region| {
        // One way to a resource's tags serves reading and writing; what is read is small.
        let mut elb = region.elbv2.clone();
        let described = arns.iter().map(|arn| {
            let tags = tags_of(&mut elb, arn)?;
            Ok(json!({ "ResourceArn": arn, "Tags": described_pairs(tags) }))
        });
        Ok(json!({ "TagDescriptions": described.collect::<Result<Vec<_>, ApiError>>()? }))
    })
}

/// `AddTags`. A key that is there gets the new value.
pub(super) fn add(call: Call<'_>) -> Result<Value, ApiError> {
    let new = pairs(call.input, "Tags")?;
    each(call, |tags| tags.extend(new.clone()))
}

/// `RemoveTags`.
pub(super) fn remove(call: Call<'_>) -> Result<Value, ApiError> {
    let keys = call.input.texts("TagKeys")?;
    each(call, |tags| tags.retain(|key, _| !keys.contains(&key.as_str())))
}

fn each(call: Call<'_>, alter: impl Fn(&mut Texts)) -> Result<Value, ApiError> {
    let arns = call.input.texts("ResourceArns")?;
    call.account.change(call.region(), |region| {
        // All or nothing: a refused change must leave the state as it was.
        for arn in &arns {
            tags_of(&mut region.elbv2, arn)?;
        }
        for arn in &arns {
            alter(tags_of(&mut region.elbv2, arn)?);
        }
        Ok(json!({}))
    })
}

fn tags_of<'a>(elb: &'a mut Elbv2, arn: &str) -> Result<&'a mut Texts, ApiError> {
    let kind = arn.split(':').nth(5).and_then(|resource| resource.split('/').next());
    match kind {
        Some("targetgroup") => {
            elb.target_groups.get_mut(arn).map(|group| &mut group.tags).ok_or_else(|| target_groups::not_found(arn))
        }
        Some("listener") => {
            elb.listeners.get_mut(arn).map(|listener| &mut listener.tags).ok_or_else(listeners::not_found)
        }
        Some("loadbalancer") => {
            elb.load_balancers.get_mut(arn).map(|found| &mut found.tags).ok_or_else(|| load_balancers::not_found(arn))
        }
        Some(_) | None => Err(super::input::invalid(format!(
            "'{arn}' is not a valid ARN of a load balancer, listener or target group"
        ))),
    }
}
