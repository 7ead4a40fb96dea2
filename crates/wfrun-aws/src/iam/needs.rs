//! Which permissions an operation needs, and on which resources.
//!
//! Source: AWS Service Authorization Reference, as the AWS rules 5.6 have it.

mod ecr;
mod ecs;
mod elbv2;
mod identity;
mod logs;

pub(crate) use self::ecr::registry;
use serde_json::Value;

use super::policy::{Named, UNKNOWN};
use super::{Owner, arn};
use crate::account::{Call, Input, Principal};
use crate::ids::Arns;

/// A permission that a request needs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Need {
    /// As `ecs:UpdateService`.
    pub(crate) action: String,
    /// An ARN, or `*` where the action knows no resources.
    pub(crate) resource: String,
    /// The resource as a denial names it, where it names another.
    pub(crate) shown: Option<&'static str>,
    /// Other ways to write the resource; a policy may use any.
    pub(crate) aliases: Vec<String>,
    /// Condition keys with their values.
    pub(crate) keys: Vec<(String, Vec<String>)>,
    /// The trust policy that must allow it, too.
    pub(crate) trust: Option<Named>,
}

/// A request as rules see it.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) input: Input<'a>,
    pub(crate) arns: Arns<'a>,
    pub(crate) known: Known<'a>,
}

/// What rules can look up.
#[derive(Clone, Copy)]
pub(crate) enum Known<'a> {
    /// The account that is asked, and who asks.
    Account(Call<'a>),
    /// Nothing but the input: the request is foreseen, and what is in the account is not known.
    Nothing,
}

impl<'a> Known<'a> {
    /// The ARN of the newest revision of a family.
    fn newest(self, arns: Arns<'_>, family: &str) -> Option<String> {
        match self {
            Self::Account(call) => {
                call.account.read(arns.region, |region| region.ecs.task_definition(family).map(|it| it.arn.clone()))
            }
            Self::Nothing => Some(arns.task_definition_named(&format!("{family}:{UNKNOWN}"))),
        }
    }

    /// The roles of a task definition that is registered, and whose name is given; one that is not known is a role, too.
    fn roles_of(self, arns: Arns<'_>, definition: &str) -> Vec<String> {
        match self {
            Self::Account(call) => call.account.read(arns.region, |region| {
                let body = region.ecs.task_definition(definition).map(|it| &it.body);
                let named = ROLES.into_iter().filter_map(|it| body?.get(it).and_then(Value::as_str));
                named.map(ToOwned::to_owned).collect()
            }),
            Self::Nothing => vec![UNKNOWN.to_string()],
        }
    }

    /// The path of a user or role; `None` where there is none of that name.
    fn path(self, owner: Owner, name: &str) -> Option<String> {
        match self {
            Self::Account(call) => call.account.read_iam(|iam| match owner {
                Owner::User => iam.users.get(name).map(|it| it.path.clone()),
                Owner::Role => iam.roles.get(name).map(|it| it.path.clone()),
            }),
            Self::Nothing => None,
        }
    }

    /// The name of the user who asks, where it is one.
    fn user(self) -> Option<&'a str> {
        match self {
            Self::Account(call) => match &call.caller.principal {
                Principal::User(name) => Some(name),
                Principal::Root | Principal::Session(_) | Principal::Nobody => None,
            },
            Self::Nothing => Some(ANYBODY),
        }
    }

    fn trust_of(self, role_arn: &str) -> Option<Named> {
        match self {
            Self::Account(call) => call.account.trust_of(role_arn),
            Self::Nothing => None,
        }
    }

    fn passrole_on_update(self) -> bool {
        match self {
            Self::Account(call) => call.account.permissions().passrole_on_update(),
            Self::Nothing => false,
        }
    }
}

/// [`UNKNOWN`] as a name.
const ANYBODY: &str = "\u{ffff}";

/// The members of task definitions and overrides that name roles.
const ROLES: [&str; 2] = ["executionRoleArn", "taskRoleArn"];

/// What an operation needs; the text is its action, as `ecs:UpdateService`.
type Rule = fn(Asked<'_>, &str) -> Vec<Need>;

impl Need {
    pub(crate) fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self { action: action.into(), resource: resource.into(), ..Self::default() }
    }

    fn key(mut self, key: &str, value: impl Into<String>) -> Self {
        self.keys.push((key.to_owned(), vec![value.into()]));
        self
    }
}

