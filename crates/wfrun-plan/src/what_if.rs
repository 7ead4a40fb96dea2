//! The smallest changes of a caller's situation that turn a verdict round.
//!
//! Candidates come from what conditions compare and filters ask; a change is only told after planning it again.
mod candidates;
mod change;
mod search;
mod texts;

pub use candidates::{candidates, directed};
pub use change::Change;
pub use search::search;
