//! The operations on target groups.

use serde_json::{Value, json};
use uuid::Uuid;

use super::check::HealthCheck;
use super::input::{check_name, invalid, needed, page, pairs, port};
use super::load_balancers;
use super::model::{Elbv2, TargetGroup, Texts};
use crate::account::{Call, Input};
use crate::ids::{Arns, short_hex};
use crate::protocol::ApiError;

/// `CreateTargetGroup`.
///
/// Source: AWS ELB v2 API reference, `CreateTargetGroup`: the same call again answers with what there is.
/// Differs: target groups of type lambda and alb, and the protocols of network and gateway load balancers but TCP, are refused.
/// Differs: that the VPC of a target group exists is not checked.
pub(super) fn create(call: Call<'_>) -> Result<Value, ApiError> {
    let wanted = read(call.input)?;
    let arns = call.arns();
    call.account.change(call.region(), |region| {
        let elb = &mut region.elbv2;
        let known = elb.target_groups.iter().find(|(_, known)| known.name == wanted.name);
        if let Some((arn, known)) = known {
            let settings = |group: &TargetGroup| {
                (
                    group.protocol.clone(),
                    group.port,
                    group.vpc_id.clone(),
                    group.target_type.clone(),
                    group.check.clone(),
                )
            };
            if settings(known) == settings(&wanted) {
                return Ok(json!({ "TargetGroups": [described(elb, arn, known)] }));
            }
            let message =
                format!("A target group with the same name '{}' exists, but with different settings", wanted.name);
            return Err(ApiError::new("DuplicateTargetGroupName", message));
        }
        let arn = insert(elb, wanted, arns);
        Ok(json!({ "TargetGroups": [described(elb, &arn, &elb.target_groups[&arn])] }))
    })
}

/// `DescribeTargetGroups`.
///
/// Source: AWS ELB v2 API reference, `DescribeTargetGroups`.
pub(super) fn describe(call: Call<'_>) -> Result<Value, ApiError> {
    let input = call.input;
    let (names, wanted) = (input.texts("Names")?, input.texts("TargetGroupArns")?);
    let load_balancer = input.text("LoadBalancerArn")?;
    call.account.read(call.region(), |region| {
        let elb = &region.elbv2;
        if let Some(missing) = load_balancer.filter(|arn| !elb.load_balancers.contains_key(*arn)) {
            return Err(load_balancers::not_found(missing));
        }
        let unknown_name = |name: &&&str| !elb.target_groups.values().any(|known| known.name == **name);
        if names.iter().any(|name| unknown_name(&name))
            || wanted.iter().any(|arn| !elb.target_groups.contains_key(*arn))
        {
            return Err(ApiError::new("TargetGroupNotFound", "One or more target groups not found"));
        }
        let asked = |arn: &String, known: &TargetGroup| {
            (names.is_empty() || names.contains(&known.name.as_str()))
                && (wanted.is_empty() || wanted.contains(&arn.as_str()))
                && load_balancer.is_none_or(|asked| elb.users_of(arn).contains(&asked))
        };
        let found = elb.target_groups.iter().filter(|(arn, known)| asked(arn, known));
        let (found, next) = page(found.map(|(arn, known)| (arn, described(elb, arn, known))).collect(), input)?;
        Ok(json!({ "TargetGroups": found, "NextMarker": next }))
    })
}

/// `ModifyTargetGroup`: the health check.
///
/// Source: AWS ELB v2 API reference, `ModifyTargetGroup`.
pub(super) fn modify(call: Call<'_>) -> Result<Value, ApiError> {
    let arn = needed(call.input, "TargetGroupArn")?;
    call.account.change(call.region(), |region| {
        let elb = &mut region.elbv2;
        let group = elb.target_groups.get_mut(arn).ok_or_else(|| not_found(arn))?;
        group.check = group.check.clone().read(call.input)?;
        Ok(json!({ "TargetGroups": [described(elb, arn, &elb.target_groups[arn])] }))
    })
}

