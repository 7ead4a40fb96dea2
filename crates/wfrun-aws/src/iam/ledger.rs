//! What was decided: the permissions that a run needed.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::Value;

use super::foreseen::{PASSED_TO, allowing};
use super::needs::Need;
use super::policy::{Citation, Context, Decision, Denial, Effect, Named, Pattern, Request};
use super::smallest::smallest;
use crate::account::Caller;
use crate::account_file::IamMode;

/// Which permissions were needed, and what came of it. As JSON it has the members' names.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PermissionReport {
    /// How permissions were treated.
    pub mode: IamMode,
    /// Every permission that was asked for, in the order of the first time, denied ones too.
    pub needed: Vec<PermissionUse>,
    /// Those of `needed` that the policies deny; in the mode `report` they happened all the same.
    pub denied: Vec<PermissionUse>,
    /// What the policies allow and nobody asked for. Unused in this run does not mean that it is never used.
    pub unused: Vec<UnusedPermission>,
    /// For each user and role the smallest policy that allows all it needed.
    pub smallest: Vec<SmallestPolicy>,
    /// How many permissions came after the ledger was full; 0 but for hostile clients.
    pub left_out: u64,
}

/// A permission that was asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PermissionUse {
    /// Whose permission it is: the ARN of a user, a role or the root.
    pub principal: String,
    /// As `ecs:UpdateService`.
    pub action: String,
    /// An ARN, or `*` where the action knows no resources.
    pub resource: String,
    /// Condition keys that are about this action, as `iam:PassedToService`, with their values.
    pub keys: BTreeMap<String, Vec<String>>,
    /// What the policies say.
    pub decision: PermissionDecision,
    /// The statement that decided, where one did.
    pub by: Option<DecidingStatement>,
    /// Why, in one sentence.
    pub reason: String,
    /// For a denial, what AWS answers.
    pub denial: Option<String>,
    /// For a denial, the statement that would allow it; none where one denies it, which no other can outweigh.
    pub missing: Option<Value>,
    /// How many times it was asked for.
    pub count: u64,
    /// The first time, in milliseconds since 1970.
    pub first_ms: u64,
}

/// What the policies say of a permission.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PermissionDecision {
    /// A policy allows it.
    Allowed,
    /// No policy allows it, or one denies it.
    Denied,
    /// No policy was asked: the mode is `off`, or it was the root.
    Unasked,
}

/// A statement of a policy.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct DecidingStatement {
    /// An ARN, the name of an inline policy, or a file.
    pub policy: String,
    /// The statement's `Sid`, where it has one.
    pub sid: Option<String>,
    /// Its place from 0, as in `Statement[0]`.
    pub statement: usize,
}

impl From<Citation> for DecidingStatement {
    fn from(Citation { policy, sid, statement }: Citation) -> Self {
        Self { policy, sid, statement }
    }
}

/// Actions of a statement that nobody needed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UnusedPermission {
    /// Whose policy it is: the ARN of a user or role.
    pub principal: String,
    /// Where they stand.
    pub at: DecidingStatement,
    /// The actions, as written.
    pub actions: Vec<String>,
    /// Whether the statement has no others.
    pub whole_statement: bool,
}

/// The smallest policy for somebody.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SmallestPolicy {
    /// The ARN of a user or role.
    pub principal: String,
    /// The document.
    pub policy: Value,
}

/// A decision that is to be remembered.
pub(super) struct Entry<'a> {
    pub(super) caller: &'a Caller,
    pub(super) holder: &'a str,
    pub(super) need: &'a Need,
    pub(super) context: &'a Context,
    /// `None`: no policy was asked.
    pub(super) decision: Option<&'a Decision>,
    pub(super) denial: Option<&'a str>,
    pub(super) now_ms: u64,
}

/// How many permissions a ledger remembers, so that no client fills the memory.
const MOST: usize = 10_000;

/// All decisions since the account was opened.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: IndexMap<String, Remembered>,
    callers: IndexMap<String, Caller>,
    left_out: u64,
}

#[derive(Debug)]
struct Remembered {
    permission: PermissionUse,
    context: Context,
    aliases: Vec<String>,
    /// A trust policy that means the caller directly needs nothing of the caller's own policies.
    by_trust: bool,
}

impl Ledger {
    pub(super) fn add(&mut self, entry: &Entry<'_>) {
        let Entry { caller, holder, need, context, decision, denial, now_ms } = *entry;
        let (verdict, by, reason) = told(decision);
        // Keys that are about the action are part of what was asked; the time and the client are not.
        let key = format!("{holder}\n{}\n{}\n{:?}\n{verdict:?}\n{by:?}", need.action, need.resource, need.keys);
        if let Some(known) = self.entries.get_mut(&key) {
            known.permission.count += 1;
            return;
        }
        if self.entries.len() >= MOST {
            self.left_out += 1;
            return;
        }
        self.callers.entry(holder.to_owned()).or_insert_with(|| caller.clone());
        let by_trust = match (decision, &need.trust) {
            (Some(Decision::Allowed(by)), Some(trust)) => by.policy == trust.name,
            (Some(_) | None, _) => false,
        };
        let permission = PermissionUse {
            principal: holder.to_owned(),
            action: need.action.clone(),
            resource: need.resource.clone(),
            keys: need.keys.iter().cloned().collect(),
            decision: verdict,
            by,
            reason,
            denial: denial.map(ToOwned::to_owned),
            missing: decision.and_then(|it| missing(need, it)),
            count: 1,
            first_ms: now_ms,
        };
        let remembered = Remembered { permission, context: context.clone(), aliases: need.aliases.clone(), by_trust };
        self.entries.insert(key, remembered);
    }

