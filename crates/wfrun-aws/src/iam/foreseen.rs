//! Permissions that a workflow will need, told from what it says, and what policies say of them.

use std::ops::Range;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use thiserror::Error;

use super::ledger::DecidingStatement;
use super::needs::{Asked, Known, Need, known_needs};
use super::policy::{Context, Foreseen, Kind, Named, PartlyKnown, Policy, UNKNOWN, foresee};
use super::smallest::narrowed;
use crate::account::Input;
use crate::ids::Arns;

/// A policy of a user or role that lies in a file.
#[derive(Clone, Debug)]
pub struct IdentityPolicy(pub(super) Named);

/// Why a text is no policy.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{message}")]
pub struct PolicyError {
    /// In IAM's words, with which statement it is.
    pub message: String,
    /// Where in the text, in bytes; of what goes over many lines the first one.
    pub range: Range<usize>,
}

/// Where requests go. [`UNKNOWN`] stands for what is not known.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RequestTarget {
    /// The number of the account.
    pub account: String,
    /// The region.
    pub region: String,
}

/// A permission that something will need. [`UNKNOWN`] stands for what is not known of its resource.
#[derive(Clone, Debug)]
pub struct ForeseenPermission {
    need: Need,
    region: String,
}

/// What policies say of a permission, whatever is not known of it yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PolicyOutlook {
    /// They allow it.
    Allowed,
    /// They do not: that statement denies it, or none allows it.
    Denied(Option<DecidingStatement>),
    /// That depends upon what is not known.
    Open,
}

impl IdentityPolicy {
    /// Reads the text of a policy document; reports show the policy by its name.
    pub fn parse(name: impl Into<String>, text: &str) -> Result<Self, PolicyError> {
        match Policy::parse(text, Kind::Identity) {
            Ok(policy) => Ok(Self(Named { name: name.into(), policy: Arc::new(policy) })),
            Err(err) => Err(PolicyError { message: err.to_string(), range: err.range(text) }),
        }
    }

    /// What reports call it.
    pub fn name(&self) -> &str {
        &self.0.name
    }
}

impl ForeseenPermission {
    /// What an operation of an API needs; `None` where it is not known.
    ///
    /// `service` is as in actions (`elasticloadbalancing`), `operation` as `DescribeServices`, and `input` what clients send. The
    /// rules are those of a run.
    pub fn of_operation(
        service: &str,
        operation: &str,
        input: &Map<String, Value>,
        target: &RequestTarget,
    ) -> Option<Vec<Self>> {
        let arns = Arns { account: &target.account, region: &target.region };
        let needs = known_needs(service, operation, Asked { input: Input(input), arns, known: Known::Nothing })?;
        Some(needs.into_iter().map(|need| Self::of(need, target)).collect())
    }

    /// What an action needs that is no operation with an input: on a resource, or on `*`.
    pub fn new(action: &str, resource: &str, target: &RequestTarget) -> Self {
        Self::of(Need::new(action, resource), target)
    }

    /// Regions of their own partition have other ARNs.
    ///
    /// Source: AWS general reference, "Amazon Resource Names", `aws-cn` and `aws-us-gov`.
    fn of(mut need: Need, target: &RequestTarget) -> Self {
        let region = target.region.clone();
        let partition = [("cn-", "aws-cn"), ("us-gov-", "aws-us-gov")].iter().find(|(it, _)| region.starts_with(it));
        if let Some((_, partition)) = partition {
            let values = need.keys.iter_mut().flat_map(|(_, values)| values);
            for text in values.chain(&mut need.aliases).chain([&mut need.resource]) {
                if let Some(rest) = text.strip_prefix("arn:aws:") {
                    *text = format!("arn:{partition}:{rest}");
                }
            }
        }
        Self { need, region }
    }

    /// What `docker push` needs of a repository of ECR.
    ///
    /// Source: AWS ECR user guide, "IAM permissions for pushing an image". `ecr:BatchGetImage`, which only some clients ask for
    /// before they push, is not among them.
    pub fn of_push(repository: &str, target: &RequestTarget) -> Vec<Self> {
        const ACTIONS: [&str; 5] = [
            "ecr:BatchCheckLayerAvailability",
            "ecr:InitiateLayerUpload",
            "ecr:UploadLayerPart",
            "ecr:CompleteLayerUpload",
            "ecr:PutImage",
        ];
        Self::of_repository(&ACTIONS, repository, target)
    }

