//! Load balancers: the operations, and what a process on this machine sees of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use wfrun_aws::Clock;

use crate::support::{Answer, PATIENCE, World, port_without_listener, send_to};

const FILE: &str = "elbv2: { load_balancers: [{ name: news-api-alb, health_check: /health }], time_scale: 0.001 }";

/// Calls an operation of ELB; `form` without version.
async fn elb(world: &World, operation: &str, form: &str) -> Answer {
    world.versioned("elasticloadbalancing", (operation, "2015-12-01"), &format!("&{form}")).await
}

/// The text of the first element of that name.
#[track_caller]
fn element(answer: &Answer, name: &str) -> String {
    let text = answer.text();
    let found = text.split_once(&format!("<{name}>")).and_then(|(_, rest)| rest.split_once(&format!("</{name}>")));
    found.map_or_else(|| panic!("no {name}: {text}"), |(found, _)| found.to_owned())
}

async fn dns_name(world: &World) -> String {
    element(&elb(world, "DescribeLoadBalancers", "Names.member.1=news-api-alb").await, "DNSName")
}

async fn group_arn(world: &World) -> String {
    element(&elb(world, "DescribeTargetGroups", "Names.member.1=news-api-alb-tg").await, "TargetGroupArn")
}

/// A program behind a load balancer: it tells its name and what it was asked, and has the health it is given.
struct App {
    name: &'static str,
    port: u16,
    health: Arc<AtomicU16>,
}

impl App {
    async fn start(name: &'static str) -> Self {
        let health = Arc::new(AtomicU16::new(200));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
        let port = listener.local_addr().expect("it listens").port();
        let router = Router::new().fallback(answer).with_state((name, Arc::clone(&health)));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { name, port, health }
    }
}

