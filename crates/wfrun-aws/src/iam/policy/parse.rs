//! From a document to a policy.

use std::collections::HashMap;
use std::ops::Range;

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use thiserror::Error;

use super::condition::{Condition, Operator};
use super::principal::{Entry, Principals};
use super::{Effect, Patterns, Policy, Statement};

/// What a policy is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// For a user, a role or a session: says what, not who.
    Identity,
    /// A role's trust policy: says who, and the resource is the role.
    Trust,
}

/// Why a document is no policy: AWS' words, and where.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{message} ({place})")]
pub(crate) struct MalformedPolicy {
    /// As AWS says it, with full stop.
    pub(crate) message: String,
    /// The statement and what is wrong in it.
    pub(crate) place: String,
    /// Where that is in the document's text.
    at: Where,
}

/// Where in a document something is wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Where {
    /// At a line and column, from 1: the text is not even JSON.
    LineColumn(usize, usize),
    /// At a value, by the way to it from the document's root; at what is nearest, where there is none.
    Value(Vec<Step>),
}

/// One step on the way to a value.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Step {
    Member(String),
    Item(usize),
}

impl MalformedPolicy {
    /// Where that is in the text that was read, in bytes.
    pub(crate) fn range(&self, text: &str) -> Range<usize> {
        match &self.at {
            Where::LineColumn(line, column) => {
                let before: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
                let start = (before + column - 1).min(text.len());
                let start = (0..=start).rev().find(|it| text.is_char_boundary(*it)).unwrap_or_default();
                start..start + text[start..].chars().next().map_or(0, char::len_utf8)
            }
            Where::Value(steps) => {
                let mut value = text.trim();
                for step in steps {
                    let Some(next) = inside(value, step) else { break };
                    value = next;
                }
                let start = value.as_ptr().addr() - text.as_ptr().addr();
                // Of what goes over many lines the first one.
                start..start + value.lines().next().map_or(0, |it| it.trim_end().len())
            }
        }
    }
}

/// The text of a value in another one's text.
fn inside<'t>(value: &'t str, step: &Step) -> Option<&'t str> {
    let found = match step {
        Step::Member(name) => *serde_json::from_str::<HashMap<String, &RawValue>>(value).ok()?.get(name)?,
        Step::Item(at) => *serde_json::from_str::<Vec<&RawValue>>(value).ok()?.get(*at)?,
    };
    Some(found.get())
}

const SYNTAX: &str = "Syntax errors in policy.";

impl Policy {
    /// Reads a document.
    ///
    /// Source: AWS IAM user guide, "Grammar of the IAM JSON policy language".
    pub(crate) fn parse(text: &str, kind: Kind) -> Result<Self, MalformedPolicy> {
        let value: Value = serde_json::from_str(text).map_err(|err| {
            let place = format!("not JSON: {err}");
            let at = Where::LineColumn(err.line().max(1), err.column().max(1));
            MalformedPolicy { message: SYNTAX.to_owned(), place, at }
        })?;
        let Value::Object(document) = value else {
            return Err(malformed(&[], SYNTAX, "a policy is a JSON object"));
        };
        for key in document.keys() {
            if !["Version", "Id", "Statement"].contains(&key.as_str()) {
                return Err(malformed(&[member(key)], SYNTAX, &format!("unknown element `{key}`")));
            }
        }
        let has_variables = match document.get("Version") {
            None => false,
            Some(Value::String(version)) if version == "2008-10-17" => false,
            Some(Value::String(version)) if version == "2012-10-17" => true,
            Some(other) => {
                let place = format!("Version: {other} is neither \"2012-10-17\" nor \"2008-10-17\"");
                let message = "The policy must contain a valid version string";
                return Err(malformed(&[member("Version")], message, &place));
            }
        };
        let statements = match document.get("Statement") {
            None => return Err(malformed(&[], SYNTAX, "`Statement` is missing")),
            Some(Value::Array(all)) if all.is_empty() => {
                return Err(malformed(&[member("Statement")], SYNTAX, "`Statement` is empty"));
            }
            Some(Value::Array(all)) => {
                let way = |at| vec![member("Statement"), Step::Item(at)];
                all.iter().enumerate().map(|(at, it)| statement(it, (at, &way(at)), kind)).collect()
            }
            Some(one) => statement(one, (0, &[member("Statement")]), kind).map(|it| vec![it]),
        };
        let policy = Self { has_variables, statements: statements? };
        policy.sids_are_unique()?;
        Ok(policy)
    }

