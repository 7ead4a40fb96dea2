//! The engine driven by scripts: no process, no clock.
mod background;
mod calls;
mod composite;
mod concurrency;
mod conditions;
mod containers;
mod driver;
mod ending;
mod matrix;
mod output;
mod properties;
