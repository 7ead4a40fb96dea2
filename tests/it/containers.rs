//! Job containers and services: on a Docker engine, and where there is none.
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::cancel::interrupt_at;
use crate::docker::{IMAGE, has_docker, left};
use crate::repo::{Ran, Repo, can_sandbox};

/// A service that serves its own `/etc`, healthy once it does.
const WEB: &str = r#"{image: IMAGE, entrypoint: python3, command: -u -m http.server --directory /etc 80, ports: [80],
        options: --health-interval 1s --health-retries 30 --health-cmd "python3 -c 'import urllib.request as u; u.urlopen(\"http://127.0.0.1\")'"}"#;

fn repo(jobs: &str) -> Repo {
    Repo::new(
        &format!("on: push\njobs:\n{}", jobs.replace("WEB", WEB).replace("IMAGE", IMAGE)),
        &[("file", "of the repository\n")],
    )
}

fn docker(repo: &Repo) -> Ran {
    repo.wfrun(&["w.yml", "--backend", "docker", "--json", "--offline"])
}

fn has_line(ran: &Ran, part: &str) -> bool {
    ran.lines().iter().any(|it| it.contains(part))
}

fn messages(ran: &Ran) -> Vec<String> {
    ran.of_type("annotation").iter().filter_map(|it| Some(it["message"].as_str()?.to_owned())).collect()
}

/// Source: GitHub: execution rules E10 item 44, E2.1, E6.5 and E8.5.
#[test]
fn a_job_container_is_as_on_github() {
    if !has_docker() {
        return;
    }
    let repo = repo(
        r#"
  j:
    runs-on: ubuntu-latest
    env: {A: job}
    container: {image: 'docker://IMAGE', env: {A: container, B: container}}
    services: {web: WEB}
    steps:
    - uses: actions/checkout@v4
    - run: |
        echo "1 $A $B $HOME $(pwd) $(cat file)"
        echo "2 ${{ github.workspace }} $GITHUB_WORKSPACE $RUNNER_TEMP $RUNNER_TOOL_CACHE $GITHUB_EVENT_PATH"
        echo "3 $(cat /proc/$$/comm) $(wc -c < $GITHUB_EVENT_PATH | grep -c .)"
        echo "4 $(python3 -c 'import urllib.request as u; print(u.urlopen("http://web/hostname").read().decode().strip())')"
        echo "5 ${{ job.services.web.id }} ${{ job.services.web.network == job.container.network }} ${{ job.container.id }}"
        echo "C=from the file" >> $GITHUB_ENV
    - {run: 'echo "6 $C $(pwd) $A"', working-directory: '${{ runner.temp }}', env: {A: step}}
    - {uses: actions/cache@v4, with: {path: p, key: k}}
    - run: mkdir p && echo kept > p/x
"#,
    );
    let ran = docker(&repo).ends_with(0);
    let lines = ran.lines();
    let line = |number: &str| lines.iter().find(|it| it.starts_with(number)).cloned().unwrap_or_default();
    assert_eq!(line("1 "), "1 job container /github/home /__w/repo/repo of the repository");
    let places = "/home/runner/work/repo/repo /__w/repo/repo /__w/_temp /__t /github/workflow/event.json";
    assert_eq!(line("2 "), format!("2 {places}"));
    assert_eq!(line("3 "), "3 sh 1");
    let (host, ids) = (line("4 "), line("5 "));
    assert!(
        host.len() == 14 && ids.starts_with(&format!("5 {}", &host[2..])) && ids.contains(" true "),
        "{host}\n{ids}"
    );
    assert_eq!(line("6 "), "6 from the file /__w/_temp step");
    assert!(has_line(&ran, "Cache saved with key: k"));
    let steps = ran.steps();
    assert_eq!(steps.first().map(String::as_str), Some("Initialize containers: success"));
    assert_eq!(steps.last().map(String::as_str), Some("Stop containers: success"));
    assert_eq!(left(&ran), "");
    assert!(repo.leftovers().is_empty(), "{:?}", repo.leftovers());
}

