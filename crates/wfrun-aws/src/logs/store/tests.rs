use std::fs;
use std::io::Write as _;

use super::{EventStore, StreamName, file_name};

const NAME: StreamName<'_> = StreamName { region: "us-east-1", group: "/ecs/news-api", stream: "ecs/news-api/1" };

fn messages(store: &EventStore) -> Vec<String> {
    store.events(NAME).unwrap().into_iter().map(|event| event.message).collect()
}

#[test]
fn events_come_back_by_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = EventStore::new(folder.path());
    assert!(messages(&store).is_empty());
    store.append(NAME, 9, [(5, "b"), (5, "c")]).unwrap();
    store.append(NAME, 9, [(4, "a"), (6, "line\nof two")]).unwrap();
    assert_eq!(messages(&store), ["a", "b", "c", "line\nof two"]);
    let again = EventStore::new(folder.path());
    again.append(NAME, 9, [(7, "d")]).unwrap();
    let numbers: Vec<u64> = again.events(NAME).unwrap().iter().map(|event| event.number).collect();
    assert_eq!(numbers, [2, 0, 1, 3, 4], "numbers go on");
    assert!(again.events(StreamName { stream: "other", ..NAME }).unwrap().is_empty());
    again.delete_stream(NAME).unwrap();
    again.delete_stream(NAME).unwrap();
    assert!(messages(&again).is_empty());
}

#[test]
fn half_a_line_is_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = EventStore::new(folder.path());
    store.append(NAME, 9, [(1, "whole")]).unwrap();
    let path = store.path(NAME);
    fs::File::options().append(true).open(&path).unwrap().write_all(b"{\"t\":2,\"i\":9,\"n\":1,\"m\":\"ha").unwrap();
    let store = EventStore::new(folder.path());
    assert_eq!(messages(&store), ["whole"]);
    store.append(NAME, 9, [(3, "next")]).unwrap();
    assert_eq!(messages(&store), ["whole", "next"]);
}

#[test]
fn a_file_stays_short() {
    let folder = tempfile::tempdir().unwrap();
    let store = EventStore { most_bytes: 4000, ..EventStore::new(folder.path()) };
    for at_ms in 0..1000 {
        store.append(NAME, 9, [(at_ms, "a line of some length")]).unwrap();
        assert!(fs::metadata(store.path(NAME)).unwrap().len() <= 4000);
    }
    let events = store.events(NAME).unwrap();
    let last = events.last().unwrap();
    assert!(events.len() > 10 && (last.at_ms, last.number) == (999, 999), "{events:?}");
}

#[test]
fn no_name_leaves_the_folder() {
    let names = ["..", "/", "../../etc", "a/b", "a_b", "", "é", "x\0y"];
    let files: Vec<String> = names.iter().map(|name| file_name(name)).collect();
    for file in &files {
        assert!(!file.contains('/') && !file.contains('\0') && !file.starts_with('.') || file.len() > 20, "{file}");
        assert!(!["..", "."].contains(&file.as_str()));
    }
    let distinct: std::collections::HashSet<_> = files.iter().collect();
    assert_eq!(distinct.len(), names.len());
}
