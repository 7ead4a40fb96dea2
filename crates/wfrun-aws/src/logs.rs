//! `CloudWatch` Logs: groups, streams and what was written to them.
//!
//! Groups and streams are part of the account's state; events are not: each stream is a file that grows ([`store`]).

mod events;
mod filter;
mod groups;
mod input;
mod lines;
mod pattern;
mod store;
mod streams;
mod tags;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

pub use self::lines::LogLinesError;
pub(crate) use self::store::EventStore;
use crate::account::Operation;

/// What there is in a region.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct Logs {
    /// By name.
    groups: IndexMap<String, Group>,
}

/// A log group.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Group {
    created_at_ms: u64,
    retention_days: Option<u32>,
    tags: IndexMap<String, String>,
    /// By name: when it was created.
    streams: IndexMap<String, u64>,
}

impl Group {
    fn new(created_at_ms: u64) -> Self {
        Self { created_at_ms, retention_days: None, tags: IndexMap::new(), streams: IndexMap::new() }
    }
}

/// The operation of that name, if it is emulated.
pub(crate) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateLogGroup" => groups::create,
        "DescribeLogGroups" => groups::describe,
        "DeleteLogGroup" => groups::delete,
        "PutRetentionPolicy" => groups::put_retention_policy,
        "DeleteRetentionPolicy" => groups::delete_retention_policy,
        "CreateLogStream" => streams::create,
        "DescribeLogStreams" => streams::describe,
        "DeleteLogStream" => streams::delete,
        "PutLogEvents" => events::put,
        "GetLogEvents" => events::get,
        "FilterLogEvents" => filter::filter_log_events,
        "TagResource" => tags::tag_resource,
        "UntagResource" => tags::untag_resource,
        "ListTagsForResource" => tags::list_tags_for_resource,
        "TagLogGroup" => tags::tag_log_group,
        "UntagLogGroup" => tags::untag_log_group,
        "ListTagsLogGroup" => tags::list_tags_log_group,
        _ => return None,
    })
}
