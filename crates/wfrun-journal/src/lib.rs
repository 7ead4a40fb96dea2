//! What happened: the run events, their fold, and masking. The versioned contract of every view.
//!
//! Invariant: text reaches an event only as [`Masked`], and only a [`Masker`] can make one.
//! Invariant: a [`RunRecord`] changes only by folding a [`RunEvent`], so the journal alone rebuilds it.
mod encoders;
mod event;
mod long_line;
mod masked;
mod masker;
mod outcome;
mod reason;
mod record;
mod sink;

pub use event::{
    Annotation, ArtifactKept, ArtifactRemoved, Declared, Fault, JobFinished, JobHeader, JobSkipped, JobStarted, Lines,
    MatrixExpanded, Notice, RunEvent, RunEventKind, RunFinished, RunStarted, SCHEMA, ServiceCalled, StepFinished,
    StepSkipped, StepStarted, StepSummary, WorkflowCalled,
};
pub use long_line::LongLine;
pub use masked::Masked;
pub use masker::{Masker, Secret};
pub use outcome::{AnnotationLevel, Conclusion, How, Outcome, Phase, StepKindName, Stream};
pub use reason::{Because, Operand, SkipReason};
pub use record::{CacheUse, DeclaredThing, FirstAsked, JobRun, KeptArtifact, RunRecord, StepKey, StepRun};
pub use sink::{Sink, SinkError};
