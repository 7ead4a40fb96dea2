//! Addresses of this machine's loopback, served at those of a container's own: at the same, or at free ports.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::task::JoinSet;
use wfrun_agent::supervisor::Listener;

use crate::EnvironmentSpec;

/// What resolvers wait for an answer, by default.
const ANSWER_WAIT: Duration = Duration::from_secs(5);
const MAX_DATAGRAM: usize = 65_535;
const DNS: u16 = 53;

/// What is listened at inside, and the address of this machine that it stands for.
#[derive(Debug, Clone, Copy)]
pub(super) struct PassedOn {
    pub(super) inside: Listener,
    outside: SocketAddr,
}

/// What serves addresses inside of a container, until it is dropped.
#[derive(Debug, Default)]
pub(crate) struct PassingOn {
    _tasks: JoinSet<()>,
    /// Ports of 127.0.0.1 outside, and the others that stand for them inside.
    pub(super) moved: Vec<(u16, u16)>,
}

/// What a job's own container listens at: the ports that are passed on, those of proxies, and its name server.
///
/// A proxy is served at a port that is free: its own may be that of a server which the job starts.
pub(super) fn passed_on(spec: &EnvironmentSpec) -> Vec<PassedOn> {
    if spec.container.is_none() {
        return Vec::new();
    }
    let local = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let tcp = |inside, outside| PassedOn { inside: Listener::Tcp(inside), outside };
    let same = spec.passed_on.iter().map(|port| tcp(local(*port), local(*port)));
    let proxies = spec.outbound.ports().into_iter().map(|port| tcp(local(0), local(port)));
    let dns = spec.dns.map(|address| SocketAddr::new(address, DNS));
    let dns = dns.into_iter().flat_map(|it| [PassedOn { inside: Listener::Udp(it), outside: it }, tcp(it, it)]);
    same.chain(proxies).chain(dns).collect()
}

/// Serves the sockets that were opened for `all`.
pub(super) fn serve(sockets: Vec<OwnedFd>, all: &[PassedOn]) -> io::Result<PassingOn> {
    let (mut tasks, mut moved) = (JoinSet::new(), Vec::new());
    for (socket, PassedOn { inside, outside }) in sockets.into_iter().zip(all) {
        match inside {
            Listener::Tcp(address) => {
                let socket = TcpListener::from(socket);
                if address.port() == 0 {
                    moved.push((outside.port(), socket.local_addr()?.port()));
                }
                socket.set_nonblocking(true)?;
                tasks.spawn(pass_connections(tokio::net::TcpListener::from_std(socket)?, *outside));
            }
            Listener::Udp(_) => {
                let socket = UdpSocket::from(socket);
                socket.set_nonblocking(true)?;
                tasks.spawn(pass_questions(Arc::new(tokio::net::UdpSocket::from_std(socket)?), *outside));
            }
        }
    }
    Ok(PassingOn { _tasks: tasks, moved })
}

async fn pass_connections(listener: tokio::net::TcpListener, address: SocketAddr) {
    let mut tasks = JoinSet::new();
    loop {
        while tasks.try_join_next().is_some() {}
        let Ok((mut inside, _)) = listener.accept().await else {
            // Out of descriptors: there will be some again.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        tasks.spawn(async move {
            let passed = async {
                let mut outside = tokio::net::TcpStream::connect(address).await?;
                inside.set_nodelay(true)?;
                outside.set_nodelay(true)?;
                copy_bidirectional(&mut inside, &mut outside).await
            };
            if let Err(err) = passed.await {
                tracing::debug!(%address, %err, "a connection that was passed on ended");
            }
        });
    }
}

async fn pass_questions(socket: Arc<tokio::net::UdpSocket>, address: SocketAddr) {
    let mut tasks = JoinSet::new();
    let mut buffer = vec![0; MAX_DATAGRAM];
    loop {
        while tasks.try_join_next().is_some() {}
        let Ok((length, client)) = socket.recv_from(&mut buffer).await else { continue };
        let question = buffer[..length].to_vec();
        let socket = Arc::clone(&socket);
        tasks.spawn(async move {
            let answered = async {
                let outside = tokio::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
                outside.connect(address).await?;
                outside.send(&question).await?;
                let mut answer = vec![0; MAX_DATAGRAM];
                let length = tokio::time::timeout(ANSWER_WAIT, outside.recv(&mut answer)).await??;
                socket.send_to(&answer[..length], client).await
            };
            if let Err(err) = answered.await {
                tracing::debug!(%address, %err, "a question that was passed on had no answer");
            }
        });
    }
}
