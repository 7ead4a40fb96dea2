//! Lines of a runtime: what containers print goes into streams without an API call, and comes back for a run's report.

use std::io;

use thiserror::Error;

use super::store::StreamName;
use super::{Group, groups, streams};
use crate::account::Account;
use crate::protocol::ApiError;

/// Why lines cannot be kept.
#[derive(Debug, Error)]
pub enum LogLinesError {
    /// The group does not exist, and was not to be created (`awslogs-create-group`).
    #[error("The specified log group does not exist.")]
    NoGroup {
        /// The group.
        group: String,
    },
    /// A name that Logs would refuse, or a state that cannot be written.
    #[error("{message}")]
    Refused {
        /// In Logs' words.
        message: String,
    },
    /// The stream's file cannot be written.
    #[error("failed to write the events of log stream `{stream}`")]
    Write {
        /// The stream.
        stream: String,
        /// The cause.
        #[source]
        err: io::Error,
    },
}

impl Account {
    /// Appends lines to a log stream, which is created where absent. All have the time of now.
    ///
    /// `create_group` makes an absent group, too; without it that is [`LogLinesError::NoGroup`]. Blank lines are kept as one blank, as an
    /// event must have a message.
    pub fn put_log_lines<'l>(
        &self,
        region: &str,
        group: &str,
        stream: &str,
        lines: impl IntoIterator<Item = &'l str>,
        create_group: bool,
    ) -> Result<(), LogLinesError> {
        let there = self.read(region, |it| it.logs.check_stream(group, stream).is_ok());
        if !there {
            self.make_stream(region, group, stream, create_group)?;
        }
        let now_ms = self.now_ms();
        let events = lines.into_iter().map(|line| (now_ms, if line.is_empty() { " " } else { line }));
        let name = StreamName { region, group, stream };
        let failed = |err| LogLinesError::Write { stream: stream.to_owned(), err };
        self.events().append(name, now_ms, events).map_err(failed)
    }

    /// The last `count` lines of a log stream, oldest first; none where there is no such stream or its file cannot be read.
    pub fn last_log_lines(&self, region: &str, group: &str, stream: &str, count: usize) -> Vec<String> {
        let events = self.events().events(StreamName { region, group, stream }).unwrap_or_default();
        let skipped = events.len().saturating_sub(count);
        events.into_iter().skip(skipped).map(|event| event.message).collect()
    }

    fn make_stream(&self, region: &str, group: &str, stream: &str, create_group: bool) -> Result<(), LogLinesError> {
        let refused = |err: ApiError| LogLinesError::Refused { message: err.message };
        groups::check_name(group).and_then(|()| streams::check_name(stream)).map_err(refused)?;
        let known = self.read(region, |it| it.logs.group(group).is_ok());
        if !known && !create_group {
            return Err(LogLinesError::NoGroup { group: group.to_owned() });
        }
        let now_ms = self.now_ms();
        let made = self.change(region, |it| {
            let group = it.logs.groups.entry(group.to_owned()).or_insert_with(|| Group::new(now_ms));
            group.streams.entry(stream.to_owned()).or_insert(now_ms);
            Ok(())
        });
        made.map_err(refused)
    }
}
