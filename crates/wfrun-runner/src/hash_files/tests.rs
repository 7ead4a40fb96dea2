use super::*;

/// The workspace, beside which something lies, too. Each file's text is its path.
fn tree() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for path in [
        "w/a.txt",
        "w/b.txt",
        "w/]a].txt",
        "w/.hidden/lock",
        "w/lib/x",
        "w/lib-a",
        "w/packages/app/lock",
        "w/packages/app-core/lock",
        "w/packages/app.x/lock",
        "w/src/x.js",
        "w/src/deep/y.js",
        "beside/secret",
    ] {
        let file = dir.path().join(path);
        std::fs::create_dir_all(file.parent().expect("a parent")).expect("folders");
        std::fs::write(file, path.trim_start_matches("w/")).expect("a file");
    }
    for (target, name) in [
        ("a.txt", "w/file-link"),
        ("src", "w/folder-link"),
        ("/home/runner/work/demo/demo/b.txt", "w/shown-link"),
        ("../beside/secret", "w/away"),
        ("/etc/hostname", "w/etc"),
        ("..", "w/src/up"),
        ("nowhere", "w/lib/x.broken"),
    ] {
        std::os::unix::fs::symlink(target, dir.path().join(name)).expect("a link");
    }
    nix::unistd::mkfifo(&dir.path().join("w/pipe"), nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    dir
}

/// As in a container: the workspace is shown elsewhere.
fn hash(dir: &Path, patterns: &[&str]) -> Result<String, HashError> {
    let folder = HashedFolder {
        here: std::fs::canonicalize(dir.join("w")).expect("the workspace"),
        shown: PathBuf::from("/home/runner/work/demo/demo"),
        home: PathBuf::from("/home"),
    };
    hash_files(&folder, &patterns.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>())
}

/// The digest of the digests, as coreutils compute them.
fn expected(texts: &[&str]) -> String {
    let all: Vec<u8> = texts.iter().flat_map(|it| Sha256::digest(it.as_bytes())).collect();
    if texts.is_empty() { String::new() } else { hex::encode(Sha256::digest(all)) }
}

/// Source: each was compared with GitHub's script and `@actions/glob` 0.7.0.
#[test]
fn files_and_their_order() {
    let dir = tree();
    let src = &["src/deep/y.js", "src/x.js"][..];
    let rows: &[(&[&str], &[&str])] = &[
        (&["a.txt"], &["a.txt"]),
        (&["nothing"], &[]),
        (&[""], &[]),
        (&["**/lock"], &[".hidden/lock", "packages/app/lock", "packages/app-core/lock", "packages/app.x/lock"]),
        (&["packages"], &["packages/app/lock", "packages/app-core/lock", "packages/app.x/lock"]),
        (&["lib*", "!**/*.broken"], &["lib/x", "lib-a"]),
        // The order of patterns is that of their search paths, and each file counts once.
        (&["b.txt", "a.txt"], &["b.txt", "a.txt"]),
        (&["a.txt", "b.txt", "a.txt"], &["a.txt", "b.txt"]),
        (&["a.txt\nb.txt"], &["a.txt", "b.txt"]),
        (&["*.txt", "!b.txt"], &["]a].txt", "a.txt"]),
        (&["/home/runner/work/demo/demo/a.txt"], &["a.txt"]),
        (&["/home/runner/work/demo/demo/src/*.js"], &["src/x.js"]),
        (&["/home/runner/work/demo/*/a.txt"], &["a.txt"]),
        (&["~/runner/work/demo/demo/a.txt"], &["a.txt"]),
        (&["/etc/**", "~/.cache/**"], &[]),
        (&["/", "!~/runner/work/demo/demo/[!s]*", "!**/up", "!**/shown-link"], src),
        // Another place of the workspace is none.
        (&["/__w/demo/demo/a.txt"], &[]),
        (&["src"], src),
        (&["src/**/**", "!src/up"], src),
        (&["src//x.js"], &["src/x.js"]),
        (&["!!a.txt"], &["a.txt"]),
        (&["[[:alpha:]].txt"], &["a.txt", "b.txt"]),
        (&["[a\\]b].txt"], &["a.txt", "b.txt"]),
        (&["*c/**/y.js"], &["src/deep/y.js"]),
        (&["[]a].txt"], &[]),
        (&["[z-a].txt"], &[]),
        // Links to files count, those to folders only if asked for, and those out of the workspace never.
        (&["file-link"], &["a.txt"]),
        (&["shown-link"], &["b.txt"]),
        (&["folder-link"], &[]),
        (&["folder-link/*.js"], &[]),
        (&["folder-link/x.js"], &["src/x.js"]),
        (&["--follow-symbolic-links", "folder-link/*.js"], &["src/x.js"]),
        (&["--FOLLOW-symbolic-links", "lib/*"], &["lib/x"]),
        (&["away", "etc"], &[]),
        (&["pipe", "a.txt"], &["a.txt"]),
        (&["--follow-symbolic-links", "away", "etc"], &[]),
    ];
    for (patterns, files) in rows {
        let digest = hash(dir.path(), patterns).unwrap_or_else(|err| panic!("{patterns:?}: {err:?}"));
        assert_eq!(digest, expected(files), "{patterns:?}");
    }
}

#[test]
fn what_fails_at_github_fails() {
    let dir = tree();
    for (patterns, message) in [
        (&["../x"][..], "hashFiles failed: Invalid pattern '../x'. Relative pathing '.' and '..' is not allowed."),
        (&["a/../b"], "hashFiles failed: Invalid pattern 'a/../b'. Relative pathing '.' and '..' is not allowed."),
        (&["src/./x"], "hashFiles failed: Invalid pattern 'src/./x'. Relative pathing '.' and '..' is not allowed."),
        (&["**"], "hashFiles could not read /home/runner/work/demo/demo/lib/x.broken: No such file or directory"),
        (&["a.txt/x"], "hashFiles failed: failed to look at `/home/runner/work/demo/demo/a.txt/x`: Not a directory"),
        (&["--follow", "a"], "Invalid glob option --follow, avaliable option: '--follow-symbolic-links'."),
    ] {
        let err = hash(dir.path(), patterns).expect_err("it fails");
        let told = wfrun_backend::chain(&err);
        assert!(told.starts_with(message), "{patterns:?}: {told}");
    }
}