    fn sids_are_unique(&self) -> Result<(), MalformedPolicy> {
        let sids: Vec<&str> = self.statements.iter().map(|it| it.sid.as_deref().unwrap_or_default()).collect();
        match sids.iter().enumerate().find(|(at, sid)| !sid.is_empty() && sids[..*at].contains(sid)) {
            None => Ok(()),
            Some((at, sid)) => {
                let message = "Statement IDs (SID) in a single policy must be unique.";
                let way = [member("Statement"), Step::Item(at), member("Sid")];
                Err(malformed(&way, message, &format!("`{sid}` is there twice")))
            }
        }
    }
}

fn member(name: &str) -> Step {
    Step::Member(name.to_owned())
}

fn malformed(way: &[Step], message: &str, place: &str) -> MalformedPolicy {
    MalformedPolicy { message: message.to_owned(), place: place.to_owned(), at: Where::Value(way.to_vec()) }
}

/// Which statement is being read.
#[derive(Clone, Copy)]
struct At<'a> {
    index: usize,
    way: &'a [Step],
    members: &'a Map<String, Value>,
}

impl At<'_> {
    /// Something is wrong with that member, or it is missing.
    fn wrong(self, name: &str, message: &str, detail: &str) -> MalformedPolicy {
        let way: Vec<Step> = self.way.iter().cloned().chain([member(name)]).collect();
        malformed(&way, message, &format!("Statement[{}]: {detail}", self.index))
    }
}

fn statement(value: &Value, (index, way): (usize, &[Step]), kind: Kind) -> Result<Statement, MalformedPolicy> {
    const KNOWN: [&str; 9] =
        ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];
    let Value::Object(members) = value else {
        return Err(malformed(way, SYNTAX, &format!("Statement[{index}]: not a JSON object")));
    };
    let at = At { index, way, members };
    if let Some(other) = members.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        return Err(at.wrong(other, SYNTAX, &format!("unknown element `{other}`")));
    }
    let effect = match members.get("Effect").and_then(Value::as_str) {
        Some("Allow") => Effect::Allow,
        Some("Deny") => Effect::Deny,
        Some(other) => {
            return Err(at.wrong("Effect", SYNTAX, &format!("Effect `{other}` is neither `Allow` nor `Deny`")));
        }
        None => return Err(at.wrong("Effect", "Missing required field Effect", "`Effect` is missing or not a text")),
    };
    let actions = either(at, "Action", "NotAction")?;
    let actions =
        actions.ok_or_else(|| at.wrong("Action", "Policy statement must contain actions.", "`Action` is missing"))?;
    let vendored = |it: &&String| {
        *it != "*" && !it.split_once(':').is_some_and(|(vendor, name)| !vendor.is_empty() && !name.is_empty())
    };
    if let Some(bare) = actions.texts.iter().find(vendored) {
        let message = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
        let action_key = if actions.negated { "NotAction" } else { "Action" };
        return Err(at.wrong(action_key, message, &format!("`{bare}`")));
    }
    let resources = either(at, "Resource", "NotResource")?;
    let principals = principals(at)?;
    let (resources, principals) = match kind {
        Kind::Identity => (Some(identity_resources(at, resources, principals.as_ref())?), None),
        Kind::Trust => {
            check_trust(at, resources.as_ref(), principals.as_ref(), &actions)?;
            (None, principals)
        }
    };
    Ok(Statement { sid: sid(at)?, effect, principals, actions, resources, conditions: conditions(at)? })
}

fn identity_resources(
    at: At<'_>,
    resources: Option<Patterns>,
    principals: Option<&Principals>,
) -> Result<Patterns, MalformedPolicy> {
    if principals.is_some() {
        return Err(at.wrong("Principal", "Policy document should not specify a principal.", "`Principal`"));
    }
    let missing = || at.wrong("Resource", "Policy statement must contain resources.", "`Resource` is missing");
    let resources = resources.ok_or_else(missing)?;
    let is_arn =
        |it: &str| it == "*" || it.starts_with("arn:") && it.splitn(6, ':').count() == 6 || it.starts_with("${");
    // A wildcard may take the place of several parts of an ARN.
    let shortened = |it: &str| it.starts_with("arn:") && it.contains('*');
    if let Some(other) = resources.texts.iter().find(|it| !is_arn(it) && !shortened(it)) {
        let message = format!("Resource {other} must be in ARN format or \"*\".");
        return Err(at.wrong(if resources.negated { "NotResource" } else { "Resource" }, &message, "`Resource`"));
    }
    Ok(resources)
}

