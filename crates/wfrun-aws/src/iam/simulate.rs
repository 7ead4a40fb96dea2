//! Asking what would be allowed.

use serde_json::{Value, json};

use super::answer::{invalid, malformed, paged, required};
use super::model::Owner;
use super::policy::{Applicable, Context, Decision, Denial, Kind, Named, Policy, Request, decide};
use crate::account::{Call, Input, Operation};
use crate::protocol::ApiError;

pub(super) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "SimulatePrincipalPolicy" => simulate_principal_policy,
        "SimulateCustomPolicy" => simulate_custom_policy,
        _ => return None,
    })
}

/// Source: AWS IAM API reference, `SimulatePrincipalPolicy`.
/// Differs: resource policies and permissions boundaries of the input are not asked; `MatchedStatements` have no positions, and `none` as the source of inline policies.
fn simulate_principal_policy(call: Call<'_>) -> Result<Value, ApiError> {
    let arn = required(call.input, "PolicySourceArn")?;
    let (owner, name) = source(arn, call.account.account_id())
        .ok_or_else(|| invalid(format!("Invalid Entity Arn: {arn} does not clearly define entity type and name.")))?;
    if call.account.read_iam(|iam| iam.holdings(owner, name).is_none()) {
        return Err(owner.missing(name));
    }
    let mut policies = call.account.policies_of(owner, name);
    policies.extend(given(call.input)?);
    let mut context = Context::default();
    context.set("aws:PrincipalArn", arn);
    context.set("aws:PrincipalAccount", call.account.account_id());
    if owner == Owner::User {
        context.set("aws:username", name);
    }
    simulate(call.input, &policies, context)
}

/// Source: AWS IAM API reference, `SimulateCustomPolicy`.
fn simulate_custom_policy(call: Call<'_>) -> Result<Value, ApiError> {
    simulate(call.input, &given(call.input)?, Context::default())
}

/// `PolicyInputList`.
fn given(input: Input<'_>) -> Result<Vec<Named>, ApiError> {
    let read = |(at, text): (usize, &str)| {
        let policy = Policy::parse(text, Kind::Identity).map_err(|err| malformed(&err))?;
        Ok(Named { name: format!("PolicyInputList.{}", at + 1), policy: policy.into() })
    };
    input.texts("PolicyInputList")?.into_iter().enumerate().map(read).collect()
}

fn simulate(input: Input<'_>, policies: &[Named], mut context: Context) -> Result<Value, ApiError> {
    for entry in input.list("ContextEntries")? {
        let key = entry.get("ContextKeyName").and_then(Value::as_str).unwrap_or_default();
        let values = entry.get("ContextKeyValues").and_then(Value::as_array).into_iter().flatten();
        context.list(key, values.filter_map(Value::as_str).map(ToOwned::to_owned).collect());
    }
    let actions = input.texts("ActionNames")?;
    if actions.is_empty() {
        required(input, "ActionNames")?;
    }
    let resources = match input.texts("ResourceArns")? {
        none if none.is_empty() => vec!["*"],
        some => some,
    };
    let pairs = actions.iter().flat_map(|action| resources.iter().map(move |resource| (*action, *resource)));
    let results = pairs.map(|(action, resource)| result(policies, &context, action, resource)).collect();
    paged(input, "EvaluationResults", results)
}

fn result(policies: &[Named], context: &Context, action: &str, resource: &str) -> Value {
    let request = Request { action, resource, aliases: &[], context };
    let (word, by) = match decide(&request, Applicable { identity: policies, session: None, resource: None }) {
        Decision::Allowed(by) => ("allowed", Some(by)),
        Decision::Denied(Denial::ByIdentity(by) | Denial::BySession(by) | Denial::ByResource(by)) => {
            ("explicitDeny", Some(by))
        }
        Decision::Denied(Denial::NoIdentity | Denial::NoSession | Denial::NoTrust) => ("implicitDeny", None),
    };
    let matched: Vec<_> = by
        .into_iter()
        .map(|it| json!({ "SourcePolicyId": it.policy, "SourcePolicyType": source_type(&it.policy) }))
        .collect();
    json!({
        "EvalActionName": action,
        "EvalResourceName": resource,
        "EvalDecision": word,
        "MatchedStatements": matched,
        "MissingContextValues": [],
    })
}

/// Source: botocore, model of IAM, `PolicySourceType`; policies of the input and of files have no source.
fn source_type(policy: &str) -> &'static str {
    if policy.starts_with("arn:aws:iam::aws:") {
        "aws-managed"
    } else if policy.starts_with("arn:") {
        "user-managed"
    } else {
        "none"
    }
}

/// Whose ARN it is.
fn source<'a>(arn: &'a str, account: &str) -> Option<(Owner, &'a str)> {
    let rest = arn.strip_prefix("arn:aws:iam::")?.strip_prefix(account)?.strip_prefix(':')?;
    let (kind, path) = rest.split_once('/')?;
    let name = path.rsplit('/').next().filter(|it| !it.is_empty())?;
    match kind {
        "user" => Some((Owner::User, name)),
        "role" => Some((Owner::Role, name)),
        _ => None,
    }
}
