//! Goes through jobs, their legs, and what they call.
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use wfrun_expr::{Array, Object, Value};
use wfrun_syntax::{Source, Span};
use wfrun_workflow::{
    Container, Field, FileRef, Job, RunsKind, Step, StepKind, UsesStep, UsesTarget, Workflow, WorkflowSet, image_name,
};

use super::scope::{Inputs, Known};
use super::tools::{Asked, asked};
use super::walk::{ActionPlace, TooDeep, UsedTarget, used_by, walk};
use super::{Dependencies, Dependency, Dockerfile, Given, LoadedAction, Needed, NotKnown, When};
use crate::outlook::{call_values, field_if_known, open_parts};
use crate::{Combination, ExpandError, Expansion, expand};

/// Calls with different inputs are looked at one by one, up to so many.
const MOST_CALLS: usize = 2000;

pub(super) fn read(
    set: &WorkflowSet,
    given: &Given,
    load: &mut dyn FnMut(&ActionPlace) -> Option<LoadedAction>,
) -> Dependencies {
    let mut reading = Reading {
        set,
        github: Value::Object(given.github.clone()),
        vars: given.vars.clone().map(Value::Object),
        load,
        loaded: HashMap::new(),
        walked: HashSet::new(),
        calls: HashSet::new(),
        found: Dependencies::default(),
    };
    let file = FileRef { repository: None, path: set.root.source.path().to_owned() };
    reading.workflow(&set.root, &file, &Inputs::given(given.inputs.as_ref()));
    reading.found
}

struct Reading<'a> {
    set: &'a WorkflowSet,
    github: Value,
    vars: Option<Value>,
    load: &'a mut dyn FnMut(&ActionPlace) -> Option<LoadedAction>,
    loaded: HashMap<ActionPlace, Option<Arc<LoadedAction>>>,
    /// What steps of workflows use, with all that it uses in turn: the same for every leg.
    walked: HashSet<ActionPlace>,
    /// Files with the inputs that they were called with.
    calls: HashSet<String>,
    found: Dependencies,
}

/// Where something stands, and how it is used.
#[derive(Clone)]
struct At<'a> {
    source: &'a Arc<Source>,
    span: Span,
    target: Option<&'a UsesTarget>,
    by: Option<&'a ActionPlace>,
    role: String,
    when: When,
}

impl At<'_> {
    fn needed(&self, dependency: Dependency) -> Needed {
        Needed {
            dependency,
            when: self.when,
            source: Arc::clone(self.source),
            span: self.span,
            target: self.target.cloned(),
            by: self.by.cloned(),
            role: self.role.clone(),
        }
    }
}

