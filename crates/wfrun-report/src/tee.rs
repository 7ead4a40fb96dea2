use std::fmt;
use std::io::ErrorKind;

use wfrun_journal::{RunEvent, RunRecord, Sink, SinkError};

/// Passes each event to several sinks, and stops for none of them.
///
/// A sink that fails gets no more events; what it failed with stays in [`Tee::failures`], for the caller to report once.
/// A closed standard output (`wfrun … | head`) is no failure: nobody is left to tell.
#[derive(Default)]
pub struct Tee {
    sinks: Vec<Box<dyn Sink + Send>>,
    failures: Vec<SinkError>,
}

impl Tee {
    /// Passes events to `sinks`, in this order.
    pub fn new(sinks: Vec<Box<dyn Sink + Send>>) -> Self {
        Self { sinks, failures: Vec::new() }
    }

    /// What sinks failed with so far, each at most once.
    pub fn failures(&self) -> &[SinkError] {
        &self.failures
    }

    /// Lets every sink do `act`; one that fails is dropped.
    fn each(&mut self, mut act: impl FnMut(&mut (dyn Sink + Send)) -> Result<(), SinkError>) {
        let Self { sinks, failures } = self;
        sinks.retain_mut(|sink| match act(sink.as_mut()) {
            Ok(()) => true,
            Err(failure) => {
                if !is_closed_pipe(&failure) {
                    failures.push(failure);
                }
                false
            }
        });
    }
}

impl Sink for Tee {
    /// Never fails.
    fn accept(&mut self, event: &RunEvent, so_far: &RunRecord) -> Result<(), SinkError> {
        self.each(|sink| sink.accept(event, so_far));
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.each(|sink| sink.flush());
        Ok(())
    }
}

impl fmt::Debug for Tee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tee").field("sinks", &self.sinks.len()).field("failures", &self.failures).finish()
    }
}

fn is_closed_pipe(failure: &SinkError) -> bool {
    failure.path.is_none() && failure.err.kind() == ErrorKind::BrokenPipe
}
