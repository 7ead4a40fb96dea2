//! `container` and `services` of a job.
use wfrun_engine::{JobContainers, Program, ServiceContainer, ServiceSpec};

use crate::driver::World;

/// The containers of a job, as the driver makes them.
pub(crate) fn containers_of(has_own: bool, services: &[ServiceSpec], errors: Vec<String>) -> JobContainers {
    let service = |it: &ServiceSpec| {
        let ports = it.container.ports.iter().map(|port| (port.clone(), "49153".to_owned())).collect();
        (it.id.clone(), ServiceContainer { id: format!("id-of-{}", it.id), ports })
    };
    JobContainers {
        network: "github_network_1".to_owned(),
        container: has_own.then(|| "id-of-job".to_owned()),
        services: services.iter().map(service).collect(),
        errors,
    }
}

fn job(keys: &str, steps: &str) -> World {
    World::new(&format!(
        "on: push\nenv: {{W: workflow}}\njobs:\n  j:\n    runs-on: ubuntu-latest\n    env: {{A: job}}\n{keys}    steps: {steps}\n"
    ))
}

/// Source: GitHub: execution rules E8.1, planning rules 1.7 and 1.8.
#[test]
fn what_is_asked_for_is_evaluated() {
    let keys = "    container:
      image: docker://node:${{ github.event.ref == 'refs/heads/main' && 22 || 20 }}
      env: {A: container, W: '${{ env.W }} of ${{ env.A }}', S: '${{ secrets.PASSWORD }}'}
      ports: [80, '${{ 8080 }}:81']
      volumes: [data:/data]
      options: --cpus ${{ 1 }}
      credentials: {username: me, password: '${{ secrets.PASSWORD }}'}
    services:
      db: {image: 'postgres:17', entrypoint: /start, command: --verbose, ports: ['5432:5432']}
      cache: redis
";
    let world = job(keys, "[{run: one}]").secret("PASSWORD", "s3cret").run();
    let (container, services) = &world.wanted[0];
    let container = container.as_ref().expect("a container");
    assert_eq!(container.image, "node:22");
    let env: Vec<String> = container.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(env, ["A=container", "W=workflow of job", "S=s3cret"]);
    assert_eq!(container.ports, ["80", "8080:81"]);
    assert_eq!((container.volumes.join(" "), container.options.as_str()), ("data:/data".to_owned(), "--cpus 1"));
    let login = container.credentials.as_ref().expect("credentials");
    assert_eq!((login.username.as_str(), login.password.expose()), ("me", "s3cret"));
    let services: Vec<(&str, &str)> = services.iter().map(|it| (it.id.as_str(), it.container.image.as_str())).collect();
    assert_eq!(services, [("db", "postgres:17"), ("cache", "redis")]);
    let db = &world.wanted[0].1[0].container;
    assert_eq!((db.entrypoint.as_deref(), db.command.as_deref()), (Some("/start"), Some("--verbose")));
    assert_eq!(world.results(), "j success: success");
}

/// Source: `actions/runner`, `JobExtension.cs`: the workspace is known before containers are read.
#[test]
fn containers_see_the_workspace() {
    let keys = "    container:
      image: a
      env: {W: '${{ github.workspace }}'}
      options: -v ${{ github.workspace }}:/a
    services: {db: {image: b, volumes: ['${{ github.workspace }}/data:/data']}}
";
    let world = job(keys, "[{run: one}]").run();
    let (container, services) = &world.wanted[0];
    let container = container.as_ref().expect("a container");
    let workspace = "/home/runner/work/demo/demo";
    assert_eq!(container.env["W"].as_str(), workspace);
    assert_eq!(container.options, format!("-v {workspace}:/a"));
    assert_eq!(services[0].container.volumes, [format!("{workspace}/data:/data")]);
}

/// Source: GitHub: execution rules E8.1: an expression may give the whole of it.
#[test]
fn an_expression_may_give_all_of_it() {
    let keys = r#"    container: ${{ fromJSON('{"image":"a:1","env":{"N":1},"ports":[80]}') }}
    services: ${{ fromJSON('{"x":"b:1","y":{"image":"c:1","volumes":["v:/v"]}}') }}
"#;
    let world = job(keys, "[{run: one}]").run();
    let (container, services) = &world.wanted[0];
    let container = container.as_ref().expect("a container");
    assert_eq!(
        (container.image.as_str(), container.env["N"].as_str(), container.ports[0].as_str()),
        ("a:1", "1", "80")
    );
    assert_eq!(services[0].container.image, "b:1");
    assert_eq!(services[1].container.volumes, ["v:/v"]);
}