async fn answer(
    State((name, health)): State<(&'static str, Arc<AtomicU16>)>,
    request: Request<Body>,
) -> (StatusCode, HeaderMap, String) {
    let path = request.uri().to_string();
    if path == "/health" {
        let status = StatusCode::from_u16(health.load(Ordering::Relaxed)).expect("the test's statuses are statuses");
        return (status, HeaderMap::new(), String::new());
    }
    let (head, body) = request.into_parts();
    let header = |key: &str| head.headers.get(key).map_or("-", |value| value.to_str().unwrap_or("?")).to_owned();
    let seen = ["host", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-port", "keep-alive"].map(header).join(" ");
    let (method, traced) = (head.method.clone(), header("x-amzn-trace-id").starts_with("Root=1-"));
    let body = axum::body::to_bytes(body, 1_000_000).await.expect("the body comes");
    let text = format!("{name} {method} {path} {seen} {traced} {}", body.len());
    (
        StatusCode::IM_A_TEAPOT,
        HeaderMap::from_iter([(HeaderName::from_static("x-app"), HeaderValue::from_static(name))]),
        text,
    )
}

/// Waits until the health of the one target on `port` is `state`; returns the answer.
async fn until(world: &World, group: &str, port: u16, state: &str) -> Answer {
    let form = format!("TargetGroupArn={group}&Targets.member.1.Id=127.0.0.1&Targets.member.1.Port={port}");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = elb(world, "DescribeTargetHealth", &form).await;
        if element(&answer, "State") == state {
            return answer;
        }
        assert!(Instant::now() < deadline, "not {state}: {}", answer.text());
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

async fn register(world: &World, group: &str, port: u16) {
    let form = format!("TargetGroupArn={group}&Targets.member.1.Id=127.0.0.1&Targets.member.1.Port={port}");
    assert_eq!(elb(world, "RegisterTargets", &form).await.status, 200);
}

#[tokio::test]
async fn requests_go_round_the_healthy_targets() {
    let (world, _folder) =
        World::with_file(&FILE.replace("news-api-alb,", "news-api-alb, target_group: news-api-alb-tg,")).await;
    let (host, group) = (dns_name(&world).await, group_arn(&world).await);
    let answer = send_to(&host, "GET", "/docs", &[], b"").await;
    assert_eq!((answer.status, answer.header("server")), (503, Some("awselb/2.0")), "{}", answer.text());
    assert!(answer.text().contains("<h1>503 Service Temporarily Unavailable</h1>"), "{}", answer.text());
    assert_eq!(answer.header("x-wfrun-reason"), Some("no target is registered in news-api-alb-tg"));

    let (one, two) = (App::start("one").await, App::start("two").await);
    for app in [&one, &two] {
        register(&world, &group, app.port).await;
        until(&world, &group, app.port, "healthy").await;
    }
    let mut names = Vec::new();
    for _ in 0..4 {
        let body = vec![b'x'; 100_000];
        let answer = send_to(&host, "POST", "/docs?a=1", &[("Keep-Alive", "9")], &body).await;
        let name = answer.header("x-app").expect("an app answers").to_owned();
        let want = format!("{name} POST /docs?a=1 {host} 127.0.0.1 http 80 - true 100000");
        assert_eq!((answer.status, answer.text()), (418, want));
        names.push(name);
    }
    assert_eq!((&names[0], &names[1]), (&names[2], &names[3]));
    assert_ne!(names[0], names[1]);

    one.health.store(500, Ordering::Relaxed);
    let answer = until(&world, &group, one.port, "unhealthy").await;
    assert_eq!(element(&answer, "Reason"), "Target.ResponseCodeMismatch");
    assert_eq!(element(&answer, "Description"), "Health checks failed with these codes: [500]");
    for _ in 0..3 {
        assert_eq!(send_to(&host, "GET", "/", &[], b"").await.header("x-app"), Some(two.name));
    }
    let form = format!("TargetGroupArn={group}&Targets.member.1.Id=127.0.0.1&Targets.member.1.Port={}", two.port);
    assert_eq!(elb(&world, "DeregisterTargets", &form).await.status, 200);
    let answer = send_to(&host, "GET", "/", &[], b"").await;
    assert_eq!(answer.status, 503);
    let reason = answer.header("x-wfrun-reason").unwrap();
    assert!(reason.contains("is unhealthy (Health checks failed with these codes: [500])"), "{reason}");
    let answer = until(&world, &group, two.port, "unused").await;
    assert_eq!(element(&answer, "Reason"), "Target.NotRegistered");
    one.health.store(204, Ordering::Relaxed);
    let form = format!("TargetGroupArn={group}&Matcher.HttpCode=200-299");
    assert_eq!(element(&elb(&world, "ModifyTargetGroup", &form).await, "HttpCode"), "200-299");
    until(&world, &group, one.port, "healthy").await;
    assert_eq!(send_to(&host, "GET", "/", &[], b"").await.status, 418);
}

#[tokio::test]
async fn a_target_that_does_not_answer() {
    let (world, _folder) = World::with_file(FILE).await;
    let (host, group) = (dns_name(&world).await, group_arn(&world).await);
    let app = App::start("app").await;
    register(&world, &group, app.port).await;
    until(&world, &group, app.port, "healthy").await;
    // A target that accepts, answers its health check, and hangs up on everything else.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 1000];
            let read = stream.read(&mut head).await.unwrap_or(0);
            if head[..read].starts_with(b"GET /health ") {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await.unwrap();
            }
        }
    });
    register(&world, &group, port).await;
    until(&world, &group, port, "healthy").await;
    let mut statuses =
        [send_to(&host, "GET", "/", &[], b"").await.status, send_to(&host, "GET", "/", &[], b"").await.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [418, 502]);

    // Nobody listens, and an address that is not on loopback.
    let (_kept, nobody) = port_without_listener();
    register(&world, &group, nobody).await;
    let answer = until(&world, &group, nobody, "unhealthy").await;
    assert_eq!(element(&answer, "Reason"), "Target.FailedHealthChecks");
    let form = format!("TargetGroupArn={group}&Targets.member.1.Id=10.9.8.7");
    assert_eq!(elb(&world, "RegisterTargets", &form).await.status, 200);
    let answer = elb(&world, "DescribeTargetHealth", &form).await;
    assert_eq!((element(&answer, "State"), element(&answer, "Reason")), ("unhealthy".into(), "Target.Timeout".into()));
}

