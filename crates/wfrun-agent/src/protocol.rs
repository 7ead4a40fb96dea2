//! What wfrun and the supervisor say to each other, as bytes: no sockets here.
//!
//! A frame is its length (four bytes, little endian, without the length itself), one byte that says what follows, and
//! the payload: JSON for control, or the number of a process, a stream and raw bytes for output.
//! Both ends are always the same executable, so the format carries no version and may change at will.

mod frame;
mod message;

pub use frame::{Decoder, Message, ProtocolError};
pub(crate) use frame::{MAX_CHUNK, encode_output};
pub use message::{FoundProcess, Ready, Reply, Request, Signal, Stream, Target};
