use std::collections::HashMap;
use std::fmt;

use bollard::models::{ContainerCreateBody, EndpointSettings, NetworkingConfig};

use super::options::values::publish;
use super::options::{Options, OptionsError};
use crate::BackendError;

/// A container that a job asks for.
#[derive(Debug, Clone, Default)]
pub struct ContainerRequest {
    /// What it is, for messages: `container`, or ``service `db` ``.
    pub what: String,
    /// Its name on the job's network, if it has one.
    pub alias: Option<String>,
    /// The image.
    pub image: String,
    /// Variables; those without a value are not set.
    ///
    /// Source: GitHub: execution rules E8.2.
    pub env: Vec<(String, String)>,
    /// Ports to publish.
    pub ports: Vec<String>,
    /// `source:target`, `source:target:ro` or `target`.
    pub volumes: Vec<String>,
    /// Options of `docker create`, one word each.
    pub options: Vec<String>,
    /// Who pulls the image.
    pub login: Option<Login>,
    /// What to start in place of the image's entrypoint.
    pub entrypoint: Option<String>,
    /// Its arguments.
    pub command: Option<Vec<String>>,
}

/// Who pulls an image.
#[derive(Clone)]
pub struct Login {
    /// The name.
    pub username: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("username", &self.username).field("password", &"***").finish()
    }
}

/// A container that is about to be made.
#[derive(Debug, Clone, Default)]
pub struct PreparedContainer {
    /// Its name.
    pub name: String,
    pub(crate) body: ContainerCreateBody,
}

impl ContainerRequest {
    /// Reads `options` and `ports`; gives back what the engine takes, and the volumes of both.
    ///
    /// Source: GitHub: execution rules E8.2, the order of `docker create`'s arguments.
    pub(crate) fn read(&self, network: &str, labels: &[(String, String)]) -> Result<Read, BackendError> {
        let wrong = |message: String| BackendError::Container { what: self.what.clone(), message };
        let mut options = Options::read(&self.options).map_err(|err| {
            let message = format!("in `options`: {err}");
            match err {
                OptionsError::Wrong(_) => wrong(message),
                OptionsError::NotSupported(_) => BackendError::NotSupported { what: self.what.clone(), message },
            }
        })?;
        for port in &self.ports {
            publish(port, options.bindings()).map_err(|what| wrong(format!("`{port}` of `ports` is not {what}")))?;
        }
        let published: Vec<String> = options.bindings().keys().cloned().collect();
        let Options { mut body, volumes, name, aliases } = options;
        body.exposed_ports.get_or_insert_default().extend(published);
        body.image = Some(self.image.clone());
        body.env = Some(self.env(body.env.take().unwrap_or_default()));
        body.labels.get_or_insert_default().extend(labels.iter().cloned());
        body.host_config.get_or_insert_default().network_mode = Some(network.to_owned());
        let aliases = self.alias.iter().cloned().chain(aliases).collect();
        let endpoint = EndpointSettings { aliases: Some(aliases), ..EndpointSettings::default() };
        let endpoints_config = Some(HashMap::from([(network.to_owned(), endpoint)]));
        body.networking_config = Some(NetworkingConfig { endpoints_config });
        Ok(Read { body, name, volumes: self.volumes.iter().cloned().chain(volumes).collect() })
    }

    /// What stands later wins: `options`, then `env`, then what GitHub sets.
    fn env(&self, given: Vec<String>) -> Vec<String> {
        // A name alone would take the value of whoever calls docker.
        let mut all: Vec<String> = given.into_iter().filter(|it| it.contains('=')).collect();
        all.extend(
            self.env.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name}={value}")),
        );
        all.push("GITHUB_ACTIONS=true".to_owned());
        if !self.env.iter().any(|(name, _)| name == "CI") {
            all.push("CI=true".to_owned());
        }
        all
    }
}

/// What `options` and the other keys make together.
pub(crate) struct Read {
    pub(crate) body: ContainerCreateBody,
    pub(crate) name: Option<String>,
    pub(crate) volumes: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn the_later_wins() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let request = ContainerRequest {
            what: "service `db`".to_owned(),
            alias: Some("db".to_owned()),
            image: "pg".to_owned(),
            env: vec![pair("A", "env"), pair("EMPTY", "")],
            ports: vec!["5432".to_owned()],
            options: words("-e A=options -e B --label mine=1 --network-alias other -v v:/v"),
            ..ContainerRequest::default()
        };
        let read = request.read("net", &[pair("wfrun.run", "7")]).expect("it is right");
        assert_eq!(read.body.env.expect("variables"), ["A=options", "A=env", "GITHUB_ACTIONS=true", "CI=true"]);
        assert_eq!(read.body.exposed_ports.expect("ports"), ["5432/tcp"]);
        let endpoints = read.body.networking_config.and_then(|it| it.endpoints_config).expect("endpoints");
        assert_eq!(endpoints["net"].aliases.as_deref().expect("aliases").join(" "), "db other");
        assert_eq!(read.body.labels.expect("labels").len(), 2);
        assert_eq!(read.volumes, ["v:/v"]);
    }

    #[test]
    fn what_is_wrong_has_its_place() {
        let request =
            ContainerRequest { what: "service `db`".to_owned(), ports: vec!["x".to_owned()], ..Default::default() };
        let err = request.read("net", &[]).map(|_| ()).expect_err("no port").to_string();
        assert!(err.starts_with("service `db`: `x` of `ports` is not a port"), "{err}");
        let request = ContainerRequest { what: "container".to_owned(), options: words("--what"), ..Default::default() };
        let err = request.read("net", &[]).map(|_| ()).expect_err("no option").to_string();
        assert_eq!(err, "container: in `options`: unknown option `--what`");
    }
}
