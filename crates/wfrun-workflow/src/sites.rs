use std::ops::Range;

use wfrun_expr::Expr;
use wfrun_syntax::Span;

use crate::{
    CallSecrets, Concurrency, Container, Defaults, EnvMap, Field, IfField, Job, MapPart, Step, StepKind, Token,
    TokenKind, Workflow,
};

/// One place of a workflow where expressions may stand.
#[derive(Debug, Clone, Copy)]
pub struct Site<'a> {
    /// The job it belongs to, if it belongs to one.
    pub job: Option<&'a Job>,
    /// The step it belongs to, if it belongs to one.
    pub step: Option<&'a Step>,
    /// The key it is the value of, or is below of: `run`, `env`, `if` …
    pub key: &'static str,
    /// What stands there.
    pub value: SiteValue<'a>,
}

/// What stands at a [`Site`].
#[derive(Debug, Clone, Copy)]
pub enum SiteValue<'a> {
    /// A value.
    Field(&'a Field),
    /// A condition.
    If(&'a IfField),
}

impl<'a> Site<'a> {
    /// The expression, if there is one; of a condition with the `success()` that GitHub adds.
    pub fn expr(&self) -> Option<&'a Expr> {
        match self.value {
            SiteValue::Field(field) => field.template.expr(),
            SiteValue::If(condition) => Some(&condition.condition.expr),
        }
    }

    /// Where the whole value stands; of a condition that is not written, nowhere.
    pub fn place(&self) -> Option<Span> {
        match self.value {
            SiteValue::Field(field) => Some(field.node.place()),
            SiteValue::If(condition) => condition.node.as_ref().map(wfrun_syntax::Node::place),
        }
    }

    /// Where a part of the expression stands.
    pub fn span_of(&self, range: &Range<u32>) -> Span {
        match self.value {
            SiteValue::Field(field) => field.span_of(range),
            SiteValue::If(condition) => condition.span_of(range).unwrap_or_default(),
        }
    }
}

/// Returns every place of a workflow where expressions may stand: the root's, then job by job.
pub fn sites(workflow: &Workflow) -> Vec<Site<'_>> {
    let mut visit = Visit { job: None, step: None, found: Vec::new() };
    visit.option("run-name", workflow.run_name.as_ref());
    for event in workflow.on.events.values() {
        event.inputs.values().for_each(|it| visit.option("default", it.default.as_ref()));
        visit.map("outputs", &event.outputs);
    }
    visit.map("env", &workflow.env);
    visit.defaults(&workflow.defaults);
    visit.concurrency(workflow.concurrency.as_ref());
    for job in workflow.jobs.values() {
        visit.job(job);
    }
    visit.found
}

/// Returns every place of a composite action's steps where expressions may stand.
pub fn step_sites(steps: &[Step]) -> Vec<Site<'_>> {
    let mut visit = Visit { job: None, step: None, found: Vec::new() };
    visit.steps(steps);
    visit.found
}

struct Visit<'a> {
    job: Option<&'a Job>,
    step: Option<&'a Step>,
    found: Vec<Site<'a>>,
}

impl<'a> Visit<'a> {
    fn push(&mut self, key: &'static str, value: SiteValue<'a>) {
        self.found.push(Site { job: self.job, step: self.step, key, value });
    }

    fn field(&mut self, key: &'static str, field: &'a Field) {
        self.push(key, SiteValue::Field(field));
    }

    fn option(&mut self, key: &'static str, field: Option<&'a Field>) {
        if let Some(field) = field {
            self.field(key, field);
        }
    }

    fn map(&mut self, key: &'static str, map: &'a EnvMap) {
        for part in &map.parts {
            match part {
                MapPart::Entry(_, field) | MapPart::Whole(field) => self.field(key, field),
                // What makes up names is looked at when it is evaluated.
                MapPart::Computed(..) | MapPart::Insert(_) => {}
            }
        }
    }

    fn defaults(&mut self, defaults: &'a Defaults) {
        self.option("shell", defaults.shell.as_ref());
        self.option("working-directory", defaults.working_directory.as_ref());
    }

