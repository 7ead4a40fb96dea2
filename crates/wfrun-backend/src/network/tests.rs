use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};

use super::aws_names::is_aws;
use super::{blocked_hosts, dns, start};

const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A question for the address of `name`.
fn query(name: &str) -> Vec<u8> {
    let mut query = vec![0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        query.push(u8::try_from(label.len()).expect("short"));
        query.extend_from_slice(label.as_bytes());
    }
    query.extend_from_slice(&[0, 0, 1, 0, 1]);
    query
}

/// Answers every question with itself and a mark.
async fn upstream() -> SocketAddr {
    let socket = UdpSocket::bind(ANY_PORT).await.expect("a port");
    let address = socket.local_addr().expect("its address");
    tokio::spawn(async move {
        let mut buffer = [0; 512];
        while let Ok((length, client)) = socket.recv_from(&mut buffer).await {
            let answer = [&buffer[..length], b"mark"].concat();
            socket.send_to(&answer, client).await.expect("sent");
        }
    });
    address
}

async fn ask(server: SocketAddr, query: &[u8]) -> Vec<u8> {
    let socket = UdpSocket::bind(ANY_PORT).await.expect("a port");
    socket.send_to(query, server).await.expect("sent");
    let mut buffer = [0; 512];
    let length = socket.recv(&mut buffer).await.expect("an answer");
    buffer[..length].to_vec()
}

#[tokio::test]
async fn aws_does_not_exist_and_all_else_is_passed_on() {
    let guard = start(ANY_PORT, vec![upstream().await]).await.expect("it starts");
    let denied = tokio::spawn(guard.denied(|name| name.contains(".dkr.")));
    let asked = query("STS.amazonaws.com");
    let answer = ask(guard.address(), &asked).await;
    assert_eq!(answer[..4], [0xab, 0xcd, 0x81, 0x83], "an answer: no such name");
    assert_eq!(answer[12..], asked[12..], "with the question");
    assert_eq!(ask(guard.address(), &query("pypi.org")).await, [&query("pypi.org")[..], b"mark"].concat());
    ask(guard.address(), &query("1.dkr.ecr.eu-west-1.amazonaws.com")).await;
    ask(guard.address(), &asked).await;
    assert_eq!(guard.blocked(), ["STS.amazonaws.com", "1.dkr.ecr.eu-west-1.amazonaws.com"]);
    assert_eq!(denied.await.expect("it ends"), "1.dkr.ecr.eu-west-1.amazonaws.com");
}

#[tokio::test]
async fn tcp_is_guarded_too() {
    let guard = start(ANY_PORT, Vec::new()).await.expect("it starts");
    let mut stream = TcpStream::connect(guard.address()).await.expect("it listens");
    for (name, code) in [("ecs.us-east-1.api.aws", 3), ("pypi.org", 2)] {
        let asked = query(name);
        stream.write_u16(u16::try_from(asked.len()).expect("short")).await.expect("sent");
        stream.write_all(&asked).await.expect("sent");
        let mut answer = vec![0; usize::from(stream.read_u16().await.expect("a length"))];
        stream.read_exact(&mut answer).await.expect("an answer");
        assert_eq!(answer[3] & 0x0f, code, "{name}");
    }
}

#[tokio::test]
async fn nonsense_is_passed_over() {
    let guard = start(ANY_PORT, Vec::new()).await.expect("it starts");
    let socket = UdpSocket::bind(ANY_PORT).await.expect("a port");
    for nonsense in [
        &b""[..],
        b"x",
        &[0; 12],
        &[0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 0x0c],
        &[0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 63, 1],
    ] {
        socket.send_to(nonsense, guard.address()).await.expect("sent");
    }
    assert_eq!(ask(guard.address(), &query("s3.amazonaws.com")).await[3], 0x83, "and it still answers");
}

#[test]
fn aws_is_known_by_its_domains() {
    for (name, expected) in [
        ("amazonaws.com", true),
        ("sts.amazonaws.com.", true),
        ("s3.cn-north-1.AMAZONAWS.com.cn", true),
        ("ecs.eu-west-1.api.aws", true),
        ("public.ecr.aws", true),
        ("notamazonaws.com", false),
        ("amazonaws.com.example.org", false),
        ("docs.aws.amazon.com", false),
        ("gallery.ecr.aws", false),
    ] {
        assert_eq!(is_aws(name), expected, "{name}");
    }
    for region in ["us-east-1", "cn-north-1"] {
        assert!(blocked_hosts(region).iter().all(|name| is_aws(name)));
    }
    assert!(blocked_hosts("eu-west-1").contains(&"ecs.eu-west-1.amazonaws.com".to_owned()));
}

#[test]
fn name_servers_are_read_as_the_resolver_reads_them() {
    let table = "# nameserver 9.9.9.9\nsearch x\nnameserver 10.0.0.1\n nameserver fe80::1%eth0\nnameserver none\n";
    let servers: Vec<String> = dns::servers(table).iter().map(ToString::to_string).collect();
    assert_eq!(servers, ["10.0.0.1", "fe80::1"]);
}