fn check_trust(
    at: At<'_>,
    resources: Option<&Patterns>,
    principals: Option<&Principals>,
    actions: &Patterns,
) -> Result<(), MalformedPolicy> {
    if resources.is_some() {
        return Err(at.wrong(
            "Resource",
            "Has prohibited field Resource",
            "the resource of a trust policy is its role",
        ));
    }
    if principals.is_none() {
        return Err(at.wrong("Principal", "Missing required field Principal", "`Principal` is missing"));
    }
    let sts = |it: &String| it.split_once(':').is_some_and(|(vendor, _)| vendor.eq_ignore_ascii_case("sts"));
    match actions.texts.iter().find(|it| !sts(it)) {
        None => Ok(()),
        Some(other) => {
            let message = "AssumeRole policy may only specify STS AssumeRole actions.";
            Err(at.wrong("Action", message, &format!("`{other}`")))
        }
    }
}

fn sid(at: At<'_>) -> Result<Option<String>, MalformedPolicy> {
    match at.members.get("Sid") {
        None => Ok(None),
        Some(Value::String(sid)) if sid.bytes().all(|it| it.is_ascii_alphanumeric()) => Ok(Some(sid.clone())),
        Some(other) => {
            let message = "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular \
                           expression [0-9A-Za-z]*";
            Err(at.wrong("Sid", message, &format!("Sid {other}")))
        }
    }
}

/// One of the two, where there is one.
fn either(at: At<'_>, plain: &str, negated: &str) -> Result<Option<Patterns>, MalformedPolicy> {
    let (name, value) = match (at.members.get(plain), at.members.get(negated)) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            return Err(at.wrong(negated, SYNTAX, &format!("`{plain}` and `{negated}` exclude each other")));
        }
        (Some(value), None) => (plain, value),
        (None, Some(value)) => (negated, value),
    };
    let texts = texts(value).filter(|it| !it.is_empty());
    let texts =
        texts.ok_or_else(|| at.wrong(name, SYNTAX, &format!("`{name}` is neither a text nor a list of texts")))?;
    Ok(Some(Patterns { negated: name == negated, texts }))
}

/// A text, or a list of them.
fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(all) => all.iter().map(|it| it.as_str().map(ToOwned::to_owned)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

fn principals(at: At<'_>) -> Result<Option<Principals>, MalformedPolicy> {
    let (negated, value) = match (at.members.get("Principal"), at.members.get("NotPrincipal")) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            return Err(at.wrong("NotPrincipal", SYNTAX, "`Principal` and `NotPrincipal` exclude each other"));
        }
        (Some(value), None) => (false, value),
        (None, Some(value)) => (true, value),
    };
    let invalid = |what: &str| at.wrong("Principal", "Invalid principal in policy", what);
    let mut entries = Vec::new();
    match value {
        Value::String(text) if text == "*" => entries.push(Entry::Everybody),
        Value::Object(kinds) => {
            for (kind, names) in kinds {
                let names = texts(names).ok_or_else(|| invalid(&format!("`{kind}` is neither a text nor a list")))?;
                for name in names {
                    entries.push(match kind.as_str() {
                        "AWS" if name == "*" => Entry::Everybody,
                        "AWS" => Entry::Aws(name),
                        "Federated" => Entry::Federated(name),
                        "Service" => Entry::Service(name),
                        other => return Err(invalid(&format!("unknown kind `{other}`"))),
                    });
                }
            }
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            return Err(invalid("neither `*` nor a JSON object"));
        }
    }
    Ok(Some(Principals { negated, entries }))
}

fn conditions(at: At<'_>) -> Result<Vec<Condition>, MalformedPolicy> {
    let Some(value) = at.members.get("Condition") else { return Ok(Vec::new()) };
    let Value::Object(operators) = value else {
        return Err(at.wrong("Condition", SYNTAX, "`Condition` is not a JSON object"));
    };
    let mut conditions = Vec::new();
    for (name, keys) in operators {
        let unknown = || at.wrong("Condition", &format!("Invalid Condition type : {name}."), "`Condition`");
        let operator = Operator::read(name).ok_or_else(unknown)?;
        let Value::Object(keys) = keys else {
            return Err(at.wrong("Condition", SYNTAX, &format!("Condition.{name} is not a JSON object")));
        };
        for (key, values) in keys {
            if !key.contains(':') {
                let message = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
                return Err(at.wrong("Condition", message, &format!("Condition.{name}.{key}")));
            }
            let values = scalars(values);
            let values = values.ok_or_else(|| {
                at.wrong("Condition", SYNTAX, &format!("Condition.{name}.{key} is not a list of texts"))
            })?;
            conditions.push(Condition::new(operator, key, values));
        }
    }
    Ok(conditions)
}

/// Values of conditions may be numbers and booleans, too.
fn scalars(value: &Value) -> Option<Vec<String>> {
    let one = |it: &Value| match it {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    match value.as_array() {
        Some(all) => all.iter().map(one).collect(),
        None => one(value).map(|it| vec![it]),
    }
}