    fn concurrency(&mut self, concurrency: Option<&'a Concurrency>) {
        let Some(concurrency) = concurrency else { return };
        self.option("group", concurrency.group.as_ref());
        self.option("cancel-in-progress", concurrency.cancel_in_progress.as_ref());
    }

    fn container(&mut self, container: &'a Container) {
        self.option("image", container.image.as_ref());
        self.option("options", container.options.as_ref());
        self.map("env", &container.env);
        container.ports.iter().for_each(|it| self.field("ports", it));
        container.volumes.iter().for_each(|it| self.field("volumes", it));
        if let Some(credentials) = &container.credentials {
            self.option("username", credentials.username.as_ref());
            self.option("password", credentials.password.as_ref());
        }
        self.option("entrypoint", container.entrypoint.as_ref());
        self.option("command", container.command.as_ref());
    }

    fn job(&mut self, job: &'a Job) {
        self.job = Some(job);
        self.push("if", SiteValue::If(&job.condition));
        self.option("name", job.name.as_ref());
        if let Some(strategy) = &job.strategy {
            self.option("strategy", strategy.whole.as_ref());
            self.option("fail-fast", strategy.fail_fast.as_ref());
            self.option("max-parallel", strategy.max_parallel.as_ref());
        }
        if let Some(call) = &job.call {
            self.map("with", &call.with);
            if let CallSecrets::Named(secrets) = &call.secrets {
                self.map("secrets", secrets);
            }
        }
        job.runs_on.iter().chain(&job.runner_group).for_each(|it| self.field("runs-on", it));
        self.concurrency(job.concurrency.as_ref());
        if let Some(environment) = &job.environment {
            self.field("environment", &environment.name);
            self.option("url", environment.url.as_ref());
        }
        self.map("env", &job.env);
        self.defaults(&job.defaults);
        self.option("timeout-minutes", job.timeout_minutes.as_ref());
        self.option("cancel-timeout-minutes", job.cancel_timeout_minutes.as_ref());
        self.option("continue-on-error", job.continue_on_error.as_ref());
        job.container.iter().for_each(|it| self.container(it));
        self.option("services", job.services.whole.as_ref());
        job.services.list.iter().for_each(|it| self.container(&it.container));
        self.steps(&job.steps);
        self.map("outputs", &job.outputs);
        self.job = None;
    }

    fn steps(&mut self, steps: &'a [Step]) {
        for step in steps {
            self.step = Some(step);
            self.push("if", SiteValue::If(&step.condition));
            self.option("name", step.name.as_ref());
            self.map("env", &step.env);
            self.option("timeout-minutes", step.timeout_minutes.as_ref());
            self.option("continue-on-error", step.continue_on_error.as_ref());
            match &step.kind {
                StepKind::Run(run) => {
                    self.field("run", &run.script);
                    self.option("shell", run.shell.as_ref());
                    self.option("working-directory", run.working_directory.as_ref());
                }
                StepKind::Uses(uses) => self.map("with", &uses.with),
                StepKind::Wait(_) | StepKind::WaitAll | StepKind::Cancel(_) => {}
                StepKind::Parallel(steps) => self.steps(steps),
            }
            self.step = None;
        }
    }
}

/// Goes through the expressions of a token, keys included, with what a range of each is in the file.
pub fn token_expressions(token: &Token) -> Vec<(&Expr, &wfrun_syntax::Node)> {
    let mut found = Vec::new();
    let mut open = vec![token];
    while let Some(token) = open.pop() {
        match &token.kind {
            TokenKind::Expression(template) => found.extend(template.expr().map(|it| (it, &token.node))),
            TokenKind::Sequence(items) => open.extend(items.iter().rev()),
            TokenKind::Mapping(entries) => open.extend(entries.iter().rev().map(|it| &it.value)),
            TokenKind::Null | TokenKind::Bool(_) | TokenKind::Number(_) | TokenKind::Text(_) => {}
        }
    }
    found
}
