//! What expressions can ask before a run.
use indexmap::IndexMap;
use wfrun_expr::{Called, Object, Scope, Value};
use wfrun_syntax::eq_ignoring_case;

use super::ends::{Earlier, Fails};

/// How a need stands before the run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Need {
    /// As it is written in `needs`.
    pub(super) id: String,
    /// Its result, if it is known.
    pub(super) result: Option<String>,
    /// Its outputs, if they are stated.
    pub(super) outputs: Option<Object>,
}

/// What status functions say before the run.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Ancestors {
    /// The jobs before it: id, and result if that is known; `None` inside: it runs, and is assumed to succeed.
    pub(super) jobs: Vec<Ancestor>,
    /// For a step, what is known of those before it.
    pub(super) earlier: Option<Earlier>,
}

/// A job before the one in question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ancestor {
    pub(super) id: String,
    /// Its result, if it is known.
    pub(super) result: Option<String>,
    /// Whether it may be skipped or fail, which only the run can tell.
    pub(super) depends: bool,
}

/// The contexts before the run.
#[derive(Debug, Clone)]
pub(super) struct Before<'a> {
    pub(super) github: &'a Value,
    pub(super) vars: &'a Value,
    pub(super) inputs: &'a Value,
    /// Inputs whose value only the run can tell.
    pub(super) unknown_inputs: &'a [String],
    pub(super) needs: &'a [Need],
    pub(super) ancestors: &'a Ancestors,
    pub(super) strategy: Value,
    pub(super) matrix: Value,
    /// Whether only the run can tell the matrix.
    pub(super) unknown_matrix: bool,
    /// Environment variables, if any are known.
    pub(super) env: Option<&'a IndexMap<String, Option<Value>>>,
}

/// Members of `github` that exist only once a run does.
const OF_A_RUN: &[&str] =
    &["token", "run_id", "action", "action_path", "workspace", "event_path", "env", "path", "output"];

impl Scope for Before<'_> {
    fn context(&self, name: &str) -> Value {
        let empty = || Value::Object(Object::default());
        match name.to_ascii_lowercase().as_str() {
            "github" => self.github.clone(),
            "vars" => self.vars.clone(),
            "inputs" => self.inputs.clone(),
            "needs" => self.needs_object(),
            "strategy" => self.strategy.clone(),
            "matrix" => self.matrix.clone(),
            "env" => self.env_object(),
            "runner" => [("os", "Linux"), ("arch", arch()), ("environment", "github-hosted"), ("debug", "")]
                .into_iter()
                .map(|(key, value)| (key, Value::from(value)))
                .collect::<Object>()
                .into(),
            "job" => [("status", Value::from(self.ancestors.status()))].into_iter().collect::<Object>().into(),
            "steps" => self.ancestors.earlier.as_ref().map_or_else(empty, Earlier::context),
            _ => empty(),
        }
    }

    fn call(&self, function: &str, args: &[Value]) -> Called {
        match function.to_ascii_lowercase().as_str() {
            "always" => Called::Value(true.into()),
            "cancelled" => Called::Value(false.into()),
            "success" => self.ancestors.success(args),
            "failure" => self.ancestors.failure(args),
            _ => Called::NotYet,
        }
    }

    fn knows(&self, path: &[&str]) -> bool {
        let Some((context, rest)) = path.split_first() else { return true };
        let first = rest.first().copied();
        match context.to_ascii_lowercase().as_str() {
            "github" => first.is_none_or(|it| !OF_A_RUN.iter().any(|name| eq_ignoring_case(name, it))),
            "inputs" => match first {
                Some(name) => !self.unknown_inputs.iter().any(|it| eq_ignoring_case(it, name)),
                None => self.unknown_inputs.is_empty(),
            },
            "needs" => self.knows_need(rest),
            "env" => self.knows_env(first),
            "runner" => first.is_some_and(|it| ["os", "arch"].iter().any(|name| eq_ignoring_case(name, it))),
            "job" => first.is_some_and(|it| eq_ignoring_case(it, "status")) && self.ancestors.knows_status(),
            "steps" => self.ancestors.earlier.as_ref().is_some_and(|it| it.knows(rest)),
            "matrix" | "strategy" => !self.unknown_matrix,
            "secrets" | "jobs" => false,
            _ => true,
        }
    }

    fn knows_each(&self, path: &[&str]) -> bool {
        of_needs(path).is_some_and(|members| self.needs.iter().all(|it| Self::knows_of(it, members)))
    }

    fn known_members(&self, path: &[&str]) -> Option<Value> {
        let members = of_needs(path)?;
        Some(Self::needs_of(self.needs.iter().filter(|it| Self::knows_of(it, members))))
    }
}

/// What `needs.*.result` asks of each need.
fn of_needs<'p, 'n>(path: &'p [&'n str]) -> Option<&'p [&'n str]> {
    match path {
        [context, "*", members @ ..] if eq_ignoring_case(context, "needs") && !members.contains(&"*") => Some(members),
        _ => None,
    }
}

