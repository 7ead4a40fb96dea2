//! How fast 1 GB gets into the emulated account's registry, beside Debian's `docker-registry` in the same run: by `docker push`, where
//! the engine's own compression counts as well, and by `curl`, where only the registry does.

use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::{Times, host, row, summary, time_of};
use crate::process::{capture, on_path, run as run_command, say};
use crate::tree;

/// Of the image's one layer, which cannot be compressed.
const SIZE_MB: u32 = 1024;

/// The names of all images begin so.
const IMAGE: &str = "wfrun-ecr-test-bench";

/// What is measured: its name, and how.
type Way = (&'static str, fn(&Bench, &Served) -> Result<Duration>);

const WAYS: [Way; 2] = [("docker push of 1 GB", Bench::push), ("upload of 1 GB by curl", Bench::upload)];

/// The image and its layer, in a folder that is also the `docker` command's configuration.
struct Bench {
    folder: PathBuf,
    digest: String,
}

/// A registry that runs as a child with a folder of its own, and goes with this value.
struct Served {
    child: Child,
    /// As `127.0.0.1:5000`.
    host: String,
    /// Basic credentials, where it wants any.
    token: Option<String>,
    folder: PathBuf,
}

/// Measures both ways to both registries, in turns, each time to an empty one, and prints a row for each.
pub(super) fn rows(runs: usize) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("{IMAGE}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).context("the folder of the bench could not be made")?;
    let measured = Bench::make(&folder).and_then(|bench| bench.measure(runs));
    // No image where there was no engine: nothing to remove then.
    docker(&folder).args(["rmi", "--force", IMAGE]).output().ok();
    std::fs::remove_dir_all(&folder).context("the folder of the bench could not be removed")?;
    measured
}

impl Bench {
    fn make(folder: &Path) -> Result<Self> {
        run_command(tree::cargo().args(["build", "--release", "--package", "wfrun-aws", "--example", "account"]))?;
        let script = format!(
            "head -c {SIZE_MB}M /dev/urandom > layer && printf 'FROM scratch\\nCOPY layer /layer\\n' > Dockerfile && sha256sum layer"
        );
        let mut shell = Command::new("sh");
        let line = capture(shell.args(["-c", &script]).current_dir(folder)).context("no layer could be made")?;
        let digest = format!("sha256:{}", line.split(' ').next().unwrap_or_default());
        time_of(docker(folder).args(["build", "--quiet", "--tag", IMAGE, "."]).current_dir(folder))
            .context("a Docker engine is needed for this bench")?;
        Ok(Self { folder: folder.to_owned(), digest })
    }

    fn measure(&self, runs: usize) -> Result<()> {
        let with_peer = on_path("docker-registry");
        for (name, way) in WAYS {
            let (mut ours, mut peers, mut most) = (Vec::new(), Vec::new(), [0, 0]);
            // The first of each fills the caches and does not count.
            for count in 0..=runs {
                let served = self.account()?;
                let took = way(self, &served)?;
                most[0] = most[0].max(served.peak_kb()?);
                drop(served);
                ours.extend((count > 0).then_some(took));
                if with_peer {
                    let served = self.debian_registry()?;
                    let took = way(self, &served)?;
                    most[1] = most[1].max(served.peak_kb()?);
                    peers.extend((count > 0).then_some(took));
                }
            }
            let ours = summary(ours);
            let peer = with_peer.then(|| summary(peers));
            row(name, &ours, peer.as_ref());
            let speed = |times: &Times| f64::from(SIZE_MB) / times.median.as_secs_f64();
            let beside = peer.map_or_else(
                || "no `docker-registry` on the search path".to_owned(),
                |peer| {
                    let times = speed(&ours) / speed(&peer);
                    format!("{times:.2} times the speed of docker-registry, which took {} kB", most[1])
                },
            );
            say(format!("{:<34} {:.0} MB/s, at most {} kB; {beside}", "", speed(&ours), most[0]));
        }
        Ok(())
    }

    /// An account with one repository, and the token for it.
    fn account(&self) -> Result<Served> {
        let program = tree::target_folder()?.join(host()?).join("release/examples/account");
        let folder = self.folder.join("account");
        let mut command = Command::new(program);
        let mut child = command
            .arg(&folder)
            .arg("bench")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("no account")?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("the account has no output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let mut served = Served { child, host: String::new(), token: None, folder };
        let words: Vec<_> = line.split_whitespace().collect();
        let [url, key, secret] = words[..] else { bail!("the account said `{line}`") };
        url.trim_start_matches("http://").clone_into(&mut served.host);
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--aws-sigv4", "aws:amz:us-east-1:ecr", "--user", &format!("{key}:{secret}")]);
        curl.args(["--header", "X-Amz-Target: AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"]);
        curl.args(["--header", "Content-Type: application/x-amz-json-1.1", "--data", "{}", url]);
        let answer: Value = serde_json::from_str(&capture(&mut curl).context("curl failed")?)?;
        let token = answer["authorizationData"][0]["authorizationToken"].as_str();
        served.token = Some(token.with_context(|| format!("no token: {answer}"))?.to_owned());
        Ok(served)
    }

    /// Debian's registry on a free port, without its log and without credentials.
    fn debian_registry(&self) -> Result<Served> {
        let folder = self.folder.join("peer");
        std::fs::create_dir_all(&folder)?;
        let host = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let config = json!({
            "version": 0.1, "log": { "level": "error", "accesslog": { "disabled": true } },
            "storage": { "filesystem": { "rootdirectory": folder } }, "http": { "addr": host },
        });
        let file = folder.join("config.yml");
        std::fs::write(&file, config.to_string())?;
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().context("docker-registry could not be started")?;
        let served = Served { child, host, token: None, folder };
        let started = Instant::now();
        while TcpStream::connect(&served.host).is_err() {
            if started.elapsed() > Duration::from_secs(10) {
                bail!("docker-registry does not listen on {}", served.host);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(served)
    }

    fn push(&self, served: &Served) -> Result<Duration> {
        let auths = served.token.as_ref().map_or(json!({}), |token| json!({ &served.host: { "auth": token } }));
        std::fs::write(self.folder.join("config.json"), json!({ "auths": auths }).to_string())?;
        let name = format!("{}/bench:latest", served.host);
        time_of(docker(&self.folder).args(["tag", IMAGE, &name]))?;
        let took = time_of(docker(&self.folder).args(["push", &name]));
        time_of(docker(&self.folder).args(["rmi", &name]))?;
        took
    }

    /// One request with the whole layer, as containerd sends it.
    fn upload(&self, served: &Served) -> Result<Duration> {
        let curl = || {
            let mut curl = Command::new("curl");
            curl.args(["--silent", "--show-error", "--fail"]);
            if let Some(token) = &served.token {
                curl.args(["--header", &format!("Authorization: Basic {token}")]);
            }
            curl
        };
        let begun = format!("http://{}/v2/bench/blobs/uploads/", served.host);
        let mut begin = curl();
        begin.args(["--request", "POST", "--output", "/dev/null", "--write-out", "%header{location}", &begun]);
        let place = capture(&mut begin).filter(|place| !place.is_empty()).context("no upload could begin")?;
        let place = if place.starts_with('/') { format!("http://{}{place}", served.host) } else { place };
        let joint = if place.contains('?') { '&' } else { '?' };
        let mut send = curl();
        send.args(["--header", "Expect:", "--upload-file", "layer", &format!("{place}{joint}digest={}", self.digest)]);
        time_of(send.current_dir(&self.folder))
    }
}

impl Served {
    /// The most memory it took, in kilobytes, as the kernel keeps it.
    fn peak_kb(&self) -> Result<u64> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
        line.trim().trim_end_matches(" kB").parse().context("VmHWM is no number")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end, and nothing to say.
        self.child.kill().ok();
        self.child.wait().ok();
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

fn docker(config: &Path) -> Command {
    let mut command = Command::new("docker");
    command.env("DOCKER_CONFIG", config).env("DOCKER_BUILDKIT", "0");
    command
}
