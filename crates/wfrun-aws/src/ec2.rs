//! The little of EC2 that guides for load balancers and services ask for: the default VPC with its subnets and security group.

use serde_json::{Map, Value, json};

use crate::account::{Call, Input, Operation};
use crate::iam::Pattern;
use crate::ids::{DEFAULT_SECURITY_GROUP, DEFAULT_SUBNETS, DEFAULT_VPC};
use crate::protocol::ApiError;

/// The operation of that name, if it is emulated.
///
/// Differs: every region has one VPC with three subnets and one security group, which cannot be changed; nothing else of EC2 is emulated.
pub(crate) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "DescribeVpcs" => describe_vpcs,
        "DescribeSubnets" => describe_subnets,
        "DescribeSecurityGroups" => describe_security_groups,
        _ => return None,
    })
}

/// A thing of EC2: what its id's member is called, and how a request names it.
struct Kind {
    /// In an answer and, with a capital, in a request, as `vpcId`.
    id: &'static str,
    /// Of the error for an id that is not known.
    code: &'static str,
    noun: &'static str,
}

const VPC: Kind = Kind { id: "vpcId", code: "InvalidVpcID.NotFound", noun: "vpc ID" };
const SUBNET: Kind = Kind { id: "subnetId", code: "InvalidSubnetID.NotFound", noun: "subnet ID" };
const GROUP: Kind = Kind { id: "groupId", code: "InvalidGroup.NotFound", noun: "security group" };

fn describe_vpcs(call: Call<'_>) -> Result<Value, ApiError> {
    let vpc = json!({
        "ownerId": call.account.account_id(), "instanceTenancy": "default", "isDefault": true,
        "cidrBlockAssociationSet": [{
            "associationId": "vpc-cidr-assoc-0a1b2c3d4e5f60715", "cidrBlock": "172.31.0.0/16",
            "cidrBlockState": { "state": "associated" },
        }],
        "vpcId": DEFAULT_VPC, "state": "available", "cidrBlock": "172.31.0.0/16", "dhcpOptionsId": "dopt-0a1b2c3d4e5f60716",
    });
    Ok(json!({ "vpcSet": asked(call.input, vec![vpc], &VPC)? }))
}

fn describe_subnets(call: Call<'_>) -> Result<Value, ApiError> {
    let (owner, region) = (call.account.account_id(), call.region());
    let subnet = |(number, (id, zone)): (usize, (&&str, &str))| {
        json!({
            "ownerId": owner,
            "subnetArn": format!("arn:aws:ec2:{region}:{owner}:subnet/{id}"),
            "subnetId": id,
            "state": "available",
            "vpcId": DEFAULT_VPC,
            "cidrBlock": format!("172.31.{}.0/20", number * 16),
            "availableIpAddressCount": 4091,
            "availabilityZone": format!("{region}{zone}"),
            "defaultForAz": true,
            "mapPublicIpOnLaunch": true,
        })
    };
    let subnets = DEFAULT_SUBNETS.iter().zip(["a", "b", "c"]).enumerate().map(subnet).collect();
    Ok(json!({ "subnetSet": asked(call.input, subnets, &SUBNET)? }))
}

fn describe_security_groups(call: Call<'_>) -> Result<Value, ApiError> {
    let (owner, region) = (call.account.account_id(), call.region());
    let group = json!({
        "groupId": DEFAULT_SECURITY_GROUP, "vpcId": DEFAULT_VPC, "ownerId": owner, "groupName": "default",
        "securityGroupArn": format!("arn:aws:ec2:{region}:{owner}:security-group/{DEFAULT_SECURITY_GROUP}"),
        "groupDescription": "default VPC security group",
        "ipPermissions": [{
            "ipProtocol": "-1", "groups": [{ "userId": owner, "groupId": DEFAULT_SECURITY_GROUP }],
        }],
        "ipPermissionsEgress": [{ "ipProtocol": "-1", "ipRanges": [{ "cidrIp": "0.0.0.0/0" }] }],
    });
    Ok(json!({ "securityGroupInfo": asked(call.input, vec![group], &GROUP)? }))
}

