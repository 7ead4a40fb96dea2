//! The archive of an image.
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use tar::{Archive, Builder, EntryType};

use super::VendorError;
use super::archive::{finish, header};

/// One entry of an archive: its path, what it is, and where its bytes lie.
struct Part {
    path: String,
    kind: EntryType,
    mode: u32,
    link: Option<String>,
    at: u64,
    size: u64,
}

/// Writes an archive that an engine made anew, so that one image makes the same bytes whenever it is saved: entries in order
/// of their paths, without times and owners.
pub fn normalise(archive: &Path, target: &Path) -> Result<(), VendorError> {
    let read = VendorError::files("read", archive);
    let write = VendorError::files("write", target);
    let mut file = File::open(archive).map_err(&read)?;
    let mut parts = parts(&file).map_err(&read)?;
    parts.sort_by(|a, b| a.path.cmp(&b.path));
    let mut builder = Builder::new(BufWriter::new(File::create(target).map_err(&write)?));
    for part in &parts {
        append(&mut builder, &mut file, part).map_err(&write)?;
    }
    finish(builder).map_err(&write)
}

fn parts(file: &File) -> io::Result<Vec<Part>> {
    let mut tar = Archive::new(BufReader::new(file));
    let mut parts = Vec::new();
    for entry in tar.entries_with_seek()? {
        let entry = entry?;
        let header = entry.header();
        if header.entry_type().is_pax_global_extensions() {
            continue;
        }
        let link = entry.link_name()?.map(|it| it.display().to_string());
        parts.push(Part {
            path: entry.path()?.display().to_string(),
            kind: header.entry_type(),
            mode: header.mode()?,
            link,
            at: entry.raw_file_position(),
            size: entry.size(),
        });
    }
    Ok(parts)
}

fn append<W: io::Write>(builder: &mut Builder<W>, file: &mut File, part: &Part) -> io::Result<()> {
    let mut header = header();
    header.set_entry_type(part.kind);
    header.set_mode(part.mode);
    header.set_size(part.size);
    if let Some(link) = &part.link {
        return builder.append_link(&mut header, &part.path, link);
    }
    file.seek(SeekFrom::Start(part.at))?;
    builder.append_data(&mut header, &part.path, file.take(part.size))
}

/// A name for the archive of an image.
pub fn file_name(name: &str, id: &str) -> String {
    let readable = name.chars().map(|it| if it.is_ascii_alphanumeric() || ".-_".contains(it) { it } else { '_' });
    let id: String = id.trim_start_matches("sha256:").chars().take(12).collect();
    format!("{}-{id}.tar", readable.collect::<String>())
}

#[cfg(test)]
mod tests {
    use tar::Header;

    use super::*;

    #[test]
    fn one_image_makes_the_same_bytes() {
        let dir = tempfile::tempdir().expect("a folder");
        let write = |name: &str, entries: &[(&str, u64)]| {
            let mut builder = Builder::new(File::create(dir.path().join(name)).expect("a file"));
            for (path, time) in entries {
                let mut header = Header::new_gnu();
                header.set_mtime(*time);
                header.set_mode(0o644);
                header.set_size(path.len() as u64);
                builder.append_data(&mut header, path, path.as_bytes()).expect("an entry");
            }
            builder.finish().expect("an archive");
        };
        let long = format!("blobs/sha256/{}", "a".repeat(120));
        write("one", &[("manifest.json", 1), (&long, 2)]);
        write("two", &[(&long, 3), ("manifest.json", 4)]);
        let normal = |name: &str| {
            let target = dir.path().join(format!("{name}.tar"));
            normalise(&dir.path().join(name), &target).expect("it is written");
            std::fs::read(target).expect("a file")
        };
        assert_eq!(normal("one"), normal("two"));
        let bytes = normal("one");
        let mut tar = Archive::new(bytes.as_slice());
        let texts: Vec<_> = tar
            .entries()
            .expect("entries")
            .map(|it| {
                let mut it = it.expect("an entry");
                let mut text = String::new();
                it.read_to_string(&mut text).expect("a text");
                (it.path().expect("a path").display().to_string(), text)
            })
            .collect();
        assert_eq!(texts, [(long.clone(), long), ("manifest.json".to_owned(), "manifest.json".to_owned())]);
    }

    #[test]
    fn names_of_archives() {
        assert_eq!(file_name("ghcr.io/o/i:1", "sha256:0123456789abcdef"), "ghcr.io_o_i_1-0123456789ab.tar");
    }
}