#[tokio::test]
async fn upgraded_connections_pass() {
    let (world, _folder) = World::with_file(FILE).await;
    let (host, group) = (dns_name(&world).await, group_arn(&world).await);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = [0; 2000];
            let read = stream.read(&mut bytes).await.unwrap_or(0);
            let head = String::from_utf8_lossy(&bytes[..read]).to_ascii_lowercase();
            if head.contains("upgrade: echo") && head.contains("connection: upgrade") {
                stream
                    .write_all(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n")
                    .await
                    .unwrap();
                let read = stream.read(&mut bytes).await.unwrap_or(0);
                bytes[..read].reverse();
                stream.write_all(&bytes[..read]).await.unwrap();
            } else {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await.unwrap();
            }
        }
    });
    register(&world, &group, port).await;
    until(&world, &group, port, "healthy").await;
    let mut stream = TcpStream::connect(&host).await.unwrap();
    let head = format!("GET /ws HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut bytes = vec![0; 2000];
    let read = stream.read(&mut bytes).await.unwrap();
    let head = String::from_utf8_lossy(&bytes[..read]).to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 101") && head.contains("upgrade: echo"), "{head}");
    stream.write_all(b"hello").await.unwrap();
    let read = stream.read(&mut bytes).await.unwrap();
    assert_eq!(&bytes[..read], b"olleh");
}

#[tokio::test]
async fn the_name_stays_and_ends_with_the_endpoint() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path(), FILE, Clock::system()).await;
    let (host, group) = (dns_name(&world).await, group_arn(&world).await);
    let app = App::start("app").await;
    register(&world, &group, app.port).await;
    until(&world, &group, app.port, "healthy").await;
    let World { account, endpoint, .. } = world;
    endpoint.stop().await;
    drop(account);
    assert!(TcpStream::connect(&host).await.is_err(), "nobody listens any more");

    let world = World::open(folder.path(), FILE, Clock::system()).await;
    assert_eq!(dns_name(&world).await, host);
    until(&world, &group, app.port, "healthy").await;
    assert_eq!(send_to(&host, "GET", "/", &[], b"").await.status, 418);
    let arn = element(&elb(&world, "DescribeLoadBalancers", "").await, "LoadBalancerArn");
    assert_eq!(elb(&world, "DeleteLoadBalancer", &format!("LoadBalancerArn={arn}")).await.status, 200);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(TcpStream::connect(&host).await.is_err(), "it is deleted");
    until(&world, &group, app.port, "unused").await;
}

