//! Content to the service in blocks, as it is made.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest as _, Sha256};

use crate::standins::error::StandInError;
use crate::standins::http::{Client, Payload};
use crate::standins::toolkit;

/// Source: `@actions/artifact`, `getUploadChunkSize`
const BLOCK: usize = 8 * 1024 * 1024;

/// Takes content and sends a block whenever one is full; no more than that is held.
///
/// Differs: the stand-in of `actions/upload-artifact` sends one block after the other; the real one sends five at a time.
pub(super) struct Blocks<'a> {
    client: &'a Client,
    url: &'a str,
    pending: Vec<u8>,
    ids: Vec<String>,
    sent: u64,
    digest: Sha256,
}

impl<'a> Blocks<'a> {
    pub(super) fn to(client: &'a Client, url: &'a str) -> Self {
        Self { client, url, pending: Vec::new(), ids: Vec::new(), sent: 0, digest: Sha256::new() }
    }

    /// Sends the rest and names the blocks' order; gives back size and digest of all.
    pub(super) fn finish(mut self, content_type: &str) -> Result<(u64, String), StandInError> {
        if !self.pending.is_empty() {
            self.send()?;
        }
        let mut list = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>".to_owned();
        for id in &self.ids {
            list.push_str("<Latest>");
            list.push_str(id);
            list.push_str("</Latest>");
        }
        list.push_str("</BlockList>");
        let url = format!("{}&comp=blocklist", self.url);
        put(self.client, &url, &[("x-ms-blob-content-type", content_type)], list.as_bytes())?;
        Ok((self.sent, hex::encode(self.digest.finalize())))
    }

    fn send(&mut self) -> Result<(), StandInError> {
        let id = STANDARD.encode(format!("{:012}", self.ids.len()));
        let url = format!("{}&comp=block&blockid={}", self.url, utf8_percent_encode(&id, NON_ALPHANUMERIC));
        put(self.client, &url, &[], &self.pending)?;
        self.digest.update(&self.pending);
        self.sent += self.pending.len() as u64;
        self.pending.clear();
        self.ids.push(id);
        toolkit::info(&format!("Uploaded bytes {}", self.sent));
        Ok(())
    }
}

impl Write for Blocks<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(BLOCK - self.pending.len());
        self.pending.extend_from_slice(&bytes[..count]);
        if self.pending.len() == BLOCK {
            self.send().map_err(io::Error::other)?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn put(client: &Client, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<(), StandInError> {
    let response = client.send("PUT", url, headers, Payload::Bytes(body))?;
    if response.is_success() {
        return Ok(());
    }
    let code = response.header("x-ms-error-code").unwrap_or_default();
    Err(StandInError::action(format!("the artifact service refused the upload with status {} {code}", response.status)))
}
