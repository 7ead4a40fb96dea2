//! Containers that a job asks for, on a real engine.

use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;
use wfrun_backend::docker::{ContainerRequest, JobNetwork, Log, NetworkSettings};
use wfrun_backend::{Backend as _, DockerBackend, EnvironmentSpec, Outbound, OutboundSettings};

use crate::support::{PATIENCE, Place, agent_executable, docker, image, spec};

/// A job's network, and what is told about it.
pub(crate) struct Job {
    backend: DockerBackend,
    network: JobNetwork,
    work_dir: TempDir,
    run_id: String,
    hurry: watch::Sender<bool>,
    pub(crate) log: Log,
    lines: tokio::sync::mpsc::UnboundedReceiver<String>,
}

impl Job {
    pub(crate) async fn new(run_id: &str) -> Option<Self> {
        let backend = docker().await?;
        let work_dir = tempfile::tempdir().expect("a work directory");
        for folder in ["_tool", "_temp/_github_home", "_temp/_github_workflow"] {
            std::fs::create_dir_all(work_dir.path().join(folder)).expect("a folder");
        }
        let (log, lines) = Log::new();
        let run_id = crate::support::run_id(run_id);
        let settings = NetworkSettings {
            run_id: run_id.clone(),
            job: "j".to_owned(),
            executable: agent_executable(),
            may_pull: false,
            ports: work_dir.path().join("ports"),
        };
        let (hurry, receiver) = watch::channel(false);
        let mut network = JobNetwork::make(&backend, settings).await.expect("a network");
        network.begin(work_dir.path().to_owned(), receiver, &log);
        Some(Self { backend, network, work_dir, run_id, hurry, log, lines })
    }

    pub(crate) async fn open(&self, request: &ContainerRequest, change: impl FnOnce(&mut EnvironmentSpec)) -> Place {
        let container = Some(self.network.prepare(request, &self.log).await.expect("it is prepared"));
        let mut spec = EnvironmentSpec { run_id: self.run_id.clone(), container, ..spec(self.work_dir.path()) };
        change(&mut spec);
        let environment = self.backend.open(spec).await.unwrap_or_else(|err| panic!("{err:?}"));
        Place { environment, work_dir: tempfile::tempdir().expect("a directory") }
    }

    /// Takes everything away; gives back the log.
    pub(crate) async fn stop(mut self, place: Option<Place>) -> Vec<String> {
        let own = place.as_ref().and_then(|it| it.environment.container());
        let warnings = self.network.stop(own, &self.log).await;
        assert!(warnings.is_empty(), "{warnings:?}");
        if let Some(place) = place {
            place.close().await;
        }
        assert_eq!(left(&self.run_id), "");
        let mut all = Vec::new();
        while let Ok(line) = self.lines.try_recv() {
            all.push(line);
        }
        all
    }
}

/// What a run has in the engine.
pub(crate) fn left(run_id: &str) -> String {
    let mut all = String::new();
    for words in [&["container", "ls", "--all"][..], &["network", "ls"], &["volume", "ls"]] {
        let mut command = std::process::Command::new("docker");
        command.args(words).args(["--quiet", "--filter", &format!("label=wfrun.run={run_id}")]);
        all.push_str(&String::from_utf8_lossy(&command.output().expect("docker").stdout));
    }
    all
}

/// `~` stands for a blank within a word of `options`.
pub(crate) fn request(what: &str, options: &str) -> ContainerRequest {
    ContainerRequest {
        what: what.to_owned(),
        image: image().to_owned(),
        options: options.split_whitespace().map(|it| it.replace('~', " ")).collect(),
        ..ContainerRequest::default()
    }
}

/// A web server on port 80.
fn web(options: &str) -> ContainerRequest {
    ContainerRequest {
        alias: Some("web".to_owned()),
        ports: vec!["80".to_owned()],
        entrypoint: Some("python3".to_owned()),
        command: Some(["-u", "-m", "http.server", "--directory", "/etc", "80"].map(str::to_owned).into()),
        ..request("service `web`", options)
    }
}

const HEALTH: &str = r#"--health-cmd python3~-c~'import~urllib.request~as~u;~u.urlopen("http://127.0.0.1")' --health-interval 1s --health-retries 30"#;