#[tokio::test]
async fn a_guide_from_nothing() {
    let (world, _folder) = World::new().await;
    let created = elb(
        &world,
        "CreateLoadBalancer",
        "Name=web&Subnets.member.1=subnet-1&Subnets.member.2=subnet-2&Tags.member.1.Key=team&Tags.member.1.Value=a%26b",
    )
    .await;
    let (arn, host) = (element(&created, "LoadBalancerArn"), element(&created, "DNSName"));
    assert!(arn.starts_with("arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/web/"), "{arn}");
    assert_eq!((&*element(&created, "Scheme"), &*element(&created, "Code")), ("internet-facing", "active"));
    let answer = send_to(&host, "GET", "/", &[], b"").await;
    assert_eq!((answer.status, answer.header("x-wfrun-reason")), (503, Some("the load balancer has no listener")));
    let group = elb(
        &world,
        "CreateTargetGroup",
        "Name=web-tg&Protocol=HTTP&Port=8000&VpcId=vpc-1&TargetType=ip&HealthCheckPath=/health",
    )
    .await;
    let group = element(&group, "TargetGroupArn");
    let secure = "Protocol=HTTPS&Port=443&Certificates.member.1.CertificateArn=arn:aws:acm:x";
    let forward = format!("DefaultActions.member.1.Type=forward&DefaultActions.member.1.TargetGroupArn={group}");
    let redirect = "Protocol=HTTP&Port=80&DefaultActions.member.1.Type=redirect&DefaultActions.member.1.RedirectConfig.Protocol=HTTPS\
                    &DefaultActions.member.1.RedirectConfig.Port=443&DefaultActions.member.1.RedirectConfig.StatusCode=HTTP_301";
    let made = elb(&world, "CreateListener", &format!("LoadBalancerArn={arn}&{redirect}")).await;
    let first = element(&made, "ListenerArn");
    let answer = send_to(&host, "GET", "/docs?x=1", &[], b"").await;
    assert_eq!((answer.status, answer.header("location")), (301, Some("https://127.0.0.1:443/docs?x=1")));
    assert_eq!(elb(&world, "CreateListener", &format!("LoadBalancerArn={arn}&{secure}&{forward}")).await.status, 200);
    let answer = send_to(&host, "GET", "/docs", &[], b"").await;
    assert_eq!(
        answer.header("x-wfrun-reason"),
        Some("no target is registered in web-tg"),
        "the listener that forwards is meant"
    );
    let fixed = "DefaultActions.member.1.Type=fixed-response&DefaultActions.member.1.FixedResponseConfig.StatusCode=404\
                 &DefaultActions.member.1.FixedResponseConfig.MessageBody=nothing";
    assert_eq!(elb(&world, "ModifyListener", &format!("ListenerArn={first}&{fixed}")).await.status, 200);
    let listeners = elb(&world, "DescribeListeners", &format!("LoadBalancerArn={arn}&PageSize=1")).await;
    let marker = element(&listeners, "NextMarker");
    assert_eq!(element(&listeners, "Port"), "80");
    let rest = elb(&world, "DescribeListeners", &format!("LoadBalancerArn={arn}&PageSize=1&Marker={marker}")).await;
    assert_eq!(element(&rest, "Port"), "443");
    assert!(!rest.text().contains("NextMarker"), "{}", rest.text());
    let tags = elb(&world, "DescribeTags", &format!("ResourceArns.member.1={arn}")).await;
    assert!(
        tags.text().contains("<Tags><member><Key>team</Key><Value>a&amp;b</Value></member></Tags>"),
        "{}",
        tags.text()
    );
}