    /// What `docker pull` needs of a repository of ECR.
    ///
    /// Source: AWS ECR user guide, "IAM permissions for pulling an image".
    pub fn of_pull(repository: &str, target: &RequestTarget) -> Vec<Self> {
        Self::of_repository(&["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], repository, target)
    }

    fn of_repository(actions: &[&str], repository: &str, target: &RequestTarget) -> Vec<Self> {
        let resource = Arns { account: &target.account, region: &target.region }.repository(repository);
        actions.iter().map(|action| Self::new(action, &resource, target)).collect()
    }

    /// As `ecs:UpdateService`.
    pub fn action(&self) -> &str {
        &self.need.action
    }

    /// The resource, as AWS names it in a denial; `*` stands for what is not known.
    pub fn resource(&self) -> String {
        self.need.shown.map_or_else(|| shown(&self.need.resource), ToOwned::to_owned)
    }

    /// Whether all of its resource is known, but for account and region.
    pub fn is_narrow(&self) -> bool {
        let resource = &self.need.resource;
        !resource.splitn(6, ':').last().unwrap_or(resource).contains(UNKNOWN)
    }

    /// The statement that allows it.
    pub fn statement(&self) -> Value {
        let passed = self.need.keys.iter().find(|(key, _)| key == PASSED_TO);
        let service = passed.and_then(|(_, values)| values.first()).map(String::as_str);
        allowing(&self.need.action, &narrowed(&shown(&self.need.resource)), service)
    }

    /// What policies say of it, each of them asked as in a run.
    pub fn judge(&self, policies: &[IdentityPolicy]) -> PolicyOutlook {
        let mut context = Context::default();
        if !self.region.contains(UNKNOWN) {
            context.set("aws:RequestedRegion", &*self.region);
        }
        for (key, values) in &self.need.keys {
            if !values.iter().any(|it| it.contains(UNKNOWN)) {
                context.list(key, values.clone());
            }
        }
        let Need { action, resource, aliases, .. } = &self.need;
        let identity: Vec<Named> = policies.iter().map(|it| it.0.clone()).collect();
        match foresee(&PartlyKnown { action, resource, aliases, context: &context }, &identity) {
            Foreseen::Allowed => PolicyOutlook::Allowed,
            Foreseen::Open => PolicyOutlook::Open,
            Foreseen::Denied(by) => PolicyOutlook::Denied(by.map(DecidingStatement::from)),
        }
    }
}

/// Whom a role is passed to.
pub(super) const PASSED_TO: &str = "iam:PassedToService";

/// The statement that allows an action on a resource; of `iam:PassRole` to that service only.
pub(super) fn allowing(action: &str, resource: &str, passed_to: Option<&str>) -> Value {
    let mut statement = json!({ "Effect": "Allow", "Action": action, "Resource": resource });
    if let Some(service) = passed_to {
        statement["Condition"] = json!({ "StringEquals": { PASSED_TO: service } });
    }
    statement
}

/// With `*` for what is not known.
fn shown(resource: &str) -> String {
    resource.replace(UNKNOWN, "*")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{ForeseenPermission, IdentityPolicy, PolicyOutlook, RequestTarget, UNKNOWN};

    fn policy(statements: &serde_json::Value) -> [IdentityPolicy; 1] {
        let document = json!({ "Version": "2012-10-17", "Statement": statements });
        [IdentityPolicy::parse("p.json", &document.to_string()).expect("a policy")]
    }

    fn target() -> RequestTarget {
        RequestTarget { account: UNKNOWN.to_string(), region: "eu-west-1".to_owned() }
    }

    /// Source: the AWS rules 5.6.
    #[test]
    fn what_operations_need_is_told_by_the_rules_of_runs() {
        let unknown = UNKNOWN.to_string();
        let rows = [
            (
                "ecs",
                "DescribeServices",
                json!({"cluster": "c", "services": ["a", "b"]}),
                vec![
                    "ecs:DescribeServices arn:aws:ecs:eu-west-1:*:service/c/a",
                    "ecs:DescribeServices arn:aws:ecs:eu-west-1:*:service/c/b",
                ],
            ),
            (
                "ecs",
                "RegisterTaskDefinition",
                json!({"family": "f", "executionRoleArn": "exec", "taskRoleArn": unknown}),
                vec![
                    "ecs:RegisterTaskDefinition *",
                    "iam:PassRole arn:aws:iam::*:role/exec",
                    "iam:PassRole arn:aws:iam::*:role/*",
                ],
            ),
            (
                "ecs",
                "RunTask",
                json!({"cluster": "c", "taskDefinition": "f"}),
                vec!["ecs:RunTask arn:aws:ecs:eu-west-1:*:task-definition/f:*", "iam:PassRole arn:aws:iam::*:role/*"],
            ),
            ("iam", "GetUser", json!({}), vec!["iam:GetUser arn:aws:iam::*:user/*"]),
            ("sts", "GetCallerIdentity", json!({}), vec![]),
            ("ec2", "DescribeSubnets", json!({}), vec!["ec2:DescribeSubnets *"]),
        ];
        for (service, operation, input, want) in rows {
            let input = input.as_object().expect("an object");
            let found = ForeseenPermission::of_operation(service, operation, input, &target()).expect("a rule");
            let found: Vec<String> = found.iter().map(|it| format!("{} {}", it.action(), it.resource())).collect();
            assert_eq!(found, want, "{service} {operation}");
        }
        let target = RequestTarget { region: "cn-north-1".to_owned(), ..target() };
        let input = json!({"services": ["a"]});
        let needs =
            ForeseenPermission::of_operation("ecs", "DescribeServices", input.as_object().expect("an object"), &target);
        assert_eq!(needs.expect("a rule")[0].resource(), "arn:aws-cn:ecs:cn-north-1:*:service/default/a");
        assert!(ForeseenPermission::of_operation("ecs", "MakeTea", &serde_json::Map::new(), &target).is_none());
    }

    #[test]
    fn a_condition_decides_where_its_key_is_known() {
        let register = json!({"family": "f", "executionRoleArn": "exec"});
        let register = register.as_object().expect("an object");
        let needs = ForeseenPermission::of_operation("ecs", "RegisterTaskDefinition", register, &target());
        let pass = needs.expect("a rule").pop().expect("a role");
        let with = |condition: &serde_json::Value| {
            let statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition});
            pass.judge(&policy(&statement))
        };
        for (key, value, outlook) in [
            ("iam:PassedToService", "ecs-tasks.amazonaws.com", PolicyOutlook::Allowed),
            ("iam:PassedToService", "lambda.amazonaws.com", PolicyOutlook::Denied(None)),
            ("aws:RequestedRegion", "eu-west-1", PolicyOutlook::Allowed),
            ("aws:RequestedRegion", "us-east-1", PolicyOutlook::Denied(None)),
            ("aws:SourceIp", "203.0.113.7", PolicyOutlook::Open),
        ] {
            assert_eq!(with(&json!({"StringEquals": {key: value}})), outlook, "{key} {value}");
        }
        let statement = "{\"Effect\":\"Allow\",\"Action\":\"iam:PassRole\",\"Resource\":\"arn:aws:iam::*:role/exec\",\"Condition\":\
                         {\"StringEquals\":{\"iam:PassedToService\":\"ecs-tasks.amazonaws.com\"}}}";
        assert_eq!(pass.statement().to_string(), statement);
        assert_eq!(pass.judge(&policy(&pass.statement())), PolicyOutlook::Allowed);
    }

