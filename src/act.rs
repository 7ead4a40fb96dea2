//! act's habits: its flags, `.actrc`, and the files that it reads by default.
//!
//! One table ([`flags`]) says what each flag of act's means here. The parser, `wfrun doctor --from-act` and
//! docs/from-act.md are made of it.
mod actrc;
mod files;
mod flags;
mod from_rc;
mod known;
mod offers;
mod settle;

pub(crate) use actrc::{Line, Rc, rc_files};
pub(crate) use files::{DefaultFile, DefaultFiles};
pub(crate) use flags::{Flag, Here, Takes};
pub(crate) use settle::{Refusal, read};
