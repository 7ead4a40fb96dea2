//! The engine driven by scripts: no process, no clock.
mod calls;
mod commands;
mod conditions;
mod driver;
mod ending;
mod file_commands;
mod matchers;
mod matrix;
mod output;
mod properties;