/// The work folder is the runner's, 1001, whoever runs in the container.
#[test]
fn a_container_of_another_user_has_the_work_folder_as_on_github() {
    if !has_docker() || !nix::unistd::geteuid().is_root() {
        return;
    }
    let steps = r#"
    - {id: c, uses: actions/checkout@v4}
    - id: s
      run: |
        echo "1 $(id -u) $(cat file) $(git status --porcelain 2>&1 | head -1)"
        echo more >> file && mkdir -p $RUNNER_TOOL_CACHE/x ~/y $RUNNER_TEMP/z && echo "2 $(git diff --stat | tail -1)"
        echo "x=from the file" >> $GITHUB_OUTPUT
    - run: echo "3 ${{ steps.s.outputs.x }} ${{ steps.c.outputs.commit == github.sha }}"
    - {uses: actions/cache@v4, with: {path: p, key: k}}
    - run: mkdir p && echo kept > p/x
"#;
    let job =
        |container: &str| format!("\n  j:\n    runs-on: ubuntu-latest\n    container: {container}\n    steps: {steps}");
    let ran = docker(&repo(&job("{image: IMAGE, options: --user 1001}"))).ends_with(0);
    let lines = ran.lines();
    let line = |number: &str| lines.iter().find(|it| it.starts_with(number)).cloned().unwrap_or_default();
    assert_eq!(line("1 "), "1 1001 of the repository ");
    assert_eq!(line("2 "), "2  1 file changed, 1 insertion(+)");
    assert_eq!(line("3 "), "3 from the file true");
    assert!(has_line(&ran, "Cache saved with key: k"));
    // Root reads and writes what it likes, but git does not trust a folder that is another's.
    let ran = docker(&repo(&job("IMAGE"))).ends_with(0);
    let dubious = "1 0 of the repository fatal: detected dubious ownership in repository at '/__w/repo/repo'";
    assert!(has_line(&ran, dubious), "{:?}", ran.lines());
}

/// Source: GitHub: execution rules E10 item 46.
#[test]
fn services_of_a_job_without_a_container_have_ports_here() {
    if !has_docker() {
        return;
    }
    let repo = repo(
        r#"
  j:
    runs-on: ubuntu-latest
    services: {web: WEB}
    steps:
    - run: |
        python3 -c 'import urllib.request as u; print("of", u.urlopen("http://localhost:${{ job.services.web.ports['80'] }}/hostname").read().decode())'
        echo "bash: $BASH_VERSION"
"#,
    );
    let ran = docker(&repo).ends_with(0);
    assert!(
        has_line(&ran, "of ") && has_line(&ran, "web service is healthy.") && has_line(&ran, "bash: 5"),
        "{:#?}",
        ran.lines()
    );
    assert!(
        has_line(&ran, "GET /hostname HTTP/1.1\" 200"),
        "the service's log is shown at the end: {:#?}",
        ran.lines()
    );
    assert_eq!(left(&ran), "");
}