/// `DeleteTargetGroup`. One that there is not is deleted already.
///
/// Source: AWS ELB v2 API reference, `DeleteTargetGroup`: it must not be referenced by an action.
pub(super) fn delete(call: Call<'_>) -> Result<Value, ApiError> {
    let arn = needed(call.input, "TargetGroupArn")?;
    call.account.change(call.region(), |region| {
        if !region.elbv2.users_of(arn).is_empty() {
            let message = format!("Target group '{arn}' is currently in use by a listener or a rule");
            return Err(ApiError::new("ResourceInUse", message));
        }
        region.elbv2.target_groups.shift_remove(arn);
        Ok(json!({}))
    })
}

pub(super) fn not_found(arn: &str) -> ApiError {
    ApiError::new("TargetGroupNotFound", format!("Target groups '{arn}' not found"))
}

/// Adds a target group; returns its ARN.
pub(super) fn insert(elb: &mut Elbv2, new: TargetGroup, arns: Arns<'_>) -> String {
    let arn = arns.target_group(&new.name, &short_hex(Uuid::new_v4()));
    elb.target_groups.insert(arn.clone(), new);
    arn
}

/// A target group for addresses over HTTP on `port`.
pub(super) fn plain(name: &str, port: u16) -> TargetGroup {
    TargetGroup {
        name: name.to_owned(),
        protocol: "HTTP".to_owned(),
        protocol_version: Some("HTTP1".to_owned()),
        port,
        vpc_id: Some(crate::ids::DEFAULT_VPC.to_owned()),
        target_type: "ip".to_owned(),
        check: HealthCheck::of("HTTP"),
        attributes: Texts::new(),
        tags: Texts::new(),
        targets: Vec::new(),
    }
}

fn read(input: Input<'_>) -> Result<TargetGroup, ApiError> {
    let name = needed(input, "Name")?;
    check_name(name, "Target group")?;
    let target_type = input.text("TargetType")?.unwrap_or("instance");
    let refused = |message: String| ApiError::new("InvalidConfigurationRequest", message);
    if !["instance", "ip"].contains(&target_type) {
        return Err(refused(format!(
            "wfrun: target groups of type {target_type} are not emulated, use ip or instance"
        )));
    }
    let protocol = input.text("Protocol")?.ok_or_else(|| invalid("A protocol must be specified"))?;
    if !["HTTP", "HTTPS", "TCP"].contains(&protocol) {
        return Err(refused(format!("wfrun: target groups of {protocol} are not emulated, use HTTP")));
    }
    let version = input.text("ProtocolVersion")?.unwrap_or("HTTP1");
    if version != "HTTP1" {
        return Err(refused(format!("wfrun: the protocol version {version} is not emulated, use HTTP1")));
    }
    Ok(TargetGroup {
        name: name.to_owned(),
        protocol: protocol.to_owned(),
        protocol_version: (protocol != "TCP").then(|| version.to_owned()),
        port: port(input, "Port")?.ok_or_else(|| invalid("A port must be specified"))?,
        vpc_id: Some(input.text("VpcId")?.ok_or_else(|| invalid("A VPC ID must be specified"))?.to_owned()),
        target_type: target_type.to_owned(),
        check: HealthCheck::of(protocol).read(input)?,
        attributes: Texts::new(),
        tags: pairs(input, "Tags")?,
        targets: Vec::new(),
    })
}

fn described(elb: &Elbv2, arn: &str, known: &TargetGroup) -> Value {
    let mut group = json!({
        "TargetGroupArn": arn,
        "TargetGroupName": known.name,
        "Protocol": known.protocol,
        "Port": known.port,
        "VpcId": known.vpc_id,
        "LoadBalancerArns": elb.users_of(arn),
        "TargetType": known.target_type,
        "ProtocolVersion": known.protocol_version,
        "IpAddressType": "ipv4",
    });
    known.check.describe(&mut group);
    group
}