impl Reading<'_> {
    fn workflow(&mut self, workflow: &Workflow, file: &FileRef, inputs: &Inputs) {
        if !self.calls.insert(format!("{file:?} {inputs:?}")) {
            return;
        }
        if self.calls.len() > MOST_CALLS {
            let (source, what) =
                (Arc::clone(&workflow.source), format!("calls with more than {MOST_CALLS} sets of inputs"));
            let (text, parts) = (file.to_string(), vec!["inputs".to_owned()]);
            self.found.is_open(NotKnown { kind: "image", source, span: Span::default(), what, text, parts });
            return;
        }
        let (github, vars) = (self.github.clone(), self.vars.clone());
        let known = Known {
            github: &github,
            vars: vars.as_ref(),
            inputs,
            strategy: Value::Null,
            matrix: Value::Null,
            unknown_matrix: false,
            env: indexmap::IndexMap::new(),
        };
        let known = known.with_env(&workflow.env);
        for job in workflow.jobs.values() {
            let only = || Combination { total: 1, ..Combination::default() };
            let (legs, is_open) = match expand(job.strategy.as_ref(), &known) {
                Ok(expansion) => (expansion, false),
                Err(ExpandError::NotYet(_)) => (Expansion { combinations: vec![only()], ..Expansion::single() }, true),
                // Such a job fails before it needs anything.
                Err(_) => continue,
            };
            for leg in &legs.combinations {
                let leg = Known {
                    strategy: Value::Object(legs.strategy_context(leg)),
                    matrix: leg.matrix_context(),
                    unknown_matrix: is_open,
                    ..known.clone()
                };
                self.job(workflow, job, file, &leg);
            }
        }
    }

    fn job(&mut self, workflow: &Workflow, job: &Job, file: &FileRef, leg: &Known<'_>) {
        let source = &workflow.source;
        let id = &job.id.value;
        let at = |span: Span, role: String| At { source, span, target: None, by: None, role, when: When::SetUp };
        if let Some(call) = &job.call {
            let called = file.resolve(&call.target.value);
            let role = format!("called by job `{id}`");
            self.found.need(at(call.target.span, role).needed(Dependency::Workflow(called.clone())));
            if let Some(callee) = self.set.called.get(&called).cloned() {
                let inputs = Inputs::of_call(&call_values(self.set, call, file, leg));
                self.workflow(&callee, &called, &inputs);
            }
            return;
        }
        if let Some(container) = job.container.as_ref().filter(|it| !is_known_to_be_none(it, leg)) {
            self.container(container, &at(container.span, format!("container of job `{id}`")), leg);
        } else {
            for field in &job.runs_on {
                let at = at(field.span(), format!("`runs-on` of job `{id}`"));
                for label in self.texts("runner", field, &at, leg) {
                    self.found.need(at.needed(Dependency::Runner(label)));
                }
            }
        }
        for service in &job.services.list {
            let role = format!("service `{}` of job `{id}`", service.id.value);
            self.container(&service.container, &at(service.container.span, role), leg);
        }
        if let Some(whole) = &job.services.whole {
            self.services(whole, &at(whole.span(), format!("services of job `{id}`")), leg);
        }
        self.steps(&job.steps, source, &format!("job `{id}`"), &|| leg.clone().with_env(&job.env));
    }

    /// Services that an expression makes up.
    fn services(&mut self, whole: &Field, at: &At<'_>, leg: &Known<'_>) {
        match field_if_known(whole, leg) {
            Some(Value::Object(services)) => {
                for (name, service) in services.iter() {
                    let role = format!("service `{name}` of {}", at.role.trim_start_matches("services of "));
                    self.image_of(service, &At { role, ..at.clone() });
                }
            }
            Some(_) => {}
            None => self.open("image", whole, at, leg),
        }
    }

    fn container(&mut self, container: &Container, at: &At<'_>, leg: &Known<'_>) {
        let Some(image) = &container.image else { return };
        let at = At { span: image.span(), ..at.clone() };
        match field_if_known(image, leg) {
            Some(value) => self.image_of(&value, &at),
            None => self.open("image", image, &at, leg),
        }
    }

    /// An image, or a mapping that has one. Source: GitHub: execution rules E8.1: an empty one is no container.
    fn image_of(&mut self, value: &Value, at: &At<'_>) {
        let text = match value {
            Value::Object(all) => all.get("image").map(Value::to_text).unwrap_or_default(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => value.to_text(),
        };
        self.image(&text, at);
    }

    fn image(&mut self, text: &str, at: &At<'_>) {
        let name = image_name(text).unwrap_or(text);
        if !name.is_empty() {
            self.found.need(at.needed(Dependency::Image(name.to_owned())));
        }
    }

    /// The texts that a field stands for: an expression may give several. What is not known is said.
    fn texts(&mut self, kind: &'static str, field: &Field, at: &At<'_>, leg: &Known<'_>) -> Vec<String> {
        match field_if_known(field, leg) {
            Some(Value::Array(items)) => Array::iter(&items).map(Value::to_text).collect(),
            // `runs-on: ${{ … }}` may give `{group, labels}`.
            Some(Value::Object(all)) => match all.get("labels") {
                Some(Value::Array(items)) => Array::iter(items).map(Value::to_text).collect(),
                Some(label) => vec![label.to_text()],
                None => Vec::new(),
            },
            Some(value) => vec![value.to_text()],
            None => {
                self.open(kind, field, at, leg);
                Vec::new()
            }
        }
    }

    fn open(&mut self, kind: &'static str, field: &Field, at: &At<'_>, leg: &Known<'_>) {
        let (source, what) = (Arc::clone(at.source), at.role.clone());
        let parts = open_parts(field, leg);
        self.found.is_open(NotKnown { kind, source, span: field.span(), what, text: field.raw(), parts });
    }

    /// `scope` makes the contexts of the job: few steps have anything that needs them.
    fn steps<'k>(&mut self, steps: &[Step], source: &Arc<Source>, role: &str, scope: &dyn Fn() -> Known<'k>) {
        for step in steps {
            match &step.kind {
                StepKind::Uses(uses) => {
                    let at = At {
                        source,
                        span: uses.target.span,
                        target: Some(&uses.target.value),
                        by: None,
                        role: format!("step of {role}"),
                        when: When::SetUp,
                    };
                    self.uses(uses, &at, &|| scope().with_env(&step.env));
                }
                StepKind::Parallel(steps) => self.steps(steps, source, role, scope),
                StepKind::Run(_) | StepKind::Wait(_) | StepKind::WaitAll | StepKind::Cancel(_) => {}
            }
        }
    }

    fn uses<'k>(&mut self, uses: &UsesStep, at: &At<'_>, scope: &dyn Fn() -> Known<'k>) {
        let target = &uses.target.value;
        let Some(place) = ActionPlace::of(target) else {
            let UsesTarget::Docker(image) = target else { return };
            // A step before may have built it.
            self.image(image, &At { when: When::Step, ..at.clone() });
            return;
        };
        // GitHub looks for its own repository's when the step's turn comes.
        let when = if matches!(place, ActionPlace::Own(_)) { When::Step } else { When::SetUp };
        let at = At { when, ..at.clone() };
        self.tool(&place, uses, &at, scope);
        self.action(place, &at);
    }

    fn tool<'k>(&mut self, place: &ActionPlace, uses: &UsesStep, at: &At<'_>, scope: &dyn Fn() -> Known<'k>) {
        let Some(Asked { name, input, field, is_file }) = place.repository().and_then(|it| asked(it, uses)) else {
            return;
        };
        let at = At { role: format!("`{input}` of {}", at.role), when: When::Step, ..at.clone() };
        if is_file {
            let (source, text) = (Arc::clone(at.source), field.raw());
            let parts = vec![text.clone()];
            self.found.is_open(NotKnown { kind: "tool", source, span: field.span(), what: at.role, text, parts });
            return;
        }
        for text in self.texts("tool", field, &at, &scope()) {
            for version in text.lines().map(str::trim).filter(|it| !it.is_empty()) {
                self.found.need(at.needed(Dependency::Tool { name, version: version.to_owned() }));
            }
        }
    }

    /// An action and all that it uses in turn.
    fn action(&mut self, place: ActionPlace, at: &At<'_>) {
        if !self.walked.insert(place.clone()) {
            return;
        }
        let end = walk(&[place], &mut |visit| {
            // What is in the work tree is looked for late, and so is what it uses.
            let user =
                visit.by.and_then(|it| self.found.needed.get(&Dependency::from(it))).map_or(at.when, |it| it.when);
            let when = if matches!(visit.action, ActionPlace::Own(_)) { When::Step } else { user };
            let at = At { by: visit.by.or(at.by), when, ..at.clone() };
            self.found.need(at.needed(visit.action.into()));
            let loaded = self.loaded.entry(visit.action.clone());
            let loaded = loaded.or_insert_with(|| (self.load)(visit.action).map(Arc::new)).clone()?;
            // Also of one that was loaded before: this user may need it sooner.
            self.content(visit.action, &loaded, &at);
            Some(Arc::clone(&loaded.manifest))
        });
        if let Some(TooDeep { action: ActionPlace::Repository(action), wanted: _ }) = end {
            let is_told = self.found.too_deep.iter().any(|(it, _)| *it == action);
            if !is_told {
                let needed = at.needed(Dependency::Action(action.clone()));
                self.found.too_deep.push((action, needed));
            }
        }
    }

    /// What an action needs besides other actions.
    fn content(&mut self, place: &ActionPlace, loaded: &LoadedAction, at: &At<'_>) {
        let manifest = &*loaded.manifest;
        let role = format!("action `{place}`");
        let at = At { by: Some(place), role: role.clone(), ..at.clone() };
        match &manifest.runs.kind {
            RunsKind::Node { .. } => self.found.need(at.needed(Dependency::Node(manifest.runs.using.value.clone()))),
            RunsKind::Container { image, .. } => match (image_name(image), &loaded.dockerfile) {
                (Some(name), _) => self.image(name, &at),
                (None, Some(dockerfile)) => {
                    self.dockerfile(dockerfile, &At { role: format!("Dockerfile of {role}"), ..at });
                }
                (None, None) => {}
            },
            RunsKind::Composite(_) => {
                let inputs = Inputs::open();
                let github = Value::Object(Object::default());
                let scope = || Known {
                    github: &github,
                    vars: None,
                    inputs: &inputs,
                    strategy: Value::Null,
                    matrix: Value::Null,
                    unknown_matrix: true,
                    env: indexmap::IndexMap::new(),
                };
                for used in used_by(manifest, place) {
                    match used.target {
                        UsedTarget::Image(image) => self.image(&image, &At { when: When::Step, ..at.clone() }),
                        UsedTarget::Action(inner) => {
                            let at = At { source: &manifest.source, span: used.span, target: None, ..at.clone() };
                            self.tool(&inner, used.step, &at, &scope);
                        }
                    }
                }
            }
        }
    }

    /// What building an action's image needs.
    fn dockerfile(&mut self, dockerfile: &Dockerfile, at: &At<'_>) {
        for image in &dockerfile.images {
            self.image(image, at);
        }
        let open = |kind: &'static str, what: String, text: &str, part: &str| NotKnown {
            kind,
            source: Arc::clone(at.source),
            span: at.span,
            what,
            text: text.to_owned(),
            parts: vec![part.to_owned()],
        };
        if let Some(line) = &dockerfile.run {
            let what = format!("what `RUN` lines of the {} fetch", at.role);
            self.found.is_open(open("build", what, line, "the network"));
        }
        for text in &dockerfile.open {
            self.found.is_open(open("image", at.role.clone(), text, text));
        }
    }
}

/// Whether a job with this container runs on its runner all the same. Source: GitHub: execution rules E8.1.
fn is_known_to_be_none(container: &Container, leg: &Known<'_>) -> bool {
    let image = container.image.as_ref().and_then(|it| field_if_known(it, leg));
    image.is_some_and(|it| it.to_text().is_empty())
}
