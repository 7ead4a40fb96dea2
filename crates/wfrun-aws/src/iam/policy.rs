//! Policies: their grammar, and what they say of a request. Pure: no account, no clock.
//!
//! Source: AWS IAM user guide, "Grammar of the IAM JSON policy language" and "Policy evaluation logic".

mod condition;
mod context;
mod decide;
mod foresee;
mod parse;
mod pattern;
mod principal;

use std::sync::Arc;

use self::condition::Condition;
pub(crate) use self::context::Context;
pub(crate) use self::decide::{Applicable, Citation, Decision, Denial, Request, ResourceSide, decide};
pub use self::foresee::UNKNOWN;
pub(crate) use self::foresee::{Foreseen, PartlyKnown, foresee};
pub(crate) use self::parse::{Kind, MalformedPolicy};
pub(crate) use self::pattern::Pattern;
pub(crate) use self::principal::Actor;
use self::principal::Principals;

/// A policy document that is well-formed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Policy {
    /// Of version 2012-10-17: `${…}` are variables.
    has_variables: bool,
    pub(crate) statements: Vec<Statement>,
}

/// A statement of a policy.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Statement {
    pub(crate) sid: Option<String>,
    pub(crate) effect: Effect,
    /// In policies of resources and roles only.
    principals: Option<Principals>,
    pub(crate) actions: Patterns,
    /// Absent in trust policies and in those of repositories: the resource is what the policy is about.
    resources: Option<Patterns>,
    conditions: Vec<Condition>,
}

/// What a statement does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Effect {
    Allow,
    Deny,
}

/// `Action` or `NotAction`, `Resource` or `NotResource`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Patterns {
    /// `Not…`: everything but these.
    pub(crate) negated: bool,
    pub(crate) texts: Vec<String>,
}

/// A policy and what it is called: an ARN, the name of an inline policy, or a file.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) policy: Arc<Policy>,
}

impl Statement {
    /// Whether the statement speaks of the request, whoever asks.
    fn covers(&self, request: &Request<'_>, has_variables: bool) -> bool {
        let action = self.actions.texts.iter().any(|it| Pattern::plain(it).matches_any_case(request.action));
        if action == self.actions.negated {
            return false;
        }
        if let Some(resources) = &self.resources {
            let hit = resources.texts.iter().any(|text| {
                let pattern = Pattern::compile(text, has_variables.then_some(request.context));
                pattern.is_some_and(|it| request.resources().any(|resource| it.matches(resource)))
            });
            if hit == resources.negated {
                return false;
            }
        }
        self.conditions.iter().all(|it| it.holds(request.context, has_variables))
    }
}

impl Policy {
    /// Whether the statement at that place speaks of the request.
    pub(crate) fn statement_covers(&self, at: usize, request: &Request<'_>) -> bool {
        self.statements.get(at).is_some_and(|it| it.covers(request, self.has_variables))
    }

    /// The first statement of that effect that covers the request.
    pub(crate) fn find(&self, effect: Effect, request: &Request<'_>) -> Option<usize> {
        self.statements.iter().position(|it| it.effect == effect && it.covers(request, self.has_variables))
    }
}

#[cfg(test)]
mod tests;
