//! Whether a lifecycle policy is one.

use serde_json::Value;

use super::invalid;
use crate::protocol::ApiError;

/// Checks the text of a lifecycle policy.
///
/// Source: AWS ECR user guide, "Lifecycle policy properties in Amazon ECR".
/// Differs: what is wrong with a lifecycle policy is said in words of wfrun's.
pub(super) fn check(text: &str) -> Result<(), ApiError> {
    let failed =
        |why: String| invalid("LifecyclePolicyText", format_args!("Lifecycle policy validation failure: {why}"));
    let policy: Value = serde_json::from_str(text).map_err(|err| failed(format!("it is not JSON: {err}")))?;
    let rules = policy["rules"].as_array().filter(|rules| !rules.is_empty());
    let rules = rules.ok_or_else(|| failed("`rules` is not a list with rules".to_owned()))?;
    let mut priorities = Vec::new();
    for rule in rules {
        rule_is_whole(rule).map_err(failed)?;
        priorities.extend(rule["rulePriority"].as_u64());
    }
    let highest = priorities.iter().max();
    let any = rules.iter().filter(|rule| rule["selection"]["tagStatus"] == "any");
    for rule in any {
        if rule["rulePriority"].as_u64().as_ref() != highest {
            return Err(failed("a rule with tagStatus `any` must have the highest rulePriority".to_owned()));
        }
    }
    let count = priorities.len();
    priorities.sort_unstable();
    priorities.dedup();
    if priorities.len() < count { Err(failed("two rules have the same rulePriority".to_owned())) } else { Ok(()) }
}

fn rule_is_whole(rule: &Value) -> Result<(), String> {
    let positive = |value: &Value| value.as_u64().is_some_and(|number| number > 0);
    if !positive(&rule["rulePriority"]) {
        return Err("`rulePriority` is not a positive number".to_owned());
    }
    let selection = &rule["selection"];
    let lists = ["tagPrefixList", "tagPatternList"];
    let named = lists.iter().filter(|list| selection[**list].as_array().is_some_and(|list| !list.is_empty())).count();
    match (selection["tagStatus"].as_str(), named) {
        (Some("tagged"), 1) | (Some("untagged" | "any"), 0) => {}
        (Some("tagged"), _) => return Err("tagStatus `tagged` wants either tagPrefixList or tagPatternList".to_owned()),
        (Some("untagged" | "any"), _) => return Err("tag lists go with tagStatus `tagged` only".to_owned()),
        (_, _) => return Err("`tagStatus` is not tagged, untagged or any".to_owned()),
    }
    let days = selection["countUnit"] == "days";
    match selection["countType"].as_str() {
        Some("imageCountMoreThan") if selection["countUnit"].is_null() => {}
        Some("sinceImagePushed" | "sinceImagePulled" | "sinceImageTransitioned") if days => {}
        Some(kind) => return Err(format!("countType `{kind}` and countUnit do not fit")),
        None => return Err("`countType` is missing".to_owned()),
    }
    if !positive(&selection["countNumber"]) {
        return Err("`countNumber` is not a positive number".to_owned());
    }
    match (rule["action"]["type"].as_str(), rule["action"]["targetStorageClass"].as_str()) {
        (Some("expire"), None) | (Some("transition"), Some("archive")) => Ok(()),
        _ => Err("`action.type` is not expire, or transition to archive".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use serde_json::{Value, json};

    fn rule(change: impl FnOnce(&mut Value)) -> Value {
        let mut rule = json!({
            "rulePriority": 1, "description": "x",
            "selection": { "tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14 },
            "action": { "type": "expire" },
        });
        change(&mut rule);
        rule
    }

    #[test]
    fn policies() {
        let any = |priority: u32| {
            rule(|it| {
                it["rulePriority"] = json!(priority);
                it["selection"] = json!({ "tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 3 });
            })
        };
        let good = [
            vec![rule(|_| {})],
            vec![rule(|_| {}), any(2)],
            vec![rule(|it| {
                it["selection"]["tagStatus"] = json!("tagged");
                it["selection"]["tagPatternList"] = json!(["v*"]);
            })],
            vec![rule(|it| it["action"] = json!({ "type": "transition", "targetStorageClass": "archive" }))],
        ];
        for rules in good {
            assert!(check(&json!({ "rules": rules }).to_string()).is_ok(), "{rules:?}");
        }
        let bad = [
            vec![],
            vec![rule(|it| it["rulePriority"] = json!(0))],
            vec![rule(|_| {}), rule(|_| {})],
            vec![rule(|it| it["rulePriority"] = json!(9)), any(2)],
            vec![rule(|it| it["selection"]["tagStatus"] = json!("tagged"))],
            vec![rule(|it| it["selection"]["tagPrefixList"] = json!(["v"]))],
            vec![rule(|it| it["selection"]["tagStatus"] = json!("x"))],
            vec![rule(|it| it["selection"]["countType"] = json!("imageCountMoreThan"))],
            vec![rule(|it| it["selection"]["countNumber"] = json!("14"))],
            vec![rule(|it| it["action"]["type"] = json!("keep"))],
        ];
        for rules in bad {
            assert!(check(&json!({ "rules": rules }).to_string()).is_err(), "{rules:?}");
        }
        assert!(check("{").is_err() && check("[]").is_err());
    }
}
