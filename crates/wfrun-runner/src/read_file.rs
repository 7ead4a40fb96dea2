use std::io;

use wfrun_backend::{Exec, ProcessEvent, Stream};

use crate::job::OpenJob;
use crate::step::chain;

/// No file that a step names is read that is larger.
const LIMIT: usize = 1 << 20;

/// Reads a file that a step named, as the step sees it: wfrun may read no more on this machine than the step may.
pub(crate) async fn read_file(open: &OpenJob, path: &str) -> Result<String, String> {
    let in_work = open.relative(path).map(|it| open.files.read_at_most(it, LIMIT as u64));
    match in_work {
        Some(Ok(Some(text))) => return Ok(text),
        Some(Ok(None)) => return Err(format!("Could not find file '{path}'.")),
        Some(Err(err)) if err.kind() == io::ErrorKind::FileTooLarge => return Err(too_large(path)),
        // Elsewhere, or a link that leads there: a process of the job reads it.
        Some(Err(_)) | None => {}
    }
    let env = vec![("PATH".to_owned(), open.environment.facts().path.clone())];
    let argv = ["cat", "--", path].map(str::to_owned).to_vec();
    let process = open.environment.spawn(Exec { argv, env, cwd: "/".to_owned() }).await;
    let mut process = process.map_err(|err| chain(&err))?;
    let mut bytes = Vec::new();
    loop {
        match process.next().await {
            Some(ProcessEvent::Output { stream: Stream::Stdout, bytes: more }) => bytes.extend_from_slice(&more),
            Some(ProcessEvent::Output { stream: Stream::Stderr, .. }) => {}
            Some(ProcessEvent::Exited { code: 0 }) => break,
            Some(ProcessEvent::Exited { .. }) => return Err(format!("Could not find file '{path}'.")),
            Some(ProcessEvent::FailedToStart { message }) => return Err(message),
            None => return Err("the job's environment went away".to_owned()),
        }
        if bytes.len() > LIMIT {
            return Err(too_large(path));
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn too_large(path: &str) -> String {
    format!("The file '{path}' is larger than 1 MiB.")
}