/// Source: GitHub: execution rules E8.2 and E8.3.
#[tokio::test(flavor = "multi_thread")]
async fn services_have_names_and_ports() {
    let Some(mut job) = Job::new("services").await else { return };
    let facts = job.network.start_service("web", &web(HEALTH), &job.log).await.expect("it starts");
    assert!(job.network.wait_until_healthy(&job.log).await.is_empty());
    let (inside, outside) = facts.ports.first().expect("a port");
    assert_eq!(inside, "80");
    let mut stream = tokio::net::TcpStream::connect(format!("127.0.0.1:{outside}")).await.expect("it is published");
    stream.write_all(b"GET /hostname HTTP/1.0\r\n\r\n").await.expect("it is asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("it answers");
    assert!(answer.contains(&facts.container[..12]), "{answer}");
    let place = job.open(&request("container", ""), |_| {}).await;
    let fetch = "python3 -c 'import urllib.request as u; print(u.urlopen(\"http://web/hostname\").read().decode())'";
    assert!(place.output(fetch).await.contains(&facts.container[..12]));
    let log = job.stop(Some(place)).await;
    for expected in [
        "web service is starting, waiting 2 seconds",
        "web service is healthy.",
        "GET /hostname",
        "Stop and remove container: web_",
    ] {
        assert!(log.iter().any(|it| it.contains(expected)), "{expected}: {log:#?}");
    }
}

/// Source: GitHub: execution rules E8.4.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_unhealthy_says_why() {
    let Some(mut job) = Job::new("unhealthy").await else { return };
    let script = "for i in $(seq 30); do echo line $i; done; sleep 600";
    let service = ContainerRequest {
        entrypoint: Some("sh".to_owned()),
        command: Some(["-c", script].map(str::to_owned).into()),
        ..request("service `db`", "--health-cmd echo~no~answer;~exit~7 --health-interval 1s --health-retries 1")
    };
    job.network.start_service("db", &service, &job.log).await.expect("it starts");
    let errors = job.network.wait_until_healthy(&job.log).await;
    let reason = "service `db` is unhealthy: the last health check ended with 7 and printed: no answer";
    assert_eq!(
        errors,
        [
            format!("Failed to initialize container {}: {reason}", image()),
            "One or more containers failed to start.".to_owned()
        ]
    );
    let log = job.stop(None).await;
    assert!(log.contains(&"line 11".to_owned()) && log.contains(&"line 30".to_owned()), "{log:#?}");
    assert!(!log.contains(&"line 10".to_owned()), "20 lines are enough: {log:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_who_is_in_a_hurry() {
    let Some(mut job) = Job::new("hurry").await else { return };
    let service = ContainerRequest {
        command: Some(["sleep", "600"].map(str::to_owned).into()),
        ..request("service `db`", "--health-cmd exit~1 --health-interval 100s --health-retries 9")
    };
    job.network.start_service("db", &service, &job.log).await.expect("it starts");
    let sender = job.hurry.clone();
    let waiting = job.network.wait_until_healthy(&job.log);
    let told = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        sender.send_replace(true);
    };
    let (errors, ()) =
        tokio::time::timeout(PATIENCE, async { tokio::join!(waiting, told) }).await.expect("it does not wait");
    assert!(errors.is_empty(), "{errors:?}");
    job.stop(None).await;
}

