use std::fs;

use super::*;

struct Tree {
    root: tempfile::TempDir,
}

impl Tree {
    fn new() -> Self {
        let tree = Self { root: tempfile::tempdir().expect("a folder") };
        for file in [
            "w/a.txt",
            "w/b.log",
            "w/.hidden",
            "w/d/a.txt",
            "w/d/e/c.txt",
            "w/d/.git/config",
            "w/x[1].txt",
            "w/sub dir/s.txt",
            "home/h.txt",
            "out/o.txt",
        ] {
            let path = tree.root.path().join(file);
            fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            fs::write(path, "").expect("a file");
        }
        let link = |target: &str, name: &str| {
            std::os::unix::fs::symlink(target, tree.root.path().join(name)).expect("a link");
        };
        link("../../out", "w/d/linked");
        link("a.txt", "w/link.txt");
        link("nowhere", "w/broken");
        link(".", "w/d/circle");
        tree
    }

    fn find(&self, patterns: &str, with_hidden: bool) -> Result<(Vec<String>, Vec<String>), String> {
        let root = self.root.path();
        let (working_folder, home) = (root.join("w"), root.join("home"));
        let places = Places { working_folder: &working_folder, home: &home };
        let options = Options { reach: &Reach::machine(), follows_links: true, with_hidden, with_classes: false };
        let found = find(patterns, &places, &options).map_err(|err| err.to_string())?;
        let names = |paths: Vec<PathBuf>| {
            paths.iter().map(|it| it.strip_prefix(root).expect("below it").display().to_string()).collect::<Vec<_>>()
        };
        Ok((names(found.files), names(found.search_paths)))
    }
}

#[test]
fn finds_what_githubs_glob_finds() {
    let tree = Tree::new();
    let rows: &[(&str, &[&str], &[&str])] = &[
        ("a.txt", &["w/a.txt"], &["w/a.txt"]),
        ("./a.txt", &["w/a.txt"], &["w/a.txt"]),
        ("*.txt", &["w/a.txt", "w/link.txt", "w/x[1].txt"], &["w"]),
        ("d", &["w/d/a.txt", "w/d/e/c.txt", "w/d/linked/o.txt"], &["w/d"]),
        ("d/", &["w/d/a.txt", "w/d/e/c.txt", "w/d/linked/o.txt"], &["w/d"]),
        ("d/*", &["w/d/a.txt", "w/d/e/c.txt", "w/d/linked/o.txt"], &["w/d"]),
        ("d/*/", &["w/d/e/c.txt", "w/d/linked/o.txt"], &["w/d"]),
        ("**/a.txt", &["w/a.txt", "w/d/a.txt"], &["w"]),
        ("d/**", &["w/d/a.txt", "w/d/e/c.txt", "w/d/linked/o.txt"], &["w/d"]),
        ("d\n!d/e", &["w/d/a.txt", "w/d/linked/o.txt"], &["w/d"]),
        ("d\n!d/e/**", &["w/d/a.txt", "w/d/linked/o.txt"], &["w/d"]),
        ("!d/e\nd", &["w/d/a.txt", "w/d/e/c.txt", "w/d/linked/o.txt"], &["w/d"]),
        ("d\n!**/*.txt\nd/e", &["w/d/e/c.txt"], &["w/d"]),
        ("# a comment\n\n  a.txt  ", &["w/a.txt"], &["w/a.txt"]),
        ("~/h.txt", &["home/h.txt"], &["home/h.txt"]),
        ("~/*", &["home/h.txt"], &["home"]),
        ("x[[]1].txt", &["w/x[1].txt"], &["w/x[1].txt"]),
        ("x\\[1].txt", &["w/x[1].txt"], &["w/x[1].txt"]),
        ("sub dir/s.txt", &["w/sub dir/s.txt"], &["w/sub dir/s.txt"]),
        ("b.log\na.txt", &["w/b.log", "w/a.txt"], &["w/b.log", "w/a.txt"]),
        ("d/e\nd", &["w/d/a.txt", "w/d/e/c.txt", "w/d/linked/o.txt"], &["w/d"]),
        // Below one that is searched already, nothing is searched again.
        ("nothing*\nno/such", &[], &["w"]),
        ("broken", &[], &["w/broken"]),
        ("!!a.txt", &["w/a.txt"], &["w/a.txt"]),
        ("!a.txt", &[], &[]),
        ("?.txt", &["w/a.txt"], &["w"]),
        ("[a-b].*", &["w/a.txt", "w/b.log"], &["w"]),
        // What is no name of a set for where to begin is one for what matches.
        ("[]a].txt", &[], &["w/[]a].txt"]),
    ];
    for (patterns, files, search_paths) in rows {
        let (found, from) = tree.find(patterns, false).expect("good patterns");
        assert_eq!(found, *files, "{patterns:?}");
        assert_eq!(from, *search_paths, "{patterns:?}");
    }
}

/// Neither what a pattern repeats nor how deep names are makes it slow.
#[test]
fn many_wildcards_cost_no_more_than_one() {
    let segments: Vec<Segment> = (0..40)
        .flat_map(|_| [Segment::Any, Segment::Name(NamePattern::exactly("a"))])
        .chain([Segment::Name(NamePattern::exactly("b"))])
        .collect();
    let names = vec!["a".to_owned(); 60];
    assert!(!matches(&segments, &names, false));
    assert!(matches(&segments, &names, true), "`b` may be below");
    assert!(matches(&segments[..80], &names, false));
    assert!(!matches(&segments[..80], &names[..39], false));
}

#[test]
fn hidden_files_only_where_asked_for() {
    let tree = Tree::new();
    for (patterns, with_hidden, files) in [
        (".hidden", false, &[][..]),
        (".hidden", true, &["w/.hidden"]),
        ("d/.git", false, &[]),
        ("d/.git/config", false, &["w/d/.git/config"]),
        ("d/.git", true, &["w/d/.git/config"]),
        (".h*", true, &["w/.hidden"]),
    ] {
        assert_eq!(tree.find(patterns, with_hidden).expect("good patterns").0, files, "{patterns} {with_hidden}");
    }
}

#[test]
fn paths_with_dots_are_refused() {
    let tree = Tree::new();
    for pattern in ["../out", "d/../a.txt", "d/./a.txt", "/./a", "!"] {
        assert!(tree.find(pattern, false).is_err(), "{pattern}");
    }
    assert_eq!(
        tree.find("../out", false).expect_err("refused"),
        "Invalid pattern '../out'. Relative pathing '.' and '..' is not allowed."
    );
}
