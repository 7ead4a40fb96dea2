//! Permissions of `CloudWatch` Logs.

use super::{Asked, Need, Rule, any, resource, text};

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
fn group(asked: Asked<'_>, action: &str) -> Vec<Need> {
    let arn = group_arn(asked);
    vec![Need { aliases: vec![format!("{arn}:*")], ..Need::new(action, arn) }]
}

fn stream(asked: Asked<'_>, action: &str) -> Vec<Need> {
    let stream = text(asked, "logStreamName").unwrap_or("*");
    vec![Need::new(action, format!("{}:log-stream:{stream}", group_arn(asked)))]
}

fn group_arn(asked: Asked<'_>) -> String {
    let name = text(asked, "logGroupName").or_else(|| text(asked, "logGroupIdentifier")).unwrap_or("*");
    if name.starts_with("arn:") {
        return name.trim_end_matches(":*").to_owned();
    }
    asked.arns.log_group(name)
}
