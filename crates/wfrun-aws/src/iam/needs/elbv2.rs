//! Permissions of Elastic Load Balancing.

use super::{Asked, Need, Rule, any, arn_in, text, texts, with_tags};

const TAGGING: &str = "elasticloadbalancing:AddTags";

pub(super) const RULES: &[(&str, Rule)] = &[
    ("DescribeLoadBalancers", any),
    ("DescribeLoadBalancerAttributes", any),
    ("DescribeTargetGroups", any),
    ("DescribeTargetGroupAttributes", any),
    ("DescribeListeners", any),
    ("DescribeRules", any),
    ("DescribeTargetHealth", any),
    ("DescribeTags", any),
    ("CreateLoadBalancer", |asked, action| created(asked, action, asked.arns.load_balancer(name(asked), "*"))),
    ("CreateTargetGroup", |asked, action| created(asked, action, asked.arns.target_group(name(asked), "*"))),
    ("CreateListener", |asked, action| with_tags(asked, arn_in(asked, action, "LoadBalancerArn"), "Tags", TAGGING)),
    ("DeleteLoadBalancer", |asked, action| arn_in(asked, action, "LoadBalancerArn")),
    ("ModifyLoadBalancerAttributes", |asked, action| arn_in(asked, action, "LoadBalancerArn")),
    ("DeleteTargetGroup", |asked, action| arn_in(asked, action, "TargetGroupArn")),
    ("ModifyTargetGroup", |asked, action| arn_in(asked, action, "TargetGroupArn")),
    ("ModifyTargetGroupAttributes", |asked, action| arn_in(asked, action, "TargetGroupArn")),
    ("RegisterTargets", |asked, action| arn_in(asked, action, "TargetGroupArn")),
    ("DeregisterTargets", |asked, action| arn_in(asked, action, "TargetGroupArn")),
    ("DeleteListener", |asked, action| arn_in(asked, action, "ListenerArn")),
    ("ModifyListener", |asked, action| arn_in(asked, action, "ListenerArn")),
    ("AddTags", resources),
    ("RemoveTags", resources),
];

fn name(asked: Asked<'_>) -> &str {
    text(asked, "Name").unwrap_or("*")
}

/// Something that will have an id which nobody knows yet.
fn created(asked: Asked<'_>, action: &str, arn: String) -> Vec<Need> {
    with_tags(asked, vec![Need::new(action, arn)], "Tags", TAGGING)
}

fn resources(asked: Asked<'_>, action: &str) -> Vec<Need> {
    texts(asked, "ResourceArns").into_iter().map(|it| Need::new(action, it)).collect()
}
