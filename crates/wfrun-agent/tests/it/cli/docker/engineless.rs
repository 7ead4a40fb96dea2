//! What has a meaning without an engine, and what is declared where it has none.

use super::registry::Registry;
use super::{Surroundings, built};

#[test]
fn pruning_removes_nothing() {
    let surroundings = Surroundings::new();
    let reclaimed = "Total reclaimed space: 0B\n";
    for (line, output) in [
        ("docker image prune -af --filter until=24h", reclaimed),
        ("docker system prune --all --force --volumes", reclaimed),
        ("docker builder prune -f --keep-storage 1GB", reclaimed),
        ("docker buildx prune -f", "Total:\t0B\n"),
        ("docker container prune -f", reclaimed),
        ("docker volume prune -f", reclaimed),
        ("docker network prune -f", ""),
    ] {
        let ending = surroundings.run(line);
        assert_eq!((ending.code, ending.output.as_str(), ending.errors.as_str()), (0, output, ""), "{line}");
        let command = line.split(' ').take(3).collect::<Vec<_>>().join(" ");
        let declared = surroundings.declarations().pop().unwrap_or_default();
        assert!(declared.starts_with(&format!("stand-in: {command}: nothing is removed")), "{declared}");
    }
    // Who is asked and does not answer prunes nothing, with 0.
    let asked = "WARNING! This will remove all dangling images.\nAre you sure you want to continue? [y/N] ";
    for (answer, output) in [("", asked.to_owned()), ("n\n", asked.to_owned()), ("y\n", format!("{asked}{reclaimed}"))]
    {
        let ending = surroundings.run_with_input("docker image prune", answer);
        assert_eq!((ending.code, ending.output), (0, output), "{answer}");
    }
    assert_eq!(surroundings.run("docker secret prune").code, 125);
    assert_eq!(surroundings.run("docker image prune --frob").code, 125);
}

#[test]
fn builders_are_names() {
    let surroundings = Surroundings::new();
    let ending = surroundings.run("docker buildx create --name mine --driver docker-container --bootstrap --use");
    assert_eq!((ending.code, ending.output.as_str(), ending.errors.as_str()), (0, "mine\n", ""));
    let declared = "stand-in: docker buildx create: builders are names";
    assert!(surroundings.declarations()[0].starts_with(declared), "{:?}", surroundings.declarations());
    let unnamed = surroundings.run("docker buildx create");
    assert!(unnamed.code == 0 && unnamed.output.starts_with("builder-"), "{unnamed:?}");
    let inspected = |line: &str| surroundings.run(line).output.lines().take(2).collect::<Vec<_>>().join(" ");
    assert_eq!(inspected("docker buildx inspect --bootstrap"), "Name:   mine Driver: docker-container");
    built(&surroundings.run("docker buildx use default"));
    assert_eq!(inspected("docker buildx inspect"), "Name:   default Driver: docker");
    assert_eq!(surroundings.run("docker buildx rm mine").output, "mine removed\n");
    for (line, code, want) in [
        ("docker buildx use mine", 1, "ERROR: failed to find instance \"mine\"\n"),
        ("docker buildx inspect mine", 1, "ERROR: no builder \"mine\" found\n"),
        ("docker buildx rm mine", 1, "ERROR: failed to find instance \"mine\"\n"),
        ("docker buildx create --name default", 1, "ERROR: default is a reserved name"),
        (
            "docker buildx create --driver remote",
            125,
            "docker: docker buildx create --driver remote is not supported by",
        ),
        ("docker buildx create ssh://me@there", 125, "docker: docker buildx create ssh://me@there is not supported by"),
        ("docker buildx create --append --name x", 125, "docker: docker buildx create --append is not supported by"),
    ] {
        let ending = surroundings.run(line);
        assert_eq!(ending.code, code, "{line}: {ending:?}");
        assert!(ending.errors.starts_with(want), "{line}: {ending:?}");
    }
    built(&surroundings.run("docker buildx create --name twice"));
    let again = surroundings.run("docker buildx create --name twice");
    assert!(again.code == 1 && again.errors.starts_with("ERROR: existing instance for \"twice\" but no append mode"));
}

#[test]
fn what_it_does_not_have_is_declared() {
    let surroundings = Surroundings::new();
    surroundings.write("Dockerfile", "FROM scratch\nUSER x");
    for (line, code, subject) in [
        ("docker build --secret id=x,src=Dockerfile .", 125, "docker build --secret"),
        ("docker buildx build --output type=local,dest=. .", 125, "docker buildx build --output"),
        ("docker build https://github.com/octo/news.git", 125, "docker build https://github.com/octo/news.git"),
        ("docker images --filter dangling=true", 125, "docker images --filter"),
    ] {
        let ending = surroundings.run(line);
        assert_eq!(ending.code, code, "{line}: {ending:?}");
        assert!(
            ending.errors.contains(&format!("{subject} is not supported by wfrun's stand-in for `docker`; ")),
            "{ending:?}"
        );
        assert!(ending.errors.contains("use a Docker engine: `--backend docker`"), "{ending:?}");
        let declared = format!("not run: {subject}: wfrun's own `docker` does not have it");
        assert_eq!(surroundings.declarations().last(), Some(&declared), "{line}");
    }
    assert_eq!(surroundings.run("docker login -u a -p b ghcr.io").code, 1);
    let declared =
        "not run: docker registry ghcr.io: it is not on this machine, which wfrun's own `docker` never leaves";
    assert_eq!(surroundings.declarations().last().map(String::as_str), Some(declared));
}

#[test]
fn quiet_pushes_and_pulls_say_the_name_alone() {
    let registry = Registry::start();
    let name = registry.address();
    let surroundings = Surroundings::new();
    surroundings.write("Dockerfile", "FROM scratch\nUSER x\n");
    built(&surroundings.run(&format!("docker build -q -t {name}/news-api:1 -t {name}/news-api .")));
    built(&surroundings.run_with_input(&format!("docker login -u AWS --password-stdin {name}"), "secret"));
    for (line, want) in [
        ("push -q HERE/news-api:1", "HERE/news-api:1\n"),
        ("push --quiet HERE/news-api", "HERE/news-api:latest\n"),
        ("push -qa HERE/news-api", "HERE/news-api\n"),
        ("pull -q HERE/news-api:1", "HERE/news-api:1\n"),
        ("pull -q HERE/news-api", "HERE/news-api:latest\n"),
    ] {
        let ending = surroundings.run(&format!("docker {}", line.replace("HERE", &name)));
        assert_eq!((ending.code, ending.output), (0, want.replace("HERE", &name)), "{line}");
    }
}
