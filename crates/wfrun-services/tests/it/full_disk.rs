//! A disk that is full: the client is told, nothing half is served, and what was written in vain makes room again.

use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use crate::client::{Answer, Job, MAIN, Server, put, send};
use crate::{artifacts, uploads};

/// A file system of 4 MB, where one may be mounted.
struct Small(TempDir);

impl Small {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=4m", "none"]).arg(folder.path()).stderr(Stdio::null());
        let small = mount.status().is_ok_and(|it| it.success()).then_some(Self(folder));
        if small.is_none() {
            println!("skipped: nothing can be mounted here");
        }
        small
    }

    /// Free blocks.
    fn free(&self) -> u64 {
        let mut stat = Command::new("stat");
        let told = stat.args(["--file-system", "--format=%a"]).arg(self.0.path()).output().expect("stat");
        String::from_utf8_lossy(&told.stdout).trim().parse().expect("a number")
    }

    /// Waits until so many blocks are free: what an answered request had is dropped a moment later.
    #[track_caller]
    fn is_free(&self, blocks: u64) {
        let started = Instant::now();
        while self.free() < blocks {
            assert!(started.elapsed() < Duration::from_mins(1), "{} blocks are free, not {blocks}", self.free());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Takes all that is free.
    fn fill(&self) -> PathBuf {
        let path = self.0.path().join("ballast");
        let mut file = std::fs::File::create(&path).expect("a file");
        while file.write_all(&[1; 4096]).is_ok() {}
        path
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let gone = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
        assert!(gone.is_ok_and(|it| it.success()), "{} stays mounted", self.0.path().display());
    }
}

/// Services that keep all they have on such a file system.
struct Disk {
    server: Server,
    small: Small,
    /// Free blocks before anything is saved.
    free: u64,
}

impl Disk {
    async fn new() -> Option<Self> {
        let small = Small::mount()?;
        let server = Server::start(small.0.path()).await;
        let free = small.free();
        Some(Self { server, small, free })
    }
}

const MEGABYTE: usize = 1 << 20;

fn megabyte(number: usize) -> Vec<u8> {
    vec![u8::try_from(number).expect("a few"); MEGABYTE]
}

/// The ways to upload.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Cache,
    CacheOfTheFirstProtocol,
    Artifact,
}

const WAYS: [Way; 3] = [Way::Cache, Way::CacheOfTheFirstProtocol, Way::Artifact];

/// An upload that has begun, by one of the ways.
struct Begun<'a> {
    job: &'a Job,
    way: Way,
    key: &'a str,
    /// A signed URL, or the number of the first protocol.
    place: String,
}

impl<'a> Begun<'a> {
    async fn new(job: &'a Job, way: Way, key: &'a str) -> Self {
        let place = match way {
            Way::Cache => job.create(key).await,
            Way::CacheOfTheFirstProtocol => job.reserve(key, 1).await.json()["cacheId"].to_string(),
            Way::Artifact => artifacts::create(job, key).await,
        };
        Self { job, way, key, place }
    }

    /// Uploads the block that begins after so many megabytes.
    async fn block(&self, start: usize, content: &[u8]) -> Answer {
        if self.way == Way::CacheOfTheFirstProtocol {
            return self.job.part(&self.place.parse().expect("a number"), start * MEGABYTE, content).await;
        }
        send("PUT", &format!("{}&comp=block&blockid=QQ{start}A", self.place), &[], Some(content)).await
    }

    /// Makes them the content, and the entry or the artifact of it: the first answer that is no success, or the last.
    async fn finish(&self, starts: &[usize], size: usize) -> Answer {
        if self.way == Way::CacheOfTheFirstProtocol {
            return self.job.commit(&self.place.parse().expect("a number"), size).await;
        }
        let items: Vec<_> = starts.iter().map(|it| format!("<Latest>QQ{it}A</Latest>")).collect();
        let list = format!("<BlockList>{}</BlockList>", items.concat());
        let listed = send("PUT", &format!("{}&comp=blocklist", self.place), &[], Some(list.as_bytes())).await;
        if listed.status >= 300 {
            return listed;
        }
        match self.way {
            Way::Artifact => {
                artifacts::call(self.job, "FinalizeArtifact", json!({"name": self.key, "size": size})).await
            }
            Way::Cache | Way::CacheOfTheFirstProtocol => self.job.finalize(self.key, size).await,
        }
    }

