//! Integration tests of the expression language.
mod bombs;
mod checks;
mod conformance;
mod foresee;
mod properties;
mod tables;
mod templates;
mod traces;
mod world;