#[tokio::test]
async fn refusals_have_codes_and_texts() {
    let (world, _folder) = World::with_file(FILE).await;
    let group = group_arn(&world).await;
    let balancer = element(&elb(&world, "DescribeLoadBalancers", "").await, "LoadBalancerArn");
    let (forward, on) = (
        format!("DefaultActions.member.1.Type=forward&DefaultActions.member.1.TargetGroupArn={group}"),
        format!("LoadBalancerArn={balancer}"),
    );
    let gone = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/x/1";
    let cases = [
        (
            "DescribeLoadBalancers",
            "Names.member.1=nope".to_owned(),
            "LoadBalancerNotFound",
            "Load balancers '[nope]' not found",
        ),
        (
            "DescribeLoadBalancers",
            format!("LoadBalancerArns.member.1={gone}"),
            "LoadBalancerNotFound",
            "/app/x/1' not found",
        ),
        (
            "DescribeTargetGroups",
            "Names.member.1=nope".to_owned(),
            "TargetGroupNotFound",
            "One or more target groups not found",
        ),
        (
            "DescribeTargetHealth",
            "TargetGroupArn=arn:x".to_owned(),
            "TargetGroupNotFound",
            "Target groups 'arn:x' not found",
        ),
        (
            "DescribeListeners",
            "ListenerArns.member.1=arn:x".to_owned(),
            "ListenerNotFound",
            "One or more listeners not found",
        ),
        ("DescribeLoadBalancers", "PageSize=0".to_owned(), "ValidationError", "page size"),
        ("DescribeLoadBalancers", "Marker=x".to_owned(), "ValidationError", "Invalid marker"),
        (
            "CreateLoadBalancer",
            "Name=a".to_owned(),
            "ValidationError",
            "At least two subnets in two different Availability Zones",
        ),
        ("CreateLoadBalancer", "Name=-a".to_owned(), "ValidationError", "cannot begin or end with a hyphen(-)"),
        ("CreateLoadBalancer", String::new(), "ValidationError", "Value null at 'name' failed"),
        (
            "CreateLoadBalancer",
            "Name=a&Type=network".to_owned(),
            "InvalidConfigurationRequest",
            "wfrun: load balancers of type network",
        ),
        (
            "CreateLoadBalancer",
            "Name=news-api-alb&Subnets.member.1=subnet-1&Subnets.member.2=subnet-2".to_owned(),
            "DuplicateLoadBalancerName",
            "exists, but with different settings",
        ),
        (
            "CreateTargetGroup",
            "Name=news-api-alb-tg&Protocol=HTTP&Port=1&VpcId=v".to_owned(),
            "DuplicateTargetGroupName",
            "A target group with the same name",
        ),
        (
            "CreateTargetGroup",
            "Name=a&Protocol=UDP&Port=1&VpcId=v".to_owned(),
            "InvalidConfigurationRequest",
            "wfrun: target groups of UDP",
        ),
        (
            "CreateTargetGroup",
            "Name=a&Protocol=HTTP&Port=70000&VpcId=v".to_owned(),
            "ValidationError",
            "between 1 and 65535",
        ),
        (
            "CreateListener",
            format!("{on}&Protocol=HTTP&Port=80&{forward}"),
            "DuplicateListener",
            "A listener already exists on this port",
        ),
        ("CreateListener", format!("{on}&Protocol=TCP&Port=81&{forward}"), "UnsupportedProtocol", "'TCP'"),
        (
            "CreateListener",
            format!("{on}&Protocol=HTTP&Port=81&{}", forward.replace(&group, "arn:x")),
            "TargetGroupNotFound",
            "'arn:x' not found",
        ),
        (
            "DeleteTargetGroup",
            format!("TargetGroupArn={group}"),
            "ResourceInUse",
            "is currently in use by a listener or a rule",
        ),
        (
            "RegisterTargets",
            format!("TargetGroupArn={group}&Targets.member.1.Id=i-1"),
            "ValidationError",
            "'i-1' is not a valid IP address",
        ),
        (
            "DeregisterTargets",
            format!("TargetGroupArn={group}&Targets.member.1.Id=10.0.0.1"),
            "InvalidTarget",
            "are not registered",
        ),
        (
            "ModifyTargetGroup",
            format!("TargetGroupArn={group}&HealthCheckIntervalSeconds=1"),
            "ValidationError",
            "Health check interval '1'",
        ),
        ("ModifyTargetGroup", format!("TargetGroupArn={group}&Matcher.HttpCode=999"), "ValidationError", "'200-499'"),
        ("DescribeTags", "ResourceArns.member.1=arn:x".to_owned(), "ValidationError", "not a valid ARN"),
        (
            "CreateLoadBalancer",
            "Name=a&Subnets.member.1=s&Subnets.member.2=s".to_owned(),
            "ValidationError",
            "At least two subnets",
        ),
        ("CreateRule", String::new(), "InvalidAction", "wfrun: elasticloadbalancing:CreateRule is not emulated"),
    ];
    let stream = elb(&world, "CreateTargetGroup", "Name=tcp&Protocol=TCP&Port=1&VpcId=v").await;
    let stream = element(&stream, "TargetGroupArn");
    let answer =
        elb(&world, "CreateListener", &format!("{on}&Protocol=HTTP&Port=82&{}", forward.replace(&group, &stream)))
            .await;
    assert_eq!(element(&answer, "Code"), "IncompatibleProtocols", "{}", answer.text());
    for number in 1..50 {
        let form = format!("Name=n{number}&Subnets.member.1=a&Subnets.member.2=b");
        assert_eq!(elb(&world, "CreateLoadBalancer", &form).await.status, 200);
    }
    let answer = elb(&world, "CreateLoadBalancer", "Name=n50&Subnets.member.1=a&Subnets.member.2=b").await;
    assert_eq!(element(&answer, "Code"), "TooManyLoadBalancers", "{}", answer.text());
    for (operation, form, code, message) in cases {
        let answer = elb(&world, operation, &form).await;
        assert_eq!(answer.status, 400, "{operation} {form}: {}", answer.text());
        assert_eq!(element(&answer, "Code"), code, "{operation} {form}: {}", answer.text());
        let text = element(&answer, "Message").replace("&apos;", "'");
        assert!(text.contains(message), "{operation} {form}: {text}");
    }
}