    async fn is_served(&self) -> bool {
        match self.way {
            Way::Artifact => !artifacts::list(self.job, json!({"name_filter": self.key})).await.is_empty(),
            Way::Cache | Way::CacheOfTheFirstProtocol => self.job.find(self.key, &[]).await.is_some(),
        }
    }

    /// The disk was full; all is as before, and what comes later works.
    async fn check(self, disk: &Disk, answer: Answer) {
        let Self { way, .. } = self;
        assert_eq!(answer.status, 507, "{way:?}: {}", answer.text());
        assert!(answer.text().contains("store failed: No space left on device"), "{way:?}: {}", answer.text());
        assert!(!self.is_served().await, "{way:?}");
        disk.small.is_free(disk.free);
        let later = Begun::new(self.job, way, "later").await;
        assert!(later.block(0, &megabyte(3)).await.status < 300, "{way:?}");
        let done = later.finish(&[0], MEGABYTE).await;
        assert!(done.status < 300 && later.is_served().await, "{way:?}: {}", done.text());
        if way != Way::Artifact {
            assert_eq!(self.job.call("CreateCacheEntry", json!({"key": self.key, "version": "v"})).await.status, 200);
        }
    }
}

#[tokio::test]
async fn a_block_for_which_there_is_no_room() {
    for way in WAYS {
        let Some(disk) = Disk::new().await else { return };
        let job = disk.server.job("test", &[MAIN]);
        let upload = Begun::new(&job, way, "k").await;
        for start in [0, 1, 2] {
            let answer = upload.block(start, &megabyte(start)).await;
            assert!(answer.status < 300, "{way:?}: {}", answer.text());
        }
        let answer = upload.block(3, &[megabyte(3), megabyte(3)].concat()).await;
        upload.check(&disk, answer).await;
        disk.server.services.stop().await;
    }
}

/// Blocks that come in another order than they are listed are put together in another file.
#[tokio::test]
async fn blocks_that_fit_and_their_whole_does_not() {
    for way in WAYS {
        let Some(disk) = Disk::new().await else { return };
        let job = disk.server.job("test", &[MAIN]);
        let upload = Begun::new(&job, way, "k").await;
        for start in [2, 1, 0] {
            assert!(upload.block(start, &megabyte(start)).await.status < 300, "{way:?}");
        }
        let answer = upload.finish(&[0, 1, 2], 3 * MEGABYTE).await;
        upload.check(&disk, answer).await;
        disk.server.services.stop().await;
    }
}

/// The content is there, and no room is left for the file that names it.
#[tokio::test]
async fn a_content_that_cannot_be_named() {
    for way in [Way::Cache, Way::Artifact] {
        let Some(disk) = Disk::new().await else { return };
        let job = disk.server.job("test", &[MAIN]);
        let upload = Begun::new(&job, way, "k").await;
        assert_eq!(put(&upload.place, &megabyte(1)).await.status, 201);
        // Folders are made before, as they are by whatever was saved before.
        let ballast = disk.small.fill();
        let answer = match way {
            Way::Artifact => artifacts::call(&job, "FinalizeArtifact", json!({"name": "k", "size": MEGABYTE})).await,
            Way::Cache | Way::CacheOfTheFirstProtocol => job.finalize("k", MEGABYTE).await,
        };
        std::fs::remove_file(ballast).expect("a file");
        upload.check(&disk, answer).await;
        disk.server.services.stop().await;
    }
}

/// What comes as a file has no announced size of the whole, and is met by the full disk in its middle.
#[tokio::test]
async fn a_file_for_which_there_is_no_room() {
    let Some(disk) = Disk::new().await else { return };
    let job = disk.server.job("test", &[MAIN]);
    let upload = Begun::new(&job, Way::Artifact, "k").await;
    let source = tempfile::tempfile().expect("a file");
    source.set_len(10 << 20).expect("a hole");
    let client = uploads::Client::admitted(&disk.server, &job, &upload.place).await;
    client.send(&uploads::file(10 << 20), &[source.as_fd()]).await.expect("is taken");
    let answer = client.answer().await;
    assert!(answer.contains("store failed: No space left on device"), "{answer}");
    assert!(!upload.is_served().await);
    disk.small.is_free(disk.free);
    assert_eq!(put(&upload.place, b"x").await.status, 403, "the upload is given up");
    disk.server.services.stop().await;
}
