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
    ("CreateLoadBalancer", |call, action| with_tags(call, named(call, action, "loadbalancer/app"), "Tags", TAGGING)),
    ("CreateTargetGroup", |call, action| with_tags(call, named(call, action, "targetgroup"), "Tags", TAGGING)),
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

/// Something that will have an id which nobody knows yet.
fn named(call: Call<'_>, action: &str, kind: &str) -> Vec<Need> {
    let name = text(call, "Name").unwrap_or("*");
    let (region, account) = (call.region(), call.account.account_id());
    vec![Need::new(action, format!("arn:aws:elasticloadbalancing:{region}:{account}:{kind}/{name}/*"))]
}

fn resources(call: Call<'_>, action: &str) -> Vec<Need> {
    texts(call, "ResourceArns").into_iter().map(|it| Need::new(action, it)).collect()
}
