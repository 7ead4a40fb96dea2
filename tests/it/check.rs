//! `wfrun check`.
