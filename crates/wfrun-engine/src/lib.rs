//! Decides; never does. Facts come in, effects and run events go out.
//!
//! Invariant: no clock, no disk, no task. Time comes in with the facts.
//! Invariant: the record changes only in `Engine::emit`, by folding an event.
mod command;
mod container;
mod effect;
mod engine;
mod environment;
mod fact;
mod file_command;
mod forced;
mod frame;
mod loopback;
mod matcher;
mod output;
mod put;
mod scope;
mod settings;
mod shell;
mod state;
mod strand;
mod words;

pub use command::{Command, StopCommands, parse_command};
pub use container::{ContainerSpec, JobContainers, RegistryLogin, ServiceContainer, ServiceSpec};
pub use effect::{
    ConcurrencyGroup, ContainerImage, Effect, EnvironmentRequest, FilePaths, IdTokenClaims, JobToken, Launch, Program,
    ShellSearch, Signal, Timer, Turn,
};
pub use engine::Engine;
pub use fact::{
    ApiCall, ApiNote, AwsCall, AwsDenial, Entry, Fact, FactKind, FoundAction, JobEnvironment, Layout, RawDeclaration,
    ResolvedAction, StepEnd, StepFiles,
};
pub use file_command::{FileCommandError, parse_key_values};
pub use forced::{Forced, ForcedStep};
pub use loopback::keep_loopback_direct;
pub use settings::{EngineSettings, Grace};
pub use shell::{ShellCommand, ShellError};
pub use words::split_words;
