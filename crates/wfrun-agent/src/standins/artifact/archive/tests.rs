use std::io::Cursor;
use std::os::unix::fs::FileExt as _;
use std::process::Command;

use super::*;

/// Does with segments what the service does.
#[derive(Default)]
struct Taken {
    bytes: Vec<u8>,
    sums: Vec<u32>,
}

impl Taken {
    fn take(&mut self, segment: &Segment<'_>) {
        match segment {
            Segment::Bytes(bytes) => self.bytes.extend_from_slice(bytes),
            Segment::File(file, length) => {
                let mut content = vec![0; usize::try_from(*length).expect("a small file")];
                file.read_exact_at(&mut content, 0).expect("a file");
                self.sums.push(crc32fast::hash(&content));
                self.bytes.extend(content);
            }
            Segment::Sum(index) => self.bytes.extend(self.sums[*index as usize].to_le_bytes()),
        }
    }
}

fn written(folder: &Path, files: &[(&str, &str)]) -> Vec<(PathBuf, String)> {
    let write = |(index, (name, text)): (usize, &(&str, &str))| {
        let path = folder.join(index.to_string());
        fs::write(&path, text).expect("a file");
        (path, (*name).to_owned())
    };
    files.iter().enumerate().map(write).collect()
}

fn archive(files: &[(&str, &str)], level: i64) -> Vec<u8> {
    let dir = tempfile::tempdir().expect("a folder");
    let mut taken = Taken::default();
    let packed = pack(&written(dir.path(), files), level, &mut |it| {
        taken.take(&it);
        Ok(())
    });
    packed.expect("an archive");
    taken.bytes
}

#[test]
fn what_is_packed_comes_back() {
    let text = "the same line\n".repeat(1000);
    // One more than is sent as bytes.
    let large = "another line ...\n".repeat(4096);
    for level in [0, 1, 6, 9] {
        let bytes =
            archive(&[("a.txt", &text), ("large", &large), ("d/ü.txt", "x"), ("empty", ""), ("b", &large)], level);
        assert_eq!(bytes.len() < text.len(), matches!(level, 1 | 9), "level {level}: {}", bytes.len());
        let dir = tempfile::tempdir().expect("a folder");
        unpack(Cursor::new(bytes), dir.path()).expect("a whole archive");
        let read = |name: &str| fs::read_to_string(dir.path().join(name)).expect("a file");
        assert_eq!((read("a.txt"), read("d/ü.txt"), read("empty")), (text.clone(), "x".to_owned(), String::new()));
        assert!(read("large") == large && read("b") == large, "level {level}");
    }
}

/// Programs of other makers read it, too, and find nothing wrong.
#[test]
#[expect(clippy::print_stdout, reason = "what is skipped must be seen")]
fn others_read_it() {
    let large = "another line ...\n".repeat(4096);
    let script = "import sys, zipfile
for path in sys.argv[1:]:
    with zipfile.ZipFile(path) as it:
        assert it.testzip() is None
        for entry in it.infolist():
            print(entry.filename, entry.file_size, oct(entry.external_attr >> 16), entry.date_time[0] > 2000, entry.flag_bits)
";
    let dir = tempfile::tempdir().expect("a folder");
    for level in [0, 9] {
        let path = dir.path().join("it.zip");
        fs::write(&path, archive(&[("a", "x"), ("ü", &large)], level)).expect("a file");
        let Ok(done) = Command::new("python3").args(["-c", script]).arg(&path).env("PYTHONIOENCODING", "utf8").output()
        else {
            return println!("skipped: there is no python3");
        };
        let told = String::from_utf8_lossy(&done.stdout).into_owned();
        assert_eq!(
            told,
            "a 1 0o100644 True 8\nü 69632 0o100644 True 2056\n",
            "level {level}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    }
}

/// Of an archive with gigabytes in it, all but the content is looked at: where that is, there are holes.
#[test]
fn numbers_of_more_than_32_bits() {
    let dir = tempfile::tempdir().expect("a folder");
    let (out, huge) = (dir.path().join("it.zip"), dir.path().join("huge"));
    File::create(&huge).and_then(|it| it.set_len(5 << 30)).expect("a file with a hole");
    let mut files = vec![(huge, "huge".to_owned())];
    files.extend(written(dir.path(), &[("last", "x")]));
    let file = File::create(&out).expect("a file");
    let mut position = 0;
    let packed = pack(&files, 0, &mut |it| {
        let bytes = match it {
            Segment::Bytes(bytes) => bytes.to_vec(),
            Segment::File(_, length) => {
                position += length;
                return Ok(());
            }
            Segment::Sum(_) => vec![0; 4],
        };
        file.write_all_at(&bytes, position).expect("has room");
        position += bytes.len() as u64;
        Ok(())
    });
    packed.expect("an archive");
    let mut archive = ZipArchive::new(File::open(&out).expect("a file")).expect("an archive");
    let seen = |archive: &mut ZipArchive<File>, index| {
        let it = archive.by_index(index).expect("an entry");
        (it.name().expect("text").into_owned(), it.size(), it.header_start() > 5 << 30)
    };
    assert_eq!(seen(&mut archive, 0), ("huge".to_owned(), 5 << 30, false));
    assert_eq!(seen(&mut archive, 1), ("last".to_owned(), 1, true));
    let mut text = String::new();
    archive.by_index(1).expect("an entry").read_to_string(&mut text).expect("is whole");
    assert_eq!(text, "x");
}

#[test]
fn many_files() {
    let dir = tempfile::tempdir().expect("a folder");
    let (path, _) = written(dir.path(), &[("", "x")]).remove(0);
    let files: Vec<_> = (0..70_000).map(|it| (path.clone(), format!("f{it}"))).collect();
    let mut taken = Taken::default();
    let packed = pack(&files, 0, &mut |it| {
        taken.take(&it);
        Ok(())
    });
    packed.expect("an archive");
    let mut archive = ZipArchive::new(Cursor::new(taken.bytes)).expect("an archive");
    assert_eq!(archive.len(), 70_000);
    assert_eq!(archive.by_index(69_999).expect("the last").name().expect("text"), "f69999");
}

#[test]
fn what_the_service_says_comes_through() {
    let dir = tempfile::tempdir().expect("a folder");
    let files = written(dir.path(), &[("a", "a")]);
    for level in [6, 9] {
        let refused = pack(&files, level, &mut |_| Err(StandInError::action("the service's own words")));
        assert_eq!(refused.expect_err("is refused").chain(), "the service's own words");
    }
}

#[test]
fn nothing_leads_out_of_the_folder() {
    let dir = tempfile::tempdir().expect("a folder");
    let inside = dir.path().join("in");
    for name in ["../out", "a/../../out"] {
        assert!(unpack(Cursor::new(archive(&[(name, "x")], 6)), &inside).is_err(), "{name}");
    }
    assert!(!dir.path().join("out").exists());
    assert!(unpack(Cursor::new(b"PK no archive".to_vec()), &inside).is_err());
}