/// A placeholder is simulated: its target is healthy, and nobody answers there.
#[tokio::test]
async fn a_service_of_the_file_stands_behind_its_load_balancer() {
    let service = |group: &str| {
        format!(
            "{FILE}\necs: {{ clusters: {{ news-api-cluster: {{ services: {{ news-api-service: {{ task_definition: news-api-task, \
             load_balancers: [{{ target_group: {group}, container: news-api, port: 8000 }}] }} }} }} }} }}"
        )
    };
    let (world, here) = World::with_file(&service("news-api-alb-tg")).await;
    let group = group_arn(&world).await;
    let healthy = async |world: &World| {
        let said = elb(world, "DescribeTargetHealth", &format!("TargetGroupArn={group}")).await.text();
        said.contains("<State>healthy</State>") && said.contains("<Port>8000</Port>")
    };
    world.until("a healthy target", healthy).await;
    let input = json!({ "cluster": "news-api-cluster", "services": ["news-api-service"] });
    let described = world.ok("ecs", "DescribeServices", &input).await;
    assert_eq!(described["services"][0]["loadBalancers"][0]["targetGroupArn"], json!(group));

    let folder = tempfile::tempdir().unwrap();
    let settings = crate::support::settings(folder.path(), &service("other"), crate::support::news_api());
    let refused = wfrun_aws::Account::open(settings, |_| {}).map(|_| ()).unwrap_err().to_string();
    assert!(refused.contains("names the target group `other`, which does not exist"), "{refused}");

    // Of a definition that is no placeholder, container and port are known.
    let container = json!({ "name": "app", "image": "nginx", "memory": 64, "portMappings": [{ "containerPort": 80 }] });
    world.ok("ecs", "RegisterTaskDefinition", &json!({ "family": "app", "containerDefinitions": [container] })).await;
    let World { account, endpoint, .. } = world;
    endpoint.stop().await;
    drop(account);
    for (container, port, want) in [
        ("nope", 80, "service `s` of the account file: The container nope does not exist in the task definition."),
        ("app", 81, "service `s` of the account file: The container app did not have a container port 81 defined."),
    ] {
        let file = format!(
            "{FILE}\necs: {{ clusters: {{ c: {{ services: {{ s: {{ task_definition: app, load_balancers: [{{ target_group: \
             news-api-alb-tg, container: {container}, port: {port} }}] }} }} }} }} }}"
        );
        let settings = crate::support::settings(here.path(), &file, crate::support::news_api());
        let refused = wfrun_aws::Account::open(settings, |_| {}).map(|_| ()).unwrap_err().to_string();
        assert_eq!(refused, want);
    }
}
