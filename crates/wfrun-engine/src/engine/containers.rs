//! Containers and services of a job: what they are to be, and how far they have come.
//!
//! Source: GitHub: execution rules E8.
use std::cell::LazyCell;

use indexmap::IndexMap;
use wfrun_expr::{EvalError, Object, Value};
use wfrun_journal::{AnnotationLevel, How, Outcome, Secret, SkipReason};
use wfrun_plan::{JobKey, StepPath};
use wfrun_syntax::Span;
use wfrun_workflow::{Container, EnvMap, Field, Job, image_name};

use super::Engine;
use super::declared::Skip;
use super::job::evaluate_map;
use crate::scope::{At, Named, Status, env_object, texts};
use crate::state::{JobState, Progress};
use crate::{ContainerSpec, Effect, JobContainers, RegistryLogin, ServiceSpec};

/// How far the containers of a job have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum ContainersState {
    /// It asks for none, or none is being made yet.
    #[default]
    None,
    /// They are being made.
    Starting,
    /// They are there.
    Up,
    /// They are being taken away.
    Stopping,
}

/// What a job asks for.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) container: Option<Box<ContainerSpec>>,
    pub(super) services: Vec<ServiceSpec>,
    /// What is to be told about those that are not started.
    pub(super) notices: Vec<String>,
}

/// A key that cannot be evaluated, where it stands and why.
type Unevaluated = (&'static str, Span, EvalError);

impl Engine {
    /// Evaluates `container` and `services`, or says why the job cannot begin.
    pub(super) fn wanted_containers(&self, key: &JobKey, model: &Job) -> Result<Wanted, Box<Skip>> {
        let Some(state) = self.jobs.get(key) else { return Ok(Wanted::default()) };
        let frame = state.place.frame;
        let own = || {
            let mut contexts = self.leg_contexts(state);
            contexts.set("github", self.job_github(state));
            contexts
        };
        let contexts = LazyCell::new(own);
        let all = LazyCell::new(|| {
            let mut all = own();
            all.set("secrets", self.secrets_of(frame, key));
            // An `env` that cannot be evaluated fails the job later, in its own words.
            all.set("env", env_object(&self.global_env(key).unwrap_or_default()));
            all
        });
        let reading = Reading { contexts: &contexts, all: &all };
        reading
            .wanted(model)
            .map_err(|(what, span, err)| Box::new(self.planning_skip(frame, what, &err.to_string(), Some(span))))
    }

    /// Whether this machine can make what a job asks for; one that it cannot is skipped, never run without.
    pub(super) fn has_containers(&mut self, key: &JobKey, wanted: &Wanted) -> bool {
        let keys: Vec<&str> = [("container", wanted.container.is_some()), ("services", !wanted.services.is_empty())]
            .into_iter()
            .filter_map(|(key, is_wanted)| is_wanted.then_some(key))
            .collect();
        if keys.is_empty() || self.settings.has_containers {
            return true;
        }
        let keys: Vec<String> = keys.into_iter().map(str::to_owned).collect();
        let backend = self.settings.backend.clone();
        let named = keys.join("` and `");
        let detail =
            format!("it asks for `{named}`, and backend `{backend}` makes no containers: use `--backend docker`");
        self.declare(key, None, How::NotRun, &format!("job {key}"), &detail);
        self.skip_leg(key, Skip::new(SkipReason::Containers { keys, backend }, Outcome::Skipped));
        false
    }

    /// The containers of a job are there, or what went wrong.
    pub(super) fn containers_ready(&mut self, key: &JobKey, errors: &[String]) {
        self.entry_ended(key, errors);
        if let Some(state) = self.jobs.get_mut(key).filter(|it| it.containers == ContainersState::Starting) {
            state.containers = ContainersState::Up;
        }
    }

    /// Begins to take a job's containers away, once; whether there are any.
    pub(super) fn stop_containers(&mut self, key: &JobKey) -> bool {
        let path = StepPath::at(self.model(key).map_or(0, |it| it.steps.len()));
        let Some(state) = self.jobs.get_mut(key).filter(|it| it.containers == ContainersState::Up) else {
            return false;
        };
        state.containers = ContainersState::Stopping;
        state.progress = Progress::Stopping;
        self.begin_entry(key, "Stop containers".to_owned(), path);
        self.turn.effects.push(Effect::StopContainers { job: key.clone() });
        true
    }

    /// A job's containers are gone.
    ///
    /// Source: GitHub: execution rules E8.6: what fails then is a warning.
    pub(super) fn containers_stopped(&mut self, key: &JobKey, warnings: &[String]) {
        if !self.end_entry(key, AnnotationLevel::Warning, warnings, Outcome::Success) {
            return;
        }
        if let Some(state) = self.jobs.get_mut(key) {
            state.containers = ContainersState::None;
        }
        self.finish_steps(key);
    }
}

/// `job.container` and `job.services`.
pub(super) fn job_members(state: &JobState) -> Vec<(&'static str, Value)> {
    let Some(JobContainers { network, container, services, errors: _ }) =
        state.environment.as_ref().and_then(|it| it.containers.as_ref())
    else {
        return Vec::new();
    };
    let id = container.iter().map(|it| ("id", Value::string(it)));
    let own: Object = id.chain([("network", Value::string(network))]).collect();
    let service = |(id, it): (&String, &crate::ServiceContainer)| {
        let members = [
            ("id", Value::string(&it.id)),
            ("ports", Value::Object(crate::scope::text_object(&it.ports))),
            ("network", Value::string(network)),
        ];
        (id.clone(), Value::Object(members.into_iter().collect()))
    };
    vec![("container", Value::Object(own)), ("services", Value::Object(services.iter().map(service).collect()))]
}

/// What the keys of containers are read with.
///
/// Source: GitHub: planning rules 1.8: `env` and `credentials` see more than the rest.
struct Reading<'a> {
    contexts: &'a dyn Named,
    all: &'a dyn Named,
}

