use std::time::Duration;

use bollard::auth::DockerCredentials;
use bollard::query_parameters::CreateImageOptions;
use futures_util::StreamExt as _;

use super::connection::is_not_found;
use super::{DockerBackend, Log, Login};
use crate::BackendError;

/// How often a pull is tried. Source: GitHub: execution rules E8.2.
const ATTEMPTS: u32 = 3;
/// Before the second attempt; before the third twice as long.
const PAUSE: Duration = Duration::from_secs(1);

impl DockerBackend {
    /// Pulls an image that the engine does not have.
    ///
    /// Differs: an image that the engine has is not pulled again, and a pull is tried again after one and two seconds.
    /// Differs: without `credentials` images of `ghcr.io` are pulled by nobody in particular; GitHub logs in with the job's
    /// token.
    pub async fn ensure_image(
        &self,
        image: &str,
        login: Option<&Login>,
        may_pull: bool,
        log: &Log,
    ) -> Result<(), BackendError> {
        // The account's registry is on this machine, and another run may have pushed an image of this name.
        let is_ours = self.names.as_ref().is_some_and(|it| it.has(image));
        if !is_ours && self.has_image(image).await? {
            return Ok(());
        }
        if !may_pull && !is_ours {
            return Err(BackendError::ImageMissing { image: image.to_owned() });
        }
        self.pull_image(image, login, log).await
    }

    /// Pulls an image, also where the engine has one of that name.
    pub async fn pull_image(&self, image: &str, login: Option<&Login>, log: &Log) -> Result<(), BackendError> {
        let mut attempt = 1;
        loop {
            log.line(format!("docker pull {}", with_tag(image)));
            match self.pull(image, login).await {
                Ok(()) => return Ok(()),
                Err(err) if attempt == ATTEMPTS || is_final(&err) => {
                    return Err(BackendError::NotPulled { image: image.to_owned(), err });
                }
                Err(err) => {
                    let pause = PAUSE * attempt;
                    log.line(format!("Docker pull failed: {err}, back off {} seconds before retry.", pause.as_secs()));
                    tokio::time::sleep(pause).await;
                    attempt += 1;
                }
            }
        }
    }

    async fn pull(&self, image: &str, login: Option<&Login>) -> Result<(), bollard::errors::Error> {
        let credentials = login.map(|it| DockerCredentials {
            username: Some(it.username.clone()),
            password: Some(it.password.clone()),
            serveraddress: Some(registry(image)),
            ..DockerCredentials::default()
        });
        let options = CreateImageOptions { from_image: Some(with_tag(image)), ..CreateImageOptions::default() };
        let mut progress = self.of_jobs().create_image(Some(options), None, credentials);
        while let Some(step) = progress.next().await {
            step?;
        }
        Ok(())
    }
}

/// Whether another attempt cannot help: there is no such image, or not for this user.
fn is_final(err: &bollard::errors::Error) -> bool {
    let said = err.to_string();
    is_not_found(err) || said.contains("denied") || said.contains("unauthorized")
}

/// Without a tag or a digest the engine would pull all tags.
pub(super) fn with_tag(image: &str) -> String {
    let name = image.rsplit('/').next().unwrap_or(image);
    if name.contains([':', '@']) { image.to_owned() } else { format!("{image}:latest") }
}

/// The registry of an image. Source: GitHub: execution rules E8.2, "Credentials".
fn registry(image: &str) -> String {
    let parts: Vec<&str> = image.split('/').collect();
    match parts.as_slice() {
        [first, _] if first.contains(['.', ':']) => (*first).to_owned(),
        [first, _, _, ..] => (*first).to_owned(),
        _ => "https://index.docker.io/v1/".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (image, expected) in
            [("redis", "redis:latest"), ("redis:7", "redis:7"), ("host:5000/a", "host:5000/a:latest")]
        {
            assert_eq!(with_tag(image), expected);
        }
        assert_eq!(with_tag("a@sha256:00"), "a@sha256:00");
        let hub = "https://index.docker.io/v1/";
        let cases =
            [("redis", hub), ("a/b", hub), ("ghcr.io/a", "ghcr.io"), ("ghcr.io/a/b", "ghcr.io"), ("a/b/c", "a")];
        for (image, expected) in cases {
            assert_eq!(registry(image), expected, "{image}");
        }
    }
}
