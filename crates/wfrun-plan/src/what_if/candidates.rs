use wfrun_expr::{CompareOp, Expr, ExprKind, Value};
use wfrun_workflow::{EventConfig, InputKind, Patterns, Workflow};

use super::Change;
use crate::{Event, JobOutlook, Outlook};

/// The changes that may turn a job's verdict round: what its condition and those before it compare, and what the
/// workflow's triggers let through.
pub fn candidates(outlook: &Outlook, job: &JobOutlook, root: &Workflow, event: &Event) -> Vec<Change> {
    let mut pool = Pool { root, event, changes: Vec::new() };
    for job in chain(outlook, job) {
        let Some(model) = job.model() else { continue };
        for part in model.condition.condition.expr.walk() {
            pool.part(part);
        }
        pool.truths(&model.condition.condition.expr);
        if model.condition.condition.expr.calls("failure") || model.condition.condition.expr.calls("success") {
            for need in &job.needs {
                for result in ["failure", "success"] {
                    pool.add(Change::Result { job: need.to_string(), result: result.to_owned() });
                }
            }
        }
    }
    pool.triggers();
    pool.changes.sort();
    pool.changes
}

/// The job, the jobs before it, and the same for its callers.
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
        next += 1;
    }
    all
}

struct Pool<'a> {
    root: &'a Workflow,
    event: &'a Event,
    changes: Vec<Change>,
}

impl Pool<'_> {
    fn add(&mut self, change: Change) {
        if !self.changes.contains(&change) {
            self.changes.push(change);
        }
    }

    /// A comparison of a context with something fixed, or a test of its text.
    fn part(&mut self, part: &Expr) {
        if let ExprKind::Call { function, args } = &part.kind {
            self.test(&function.to_ascii_lowercase(), args);
        }
        let ExprKind::Compare { op, left, right } = &part.kind else { return };
        let (path, value) = match (left.path(), right.path()) {
            (Some(path), None) => (path, fixed(right)),
            (None, Some(path)) => (path, fixed(left)),
            _ => return,
        };
        let Some(value) = value else { return };
        for value in compared(*op, value) {
            self.assign(&path, &value);
        }
        self.others(&path, &value.to_text());
    }

    fn test(&mut self, function: &str, args: &[Expr]) {
        let [first, second] = args else { return };
        match (first.path(), fixed(second)) {
            (Some(path), Some(value)) => {
                let text = value.to_text();
                let values = match function {
                    "startswith" => [text.clone(), format!("{text}1")],
                    "endswith" => [text.clone(), format!("x{text}")],
                    "contains" => [text.clone(), format!("refs/heads/{text}")],
                    _ => return,
                };
                for value in values {
                    self.assign(&path, &value);
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
            _ => {}
        }
    }

    /// Contexts that count by themselves as true or false.
    fn truths(&mut self, expr: &Expr) {
        if let ExprKind::And(_) | ExprKind::Or(_) | ExprKind::Not(_) = &expr.kind {
            expr.operands().into_iter().for_each(|it| self.truths(it));
        }
        let Some(path) = expr.path() else { return };
        for value in ["true", "false"] {
            self.assign(&path, value);
        }
        self.others(&path, "true");
    }

    /// Makes a context have a value, if options can do that.
    fn assign(&mut self, path: &[&str], value: &str) {
        let lower: Vec<String> = path.iter().map(|it| it.to_ascii_lowercase()).collect();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
        let text = value.to_owned();
        match (lower.as_slice(), path) {
            (["github", "event_name"], _) => self.add(Change::Event { event: text }),
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
                let name = self.event.repository.split_once('/').map_or("r", |(_, name)| name);
                self.add(Change::Repository { repository: format!("{value}/{name}") });
            }
            (["github", "event", "action"], _) => self.add(Change::Type { activity: text }),
            (["inputs", _], [_, name]) | (["github", "event", "inputs", _], [_, _, _, name]) => {
                self.add(Change::Input { name: (*name).to_owned(), value: text });
            }
            (["vars", _], [_, name]) => self.add(Change::Var { name: (*name).to_owned(), value: text }),
            (["needs", _, "result"], [_, job, _]) => {
                self.add(Change::Result { job: (*job).to_owned(), result: text });
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
            self.add(Change::Event { event: name.to_string() });
            self.filters(name.as_str(), config);
        }
        self.set_ref(&format!("refs/heads/{}", self.event.default_branch));
        self.set_ref("refs/heads/feature/x");
        self.add(Change::Base { base: self.event.default_branch.clone() });
    }

    fn filters(&mut self, event: &str, config: &EventConfig) {
        for activity in config.types.iter().flatten() {
            self.add(Change::Type { activity: activity.value.clone() });
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
    }
}

fn fixed(expr: &Expr) -> Option<&Value> {
    if let ExprKind::Literal(value) = &expr.kind { Some(value) } else { None }
}

/// The items of `fromJSON('["a", "b"]')`.
fn fixed_list(expr: &Expr) -> Option<Vec<String>> {
    let ExprKind::Call { function, args } = &expr.kind else { return None };
    let text = args.first().filter(|_| function.eq_ignore_ascii_case("fromjson")).and_then(fixed)?.to_text();
    let list: Vec<serde_json::Value> = serde_json::from_str(&text).ok()?;
    Some(list.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect())
}

/// Values for which a comparison holds, and the bound itself.
fn compared(op: CompareOp, value: &Value) -> Vec<String> {
    let bound = value.to_text();
    let Value::Number(number) = value else { return vec![bound] };
    match op {
        CompareOp::Equal | CompareOp::NotEqual => vec![bound],
        CompareOp::Less | CompareOp::LessOrEqual => vec![bound, wfrun_expr::format_number(number - 1.0)],
        CompareOp::Greater | CompareOp::GreaterOrEqual => vec![bound, wfrun_expr::format_number(number + 1.0)],
    }
}

/// Names that the patterns let through, or leave out: each plain one, and an example of each with wildcards.
fn examples(patterns: &Patterns) -> Vec<String> {
    let filled = |text: &str| {
        let text = text.trim_start_matches('!').replace("**/", "").replace("**", "x").replace('*', "x");
        text.replace(['?', '+'], "").replace("[0-9]", "1")
    };
    let named = patterns.list.iter().map(|it| filled(&it.value));
    let beside = patterns.ignore.then(|| if patterns.key.starts_with("paths") { "src/x" } else { "x" }.to_owned());
    named.chain(beside).filter(|it| !it.is_empty() && !it.contains(['[', ']', '\\'])).collect()
}
