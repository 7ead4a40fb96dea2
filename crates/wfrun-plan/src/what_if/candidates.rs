use wfrun_expr::{Expr, ExprKind, Value};
use wfrun_workflow::{EventConfig, EventSpec, InputKind, Workflow};

use super::Change;
use super::texts::{compared, examples, fixed, fixed_list, texts_with};
use crate::{JobKey, JobOutlook, Outlook, Reason, World};

/// The changes that may turn a job's verdict round: what its condition and those before it compare, and what the
/// workflow's triggers let through. The nearest to the situation come first.
///
/// `given_type` is the activity type that the command line gives: it stays when options are added.
pub fn candidates(
    outlook: &Outlook,
    job: &JobOutlook,
    root: &Workflow,
    world: &World,
    given_type: Option<&str>,
) -> Vec<Change> {
    let mut pool = Pool::new(root, world, given_type);
    for job in chain(outlook, job) {
        let Some(model) = job.model() else { continue };
        let condition = &model.condition.condition.expr;
        pool.needs = job.needs.iter().map(ToString::to_string).collect();
        for part in condition.walk() {
            pool.part(part);
        }
        pool.truths(condition);
        if condition.calls("failure") || condition.calls("success") {
            pool.results(&["failure", "success"]);
        }
    }
    pool.triggers();
    // A stable sort: of one kind, what conditions name comes before what is made up.
    pool.changes.sort_by_key(Change::distance);
    pool.changes
}

/// Sets of changes that together make the conditions of a job and of those before it true, as far as single parts of them
/// say how: more of them than can be found by trying all sets of so many.
pub fn directed(
    outlook: &Outlook,
    job: &JobOutlook,
    root: &Workflow,
    world: &World,
    given_type: Option<&str>,
) -> Vec<Vec<Change>> {
    let mut pool = Pool::new(root, world, given_type);
    let mut all: Vec<Vec<Change>> = Vec::new();
    for job in chain(outlook, job) {
        let Some(model) = job.model() else { continue };
        pool.needs = job.needs.iter().map(ToString::to_string).collect();
        let own = pool.ways(&model.condition.condition.expr, true);
        all = if all.is_empty() { own } else { both(&all, &own) };
    }
    // Inputs are for a run by hand.
    if root.on.event("workflow_dispatch").is_some() {
        pool.event("workflow_dispatch");
    }
    if let Some(by_hand) = pool.changes.first() {
        let has_input = |it: &&Vec<Change>| it.iter().any(|it| matches!(it, Change::Input { .. }));
        let more = both(&all.iter().filter(has_input).cloned().collect::<Vec<_>>(), &[vec![by_hand.clone()]]);
        all.extend(more);
    }
    all.retain(|it| it.len() > 1);
    all
}

/// So many ways to make a condition true are followed.
const MOST_WAYS: usize = 8;

/// Each of one with each of the other; what contradicts itself is none.
fn both(one: &[Vec<Change>], other: &[Vec<Change>]) -> Vec<Vec<Change>> {
    let joined = one.iter().flat_map(|a| {
        other.iter().filter_map(move |b| {
            let more: Vec<Change> = b.iter().filter(|it| !a.contains(it)).cloned().collect();
            let fits = |it: &Change| a.iter().all(|other| !it.contradicts(other));
            more.iter().all(fits).then(|| [a.clone(), more].concat())
        })
    });
    joined.take(MOST_WAYS).collect()
}

/// The job, the jobs before it, and the same for its callers; and what it calls, if that is why it is skipped.
fn chain<'o>(outlook: &'o Outlook, job: &'o JobOutlook) -> Vec<&'o JobOutlook> {
    let mut all = vec![job];
    let mut next = 0;
    while let Some(job) = all.get(next).copied() {
        for key in job.needs.iter().chain(&job.caller) {
            let found = outlook
                .jobs
                .iter()
                .chain(&outlook.uncalled)
                .find(|it| it.key == *key || it.legs.iter().any(|leg| leg.key == *key));
            all.extend(found.filter(|it| !all.iter().any(|other| std::ptr::eq(*other, *it))));
        }
        if matches!(job.reason, Some(Reason::Called { .. })) {
            let is_caller = |key: &JobKey| job.legs.iter().any(|it| it.key == *key);
            let called = outlook.jobs.iter().filter(|it| it.caller.as_ref().is_some_and(is_caller));
            all.extend(called.filter(|it| !all.iter().any(|other| std::ptr::eq(*other, *it))).collect::<Vec<_>>());
        }
        next += 1;
    }
    all
}

