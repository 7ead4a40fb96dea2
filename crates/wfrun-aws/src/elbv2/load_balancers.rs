//! The operations on load balancers.

use std::collections::HashSet;

use serde_json::{Value, json};
use uuid::Uuid;

use super::input::{check_name, invalid, needed, page, pairs, structures};
use super::model::{Elbv2, LoadBalancer, Texts};
use crate::account::{Call, Input};
use crate::ids::{Arns, DEFAULT_SUBNETS, short_hex};
use crate::protocol::ApiError;

/// How many there may be in a region, each with a port of this machine.
///
/// Source: AWS, "Quotas for your Application Load Balancers".
const MOST: usize = 50;

/// `CreateLoadBalancer`. The load balancer answers at `DNSName` at once.
///
/// Source: AWS ELB v2 API reference, `CreateLoadBalancer`: the same call again answers with what there is.
/// Differs: load balancers of type network and gateway are refused; AWS has them.
/// Differs: subnets and security groups of a load balancer are kept and shown; that they exist is not checked.
pub(super) fn create(call: Call<'_>) -> Result<Value, ApiError> {
    let wanted = read(call)?;
    let arns = call.arns();
    let plane = call.account.data_plane();
    call.account.change(call.region(), |region| {
        let elb = &mut region.elbv2;
        let known = elb.load_balancers.iter().find(|(_, known)| known.name == wanted.name);
        if let Some((arn, known)) = known {
            let same = known.scheme == wanted.scheme && known.subnets == wanted.subnets;
            if !same {
                let message =
                    format!("A load balancer with the same name '{}' exists, but with different settings", wanted.name);
                return Err(ApiError::new("DuplicateLoadBalancerName", message));
            }
            return Ok(json!({ "LoadBalancers": [described(arn, known, arns)] }));
        }
        if elb.load_balancers.len() >= MOST {
            let message = "The maximum number of load balancers has been reached";
            return Err(ApiError::new("TooManyLoadBalancers", message));
        }
        let arn = insert(elb, wanted, arns);
        match plane.open(arns.region, &arn, None) {
            Ok(port) => elb.load_balancers[&arn].port = port,
            Err(err) => {
                elb.load_balancers.shift_remove(&arn);
                let message = format!("wfrun: no port of 127.0.0.1 for the load balancer: {err}");
                return Err(ApiError::new("OperationNotPermitted", message));
            }
        }
        Ok(json!({ "LoadBalancers": [described(&arn, &elb.load_balancers[&arn], arns)] }))
    })
}

/// `DescribeLoadBalancers`.
///
/// Source: AWS ELB v2 API reference, `DescribeLoadBalancers`.
pub(super) fn describe(call: Call<'_>) -> Result<Value, ApiError> {
    let (names, wanted) = (call.input.texts("Names")?, call.input.texts("LoadBalancerArns")?);
    if !names.is_empty() && !wanted.is_empty() {
        return Err(invalid("Load balancer names and load balancer ARNs cannot be specified at the same time"));
    }
    let arns = call.arns();
    call.account.read(call.region(), |region| {
        let all = &region.elbv2.load_balancers;
        let missing = names.iter().find(|name| !all.values().any(|known| known.name == **name));
        if let Some(missing) = missing {
            return Err(not_found(&format!("[{missing}]")));
        }
        if let Some(missing) = wanted.iter().find(|arn| !all.contains_key(**arn)) {
            return Err(not_found(missing));
        }
        let asked = |arn: &String, known: &LoadBalancer| {
            (names.is_empty() || names.contains(&known.name.as_str()))
                && (wanted.is_empty() || wanted.contains(&arn.as_str()))
        };
        let found = all.iter().filter(|(arn, known)| asked(arn, known));
        let found = found.map(|(arn, known)| (arn, described(arn, known, arns))).collect();
        let (found, next) = page(found, call.input)?;
        Ok(json!({ "LoadBalancers": found, "NextMarker": next }))
    })
}

/// `DeleteLoadBalancer`, with its listeners. One that there is not is deleted already.
///
/// Source: AWS ELB v2 API reference, `DeleteLoadBalancer`: "If the load balancer does not exist or has already been deleted, the call
/// succeeds."
pub(super) fn delete(call: Call<'_>) -> Result<Value, ApiError> {
    let arn = needed(call.input, "LoadBalancerArn")?;
    call.account.change(call.region(), |region| {
        let elb = &mut region.elbv2;
        let protected = |known: &LoadBalancer| {
            known.attributes.get("deletion_protection.enabled").is_some_and(|value| value == "true")
        };
        if elb.load_balancers.get(arn).is_some_and(protected) {
            let message = format!("Load balancer '{arn}' cannot be deleted because deletion protection is enabled");
            return Err(ApiError::new("OperationNotPermitted", message));
        }
        elb.load_balancers.shift_remove(arn);
        elb.listeners.retain(|_, listener| listener.load_balancer != arn);
        super::targets::follow_use(elb);
        Ok(())
    })?;
    call.account.data_plane().close(arn);
    Ok(json!({}))
}

