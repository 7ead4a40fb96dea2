use std::path::Path;

use nix::unistd::{AccessFlags, access};

/// Where commands are looked up when there is no `PATH`, as `execvp` does.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Finds a command as a shell does: by its path if it has a `/`, else the first executable file of `path`.
///
/// Entries of `path` that are empty or relative are passed over: they would depend on who asks.
pub(super) fn which(command: &str, path: Option<&str>) -> Option<String> {
    if command.contains('/') {
        return is_executable(Path::new(command)).then(|| command.to_owned());
    }
    let directories = path.unwrap_or(DEFAULT_PATH).split(':').filter(|directory| directory.starts_with('/'));
    directories.map(|directory| format!("{directory}/{command}")).find(|file| is_executable(Path::new(file)))
}

fn is_executable(path: &Path) -> bool {
    path.is_file() && access(path, AccessFlags::X_OK).is_ok()
}
