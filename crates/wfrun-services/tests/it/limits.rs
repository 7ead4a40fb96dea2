//! A cache that is full, and a process that is killed.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;
use wfrun_services::CacheFolder;

use crate::artifacts;
use crate::client::{MAIN, Server, put};

#[tokio::test]
async fn above_the_limit_the_least_recently_used_go() {
    let store = tempfile::tempdir().expect("a folder");
    let server = Server::with_limit(store.path(), 10).await;
    let job = server.job("test", &[MAIN]);
    job.save("a", b"aaaa").await;
    job.save("b", b"bbbb").await;
    // File times are coarse.
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    assert!(job.find("a", &[]).await.is_some());
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    job.save("c", b"cccc").await;
    let there = async |key: &str| job.find(key, &[]).await.is_some();
    assert_eq!((there("a").await, there("b").await, there("c").await), (true, false, true));
    let url = job.create("d").await;
    put(&url, b"more than ten").await;
    let answer = job.finalize("d", 13).await;
    assert_eq!((answer.status, &answer.json()["code"]), (400, &json!("invalid_argument")), "{}", answer.text());
    assert!(there("a").await && there("c").await, "what cannot stay takes no other's place");
}

#[tokio::test]
async fn what_people_see_of_it() {
    let store = tempfile::tempdir().expect("a folder");
    let empty = CacheFolder::open(&store.path().join("none")).expect("nothing there");
    assert!(empty.entries().expect("entries").is_empty() && !store.path().join("none").exists());
    let server = Server::start(store.path()).await;
    let job = server.job("test", &[MAIN]);
    job.save("a", b"12345").await;
    job.save("b", b"12345").await;
    job.find("a", &[]).await.expect("a hit");
    job.find("a", &[]).await.expect("a hit");
    let folder = CacheFolder::open(store.path()).expect("a cache");
    let entries = folder.entries().expect("entries");
    let seen: Vec<_> = entries.iter().map(|it| (it.key.as_str(), it.git_ref.as_str(), it.size, it.hits)).collect();
    assert_eq!(seen.len(), 2);
    assert!(seen.contains(&("a", MAIN, 5, 2)) && seen.contains(&("b", MAIN, 5, 0)), "{seen:?}");
    let a = entries.iter().find(|it| it.key == "a").expect("a").id;
    assert_eq!(folder.remove(&[a, 1]).expect("removed").len(), 1);
    assert!(job.find("a", &[]).await.is_none() && job.find("b", &[]).await.is_some());
    let long_ago = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1);
    assert_eq!(folder.prune(u64::MAX, long_ago, |_| true).expect("pruned").0.len(), 0);
    assert_eq!(folder.prune(4, long_ago, |_| true).expect("pruned").0.len(), 1, "above a limit");
    job.save("c", b"1").await;
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    assert_eq!(folder.prune(u64::MAX, later, |it| it.key != "c").expect("pruned").0.len(), 0, "spared");
    assert_eq!(folder.prune(u64::MAX, later, |_| true).expect("pruned").0.len(), 1, "unused since");
}

const VICTIM: &str = "WFRUN_TEST_CACHE_VICTIM";

/// Not a test of its own: started with [`VICTIM`] set, it saves one entry, leaves another half done, and waits.
#[tokio::test]
async fn victim() {
    let Some(store) = std::env::var_os(VICTIM) else { return };
    let server = Server::start(Path::new(&store)).await;
    let job = server.job("test", &[MAIN]);
    job.save("whole", b"whole").await;
    let url = job.create("half").await;
    assert_eq!(put(&url, &vec![1; 1 << 20]).await.status, 201);
    let number = job.reserve("half-of-the-first-protocol", 1 << 20).await.json()["cacheId"].clone();
    assert_eq!(job.part(&number, 0, &vec![1; 1 << 20]).await.status, 204);
    let url = artifacts::create(&job, "half").await;
    assert_eq!(put(&url, &vec![1; 1 << 20]).await.status, 201);
    std::fs::write(Path::new(&store).join("ready"), b"").expect("room");
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_killed_process_leaves_no_half_entry() {
    let store = tempfile::tempdir().expect("a folder");
    let mut victim = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "limits::victim", "--nocapture"])
        .env(VICTIM, store.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while !store.path().join("ready").exists() {
        assert!(std::time::Instant::now() < deadline, "the victim is ready");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    victim.kill().expect("killed");
    victim.wait().expect("gone");
    let server = Server::start(store.path()).await;
    let job = server.job("test", &[MAIN]);
    assert!(job.find("whole", &[]).await.is_some());
    assert_eq!(job.find("half", &["half"]).await, None);
    assert_eq!(job.rest("GET", "cache?keys=half&version=v", &[], None).await.status, 204);
    assert!(artifacts::list(&job, json!({})).await.is_empty());
    let uploads = std::fs::read_dir(store.path().join("uploads")).expect("a folder").count();
    assert_eq!(uploads, 1, "this process's own");
    for key in ["half", "half-of-the-first-protocol"] {
        job.save(key, b"anew").await;
        assert!(job.find(key, &[]).await.is_some());
    }
    artifacts::create(&job, "half").await;
}
