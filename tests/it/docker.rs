//! The same on a Docker engine.
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::signal::Signal;

use crate::cancel::{WORKFLOW, interrupt};
use crate::repo::{Ran, Repo, can_sandbox};
use crate::vendor_node::fake_node;

pub(crate) const IMAGE: &str = "wfrun/runner:bookworm";

/// Whether an engine answers and has the image; a missing one is a failure where the caller says so.
pub(crate) fn has_docker() -> bool {
    let inspected = Command::new("docker").args(["image", "inspect", IMAGE]).output();
    if inspected.is_ok_and(|it| it.status.success()) {
        return true;
    }
    let missing = format!("no Docker engine with the image {IMAGE}: `cargo xtask docker` makes both");
    assert!(std::env::var_os("WFRUN_REQUIRE_DOCKER").is_none(), "{missing}");
    println!("skipped: {missing}");
    false
}

/// The ids of what a run has left in the engine.
pub(crate) fn left(ran: &Ran) -> String {
    let id = ran.of_type("run-started")[0]["run_id"].as_str().expect("an id").to_owned();
    let mut all = String::new();
    for kind in ["container", "network", "volume"] {
        let mut command = Command::new("docker");
        command.args([kind, "ls", "--quiet", "--filter", &format!("label=wfrun.run={id}")]);
        if kind == "container" {
            command.arg("--all");
        }
        let output = command.output().expect("docker").stdout;
        all.extend(String::from_utf8_lossy(&output).lines().map(|it| format!("{kind} {it} ")));
    }
    all
}

