#![expect(clippy::print_stdout, reason = "what is skipped must be seen")]
use sha2::{Digest as _, Sha256};

use super::*;

struct Fixture {
    runs: tempfile::TempDir,
}

fn identity(run_id: &str, job: &str) -> JobIdentity {
    JobIdentity { run_id: run_id.to_owned(), job: job.to_owned(), scopes: Vec::new() }
}

fn claim(name: &str) -> Claim {
    let expires_at = expiry(None, Timestamp::now());
    Claim { name: name.to_owned(), content_type: "application/zip".to_owned(), expires_at }
}

impl Fixture {
    fn new() -> Self {
        Self { runs: tempfile::tempdir().expect("a folder") }
    }

    fn open(&self) -> Artifacts {
        Artifacts::below(self.runs.path().to_owned())
    }

    fn archive(&self, content: &[u8]) -> Archive {
        let mut file = NamedTempFile::new_in(self.runs.path()).expect("a file");
        file.write_all(content).expect("room");
        let sha256 = hex::encode(Sha256::digest(content));
        Archive { file: file.into_temp_path(), size: content.len() as u64, sha256 }
    }

    fn make(&self, artifacts: &Artifacts, name: &str) -> Artifact {
        let job = identity("7", "test");
        let claim = artifacts.claim(&job, claim(name)).expect("a new name");
        artifacts.commit(&job, claim, self.archive(name.as_bytes())).expect("room")
    }

    fn names(&self) -> Vec<String> {
        let read = Artifact::of_run(&self.runs.path().join("7")).expect("a folder");
        read.into_iter().map(|it| it.name).collect()
    }
}

#[test]
fn what_is_made_is_found_later_and_by_another_process() {
    let fixture = Fixture::new();
    let artifacts = fixture.open();
    let made = [fixture.make(&artifacts, "b"), fixture.make(&artifacts, "a")];
    assert!(made[0].id < made[1].id, "numbers grow, also within a microsecond");
    for artifacts in [artifacts, fixture.open()] {
        assert_eq!(artifacts.list(&identity("7", "other")).expect("a folder"), made);
        assert_eq!(artifacts.list(&identity("8", "test")).expect("a folder"), []);
        assert!(matches!(artifacts.claim(&identity("7", "other"), claim("a")), Err(ClaimError::Exists)));
    }
    assert!(fixture.make(&fixture.open(), "c").id > made[1].id);
    let run = fixture.runs.path().join("7");
    assert_eq!(fs::read(made[1].content(&run)).expect("content"), b"a");
    assert!(made[1].is_intact(&run).expect("content"));
    fs::write(made[1].content(&run), b"b").expect("room");
    assert!(!made[1].is_intact(&run).expect("content"));
}

#[test]
fn half_artifacts_are_not_there() {
    let fixture = Fixture::new();
    let artifacts = fixture.open();
    let [cut, lost, whole, moved] = ["cut", "lost", "whole", "moved"].map(|name| fixture.make(&artifacts, name));
    let run = fixture.runs.path().join("7");
    fs::write(cut.content(&run), b"c").expect("room");
    fs::remove_file(lost.content(&run)).expect("it is there");
    let folder = run.join("artifacts");
    // A kill between the two files, and what somebody else put there.
    fs::write(folder.join("9.content"), b"content without a name").expect("room");
    fs::write(folder.join("10.json"), b"{}").expect("room");
    fs::write(folder.join("11.json"), b"").expect("room");
    fs::rename(folder.join(format!("{}.json", moved.id)), folder.join("12.json")).expect("it is there");
    assert_eq!(fixture.names(), [whole.name]);
}

#[test]
fn a_name_is_claimed_once_and_free_after_removal() {
    let fixture = Fixture::new();
    let artifacts = fixture.open();
    let job = identity("7", "test");
    let first = artifacts.claim(&job, claim("a")).expect("a new name");
    assert!(matches!(artifacts.claim(&identity("7", "other"), claim("a")), Err(ClaimError::Exists)));
    assert!(artifacts.claim(&identity("8", "test"), claim("a")).is_ok(), "another run's names are its own");
    let made = artifacts.commit(&job, first, fixture.archive(b"1")).expect("room");
    assert!(matches!(artifacts.claim(&job, claim("a")), Err(ClaimError::Exists)));
    artifacts.remove(&job, made.id).expect("it is there");
    assert_eq!(fixture.names(), [""; 0]);
    assert_eq!(fs::read_dir(fixture.runs.path().join("7/artifacts")).expect("a folder").count(), 0);
    assert!(fixture.make(&artifacts, "a").id > made.id);
}

#[test]
fn a_job_has_at_most_500() {
    let fixture = Fixture::new();
    let artifacts = fixture.open();
    let job = identity("7", "test");
    fixture.make(&artifacts, "first");
    for number in 1..JOB_LIMIT {
        assert!(artifacts.claim(&job, claim(&number.to_string())).is_ok(), "{number}");
    }
    assert!(matches!(artifacts.claim(&job, claim("more")), Err(ClaimError::TooMany { limit: 500 })));
    assert!(artifacts.claim(&identity("7", "other"), claim("more")).is_ok());
}

#[test]
fn what_has_expired_is_not_given_out() {
    let now = Timestamp::now();
    let days = |days: i64| now.checked_add(SignedDuration::from_hours(days * 24)).expect("a time");
    assert_eq!(expiry(None, now), days(90));
    assert_eq!(expiry(Some(days(3)), now), days(3));
    assert_eq!(expiry(Some(days(400)), now), days(90));

    let fixture = Fixture::new();
    let artifacts = fixture.open();
    let job = identity("7", "test");
    let old = artifacts.claim(&job, Claim { expires_at: days(-1), ..claim("old") }).expect("a new name");
    artifacts.commit(&job, old, fixture.archive(b"1")).expect("room");
    assert_eq!(artifacts.list(&job).expect("a folder"), []);
    assert_eq!(fixture.names(), ["old"], "it can still be looked at where it lies");
}

/// The folder for uploads may be on another file system than the runs.
#[test]
fn content_comes_from_another_file_system() {
    let shared_memory = Path::new("/dev/shm");
    let Ok(mut file) = NamedTempFile::new_in(shared_memory) else {
        println!("skipped: {} cannot be written", shared_memory.display());
        return;
    };
    file.write_all(b"from afar").expect("room");
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("1.content");
    let source = file.path().to_owned();
    keep(file.into_temp_path(), &target).expect("room");
    assert_eq!(fs::read(&target).expect("content"), b"from afar");
    assert!(!source.exists());
}
