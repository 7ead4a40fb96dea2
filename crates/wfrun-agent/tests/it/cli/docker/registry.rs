//! A registry of two repositories, behind the password `secret` of the user `AWS`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::cli::server::{self, Answer, Request};

type Contents = BTreeMap<String, Vec<u8>>;

/// A registry that runs until the tests end.
pub(crate) struct Registry {
    address: String,
    /// By path: `/v2/news-api/blobs/sha256:…`, `/v2/news-api/manifests/latest`.
    contents: Arc<Mutex<Contents>>,
    /// How often each was asked for, as `HEAD /v2/news-api/blobs/sha256:…`.
    asked: Arc<Mutex<BTreeMap<String, u32>>>,
}

impl Registry {
    pub(crate) fn start() -> Self {
        Self::throttling(0)
    }

    /// One that says of each request so many times that it comes too early.
    pub(crate) fn throttling(times: u32) -> Self {
        let (contents, asked) = (Arc::<Mutex<Contents>>::default(), Arc::<Mutex<BTreeMap<_, _>>>::default());
        let (own, counts) = (Arc::clone(&contents), Arc::clone(&asked));
        let address = server::start(move |request| {
            let mut counts = counts.lock().expect("no thread panicked");
            let count = counts.entry(format!("{} {}", request.method, path_of(request))).or_insert(0);
            *count += 1;
            if *count <= times {
                return error(429, "TOOMANYREQUESTS", "Rate exceeded");
            }
            answer(request, &mut own.lock().expect("no thread panicked"))
        });
        Self { address, contents, asked }
    }

    /// What was asked for, without the query, and how often.
    pub(crate) fn asked(&self) -> BTreeMap<String, u32> {
        self.asked.lock().expect("no thread panicked").clone()
    }

    pub(crate) fn address(&self) -> String {
        self.address.clone()
    }

    /// Digest and size of a manifest.
    pub(crate) fn manifest(&self, repository: &str, tag: &str) -> Option<(String, usize)> {
        let contents = self.contents.lock().expect("no thread panicked");
        let manifest = contents.get(&format!("/v2/{repository}/manifests/{tag}"))?;
        Some((digest(manifest), manifest.len()))
    }
}

fn path_of(request: &Request) -> &str {
    request.path.split('?').next().unwrap_or_default()
}

fn answer(request: &Request, contents: &mut Contents) -> Answer {
    if request.header("authorization") != "Basic QVdTOnNlY3JldA==" {
        let challenge = "Basic realm=\"https://registry/\",service=\"ecr.amazonaws.com\"".to_owned();
        return Answer { status: 401, headers: vec![("www-authenticate", challenge)], body: Vec::new() };
    }
    let path = path_of(request).to_owned();
    match request.method.as_str() {
        "GET" if path == "/v2/" => status(200),
        "HEAD" if path.starts_with("/v2/hidden/") => error(403, "DENIED", "no body comes with this"),
        "GET" | "HEAD" => match contents.get(&path) {
            Some(body) => Answer { status: 200, headers: Vec::new(), body: body.clone() },
            None => error(404, "MANIFEST_UNKNOWN", "Requested image not found"),
        },
        "POST" if path.starts_with("/v2/news-api/") => {
            let location = "/v2/news-api/blobs/uploads/1?state=x".to_owned();
            Answer { status: 202, headers: vec![("location", location)], body: Vec::new() }
        }
        "POST" if path.starts_with("/v2/locked/") => {
            error(403, "DENIED", "User: x is not authorized to perform: ecr:InitiateLayerUpload")
        }
        "PUT" if path.contains("/manifests/") => {
            let by_digest = path.replace(path.rsplit('/').next().unwrap_or_default(), &digest(&request.body));
            contents.insert(by_digest, request.body.clone());
            contents.insert(path, request.body.clone());
            status(201)
        }
        "PUT" => {
            let wanted = request.path.split_once("state=x&digest=").map(|(_, digest)| digest.to_owned());
            let wanted = wanted.expect("the digest follows the upload's own parameters");
            assert_eq!(wanted, digest(&request.body), "the bytes are those of the digest");
            contents.insert(format!("/v2/news-api/blobs/{wanted}"), request.body.clone());
            status(201)
        }
        _ => {
            let name = path.split('/').nth(2).unwrap_or_default();
            let message =
                format!("The repository with name '{name}' does not exist in the registry with id '123456789012'");
            error(404, "NAME_UNKNOWN", &message)
        }
    }
}

fn status(status: u16) -> Answer {
    Answer { status, ..Answer::default() }
}

fn error(status: u16, code: &str, message: &str) -> Answer {
    let body = json!({ "errors": [{ "code": code, "message": message }] }).to_string();
    Answer { status, headers: Vec::new(), body: body.into_bytes() }
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}
