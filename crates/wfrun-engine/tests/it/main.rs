//! The engine driven by scripts: no process, no clock.
mod background;
mod calls;
mod commands;
mod composite;
mod concurrency;
mod conditions;
mod containers;
mod driver;
mod ending;
mod file_commands;
mod matchers;
mod matrix;
mod output;
mod processes;
mod properties;
mod rules;
mod story;
