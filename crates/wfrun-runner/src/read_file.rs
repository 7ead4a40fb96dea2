use std::io;
use std::pin::pin;
use std::time::Duration;

use wfrun_backend::{Exec, Process, ProcessEvent, Signal, Stream, Target, chain};

use crate::decode::decode;
use crate::job::OpenJob;

/// No file that a step names is read that is larger.
const LIMIT: usize = 1 << 20;
/// A pipe that nobody writes to must not hold the step back for ever.
const PATIENCE: Duration = Duration::from_secs(5);
/// A regular file comes, however slow the engine is.
const PATIENCE_FOR_FILES: Duration = Duration::from_mins(1);

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
    let mut process = start(open, &["head", "-c", &(LIMIT + 1).to_string(), "--", path]).await?;
    let read = read(open, &mut process, path).await;
    let bytes = read.unwrap_or_else(|waited| {
        process.control().signal(Signal::Kill, Target::Tree);
        Err(format!("The file '{path}' could not be read in {} seconds.", waited.as_secs()))
    })?;
    if bytes.len() > LIMIT {
        return Err(too_large(path));
    }
    Ok(decode(&bytes))
}

async fn start(open: &OpenJob, argv: &[&str]) -> Result<Process, String> {
    let env = vec![("PATH".to_owned(), open.environment.facts().path.clone())];
    let argv = argv.iter().map(|&it| it.to_owned()).collect();
    open.environment.spawn(Exec { argv, env, cwd: "/".to_owned() }).await.map_err(|err| chain(&err))
}

/// What the process prints, or how long it was waited for.
async fn read(open: &OpenJob, process: &mut Process, path: &str) -> Result<Result<Vec<u8>, String>, Duration> {
    let mut reading = pin!(output(process, path));
    if let Ok(read) = tokio::time::timeout(PATIENCE, &mut reading).await {
        return Ok(read);
    }
    let rest = async { if is_regular(open, path).await { Ok(reading.await) } else { Err(PATIENCE) } };
    tokio::time::timeout(PATIENCE_FOR_FILES.saturating_sub(PATIENCE), rest).await.unwrap_or(Err(PATIENCE_FOR_FILES))
}

/// Whether the file has an end, as far as can be found out.
async fn is_regular(open: &OpenJob, path: &str) -> bool {
    let Ok(mut process) = start(open, &["test", "-f", path]).await else { return true };
    loop {
        match process.next().await {
            Some(ProcessEvent::Output { .. } | ProcessEvent::Warning(_)) => {}
            Some(ProcessEvent::Exited { code }) => return code != 1,
            Some(ProcessEvent::FailedToStart { .. }) | None => return true,
        }
    }
}

async fn output(process: &mut Process, path: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    loop {
        match process.next().await {
            Some(ProcessEvent::Output { stream: Stream::Stdout, bytes: more }) => bytes.extend_from_slice(&more),
            Some(ProcessEvent::Output { stream: Stream::Stderr, .. } | ProcessEvent::Warning(_)) => {}
            Some(ProcessEvent::Exited { code: 0 }) => return Ok(bytes),
            Some(ProcessEvent::Exited { .. }) => return Err(format!("Could not find file '{path}'.")),
            Some(ProcessEvent::FailedToStart { message }) => return Err(message),
            None => return Err("the job's environment went away".to_owned()),
        }
    }
}

fn too_large(path: &str) -> String {
    format!("The file '{path}' is larger than 1 MiB.")
}
