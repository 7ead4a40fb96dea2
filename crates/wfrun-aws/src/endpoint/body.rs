//! The bodies of API requests and manifests: kept in memory as long as the request is being understood, and so bounded in size, sum and time.
//!
//! Those of API requests are read before anybody is known to be who they say, as the signature covers them.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use futures_util::StreamExt as _;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout, timeout_at};

use crate::protocol::{ApiError, Protocol};

const MIB: usize = 1024 * 1024;

/// How large the body of any other operation may be: the longest task definition has 64 KiB, the longest policy 10 KiB.
const SMALL: usize = 2 * MIB;

/// The operations with larger bodies, by what `X-Amz-Target` ends with.
///
/// Source: AWS ECR API reference, `UploadLayerPart` (20 MiB, in base64) and `PutImage` (4 MiB, which JSON may double); AWS `CloudWatch`
/// Logs API reference, `PutLogEvents` (1 MiB in UTF-8, of which JSON makes up to six times as much).
const LARGE: [(&str, usize); 3] = [
    ("ContainerRegistry_V20150921.UploadLayerPart", 28 * MIB),
    ("ContainerRegistry_V20150921.PutImage", 9 * MIB),
    ("Logs_20140328.PutLogEvents", 8 * MIB),
];

/// How long whom is waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// For the next bytes of a body.
    pub(crate) stalled: Duration,
    /// For the whole of it.
    pub(crate) whole: Duration,
    /// For room in memory; more than `stalled`, so that those who stall make room.
    pub(crate) room: Duration,
    /// For the rest of a body that is not wanted: a client that still sends does not see its answer.
    pub(crate) rest: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let [stalled, whole, room, rest] = [15, 60, 30, 2].map(Duration::from_secs);
        Self { stalled, whole, room, rest }
    }
}

/// The memory that bodies have.
#[derive(Debug)]
pub(crate) struct Bodies {
    /// In bytes. Its own for the large ones, which would make all others wait.
    large: Semaphore,
    small: Semaphore,
    /// A body up to so many bytes is not counted, so that ordinary calls wait for nobody: all connections that a process may have make
    /// less of them than one large body.
    free: usize,
    patience: Patience,
}

/// A body, and its share of the memory while it is kept.
#[derive(Debug)]
pub(crate) struct Kept<'a> {
    pub(crate) bytes: Vec<u8>,
    _room: Option<SemaphorePermit<'a>>,
}

/// Why a body was not received.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Unread {
    /// It has more bytes than the operation takes.
    TooLarge { limit: usize },
    /// Nothing came for too long.
    Stalled,
    /// Other bodies took all memory for too long.
    NoRoom,
    /// The connection broke off, and how.
    Broken(String),
}

impl Default for Bodies {
    fn default() -> Self {
        Self::new([64 * MIB, 32 * MIB], 16 * 1024, Patience::default())
    }
}

impl Bodies {
    /// `large` and `small` are bytes for bodies of what takes more and up to 2 MiB; bodies up to `free` bytes are not counted.
    pub(crate) fn new([large, small]: [usize; 2], free: usize, patience: Patience) -> Self {
        Self { large: Semaphore::new(large), small: Semaphore::new(small), free, patience }
    }

    /// Receives a body of at most `limit` bytes. Of one that is not wanted the rest is read and dropped, within reason.
    pub(crate) async fn receive(&self, headers: &HeaderMap, body: Body, limit: usize) -> Result<Kept<'_>, Unread> {
        let mut body = body.into_data_stream();
        let received = self.kept(declared(headers), &mut body, limit).await;
        if let Err(Unread::TooLarge { .. } | Unread::NoRoom) = received {
            let rest = async { while let Some(Ok(_)) = body.next().await {} };
            // Whether all came or not, the answer is the same.
            drop(timeout(self.patience.rest, rest).await);
        }
        received
    }

    async fn room(&self, size: usize, limit: usize) -> Result<SemaphorePermit<'_>, Unread> {
        let budget = if limit > SMALL { &self.large } else { &self.small };
        let share = u32::try_from(size).map_err(|_| Unread::TooLarge { limit })?;
        let room = timeout(self.patience.room, budget.acquire_many(share)).await;
        room.ok().and_then(Result::ok).ok_or(Unread::NoRoom)
    }

    async fn kept(
        &self,
        declared: Option<usize>,
        body: &mut axum::body::BodyDataStream,
        limit: usize,
    ) -> Result<Kept<'_>, Unread> {
        // Chunks that follow without a length may be as many as are allowed.
        let size = declared.unwrap_or(limit);
        if size > limit {
            return Err(Unread::TooLarge { limit });
        }
        let room = if size > self.free { Some(self.room(size, limit).await?) } else { None };
        let mut bytes = Vec::with_capacity(declared.unwrap_or_default());
        let end = Instant::now() + self.patience.whole;
        loop {
            let next = timeout_at(end.min(Instant::now() + self.patience.stalled), body.next());
            match next.await.map_err(|_| Unread::Stalled)? {
                None => return Ok(Kept { bytes, _room: room }),
                Some(Err(err)) => return Err(Unread::Broken(err.to_string())),
                Some(Ok(chunk)) if bytes.len() + chunk.len() > size => return Err(Unread::TooLarge { limit }),
                Some(Ok(chunk)) => bytes.extend_from_slice(&chunk),
            }
        }
    }
}

