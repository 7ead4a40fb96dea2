//! The builders that the job has made: which there are, and which is used.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::standins::error::StandInError;
use crate::standins::toolkit;

/// The builder that every engine has.
pub(in crate::standins) const DEFAULT: &str = "default";
/// The driver that keeps images in the engine.
pub(super) const DOCKER_DRIVER: &str = "docker";

/// The builders of a job, by name, with the driver that was asked for.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::standins) struct Builders {
    drivers: BTreeMap<String, String>,
    current: Option<String>,
    /// Where they are kept.
    #[serde(skip)]
    file: PathBuf,
}

impl Builders {
    /// Those of this job so far.
    pub(super) fn read() -> Result<Self, StandInError> {
        Ok(Self::of(&toolkit::path_variable("RUNNER_TEMP")?))
    }

    /// Those that are kept in a folder.
    pub(in crate::standins) fn of(folder: &Path) -> Self {
        let file = folder.join("wfrun-buildx-builders.json");
        let text = fs::read_to_string(&file).unwrap_or_default();
        Self { file, ..serde_json::from_str(&text).unwrap_or_default() }
    }

    /// Adds one, and keeps that.
    pub(in crate::standins) fn add(mut self, name: &str, driver: &str, is_used: bool) -> Result<(), StandInError> {
        self.drivers.insert(name.to_owned(), driver.to_owned());
        if is_used {
            self.current = Some(name.to_owned());
        }
        self.keep()
    }

    /// Takes one for what names none, and keeps that.
    pub(in crate::standins) fn take(mut self, name: &str) -> Result<(), StandInError> {
        self.current = Some(name.to_owned());
        self.keep()
    }

    /// Takes one away, and keeps that.
    pub(in crate::standins) fn remove(mut self, name: &str) -> Result<(), StandInError> {
        self.drivers.remove(name);
        self.current = self.current.filter(|it| it != name);
        self.keep()
    }

    pub(in crate::standins) fn has(&self, name: &str) -> bool {
        self.driver_of(name).is_some()
    }

    /// The first builder that is asked for (by an option, then by `BUILDX_BUILDER`), or the one that a step took where none is.
    pub(in crate::standins) fn choose(&self, asked: [&str; 2]) -> String {
        let named = asked.into_iter().find(|it| !it.is_empty());
        named.or(self.current.as_deref()).unwrap_or(DEFAULT).to_owned()
    }

    /// The driver of a builder; `None` where there is no such builder.
    pub(in crate::standins) fn driver_of(&self, name: &str) -> Option<&str> {
        let driver = self.drivers.get(name).map(String::as_str);
        driver.or_else(|| (name == DEFAULT).then_some(DOCKER_DRIVER))
    }

    fn keep(&self) -> Result<(), StandInError> {
        let text = serde_json::to_string(self).unwrap_or_default();
        if let Some(folder) = self.file.parent() {
            fs::create_dir_all(folder).map_err(StandInError::file("create", folder))?;
        }
        fs::write(&self.file, text).map_err(StandInError::file("write", &self.file))
    }
}