struct Pool<'a> {
    root: &'a Workflow,
    world: &'a World,
    given_type: Option<&'a str>,
    /// The needs of the job whose condition is looked at, by key.
    needs: Vec<String>,
    changes: Vec<Change>,
}

impl<'a> Pool<'a> {
    fn new(root: &'a Workflow, world: &'a World, given_type: Option<&'a str>) -> Self {
        Self { root, world, given_type, needs: Vec::new(), changes: Vec::new() }
    }

    /// Sets of changes that make a condition true, or false. A part of which nothing is known is taken to be right.
    fn ways(&mut self, expr: &Expr, wanted: bool) -> Vec<Vec<Change>> {
        match (&expr.kind, wanted) {
            (ExprKind::Not(operand), _) => self.ways(operand, !wanted),
            (ExprKind::And(operands), true) | (ExprKind::Or(operands), false) => {
                let mut all = vec![Vec::new()];
                for operand in operands {
                    all = both(&all, &self.ways(operand, wanted));
                }
                all
            }
            (ExprKind::And(operands), false) | (ExprKind::Or(operands), true) => {
                operands.iter().flat_map(|it| self.ways(it, wanted)).take(MOST_WAYS).collect()
            }
            (
                ExprKind::Literal(_)
                | ExprKind::Context(_)
                | ExprKind::Index { .. }
                | ExprKind::Call { .. }
                | ExprKind::Compare { .. },
                _,
            ) => {
                let before = std::mem::take(&mut self.changes);
                expr.walk().for_each(|it| self.part(it));
                self.truths(expr);
                let own = std::mem::replace(&mut self.changes, before);
                if own.is_empty() { vec![Vec::new()] } else { own.into_iter().take(2).map(|it| vec![it]).collect() }
            }
        }
    }

    /// Adds a change, if it is one and can be typed.
    fn add(&mut self, change: Change) {
        let event = &self.world.event;
        let is_there = match &change {
            Change::Event { event: name, .. } => *name == event.name,
            Change::Type { activity } => event.activity.as_ref() == Some(activity),
            Change::Actor { actor } => *actor == event.actor,
            Change::Repository { repository } => *repository == event.repository,
            Change::Changed { .. }
            | Change::Ref { .. }
            | Change::Base { .. }
            | Change::Head { .. }
            | Change::Schedule { .. }
            | Change::Input { .. }
            | Change::Var { .. }
            | Change::Result { .. } => false,
        };
        // What begins so would be taken for an option.
        let is_typed = change.flags().iter().skip(1).step_by(2).all(|it| !it.starts_with('-'));
        if !is_there && is_typed && !self.changes.contains(&change) {
            self.changes.push(change);
        }
    }

    /// An event, with the activity type that the command line gives, and without where the event does not have it.
    fn event(&mut self, name: &str) {
        let types = EventSpec::find(name).map(|it| it.types).unwrap_or_default();
        let has = |it: &str| types.contains(&it) || name == "repository_dispatch";
        if self.given_type.is_none_or(has) {
            self.add(Change::Event { event: name.to_owned(), drops_type: false });
        }
        if self.given_type.is_some_and(|it| !types.contains(&it)) {
            self.add(Change::Event { event: name.to_owned(), drops_type: true });
            // Together with another type.
            self.add(Change::Event { event: name.to_owned(), drops_type: false });
        }
    }

    fn results(&mut self, results: &[&str]) {
        for job in self.needs.clone() {
            for result in results {
                self.add(Change::Result { job: job.clone(), result: (*result).to_owned() });
            }
        }
    }

    /// A comparison of a context with something that is known, or a test of its text.
    fn part(&mut self, part: &Expr) {
        if let ExprKind::Call { function, args } = &part.kind {
            self.test(&function.to_ascii_lowercase(), args);
        }
        let ExprKind::Compare { op, left, right } = &part.kind else { return };
        for (one, other) in [(left, right), (right, left)] {
            let Some(path) = one.path() else { continue };
            let Some(value) = fixed(other).cloned().or_else(|| self.now(other)) else { continue };
            for value in compared(*op, &value) {
                self.assign(&path, &value);
            }
            if other.path().is_none() {
                self.others(&path, &value.to_text());
            }
        }
    }

