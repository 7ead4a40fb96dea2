use std::io::{Read as _, Write};
use std::path::Path;

use tar::{Builder, EntryType, Header};

use super::context::{Context, read};
use super::error::DockerError;
use super::tree::{Kind, Node};

/// Writes the build context of a Dockerfile, the folder it is in, as an engine takes it: a tar archive without what
/// `.dockerignore` excludes, but with the Dockerfile itself.
pub fn pack_context(dockerfile: &Path, out: impl Write) -> std::io::Result<()> {
    pack(dockerfile, out).map_err(std::io::Error::other)
}

fn pack(dockerfile: &Path, out: impl Write) -> Result<(), DockerError> {
    let folder = dockerfile.parent().unwrap_or(Path::new("."));
    let context = Context::open(folder, dockerfile)?;
    let mut archive = Builder::new(out);
    let own = dockerfile.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut entries = context.below("")?;
    if !entries.iter().any(|(path, _)| *path == own) {
        entries.push((own, read(dockerfile)?));
    }
    for (path, node) in &entries {
        add(&mut archive, path, node)?;
    }
    archive.into_inner().and_then(|mut it| it.flush()).map_err(DockerError::file("pack", folder))
}

fn add(archive: &mut Builder<impl Write>, path: &str, node: &Node) -> Result<(), DockerError> {
    let failed = || DockerError::file("pack", path);
    let mut header = Header::new_gnu();
    header.set_mode(node.mode);
    header.set_uid(node.uid);
    header.set_gid(node.gid);
    header.set_mtime(node.mtime.try_into().unwrap_or(0));
    match &node.kind {
        Kind::Folder => {
            header.set_entry_type(EntryType::Directory);
            header.set_size(0);
            archive.append_data(&mut header, format!("{path}/"), std::io::empty()).map_err(failed())
        }
        Kind::Link(target) => {
            header.set_entry_type(EntryType::Symlink);
            header.set_size(0);
            archive.append_link(&mut header, path, target).map_err(failed())
        }
        Kind::File(content) => {
            header.set_entry_type(EntryType::Regular);
            header.set_size(node.size());
            // One that grows or shrinks meanwhile must not shift what follows.
            let whole = content.open()?.chain(std::io::repeat(0)).take(node.size());
            archive.append_data(&mut header, path, whole).map_err(failed())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
        std::fs::create_dir(folder.path().join("d")).expect("a folder");
        write("Dockerfile", "FROM scratch\n");
        write(".dockerignore", "secret\nDockerfile\n");
        write("secret", "s3cret");
        write("d/file", "text");
        std::os::unix::fs::symlink("d/file", folder.path().join("link")).expect("a link");
        let mut bytes = Vec::new();
        pack_context(&folder.path().join("Dockerfile"), &mut bytes).expect("it packs");
        let mut archive = tar::Archive::new(bytes.as_slice());
        let names: Vec<String> = archive
            .entries()
            .expect("entries")
            .map(|it| it.expect("an entry").path().expect("a path").display().to_string())
            .collect();
        assert_eq!(names, [".dockerignore", "d/", "d/file", "link", "Dockerfile"]);
    }
}