impl Unread {
    /// The answer in the words of a protocol. Only what waiting can mend is retried by clients.
    pub(super) fn error(&self, protocol: Protocol) -> ApiError {
        let code = |name: &str| match protocol {
            Protocol::Json | Protocol::Cbor => format!("{name}Exception"),
            Protocol::Query { .. } | Protocol::RestXml => name.to_owned(),
        };
        match self {
            Self::TooLarge { limit } => {
                let message = format!("Request size exceeds the limit of {limit} bytes");
                ApiError::with_status(413, code("RequestEntityTooLarge"), message)
            }
            Self::Stalled => {
                ApiError::with_status(408, code("RequestTimeout"), "The request body did not arrive in time")
            }
            Self::NoRoom => ApiError::new(code("Throttling"), "Rate exceeded: too many large requests at once"),
            Self::Broken(why) => {
                ApiError::new("SerializationException", format!("the request body was not received: {why}"))
            }
        }
    }
}

/// How many bytes the body of a request may have. `is_signed`: whether it names an access key; an operation that is known before the body
/// comes and must be signed is refused without one, whatever the body is.
pub(super) fn limit(headers: &HeaderMap, is_signed: bool) -> usize {
    let Some(target) = headers.get("x-amz-target").and_then(|value| value.to_str().ok()) else { return SMALL };
    if !is_signed {
        return 0;
    }
    LARGE.iter().find(|(operation, _)| target.ends_with(operation)).map_or(SMALL, |(_, limit)| *limit)
}

fn declared(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::time::Duration;

    use axum::body::{Body, Bytes};
    use axum::http::HeaderMap;
    use futures_util::stream::{self, StreamExt as _};

    use super::{Bodies, LARGE, MIB, Patience, SMALL, Unread, limit};

    const PATIENCE: Patience = Patience {
        stalled: Duration::from_millis(50),
        whole: Duration::from_millis(200),
        room: Duration::from_millis(100),
        rest: Duration::from_millis(50),
    };

    fn headers(length: Option<usize>) -> HeaderMap {
        length.map(|it| ("content-length".parse().unwrap(), it.to_string().parse().unwrap())).into_iter().collect()
    }

    /// A body that sends `pieces` of one byte, one each 20 ms, and then nothing more without an end.
    fn trickle(pieces: usize) -> Body {
        let piece = |_| async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Ok::<_, Infallible>(Bytes::from_static(b"x"))
        };
        Body::from_stream(stream::iter(0..pieces).then(piece).chain(stream::pending()))
    }

    #[tokio::test]
    async fn bodies_are_bounded_in_size_and_time() {
        let cases = [
            (Some(3), Body::from("abc"), 3, Ok(3)),
            (None, Body::from("abc"), 3, Ok(3)),
            (Some(4), Body::from("abcd"), 3, Err(Unread::TooLarge { limit: 3 })),
            (None, Body::from("abcd"), 3, Err(Unread::TooLarge { limit: 3 })),
            (Some(0), Body::empty(), 0, Ok(0)),
            (Some(9), trickle(2), 9, Err(Unread::Stalled)),
            (Some(9_000), trickle(9_000), 9_000, Err(Unread::Stalled)),
            // What is too large is not waited for.
            (Some(9), trickle(9), 8, Err(Unread::TooLarge { limit: 8 })),
        ];
        let bodies = Bodies::new([0, 9_000], 0, PATIENCE);
        for (length, body, limit, want) in cases {
            let found = bodies.receive(&headers(length), body, limit).await.map(|it| it.bytes.len());
            assert_eq!(found, want, "{length:?} of {limit}");
        }
    }

    #[tokio::test]
    async fn bodies_share_what_memory_there_is() {
        let bodies = Bodies::new([3 * MIB, 8], 2, PATIENCE);
        let small = bodies.receive(&headers(Some(6)), Body::from("abcdef"), 8).await.unwrap();
        let other = bodies.receive(&headers(Some(3)), Body::from("abc"), 8).await;
        assert_eq!(other.map(|it| it.bytes), Err(Unread::NoRoom));
        // Neither do the smallest wait, nor large ones for small ones.
        assert!(bodies.receive(&headers(Some(2)), Body::from("ab"), 8).await.is_ok());
        let large = bodies.receive(&headers(Some(3)), Body::from("abc"), 3 * MIB).await;
        assert!(large.is_ok());
        drop(small);
        assert!(bodies.receive(&headers(Some(3)), Body::from("abc"), 8).await.is_ok());
    }

    #[tokio::test]
    async fn whoever_stalls_makes_room() {
        // However late this is looked at: there is room before its time is over.
        let bodies = Bodies::new([0, 8], 0, Patience { room: Duration::from_secs(30), ..PATIENCE });
        let (length, more) = (headers(Some(8)), headers(Some(8)));
        let stalled = bodies.receive(&length, trickle(1), 8);
        let waiting = bodies.receive(&more, Body::from("abcdefgh"), 8);
        let (stalled, waiting) = tokio::join!(stalled, waiting);
        assert_eq!(stalled.map(|it| it.bytes), Err(Unread::Stalled));
        assert!(waiting.is_ok());
    }

    #[test]
    fn only_some_operations_have_large_bodies() {
        let of = |target: &str| HeaderMap::from_iter([("x-amz-target".parse().unwrap(), target.parse().unwrap())]);
        let part = of("AmazonEC2ContainerRegistry_V20150921.UploadLayerPart");
        assert_eq!(limit(&part, true), LARGE[0].1);
        assert_eq!(limit(&part, false), 0);
        assert_eq!(limit(&of("AmazonEC2ContainerServiceV20141113.RegisterTaskDefinition"), true), SMALL);
        assert_eq!(limit(&of("DynamoDB_20120810.UploadLayerPart"), true), SMALL);
        // A form may be one that needs no signature.
        assert_eq!(limit(&HeaderMap::new(), false), SMALL);
    }
}
