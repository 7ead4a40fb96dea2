//! A socket that speaks for the engine and knows where a registry of Amazon's is on this machine.
//!
//! An engine looks a registry up by its name. `ACCOUNT.dkr.ecr.REGION.amazonaws.com` would be Amazon's; behind this socket it is
//! the emulated account's, without a line in the hosts file, a certificate or a restart of the engine. Logins, pushes, pulls and
//! looks at a registry are rewritten; all else passes as it is, streams and upgraded connections too. Registries of Amazon's that are
//! not the account's are refused. Containers that get the engine's socket get this one.
//!
//! `examples/ecr_socket.rs` starts it by hand.

mod build;
mod container;
mod head;
mod relay;
mod rewrite;

use std::collections::HashMap;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::{JoinHandle, JoinSet};
pub use wfrun_agent::ecr_registry::EcrRegistry;
use wfrun_agent::ecr_registry::account_and_region;

use self::head::Head;
use self::relay::{ask, body_of, refuse, relay};
use self::rewrite::{Image, Rewrite};

/// A registry's two names.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Names {
    /// As `123456789012.dkr.ecr.us-east-1.amazonaws.com`.
    amazon: String,
    /// As `127.0.0.1:5000`: a loopback address, which engines ask without TLS.
    here: String,
}

/// The names that a host means; `None` where it is not the account's registry.
fn names(registry: &EcrRegistry, host: &str) -> Option<Names> {
    registry.is_named(host).then(|| Names { amazon: host.to_owned(), here: registry.here.clone() })
}

/// The socket. It is closed and removed when this is dropped, with all connections over it.
///
/// Differs: where jobs call the account's registry by Amazon's name, `--cache-from` and all of a build by `BuildKit` find its images only
/// where the engine has them, `FROM` with a digest of it is refused, `--pull` of a build with such a `FROM` pulls no other registry's
/// images, and `docker images` shows what was pulled by its digest under the registry's loopback address.
#[derive(Debug)]
pub struct EcrSocket {
    path: PathBuf,
    server: JoinHandle<()>,
}

struct Shared {
    path: PathBuf,
    engine: PathBuf,
    registry: EcrRegistry,
    /// Of images by the names that they have for a push or a pull only.
    turns: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

impl EcrSocket {
    /// Listens at `path`, for the caller's user alone, and speaks to the engine at the socket `engine`.
    ///
    /// Must be called in a runtime of tokio's. Fails where nothing can listen at `path`.
    pub fn start(path: &Path, engine: &Path, registry: EcrRegistry) -> io::Result<Self> {
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        let shared =
            Arc::new(Shared { path: path.to_owned(), engine: engine.to_owned(), registry, turns: Mutex::default() });
        let server = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    client = listener.accept() => match client {
                        Ok((client, _)) => {
                            connections.spawn(answer(client, Arc::clone(&shared)));
                        }
                        Err(err) => {
                            tracing::warn!(%err, "a connection to the engine's stand-in was not taken");
                            // Out of descriptors: there will be some again.
                            tokio::time::sleep(Duration::from_millis(50)).await;
                        }
                    },
                    Some(_) = connections.join_next() => {}
                }
            }
        });
        Ok(Self { path: path.to_owned(), server })
    }

    /// Where it listens: `unix://` and this is a value for `DOCKER_HOST`.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for EcrSocket {
    fn drop(&mut self) {
        self.server.abort();
        if let Err(err) = std::fs::remove_file(&self.path) {
            tracing::debug!(%err, "the engine's stand-in was removed already");
        }
    }
}

/// One connection carries one request: the engine is told to close, and the client does the same.
async fn answer(mut client: UnixStream, shared: Arc<Shared>) {
    let answered = match Head::receive(&mut client).await {
        Ok(Some((head, rest))) if build::is_asked(&head) => build::build(client, &shared, &head, rest).await,
        Ok(Some((head, rest))) => match Rewrite::of(&head, &shared.registry) {
            None => pass(client, &shared.engine, &head, &rest).await,
            // What it is made of cannot be looked at.
            Some(Rewrite::Create) if head.header("Content-Length").is_none() => {
                pass(client, &shared.engine, &head, &rest).await
            }
            Some(rewrite) => carry_out(client, &shared, head, rest, rewrite).await,
        },
        Ok(None) => Ok(()),
        Err(err) => Err(err),
    };
    if let Err(err) = answered {
        tracing::debug!(%err, "a connection to the engine broke off");
    }
}

/// Passes a request and its answer as they are.
async fn pass(mut client: UnixStream, engine: &Path, head: &Head, rest: &[u8]) -> io::Result<()> {
    let mut engine = match UnixStream::connect(engine).await {
        Ok(engine) => engine,
        Err(err) => return no_engine(&mut client, &err).await,
    };
    let head = if head.is_upgrade() { head.clone() } else { head.with("Connection", "close") };
    engine.write_all(&head.bytes("HTTP/1.1")).await?;
    engine.write_all(rest).await?;
    splice(client, engine).await
}

