//! Content to the service in blocks, as it is made.

use std::io::{self, Write};
use std::mem;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, JoinHandle};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::standins::error::StandInError;
use crate::standins::http::{Client, Payload, Response};
use crate::standins::toolkit;

/// Source: `@actions/artifact`, `getUploadChunkSize`
const BLOCK: usize = 8 * 1024 * 1024;

/// Takes content and sends a block whenever one is full, while the next is made; no more than three are held.
///
/// Differs: the stand-in of `actions/upload-artifact` sends one block after the other; the real one sends five at a time.
pub(super) struct Blocks {
    client: Client,
    url: String,
    pending: Vec<u8>,
    full: SyncSender<Vec<u8>>,
    /// Buffers of blocks that were sent: new memory costs more than the sending of what is in it.
    empty: Receiver<Vec<u8>>,
    /// Gone once it has ended.
    sending: Option<JoinHandle<Result<Sent, StandInError>>>,
}

/// What the service has taken.
#[derive(Default)]
struct Sent {
    ids: Vec<String>,
    size: u64,
}

impl Blocks {
    pub(super) fn to(client: &Client, url: &str) -> Self {
        let (full, blocks) = sync_channel(1);
        let (done, empty) = channel();
        let (of_thread, to) = (client.clone(), url.to_owned());
        let sending = thread::spawn(move || send(&of_thread, &to, &blocks, &done));
        Self {
            client: client.clone(),
            url: url.to_owned(),
            pending: Vec::with_capacity(BLOCK),
            full,
            empty,
            sending: Some(sending),
        }
    }

    /// Sends the rest and names the blocks' order; gives back size and digest of all, the digest as the service made it.
    pub(super) fn finish(mut self, content_type: &str) -> Result<(u64, String), StandInError> {
        if !self.pending.is_empty() {
            self.hand_on()?;
        }
        let Self { client, url, full, sending, .. } = self;
        drop(full);
        let Sent { ids, size } = result_of(sending)?;
        let mut list = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>".to_owned();
        for id in &ids {
            list.push_str("<Latest>");
            list.push_str(id);
            list.push_str("</Latest>");
        }
        list.push_str("</BlockList>");
        let url = format!("{url}&comp=blocklist");
        let answer = put(&client, &url, &[("x-ms-blob-content-type", content_type)], list.as_bytes())?;
        let digest = answer.header("x-wfrun-sha256").map(str::to_owned);
        let digest =
            digest.ok_or_else(|| StandInError::action("the artifact service does not say what it has taken"))?;
        Ok((size, digest))
    }

    /// Hands a block on; if it is not taken, sending has ended, and says why.
    fn hand_on(&mut self) -> Result<(), StandInError> {
        let next = self.empty.try_recv().unwrap_or_else(|_| Vec::with_capacity(BLOCK));
        let block = mem::replace(&mut self.pending, next);
        if self.full.send(block).is_ok() {
            return Ok(());
        }
        result_of(self.sending.take()).and(Err(broken_off()))
    }
}

impl Write for Blocks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(BLOCK - self.pending.len());
        self.pending.extend_from_slice(&bytes[..count]);
        if self.pending.len() == BLOCK {
            self.hand_on().map_err(io::Error::other)?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Sends blocks as they come, until there are no more or one is refused.
fn send(client: &Client, url: &str, blocks: &Receiver<Vec<u8>>, done: &Sender<Vec<u8>>) -> Result<Sent, StandInError> {
    let mut sent = Sent::default();
    for mut block in blocks {
        let id = STANDARD.encode(format!("{:012}", sent.ids.len()));
        let url = format!("{url}&comp=block&blockid={}", utf8_percent_encode(&id, NON_ALPHANUMERIC));
        put(client, &url, &[], &block)?;
        sent.size += block.len() as u64;
        sent.ids.push(id);
        toolkit::info(&format!("Uploaded bytes {}", sent.size));
        block.clear();
        // Nobody takes the buffer of the last one.
        done.send(block).ok();
    }
    Ok(sent)
}

fn result_of(sending: Option<JoinHandle<Result<Sent, StandInError>>>) -> Result<Sent, StandInError> {
    sending.and_then(|it| it.join().ok()).unwrap_or_else(|| Err(broken_off()))
}

fn broken_off() -> StandInError {
    StandInError::action("the upload broke off")
}

fn put(client: &Client, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Response, StandInError> {
    let response = client.send("PUT", url, headers, Payload::Bytes(body))?;
    if response.is_success() {
        return Ok(response);
    }
    let code = response.header("x-ms-error-code").unwrap_or_default();
    Err(StandInError::action(format!("the artifact service refused the upload with status {} {code}", response.status)))
}
