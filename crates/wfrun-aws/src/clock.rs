//! The account's clock, so that tests decide what time it is.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Tells the time to the account, in milliseconds since 1970.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> u64 + Send + Sync>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::from_fn(|| u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default())
    }

    /// A clock that asks `now_ms` (milliseconds since 1970).
    pub fn from_fn(now_ms: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now_ms))
    }

    pub(crate) fn now_ms(&self) -> u64 {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now_ms()).finish()
    }
}

/// A time as the Query protocol writes it: `2026-01-01T00:00:00Z`.
pub(crate) fn iso_seconds(at_ms: u64) -> String {
    let seconds = i64::try_from(at_ms / 1000).unwrap_or_default();
    jiff::Timestamp::from_second(seconds).unwrap_or_default().to_string()
}

/// A time as AWS JSON writes it: seconds since 1970 as a number with up to three decimals.
///
/// Source: AWS JSON 1.1 protocol, timestamp format `epoch-seconds`.
pub(crate) fn epoch_seconds(at_ms: u64) -> f64 {
    Duration::from_millis(at_ms).as_secs_f64()
}