#[test]
fn a_push_to_main_deploys() {
    if !has_docker() {
        return;
    }
    let repo = Repo::example();
    let arguments =
        [".github/workflows/deploy.yml", "--backend", "docker", "--json", "--event", "push", "--ref", "main"];
    let ran = repo.wfrun(&arguments).ends_with(0);
    assert_eq!(ran.results().to_string(), r#"{"test":"success","build-and-deploy":"success"}"#);
    let subjects: Vec<String> =
        ran.of_type("declared").iter().filter_map(|it| Some(it["subject"].as_str()?.to_owned())).collect();
    assert!(!subjects.iter().any(|it| it.starts_with("docker")), "docker build and push are real: {subjects:?}");
    let build = ran.of_type("step-finished").into_iter().find(|it| it["id"] == "build-image").expect("the step");
    assert_eq!(build["how"], "real");
    assert_eq!(left(&ran), "", "containers, networks and volumes are gone");
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
    assert!(repo.leftovers().is_empty(), "{:?}", repo.leftovers());
}

/// What a group uses is found as what its job uses, in any place.
#[test]
fn actions_of_a_parallel_group_are_found() {
    let group = "{parallel: [{uses: actions/checkout@v4}, {run: 'true'}]}";
    let workflow =
        format!("on: push\njobs: {{j: {{runs-on: ubuntu-latest, steps: [{group}, {{run: test -d .git}}]}}}}\n");
    for (backend, is_there) in [("sandbox", can_sandbox()), ("docker", has_docker())] {
        if is_there {
            let repo = Repo::new(&workflow, &[]);
            repo.wfrun(&["w.yml", "--backend", backend, "--json"]).ends_with(0);
        }
    }
}

#[test]
fn ctrl_c_takes_the_container_away() {
    if !has_docker() {
        return;
    }
    let repo = Repo::new(WORKFLOW, &[]);
    let (ran, seconds) = interrupt(&repo, "docker", Signal::SIGINT);
    println!("ended after {seconds:.2} s");
    let ran = ran.ends_with(130);
    assert_eq!(ran.steps(), ["long: cancelled", "never: skipped", "always: success"]);
    assert_eq!(left(&ran), "");
}

#[test]
fn auto_takes_docker_and_says_why() {
    if !has_docker() {
        return;
    }
    let repo = Repo::new("on: push\njobs: {j: {runs-on: ubuntu-latest, steps: [{run: 'cat /etc/os-release'}]}}", &[]);
    let ran = repo.wfrun(&["w.yml"]).ends_with(0);
    let first = ran.stdout.lines().next().unwrap_or_default();
    assert_eq!(first, format!("backend: docker (an engine answers and has {IMAGE})"));
}

#[test]
fn a_javascript_action_runs_on_this_machine_s_node_where_the_image_has_none() {
    if !has_docker() {
        return;
    }
    let without = "python:3.11-slim";
    let is_here = |image: &str| {
        let inspected = Command::new("docker").args(["image", "inspect", image]).output();
        inspected.is_ok_and(|it| it.status.success())
    };
    if !is_here(without) || Command::new("node").arg("--version").output().is_err() {
        println!("skipped: there is no image {without}, or no Node on this machine");
        return;
    }
    let workflow = "on: push\njobs: {a: {runs-on: x, steps: [{uses: octo/where@v1}]}, b: {runs-on: y, steps: [{uses: octo/where@v1}]}}\n";
    let repo = Repo::new(workflow, &[]);
    repo.write("../where/action.yml", "name: where\nruns: {using: node20, main: where.js}\n");
    repo.write("../where/where.js", "console.log(process.execPath, __dirname)");
    let (own, other) = (format!("x={IMAGE}"), format!("y={without}"));
    let arguments = ["w.yml", "--backend", "docker", "--json", "-P", &own, "-P", &other, "--max-jobs", "1"];
    let ran = repo.wfrun(&[&arguments[..], &["--local-repository", "octo/where=../where"]].concat()).ends_with(0);
    let lines = ran.lines();
    assert!(lines[0].ends_with("/node /home/runner/work/_actions/octo/where/v1"), "{lines:?}");
    assert_ne!(lines[0], lines[1], "the image's own Node goes first");
    assert_eq!(lines[1], "/opt/wfrun/node /home/runner/work/_actions/octo/where/v1");
}

/// The image has none, and this machine's is of another major version, or there is none.
#[test]
fn a_javascript_action_runs_on_a_vendored_node_of_its_major_version() {
    let without = "python:3.11-slim";
    let inspected = Command::new("docker").args(["image", "inspect", without]).output();
    if !has_docker() || !inspected.is_ok_and(|it| it.status.success()) {
        println!("skipped: there is no image {without}");
        return;
    }
    let here = Command::new("node").arg("--version").output().map(|it| it.stdout).unwrap_or_default();
    if here.starts_with(b"v24.") {
        println!("skipped: this machine has a Node 24");
        return;
    }
    let repo = Repo::new("on: push\njobs: {a: {runs-on: x, steps: [{uses: octo/js@v1}]}}\n", &[]);
    repo.write("../js/action.yml", "name: js\nruns: {using: node24, main: a.js}\n");
    repo.write("../js/a.js", "");
    let js = ["--local-repository", "octo/js=../js"];
    let path = std::env::var_os("PATH").expect("a path");
    let folders = std::iter::once(fake_node(&repo, "24.9.9")).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(folders).expect("a path");
    let vendored = repo.command(&[&["vendor", "w.yml"], &js[..]].concat()).env("PATH", path).output();
    assert!(String::from_utf8_lossy(&vendored.expect("wfrun starts").stderr).contains("Node 24.9.9"));
    let image = format!("x={without}");
    let ran = repo.wfrun(&["w.yml", "--backend", "docker", "--json", "-P", &image]).ends_with(0);
    assert_eq!(ran.lines(), ["24.9.9 as /opt/wfrun/vendored-node"]);
}

/// A step ends its own job's container: what becomes of it nobody can know, so this is no failure of the workflow.
#[test]
fn a_container_that_goes_away_is_no_end_of_a_step() {
    if !has_docker() {
        return;
    }
    let kill = "docker kill $(docker ps --quiet --filter label=wfrun.run=$GITHUB_RUN_ID)";
    let workflow = format!(
        "on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps:\n    - run: {kill} && sleep 60\n    - if: always()\n      run: echo more\n"
    );
    let ran = Repo::new(&workflow, &[]).wfrun(&["w.yml", "--backend", "docker", "--json"]).ends_with(3);
    let faults = ran.of_type("fault");
    let message = faults.first().and_then(|it| it["message"].as_str()).expect("a fault");
    assert!(message.starts_with("the environment of job `j` went away: container wfrun-"), "{message}");
    assert!(message.contains("has ended"), "{message}");
    assert_eq!(ran.results().to_string(), r#"{"j":"failure"}"#);
    assert_eq!(left(&ran), "");
}

/// While a job runs, the container of the next one is made; and taken away where it is not wanted after all.
#[test]
fn the_next_job_s_container_is_made_ahead() {
    if !has_docker() {
        return;
    }
    let wait = "for i in $(seq 100); do n=$(docker ps --quiet --filter label=wfrun.run=$GITHUB_RUN_ID | wc -l); test $n -lt 2 || break; sleep 0.1; done; echo containers: $n";
    for (code, result) in [(0, "success"), (1, "skipped")] {
        let workflow = format!(
            "on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps:\n    - run: {wait}; exit {code}\n      shell: bash\n  k:\n    needs: j\n    runs-on: ubuntu-latest\n    steps:\n    - uses: actions/checkout@v4\n    - run: cat w.txt\n"
        );
        let workflow = workflow.replace(&format!("run: {wait}; exit {code}"), &format!("run: '{wait}; exit {code}'"));
        let repo = Repo::new(&workflow, &[("w.txt", "in the workspace\n")]);
        let ran = repo.wfrun(&["w.yml", "--backend", "docker", "--json"]).ends_with(code);
        assert!(ran.lines().iter().any(|it| it == "containers: 2"), "{:?}", ran.lines());
        assert_eq!(ran.results()["k"], result);
        assert_eq!(ran.lines().iter().any(|it| it == "in the workspace"), code == 0);
        assert_eq!(left(&ran), "");
        assert!(repo.leftovers().is_empty(), "{:?}", repo.leftovers());
    }
}

/// What was made ahead may be gone when its job's turn comes; and what is not wanted does not wait for the run's end.
#[test]
fn what_was_made_ahead_is_taken_if_it_lives() {
    if !has_docker() {
        return;
    }
    let count = "docker ps --quiet --filter label=wfrun.run=$GITHUB_RUN_ID --filter label=wfrun.job";
    let until = |job: &str, sign: &str| {
        format!("for i in $(seq 100); do n=$({count}={job} | wc -l); test $n {sign} 0 || break; sleep 0.1; done")
    };
    let (killed, gone) = (format!("{}; docker kill $({count}=b)", until("b", "-eq")), until("d", "-ne"));
    let workflow = format!(
        "on: push
jobs:
  a: {{runs-on: ubuntu-latest, steps: [{{run: '{killed}'}}]}}
  b: {{needs: a, runs-on: ubuntu-latest, steps: [{{run: echo lives}}]}}
  c: {{runs-on: ubuntu-latest, steps: [{{run: '{}; exit 1'}}]}}
  d: {{needs: c, runs-on: ubuntu-latest, steps: [{{run: echo never}}]}}
  e: {{runs-on: ubuntu-latest, steps: [{{run: '{}; {gone}; echo of d: $n'}}]}}
",
        until("d", "-eq"),
        until("d", "-eq"),
    );
    let ran = Repo::new(&workflow, &[]).wfrun(&["w.yml", "--backend", "docker", "--json"]).ends_with(1);
    let results = r#"{"a":"success","b":"success","c":"failure","d":"skipped","e":"success"}"#;
    assert_eq!(ran.results().to_string(), results, "{}", ran.stdout);
    assert!(ran.lines().iter().any(|it| it == "of d: 0"), "{:?}", ran.lines());
    assert_eq!(left(&ran), "");
}

/// Of a job with services the network, which may be gone as well, or not wanted: the service turns out to be none.
#[test]
fn the_network_of_the_next_job_s_containers_is_made_ahead() {
    if !has_docker() {
        return;
    }
    let of = |job: &str| {
        format!("docker network ls --quiet --filter label=wfrun.run=$GITHUB_RUN_ID --filter label=wfrun.job={job}")
    };
    let wait =
        |job: &str| format!("for i in $(seq 100); do test $({} | wc -l) -eq 0 || break; sleep 0.1; done", of(job));
    let wait_all = ["b", "c", "d"].map(wait).join("; ");
    let service = "{image: IMAGE, command: sleep infinity}".replace("IMAGE", IMAGE);
    let needs = "needs: a, runs-on: ubuntu-latest";
    let workflow = format!(
        "on: push
jobs:
  a:
    runs-on: ubuntu-latest
    outputs: {{image: '${{{{ steps.s.outputs.image }}}}'}}
    steps: [{{id: s, run: '{wait_all}; echo made: $({}) $(docker network rm $({}) | wc -l)'}}]
  b: {{{needs}, services: {{s: {service}}}, steps: [{{run: 'echo has: ${{{{ job.container.network }}}}; {}'}}]}}
  c: {{{needs}, services: {{s: {service}}}, steps: [{{run: echo another}}]}}
  d: {{{needs}, services: {{s: {{image: '${{{{ needs.a.outputs.image }}}}'}}}}, steps: [{{run: echo none}}]}}
",
        of("b"),
        of("c"),
        of("b"),
    );
    let ran = Repo::new(&workflow, &[]).wfrun(&["w.yml", "--backend", "docker", "--max-jobs", "3", "--json"]);
    let ran = ran.ends_with(0);
    let lines = ran.lines();
    let made = lines.iter().find_map(|it| it.strip_prefix("made: ")?.strip_suffix(" 1").map(str::to_owned));
    let made = made.unwrap_or_else(|| panic!("networks of b and c: {lines:?}"));
    assert!(lines.contains(&made), "b has the one that was made: {lines:?}");
    for said in ["another", "none"] {
        assert!(lines.iter().any(|it| it == said), "{lines:?}");
    }
    assert_eq!(left(&ran), "");
}

/// Labels that only the job before tells: what was made for others is not taken.
#[test]
fn what_was_made_ahead_is_taken_if_it_fits() {
    if !has_docker() {
        return;
    }
    // The same image by another name.
    let other = "docker.io/wfrun/runner:bookworm";
    let count = "docker ps --quiet --filter label=wfrun.run=$GITHUB_RUN_ID --filter label=wfrun.job=b";
    let wait = format!("for i in $(seq 100); do test $({count} | wc -l) -eq 0 || break; sleep 0.1; done");
    let workflow = format!(
        "on: push
jobs:
  a:
    runs-on: ubuntu-latest
    outputs: {{kind: '${{{{ steps.s.outputs.kind }}}}'}}
    steps: [{{id: s, run: '{wait}; {count} | wc -l; echo kind=special >> $GITHUB_OUTPUT'}}]
  b: {{needs: a, runs-on: \"${{{{ needs.a.outputs.kind || 'ubuntu-latest' }}}}\", steps: [{{run: echo runs}}]}}
"
    );
    let platform = format!("special={other}");
    let arguments = ["w.yml", "--backend", "docker", "--platform", &platform, "--json"];
    let ran = Repo::new(&workflow, &[]).wfrun(&arguments).ends_with(0);
    assert!(ran.lines().iter().any(|it| it == "1"), "one was made: {:?}", ran.lines());
    let images: Vec<_> = ran.of_type("job-started").into_iter().map(|it| it["image"].clone()).collect();
    assert_eq!(images, ["wfrun/runner:bookworm", other]);
    assert_eq!(left(&ran), "");
}

/// Another run may be at work, and is told from one that was killed by who made its things.
#[test]
fn clean_leaves_what_a_living_run_has() {
    if !has_docker() {
        return;
    }
    let docker = |arguments: &[&str]| {
        let output = Command::new("docker").args(arguments).output().expect("docker");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let pid = std::process::id().to_string();
    // No process has an id above the largest that Linux knows.
    let [living, dead] = [pid.as_str(), "4194305 1"].map(|owner| {
        let label = format!("wfrun.owner={owner}");
        [&["volume", "create"][..], &["container", "create"]].map(|create| {
            let what = if create[0] == "container" { &[IMAGE, "true"][..] } else { &[] };
            let (made, name) = docker(&[create, &["--label", "wfrun.run=1", "--label", &label], what].concat());
            assert!(made, "{create:?}: {name}");
            name
        })
    });
    Repo::new(WORKFLOW, &[]).wfrun(&["clean"]).ends_with(0);
    let there = |[volume, container]: &[String; 2]| {
        [docker(&["volume", "inspect", volume]).0, docker(&["container", "inspect", container]).0]
    };
    let found = (there(&living), there(&dead));
    for [volume, container] in [&living, &dead] {
        docker(&["container", "rm", "--force", container]);
        docker(&["volume", "rm", "--force", volume]);
    }
    assert_eq!(found, ([true, true], [false, false]));
}

/// An engine of the test's own, which it may stop.
struct OwnEngine {
    folder: tempfile::TempDir,
    process: std::process::Child,
}

impl OwnEngine {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name).display().to_string();
        // In a network of its own: without a bridge an engine takes that of others away.
        let mut command = Command::new("unshare");
        command.args([
            "--net",
            "dockerd",
            "--data-root",
            &at("data"),
            "--exec-root",
            &at("exec"),
            "--pidfile",
            &at("pid"),
        ]);
        command.args(["--bridge", "none", "--iptables=false", "--shutdown-timeout", "1"]);
        command.args(["--host", &format!("unix://{}", at("engine.sock"))]);
        let log = std::fs::File::create(folder.path().join("log")).expect("a file");
        let process = command.stdout(Stdio::null()).stderr(log).spawn().expect("dockerd");
        let engine = Self { folder, process };
        let shell = |line: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", line]).env("OWN", engine.host()).output().expect("sh").status.success()
        };
        let begin = Instant::now();
        while !shell("DOCKER_HOST=$OWN docker version") {
            assert!(begin.elapsed().as_secs() < 60, "the engine does not start");
        }
        // A step needs no more than a shell.
        let bash = "tar -chf - /bin/bash $(ldd /bin/bash | grep -o '/lib[^ ]*')";
        assert!(shell(&format!("{bash} | DOCKER_HOST=$OWN docker import - tiny")), "there is an image");
        engine
    }

    fn host(&self) -> String {
        format!("unix://{}", self.folder.path().join("engine.sock").display())
    }

    fn stop(&mut self) {
        let pid = i32::try_from(self.process.id()).expect("a number");
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), Signal::SIGTERM).expect("it runs");
        self.process.wait().expect("its end");
    }
}

#[test]
fn an_engine_that_stops_in_the_middle_of_a_run() {
    if !has_docker() {
        return;
    }
    let mut engine = OwnEngine::start();
    let workflow = "on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps:\n    - run: echo begun; while :; do :; done\n  k:\n    needs: j\n    runs-on: ubuntu-latest\n    steps:\n    - run: echo more\n";
    let repo = Repo::new(workflow, &[]);
    let mut command = repo.command(&["w.yml", "--backend", "docker", "-P", "ubuntu-latest=tiny", "--json"]);
    let mut child = command.env("DOCKER_HOST", engine.host()).stdout(Stdio::piped()).spawn().expect("wfrun");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
    let begun = lines.by_ref().find(|it| it.contains(r#""text":"begun""#));
    assert!(begun.is_some(), "the step has begun");
    engine.stop();
    let rest: Vec<String> = lines.collect();
    assert_eq!(child.wait().expect("its end").code(), Some(3));
    let said = rest.join("\n");
    assert!(
        said.contains("the environment of job `j` went away: the Docker engine does not answer any more"),
        "{said}"
    );
    assert!(rest.last().is_some_and(|it| it.contains(r#""type":"run-finished""#)), "the journal is whole: {said}");
}