    /// What a context is now.
    fn now(&self, expr: &Expr) -> Option<Value> {
        let path: Vec<String> = expr.path()?.iter().map(|it| it.to_ascii_lowercase()).collect();
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let event = &self.world.event;
        let text = |it: &str| Some(Value::from(it));
        match path.as_slice() {
            ["vars", name] => self.world.vars.get(name).cloned(),
            ["inputs", name] => self.world.inputs.as_object()?.get(name).cloned(),
            ["github", "ref"] => text(&event.git_ref),
            ["github", "actor"] => text(&event.actor),
            ["github", "base_ref"] => text(event.base_ref.as_deref()?),
            ["github", "head_ref"] => text(event.head_ref.as_deref()?),
            ["github", "event", rest @ ..] => text(event.payload.pointer(&format!("/{}", rest.join("/")))?.as_str()?),
            _ => None,
        }
    }

    fn test(&mut self, function: &str, args: &[Expr]) {
        let [first, second] = args else { return };
        match (first.path(), fixed(second)) {
            (Some(path), Some(value)) => {
                let text = value.to_text();
                let of_ref = path.last().is_some_and(|it| it.eq_ignore_ascii_case("ref"));
                for value in texts_with(function, &text, of_ref) {
                    self.assign(&path, &value);
                }
                if of_ref && text.starts_with("refs/heads/") {
                    self.set_ref("refs/tags/v1.0.0");
                }
                self.others(&path, &text);
            }
            (None, None) if function == "contains" => {
                let (Some(list), Some(path)) = (fixed_list(first), second.path()) else { return };
                for value in list {
                    self.assign(&path, &value);
                }
                self.others(&path, "");
            }
            // `contains(needs.*.result, 'failure')`
            (None, Some(value)) if is_results(first) => self.results(&[value.to_text().as_str(), "success"]),
            _ => {}
        }
    }

    /// Contexts that count by themselves as true or false.
    fn truths(&mut self, expr: &Expr) {
        if let ExprKind::And(_) | ExprKind::Or(_) | ExprKind::Not(_) = &expr.kind {
            expr.operands().into_iter().for_each(|it| self.truths(it));
        }
        let Some(path) = expr.path() else { return };
        // The text `false` is true, and of texts the empty one alone is not.
        let is_boolean = path.first().is_some_and(|it| it.eq_ignore_ascii_case("inputs"))
            && path.get(1).is_some_and(|it| !self.input_values(it).is_empty());
        for value in if is_boolean { ["true", "false"] } else { ["true", ""] } {
            self.assign(&path, value);
        }
    }

    /// Makes a context have a value, if options can do that.
    fn assign(&mut self, path: &[&str], value: &str) {
        let lower: Vec<String> = path.iter().map(|it| it.to_ascii_lowercase()).collect();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
        let text = value.to_owned();
        match (lower.as_slice(), path) {
            (["github", "event_name"], _) => self.event(value),
            (["github", "ref"] | ["github", "event", "ref"], _) => self.set_ref(value),
            (["github", "ref_name"], _) => {
                self.set_ref(&format!("refs/heads/{value}"));
                self.set_ref(&format!("refs/tags/{value}"));
            }
            (["github", "ref_type"], _) if value == "tag" => self.set_ref("refs/tags/v1.0.0"),
            (["github", "base_ref"] | ["github", "event", "pull_request", "base", "ref"], _) if !value.is_empty() => {
                self.add(Change::Base { base: text });
            }
            (["github", "head_ref"] | ["github", "event", "pull_request", "head", "ref"], _) if !value.is_empty() => {
                self.add(Change::Head { head: text });
            }
            (["github", "actor" | "triggering_actor"], _) if !value.is_empty() => {
                self.add(Change::Actor { actor: text });
            }
            (["github", "repository"], _) if value.contains('/') => self.add(Change::Repository { repository: text }),
            (["github", "repository_owner"], _) if !value.is_empty() => {
                let name = self.world.event.repository.split_once('/').map_or("r", |(_, name)| name);
                self.add(Change::Repository { repository: format!("{value}/{name}") });
            }
            (["github", "event", "action"], _) => self.add(Change::Type { activity: text }),
            (["github", "event", "schedule"], _) => self.add(Change::Schedule { cron: text }),
            (["inputs", _], [_, name]) | (["github", "event", "inputs", _], [_, _, _, name]) => {
                self.add(Change::Input { name: (*name).to_owned(), value: text });
            }
            (["vars", _], [_, name]) => self.add(Change::Var { name: (*name).to_owned(), value: text }),
            (["needs", _, "result"], [_, job, _]) => {
                // In a called workflow the key has the caller's before it.
                let is_it = |key: &&String| key.rsplit(" / ").next().is_some_and(|it| it.eq_ignore_ascii_case(job));
                let key = self.needs.iter().find(is_it).map_or_else(|| (*job).to_owned(), Clone::clone);
                self.add(Change::Result { job: key, result: text });
            }
            _ => {}
        }
    }

