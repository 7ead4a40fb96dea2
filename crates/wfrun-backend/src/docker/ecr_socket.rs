//! A socket that speaks for the engine and knows where a registry of Amazon's is on this machine.
//!
//! An engine looks a registry up by its name. `ACCOUNT.dkr.ecr.REGION.amazonaws.com` would be Amazon's; behind this socket it is
//! the emulated account's, without a line in the hosts file, a certificate or a restart of the engine. Logins, pushes, pulls and
//! looks at a registry are rewritten; all else passes as it is, streams and upgraded connections too.
//!
//! No job uses it yet: `examples/ecr_socket.rs` starts it by hand.

mod head;
mod relay;
mod rewrite;

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::io::AsyncWriteExt as _;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::{JoinHandle, JoinSet};

use self::head::Head;
use self::relay::{ask, body_of, refuse, relay};
use self::rewrite::Rewrite;

/// The registry's two names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RegistryNames {
    /// As `123456789012.dkr.ecr.us-east-1.amazonaws.com`.
    pub amazon: String,
    /// As `127.0.0.1:5000`: a loopback address, which engines ask without TLS.
    pub here: String,
}

/// The socket. It is closed and removed when this is dropped, with all connections over it.
///
/// `FROM` and `--cache-from` of a registry of Amazon's are not found by builds over this socket, and an image that is pulled by its
/// digest keeps the name of the loopback address. That becomes a `Differs:` line with the first job that uses it.
#[derive(Debug)]
pub struct EcrSocket {
    path: PathBuf,
    server: JoinHandle<()>,
}

struct Shared {
    engine: PathBuf,
    names: RegistryNames,
}

impl EcrSocket {
    /// Listens at `path`, for the caller's user alone, and speaks to the engine at the socket `engine`.
    ///
    /// Must be called in a runtime of tokio's. Fails where nothing can listen at `path`.
    pub fn start(path: &Path, engine: &Path, names: RegistryNames) -> io::Result<Self> {
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        let shared = Arc::new(Shared { engine: engine.to_owned(), names });
        let server = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    client = listener.accept() => match client {
                        Ok((client, _)) => {
                            connections.spawn(answer(client, Arc::clone(&shared)));
                        }
                        Err(err) => tracing::warn!(%err, "a connection to the engine's stand-in was not taken"),
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
        Ok(Some((head, rest))) => match Rewrite::of(&head, &shared.names) {
            None => pass(client, &shared.engine, &head, &rest).await,
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
    let (mut from_client, mut to_client) = client.split();
    let (mut from_engine, mut to_engine) = engine.split();
    let forth = async {
        tokio::io::copy(&mut from_client, &mut to_engine).await?;
        // The end of a container's input; its output may still come.
        to_engine.shutdown().await?;
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
    let (engine, names) = (&shared.engine, &shared.names);
    let Some(body) = body_of(&mut client, &head, rest).await? else {
        return refuse(&mut client, 411, "wfrun: the request must say how long its body is").await;
    };
    if let Err(err) = UnixStream::connect(engine).await {
        return no_engine(&mut client, &err).await;
    }
    let head = head.with_registry(names);
    match rewrite {
        Rewrite::Login => {
            let text = String::from_utf8_lossy(&body).replace(&names.amazon, &names.here);
            relay(&mut client, engine, &head, text.as_bytes(), names).await?;
        }
        Rewrite::Look { target } => {
            relay(&mut client, engine, &head.to(target), &body, names).await?;
        }
        Rewrite::AllTags => {
            let message =
                "wfrun: all tags at once are not pushed to an emulated registry of Amazon's; push them one by one";
            return refuse(&mut client, 400, message).await;
        }
        Rewrite::Push(image) => {
            let (status, said) = ask(engine, "POST", &image.tag_as_here()).await?;
            if status == 404 {
                let message = format!("An image does not exist locally with the tag: {}", image.amazon);
                return refuse(&mut client, 404, &message).await;
            }
            if status >= 300 {
                return refuse(&mut client, status, &said).await;
            }
            let pushed = relay(&mut client, engine, &head.to(image.push()), &body, names).await;
            ask(engine, "DELETE", &image.forget_here()).await?;
            pushed?;
        }
        Rewrite::Pull(image) => {
            let status = relay(&mut client, engine, &head.to(image.pull()), &body, names).await?;
            if let (true, Some(tag_back)) = (status < 300, image.tag_as_amazon()) {
                // 404: the pull failed, which its stream has said.
                if ask(engine, "POST", &tag_back).await?.0 < 300 {
                    ask(engine, "DELETE", &image.forget_here()).await?;
                }
            }
        }
    }
    client.shutdown().await
}

async fn no_engine(client: &mut UnixStream, err: &io::Error) -> io::Result<()> {
    refuse(client, 503, &format!("wfrun: the Docker engine does not answer: {err}; start it and try again")).await
}
