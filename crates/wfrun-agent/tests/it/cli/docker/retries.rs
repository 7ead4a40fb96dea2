//! Pushes to a registry that refuses at first, or for good.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::built;
use super::registry::Registry;
use crate::cli::Surroundings;

/// The push that waits longest takes a second.
const PATIENCE: Duration = Duration::from_secs(20);

/// An image of one layer for the repository, and a login.
fn ready_to_push(registry: &Registry, repository: &str) -> Surroundings {
    let (name, surroundings) = (registry.address(), Surroundings::new());
    surroundings.write("a.txt", "a");
    surroundings.write("Dockerfile", "FROM scratch\nCOPY a.txt /\n");
    built(&surroundings.run(&format!("docker build -t {name}/{repository} .")));
    built(&surroundings.run_with_input(&format!("docker login -u AWS --password-stdin {name}"), "secret"));
    surroundings
}

#[test]
fn a_registry_that_is_asked_too_often_is_asked_again() {
    let registry = Registry::throttling(2);
    let surroundings = ready_to_push(&registry, "news-api");
    let push = format!("docker push {}/news-api", registry.address());
    // A push that does not begin its file again tries to send bytes that are not there, for ever.
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || sender.send(surroundings.run(&push)));
    built(&ended.recv_timeout(PATIENCE).expect("the push ends"));
    let asked = registry.asked();
    let often = |request: &str| asked.iter().find(|(it, _)| it.starts_with(request)).map(|(_, count)| *count);
    // Layer and configuration go through the same upload; that their bytes came whole, the registry has checked.
    let counts = ["HEAD /v2/news-api/blobs/", "POST ", "PUT /v2/news-api/blobs/", "PUT /v2/news-api/manifests/"];
    assert_eq!(counts.map(often), [Some(3), Some(4), Some(4), Some(3)], "{asked:?}");
    assert!(registry.manifest("news-api", "latest").is_some());
}

#[test]
fn a_registry_is_asked_five_times_at_most() {
    let registry = Registry::throttling(5);
    let name = registry.address();
    let ending = Surroundings::new().run_with_input(&format!("docker login -u AWS --password-stdin {name}"), "secret");
    let refused = format!("Error response from daemon: login attempt to http://{name}/v2/ failed with status: 429\n");
    assert_eq!((ending.code, ending.errors), (1, refused));
    assert_eq!(registry.asked().into_iter().collect::<Vec<_>>(), [("GET /v2/".to_owned(), 5)]);
}

#[test]
fn what_may_not_be_looked_for_is_not_pushed() {
    let registry = Registry::start();
    let surroundings = ready_to_push(&registry, "hidden");
    let ending = surroundings.run(&format!("docker push {}/hidden", registry.address()));
    let want = "error parsing HTTP 403 response body: unexpected end of JSON input: \"\"\n";
    assert_eq!((ending.code, ending.errors.as_str()), (1, want));
    let asked = registry.asked();
    assert!(!asked.keys().any(|it| it.starts_with("POST ") || it.starts_with("PUT ")), "{asked:?}");
}
