use super::DockerBackend;
use crate::BackendError;

/// What an engine says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EngineFacts {
    /// Its address.
    pub address: String,
    /// Its version, `27.3.1`.
    pub version: String,
    /// The version of its API that is spoken with it.
    pub api: String,
    /// `1` or `2`; empty where it does not say.
    pub cgroups: String,
    /// How it keeps layers: `overlay2`.
    pub driver: String,
    /// Whether it runs without root: then the machine's network that jobs see is another one's.
    pub is_rootless: bool,
}

impl DockerBackend {
    /// Asks the engine.
    pub async fn facts(&self) -> Result<EngineFacts, BackendError> {
        let failed = |err| BackendError::Engine { action: "say what it is".to_owned(), err };
        let (version, info) = tokio::try_join!(self.docker.version(), self.docker.info()).map_err(failed)?;
        let options = info.security_options.unwrap_or_default();
        Ok(EngineFacts {
            address: format!("unix://{}", self.socket),
            version: version.version.unwrap_or_default(),
            api: self.docker.client_version().to_string(),
            cgroups: info.cgroup_version.map(|it| it.to_string()).unwrap_or_default(),
            driver: info.driver.unwrap_or_default(),
            is_rootless: options.iter().any(|it| it.contains("rootless")),
        })
    }
}