/// Those of `all` that the request names and that pass its filters.
///
/// Source: AWS EC2 API reference, `Filter`: filters are joined by AND, their values by OR, and `*` and `?` stand for characters.
fn asked(input: Input<'_>, all: Vec<Value>, kind: &Kind) -> Result<Vec<Value>, ApiError> {
    let member = format!("{}{}", kind.id[..1].to_ascii_uppercase(), &kind.id[1..]);
    let wanted = numbered(input, &member)?;
    let wanted: Vec<&str> = wanted.into_iter().filter_map(Value::as_str).collect();
    let known = |id: &&&str| all.iter().any(|item| item[kind.id] == **id);
    if let Some(missing) = wanted.iter().find(|id| !known(id)) {
        return Err(ApiError::new(kind.code, format!("The {} '{missing}' does not exist", kind.noun)));
    }
    let mut found = all;
    found.retain(|item| wanted.is_empty() || wanted.iter().any(|id| item[kind.id] == *id));
    for filter in numbered(input, "Filter")? {
        let filter = filter.as_object().map_or_else(|| Input(EMPTY.get_or_init(Map::new)), Input);
        let name = filter.text("Name")?.unwrap_or_default();
        let values = numbered(filter, "Value")?;
        let Some(key) = key_of(name) else {
            let message = format!("wfrun: The filter '{name}' is not emulated");
            return Err(ApiError::new("InvalidParameterValue", message));
        };
        found.retain(|item| values.iter().filter_map(|value| value.as_str()).any(|value| passes(item.get(key), value)));
    }
    Ok(found)
}

static EMPTY: std::sync::OnceLock<Map<String, Value>> = std::sync::OnceLock::new();

/// The items of a list as EC2 spells it: `Name.1`, `Name.2` …
fn numbered<'a>(input: Input<'a>, member: &str) -> Result<Vec<&'a Value>, ApiError> {
    let Some(items) = input.map(member)? else { return Ok(Vec::new()) };
    let mut items: Vec<(usize, &Value)> =
        items.0.iter().filter_map(|(number, item)| Some((number.parse().ok()?, item))).collect();
    items.sort_by_key(|(number, _)| *number);
    Ok(items.into_iter().map(|(_, item)| item).collect())
}

/// The member that a filter is about.
fn key_of(filter: &str) -> Option<&'static str> {
    Some(match filter {
        "vpc-id" => "vpcId",
        "subnet-id" => "subnetId",
        "group-id" => "groupId",
        "group-name" => "groupName",
        "isDefault" | "is-default" => "isDefault",
        "default-for-az" | "defaultForAz" => "defaultForAz",
        "map-public-ip-on-launch" => "mapPublicIpOnLaunch",
        "availability-zone" | "availabilityZone" => "availabilityZone",
        "state" => "state",
        "owner-id" => "ownerId",
        "cidr" | "cidr-block" | "cidrBlock" => "cidrBlock",
        _ => return None,
    })
}

fn passes(member: Option<&Value>, wanted: &str) -> bool {
    let text = match member {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(flag)) => flag.to_string(),
        Some(Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_)) | None => return false,
    };
    Pattern::plain(wanted).matches(&text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::passes;

    #[test]
    fn filters_have_wildcards() {
        for (text, pattern, want) in [
            ("us-east-1a", "us-east-1a", true),
            ("us-east-1a", "us-east-1?", true),
            ("us-east-1a", "us-*a", true),
            ("us-east-1a", "us-*b", false),
            ("us-east-1a", "", false),
            ("", "*", true),
        ] {
            assert_eq!(passes(Some(&json!(text)), pattern), want, "{pattern}");
        }
    }
}
