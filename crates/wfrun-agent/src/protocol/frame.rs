use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use thiserror::Error;

use super::{Reply, Request, Stream};

/// The most bytes of output in one frame.
pub(crate) const MAX_CHUNK: usize = 256 * 1024;
/// No frame is longer: an environment of this size could not be given to a process anyway.
const MAX_FRAME: usize = 64 * 1024 * 1024;
const LENGTH: usize = 4;
const CONTROL: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;

/// Bytes came that the other end cannot have meant.
#[derive(Debug, Error)]
pub enum ProtocolError {
    /// The length of a frame is impossible.
    #[error("a frame of {length} bytes was announced, at most {MAX_FRAME} are possible")]
    Length {
        /// What was announced.
        length: usize,
    },
    /// The kind of a frame is unknown in this direction.
    #[error("a frame of the unknown kind {kind} with {length} bytes")]
    Kind {
        /// The byte that says what follows.
        kind: u8,
        /// The length of the payload.
        length: usize,
    },
    /// The JSON of a control frame is not what it should be.
    #[error("a control frame could not be read")]
    Control {
        /// What is wrong with it.
        #[source]
        err: serde_json::Error,
    },
}

/// What can travel in a frame: [`Request`] one way, [`Reply`] the other.
pub trait Message: Sized {
    /// Appends the message as one frame.
    fn encode(&self, out: &mut Vec<u8>);
    /// Reads the payload of a frame of this kind.
    fn decode(kind: u8, payload: &[u8]) -> Result<Self, ProtocolError>;
}

impl Message for Request {
    fn encode(&self, out: &mut Vec<u8>) {
        let json = serde_json::to_vec(self).expect("a request has only string keys");
        push_frame(out, CONTROL, &[&json]);
    }

    fn decode(kind: u8, payload: &[u8]) -> Result<Self, ProtocolError> {
        match kind {
            CONTROL => control(payload),
            _ => Err(ProtocolError::Kind { kind, length: payload.len() }),
        }
    }
}

impl Message for Reply {
    fn encode(&self, out: &mut Vec<u8>) {
        if let Self::Output { id, stream, bytes } = self {
            encode_output(*id, *stream, bytes, out);
        } else {
            let json = serde_json::to_vec(self).expect("a reply has only string keys");
            push_frame(out, CONTROL, &[&json]);
        }
    }

    fn decode(kind: u8, payload: &[u8]) -> Result<Self, ProtocolError> {
        let output = |stream| match payload.split_first_chunk::<4>() {
            Some((id, bytes)) => Ok(Self::Output { id: u32::from_le_bytes(*id), stream, bytes: bytes.to_vec() }),
            None => Err(ProtocolError::Kind { kind, length: payload.len() }),
        };
        match kind {
            CONTROL => control(payload),
            STDOUT => output(Stream::Stdout),
            STDERR => output(Stream::Stderr),
            _ => Err(ProtocolError::Kind { kind, length: payload.len() }),
        }
    }
}

/// Appends one frame of output without taking the bytes.
pub(crate) fn encode_output(id: u32, stream: Stream, bytes: &[u8], out: &mut Vec<u8>) {
    let kind = match stream {
        Stream::Stdout => STDOUT,
        Stream::Stderr => STDERR,
    };
    push_frame(out, kind, &[&id.to_le_bytes(), bytes]);
}

fn push_frame(out: &mut Vec<u8>, kind: u8, parts: &[&[u8]]) {
    let length = 1 + parts.iter().map(|part| part.len()).sum::<usize>();
    let length = u32::try_from(length).expect("a frame is far below 4 GiB");
    out.extend_from_slice(&length.to_le_bytes());
    out.push(kind);
    for part in parts {
        out.extend_from_slice(part);
    }
}

fn control<T: DeserializeOwned>(payload: &[u8]) -> Result<T, ProtocolError> {
    serde_json::from_slice(payload).map_err(|err| ProtocolError::Control { err })
}

/// Makes messages of bytes that come in pieces of any size.
///
/// ```
/// use wfrun_agent::protocol::{Decoder, Message, Request};
///
/// let mut bytes = Vec::new();
/// Request::Shutdown.encode(&mut bytes);
/// let mut decoder = Decoder::<Request>::default();
/// decoder.ingest(&bytes[..3]);
/// assert!(decoder.take().unwrap().is_none());
/// decoder.ingest(&bytes[3..]);
/// assert_eq!(decoder.take().unwrap(), Some(Request::Shutdown));
/// ```
#[derive(Debug)]
pub struct Decoder<T> {
    bytes: Vec<u8>,
    taken: usize,
    message: PhantomData<fn() -> T>,
}

impl<T> Default for Decoder<T> {
    fn default() -> Self {
        Self { bytes: Vec::new(), taken: 0, message: PhantomData }
    }
}

impl<T: Message> Decoder<T> {
    /// Takes bytes in, in the order in which they came.
    pub fn ingest(&mut self, bytes: &[u8]) {
        // Moving the rest to the front only here keeps `take` free of copies when many frames came at once.
        self.bytes.drain(..self.taken);
        self.taken = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// Returns the next message, or `None` until more bytes have come.
    pub fn take(&mut self) -> Result<Option<T>, ProtocolError> {
        let rest = &self.bytes[self.taken..];
        let Some((length, rest)) = rest.split_first_chunk::<LENGTH>() else { return Ok(None) };
        let length = u32::from_le_bytes(*length) as usize;
        if length == 0 || length > MAX_FRAME {
            return Err(ProtocolError::Length { length });
        }
        let Some(frame) = rest.get(..length) else { return Ok(None) };
        let message = T::decode(frame[0], &frame[1..])?;
        self.taken += LENGTH + length;
        Ok(Some(message))
    }
}