/// Source: GitHub: execution rules E8.1.
#[test]
fn an_empty_image_is_no_container() {
    let keys = "    container: ${{ github.event.none }}
    services: {x: {image: '${{ github.event.none }}', ports: [80]}}
";
    let world = job(keys, "[{run: one}]").run();
    let (container, services) = &world.wanted[0];
    assert!(container.is_none() && services.is_empty());
    let message = "notice: The service 'x' will not be started because the container definition has an empty image.";
    assert!(world.story().contains(message), "{}", world.story());
    assert_eq!(world.results(), "j success: success");
}

#[test]
fn what_cannot_be_evaluated_fails_the_job() {
    let world = job("    container: {image: a, options: '${{ fromJSON(github.job) }}'}\n", "[{run: one}]").run();
    assert_eq!(world.results(), "j failure: failure");
    assert!(world.story().contains("Error when evaluating 'container' for job 'j'"), "{}", world.story());
}

/// Source: GitHub: execution rules E1.1, rows 4 and 7, and E6.3.
#[test]
fn containers_have_entries_in_the_log_and_contexts() {
    let keys = "    container: node\n    services: {db: {image: pg, ports: [5432]}}\n    outputs: {net: '${{ job.container.network }}'}\n";
    let script = "${{ job.container.id }} ${{ job.services.db.id }} ${{ job.services.db.ports['5432'] }} ${{ job.services.db.ports[5432] }} ${{ job.services.db.network }}";
    let world = job(keys, &format!("[{{name: one, run: \"{script}\"}}]")).run();
    assert_eq!(world.scripts(), ["id-of-job id-of-db 49153 49153 github_network_1"]);
    insta::assert_snapshot!(world.story(), @r"
    j: starts
      main Initialize containers (real)
        | db service is healthy.
        success/success
      main one (real)
        success/success
      main Stop containers (real)
        success/success
    j: success net=github_network_1
    success
    ");
}

/// Source: GitHub: execution rules E8.4: the entry fails as a step does.
#[test]
fn a_service_that_fails_skips_the_steps() {
    let keys = "    services: {db: pg}\n";
    let world = job(keys, "[{name: one, run: one}, {name: two, if: always(), run: two}]");
    let world = world.containers_fail("One or more containers failed to start.").run();
    assert_eq!(world.scripts(), ["two"]);
    insta::assert_snapshot!(world.story(), @r"
    j: starts
      main Initialize containers (real)
        | db service is healthy.
        error: One or more containers failed to start.
        failure/failure
      main one: skipped because Initialize containers failed
      main two (real)
        success/success
      main Stop containers (real)
        success/success
    j: failure
    failure
    ");
}

#[test]
fn without_containers_the_job_is_not_run() {
    let keys = "    container: node\n    services: {db: pg}\n";
    let world = job(keys, "[{run: one}]").without_containers().run();
    assert!(world.scripts().is_empty());
    assert_eq!(world.results(), "j skipped: incomplete");
    assert!(world.story().contains("j: skipped because scripted has no container and services"), "{}", world.story());
}

/// Source: GitHub: execution rules E2.1.
#[test]
fn the_shell_in_a_container_is_sh() {
    let world = job("    container: node\n", "[{run: one}, {run: two, shell: bash}]").run();
    let shells = world.launched.iter().filter_map(|it| match &it.program {
        Program::Script { command, .. } => Some(command.as_str()),
        Program::StandIn { .. } | Program::Node { .. } | Program::Container { .. } => None,
    });
    assert_eq!(shells.collect::<Vec<_>>(), ["sh", "bash"]);
    let world = job("    services: {db: pg}\n", "[{run: one}]").run();
    assert!(matches!(&world.launched[0].program, Program::Script { command, .. } if command == "/usr/bin/bash"));
}

/// A job whose containers go is not over.
#[test]
fn a_place_is_free_when_the_containers_are_gone() {
    let job = "{runs-on: linux, services: {db: pg}, steps: [{run: one}]}";
    let world = World::new(&format!("on: push\njobs: {{a: {job}, b: {job}}}")).at_most(1).run();
    assert_eq!((world.most_at_once(), world.results()), (1, "a success, b success: success".to_owned()));
}

/// Source: GitHub: execution rules E8.6: the job counts as cancelled, and its containers go.
#[test]
fn a_cancelled_job_takes_its_containers_away() {
    let world = job("    services: {db: pg}\n", "[{name: one, run: one}]").endless("one").cancelled_in("one").run();
    let story = world.story();
    assert!(story.contains("main Stop containers (real)\n    success/success\nj: cancelled"), "{story}");
}
