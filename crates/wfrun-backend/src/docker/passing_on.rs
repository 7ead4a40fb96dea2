//! Addresses of this machine's loopback, served at the same addresses of a container's own.

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

/// What a job's own container listens at: the ports that are passed on, and its name server.
pub(super) fn listeners(spec: &EnvironmentSpec) -> Vec<Listener> {
    if spec.container.is_none() {
        return Vec::new();
    }
    let ports = spec.passed_on.iter().map(|port| Listener::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, *port))));
    let dns = spec.dns.map(|address| SocketAddr::new(address, DNS));
    ports.chain(dns.into_iter().flat_map(|it| [Listener::Udp(it), Listener::Tcp(it)])).collect()
}

/// Serves the sockets that were opened for `listeners`, until the tasks are dropped.
pub(super) fn serve(sockets: Vec<OwnedFd>, listeners: &[Listener]) -> io::Result<JoinSet<()>> {
    let mut tasks = JoinSet::new();
    for (socket, listener) in sockets.into_iter().zip(listeners) {
        match *listener {
            Listener::Tcp(address) => {
                let socket = TcpListener::from(socket);
                socket.set_nonblocking(true)?;
                tasks.spawn(pass_connections(tokio::net::TcpListener::from_std(socket)?, address));
            }
            Listener::Udp(address) => {
                let socket = UdpSocket::from(socket);
                socket.set_nonblocking(true)?;
                tasks.spawn(pass_questions(Arc::new(tokio::net::UdpSocket::from_std(socket)?), address));
            }
        }
    }
    Ok(tasks)
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
