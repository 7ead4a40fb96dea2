//! What policies say of a request of which only a part is known.

use super::condition::Condition;
use super::context::Context;
use super::decide::Citation;
use super::pattern::Pattern;
use super::{Effect, Named, Patterns, Statement};

/// Stands in a text for what is not known: any characters, or none.
pub const UNKNOWN: char = '\u{ffff}';

/// What somebody will want to do, as far as it is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PartlyKnown<'a> {
    /// As `ecs:UpdateService`.
    pub(crate) action: &'a str,
    /// An ARN with [`UNKNOWN`] for what is not known of it, or `*` where the action knows no resources.
    pub(crate) resource: &'a str,
    /// Other ways to write the resource.
    pub(crate) aliases: &'a [String],
    /// The condition keys whose values are known; of others it is not known whether they are there.
    pub(crate) context: &'a Context,
}

/// What the policies say, whatever the rest of the request will be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Foreseen {
    /// It is allowed.
    Allowed,
    /// It is denied: by that statement, or because none allows it.
    Denied(Option<Citation>),
    /// That depends upon what is not known.
    Open,
}

/// Whether something is so, whatever the rest of the request will be. In this order, so that the greatest is "any of them" and the
/// least is "all of them".
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Certainty {
    No,
    Maybe,
    Yes,
}

/// Decides as [`decide`](super::decide()) does, of policies of a user or role.
///
/// An account that is not known is the one that a policy names: whoever writes a policy writes it for the account it is in.
pub(crate) fn foresee(request: &PartlyKnown<'_>, identity: &[Named]) -> Foreseen {
    let mut is_allowed = Certainty::No;
    let mut is_denied = Certainty::No;
    for named in identity {
        for (at, statement) in named.policy.statements.iter().enumerate() {
            let covers = statement.may_cover(request, named.policy.has_variables);
            match statement.effect {
                Effect::Allow => is_allowed = is_allowed.max(covers),
                Effect::Deny if covers == Certainty::Yes => {
                    let by = Citation { policy: named.name.clone(), sid: statement.sid.clone(), statement: at };
                    return Foreseen::Denied(Some(by));
                }
                Effect::Deny => is_denied = is_denied.max(covers),
            }
        }
    }
    match (is_allowed, is_denied) {
        (Certainty::No, _) => Foreseen::Denied(None),
        (Certainty::Yes, Certainty::No) => Foreseen::Allowed,
        _ => Foreseen::Open,
    }
}

impl Certainty {
    fn of(is: bool) -> Self {
        if is { Self::Yes } else { Self::No }
    }

    const fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Maybe => Self::Maybe,
            Self::Yes => Self::No,
        }
    }
}

impl Statement {
    fn may_cover(&self, request: &PartlyKnown<'_>, has_variables: bool) -> Certainty {
        let action = self.actions.texts.iter().any(|it| Pattern::plain(it).matches_any_case(request.action));
        let action = Certainty::of(action != self.actions.negated);
        let resource = self.resources.as_ref().map_or(Certainty::Yes, |it| it.may_fit(request, has_variables));
        let conditions = self.conditions.iter().map(|it| it.may_hold(request.context, has_variables));
        conditions.chain([action, resource]).min().unwrap_or(Certainty::Yes)
    }
}

impl Patterns {
    fn may_fit(&self, request: &PartlyKnown<'_>, has_variables: bool) -> Certainty {
        let written = std::iter::once(request.resource).chain(request.aliases.iter().map(String::as_str));
        let written: Vec<&str> = written.collect();
        let fits = self.texts.iter().flat_map(|text| {
            written.iter().map(|resource| {
                let resource = in_account_of(resource, text);
                match Pattern::compile(text, has_variables.then_some(request.context)) {
                    Some(pattern) => pattern.may_match(&resource),
                    None => Certainty::Maybe,
                }
            })
        });
        let fits = fits.max().unwrap_or(Certainty::No);
        if self.negated { fits.not() } else { fits }
    }
}

impl Condition {
    fn may_hold(&self, context: &Context, has_variables: bool) -> Certainty {
        let is_known = context.get(self.key()).is_some()
            && self.values().iter().all(|it| !has_variables || Pattern::compile(it, Some(context)).is_some());
        if is_known { Certainty::of(self.holds(context, has_variables)) } else { Certainty::Maybe }
    }
}

/// An ARN whose account is not known, in the account that a pattern names, where it names one.
fn in_account_of(arn: &str, pattern: &str) -> String {
    const ACCOUNT: usize = 4;
    let mut parts: Vec<&str> = arn.splitn(6, ':').collect();
    let named = pattern.splitn(6, ':').nth(ACCOUNT);
    let named = named.filter(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()));
    if let (Some(account), Some(named)) = (parts.get_mut(ACCOUNT), named)
        && account.chars().eq([UNKNOWN])
    {
        *account = named;
    }
    parts.join(":")
}

#[cfg(test)]
mod tests;