/// On GitHub each job has a machine; here jobs that want one port of it take turns. Another program's port is in the way.
#[test]
fn jobs_that_publish_one_port_take_turns() {
    if !has_docker() {
        return;
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let web = WEB.replace("ports: [80]", &format!("ports: ['{port}:80']"));
    let repo = repo(&format!(
        "
  j:
    runs-on: ubuntu-latest
    strategy: {{fail-fast: false, matrix: {{n: [1, 2]}}}}
    services: {{web: {web}}}
    steps: [run: 'exec 3<>/dev/tcp/127.0.0.1/{port}; sleep 1']
"
    ));
    let ran = docker(&repo).ends_with(3);
    let said = messages(&ran).join("\n");
    assert!(said.contains(&port.to_string()) && said.contains("end the program that has the port"), "{said}");
    drop(listener);
    // Both at once, however little memory is free.
    let ran = repo.wfrun(&["w.yml", "--backend", "docker", "--json", "--offline", "--max-jobs", "4"]).ends_with(0);
    let waits = format!("Port {port} of this machine is another job's: waiting until that one has ended");
    assert_eq!(ran.lines().iter().filter(|it| it.contains(&waits)).count(), 1, "{:#?}", ran.lines());
    assert_eq!(left(&ran), "");
}

const SICK: &str = "
  j:
    runs-on: ubuntu-latest
    services:
      db: {image: IMAGE, command: sleep 600, options: OPTIONS}
    steps:
    - {name: main, run: echo main}
    - {name: clean, if: always(), run: echo clean}
";

/// Source: GitHub: execution rules E10 item 45, E8.4.
#[test]
fn a_service_that_is_not_healthy_fails_the_job_and_says_why() {
    if !has_docker() {
        return;
    }
    let options = "--health-cmd \"echo no socket; exit 1\" --health-interval 1s --health-retries 2";
    let repo = repo(&SICK.replace("OPTIONS", &format!("'{options}'")));
    let ran = docker(&repo).ends_with(1);
    let all = ["Initialize containers: failure", "main: skipped", "clean: success", "Stop containers: success"];
    assert_eq!(ran.steps(), all);
    let reason = "service `db` is unhealthy: the last health check ended with 1 and printed: no socket";
    let failed = format!("Failed to initialize container {IMAGE}: {reason}");
    assert_eq!(messages(&ran), [failed, "One or more containers failed to start.".to_owned()]);
    assert_eq!(left(&ran), "");
}

#[test]
fn ctrl_c_ends_the_wait_for_a_service() {
    if !has_docker() {
        return;
    }
    let options = "--health-cmd false --health-interval 60s --health-retries 9";
    let repo = repo(&SICK.replace("OPTIONS", options));
    let (ran, seconds) = interrupt_at(&repo, "docker", Signal::SIGINT, "checking again");
    let ran = ran.ends_with(130);
    // Before the next look at the service.
    assert!(seconds < 30.0, "{seconds:.2} s");
    let all = ["Initialize containers: cancelled", "main: skipped", "clean: success", "Stop containers: success"];
    assert_eq!(ran.steps(), all);
    assert_eq!(left(&ran), "");
}

#[test]
fn a_wfrun_that_is_killed_leaves_no_container() {
    if !has_docker() {
        return;
    }
    let options = "--health-cmd false --health-interval 60s --health-retries 9";
    let repo = repo(
        &SICK
            .replace("runs-on", "container: {image: IMAGE, volumes: ['data:/data']}\n    runs-on")
            .replace("OPTIONS", options),
    );
    let (ran, _) = interrupt_at(&repo, "docker", Signal::SIGKILL, "checking again");
    let since = Instant::now();
    while !left(&ran).is_empty() {
        assert!(since.elapsed() < Duration::from_mins(1), "{}", left(&ran));
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// What this machine cannot do is no failure of the workflow's: nothing was tried.
#[test]
fn what_is_not_to_be_had_here_is_named() {
    if !has_docker() {
        return;
    }
    let cases = [
        ("container: 'wfrun-test/none:1'", "the Docker engine has no image `wfrun-test/none:1`"),
        ("container: {image: IMAGE, options: --gpus all}", "container: in `options`: option `--gpus` is not supported"),
    ];
    for (key, expected) in cases {
        let repo = repo(&format!("\n  j:\n    runs-on: ubuntu-latest\n    {key}\n    steps: [run: echo no]\n"));
        let ran = docker(&repo).ends_with(3);
        // What is not there is said before anything runs, as nothing may be fetched.
        let faults: Vec<String> = ran.of_type("fault").iter().map(|it| it["message"].to_string()).collect();
        assert!(faults.concat().contains(expected) || ran.stderr.contains(expected), "{faults:?}\n{}", ran.stderr);
        assert!(!has_line(&ran, "no"), "no step runs");
        assert!(ran.stdout.is_empty() || left(&ran).is_empty());
    }
}

/// What the workflow says wrong fails `Initialize containers`, as on GitHub; what always runs does, where it can.
#[test]
fn what_the_workflow_says_wrong_fails_the_job() {
    if !has_docker() {
        return;
    }
    let cases = [
        ("container: {image: IMAGE, options: --frobnicate}", "container: in `options`: unknown option `--frobnicate`"),
        ("container: {image: IMAGE, options: --user nobody-knows}", "container: the Docker engine refused it: "),
        ("services: {db: {image: IMAGE, ports: [x]}}", "service `db`: `x` of `ports` is not a port"),
        ("services: {db: {image: IMAGE, command: /no/such/program}}", "service `db`: the Docker engine refused it: "),
    ];
    for (key, expected) in cases {
        let steps = "[{run: echo never}, {if: always(), run: echo clean}]";
        let repo = repo(&format!("\n  j:\n    runs-on: ubuntu-latest\n    {key}\n    steps: {steps}\n"));
        let ran = docker(&repo).ends_with(1);
        assert!(messages(&ran).iter().any(|it| it.starts_with(expected)), "{:?}", messages(&ran));
        let (clean, told) = if key.starts_with("container") {
            ("failure", messages(&ran).iter().any(|it| it == "Value cannot be null. (Parameter 'ContainerId')"))
        } else {
            ("success", has_line(&ran, "clean"))
        };
        assert!(told, "{:?}", messages(&ran));
        let expected = [
            "Initialize containers: failure".to_owned(),
            "Run echo never: skipped".to_owned(),
            format!("Run echo clean: {clean}"),
            "Stop containers: success".to_owned(),
        ];
        assert_eq!(ran.steps(), expected);
        assert_eq!(left(&ran), "");
    }
}

/// A job is never silently run without what it asks for.
#[test]
fn in_the_sandbox_such_a_job_is_not_run() {
    if !can_sandbox() {
        return;
    }
    let repo = repo(
        "
  other: {runs-on: ubuntu-latest, steps: [run: echo other]}
  own: {runs-on: ubuntu-latest, container: 'node:22', services: {db: 'postgres:17'}, steps: [run: echo own]}
  empty: {runs-on: ubuntu-latest, container: '${{ vars.NONE }}', steps: [run: echo empty]}
",
    );
    let ran = repo.sandbox(&[]).ends_with(5);
    assert_eq!(ran.results().to_string(), r#"{"other":"success","own":"skipped","empty":"success"}"#);
    let mut lines = ran.lines();
    lines.sort();
    assert_eq!(lines, ["empty", "other"]);
    let declared = ran.of_type("declared");
    let detail =
        "it asks for `container` and `services`, and backend `sandbox` makes no containers: use `--backend docker`";
    let own = declared.iter().find(|it| it["job"] == "own").expect("it is declared");
    assert_eq!((own["how"].as_str(), own["detail"].as_str()), (Some("not run"), Some(detail)));
    let reason = &ran.of_type("job-skipped")[0]["reason"];
    assert_eq!((reason["kind"].as_str(), reason["backend"].as_str()), (Some("containers"), Some("sandbox")));
}

/// Source: GitHub: execution rules E7.4, E10 item 42.
#[test]
fn an_image_as_an_action_runs_beside_the_job() {
    if !has_docker() {
        return;
    }
    let steps = r#"
    - run: echo from the step before > shared
    - id: image
      uses: docker://IMAGE
      env: {A: '${{ github.workspace }}'}
      with:
        entrypoint: bash
        args: -c "cat shared; echo $PWD $HOME $A $GITHUB_WORKSPACE $RUNNER_TEMP $INPUT_ARGS | cut -c1-90; echo o=1 >> $GITHUB_OUTPUT; echo B=2 >> $GITHUB_ENV; hostname"
    - run: echo "then $B ${{ steps.image.outputs.o }} $(hostname)"
    - {name: fails, uses: 'docker://IMAGE', with: {args: sh -c "exit 5"}}
"#;
    let jobs = [
        ("own", "container: IMAGE, "),
        ("service", "services: {web: {image: IMAGE, command: sleep 600}}, "),
        ("plain", ""),
    ];
    for (id, keys) in jobs {
        let repo = repo(&format!(
            "\n  {id}:\n    runs-on: ubuntu-latest\n    {}\n    steps:{steps}",
            keys.trim_end_matches(", ")
        ));
        let ran = docker(&repo).ends_with(1);
        let lines = ran.lines();
        assert!(lines.contains(&"from the step before".to_owned()), "{id}: {lines:#?}");
        let places = "/github/workspace /github/home /github/workspace /github/workspace /github/runner_temp -c";
        assert!(lines.iter().any(|it| it.starts_with(places)), "{id}: {lines:#?}");
        assert!(lines.iter().any(|it| it.starts_with("then 2 1 ")), "{id}: {lines:#?}");
        let failed = ran.of_type("step-finished").into_iter().find(|it| it["name"] == "fails").expect("the step");
        assert_eq!(failed["exit_code"].as_i64(), Some(5));
        assert_eq!(left(&ran), "", "{id}");
    }
}

#[test]
fn in_the_sandbox_an_image_is_no_action() {
    if !can_sandbox() {
        return;
    }
    let repo = repo("\n  j: {runs-on: ubuntu-latest, steps: [{uses: 'docker://alpine:3'}]}\n");
    let ran = repo.sandbox(&[]).ends_with(1);
    let expected = "a container action needs a Docker engine, and backend `sandbox` has none: use `--backend docker`";
    assert_eq!(messages(&ran), [expected]);
}

#[test]
fn auto_takes_docker_for_jobs_with_containers() {
    if !has_docker() {
        return;
    }
    let repo = repo("\n  j: {runs-on: a-label-of-ours, container: IMAGE, steps: [{run: test -d /__w}]}\n");
    let ran = repo.wfrun(&["w.yml", "--offline"]).ends_with(0);
    let first = ran.stdout.lines().next().unwrap_or_default();
    assert_eq!(first, "backend: docker (an engine answers, and jobs name their own images)");
}

/// Source: GitHub: execution rules E8.2, "Credentials". The image has no shell, and no library.
#[test]
fn images_are_pulled_with_credentials() {
    if !has_docker() {
        return;
    }
    let mut python = Command::new("python3");
    python.args(["-c", include_str!("registry.py")]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut registry = python.spawn().expect("python3");
    let mut port = String::new();
    BufReader::new(registry.stdout.take().expect("a pipe")).read_line(&mut port).expect("a port");
    let image = format!("127.0.0.1:{}/own/image:1", port.trim());
    let login = |password: &str| format!("credentials: {{username: me, password: {password}}}");
    let repo = repo(&format!(
        "
  wrong: {{runs-on: ubuntu-latest, container: {{image: '{image}', {}}}, steps: [run: 'true']}}
  right:
    needs: wrong
    if: always()
    runs-on: ubuntu-latest
    container: {{image: '{image}', {}}}
    steps: [{{run: 'nothing', shell: '/opt/wfrun/wfrun --version {{0}}'}}]
",
        login("wrong"),
        login("s3cret")
    ));
    let ran = repo.wfrun(&["w.yml", "--backend", "docker", "--json"]);
    registry.kill().expect("it runs");
    registry.wait().expect("it ends");
    let ran = ran.ends_with(3);
    assert_eq!(ran.results().to_string(), r#"{"wrong":"failure","right":"success"}"#);
    assert!(has_line(&ran, &format!("docker pull {image}")) && has_line(&ran, "wfrun 0."), "{:#?}", ran.lines());
    let fault = ran.of_type("fault")[0]["message"].to_string();
    assert!(fault.contains("could not be pulled") && fault.contains("unauthorized"), "{fault}");
    assert_eq!(left(&ran), "");
    let removed = Command::new("docker").args(["rmi", &image]).output().expect("docker");
    assert!(removed.status.success(), "it was pulled: {removed:?}");
}

/// Source: GitHub: execution rules E7.4, E10 items 41 and 42.
#[test]
fn a_container_action_is_built_and_run() {
    if !has_docker() {
        return;
    }
    let manifest = "
name: d
inputs: {who: {default: nobody}}
outputs: {said: {description: what was said}}
runs:
  using: docker
  image: Dockerfile
  env: {FROM_MANIFEST: 'yes', STEP: manifest}
  args: [greet, '${{ inputs.who }}', '']
";
    let script = "#!/bin/sh\necho \"$# $1 $2 [$3] $PWD $HOME $FROM_MANIFEST $STEP $INPUT_WHO\"\necho said=hello >> $GITHUB_OUTPUT\n";
    let dockerfile = format!("FROM {IMAGE}\nCOPY entry /entry\nENTRYPOINT [\"sh\", \"/entry\"]\n");
    let workflow = "on: push
jobs:
  j:
    runs-on: ubuntu-latest
    steps:
    - uses: actions/checkout@v4
    - {id: d, uses: ./d, env: {STEP: step}, with: {who: world, args: ignored}}
    - run: echo then ${{ steps.d.outputs.said }}
";
    let files = [("d/action.yml", manifest), ("d/entry", script), ("d/Dockerfile", &dockerfile)];
    let repo = Repo::new(workflow, &files);
    let before = action_images();
    let ran = docker(&repo).ends_with(0);
    for image in action_images().iter().filter(|it| !before.contains(it)) {
        assert!(Command::new("docker").args(["rmi", image]).output().expect("docker").status.success());
    }
    let expected = "3 greet world [] /github/workspace /github/home yes step world";
    assert!(ran.lines().contains(&expected.to_owned()), "{:#?}", ran.lines());
    assert!(has_line(&ran, "Building docker image") && has_line(&ran, "then hello"), "{:#?}", ran.lines());
    assert_eq!(left(&ran), "");
}

/// The images that stay for the next build of an action.
fn action_images() -> Vec<String> {
    let images = ["images", "--format", "{{.Repository}}:{{.Tag}}", "wfrun.local/action-*"];
    let output = Command::new("docker").args(images).output().expect("docker").stdout;
    String::from_utf8_lossy(&output).lines().map(str::to_owned).collect()
}
