use wfrun_backend::HostBackend;

use crate::support::open;

#[tokio::test]
async fn paths_inside_are_those_outside() {
    let place = open(&HostBackend).await;
    let facts = place.environment.facts();
    assert_eq!(facts.work, place.work_dir.path().display().to_string());
    assert_eq!(facts.os, "Linux");
    place.close().await;
}