/// Source: GitHub: execution rules E8.2 and E8.5.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_container_has_githubs_places_and_its_own_settings() {
    let Some(job) = Job::new("own").await else { return };
    std::fs::write(job.work_dir.path().join("file"), "shared").expect("a file");
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let request = ContainerRequest {
        env: vec![pair("A", "container"), pair("HOME", "/elsewhere"), pair("EMPTY", "")],
        volumes: vec![
            "data:/data".to_owned(),
            "/home/runner/work/file:/seen:ro".to_owned(),
            "/none/there:/new".to_owned(),
        ],
        ..request("container", "--user 1000:1000 --hostname own --tmpfs /scratch --add-host here:1.2.3.4 --init")
    };
    let place = job.open(&request, |_| {}).await;
    let facts = place.environment.facts();
    assert_eq!((facts.work.as_str(), facts.home.as_str(), facts.tool_cache.as_str()), ("/__w", "/github/home", "/__t"));
    assert!(!facts.base_env.iter().any(|(name, _)| name == "EMPTY"));
    let script = "id -u; hostname; cat /__w/file /seen; echo; echo $A $HOME $CI; getent hosts here | cut -d' ' -f1; \
        ls -d /github/home /github/workflow /__t /scratch /data /new | tr '\\n' ' '; cat /proc/1/comm";
    let expected = "1000\nown\nsharedshared\ncontainer /github/home true\n1.2.3.4\n\
        /__t /data /github/home /github/workflow /new /scratch docker-init\n";
    assert_eq!(place.output(script).await, expected);
    let log = job.stop(Some(place)).await;
    assert!(log.iter().any(|it| it.starts_with("/none/there is not on this machine")), "{log:#?}");
}

/// What wfrun serves at 127.0.0.1 is there as well, in a network that is not this machine's.
#[tokio::test(flavor = "multi_thread")]
async fn ports_and_names_are_passed_on() {
    let Some(job) = Job::new("passed").await else { return };
    let own = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let other = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port_of = |it: &std::net::TcpListener| it.local_addr().expect("an address").port();
    let (port, closed) = (port_of(&own), port_of(&other));
    let address = Ipv4Addr::new(127, 77, 0, 54);
    let dns = wfrun_backend::network::start_dns_guard(address).await.ok();
    let guard = dns.as_ref().map(|_| IpAddr::V4(address));
    let place = job
        .open(&request("container", ""), |spec| {
            spec.passed_on = vec![port];
            spec.dns = guard;
        })
        .await;
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = own.accept().expect("a connection");
        std::io::Write::write_all(&mut stream, b"passed on\n").expect("it writes");
    });
    assert_eq!(place.output(&format!("exec 3<>/dev/tcp/127.0.0.1/{port}; cat <&3")).await, "passed on\n");
    serving.join().expect("it served");
    let script = format!("(exec 3<>/dev/tcp/127.0.0.1/{closed}) 2>/dev/null || echo none");
    assert_eq!(place.output(&script).await, "none\n", "the rest of this machine's loopback is not there");
    if let Some(dns) = &dns {
        assert_eq!(place.output("getent hosts sts.amazonaws.com || echo none").await, "none\n");
        assert_eq!(dns.blocked(), ["sts.amazonaws.com"]);
    }
    job.stop(Some(place)).await;
}

/// A proxy takes no port from a server of the job's own.
#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_of_this_machine_is_at_a_port_of_its_own() {
    let Some(job) = Job::new("proxy").await else { return };
    let proxy = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = proxy.local_addr().expect("an address").port();
    let variables = [("http_proxy".to_owned(), format!("http://me:secret@127.0.0.1:{port}/"))];
    let settings = OutboundSettings { ca_file: None, store: job.work_dir.path() };
    let outbound = Outbound::read(variables, &settings).expect("nothing is asked for");
    let place = job.open(&request("container", ""), |spec| spec.outbound = Arc::new(outbound)).await;
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = proxy.accept().expect("a connection");
        std::io::Write::write_all(&mut stream, b"proxied\n").expect("it writes");
    });
    let script = "address=${HTTP_PROXY#http://me:secret@127.0.0.1:}; exec 3<>/dev/tcp/127.0.0.1/${address%/}; cat <&3";
    assert_eq!(place.output(script).await, "proxied\n");
    serving.join().expect("it served");
    let script = format!("python3 -c 'import socket as s; s.create_server((\"127.0.0.1\", {port})); print(\"free\")'");
    assert_eq!(place.output(&script).await, "free\n");
    let moved = &place.environment.facts().moved_ports;
    assert!(matches!(moved[..], [(from, to)] if from == port && to != port), "{moved:?}");
    job.stop(Some(place)).await;
}

