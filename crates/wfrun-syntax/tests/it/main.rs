//! Integration tests of the YAML reader.
mod conformance;
mod diagnostics;
mod properties;
mod tree;
