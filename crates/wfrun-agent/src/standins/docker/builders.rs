//! The builders that the job has made: which there are, and which is used.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::standins::error::StandInError;
use crate::standins::toolkit;

/// The builder that every engine has.
pub(super) const DEFAULT: &str = "default";
/// The driver that keeps images in the engine.
pub(super) const DOCKER_DRIVER: &str = "docker";

/// The builders of a job, by name, with the driver that was asked for.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Builders {
    drivers: BTreeMap<String, String>,
    current: Option<String>,
}

impl Builders {
    /// Those of this job so far.
    pub(super) fn read() -> Result<Self, StandInError> {
        let text = fs::read_to_string(file()?).unwrap_or_default();
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }

    /// Adds one, and keeps that.
    pub(super) fn add(mut self, name: &str, driver: &str, is_used: bool) -> Result<(), StandInError> {
        self.drivers.insert(name.to_owned(), driver.to_owned());
        if is_used {
            self.current = Some(name.to_owned());
        }
        self.keep()
    }

    /// Takes one away, and keeps that.
    pub(super) fn remove(mut self, name: &str) -> Result<(), StandInError> {
        self.drivers.remove(name);
        self.current = self.current.filter(|it| it != name);
        self.keep()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.driver_of(name).is_some()
    }

    /// The builder asked for, or the one in use where none is: that of the step's `BUILDX_BUILDER`, or what a step took.
    pub(super) fn choose(&self, asked: &str) -> String {
        let named = [asked.to_owned(), toolkit::variable("BUILDX_BUILDER")].into_iter().find(|it| !it.is_empty());
        named.or_else(|| self.current.clone()).unwrap_or_else(|| DEFAULT.to_owned())
    }

    /// The driver of a builder; `None` where there is no such builder.
    pub(super) fn driver_of(&self, name: &str) -> Option<&str> {
        let driver = self.drivers.get(name).map(String::as_str);
        driver.or_else(|| (name == DEFAULT).then_some(DOCKER_DRIVER))
    }

    fn keep(&self) -> Result<(), StandInError> {
        let path = file()?;
        let text = serde_json::to_string(self).unwrap_or_default();
        fs::write(&path, text).map_err(StandInError::file("write", &path))
    }
}

fn file() -> Result<PathBuf, StandInError> {
    Ok(toolkit::path_variable("RUNNER_TEMP")?.join("wfrun-buildx-builders.json"))
}
