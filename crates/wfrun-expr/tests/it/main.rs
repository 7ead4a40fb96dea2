//! Integration tests of the expression language.
mod conformance;
mod properties;
mod tables;
mod templates;
mod traces;
mod world;