/// Passes bytes both ways, to the end of what the engine says.
async fn splice(mut client: UnixStream, mut engine: UnixStream) -> io::Result<()> {
    let (mut from_client, mut to_client) = client.split();
    let (mut from_engine, mut to_engine) = engine.split();
    let forth = async {
        let copied = tokio::io::copy(&mut from_client, &mut to_engine).await;
        // The end of a container's input; its output may still come. An engine that reads no more says why.
        if let Err(err) = copied.and(to_engine.shutdown().await) {
            tracing::debug!(%err, "the engine did not take all of a request");
        }
        std::future::pending::<io::Result<()>>().await
    };
    let back = async {
        tokio::io::copy(&mut from_engine, &mut to_client).await?;
        to_client.shutdown().await
    };
    tokio::select! {
        ended = back => ended,
        ended = forth => ended,
    }
}

async fn carry_out(
    mut client: UnixStream,
    shared: &Shared,
    head: Head,
    rest: Vec<u8>,
    rewrite: Rewrite,
) -> io::Result<()> {
    let engine = &shared.engine;
    let Some(body) = body_of(&mut client, &head, rest).await? else {
        return refuse(&mut client, 411, "wfrun: the request must say how long its body is").await;
    };
    if let Err(err) = UnixStream::connect(engine).await {
        return no_engine(&mut client, &err).await;
    }
    match rewrite {
        Rewrite::Login => match shared.login(&body) {
            Err(host) => return refuse_foreign(&mut client, &shared.registry, &host).await,
            Ok(None) => {
                relay(&mut client, engine, &head, &body, None).await?;
            }
            Ok(Some((names, body))) => {
                relay(&mut client, engine, &head, &body, Some(&names)).await?;
            }
        },
        Rewrite::Create => {
            let body = container::rewrite(&body, shared).unwrap_or(body);
            relay(&mut client, engine, &head, &body, None).await?;
        }
        Rewrite::Look { target, names } => {
            relay(&mut client, engine, &head.with_registry(&names).to(target), &body, Some(&names)).await?;
        }
        Rewrite::AllTags => {
            let message =
                "wfrun: all tags at once are not pushed to an emulated registry of Amazon's; push them one by one";
            return refuse(&mut client, 400, message).await;
        }
        Rewrite::Foreign(host) => return refuse_foreign(&mut client, &shared.registry, &host).await,
        Rewrite::Push(image) => shared.push(&mut client, &head, &body, &image).await?,
        Rewrite::Pull(image) => shared.pull(&mut client, &head, &body, &image).await?,
    }
    client.shutdown().await
}

impl Shared {
    /// Has an image of the registry pushed; it has its loopback name meanwhile.
    async fn push(&self, client: &mut UnixStream, head: &Head, body: &[u8], image: &Image) -> io::Result<()> {
        let _turn = self.turn(image).await;
        let (status, said) = ask(&self.engine, "POST", &image.tag_as_here()).await?;
        if status == 404 {
            let message = format!("An image does not exist locally with the tag: {}", image.amazon);
            return refuse(client, 404, &message).await;
        }
        if status >= 300 {
            return refuse(client, status, &said).await;
        }
        let head = head.with_registry(&image.names).to(image.push());
        let pushed = relay(client, &self.engine, &head, body, Some(&image.names)).await;
        ask(&self.engine, "DELETE", &image.forget_here()).await?;
        pushed.map(drop)
    }

    /// Has an image of the registry pulled, and given Amazon's name in place of its loopback name.
    async fn pull(&self, client: &mut UnixStream, head: &Head, body: &[u8], image: &Image) -> io::Result<()> {
        let _turn = self.turn(image).await;
        let head = head.with_registry(&image.names).to(image.pull());
        let status = relay(client, &self.engine, &head, body, Some(&image.names)).await?;
        if let (true, Some(tag_back)) = (status < 300, image.tag_as_amazon()) {
            // 404: the pull failed, which its stream has said.
            if ask(&self.engine, "POST", &tag_back).await?.0 < 300 {
                ask(&self.engine, "DELETE", &image.forget_here()).await?;
            }
        }
        Ok(())
    }

    /// Waits until nobody else has the image under its loopback name, which goes when it was pushed or pulled.
    async fn turn(&self, image: &Image) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(image.as_here()).or_default())
        };
        turn.lock_owned().await
    }

    /// The registry that a login is for, and the login for it here; `None` for another registry, and the host of one of Amazon's that
    /// is not the account's as error.
    fn login(&self, body: &[u8]) -> Result<Option<(Names, Vec<u8>)>, String> {
        let Ok(mut login) = serde_json::from_slice::<Value>(body) else { return Ok(None) };
        let Some(address) = login["serveraddress"].as_str() else { return Ok(None) };
        let bare = address.trim_start_matches("https://").trim_start_matches("http://");
        let host = bare.split('/').next().unwrap_or(bare);
        match names(&self.registry, host) {
            Some(names) => {
                login["serveraddress"] = Value::String(address.replace(&names.amazon, &names.here));
                Ok(Some((names, login.to_string().into_bytes())))
            }
            None if account_and_region(host).is_some() => Err(host.to_owned()),
            None => Ok(None),
        }
    }
}

async fn refuse_foreign(client: &mut UnixStream, registry: &EcrRegistry, host: &str) -> io::Result<()> {
    let account = &registry.account;
    let message = format!(
        "wfrun: {host} is not the registry of the emulated account {account}, and AWS itself is not reached; \
         `account` in .wfrun/aws.yml says which account is emulated"
    );
    refuse(client, 403, &message).await
}

async fn no_engine(client: &mut UnixStream, err: &io::Error) -> io::Result<()> {
    refuse(client, 503, &format!("wfrun: the Docker engine does not answer: {err}; start it and try again")).await
}
