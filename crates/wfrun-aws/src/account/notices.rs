//! What people are told while the account is open, beside the calls that gave rise to it.

use std::collections::HashSet;
use std::mem;
use std::sync::Mutex;

use super::settings::Notice;
use super::{Account, lock};

/// Notices, each once.
#[derive(Debug, Default)]
pub(super) struct Notices(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    ever: HashSet<String>,
    /// Not told yet.
    waiting: Vec<Notice>,
}

impl Account {
    /// Tells something with the call that is under way, unless it was told before.
    pub(crate) fn notice(&self, message: String) {
        let mut told = lock(&self.notices.0);
        if told.ever.insert(message.clone()) {
            told.waiting.push(Notice::new(message));
        }
    }

    /// What is to be told with a call that is answered.
    pub(super) fn take_notices(&self) -> Vec<Notice> {
        mem::take(&mut lock(&self.notices.0).waiting)
    }
}