    #[test]
    fn what_is_no_policy_is_told_with_its_place() {
        for (text, place, message) in [
            (
                "{\n  \"Version\": 1",
                "1",
                "Syntax errors in policy. (not JSON: EOF while parsing an object at line 2 column 14)",
            ),
            ("", "", "Syntax errors in policy. (not JSON: EOF while parsing a value at line 1 column 0)"),
            (
                r#"{"Version": "2025", "Statement": []}"#,
                "\"2025\"",
                "The policy must contain a valid version string (Version: \"2025\" is neither \"2012-10-17\" nor \"2008-10-17\")",
            ),
            (
                "{\"Statement\": [{\n \"Effect\": \"Allowed\",\n \"Action\": \"*\"}]}",
                "\"Allowed\"",
                "Syntax errors in policy. (Statement[0]: Effect `Allowed` is neither `Allow` nor `Deny`)",
            ),
            (
                "{\"Statement\": [{\n \"Effect\": \"Allow\",\n \"Action\": \"*\"}]}",
                "{",
                "Policy statement must contain resources. (Statement[0]: `Resource` is missing)",
            ),
            ("[]", "[]", "Syntax errors in policy. (a policy is a JSON object)"),
        ] {
            let err = IdentityPolicy::parse("p.json", text).expect_err("no policy");
            assert_eq!((&text[err.range.clone()], err.message.as_str()), (place, message), "{text}");
        }
    }
}
