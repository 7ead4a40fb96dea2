//! How fast the account answers. Not run with the other tests: `cargo nextest run -p wfrun-aws bench --run-ignored only --no-capture`.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::World;

/// Reads one answer with a `Content-Length`.
async fn read_answer(stream: &mut TcpStream) {
    let mut answer = Vec::new();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let count = stream.read(&mut buffer).await.expect("the endpoint answers");
        answer.extend_from_slice(&buffer[..count]);
        let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).and_then(|it| it.parse().ok());
        if answer.len() >= end + 4 + length.unwrap_or(0) {
            assert!(head.starts_with("http/1.1 200"), "{head}");
            return;
        }
    }
}

#[tokio::test]
#[ignore = "a measurement: it needs the machine for itself"]
#[expect(clippy::print_stderr, reason = "a measurement is there to be read")]
async fn a_thousand_describe_services_a_second() {
    const COUNT: usize = 3000;
    let (world, _folder) = World::new().await;
    let body = r#"{"cluster":"news-api-cluster","services":["news-api-service"]}"#;
    let date = crate::signing::date(&world.clock);
    let unsigned = world.authorization("ecs");
    let authorization =
        crate::signing::sign(("POST", "/"), &world.host(), &date, &unsigned, &world.keys, body.as_bytes());
    let request = format!(
        "POST / HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\nX-Amz-Date: {date}\r\nAuthorization: {authorization}\r\n\
         X-Amz-Target: AmazonEC2ContainerServiceV20141113.DescribeServices\r\n\r\n{body}",
        world.host(),
        body.len(),
    );
    let mut stream = TcpStream::connect(world.host()).await.expect("the endpoint listens");
    stream.set_nodelay(true).expect("a socket");
    let begin = Instant::now();
    let mut times = Vec::with_capacity(COUNT);
    for _ in 0..COUNT {
        let sent = Instant::now();
        stream.write_all(request.as_bytes()).await.expect("the endpoint reads");
        read_answer(&mut stream).await;
        times.push(sent.elapsed());
    }
    let took = begin.elapsed();
    times.sort_unstable();
    let (median, p99) = (times[COUNT / 2], times[COUNT * 99 / 100]);
    eprintln!("{COUNT} DescribeServices in {took:.2?}: median {median:.2?}, p99 {p99:.2?}");
    assert!(took < Duration::from_secs(COUNT as u64 / 1000) && p99 < Duration::from_millis(5), "{took:?}, {p99:?}");
}
