//! As much of the DNS protocol as it takes to say no. Source: RFC 1035, sections 4.1 and 4.2.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Blocked;
use super::aws_names::is_aws;

const HEADER: usize = 12;
/// With extensions a message over UDP may be this long.
const MAX_UDP: usize = 65_535;
/// What resolvers wait for one server, by default.
const UPSTREAM_WAIT: Duration = Duration::from_secs(5);
/// A client that says nothing for so long is dropped.
const IDLE: Duration = Duration::from_secs(30);
/// Questions that are on their way at once; more wait.
const MAX_PENDING: usize = 256;
/// Ports are tried until one is free for UDP and TCP, where any may be taken.
const PORT_ATTEMPTS: usize = 16;
/// Answer, recursion available.
const ANSWER: [u8; 2] = [0x80, 0x80];
const NO_SUCH_NAME: u8 = 3;
const SERVER_FAILURE: u8 = 2;

/// What questions are decided by.
#[derive(Debug)]
struct Resolver {
    upstream: Vec<SocketAddr>,
    blocked: Blocked,
}

/// Listens and answers in `tasks`; returns where.
pub(super) async fn serve(
    address: SocketAddr,
    upstream: Vec<SocketAddr>,
    blocked: Blocked,
    tasks: &mut JoinSet<()>,
) -> io::Result<SocketAddr> {
    let (udp, tcp) = bind(address).await?;
    let address = udp.local_addr()?;
    let resolver = Arc::new(Resolver { upstream, blocked });
    tasks.spawn(serve_udp(Arc::new(udp), Arc::clone(&resolver)));
    tasks.spawn(serve_tcp(tcp, resolver));
    Ok(address)
}

async fn bind(address: SocketAddr) -> io::Result<(UdpSocket, TcpListener)> {
    let mut attempts = if address.port() == 0 { PORT_ATTEMPTS } else { 1 };
    loop {
        attempts -= 1;
        let udp = UdpSocket::bind(address).await?;
        match TcpListener::bind(udp.local_addr()?).await {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(err) if attempts == 0 => return Err(err),
            Err(_) => {}
        }
    }
}

async fn serve_udp(socket: Arc<UdpSocket>, resolver: Arc<Resolver>) {
    let pending = Arc::new(Semaphore::new(MAX_PENDING));
    let mut tasks = JoinSet::new();
    let mut buffer = vec![0; MAX_UDP];
    loop {
        while tasks.try_join_next().is_some() {}
        // A client that went away makes the next call fail; the socket is fine.
        let Ok((length, client)) = socket.recv_from(&mut buffer).await else { continue };
        let Ok(permit) = Arc::clone(&pending).acquire_owned().await else { return };
        let query = buffer[..length].to_vec();
        let (socket, resolver) = (Arc::clone(&socket), Arc::clone(&resolver));
        tasks.spawn(async move {
            if let Some(answer) = resolver.answer(&query, Transport::Udp).await {
                socket.send_to(&answer, client).await.ok();
            }
            drop(permit);
        });
    }
}

async fn serve_tcp(listener: TcpListener, resolver: Arc<Resolver>) {
    let pending = Arc::new(Semaphore::new(MAX_PENDING));
    let mut tasks = JoinSet::new();
    loop {
        while tasks.try_join_next().is_some() {}
        let Ok(permit) = Arc::clone(&pending).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors: there will be some again.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let resolver = Arc::clone(&resolver);
        tasks.spawn(async move {
            if let Err(err) = converse(stream, &resolver).await {
                tracing::debug!(%err, "a conversation over TCP ended");
            }
            drop(permit);
        });
    }
}

async fn converse(mut stream: TcpStream, resolver: &Resolver) -> io::Result<()> {
    while let Ok(query) = timeout(IDLE, receive(&mut stream)).await {
        if let Some(answer) = resolver.answer(&query?, Transport::Tcp).await {
            send(&mut stream, &answer).await?;
        }
    }
    Ok(())
}

#[derive(Debug, Clone, Copy)]
enum Transport {
    Udp,
    Tcp,
}

impl Resolver {
    /// `None` when it was no question.
    async fn answer(&self, query: &[u8], transport: Transport) -> Option<Vec<u8>> {
        let (name, end) = question(query)?;
        if is_aws(&name) {
            tracing::info!(name, "a name of AWS was denied");
            self.blocked.note(name);
            return Some(refusal(query, end, NO_SUCH_NAME));
        }
        for server in &self.upstream {
            let asked = match transport {
                Transport::Udp => timeout(UPSTREAM_WAIT, ask_udp(*server, query)).await,
                Transport::Tcp => timeout(UPSTREAM_WAIT, ask_tcp(*server, query)).await,
            };
            match asked {
                Ok(Ok(answer)) => return Some(answer),
                Ok(Err(err)) => tracing::debug!(%server, %err, "a name server failed"),
                Err(_) => tracing::debug!(%server, "a name server did not answer in time"),
            }
        }
        Some(refusal(query, end, SERVER_FAILURE))
    }
}

async fn ask_udp(server: SocketAddr, query: &[u8]) -> io::Result<Vec<u8>> {
    let any = if server.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(server).await?;
    socket.send(query).await?;
    let mut buffer = vec![0; MAX_UDP];
    loop {
        let length = socket.recv(&mut buffer).await?;
        // Another number is the answer to somebody else's question.
        if buffer[..length].get(..2) == query.get(..2) {
            buffer.truncate(length);
            return Ok(buffer);
        }
    }
}

async fn ask_tcp(server: SocketAddr, query: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    send(&mut stream, query).await?;
    receive(&mut stream).await
}

async fn receive(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let length = stream.read_u16().await?;
    let mut message = vec![0; usize::from(length)];
    stream.read_exact(&mut message).await?;
    Ok(message)
}

async fn send(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes()[..], message].concat()).await
}

/// The name of the first question and where the question ends.
fn question(query: &[u8]) -> Option<(String, usize)> {
    let is_query = query.get(2)? & 0x80 == 0;
    let count = u16::from_be_bytes([*query.get(4)?, *query.get(5)?]);
    if !is_query || count == 0 {
        return None;
    }
    let mut labels: Vec<String> = Vec::new();
    let mut at = HEADER;
    loop {
        let length = usize::from(*query.get(at)?);
        at += 1;
        match length {
            0 => break,
            1..=63 => labels.push(String::from_utf8_lossy(query.get(at..at + length)?).into_owned()),
            // A pointer: there is nothing before the first name to point at.
            _ => return None,
        }
        at += length;
    }
    let end = at + 4;
    (end <= query.len()).then(|| (labels.join("."), end))
}

/// The question with a header that says why there is no answer.
fn refusal(query: &[u8], end: usize, reason: u8) -> Vec<u8> {
    let mut answer = query[..end].to_vec();
    // What was asked for (the kind of query, recursion) stays in the flags.
    answer[2] = (answer[2] & 0x79) | ANSWER[0];
    answer[3] = ANSWER[1] | reason;
    answer[4..6].copy_from_slice(&[0, 1]);
    answer[6..HEADER].fill(0);
    answer
}

/// The addresses of `nameserver` lines.
pub(super) fn servers(table: &str) -> Vec<IpAddr> {
    let lines = table.lines().filter_map(|line| line.trim_start().strip_prefix("nameserver"));
    lines.filter_map(|rest| rest.trim().split('%').next()?.parse().ok()).collect()
}
