//! The exit codes, once.
use std::process::ExitCode;

use wfrun_journal::{Conclusion, RunRecord};

/// How `wfrun` ends. Source: the interface's table of exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All that should run ran, for real or as a declared stand-in.
    Success = 0,
    /// The workflow failed, or an `--expect` did not hold.
    Failure = 1,
    /// The workflow is invalid, or the command line is.
    Invalid = 2,
    /// wfrun could not do its job.
    CouldNot = 3,
    /// The event does not trigger the workflow.
    NotTriggered = 4,
    /// Nothing failed, but a part could not be run here as GitHub would.
    Incomplete = 5,
    /// Cancelled.
    Cancelled = 130,
}

impl Exit {
    /// The code for a finished run.
    pub(crate) fn of(record: &RunRecord) -> Self {
        match record.conclusion {
            // What wfrun itself could not do is neither a success nor the workflow's failure.
            Some(Conclusion::Success | Conclusion::Skipped | Conclusion::Failure) if record.faults > 0 => {
                Self::CouldNot
            }
            Some(Conclusion::Success | Conclusion::Skipped) => Self::Success,
            Some(Conclusion::Failure) => Self::Failure,
            Some(Conclusion::Incomplete) => Self::Incomplete,
            Some(Conclusion::Cancelled) => Self::Cancelled,
            None => Self::CouldNot,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        let record = |conclusion, faults| RunRecord { conclusion: Some(conclusion), faults, ..RunRecord::default() };
        let table = [
            (record(Conclusion::Success, 0), 0),
            (record(Conclusion::Skipped, 0), 0),
            (record(Conclusion::Success, 1), 3),
            (record(Conclusion::Failure, 0), 1),
            (record(Conclusion::Failure, 1), 3),
            (record(Conclusion::Incomplete, 0), 5),
            (record(Conclusion::Cancelled, 0), 130),
            (RunRecord::default(), 3),
        ];
        for (record, code) in table {
            assert_eq!(Exit::of(&record) as u8, code, "{record:?}");
        }
    }
}
