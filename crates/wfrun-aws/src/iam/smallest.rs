//! The smallest policy that allows what was needed.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::ledger::{PermissionUse, SmallestPolicy};

/// One for each user and role, in the order in which they asked. The root needs none.
pub(super) fn smallest<'a>(needed: impl Iterator<Item = &'a PermissionUse>) -> Vec<SmallestPolicy> {
    let mut by_principal: IndexMap<&str, Vec<&PermissionUse>> = IndexMap::new();
    for permission in needed.filter(|it| has_policies(&it.principal)) {
        by_principal.entry(&permission.principal).or_default().push(permission);
    }
    let documents = by_principal
        .into_iter()
        .map(|(principal, needed)| SmallestPolicy { principal: principal.to_owned(), policy: document(&needed) });
    documents.collect()
}

/// The root needs none, and an identity provider has none.
fn has_policies(principal: &str) -> bool {
    !principal.ends_with(":root") && !principal.contains(":oidc-provider/") && !principal.is_empty()
}

/// Actions with the same resources and the same condition share a statement.
fn document(needed: &[&PermissionUse]) -> Value {
    let mut by_action: IndexMap<(&str, Option<&str>), BTreeSet<String>> = IndexMap::new();
    for permission in needed {
        let condition = permission.keys.get("iam:PassedToService").and_then(|it| it.first()).map(String::as_str);
        by_action.entry((&permission.action, condition)).or_default().insert(narrowed(&permission.resource));
    }
    let mut statements: IndexMap<(BTreeSet<String>, Option<&str>), BTreeSet<&str>> = IndexMap::new();
    for ((action, condition), resources) in by_action {
        // `*` says all the others, too.
        let resources = if resources.contains("*") { BTreeSet::from(["*".to_owned()]) } else { resources };
        statements.entry((resources, condition)).or_default().insert(action);
    }
    let statements: Vec<Value> = statements
        .into_iter()
        .map(|((resources, condition), actions)| {
            let mut statement =
                json!({ "Effect": "Allow", "Action": one_or_all(actions), "Resource": one_or_all(resources) });
            if let Some(service) = condition {
                statement["Condition"] = json!({ "StringEquals": { "iam:PassedToService": service } });
            }
            statement
        })
        .collect();
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn one_or_all<T: serde::Serialize>(all: BTreeSet<T>) -> Value {
    let mut all: Vec<Value> = all.into_iter().map(|it| json!(it)).collect();
    if all.len() == 1 { all.remove(0) } else { Value::Array(all) }
}

/// The resource without what is different in every run: revisions of task definitions, ids of tasks.
///
/// A character of a resource that would be a wildcard in a policy stays one: the policy then allows a little more.
pub(super) fn narrowed(resource: &str) -> String {
    let parts: Vec<&str> = resource.splitn(6, ':').collect();
    let [_, _, service, _, _, rest] = parts.as_slice() else { return resource.to_owned() };
    let head = resource.strip_suffix(rest).unwrap_or_default();
    let kinds: BTreeMap<&str, char> = [
        ("task-definition", ':'),
        ("task", '/'),
        ("service-deployment", '/'),
        ("service-revision", '/'),
        ("loadbalancer", '/'),
        ("targetgroup", '/'),
        ("listener", '/'),
    ]
    .into();
    let kind = rest.split('/').next().unwrap_or_default();
    let changing = ["ecs", "elasticloadbalancing"].contains(service).then(|| kinds.get(kind)).flatten();
    match changing.and_then(|last| rest.rsplit_once(*last).map(|(kept, _)| (kept, last))) {
        Some((kept, last)) if kept != kind => format!("{head}{kept}{last}*"),
        Some(_) | None if *service == "logs" => match rest.split_once(":log-stream:") {
            Some((group, _)) => format!("{head}{group}:*"),
            None => resource.to_owned(),
        },
        Some(_) | None => resource.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::{narrowed, smallest};
    use crate::iam::ledger::{PermissionDecision, PermissionUse};
    use crate::iam::policy::{Applicable, Context, Decision, Kind, Named, Policy, Request, decide};

    fn asked(action: &str, resource: &str, service: Option<&str>) -> PermissionUse {
        PermissionUse {
            principal: "arn:aws:iam::1:user/ann".to_owned(),
            action: action.to_owned(),
            resource: resource.to_owned(),
            keys: service.map(|it| ("iam:PassedToService".to_owned(), vec![it.to_owned()])).into_iter().collect(),
            decision: PermissionDecision::Unasked,
            by: None,
            reason: String::new(),
            denial: None,
            missing: None,
            count: 1,
            first_ms: 0,
        }
    }

    fn any_use() -> impl Strategy<Value = PermissionUse> {
        let action = prop::sample::select(vec!["ecs:RunTask", "ecs:UpdateService", "ecr:PutImage", "iam:PassRole"]);
        let resource = prop::sample::select(vec![
            "*",
            "arn:aws:ecs:r:1:task-definition/a:7",
            "arn:aws:ecs:r:1:task/c/0123",
            "arn:aws:ecs:r:1:service/c/s",
            "arn:aws:ecr:r:1:repository/a/b",
            "arn:aws:iam::1:role/x",
        ]);
        let service = prop::option::of(prop::sample::select(vec!["ecs-tasks.amazonaws.com", "ecs.amazonaws.com"]));
        (action, resource, service).prop_map(|(action, resource, service)| asked(action, resource, service))
    }

    proptest! {
        #[test]
        fn it_allows_all_that_was_needed_and_not_everything(needed in prop::collection::vec(any_use(), 1..8)) {
            let found = smallest(needed.iter());
            prop_assert_eq!(found.len(), 1);
            let policy = Policy::parse(&found[0].policy.to_string(), Kind::Identity).unwrap();
            let identity = [Named { name: "smallest".to_owned(), policy: Arc::new(policy) }];
            let allowed = |permission: &PermissionUse| {
                let mut context = Context::default();
                for (key, values) in &permission.keys {
                    context.list(key, values.clone());
                }
                let PermissionUse { action, resource, .. } = permission;
                let request = Request { action, resource, aliases: &[], context: &context };
                let applicable = Applicable { identity: &identity, session: None, resource: None };
                matches!(decide(&request, applicable), Decision::Allowed(_))
            };
            for permission in &needed {
                prop_assert!(allowed(permission), "{:?} {}", permission, found[0].policy);
            }
            prop_assert!(!allowed(&asked("ecs:DeleteService", "arn:aws:ecs:r:1:service/c/s", None)));
        }
    }

    #[test]
    fn the_root_and_providers_need_none() {
        for principal in ["arn:aws:iam::1:root", "arn:aws:iam::1:oidc-provider/example.com", ""] {
            let asked = PermissionUse { principal: principal.to_owned(), ..asked("ecs:RunTask", "*", None) };
            assert!(smallest(std::iter::once(&asked)).is_empty(), "{principal}");
        }
    }

    #[test]
    fn what_changes_with_every_run_is_left_open() {
        let rows = [
            ("ecs:r:1:task-definition/news-api:7", "ecs:r:1:task-definition/news-api:*"),
            ("ecs:r:1:task-definition/news-api:*", "ecs:r:1:task-definition/news-api:*"),
            ("ecs:r:1:task/cluster/0123", "ecs:r:1:task/cluster/*"),
            ("ecs:r:1:service/cluster/service", "ecs:r:1:service/cluster/service"),
            ("ecs:r:1:service-deployment/c/s/x1", "ecs:r:1:service-deployment/c/s/*"),
            ("ecr:r:1:repository/team/task/x", "ecr:r:1:repository/team/task/x"),
            ("iam::1:role/task/x", "iam::1:role/task/x"),
            ("elasticloadbalancing:r:1:targetgroup/web/0123", "elasticloadbalancing:r:1:targetgroup/web/*"),
            ("logs:r:1:log-group:/ecs/a:log-stream:b/c", "logs:r:1:log-group:/ecs/a:*"),
            ("logs:r:1:log-group:/ecs/a", "logs:r:1:log-group:/ecs/a"),
        ];
        for (resource, want) in rows {
            assert_eq!(narrowed(&format!("arn:aws:{resource}")), format!("arn:aws:{want}"));
        }
        assert_eq!(narrowed("*"), "*");
    }
}
