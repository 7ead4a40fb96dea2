//! Permissions of `CloudWatch` Logs.

use super::{Need, Rule, any, resource, text};
use crate::account::Call;

pub(super) const RULES: &[(&str, Rule)] = &[
    ("DescribeLogGroups", any),
    ("CreateLogGroup", group),
    ("DeleteLogGroup", group),
    ("PutRetentionPolicy", group),
    ("DeleteRetentionPolicy", group),
    ("TagLogGroup", group),
    ("UntagLogGroup", group),
    ("ListTagsLogGroup", group),
    ("DescribeLogStreams", group),
    ("FilterLogEvents", group),
    ("CreateLogStream", stream),
    ("DeleteLogStream", stream),
    ("PutLogEvents", stream),
    ("GetLogEvents", stream),
    ("ListTagsForResource", resource),
    ("TagResource", resource),
    ("UntagResource", resource),
];

/// The group's ARN; policies write it with `:*` behind it, too, and both mean the group.
fn group(call: Call<'_>, action: &str) -> Vec<Need> {
    let arn = group_arn(call);
    vec![Need { aliases: vec![format!("{arn}:*")], ..Need::new(action, arn) }]
}

fn stream(call: Call<'_>, action: &str) -> Vec<Need> {
    let stream = text(call, "logStreamName").unwrap_or("*");
    vec![Need::new(action, format!("{}:log-stream:{stream}", group_arn(call)))]
}

fn group_arn(call: Call<'_>) -> String {
    let name = text(call, "logGroupName").or_else(|| text(call, "logGroupIdentifier")).unwrap_or("*");
    if name.starts_with("arn:") {
        return name.trim_end_matches(":*").to_owned();
    }
    call.arns().log_group(name)
}
