//! Containers that a job asks for, and what became of them.
use indexmap::IndexMap;
use wfrun_journal::Secret;

/// A container that a job asks for: `container:` or one of its services, evaluated.
#[derive(Debug, Clone, Default)]
pub struct ContainerSpec {
    /// The image, without `docker://`; never empty.
    pub image: String,
    /// Variables. Source: GitHub: execution rules E8.2: one without a value is not set.
    pub env: IndexMap<String, String>,
    /// Ports to publish, as `docker create --publish` takes them.
    pub ports: Vec<String>,
    /// Volumes: `source:target`, `source:target:ro` or `target`.
    pub volumes: Vec<String>,
    /// Options of `docker create`, as one text.
    pub options: String,
    /// Who pulls the image, where it is not for everybody.
    pub credentials: Option<RegistryLogin>,
    /// What to start in place of the image's entrypoint; services only.
    pub entrypoint: Option<String>,
    /// Its arguments, as one text; services only.
    pub command: Option<String>,
}

/// Who pulls an image.
#[derive(Debug, Clone)]
pub struct RegistryLogin {
    /// The name.
    pub username: String,
    /// The password.
    pub password: Secret,
}

/// A service that a job asks for.
#[derive(Debug, Clone)]
pub struct ServiceSpec {
    /// Its key, and its name on the job's network.
    pub id: String,
    /// What is started.
    pub container: ContainerSpec,
}

/// The containers of a job that is open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobContainers {
    /// `job.container.network`
    pub network: String,
    /// `job.container.id`, where the job itself runs in a container that it asked for.
    pub container: Option<String>,
    /// `job.services`
    pub services: IndexMap<String, ServiceContainer>,
    /// What went wrong; with anything here no step runs but those with `always()` or `failure()`.
    pub errors: Vec<String>,
}

/// A service that runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceContainer {
    /// The container's id.
    pub id: String,
    /// The ports of this machine by those of the container.
    pub ports: IndexMap<String, String>,
}