    fn set_ref(&mut self, git_ref: &str) {
        let name = git_ref.strip_prefix("refs/heads/").or_else(|| git_ref.strip_prefix("refs/tags/"));
        if name.is_some_and(|it| !it.is_empty() && !it.ends_with('/')) {
            self.add(Change::Ref { git_ref: git_ref.to_owned() });
        }
    }

    /// Values that a context may have instead of `value`.
    fn others(&mut self, path: &[&str], value: &str) {
        let Some(first) = path.first() else { return };
        if first.eq_ignore_ascii_case("inputs") {
            let name = path.get(1).copied().unwrap_or_default();
            for other in self.input_values(name) {
                self.assign(path, &other);
            }
        }
        if first.eq_ignore_ascii_case("needs") {
            for other in ["success", "failure", "cancelled", "skipped"] {
                self.assign(path, other);
            }
        }
        if first.eq_ignore_ascii_case("inputs") || first.eq_ignore_ascii_case("vars") {
            for other in ["x", ""].into_iter().filter(|it| *it != value) {
                self.assign(path, other);
            }
        }
        if path.get(1).is_some_and(|it| it.eq_ignore_ascii_case("actor")) {
            self.assign(path, "octocat");
        }
    }

    fn input_values(&self, name: &str) -> Vec<String> {
        let dispatch = self.root.on.event("workflow_dispatch");
        let spec = dispatch.and_then(|it| it.inputs.iter().find(|(it, _)| it.eq_ignore_ascii_case(name)));
        match spec {
            Some((_, spec)) if spec.kind == InputKind::Boolean => vec!["true".to_owned(), "false".to_owned()],
            Some((_, spec)) => spec.options.clone(),
            None => Vec::new(),
        }
    }

    /// Events, types and refs that the workflow listens to.
    fn triggers(&mut self) {
        let root = self.root;
        for (name, config) in root.on.events.iter().filter(|(name, _)| name.as_str() != "workflow_call") {
            self.event(name.as_str());
            self.filters(name.as_str(), config);
        }
        let default_branch = self.world.event.default_branch.clone();
        self.set_ref(&format!("refs/heads/{default_branch}"));
        self.set_ref("refs/heads/feature/x");
        self.add(Change::Base { base: default_branch });
    }

    fn filters(&mut self, event: &str, config: &EventConfig) {
        for activity in config.types.iter().flatten() {
            self.add(Change::Type { activity: activity.value.clone() });
        }
        let types = EventSpec::find(event).map(|it| it.default_types).unwrap_or_default();
        // Every candidate multiplies the sets that are tried: only where the type keeps it out.
        let is_out = self.world.event.activity.as_deref().is_some_and(|it| !types.contains(&it));
        if config.types.is_none() && event == self.world.event.name && is_out {
            for it in types {
                self.add(Change::Type { activity: (*it).to_owned() });
            }
        }
        for name in config.branches.iter().flat_map(examples) {
            if event == "push" {
                self.set_ref(&format!("refs/heads/{name}"));
            } else {
                self.add(Change::Base { base: name });
            }
        }
        for name in config.tags.iter().flat_map(examples) {
            self.set_ref(&format!("refs/tags/{name}"));
        }
        for path in config.paths.iter().flat_map(examples) {
            self.add(Change::Changed { path });
        }
        // Without the option the first is due.
        for entry in config.schedule.iter().filter(|_| config.schedule.len() > 1) {
            self.add(Change::Schedule { cron: entry.cron.value.clone() });
        }
    }
}

/// `needs.*.result`
fn is_results(expr: &Expr) -> bool {
    let path = expr.path_of_each().unwrap_or_default();
    let [context, each, member] = path.as_slice() else { return false };
    context.eq_ignore_ascii_case("needs") && *each == "*" && member.eq_ignore_ascii_case("result")
}
