//! One client, from its first packet to the last answer.

use std::future::pending;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use axum::http::StatusCode;
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Slot;
use super::content::Content;
use super::packet::{Answer, Packet, invalid, receive};
use crate::blob::{Archive, BlobError, PUT_BLOB, Transfer, Upload};
use crate::services::{ServiceCall, Shared};

/// Packets between the socket and the disk.
const PACKETS: usize = 1;

/// Clients say who they are as soon as they are connected.
const HELLO: Duration = Duration::from_secs(10);

/// Clients hear of progress this often, in bytes: as they do of blocks.
const STRIDE: u64 = 8 * 1024 * 1024;

/// Takes an upload.
pub(super) async fn serve(socket: UnixStream, shared: Arc<Shared>, stopping: CancellationToken, slot: Slot) {
    let mut upload = None;
    let ended = async {
        stopping.cancelled().await;
        BlobError::new(StatusCode::SERVICE_UNAVAILABLE, "ServerBusy", "the services end")
    };
    let taken = tokio::select! {
        taken = take(&shared, &socket, &mut upload, &slot) => taken,
        err = ended => Err(err),
    };
    if let (Err(err), Some(upload)) = (&taken, &upload)
        && err.is_full()
    {
        // Nobody says that a client has given up, and what came so far is in the way of all others.
        shared.transfers.end_upload(upload);
    }
    let (status, answer) = match taken {
        Ok(digest) => (StatusCode::CREATED, Answer::Done(digest)),
        Err(err) => {
            let (status, why) = err.told();
            (status, Answer::Refused(why))
        }
    };
    // Who is nobody's has asked for nothing that a person should know of, however often.
    if let Some(upload) = upload {
        shared.tell(ServiceCall {
            service: upload.subject.service(),
            operation: PUT_BLOB.to_owned(),
            status: status.as_u16(),
            job: upload.identity.job.clone(),
            ..ServiceCall::default()
        });
    }
    let telling = socket.async_io(Interest::WRITABLE, || answer.send(&socket));
    if !matches!(timeout(shared.patience, telling).await, Ok(Ok(()))) {
        tracing::debug!("a client did not hear what became of its upload");
    }
}

/// Makes what a client sends an upload's content; gives back its digest.
async fn take(
    shared: &Shared,
    socket: &UnixStream,
    known: &mut Option<Arc<Upload>>,
    slot: &Slot,
) -> Result<String, BlobError> {
    let patience = HELLO.min(shared.patience);
    let hello = timeout(patience, next(socket)).await.map_err(|_| silent(patience, 0))?;
    let hello = hello.map_err(|err| broken(&err))?.ok_or_else(|| invalid("nothing came"))?;
    let upload = known.insert(upload_of(shared, &hello).ok_or_else(BlobError::forbidden)?);
    let archive = content(shared.store.uploads(), socket, shared.patience, slot).await?;
    let digest = archive.sha256.clone();
    upload.put(archive);
    Ok(digest)
}

/// The upload that a client may write: both token and signature are of one job.
fn upload_of(shared: &Shared, hello: &Packet) -> Option<Arc<Upload>> {
    let (token, signature) = hello.hello()?;
    let identity = shared.identify(&format!("Bearer {token}"))?;
    match shared.transfers.get(signature)? {
        Transfer::Upload(upload) if Arc::ptr_eq(&upload.identity, &identity) => Some(upload),
        Transfer::Upload(_) | Transfer::Download(_) => None,
    }
}

/// Hands packets to a thread that writes, until that has an end.
async fn content(folder: &Path, socket: &UnixStream, patience: Duration, slot: &Slot) -> Result<Archive, BlobError> {
    let (progress, mut taken) = watch::channel(0);
    let (sender, packets) = mpsc::channel(PACKETS);
    let mut ended = write(folder, packets, progress, slot).map_err(|err| BlobError::store(&err))?;
    let mut sender = Some(sender);
    let mut told = 0;
    loop {
        let happened = async {
            tokio::select! {
                biased;
                ended = &mut ended => Happened::Ended(ended.unwrap_or_else(|_| Err(invalid("the upload broke off")))),
                Ok(()) = taken.changed() => Happened::Taken(*taken.borrow_and_update()),
                packet = pass_on(socket, sender.as_ref()) => Happened::Came(packet),
            }
        };
        match timeout(patience, happened).await.map_err(|_| silent(patience, *taken.borrow()))? {
            Happened::Ended(ended) => return ended,
            Happened::Taken(size) if size >= told + STRIDE => {
                told = size - size % STRIDE;
                // Where there is no room, the client hears it with the next.
                Answer::Taken(size).send(socket).ok();
            }
            Happened::Taken(_) | Happened::Came(Ok(true)) => {}
            Happened::Came(Ok(false)) => sender = None,
            Happened::Came(Err(err)) => return Err(broken(&err)),
        }
    }
}

/// What a connection waits for.
enum Happened {
    /// The thread is done.
    Ended(Result<Archive, BlobError>),
    /// So much is written.
    Taken(u64),
    /// A packet, or none any more.
    Came(io::Result<bool>),
}

/// Hands on the next packet as soon as there is room for it; whether there was one.
async fn pass_on(socket: &UnixStream, sender: Option<&mpsc::Sender<Packet>>) -> io::Result<bool> {
    // All has come: what is awaited is what becomes of it.
    let Some(sender) = sender else { return pending().await };
    let Ok(room) = sender.reserve().await else { return pending().await };
    let Some(packet) = next(socket).await? else { return Ok(false) };
    room.send(packet);
    Ok(true)
}

async fn next(socket: &UnixStream) -> io::Result<Option<Packet>> {
    socket.async_io(Interest::READABLE, || receive(socket)).await
}

/// Starts the thread that writes.
///
/// It is none of the runtime's: a client's file may be of a file system that never answers, for which nobody then waits. The
/// slot is taken as long as it works.
fn write(
    folder: &Path,
    mut packets: mpsc::Receiver<Packet>,
    progress: watch::Sender<u64>,
    slot: &Slot,
) -> io::Result<oneshot::Receiver<Result<Archive, BlobError>>> {
    let (done, ended) = oneshot::channel();
    let folder = folder.to_owned();
    let work = move || {
        let mut content = Content::new(&folder, progress).map_err(|err| BlobError::store(&err))?;
        while let Some(packet) = packets.blocking_recv() {
            if content.take(packet)? {
                return content.finish();
            }
        }
        Err(invalid(format!("the upload broke off after {} bytes", content.size())))
    };
    let slot = Arc::clone(slot);
    thread::Builder::new().name("upload".to_owned()).spawn(move || {
        // The connection may be gone.
        done.send(work()).ok();
        drop(slot);
    })?;
    Ok(ended)
}

fn silent(patience: Duration, size: u64) -> BlobError {
    let message = format!("nothing came for {} s after {size} bytes", patience.as_secs());
    BlobError::new(StatusCode::REQUEST_TIMEOUT, "OperationTimedOut", message)
}

fn broken(err: &io::Error) -> BlobError {
    invalid(format!("the upload broke off: {err}"))
}
