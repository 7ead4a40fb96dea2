use std::collections::HashMap;
use std::path::Path;

use bollard::body_try_stream;
use bollard::query_parameters::{BuildImageOptions, RemoveImageOptions};
use futures_util::StreamExt as _;
use tokio_util::io::ReaderStream;
use wfrun_agent::standins::cli::pack_context;

use super::archive::CHUNK;
use super::{DockerBackend, Log};

impl DockerBackend {
    /// Builds the image of a Dockerfile, with its folder as the context; returns the image's id.
    ///
    /// It keeps the name `tag`, so that the next build finds its layers; what had that name before goes. The error is what
    /// the engine said.
    ///
    /// Source: GitHub: execution rules E7.4.
    pub(super) async fn build(
        &self,
        dockerfile: &Path,
        tag: &str,
        arguments: &[(String, String)],
        log: &Log,
    ) -> Result<String, String> {
        let context = tempfile::tempfile().map_err(|err| format!("failed to make a temporary file: {err}"))?;
        let (packed, path) = (context.try_clone().map_err(|err| err.to_string())?, dockerfile.to_owned());
        let packing = tokio::task::spawn_blocking(move || pack_context(&path, std::io::BufWriter::new(packed)));
        packing
            .await
            .map_err(|err| err.to_string())?
            .map_err(|err| format!("failed to read the build context of {}: {err}", dockerfile.display()))?;
        let earlier = self.docker.inspect_image(tag).await.ok().and_then(|it| it.id);
        let id = self.build_packed(context, dockerfile, tag, arguments, log).await?;
        if let Some(earlier) = earlier.filter(|it| *it != id) {
            // Somebody else may use it: then it is not ours to remove.
            let options = RemoveImageOptions::default();
            if let Err(err) = self.docker.remove_image(&earlier, Some(options), None).await {
                tracing::debug!(%err, "an earlier image of {tag} stays");
            }
        }
        Ok(id)
    }

    async fn build_packed(
        &self,
        mut context: std::fs::File,
        dockerfile: &Path,
        tag: &str,
        arguments: &[(String, String)],
        log: &Log,
    ) -> Result<String, String> {
        std::io::Seek::rewind(&mut context).map_err(|err| err.to_string())?;
        let body = ReaderStream::with_capacity(tokio::fs::File::from_std(context), CHUNK);
        let options = BuildImageOptions {
            dockerfile: dockerfile.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            t: Some(tag.to_owned()),
            rm: true,
            forcerm: true,
            labels: Some(HashMap::new()),
            buildargs: Some(arguments.iter().cloned().collect()),
            ..BuildImageOptions::default()
        };
        let mut progress = self.of_jobs().build_image(options, None, Some(body_try_stream(body)));
        while let Some(step) = progress.next().await {
            let step = step.map_err(|err| err.to_string())?;
            for line in step.stream.iter().flat_map(|it| it.lines()).filter(|it| !it.is_empty()) {
                log.line(line);
            }
            if let Some(err) = step.error_detail {
                return Err(err.message.unwrap_or_else(|| "the engine does not say why".to_owned()));
            }
        }
        let built = self.docker.inspect_image(tag).await.map_err(|err| err.to_string())?;
        built.id.ok_or_else(|| format!("the engine has no image {tag} after its build"))
    }
}
