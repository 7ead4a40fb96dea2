use super::*;

const SCOPE: &str = "refs/heads/main";

struct Fixture {
    root: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        Self { root: tempfile::tempdir().expect("a folder") }
    }

    fn open(&self) -> Store {
        Store::open(self.root.path(), u64::MAX).expect("a store")
    }

    fn with_limit(&self, limit: u64) -> Store {
        Store::open(self.root.path(), limit).expect("a store")
    }

    fn files(&self, folder: &str) -> usize {
        fs::read_dir(self.root.path().join(folder)).expect("a folder").count()
    }
}

fn archive(store: &Store, content: &[u8]) -> Archive {
    let mut file = NamedTempFile::new_in(store.uploads()).expect("a file");
    file.write_all(content).expect("room");
    Archive { file: file.into_temp_path(), size: content.len() as u64, sha256: hex::encode(Sha256::digest(content)) }
}

fn save(store: &Store, key: &str, content: &[u8]) -> Option<u64> {
    let reservation = store.reserve(SCOPE, "v", key).expect("a store")?;
    store.commit(&reservation, archive(store, content)).expect("a store")
}

fn find(store: &Store, key: &str) -> Option<Vec<u8>> {
    let wanted = Wanted { version: "v", key, restore_keys: &[], scopes: vec![SCOPE] };
    store.find(&wanted).expect("a store").found.map(|found| fs::read(found.blob).expect("a blob"))
}

#[test]
fn what_is_saved_is_found_by_another_process_and_later() {
    let fixture = Fixture::new();
    let (one, other) = (fixture.open(), fixture.open());
    assert!(save(&one, "a", b"content").is_some());
    assert_eq!(find(&other, "a").as_deref(), Some(&b"content"[..]));
    drop((one, other));
    assert_eq!(find(&fixture.open(), "a").as_deref(), Some(&b"content"[..]));
}

#[test]
fn an_entry_is_written_once() {
    let fixture = Fixture::new();
    let (one, other) = (fixture.open(), fixture.open());
    let first = one.reserve(SCOPE, "v", "a").expect("a store").expect("free");
    for store in [&one, &other] {
        assert!(store.reserve(SCOPE, "v", "a").expect("a store").is_none(), "being written");
        assert!(store.reserve(SCOPE, "v", "b").expect("a store").is_some(), "another key");
        assert!(store.reserve(SCOPE, "w", "a").expect("a store").is_some(), "another version");
        assert!(store.reserve("refs/heads/dev", "v", "a").expect("a store").is_some(), "another scope");
    }
    assert!(one.commit(&first, archive(&one, b"first")).expect("a store").is_some());
    assert!(one.commit(&first, archive(&one, b"second")).expect("a store").is_none());
    drop(first);
    assert!(other.reserve(SCOPE, "v", "a").expect("a store").is_none(), "written");
    assert_eq!(find(&other, "a").as_deref(), Some(&b"first"[..]));
    assert_eq!(fixture.files("reserved"), 0, "nothing is left reserved");
}

#[test]
fn a_dropped_reservation_is_free_again() {
    let fixture = Fixture::new();
    let store = fixture.open();
    drop(store.reserve(SCOPE, "v", "a").expect("a store").expect("free"));
    assert!(save(&store, "a", b"x").is_some());
}

#[test]
fn reservations_exclude_each_other_under_contention() {
    let fixture = Fixture::new();
    let written = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8_u8)
            .map(|number| {
                scope.spawn({
                    let store = fixture.open();
                    move || (0..50).filter(|_| save(&store, "a", &[number]).is_some()).count()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).sum::<usize>()
    });
    assert_eq!(written, 1);
}

#[test]
fn half_entries_are_never_served() {
    let fixture = Fixture::new();
    let store = fixture.open();
    save(&store, "a-1", b"older").expect("saved");
    save(&store, "a-2", b"newer").expect("saved");
    let newest = store.blob(&hex::encode(Sha256::digest(b"newer")));
    fs::write(&newest, b"new").expect("room");
    assert_eq!(find(&store, "a-").as_deref(), Some(&b"older"[..]), "cut short");
    fs::remove_file(&newest).expect("there");
    assert_eq!(find(&store, "a-").as_deref(), Some(&b"older"[..]), "gone");
    fs::write(store.version_folder("v").join("foreign.json"), b"{").expect("room");
    assert_eq!(find(&store, "a-").as_deref(), Some(&b"older"[..]), "a file that is no entry");
}

#[test]
fn equal_archives_are_kept_once() {
    let fixture = Fixture::new();
    let store = fixture.open();
    save(&store, "a", b"same").expect("saved");
    save(&store, "b", b"same").expect("saved");
    assert_eq!(find(&store, "b").as_deref(), Some(&b"same"[..]));
    assert_eq!(fixture.files("blobs"), 1);
}

#[test]
fn what_dead_processes_left_is_swept_and_the_living_are_spared() {
    let fixture = Fixture::new();
    let living = fixture.open();
    let half = living.uploads().join("half");
    fs::write(&half, b"x").expect("room");
    let dead = fixture.root.path().join("uploads/dead");
    fs::create_dir(&dead).expect("room");
    fs::write(dead.join(LOCK), b"").expect("room");
    fs::write(dead.join("half"), b"x").expect("room");
    let _other = fixture.open();
    assert!(half.exists() && !dead.exists());
}

