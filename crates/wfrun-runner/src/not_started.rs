//! What the log says of a step that cannot be started in a job container.
use wfrun_engine::{Launch, Program};

use crate::job::OpenJob;

/// The exit code of `docker exec` where there is no such program or folder.
const NOT_THERE: i32 = 127;

/// What Docker says of it, and its exit code; none where something else is wrong than a program or folder that is not there.
///
/// Source: GitHub: execution rules E8.5; Docker: `setExitCodeFromError` of moby, `init_linux.go` of runc.
pub(crate) async fn as_docker_says(open: &OpenJob, launch: &Launch) -> Option<(String, i32)> {
    let Program::Script { command, .. } = &launch.program else { return None };
    let path = launch.env.get("PATH").map_or("", String::as_str);
    let reason = if open.environment.which_in(command, path).await.is_none() {
        if command.contains('/') {
            format!("exec: \"{command}\": stat {command}: no such file or directory")
        } else {
            format!("exec: \"{command}\": executable file not found in $PATH")
        }
    } else if open.relative(&launch.cwd).is_some_and(|it| !open.work_dir.join(it).is_dir()) {
        let cwd = open.paths.inside(&launch.cwd);
        format!("chdir to cwd (\"{cwd}\") set in config.json failed: no such file or directory")
    } else {
        return None;
    };
    let said = format!("OCI runtime exec failed: exec failed: unable to start container process: {reason}: unknown");
    Some((said, NOT_THERE))
}
