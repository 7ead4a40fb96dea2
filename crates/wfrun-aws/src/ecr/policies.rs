//! The operations on a repository's two policies, which are kept as they are written.

use serde_json::{Value, json};

use super::{change, invalid, lifecycle, look, named};
use crate::account::Call;
use crate::protocol::ApiError;

/// `SetRepositoryPolicy`.
///
/// Source: AWS ECR API reference, `SetRepositoryPolicy`.
/// Differs: repository policies are kept and returned, and permit or deny nothing.
pub(crate) fn set_repository_policy(call: Call<'_>) -> Result<Value, ApiError> {
    let text = call.input.required("policyText")?;
    check_policy(text)?;
    change(call, named(call)?, |repository| {
        repository.policy = Some(text.to_owned());
        answer(call, "policyText", text)
    })
}

/// `GetRepositoryPolicy`.
///
/// Source: AWS ECR API reference, `GetRepositoryPolicy`.
pub(crate) fn get_repository_policy(call: Call<'_>) -> Result<Value, ApiError> {
    let text = look(call, named(call)?, |found| found.policy.clone())?.ok_or_else(|| no_policy(call))?;
    answer(call, "policyText", &text)
}

/// `DeleteRepositoryPolicy`.
///
/// Source: AWS ECR API reference, `DeleteRepositoryPolicy`.
pub(crate) fn delete_repository_policy(call: Call<'_>) -> Result<Value, ApiError> {
    change(call, named(call)?, |repository| {
        answer(call, "policyText", &repository.policy.take().ok_or_else(|| no_policy(call))?)
    })
}

/// `PutLifecyclePolicy`.
///
/// Source: AWS ECR API reference, `PutLifecyclePolicy`.
/// Differs: lifecycle policies are checked and kept, and no image ever expires.
pub(crate) fn put_lifecycle_policy(call: Call<'_>) -> Result<Value, ApiError> {
    let text = call.input.required("lifecyclePolicyText")?;
    lifecycle::check(text)?;
    change(call, named(call)?, |repository| {
        repository.lifecycle = Some(text.to_owned());
        answer(call, "lifecyclePolicyText", text)
    })
}

/// `GetLifecyclePolicy`: `lastEvaluatedAt` is 1970, as it is never evaluated.
///
/// Source: AWS ECR API reference, `GetLifecyclePolicy`.
pub(crate) fn get_lifecycle_policy(call: Call<'_>) -> Result<Value, ApiError> {
    let text = look(call, named(call)?, |found| found.lifecycle.clone())?.ok_or_else(|| no_lifecycle(call))?;
    never_evaluated(answer(call, "lifecyclePolicyText", &text))
}

/// `DeleteLifecyclePolicy`.
///
/// Source: AWS ECR API reference, `DeleteLifecyclePolicy`.
pub(crate) fn delete_lifecycle_policy(call: Call<'_>) -> Result<Value, ApiError> {
    change(call, named(call)?, |repository| {
        let text = repository.lifecycle.take().ok_or_else(|| no_lifecycle(call))?;
        never_evaluated(answer(call, "lifecyclePolicyText", &text))
    })
}

fn answer(call: Call<'_>, member: &str, text: &str) -> Result<Value, ApiError> {
    Ok(json!({ "registryId": call.account.account_id(), "repositoryName": named(call)?, member: text }))
}

fn never_evaluated(answer: Result<Value, ApiError>) -> Result<Value, ApiError> {
    let mut answer = answer?;
    answer["lastEvaluatedAt"] = json!(0.0);
    Ok(answer)
}

fn no_policy(call: Call<'_>) -> ApiError {
    absent(call, "RepositoryPolicyNotFoundException", "Repository policy")
}

fn no_lifecycle(call: Call<'_>) -> ApiError {
    absent(call, "LifecyclePolicyNotFoundException", "Lifecycle policy")
}

fn absent(call: Call<'_>, code: &str, what: &str) -> ApiError {
    let (name, account) = (named(call).unwrap_or_default(), call.account.account_id());
    let message =
        format!("{what} does not exist for the repository with name '{name}' in the registry with id '{account}'");
    ApiError::new(code, message)
}

/// A policy is JSON with statements that say what they do, for whom.
///
/// Source: AWS ECR user guide, "Private repository policies": a repository policy has no `Resource`.
pub(super) fn check_policy(text: &str) -> Result<(), ApiError> {
    let wrong = || invalid("PolicyText", "Invalid repository policy provided");
    let policy: Value = serde_json::from_str(text).map_err(|_| wrong())?;
    let statements = match &policy["Statement"] {
        Value::Array(statements) if !statements.is_empty() => statements.iter().collect(),
        one @ Value::Object(_) => vec![one],
        Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return Err(wrong()),
    };
    let has = |statement: &Value, names: [&str; 2]| names.iter().any(|name| statement.get(*name).is_some());
    let is_whole = |statement: &&Value| {
        matches!(statement["Effect"].as_str(), Some("Allow" | "Deny"))
            && has(statement, ["Principal", "NotPrincipal"])
            && has(statement, ["Action", "NotAction"])
    };
    if statements.iter().all(is_whole) { Ok(()) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::check_policy;

    #[test]
    fn policies() {
        let whole = r#"{"Effect":"Allow","Principal":"*","Action":"ecr:*"}"#;
        for good in
            [format!(r#"{{"Statement":[{whole}]}}"#), format!(r#"{{"Version":"2012-10-17","Statement":{whole}}}"#)]
        {
            assert!(check_policy(&good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "x",
            "[]",
            "{}",
            r#"{"Statement":[]}"#,
            r#"{"Statement":["x"]}"#,
            r#"{"Statement":[{"Effect":"Maybe","Principal":"*","Action":"ecr:*"}]}"#,
            r#"{"Statement":[{"Effect":"Allow","Action":"ecr:*"}]}"#,
            r#"{"Statement":[{"Effect":"Allow","Principal":"*"}]}"#,
        ] {
            assert!(check_policy(bad).is_err(), "{bad}");
        }
    }
}
