//! The engine driven by scripts: no process, no clock.
mod calls;
mod conditions;
mod containers;
mod driver;
mod ending;
mod matrix;
mod output;
mod properties;
