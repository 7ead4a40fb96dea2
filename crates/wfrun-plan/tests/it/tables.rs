//! GitHub's tables, one by one and row by row in their order, so that one can be held beside the other.
//!
//! Source: GitHub: planning rules 2.2 to 2.4, 4.3 and 4.5. What goes beyond them is in the other files.
mod events;
mod filters;
mod matrix;
mod needs;
