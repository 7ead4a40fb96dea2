//! What a listener does with a request.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::input::{invalid, needed, structures};
use super::model::Elbv2;
use super::target_groups;
use crate::account::Input;
use crate::protocol::ApiError;

/// An action of a listener.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) enum Action {
    /// To target groups, each with its weight.
    Forward(Vec<(String, u32)>),
    /// To another place, whose parts may have `#{host}` and the like.
    Redirect {
        protocol: String,
        host: String,
        port: String,
        path: String,
        query: String,
        /// 301 or 302.
        status: u16,
    },
    /// The same answer for all.
    FixedResponse { status: u16, content_type: Option<String>, body: Option<String> },
}

impl Action {
    pub(super) fn forwards_to(&self, target_group: &str) -> bool {
        matches!(self, Self::Forward(groups) if groups.iter().any(|(arn, _)| arn == target_group))
    }

    pub(super) fn described(&self) -> Value {
        match self {
            Self::Forward(groups) => {
                let single = match groups.as_slice() {
                    [(arn, _)] => Some(arn),
                    _ => None,
                };
                let groups: Vec<Value> =
                    groups.iter().map(|(arn, weight)| json!({ "TargetGroupArn": arn, "Weight": weight })).collect();
                json!({
                    "Type": "forward",
                    "TargetGroupArn": single,
                    "Order": 1,
                    "ForwardConfig": { "TargetGroups": groups, "TargetGroupStickinessConfig": { "Enabled": false } },
                })
            }
            Self::Redirect { protocol, host, port, path, query, status } => json!({
                "Type": "redirect",
                "Order": 1,
                "RedirectConfig": {
                    "Protocol": protocol, "Host": host, "Port": port, "Path": path, "Query": query,
                    "StatusCode": format!("HTTP_{status}"),
                },
            }),
            Self::FixedResponse { status, content_type, body } => json!({
                "Type": "fixed-response",
                "Order": 1,
                "FixedResponseConfig": {
                    "MessageBody": body, "StatusCode": status.to_string(), "ContentType": content_type,
                },
            }),
        }
    }
}

/// Reads `DefaultActions`. Every target group that they name must be there.
///
/// Source: AWS ELB v2 API reference, `Action`.
/// Differs: the actions authenticate-oidc, authenticate-cognito and jwt-validation are refused.
pub(super) fn read(elb: &Elbv2, input: Input<'_>) -> Result<Vec<Action>, ApiError> {
    let actions = structures(input, "DefaultActions")?;
    if actions.len() > 1 {
        return Err(ApiError::new("TooManyActions", "wfrun: one default action of a listener is emulated"));
    }
    let actions: Vec<Action> = actions.into_iter().map(|action| read_one(elb, action)).collect::<Result<_, _>>()?;
    if actions.is_empty() {
        return Err(invalid("A listener must have a default action"));
    }
    Ok(actions)
}

fn read_one(elb: &Elbv2, input: Input<'_>) -> Result<Action, ApiError> {
    match needed(input, "Type")? {
        "forward" => forward(elb, input),
        "redirect" => {
            let given =
                input.map("RedirectConfig")?.ok_or_else(|| invalid("A redirect configuration must be specified"))?;
            let part = |member: &str, usual: &str| Ok::<_, ApiError>(given.text(member)?.unwrap_or(usual).to_owned());
            Ok(Action::Redirect {
                protocol: part("Protocol", "#{protocol}")?,
                host: part("Host", "#{host}")?,
                port: part("Port", "#{port}")?,
                path: part("Path", "/#{path}")?,
                query: part("Query", "#{query}")?,
                status: match needed(given, "StatusCode")? {
                    "HTTP_301" => 301,
                    "HTTP_302" => 302,
                    other => return Err(invalid(format!("The redirect status code '{other}' is not valid"))),
                },
            })
        }
        "fixed-response" => {
            let given = input.map("FixedResponseConfig")?;
            let given = given.ok_or_else(|| invalid("A fixed-response configuration must be specified"))?;
            let code = needed(given, "StatusCode")?;
            let status = code.parse::<u16>().ok().filter(|code| matches!(code, 200..=299 | 400..=599));
            Ok(Action::FixedResponse {
                status: status
                    .ok_or_else(|| invalid(format!("The fixed-response status code '{code}' is not valid")))?,
                content_type: given.text("ContentType")?.map(ToOwned::to_owned),
                body: given.text("MessageBody")?.map(ToOwned::to_owned),
            })
        }
        other => {
            let message =
                format!("wfrun: actions of type {other} are not emulated, use forward, redirect or fixed-response");
            Err(ApiError::new("InvalidLoadBalancerAction", message))
        }
    }
}

fn forward(elb: &Elbv2, input: Input<'_>) -> Result<Action, ApiError> {
    let listed = input.map("ForwardConfig")?.map(|given| structures(given, "TargetGroups")).transpose()?;
    let mut groups = Vec::new();
    for group in listed.unwrap_or_default() {
        let weight = group.count("Weight")?.unwrap_or(1);
        if weight > 999 {
            return Err(invalid(format!("Target group weight '{weight}' must be between '0' and '999' inclusive")));
        }
        groups.push((needed(group, "TargetGroupArn")?.to_owned(), weight));
    }
    if groups.is_empty() {
        groups.push((needed(input, "TargetGroupArn")?.to_owned(), 1));
    }
    for (arn, _) in &groups {
        let protocol = &elb.target_groups.get(arn).ok_or_else(|| target_groups::not_found(arn))?.protocol;
        // A listener of an application load balancer speaks HTTP or HTTPS.
        if protocol == "TCP" {
            let message = "Listener protocol 'HTTP' is not supported with a target group with the protocol 'TCP'";
            return Err(ApiError::new("IncompatibleProtocols", message));
        }
    }
    Ok(Action::Forward(groups))
}
