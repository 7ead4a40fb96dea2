//! The operations on listeners.

use serde_json::{Value, json};
use uuid::Uuid;

use super::actions::{self, Action};
use super::input::{invalid, needed, page, pairs, port, structures};
use super::model::{Elbv2, Listener, Texts};
use super::{load_balancers, targets};
use crate::account::{Call, Input};
use crate::ids::short_hex;
use crate::protocol::ApiError;

/// `CreateListener`.
///
/// Source: AWS ELB v2 API reference, `CreateListener`.
/// Differs: a load balancer has one port on this machine; it serves the listener with the lowest port that forwards.
/// Differs: a listener of HTTPS speaks plain HTTP on this machine; certificates are kept and shown, not looked at.
/// Differs: rules of listeners are not emulated; every request takes the default action.
pub(super) fn create(call: Call<'_>) -> Result<Value, ApiError> {
    let input = call.input;
    let load_balancer = needed(input, "LoadBalancerArn")?;
    let port = port(input, "Port")?.ok_or_else(|| invalid("A listener port must be specified"))?;
    let protocol = protocol(input.text("Protocol")?.ok_or_else(|| invalid("A listener protocol must be specified"))?)?;
    let certificates = certificates(input)?;
    if protocol == "HTTPS" && certificates.is_empty() {
        let message = "A certificate must be specified for HTTPS listeners";
        return Err(ApiError::new("ValidationError", message));
    }
    let tags = pairs(input, "Tags")?;
    call.account.change(call.region(), |region| {
        let elb = &mut region.elbv2;
        if !elb.load_balancers.contains_key(load_balancer) {
            return Err(load_balancers::not_found(load_balancer));
        }
        let actions = actions::read(elb, input)?;
        refuse_taken(elb, load_balancer, port, None)?;
        let new = Listener {
            load_balancer: load_balancer.to_owned(),
            port,
            protocol: protocol.to_owned(),
            ssl_policy: ssl_policy(input, protocol)?,
            certificates,
            actions,
            tags,
        };
        let arn = insert(elb, new);
        targets::follow_use(elb);
        Ok(json!({ "Listeners": [described(&arn, &elb.listeners[&arn])] }))
    })
}

/// `DescribeListeners`.
///
/// Source: AWS ELB v2 API reference, `DescribeListeners`: a load balancer or listeners must be named.
pub(super) fn describe(call: Call<'_>) -> Result<Value, ApiError> {
    let (load_balancer, wanted) = (call.input.text("LoadBalancerArn")?, call.input.texts("ListenerArns")?);
    if load_balancer.is_none() && wanted.is_empty() {
        return Err(invalid("You must specify either listener ARNs or a load balancer ARN"));
    }
    call.account.read(call.region(), |region| {
        let elb = &region.elbv2;
        if let Some(missing) = load_balancer.filter(|arn| !elb.load_balancers.contains_key(*arn)) {
            return Err(load_balancers::not_found(missing));
        }
        if wanted.iter().any(|arn| !elb.listeners.contains_key(*arn)) {
            return Err(not_found());
        }
        let asked = |arn: &String, known: &Listener| {
            load_balancer.is_none_or(|asked| asked == known.load_balancer)
                && (wanted.is_empty() || wanted.contains(&arn.as_str()))
        };
        let found = elb.listeners.iter().filter(|(arn, known)| asked(arn, known));
        let (found, next) = page(found.map(|(arn, known)| (arn, described(arn, known))).collect(), call.input)?;
        Ok(json!({ "Listeners": found, "NextMarker": next }))
    })
}