/// An agent that has many files to give back, played by one that is paused, is not taken away before it is done.
#[tokio::test(flavor = "multi_thread")]
async fn files_are_given_back_however_long_it_takes() {
    const OTHER: u32 = 61_234;
    let Some(job) = Job::new("slow").await else { return };
    let owner = |path: &Path| path.metadata().expect("a file").uid();
    if owner(job.work_dir.path()) == 0 {
        std::os::unix::fs::chown(job.work_dir.path(), Some(OTHER), Some(OTHER)).expect("it is given");
    }
    let place = job.open(&request("container", ""), |_| {}).await;
    assert_eq!(place.output("touch /__w/file && stat -c %u /__w/file").await, "0\n");
    let (id, _) = place.environment.container().expect("it is one");
    let engine = |verb: &str| {
        let output = std::process::Command::new("docker").args([verb, &id]).output().expect("docker");
        assert!(output.status.success(), "{output:?}");
    };
    engine("pause");
    let going_on = async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        engine("unpause");
    };
    tokio::join!(place.close(), going_on);
    assert_eq!(owner(&job.work_dir.path().join("file")), owner(job.work_dir.path()));
    job.stop(None).await;
}

/// The supervisor needs no library, no shell and no user of the image.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_container_may_be_empty() {
    let Some(job) = Job::new("empty").await else { return };
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("Dockerfile"), "FROM scratch\nENV PATH=/only/here\nCOPY Dockerfile /\n")
        .expect("a file");
    let tag = format!("wfrun-test/empty:{}", std::process::id());
    let build = std::process::Command::new("docker").args(["build", "-q", "-t", &tag]).arg(directory.path()).output();
    assert!(build.expect("docker").status.success());
    let request = ContainerRequest { image: tag.clone(), ..request("container", "") };
    let place = job.open(&request, |_| {}).await;
    let process = place.environment.spawn(place.exec(&["/opt/wfrun/wfrun"])).await.expect("it is there");
    assert_eq!(crate::support::collect(process).await.code, Some(2), "the executable itself is the only program");
    job.stop(Some(place)).await;
    assert!(std::process::Command::new("docker").args(["rmi", &tag]).output().expect("docker").status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_or_wrong_is_named() {
    let Some(job) = Job::new("wrong").await else { return };
    let cases = [
        (
            ContainerRequest { image: "wfrun-test/none:1".to_owned(), ..request("container", "") },
            "has no image `wfrun-test/none:1`",
        ),
        (request("service `db`", "--frobnicate"), "service `db`: in `options`: unknown option `--frobnicate`"),
        (
            ContainerRequest { volumes: vec!["./a:/b".to_owned()], ..request("container", "") },
            "`./a:/b` of `volumes` has neither",
        ),
        (
            ContainerRequest { volumes: vec!["a:b".to_owned()], ..request("container", "") },
            "`a:b` of `volumes` has no absolute path",
        ),
    ];
    for (request, expected) in cases {
        let err = job.network.prepare(&request, &job.log).await.expect_err(expected).to_string();
        assert!(err.contains(expected), "{err}");
    }
    job.stop(None).await;
}

/// Nobody inside of a service notices that wfrun is gone.
#[tokio::test(flavor = "multi_thread")]
async fn services_go_when_whoever_started_them_is_killed() {
    if docker().await.is_none() {
        return;
    }
    let own = std::env::current_exe().expect("the test's own path");
    let mut victim = std::process::Command::new(own)
        .args(["--exact", "containers::victim", "--ignored"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    let run_id = format!("victim-of-services-{}", victim.id());
    while left(&run_id).lines().count() < 3 {
        assert_eq!(victim.try_wait().expect("a state"), None, "it ended before its time");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    victim.kill().expect("it is there");
    victim.wait().expect("it ends");
    let deadline = std::time::Instant::now() + PATIENCE;
    while !left(&run_id).is_empty() {
        assert!(std::time::Instant::now() < deadline, "left: {}", left(&run_id));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by services_go_when_whoever_started_them_is_killed"]
async fn victim() {
    let Some(mut job) = Job::new("victim-of-services").await else { return };
    let service = ContainerRequest {
        command: Some(["sleep", "600"].map(str::to_owned).into()),
        volumes: vec!["data:/data".to_owned()],
        ..request("service `db`", "")
    };
    job.network.start_service("db", &service, &job.log).await.expect("it starts");
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert!(Path::new("/").exists());
}
