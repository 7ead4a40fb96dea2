//! What the targets call. The checks of expressions are those of the crate's own tests.
#[path = "../../crates/wfrun-expr/tests/it/checks.rs"]
mod checks;
mod targets;
#[path = "../../crates/wfrun-workflow/tests/it/checks.rs"]
mod workflow_checks;
#[path = "../../crates/wfrun-expr/tests/it/world.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod world;

pub use targets::{expr_eval, expr_parse, workflow, yaml};
