//! What all policies together say.

use super::principal::{Actor, Meant};
use super::{Context, Effect, Named};

/// What somebody wants to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    /// As `ecs:UpdateService`.
    pub(crate) action: &'a str,
    /// An ARN, or `*` where the action knows no resources.
    pub(crate) resource: &'a str,
    /// Other ways to write the resource.
    pub(crate) aliases: &'a [String],
    pub(crate) context: &'a Context,
}

impl<'a> Request<'a> {
    pub(super) fn resources(&self) -> impl Iterator<Item = &'a str> {
        std::iter::once(self.resource).chain(self.aliases.iter().map(String::as_str))
    }
}

/// The policies that are asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Applicable<'a> {
    /// Those of the user or role.
    pub(crate) identity: &'a [Named],
    /// Those that the session was opened with, where it was opened with any.
    pub(crate) session: Option<&'a [Named]>,
    /// That of the resource, where it has one.
    pub(crate) resource: Option<ResourceSide<'a>>,
}

/// The policy of a resource.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResourceSide<'a> {
    pub(crate) policy: &'a Named,
    pub(crate) actor: &'a Actor,
    /// A role's trust policy: nobody who is not meant by it plays the role.
    pub(crate) must_allow: bool,
}

/// The statement that decided.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Citation {
    pub(crate) policy: String,
    pub(crate) sid: Option<String>,
    /// From 0, as in `Statement[0]`.
    pub(crate) statement: usize,
}

/// Yes, or why not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Decision {
    Allowed(Citation),
    Denied(Denial),
}

/// Why not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Denial {
    /// A statement of the user's or role's policies says `Deny`.
    ByIdentity(Citation),
    /// One of the session's policies does.
    BySession(Citation),
    /// One of the resource's policy does.
    ByResource(Citation),
    /// No policy of the user or role allows it.
    NoIdentity,
    /// No policy of the session allows it.
    NoSession,
    /// The role's trust policy does not.
    NoTrust,
}

/// Decides: any `Deny` wins, else each kind of policy that applies must say `Allow`.
///
/// A resource's policy that means the caller directly stands in for the caller's own policies, as within one account.
///
/// Source: AWS IAM user guide, "Policy evaluation logic" and "Cross-account policy evaluation logic" (within an account).
/// Differs: permissions boundaries and service control policies are not asked, as the account has none.
pub(crate) fn decide(request: &Request<'_>, applicable: Applicable<'_>) -> Decision {
    let Applicable { identity, session, resource } = applicable;
    if let Some(by) = first(identity, Effect::Deny, request) {
        return Decision::Denied(Denial::ByIdentity(by));
    }
    if let Some(by) = session.and_then(|it| first(it, Effect::Deny, request)) {
        return Decision::Denied(Denial::BySession(by));
    }
    let granted = match resource {
        None => None,
        Some(side) => {
            if let Some((_, by)) = side.first(Effect::Deny, request) {
                return Decision::Denied(Denial::ByResource(by));
            }
            match side.first(Effect::Allow, request) {
                None if side.must_allow => return Decision::Denied(Denial::NoTrust),
                Some((Meant::Directly, by)) => Some(by),
                Some((Meant::No | Meant::Account, _)) | None => None,
            }
        }
    };
    let Some(allowed) = granted.or_else(|| first(identity, Effect::Allow, request)) else {
        return Decision::Denied(Denial::NoIdentity);
    };
    match session {
        Some(policies) if first(policies, Effect::Allow, request).is_none() => Decision::Denied(Denial::NoSession),
        Some(_) | None => Decision::Allowed(allowed),
    }
}

fn first(policies: &[Named], effect: Effect, request: &Request<'_>) -> Option<Citation> {
    policies.iter().find_map(|named| {
        let statement = named.policy.find(effect, request)?;
        Some(cited(named, statement))
    })
}

fn cited(named: &Named, statement: usize) -> Citation {
    let sid = named.policy.statements.get(statement).and_then(|it| it.sid.clone());
    Citation { policy: named.name.clone(), sid, statement }
}

impl ResourceSide<'_> {
    /// The first statement of that effect that means the caller; one that means it directly comes first.
    fn first(&self, effect: Effect, request: &Request<'_>) -> Option<(Meant, Citation)> {
        let policy = &self.policy.policy;
        let meant = |wanted: Meant| {
            let at = policy.statements.iter().position(|it| {
                it.effect == effect
                    && it.principals.as_ref().is_some_and(|all| all.mean(self.actor) == wanted)
                    && it.covers(request, policy.has_variables)
            })?;
            Some((wanted, cited(self.policy, at)))
        };
        meant(Meant::Directly).or_else(|| meant(Meant::Account))
    }
}
