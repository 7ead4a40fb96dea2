//! The cache service's protocol, version 2.

use std::fs::File;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::standins::error::StandInError;
use crate::standins::http::{Client, HttpError, Payload};
use crate::standins::toolkit;

/// The service of the job.
#[derive(Debug)]
pub(in crate::standins) struct Service {
    client: Client,
    origin: String,
    authorization: String,
}

/// An entry that was found.
#[derive(Debug)]
pub(in crate::standins) struct Hit {
    pub(super) key: String,
    pub(super) url: String,
}

impl Service {
    /// `None` where the job has no service.
    pub(in crate::standins) fn from_environment() -> Option<Self> {
        let url = toolkit::variable("ACTIONS_RESULTS_URL");
        // Only scheme, host and port of the address count.
        let (scheme, rest) = url.split_once("://")?;
        let authority = rest.split('/').next().filter(|authority| !authority.is_empty())?;
        Some(Self {
            client: Client::new(),
            origin: format!("{scheme}://{authority}"),
            authorization: format!("Bearer {}", toolkit::variable("ACTIONS_RUNTIME_TOKEN")),
        })
    }

    /// Finds the entry for a key or, by prefix, for one of the restore keys; the service knows the rules.
    pub(super) fn look_up(
        &self,
        key: &str,
        restore_keys: &[String],
        version: &str,
    ) -> Result<Option<Hit>, StandInError> {
        let request = json!({ "key": key, "restore_keys": restore_keys, "version": version });
        let answer = self.call("GetCacheEntryDownloadURL", &request)?;
        if answer["ok"] != json!(true) {
            return Ok(None);
        }
        let hit = Hit {
            key: text(&answer, "matched_key", "matchedKey").to_owned(),
            url: text(&answer, "signed_download_url", "signedDownloadUrl").to_owned(),
        };
        toolkit::mask_signature(&hit.url);
        Ok(Some(hit))
    }

    /// Reserves an entry and returns where to upload it; `None` where the key is taken. Fails where the job may not save.
    pub(super) fn reserve(&self, key: &str, version: &str) -> Result<Option<String>, StandInError> {
        let answer = match self.call("CreateCacheEntry", &json!({ "key": key, "version": version })) {
            Err(StandInError::Action(message)) if message.contains("already_exists") => return Ok(None),
            other => other?,
        };
        if answer["ok"] != json!(true) {
            // Such as `cache write denied: …`, where the job's `cache-mode` forbids it.
            return match text(&answer, "message", "message") {
                "" => Ok(None),
                why => Err(StandInError::action(format!("Failed to save: {why}"))),
            };
        }
        let url = text(&answer, "signed_upload_url", "signedUploadUrl").to_owned();
        toolkit::mask_signature(&url);
        Ok(Some(url))
    }

    /// Ends the upload; from here on the entry can be found.
    pub(super) fn finalize(&self, key: &str, version: &str, size: u64) -> Result<(), StandInError> {
        // In JSON a 64-bit number is text, as proto3 has it.
        let request = json!({ "key": key, "version": version, "size_bytes": size.to_string() });
        let answer = self.call("FinalizeCacheEntryUpload", &request)?;
        if answer["ok"] == json!(true) {
            return Ok(());
        }
        Err(StandInError::action(format!(
            "Unable to finalize cache with key {key}, another job may be finalizing this cache."
        )))
    }

    /// Sends the archive in one request.
    ///
    /// Differs: `actions/cache` sends archives of 128 MiB and more in blocks; the stand-in sends any in one request.
    pub(super) fn upload(&self, url: &str, archive: &File, size: u64) -> Result<(), StandInError> {
        let headers = [("x-ms-blob-type", "BlockBlob"), ("content-type", "application/octet-stream")];
        let response = self.client.send("PUT", url, &headers, Payload::File(archive, size))?;
        if response.is_success() {
            return Ok(());
        }
        Err(StandInError::action(format!("the cache service refused the upload with status {}", response.status)))
    }

    /// Copies the archive to `file`.
    pub(super) fn download(&self, url: &str, file: &mut File) -> Result<(), StandInError> {
        let (status, _) = self.client.send_into("GET", url, &[], Payload::Empty, file)?;
        if status == 200 {
            return Ok(());
        }
        Err(StandInError::action(format!("the cache service refused the download with status {status}")))
    }

    fn call(&self, method: &str, request: &Value) -> Result<Value, StandInError> {
        let url = format!("{}/twirp/github.actions.results.api.v1.CacheService/{method}", self.origin);
        let headers = [("content-type", "application/json"), ("authorization", self.authorization.as_str())];
        let body = request.to_string();
        let response = self.client.send("POST", &url, &headers, Payload::Bytes(body.as_bytes())).map_err(|error| {
            // The method says more than the address does.
            StandInError::action(format!("{method} got no answer from the cache service: {}", chain(&error)))
        })?;
        let answer: Option<Value> = serde_json::from_slice(&response.body).ok();
        match answer {
            Some(answer) if response.is_success() => Ok(answer),
            Some(answer) => Err(StandInError::action(format!(
                "{method} was refused by the cache service with status {}: {} {}",
                response.status,
                answer["code"].as_str().unwrap_or_default(),
                answer["msg"].as_str().unwrap_or_default()
            ))),
            None => Err(StandInError::action(format!(
                "{method}: the cache service answered with status {} and no JSON",
                response.status
            ))),
        }
    }
}

/// What tells entries of one key apart: the paths as written, the compression and the format's number.
///
/// Source: GitHub: execution rules E9.2.
pub(super) fn version_of(patterns: &[String]) -> String {
    let parts = patterns.iter().map(String::as_str).chain(["zstd-without-long", "1.0"]);
    hex::encode(Sha256::digest(parts.collect::<Vec<_>>().join("|")))
}

fn chain(error: &HttpError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

fn text<'a>(answer: &'a Value, snake: &str, camel: &str) -> &'a str {
    answer[snake].as_str().or_else(|| answer[camel].as_str()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_the_toolkits() {
        // The hash of `~/.cache/pip|zstd-without-long|1.0`, as `@actions/cache` computes it.
        assert_eq!(
            version_of(&["~/.cache/pip".to_owned()]),
            hex::encode(Sha256::digest("~/.cache/pip|zstd-without-long|1.0"))
        );
        assert_ne!(version_of(&["a".to_owned(), "b".to_owned()]), version_of(&["b".to_owned(), "a".to_owned()]));
    }
}