/// `ModifyListener`.
///
/// Source: AWS ELB v2 API reference, `ModifyListener`.
pub(super) fn modify(call: Call<'_>) -> Result<Value, ApiError> {
    let input = call.input;
    let arn = needed(input, "ListenerArn")?;
    let new_port = port(input, "Port")?;
    let new_protocol = input.text("Protocol")?.map(protocol).transpose()?;
    call.account.change(call.region(), |region| {
        let elb = &mut region.elbv2;
        let mut changed = elb.listeners.get(arn).ok_or_else(not_found)?.clone();
        if let Some(port) = new_port {
            refuse_taken(elb, &changed.load_balancer, port, Some(arn))?;
            changed.port = port;
        }
        if let Some(protocol) = new_protocol {
            protocol.clone_into(&mut changed.protocol);
        }
        if input.get("DefaultActions").is_some() {
            changed.actions = actions::read(elb, input)?;
        }
        if input.get("Certificates").is_some() {
            changed.certificates = certificates(input)?;
        }
        changed.ssl_policy = ssl_policy(input, &changed.protocol)?.or(changed.ssl_policy);
        let shown = described(arn, &changed);
        elb.listeners.insert(arn.to_owned(), changed);
        targets::follow_use(elb);
        Ok(json!({ "Listeners": [shown] }))
    })
}

/// `DeleteListener`.
pub(super) fn delete(call: Call<'_>) -> Result<Value, ApiError> {
    let arn = needed(call.input, "ListenerArn")?;
    call.account.change(call.region(), |region| {
        region.elbv2.listeners.shift_remove(arn).ok_or_else(not_found)?;
        targets::follow_use(&mut region.elbv2);
        Ok(json!({}))
    })
}

/// Adds a listener; returns its ARN.
pub(super) fn insert(elb: &mut Elbv2, new: Listener) -> String {
    let arn =
        format!("{}/{}", new.load_balancer.replacen(":loadbalancer/", ":listener/", 1), short_hex(Uuid::new_v4()));
    elb.listeners.insert(arn.clone(), new);
    arn
}

/// A listener on `port` that forwards to one target group.
pub(super) fn forwarding(load_balancer: &str, port: u16, target_group: &str) -> Listener {
    Listener {
        load_balancer: load_balancer.to_owned(),
        port,
        protocol: "HTTP".to_owned(),
        ssl_policy: None,
        certificates: Vec::new(),
        actions: vec![Action::Forward(vec![(target_group.to_owned(), 1)])],
        tags: Texts::new(),
    }
}

pub(super) fn not_found() -> ApiError {
    ApiError::new("ListenerNotFound", "One or more listeners not found")
}

fn protocol(given: &str) -> Result<&str, ApiError> {
    if ["HTTP", "HTTPS"].contains(&given) {
        return Ok(given);
    }
    Err(ApiError::new(
        "UnsupportedProtocol",
        format!("Protocol '{given}' is not supported by application load balancers"),
    ))
}

fn certificates(input: Input<'_>) -> Result<Vec<String>, ApiError> {
    let given = structures(input, "Certificates")?;
    given.into_iter().map(|certificate| needed(certificate, "CertificateArn").map(ToOwned::to_owned)).collect()
}

/// Source: AWS ELB v2 user guide, "Security policies": the default of a listener of HTTPS.
fn ssl_policy(input: Input<'_>, protocol: &str) -> Result<Option<String>, ApiError> {
    let usual = (protocol == "HTTPS").then_some("ELBSecurityPolicy-2016-08");
    Ok(input.text("SslPolicy")?.or(usual).map(ToOwned::to_owned))
}

fn refuse_taken(elb: &Elbv2, load_balancer: &str, port: u16, own: Option<&str>) -> Result<(), ApiError> {
    let taken = elb.listeners_of(load_balancer).any(|(arn, known)| known.port == port && own != Some(arn.as_str()));
    if !taken {
        return Ok(());
    }
    let message = format!("A listener already exists on this port for this load balancer '{load_balancer}'");
    Err(ApiError::new("DuplicateListener", message))
}

fn described(arn: &str, known: &Listener) -> Value {
    let certificates: Vec<Value> = known.certificates.iter().map(|arn| json!({ "CertificateArn": arn })).collect();
    json!({
        "ListenerArn": arn,
        "LoadBalancerArn": known.load_balancer,
        "Port": known.port,
        "Protocol": known.protocol,
        "Certificates": (!certificates.is_empty()).then_some(certificates),
        "SslPolicy": known.ssl_policy,
        "DefaultActions": known.actions.iter().map(Action::described).collect::<Vec<_>>(),
    })
}