impl Reading<'_> {
    fn wanted(&self, model: &Job) -> Result<Wanted, Unevaluated> {
        let container = match &model.container {
            Some(container) => self.container("container", container)?,
            None => None,
        };
        let mut wanted = Wanted { container: container.map(Box::new), ..Wanted::default() };
        for service in &model.services.list {
            let found = self.container("services", &service.container)?;
            wanted.add(&service.id.value, found);
        }
        if let Some(whole) = &model.services.whole {
            let given = value("services", whole, self.contexts)?;
            for (id, value) in given.as_object().into_iter().flat_map(Object::iter) {
                wanted.add(id, given_container(value));
            }
        }
        Ok(wanted)
    }

    fn container(&self, what: &'static str, it: &Container) -> Result<Option<ContainerSpec>, Unevaluated> {
        let image = match &it.image {
            Some(image) => value(what, image, self.contexts)?,
            None => Value::Null,
        };
        if image.as_object().is_some() {
            return Ok(given_container(&image));
        }
        let Some(image) = plain_image(&image.to_text()) else { return Ok(None) };
        let list = |fields: &[Field]| -> Result<Vec<String>, Unevaluated> {
            let mut all = Vec::new();
            for field in fields {
                all.extend(texts(&value(what, field, self.contexts)?).into_iter().filter(|it| !it.is_empty()));
            }
            Ok(all)
        };
        let credentials = match &it.credentials {
            Some(it) => {
                let username = text("credentials", it.username.as_ref(), self.all)?;
                login(username, text("credentials", it.password.as_ref(), self.all)?)
            }
            None => None,
        };
        let optional = |field: &Option<Field>| text(what, field.as_ref(), self.contexts).map(not_empty);
        Ok(Some(ContainerSpec {
            image,
            env: self.env(what, &it.env, it.span)?,
            ports: list(&it.ports)?,
            volumes: list(&it.volumes)?,
            options: text(what, it.options.as_ref(), self.contexts)?,
            credentials,
            entrypoint: optional(&it.entrypoint)?,
            command: optional(&it.command)?,
        }))
    }

    fn env(&self, what: &'static str, env: &EnvMap, span: Span) -> Result<IndexMap<String, String>, Unevaluated> {
        let at = At { contexts: self.all, status: Status::None, hashes: None };
        evaluate_map(env, &at).map_err(|err| (what, span, err))
    }
}

impl Wanted {
    fn add(&mut self, id: &str, container: Option<ContainerSpec>) {
        match container {
            Some(container) => self.services.push(ServiceSpec { id: id.to_owned(), container }),
            None => self.notices.push(format!(
                "The service '{id}' will not be started because the container definition has an empty image."
            )),
        }
    }
}

fn value(what: &'static str, field: &Field, contexts: &dyn Named) -> Result<Value, Unevaluated> {
    let at = At { contexts, status: Status::None, hashes: None };
    field.template.evaluate(&at).map(|it| it.value().clone()).map_err(|err| (what, field.span(), err))
}

fn text(what: &'static str, field: Option<&Field>, contexts: &dyn Named) -> Result<String, Unevaluated> {
    field.map_or(Ok(String::new()), |it| value(what, it, contexts).map(|it| it.to_text()))
}

/// A container whose keys an expression gave.
fn given_container(value: &Value) -> Option<ContainerSpec> {
    let Some(keys) = value.as_object() else {
        return plain_image(&value.to_text()).map(|image| ContainerSpec { image, ..ContainerSpec::default() });
    };
    let text = |key: &str| keys.get(key).map(Value::to_text).unwrap_or_default();
    let list = |key: &str| keys.get(key).map(texts).unwrap_or_default();
    let env = keys.get("env").and_then(Value::as_object);
    let member = |(name, value): (&str, &Value)| (name.to_owned(), value.to_text());
    let credentials = keys.get("credentials").and_then(Value::as_object).and_then(|it| {
        let text = |key: &str| it.get(key).map(Value::to_text).unwrap_or_default();
        login(text("username"), text("password"))
    });
    Some(ContainerSpec {
        image: plain_image(&text("image"))?,
        env: env.into_iter().flat_map(Object::iter).map(member).collect(),
        ports: list("ports"),
        volumes: list("volumes"),
        options: text("options"),
        credentials,
        entrypoint: not_empty(text("entrypoint")),
        command: not_empty(text("command")),
    })
}

/// An image without its `docker://`; none where nothing is left.
fn plain_image(image: &str) -> Option<String> {
    not_empty(image_name(image).unwrap_or(image).to_owned())
}

fn login(username: String, password: String) -> Option<RegistryLogin> {
    let is_given = !username.is_empty() || !password.is_empty();
    is_given.then(|| RegistryLogin { username, password: Secret::new(password) })
}

fn not_empty(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
