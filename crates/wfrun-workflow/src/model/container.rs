use wfrun_syntax::{Span, Spanned};

use crate::{EnvMap, Field};

/// `container:` of a job, or one of its services.
#[derive(Debug, Clone)]
pub struct Container {
    /// Its place.
    pub span: Span,
    /// `image:`, or the value that stands for it; an expression there may give the whole mapping. None where only
    /// other keys are written.
    pub image: Option<Field>,
    /// `options:` for the engine.
    pub options: Option<Field>,
    /// `env:`
    pub env: EnvMap,
    /// `ports:`; an expression may give several.
    pub ports: Vec<Field>,
    /// `volumes:`; an expression may give several.
    pub volumes: Vec<Field>,
    /// `credentials:`
    pub credentials: Option<Credentials>,
    /// `entrypoint:`, of a service.
    pub entrypoint: Option<Field>,
    /// `command:`, of a service.
    pub command: Option<Field>,
}

/// Who pulls an image.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    /// `username:`
    pub username: Option<Field>,
    /// `password:`
    pub password: Option<Field>,
}

/// `services:`
#[derive(Debug, Clone, Default)]
pub struct Services {
    /// An expression in the place of the whole.
    pub whole: Option<Field>,
    /// The services, in file order.
    pub list: Vec<Service>,
}

/// One service.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its key, and its name on the network.
    pub id: Spanned<String>,
    /// What is started.
    pub container: Container,
}

impl Services {
    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.whole.is_none() && self.list.is_empty()
    }
}
