//! Permissions of Elastic Load Balancing.

use super::{Need, Rule, any, arn_in, text, texts, with_tags};
use crate::account::Call;

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
    ("CreateLoadBalancer", |call, action| created(call, action, call.arns().load_balancer(name(call), "*"))),
    ("CreateTargetGroup", |call, action| created(call, action, call.arns().target_group(name(call), "*"))),
    ("CreateListener", |call, action| with_tags(call, arn_in(call, action, "LoadBalancerArn"), "Tags", TAGGING)),
    ("DeleteLoadBalancer", |call, action| arn_in(call, action, "LoadBalancerArn")),
    ("ModifyLoadBalancerAttributes", |call, action| arn_in(call, action, "LoadBalancerArn")),
    ("DeleteTargetGroup", |call, action| arn_in(call, action, "TargetGroupArn")),
    ("ModifyTargetGroup", |call, action| arn_in(call, action, "TargetGroupArn")),
    ("ModifyTargetGroupAttributes", |call, action| arn_in(call, action, "TargetGroupArn")),
    ("RegisterTargets", |call, action| arn_in(call, action, "TargetGroupArn")),
    ("DeregisterTargets", |call, action| arn_in(call, action, "TargetGroupArn")),
    ("DeleteListener", |call, action| arn_in(call, action, "ListenerArn")),
    ("ModifyListener", |call, action| arn_in(call, action, "ListenerArn")),
    ("AddTags", resources),
    ("RemoveTags", resources),
];

fn name(call: Call<'_>) -> &str {
    text(call, "Name").unwrap_or("*")
}

/// Something that will have an id which nobody knows yet.
fn created(call: Call<'_>, action: &str, arn: String) -> Vec<Need> {
    with_tags(call, vec![Need::new(action, arn)], "Tags", TAGGING)
}

fn resources(call: Call<'_>, action: &str) -> Vec<Need> {
    texts(call, "ResourceArns").into_iter().map(|it| Need::new(action, it)).collect()
}
