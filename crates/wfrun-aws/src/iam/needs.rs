//! Which permissions an operation needs, and on which resources.
//!
//! Source: AWS Service Authorization Reference, as the AWS rules 5.6 have it.

mod ecr;
mod ecs;
mod elbv2;
mod identity;
mod logs;

pub(crate) use self::ecr::registry;
use super::policy::Named;
use crate::account::{Account, Call};

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

/// What an operation needs; the text is its action, as `ecs:UpdateService`.
type Rule = fn(Call<'_>, &str) -> Vec<Need>;

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
    let action = format!("{service}:{operation}");
    match rule(service, operation) {
        Some(rule) => rule(call, &action),
        None => any(call, &action),
    }
}

fn rule(service: &str, operation: &str) -> Option<Rule> {
    let table: &[(&str, Rule)] = match service {
        "ecr" => ecr::RULES,
        "ecs" => ecs::RULES,
        "elasticloadbalancing" => elbv2::RULES,
        "iam" => identity::IAM,
        "logs" => logs::RULES,
        "sts" => identity::STS,
        _ => &[],
    };
    table.iter().find(|(name, _)| *name == operation).map(|(_, rule)| *rule)
}

/// The action on `*`: it knows no resources.
fn any(_call: Call<'_>, action: &str) -> Vec<Need> {
    vec![Need::new(action, "*")]
}

/// Nothing: everybody may.
fn nothing(_call: Call<'_>, _action: &str) -> Vec<Need> {
    Vec::new()
}

/// A text of the input. One of the wrong type is refused by the operation itself.
fn text<'a>(call: Call<'a>, member: &str) -> Option<&'a str> {
    call.input.text(member).ok().flatten().filter(|it| !it.is_empty())
}

fn texts<'a>(call: Call<'a>, member: &str) -> Vec<&'a str> {
    call.input.texts(member).unwrap_or_default()
}

/// The ARN in `member`, `*` where it is absent.
fn arn_in(call: Call<'_>, action: &str, member: &str) -> Vec<Need> {
    vec![Need::new(action, text(call, member).unwrap_or("*"))]
}

/// `aws:RequestTag/…` and `aws:TagKeys` of the tags that a request brings; services write `Key` or `key`.
fn tag_keys(call: Call<'_>, member: &str) -> Vec<(String, Vec<String>)> {
    let of = |tag: &serde_json::Value, name: &str| {
        let found = tag.get(name).or_else(|| tag.get(name.to_ascii_lowercase()));
        found.and_then(serde_json::Value::as_str).map(ToOwned::to_owned)
    };
    let mut keys = Vec::new();
    let mut names = Vec::new();
    for tag in call.input.list(member).unwrap_or_default() {
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
fn resource(call: Call<'_>, action: &str) -> Vec<Need> {
    arn_in(call, action, "resourceArn")
}

/// The resource that a request tags, with the tags.
fn tag_resource(call: Call<'_>, action: &str) -> Vec<Need> {
    let keys = tag_keys(call, "tags");
    vec![Need { keys, ..Need::new(action, text(call, "resourceArn").unwrap_or("*")) }]
}

/// The needs, each with the tags of the request, and `tagging` on the first one's resource where there are tags.
fn with_tags(call: Call<'_>, mut needs: Vec<Need>, member: &str, tagging: &str) -> Vec<Need> {
    let keys = tag_keys(call, member);
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
fn pass_role(account: &Account, role: &str, service: &str) -> Need {
    Need::new("iam:PassRole", account.role_arn(role)).key("iam:PassedToService", service)
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
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcs",
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
