//! The engine driven by scripts: no process, no clock.
mod conditions;
mod driver;
mod ending;
mod output;
mod properties;
