//! The attributes of load balancers and target groups: known ones with their defaults, kept and shown.

use serde_json::{Value, json};

use super::input::{described_pairs, needed, pairs};
use super::model::Texts;
use super::{load_balancers, target_groups};
use crate::account::Call;
use crate::protocol::ApiError;

/// Source: AWS ELB v2 API reference, `LoadBalancerAttribute`, of application load balancers.
const LOAD_BALANCER: [(&str, &str); 12] = [
    ("access_logs.s3.enabled", "false"),
    ("access_logs.s3.bucket", ""),
    ("access_logs.s3.prefix", ""),
    ("deletion_protection.enabled", "false"),
    ("idle_timeout.timeout_seconds", "60"),
    ("routing.http.desync_mitigation_mode", "defensive"),
    ("routing.http.drop_invalid_header_fields.enabled", "false"),
    ("routing.http.preserve_host_header.enabled", "false"),
    ("routing.http.x_amzn_tls_version_and_cipher_suite.enabled", "false"),
    ("routing.http.xff_client_port.enabled", "false"),
    ("routing.http.xff_header_processing.mode", "append"),
    ("routing.http2.enabled", "true"),
];

/// How long a target may go on answering what it was sent, in seconds.
pub(super) const DEREGISTRATION_DELAY: (&str, &str) = ("deregistration_delay.timeout_seconds", "300");

/// Source: AWS ELB v2 API reference, `TargetGroupAttribute`.
const TARGET_GROUP: [(&str, &str); 7] = [
    DEREGISTRATION_DELAY,
    ("load_balancing.algorithm.type", "round_robin"),
    ("load_balancing.cross_zone.enabled", "use_load_balancer_configuration"),
    ("slow_start.duration_seconds", "0"),
    ("stickiness.enabled", "false"),
    ("stickiness.type", "lb_cookie"),
    ("stickiness.lb_cookie.duration_seconds", "86400"),
];

/// `DescribeLoadBalancerAttributes`.
pub(super) fn describe_load_balancer(call: Call<'_>) -> Result<Value, ApiError> {
    let arn = needed(call.input, "LoadBalancerArn")?;
    call.account.read(call.region(), |region| {
        let found = region.elbv2.load_balancers.get(arn).ok_or_else(|| load_balancers::not_found(arn))?;
        Ok(described(&LOAD_BALANCER, &found.attributes))
    })
}

/// `ModifyLoadBalancerAttributes`.
///
/// Differs: of a load balancer's attributes only `deletion_protection.enabled` does something; the others are kept and shown.
pub(super) fn modify_load_balancer(call: Call<'_>) -> Result<Value, ApiError> {
    let arn = needed(call.input, "LoadBalancerArn")?;
    let new = pairs(call.input, "Attributes")?;
    call.account.change(call.region(), |region| {
        let found = region.elbv2.load_balancers.get_mut(arn).ok_or_else(|| load_balancers::not_found(arn))?;
        take_over(&mut found.attributes, new, &LOAD_BALANCER)?;
        Ok(described(&LOAD_BALANCER, &found.attributes))
    })
}

/// `DescribeTargetGroupAttributes`.
pub(super) fn describe_target_group(call: Call<'_>) -> Result<Value, ApiError> {
    let arn = needed(call.input, "TargetGroupArn")?;
    call.account.read(call.region(), |region| {
        let found = region.elbv2.target_groups.get(arn).ok_or_else(|| target_groups::not_found(arn))?;
        Ok(described(&TARGET_GROUP, &found.attributes))
    })
}

/// `ModifyTargetGroupAttributes`.
///
/// Differs: of a target group's attributes only `deregistration_delay.timeout_seconds` does something; stickiness and the others are
/// kept and shown.
pub(super) fn modify_target_group(call: Call<'_>) -> Result<Value, ApiError> {
    let arn = needed(call.input, "TargetGroupArn")?;
    let new = pairs(call.input, "Attributes")?;
    call.account.change(call.region(), |region| {
        let found = region.elbv2.target_groups.get_mut(arn).ok_or_else(|| target_groups::not_found(arn))?;
        take_over(&mut found.attributes, new, &TARGET_GROUP)?;
        Ok(described(&TARGET_GROUP, &found.attributes))
    })
}

fn described(usual: &[(&str, &str)], own: &Texts) -> Value {
    let mut all: Texts = usual.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    all.extend(own.clone());
    json!({ "Attributes": described_pairs(&all) })
}

fn take_over(own: &mut Texts, new: Texts, usual: &[(&str, &str)]) -> Result<(), ApiError> {
    let unknown = new.keys().find(|key| !usual.iter().any(|(name, _)| name == key));
    if let Some(unknown) = unknown {
        let message = format!("Attribute key '{unknown}' is not recognized by wfrun");
        return Err(ApiError::new("InvalidConfigurationRequest", message));
    }
    own.extend(new);
    Ok(())
}