impl<'a> Before<'a> {
    /// Whether something of a need is known: `result`, or `outputs` and one of them.
    fn knows_of(need: &Need, members: &[&str]) -> bool {
        match members.first() {
            Some(member) if eq_ignoring_case(member, "result") => need.result.is_some(),
            Some(member) if eq_ignoring_case(member, "outputs") && need.outputs.is_some() => {
                let has = |name: &&str| need.outputs.as_ref().is_some_and(|it| it.get(name).is_some());
                members.get(1).is_none_or(has)
            }
            _ => need.result.as_deref() == Some("skipped"),
        }
    }

    fn needs_of<'n>(needs: impl Iterator<Item = &'n Need>) -> Value {
        let members = needs.map(|need| {
            let result = need.result.clone().unwrap_or_else(|| "success".to_owned());
            let outputs = need.outputs.clone().unwrap_or_default();
            let members = [("result", Value::from(result)), ("outputs", Value::Object(outputs))];
            (need.id.clone(), Value::Object(members.into_iter().collect()))
        });
        Value::Object(members.collect())
    }

    /// The same for one job of a matrix.
    pub(super) fn of_leg(&self, matrix: &Value, strategy: &Value) -> Self {
        Self { matrix: matrix.clone(), strategy: strategy.clone(), ..self.clone() }
    }

    /// The same for a job whose matrix only the run can tell.
    pub(super) fn without_matrix(&self) -> Self {
        Self { unknown_matrix: true, ..self.clone() }
    }

    /// The same for a step.
    pub(super) fn of_step<'b>(&self, ancestors: &'b Ancestors, env: &'b IndexMap<String, Option<Value>>) -> Before<'b>
    where
        'a: 'b,
    {
        Before { ancestors, env: Some(env), ..self.clone() }
    }

    fn needs_object(&self) -> Value {
        Self::needs_of(self.needs.iter())
    }

    /// A skipped need has no outputs; of all others only the run can tell.
    fn knows_need(&self, rest: &[&str]) -> bool {
        let members = rest.get(1..).unwrap_or_default();
        let known = |need: &Need| Self::knows_of(need, members);
        match rest.first() {
            Some(id) => self.needs.iter().find(|it| eq_ignoring_case(&it.id, id)).is_none_or(known),
            None => self.needs.iter().all(known),
        }
    }

    fn env_object(&self) -> Value {
        let known = self.env.into_iter().flatten().filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
        Value::Object(Object::case_sensitive(known))
    }

    fn knows_env(&self, name: Option<&str>) -> bool {
        let Some(env) = self.env else { return false };
        match name {
            // What is not set in the file may be set by a step before.
            Some(name) => env.get(name).is_some_and(Option::is_some),
            None => false,
        }
    }
}

impl Ancestors {
    fn chosen<'a>(&'a self, args: &'a [Value]) -> impl Iterator<Item = &'a Ancestor> {
        let is_named = |it: &Ancestor| args.iter().any(|arg| eq_ignoring_case(&arg.to_text(), &it.id));
        self.jobs.iter().filter(move |it| args.is_empty() || is_named(it))
    }

    /// `job.status`, if it is known.
    fn status(&self) -> &'static str {
        let failed = self.earlier.as_ref().is_some_and(|it| it.fails == Fails::Yes);
        if failed { "failure" } else { "success" }
    }

    fn knows_status(&self) -> bool {
        self.earlier.as_ref().is_none_or(|it| it.fails != Fails::Perhaps)
    }

    /// Source: GitHub: planning rules 4.3.
    fn success(&self, args: &[Value]) -> Called {
        if let Some(earlier) = &self.earlier {
            return match earlier.fails {
                Fails::No => Called::Value(true.into()),
                Fails::Perhaps => Called::NotYet,
                Fails::Yes => Called::Value(false.into()),
            };
        }
        let mut open = false;
        for job in self.chosen(args) {
            match job.result.as_deref() {
                Some("success") => {}
                Some(_) => return Called::Value(false.into()),
                None => open |= job.depends,
            }
        }
        if open { Called::NotYet } else { Called::Value(true.into()) }
    }

    fn failure(&self, args: &[Value]) -> Called {
        if let Some(earlier) = &self.earlier {
            return match earlier.fails {
                Fails::No if !earlier.may_fail => Called::Value(false.into()),
                Fails::No | Fails::Perhaps => Called::NotYet,
                Fails::Yes => Called::Value(true.into()),
            };
        }
        if self.chosen(args).any(|it| it.result.as_deref() == Some("failure")) {
            return Called::Value(true.into());
        }
        if self.chosen(args).any(|it| it.result.is_none()) { Called::NotYet } else { Called::Value(false.into()) }
    }
}

fn arch() -> &'static str {
    if cfg!(target_arch = "aarch64") { "ARM64" } else { "X64" }
}
