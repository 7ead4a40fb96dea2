use std::collections::HashMap;
use std::path::{Path, PathBuf};

use bollard::Docker;
use bollard::models::{ContainerCreateBody, VolumeCreateRequest};

use super::Log;
use crate::BackendError;

/// The volumes of a job: those with a name are seen by all its containers, and by no other job.
#[derive(Debug)]
pub(crate) struct Volumes {
    /// Before the name in the engine, which is shared by all.
    prefix: String,
    /// Where a job's work folder is, which GitHub has at [`WORK`]; empty before the job begins.
    pub(super) work_dir: PathBuf,
    labels: HashMap<String, String>,
    made: Vec<String>,
}

/// Where GitHub has work folders. Source: GitHub: execution rules E6.2.
const WORK: &str = "/home/runner/work";

/// One entry of `volumes`. Source: GitHub: execution rules E8.2, "Volumes".
#[derive(Debug, PartialEq, Eq)]
struct Entry<'a> {
    source: Option<&'a str>,
    target: &'a str,
    read_only: bool,
}

impl<'a> Entry<'a> {
    /// Of three parts the third counts only if it is `ro`.
    fn read(text: &'a str) -> Self {
        let mut parts = text.splitn(4, ':');
        match (parts.next().unwrap_or_default(), parts.next(), parts.next()) {
            (target, None, _) => Self { source: None, target, read_only: false },
            (target, Some("ro"), None) => Self { source: None, target, read_only: true },
            (source, Some(target), mode) => Self { source: Some(source), target, read_only: mode == Some("ro") },
        }
    }
}

impl Volumes {
    pub(crate) fn new(prefix: String, labels: HashMap<String, String>) -> Self {
        Self { prefix, work_dir: PathBuf::new(), labels, made: Vec::new() }
    }

    /// Puts `volumes` into a container.
    ///
    /// Differs: a folder of the runner's machine that is not on this one is a new, empty volume; Docker would make the
    /// folder, and leave it there. Volumes with a name go with their job.
    pub(crate) async fn put(
        &mut self,
        docker: &Docker,
        what: &str,
        volumes: &[String],
        body: &mut ContainerCreateBody,
        log: &Log,
    ) -> Result<(), BackendError> {
        for text in volumes {
            let entry = Entry::read(text);
            let Entry { source, target, read_only } = entry;
            if !target.starts_with('/') {
                let message = format!("`{text}` of `volumes` has no absolute path for its place in the container");
                return Err(BackendError::Container { what: what.to_owned(), message });
            }
            let source = match source {
                Some(path) if path.starts_with('/') => {
                    let path = self.on_this_machine(path);
                    if !path.exists() {
                        log.line(format!(
                            "{} is not on this machine: an empty volume takes its place at {target}",
                            path.display()
                        ));
                    }
                    path.exists().then(|| path.display().to_string())
                }
                Some(name) => Some(self.named(docker, what, text, name).await?),
                None => None,
            };
            match source {
                Some(source) => {
                    let mode = if read_only { ":ro" } else { "" };
                    let binds = &mut body.host_config.get_or_insert_default().binds;
                    binds.get_or_insert_default().push(format!("{source}:{target}{mode}"));
                }
                None => body.volumes.get_or_insert_default().push(target.to_owned()),
            }
        }
        Ok(())
    }

    fn on_this_machine(&self, path: &str) -> PathBuf {
        match Path::new(path).strip_prefix(WORK) {
            Ok(below) if below.as_os_str().is_empty() => self.work_dir.clone(),
            Ok(below) => self.work_dir.join(below),
            Err(_) => PathBuf::from(path),
        }
    }

    async fn named(&mut self, docker: &Docker, what: &str, text: &str, name: &str) -> Result<String, BackendError> {
        let is_name = name.chars().all(|it| it.is_ascii_alphanumeric() || "_.-".contains(it));
        if name.is_empty() || name.starts_with('.') || !is_name {
            let message = format!("`{text}` of `volumes` has neither an absolute path nor the name of a volume");
            return Err(BackendError::Container { what: what.to_owned(), message });
        }
        let full = format!("{}_{name}", self.prefix);
        if !self.made.contains(&full) {
            let request = VolumeCreateRequest {
                name: Some(full.clone()),
                labels: Some(self.labels.clone()),
                ..VolumeCreateRequest::default()
            };
            let failed = |err| BackendError::Engine { action: format!("make volume `{name}`"), err };
            docker.create_volume(request).await.map_err(failed)?;
            self.made.push(full.clone());
        }
        Ok(full)
    }

    /// Those that were made, by their names in the engine.
    pub(crate) fn made(&self) -> &[String] {
        &self.made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries() {
        let cases = [
            ("/data", (None, "/data", false)),
            ("/data:ro", (None, "/data", true)),
            ("v:/data", (Some("v"), "/data", false)),
            ("/a:/data:ro", (Some("/a"), "/data", true)),
            ("/a:/data:rw", (Some("/a"), "/data", false)),
            ("/a:/data:z", (Some("/a"), "/data", false)),
        ];
        for (text, (source, target, read_only)) in cases {
            assert_eq!(Entry::read(text), Entry { source, target, read_only }, "{text}");
        }
    }

    #[test]
    fn the_work_folder_is_where_it_is_here() {
        let mut volumes = Volumes::new("p".to_owned(), HashMap::new());
        volumes.work_dir = PathBuf::from("/cache/work/7/1");
        let cases = [
            ("/home/runner/work/demo/demo", "/cache/work/7/1/demo/demo"),
            ("/home/runner/work", "/cache/work/7/1"),
            ("/home/runner/workshop", "/home/runner/workshop"),
            ("/var/run/docker.sock", "/var/run/docker.sock"),
        ];
        for (path, expected) in cases {
            assert_eq!(volumes.on_this_machine(path), PathBuf::from(expected));
        }
    }
}