#[test]
fn numbers_are_safe_for_javascript() {
    let fixture = Fixture::new();
    let number = save(&fixture.open(), "a", b"x").expect("saved");
    assert!(number > 0 && number < 1 << 53);
}

fn keys(store: &Store) -> Vec<String> {
    let mut keys: Vec<_> = store.stock().expect("a store").into_iter().map(|it| it.entry.key).collect();
    keys.sort();
    keys
}

/// Sets when an entry was used for the last time: so many seconds ago.
fn used(store: &Store, key: &str, seconds: i64) {
    let path = store.root.join("used").join(entry_name(SCOPE, "v", key));
    let time = std::time::SystemTime::now() - std::time::Duration::from_secs(seconds.unsigned_abs());
    let file = OpenOptions::new().create(true).append(true).open(path).expect("a file");
    file.set_modified(time).expect("a time");
}

/// Sets when an entry was made: so many seconds ago.
fn made(store: &Store, key: &str, seconds: i64) {
    let path = store.entry_file(SCOPE, "v", key);
    let mut entry: Entry = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("an entry");
    entry.created_at -= jiff::SignedDuration::from_secs(seconds);
    fs::write(path, serde_json::to_vec(&entry).expect("JSON")).expect("room");
}

/// Source: GitHub: execution rules E9.4: above the limit, the least recently used go.
#[test]
fn the_least_recently_used_make_room() {
    let fixture = Fixture::new();
    let store = fixture.with_limit(30);
    for (key, seconds) in [("a", 10), ("b", 30), ("c", 20)] {
        save(&store, key, format!("content {key}.").as_bytes()).expect("saved");
        made(&store, key, seconds + 10);
        used(&store, key, seconds);
    }
    save(&store, "d", b"content d.").expect("saved");
    assert_eq!(keys(&store), ["a", "c", "d"], "b was used before all others");
    assert_eq!(find(&store, "c").as_deref(), Some(&b"content c."[..]));
    save(&store, "e", b"content e, which is of 28 b.").expect("saved");
    assert_eq!(keys(&store), ["e"], "what was just saved stays, whatever else has to go");
    let blobs = fixture.root.path().join("blobs");
    let left =
        fs::read_dir(blobs).expect("a folder").flatten().flat_map(|it| fs::read_dir(it.path()).expect("a folder"));
    assert_eq!((left.count(), fixture.files("used")), (1, 0), "archives and marks go with their entries");
}

#[test]
fn an_archive_that_another_entry_has_stays() {
    let fixture = Fixture::new();
    let store = fixture.open();
    save(&store, "a", b"same").expect("saved");
    save(&store, "b", b"same").expect("saved");
    store.remove(|it| it.entry.key == "a").expect("removed");
    assert_eq!(find(&store, "a"), None);
    assert_eq!(find(&store, "b").as_deref(), Some(&b"same"[..]));
}

/// Of the right length, so that nothing but its digest tells.
#[test]
fn an_archive_that_has_changed_is_never_given_out() {
    let fixture = Fixture::new();
    let store = fixture.open();
    save(&store, "a-1", b"older").expect("saved");
    save(&store, "a-2", b"newer").expect("saved");
    let blob = store.blob(&hex::encode(Sha256::digest(b"newer")));
    fs::write(&blob, b"nEwer").expect("room");
    assert_eq!(find(&store, "a-").as_deref(), Some(&b"older"[..]), "the next best answers");
    assert!(!blob.exists());
    assert!(save(&store, "a-2", b"newer").is_some(), "and it can be saved anew");
    fs::write(&blob, b"nEwer").expect("room");
    assert!(save(&store, "a-3", b"newer").is_some());
    assert_eq!(find(&store, "a-3").as_deref(), Some(&b"newer"[..]), "a changed archive is not taken for a new one's");
}

#[test]
fn an_entry_that_lost_its_archive_can_be_saved_anew() {
    let fixture = Fixture::new();
    let store = fixture.open();
    save(&store, "a", b"first").expect("saved");
    fs::remove_file(store.blob(&hex::encode(Sha256::digest(b"first")))).expect("there");
    assert_eq!(find(&store, "a"), None);
    assert!(save(&store, "a", b"second").is_some());
    assert_eq!(find(&store, "a").as_deref(), Some(&b"second"[..]));
}

#[test]
fn no_use_is_lost() {
    let fixture = Fixture::new();
    let store = fixture.open();
    save(&store, "a", b"x").expect("saved");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            let store = fixture.open();
            scope.spawn(move || (0..25).for_each(|_| assert!(find(&store, "a").is_some())));
        }
    });
    let stock = store.stock().expect("a store");
    assert_eq!((stock.len(), stock[0].hits), (1, 200));
    assert!(stock[0].used_at >= stock[0].entry.created_at);
}

#[test]
fn archives_of_nobody_are_swept() {
    let fixture = Fixture::new();
    let store = fixture.open();
    save(&store, "a", b"kept").expect("saved");
    let orphan = store.blob(&hex::encode(Sha256::digest(b"orphan")));
    fs::create_dir_all(orphan.parent().expect("a folder")).expect("a folder");
    fs::write(&orphan, b"orphan").expect("room");
    assert_eq!(store.sweep_blobs().expect("swept"), 6);
    assert!(!orphan.exists() && find(&store, "a").is_some());
}