/// The error for an ARN, or for names in brackets, that is not known.
pub(super) fn not_found(which: &str) -> ApiError {
    let which =
        if which.starts_with('[') { format!("Load balancers '{which}'") } else { format!("Load balancer '{which}'") };
    ApiError::new("LoadBalancerNotFound", format!("{which} not found"))
}

/// Adds a load balancer; returns its ARN.
pub(super) fn insert(elb: &mut Elbv2, new: LoadBalancer, arns: Arns<'_>) -> String {
    let arn = arns.load_balancer(&new.name, &short_hex(Uuid::new_v4()));
    elb.load_balancers.insert(arn.clone(), new);
    arn
}

fn read(call: Call<'_>) -> Result<LoadBalancer, ApiError> {
    let input = call.input;
    let name = needed(input, "Name")?;
    check_name(name, "Load balancer")?;
    let kind = input.text("Type")?.unwrap_or("application");
    if kind != "application" {
        let message = format!("wfrun: load balancers of type {kind} are not emulated, use application");
        return Err(ApiError::new("InvalidConfigurationRequest", message));
    }
    let scheme = input.text("Scheme")?.unwrap_or("internet-facing");
    if !["internet-facing", "internal"].contains(&scheme) {
        return Err(ApiError::new("InvalidScheme", format!("The requested scheme '{scheme}' is not valid")));
    }
    let subnets = subnets(input)?;
    if subnets.iter().collect::<HashSet<_>>().len() < 2 {
        return Err(invalid("At least two subnets in two different Availability Zones must be specified"));
    }
    Ok(LoadBalancer {
        name: name.to_owned(),
        created_at_ms: call.account.now_ms(),
        scheme: scheme.to_owned(),
        subnets,
        security_groups: input.texts("SecurityGroups")?.into_iter().map(ToOwned::to_owned).collect(),
        ip_address_type: input.text("IpAddressType")?.unwrap_or("ipv4").to_owned(),
        attributes: Texts::new(),
        tags: pairs(input, "Tags")?,
        port: None,
    })
}

fn subnets(input: Input<'_>) -> Result<Vec<String>, ApiError> {
    let plain = input.texts("Subnets")?;
    let mapped = structures(input, "SubnetMappings")?;
    if !plain.is_empty() && !mapped.is_empty() {
        return Err(invalid("Only one of subnets and subnet mappings can be specified"));
    }
    let mapped = mapped.into_iter().map(|mapping| needed(mapping, "SubnetId")).collect::<Result<Vec<_>, _>>()?;
    Ok(plain.into_iter().chain(mapped).map(ToOwned::to_owned).collect())
}

/// Source: AWS, "Elastic Load Balancing endpoints and quotas": the hosted zone ids; the one of us-east-1 stands for all.
/// Differs: `DNSName` is an address of loopback with a port, as `127.0.0.1:40123`; AWS gives a host name, and the port is the listener's.
/// Differs: `CanonicalHostedZoneId` is that of us-east-1 in every region.
fn described(arn: &str, known: &LoadBalancer, arns: Arns<'_>) -> Value {
    let zone = |(order, subnet): (usize, &String)| {
        // A subnet that is not one of the account's is taken to be in the next zone.
        let at = DEFAULT_SUBNETS.iter().position(|known| known == subnet).unwrap_or(order);
        let letter = ["a", "b", "c", "d", "e", "f"].get(at).unwrap_or(&"a");
        json!({ "ZoneName": format!("{}{letter}", arns.region), "SubnetId": subnet, "LoadBalancerAddresses": [] })
    };
    json!({
        "LoadBalancerArn": arn,
        "DNSName": known.port.map(|port| format!("127.0.0.1:{port}")),
        "CanonicalHostedZoneId": "Z35SXDOTRQ7X7K",
        "CreatedTime": crate::clock::iso_seconds(known.created_at_ms),
        "LoadBalancerName": known.name,
        "Scheme": known.scheme,
        "VpcId": crate::ids::DEFAULT_VPC,
        "State": { "Code": "active" },
        "Type": "application",
        "AvailabilityZones": known.subnets.iter().enumerate().map(zone).collect::<Vec<_>>(),
        "SecurityGroups": known.security_groups,
        "IpAddressType": known.ip_address_type,
    })
}
