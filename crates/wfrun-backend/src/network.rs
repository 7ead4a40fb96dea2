//! Keeps AWS's real endpoints out of reach of steps.

mod aws_names;
mod dns;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::task::JoinSet;

pub use aws_names::blocked_hosts;

/// The usual port, the only one that programs ask.
const PORT: u16 = 53;

/// A name server that denies AWS's names and passes everything else on, until it is dropped.
#[derive(Debug)]
pub struct DnsGuard {
    address: SocketAddr,
    blocked: Blocked,
    /// Ends its tasks when dropped.
    _tasks: JoinSet<()>,
}

impl DnsGuard {
    /// Where it listens, on UDP and TCP.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The names that were denied so far, each once, in the order in which they were first asked for.
    pub fn blocked(&self) -> Vec<String> {
        self.blocked.lock().clone()
    }

    /// Waits until a name is denied for which this holds, and gives it back.
    pub fn denied<F: Fn(&str) -> bool + Send>(&self, is_meant: F) -> impl Future<Output = String> + Send + use<F> {
        let blocked = self.blocked.clone();
        async move {
            loop {
                let changed = blocked.changed.notified();
                let found = blocked.lock().iter().find(|it| is_meant(it)).cloned();
                match found {
                    Some(name) => return name,
                    None => changed.await,
                }
            }
        }
    }
}

/// Starts the name server on port 53 of `bind`, say 127.77.0.53. Fails where that port cannot be had.
///
/// Denied (as names that do not exist) are `amazonaws.com`, `amazonaws.com.cn`, `api.aws`, everything below them, and
/// `public.ecr.aws`. All else goes to the name servers of `/etc/resolv.conf`.
pub async fn start_dns_guard(bind: Ipv4Addr) -> io::Result<DnsGuard> {
    let table = tokio::fs::read_to_string("/etc/resolv.conf").await.unwrap_or_default();
    let upstream =
        dns::servers(&table).into_iter().filter(|server| *server != bind).map(|server| SocketAddr::new(server, PORT));
    start(SocketAddr::from((bind, PORT)), upstream.collect()).await
}

async fn start(address: SocketAddr, upstream: Vec<SocketAddr>) -> io::Result<DnsGuard> {
    let blocked = Blocked::default();
    let mut tasks = JoinSet::new();
    let address = dns::serve(address, upstream, blocked.clone(), &mut tasks).await?;
    Ok(DnsGuard { address, blocked, _tasks: tasks })
}

/// The names that were denied.
#[derive(Debug, Clone, Default)]
struct Blocked {
    names: Arc<Mutex<Vec<String>>>,
    changed: Arc<Notify>,
}

impl Blocked {
    fn note(&self, name: String) {
        let mut names = self.lock();
        if !names.contains(&name) {
            names.push(name);
            self.changed.notify_waiters();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