/// What a request needs, in the order in which AWS asks. An operation without a rule needs its own name on `*`.
pub(crate) fn needs(service: &str, operation: &str, call: Call<'_>) -> Vec<Need> {
    let asked = Asked { input: call.input, arns: call.arns(), known: Known::Account(call) };
    known_needs(service, operation, asked).unwrap_or_else(|| any(asked, &format!("{service}:{operation}")))
}

/// What a request needs; `None` where the operation has no rule.
pub(crate) fn known_needs(service: &str, operation: &str, asked: Asked<'_>) -> Option<Vec<Need>> {
    rule(service, operation).map(|rule| rule(asked, &format!("{service}:{operation}")))
}

fn rule(service: &str, operation: &str) -> Option<Rule> {
    let table: &[(&str, Rule)] = match service {
        "ec2" => EC2,
        "ecr" => ecr::RULES,
        "ecr-public" => ecr::PUBLIC,
        "ecs" => ecs::RULES,
        "elasticloadbalancing" => elbv2::RULES,
        "iam" => identity::IAM,
        "logs" => logs::RULES,
        "sts" => identity::STS,
        _ => &[],
    };
    table.iter().find(|(name, _)| *name == operation).map(|(_, rule)| *rule)
}

const EC2: &[(&str, Rule)] = &[("DescribeSecurityGroups", any), ("DescribeSubnets", any), ("DescribeVpcs", any)];

/// The action on `*`: it knows no resources.
fn any(_call: Asked<'_>, action: &str) -> Vec<Need> {
    vec![Need::new(action, "*")]
}

/// Nothing: everybody may.
fn nothing(_call: Asked<'_>, _action: &str) -> Vec<Need> {
    Vec::new()
}

/// A text of the input. One of the wrong type is refused by the operation itself.
fn text<'a>(asked: Asked<'a>, member: &str) -> Option<&'a str> {
    asked.input.text(member).ok().flatten().filter(|it| !it.is_empty())
}

fn texts<'a>(asked: Asked<'a>, member: &str) -> Vec<&'a str> {
    asked.input.texts(member).unwrap_or_default()
}

/// The ARN in `member`, `*` where it is absent.
fn arn_in(asked: Asked<'_>, action: &str, member: &str) -> Vec<Need> {
    vec![Need::new(action, text(asked, member).unwrap_or("*"))]
}

/// `aws:RequestTag/…` and `aws:TagKeys` of the tags that a request brings; services write `Key` or `key`.
fn tag_keys(asked: Asked<'_>, member: &str) -> Vec<(String, Vec<String>)> {
    let of = |tag: &Value, name: &str| {
        let found = tag.get(name).or_else(|| tag.get(name.to_ascii_lowercase()));
        found.and_then(Value::as_str).map(ToOwned::to_owned)
    };
    let mut keys = Vec::new();
    let mut names = Vec::new();
    for tag in asked.input.list(member).unwrap_or_default() {
        let Some(name) = of(tag, "Key") else { continue };
        keys.push((format!("aws:RequestTag/{name}"), vec![of(tag, "Value").unwrap_or_default()]));
        names.push(name);
    }
    if !names.is_empty() {
        keys.push(("aws:TagKeys".to_owned(), names));
    }
    keys
}

/// The resource whose tags a request asks for or takes away.
fn resource(asked: Asked<'_>, action: &str) -> Vec<Need> {
    arn_in(asked, action, "resourceArn")
}

/// The resource that a request tags, with the tags.
fn tag_resource(asked: Asked<'_>, action: &str) -> Vec<Need> {
    let keys = tag_keys(asked, "tags");
    vec![Need { keys, ..Need::new(action, text(asked, "resourceArn").unwrap_or("*")) }]
}

/// The needs, each with the tags of the request, and `tagging` on the first one's resource where there are tags.
fn with_tags(asked: Asked<'_>, mut needs: Vec<Need>, member: &str, tagging: &str) -> Vec<Need> {
    let keys = tag_keys(asked, member);
    if keys.is_empty() {
        return needs;
    }
    for need in &mut needs {
        need.keys.extend(keys.iter().cloned());
    }
    if let Some(first) = needs.first() {
        let tag = Need { action: tagging.to_owned(), ..first.clone() };
        needs.push(tag);
    }
    needs
}

/// `iam:PassRole` for a role that a service will play.
fn pass_role(asked: Asked<'_>, role: &str, service: &str) -> Need {
    Need::new("iam:PassRole", role_arn(asked, role)).key("iam:PassedToService", service)
}

