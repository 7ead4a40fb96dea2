//! Who a resource's or a role's policy speaks of.

use crate::ids::root_arn;

/// `Principal` or `NotPrincipal`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Principals {
    pub(super) negated: bool,
    pub(super) entries: Vec<Entry>,
}

/// One principal.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Entry {
    /// `*`: everybody.
    Everybody,
    /// `AWS`: an account's number, its root, a user, a role or a session.
    Aws(String),
    /// `Federated`: an identity provider.
    Federated(String),
    /// `Service`: nobody of an account.
    Service(String),
}

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) enum Actor {
    /// Somebody of the account: the ARNs of the session and of its role, or of the user.
    Member { account: String, arns: Vec<String> },
    /// Whoever an identity provider vouches for: the provider's ARN.
    Federated(String),
}

/// How a policy means somebody.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Meant {
    No,
    /// As anybody of the account: the account's own policies say who.
    Account,
    /// Alone, or as everybody.
    Directly,
}

impl Principals {
    pub(super) fn mean(&self, actor: &Actor) -> Meant {
        let found = self.entries.iter().map(|it| it.means(actor));
        let best = found.max_by_key(|it| match it {
            Meant::No => 0,
            Meant::Account => 1,
            Meant::Directly => 2,
        });
        match (self.negated, best.unwrap_or(Meant::No)) {
            (false, meant) => meant,
            (true, Meant::No) => Meant::Directly,
            (true, Meant::Account | Meant::Directly) => Meant::No,
        }
    }
}

impl Entry {
    fn means(&self, actor: &Actor) -> Meant {
        let directly = |yes: bool| if yes { Meant::Directly } else { Meant::No };
        match (self, actor) {
            (Self::Everybody, _) => Meant::Directly,
            (Self::Aws(arn), Actor::Member { account, arns }) => {
                if arn == account || *arn == root_arn(account) {
                    Meant::Account
                } else {
                    directly(arns.contains(arn))
                }
            }
            (Self::Federated(provider), Actor::Federated(arn)) => directly(provider == arn),
            (Self::Aws(_), Actor::Federated(_))
            | (Self::Federated(_), Actor::Member { .. })
            | (Self::Service(_), _) => Meant::No,
        }
    }
}