    /// Somebody for each user and role that asked for anything.
    pub(super) fn callers(&self) -> impl Iterator<Item = &Caller> {
        self.callers.values()
    }

    /// The report; `policies` are those of the users and roles that asked.
    pub(super) fn report(&self, mode: IamMode, policies: &[(String, Vec<Named>)]) -> PermissionReport {
        let needed: Vec<PermissionUse> = self.entries.values().map(|it| it.permission.clone()).collect();
        let denied = needed.iter().filter(|it| it.decision == PermissionDecision::Denied).cloned().collect();
        let unused = policies
            .iter()
            .flat_map(|(holder, policies)| policies.iter().flat_map(move |named| self.unused_of(holder, named)));
        let own = self.entries.values().filter(|it| !it.by_trust).map(|it| &it.permission);
        let smallest = smallest(own);
        PermissionReport { mode, unused: unused.collect(), denied, smallest, needed, left_out: self.left_out }
    }

    /// The actions of a policy's `Allow` statements that no request of `holder` needed.
    fn unused_of(&self, holder: &str, named: &Named) -> Vec<UnusedPermission> {
        let policy = &named.policy;
        let allowing = policy.statements.iter().enumerate().filter(|(_, it)| it.effect == Effect::Allow);
        let unused = allowing.filter_map(|(at, statement)| {
            let used: Vec<&str> = self
                .entries
                .values()
                .filter(|it| it.permission.principal == holder && policy.statement_covers(at, &it.request()))
                .map(|it| it.permission.action.as_str())
                .collect();
            let is_used = |pattern: &&String| used.iter().any(|it| Pattern::plain(pattern).matches_any_case(it));
            // What `NotAction` allows cannot be listed: it is used or it is not.
            let texts = &statement.actions.texts;
            let actions: Vec<String> = if statement.actions.negated {
                texts.iter().filter(|_| used.is_empty()).map(|it| format!("not {it}")).collect()
            } else {
                texts.iter().filter(|it| !is_used(it)).cloned().collect()
            };
            let whole_statement = actions.len() == texts.len();
            let at = DecidingStatement { policy: named.name.clone(), sid: statement.sid.clone(), statement: at };
            (!actions.is_empty()).then(|| UnusedPermission {
                principal: holder.to_owned(),
                at,
                actions,
                whole_statement,
            })
        });
        unused.collect()
    }
}

/// The statement that would allow what was denied; none where one denies it, which no other can outweigh.
pub(super) fn missing(need: &Need, decision: &Decision) -> Option<Value> {
    match decision {
        Decision::Denied(Denial::NoIdentity | Denial::NoSession | Denial::NoTrust) => {}
        Decision::Denied(Denial::ByIdentity(_) | Denial::BySession(_) | Denial::ByResource(_))
        | Decision::Allowed(_) => {
            return None;
        }
    }
    let passed_to = need.keys.iter().find(|(key, _)| key == PASSED_TO).and_then(|(_, values)| values.first());
    Some(allowing(&need.action, &need.resource, passed_to.map(String::as_str)))
}

impl Remembered {
    fn request(&self) -> Request<'_> {
        Request {
            action: &self.permission.action,
            resource: &self.permission.resource,
            aliases: &self.aliases,
            context: &self.context,
        }
    }
}

fn told(decision: Option<&Decision>) -> (PermissionDecision, Option<DecidingStatement>, String) {
    let place = |by: &Citation| {
        let sid = by.sid.as_ref().map(|it| format!(" `{it}`")).unwrap_or_default();
        format!("Statement[{}]{sid} of `{}`", by.statement, by.policy)
    };
    let statement = |by: &Citation| DecidingStatement::from(by.clone());
    let denied = |by: Option<&Citation>, reason: String| (PermissionDecision::Denied, by.map(statement), reason);
    match decision {
        None => (PermissionDecision::Unasked, None, "no policy was asked".to_owned()),
        Some(Decision::Allowed(by)) => {
            (PermissionDecision::Allowed, Some(statement(by)), format!("{} allows it", place(by)))
        }
        Some(Decision::Denied(Denial::ByIdentity(by) | Denial::BySession(by) | Denial::ByResource(by))) => {
            denied(Some(by), format!("{} denies it", place(by)))
        }
        Some(Decision::Denied(Denial::NoIdentity)) => denied(None, "no identity-based policy allows it".to_owned()),
        Some(Decision::Denied(Denial::NoSession)) => denied(None, "no session policy allows it".to_owned()),
        Some(Decision::Denied(Denial::NoTrust)) => denied(None, "the role's trust policy does not allow it".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, Ledger, MOST};
    use crate::account::{Caller, Principal};
    use crate::account_file::IamMode;
    use crate::iam::needs::Need;
    use crate::iam::policy::Context;

    #[test]
    fn a_full_ledger_counts_what_it_leaves_out() {
        let caller = Caller {
            region: String::new(),
            access_key_id: String::new(),
            arn: String::new(),
            user_id: String::new(),
            known: true,
            principal: Principal::Root,
            user_agent: String::new(),
        };
        let (mut ledger, context) = (Ledger::default(), Context::default());
        // The first is asked for again at the end: what is known is counted also when the ledger is full.
        for at in (0..MOST + 2).chain([0]) {
            let need = Need::new("ecr:PutImage", at.to_string());
            let (holder, decision, denial, now_ms) = ("", None, None, 0);
            ledger.add(&Entry { caller: &caller, holder, need: &need, context: &context, decision, denial, now_ms });
        }
        let report = ledger.report(IamMode::Off, &[]);
        assert_eq!((report.needed.len(), report.needed[0].count, report.left_out), (MOST, 2, 2));
    }
}