/// The ARN of a role that may be named by its ARN or its name.
fn role_arn(asked: Asked<'_>, role: &str) -> String {
    if role.starts_with("arn:") {
        return role.to_owned();
    }
    let path = asked.known.path(Owner::Role, role);
    arn(asked.arns.account, "role", path.as_deref().unwrap_or("/"), role)
}

#[cfg(test)]
mod tests {
    use super::rule;
    use crate::endpoint::emulated;

    /// Source: the AWS rules 2.7, with what clients use beside it.
    const CATALOGUE: [(&str, &str); 5] = [
        (
            "ecr",
            "GetAuthorizationToken CreateRepository DescribeRepositories DeleteRepository ListImages DescribeImages BatchGetImage \
             PutImage BatchDeleteImage BatchCheckLayerAvailability GetDownloadUrlForLayer InitiateLayerUpload UploadLayerPart \
             CompleteLayerUpload PutImageTagMutability GetRepositoryPolicy SetRepositoryPolicy DeleteRepositoryPolicy \
             PutLifecyclePolicy GetLifecyclePolicy ListTagsForResource TagResource UntagResource PutAccountSetting \
             GetAccountSetting DescribeRegistry",
        ),
        (
            "ecs",
            "CreateCluster DescribeClusters ListClusters DeleteCluster RegisterTaskDefinition DescribeTaskDefinition \
             ListTaskDefinitions ListTaskDefinitionFamilies DeregisterTaskDefinition DeleteTaskDefinitions CreateService \
             DescribeServices ListServices UpdateService DeleteService RunTask StopTask ListTasks DescribeTasks ExecuteCommand \
             ListServiceDeployments DescribeServiceDeployments DescribeServiceRevisions StopServiceDeployment TagResource \
             UntagResource ListTagsForResource ListAccountSettings",
        ),
        (
            "elasticloadbalancing",
            "DescribeLoadBalancers CreateLoadBalancer DescribeTargetGroups CreateTargetGroup DescribeListeners CreateListener \
             DescribeTargetHealth RegisterTargets DeregisterTargets",
        ),
        (
            "logs",
            "CreateLogGroup DescribeLogGroups CreateLogStream DescribeLogStreams PutLogEvents GetLogEvents FilterLogEvents",
        ),
        (
            "iam",
            "CreateUser GetUser ListUsers DeleteUser CreateAccessKey ListAccessKeys DeleteAccessKey UpdateAccessKey CreatePolicy \
             GetPolicy GetPolicyVersion CreatePolicyVersion DeletePolicy AttachUserPolicy DetachUserPolicy \
             ListAttachedUserPolicies PutUserPolicy GetUserPolicy ListUserPolicies CreateRole GetRole AttachRolePolicy \
             PutRolePolicy ListAttachedRolePolicies UpdateAssumeRolePolicy CreateOpenIDConnectProvider SimulatePrincipalPolicy \
             ListAccountAliases",
        ),
    ];

    /// What is emulated or will be has its rule; the rest needs its own name on `*`.
    #[test]
    fn every_operation_has_a_rule_but_these() {
        let all = CATALOGUE.iter().flat_map(|(service, names)| names.split_whitespace().map(|name| (*service, name)));
        let without: Vec<String> =
            all.filter(|(service, name)| rule(service, name).is_none()).map(|(s, n)| format!("{s}:{n}")).collect();
        assert_eq!(without, ["ecr:DescribeRegistry", "ecs:ListAccountSettings", "iam:ListAccountAliases"]);
        for name in ["GetCallerIdentity", "AssumeRole", "AssumeRoleWithWebIdentity", "GetSessionToken"] {
            assert!(rule("sts", name).is_some(), "{name}");
        }
    }

    /// What is emulated and needs its own name on `*`, as nothing narrower is known of it.
    #[test]
    fn what_is_emulated_without_a_rule() {
        let all = emulated();
        let mut without = Vec::new();
        for (service, names) in &all {
            without.extend(names.iter().filter(|it| rule(service, it).is_none()).map(|it| format!("{service}:{it}")));
        }
        without.sort_unstable();
        assert_eq!(
            without,
            [
                "ecr:CreateRepositoryCreationTemplate",
                "ecr:DeleteRepositoryCreationTemplate",
                "ecr:DescribeRegistry",
                "ecr:DescribeRepositoryCreationTemplates",
                "ecr:UpdateRepositoryCreationTemplate",
                "ecs:ListAccountSettings",
                "ecs:PutAccountSetting",
                "ecs:PutAccountSettingDefault",
            ]
        );
    }
}
