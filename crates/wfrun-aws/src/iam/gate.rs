//! Whether a request may happen: who asks, what that needs, and what the policies say.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::Owner;
use super::ledger::{Entry, Ledger, PermissionReport, missing};
use super::needs::Need;
use super::policy::{Actor, Applicable, Context, Decision, Denial, Kind, Named, Policy, Request, ResourceSide, decide};
use super::policy_files::PolicyFiles;
use crate::account::{Account, Caller, Holder, Principal, lock};
use crate::account_file::{IamMode, IamSection};

/// How permissions are treated, and what was decided so far.
#[derive(Debug)]
pub(crate) struct Permissions {
    mode: IamMode,
    passrole_on_update: bool,
    files: PolicyFiles,
    /// Documents that were read before; one that is no policy is `None`.
    parsed: Mutex<HashMap<String, Option<Arc<Policy>>>>,
    ledger: Mutex<Ledger>,
}

/// What became of a request's permissions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Permit {
    /// The action that was denied, else the first that was needed.
    pub(crate) action: Option<String>,
    /// Its resource.
    pub(crate) resource: Option<String>,
    /// Why not, in AWS' words.
    pub(crate) denial: Option<String>,
    /// The statement that would allow it, where one would.
    pub(crate) missing: Option<String>,
    /// It is denied because somebody wants to see that.
    pub(crate) injected: bool,
    /// The request must not happen.
    pub(crate) refused: bool,
}

/// Somebody as policies see them.
struct Subject {
    /// Whose permissions they are: the ARN of the user or role.
    holder: String,
    identity: Vec<Named>,
    session: Option<Vec<Named>>,
    actor: Actor,
    context: Context,
}

impl Permissions {
    pub(crate) fn new(section: &IamSection, files: PolicyFiles) -> Self {
        let (parsed, ledger) = Default::default();
        Self { mode: section.mode, passrole_on_update: section.passrole_on_update, files, parsed, ledger }
    }

    pub(crate) fn passrole_on_update(&self) -> bool {
        self.passrole_on_update
    }
}

impl Account {
    /// Which permissions the requests since the account was opened needed, and what came of it.
    pub fn permission_report(&self) -> PermissionReport {
        let permissions = self.permissions();
        let ledger = lock(&permissions.ledger);
        let mut policies: Vec<(String, Vec<Named>)> = Vec::new();
        for caller in ledger.callers() {
            let subject = self.subject(caller);
            policies.push((subject.holder, subject.identity));
        }
        ledger.report(permissions.mode, &policies)
    }

    /// Decides about all that a request needs, and remembers it. What is denied first decides.
    pub(crate) fn permit(&self, caller: &Caller, needs: &[Need]) -> Permit {
        if let Some(need) = needs.iter().find(|it| self.injected().denies(&it.action)) {
            let denial = words(&caller.arn, need, &Denial::NoIdentity);
            let (action, resource) = (Some(need.action.clone()), Some(need.resource.clone()));
            return Permit { action, resource, denial: Some(denial), missing: None, injected: true, refused: true };
        }
        let permissions = self.permissions();
        let subject = self.subject(caller);
        let mut permit = Permit {
            action: needs.first().map(|it| it.action.clone()),
            resource: needs.first().map(|it| it.resource.clone()),
            ..Permit::default()
        };
        for need in needs {
            let mut context = subject.context.clone();
            for (key, values) in &need.keys {
                context.list(key, values.clone());
            }
            self.set_resource_tags(&caller.region, &need.resource, &mut context);
            let decision = self.decision(caller, &subject, need, &context);
            let denial = match &decision {
                Some(Decision::Denied(why)) => Some(words(&caller.arn, need, why)),
                Some(Decision::Allowed(_)) | None => None,
            };
            lock(&permissions.ledger).add(&Entry {
                caller,
                holder: &subject.holder,
                need,
                context: &context,
                decision: decision.as_ref(),
                denial: denial.as_deref(),
                now_ms: self.now_ms(),
            });
            if permit.denial.is_none() && denial.is_some() {
                permit.action = Some(need.action.clone());
                permit.resource = Some(need.resource.clone());
                permit.denial = denial;
                permit.missing = decision.as_ref().and_then(|it| missing(need, it)).map(|it| it.to_string());
                permit.refused = permissions.mode == IamMode::Enforce;
            }
            if permit.refused {
                break;
            }
        }
        permit
    }

    /// Remembers what a trust policy says of somebody's web identity; whether the mode lets them in.
    pub(super) fn judge_web_identity(
        &self,
        need: &Need,
        provider: &str,
        context: &Context,
        decision: &Decision,
    ) -> bool {
        let permissions = self.permissions();
        let asked = (permissions.mode != IamMode::Off).then_some(decision);
        let denied = matches!(asked, Some(Decision::Denied(_)));
        let words = "Not authorized to perform sts:AssumeRoleWithWebIdentity";
        lock(&permissions.ledger).add(&Entry {
            caller: &self.nobody(),
            holder: provider,
            need,
            context,
            decision: asked,
            denial: denied.then_some(words),
            now_ms: self.now_ms(),
        });
        !denied || permissions.mode != IamMode::Enforce
    }

    /// What the policies say; `None` where they are not asked.
    fn decision(&self, caller: &Caller, subject: &Subject, need: &Need, context: &Context) -> Option<Decision> {
        let is_root = match &caller.principal {
            Principal::Root => true,
            Principal::Session(session) => matches!(session.holder, Holder::Root),
            Principal::User(_) | Principal::Nobody => false,
        };
        if self.permissions().mode == IamMode::Off || is_root && need.trust.is_none() {
            return None;
        }
        let request = Request { action: &need.action, resource: &need.resource, aliases: &need.aliases, context };
        let resource =
            need.trust.as_ref().map(|policy| ResourceSide { policy, actor: &subject.actor, must_allow: true });
        let root = [everything()];
        let identity = if is_root { &root[..] } else { &subject.identity };
        Some(decide(&request, Applicable { identity, session: subject.session.as_deref(), resource }))
    }

    /// Somebody's policies and what is known of them.
    fn subject(&self, caller: &Caller) -> Subject {
        let account = self.account_id();
        let mut context = Context::default();
        context.set("aws:PrincipalAccount", account);
        context.set("aws:userid", &*caller.user_id);
        context.set("aws:SourceIp", "127.0.0.1");
        context.set("aws:SecureTransport", "true");
        context.set("aws:RequestedRegion", &*caller.region);
        context.set("aws:UserAgent", &*caller.user_agent);
        let now_ms = self.now_ms();
        context.set("aws:CurrentTime", crate::clock::iso_seconds(now_ms));
        context.set("aws:EpochTime", (now_ms / 1000).to_string());
        let (mut identity, mut session, mut arns) = (Vec::new(), None, vec![caller.arn.clone()]);
        let (holder, kind) = match &caller.principal {
            Principal::Root => (caller.arn.clone(), "Account"),
            Principal::Nobody => (String::new(), "Anonymous"),
            Principal::User(name) => {
                identity = self.policies_of(Owner::User, name);
                context.set("aws:username", &**name);
                self.set_principal_tags(Owner::User, name, &mut context);
                (caller.arn.clone(), "User")
            }
            Principal::Session(open) => {
                session.clone_from(&open.policies);
                let kind = match &open.holder {
                    Holder::Root => "Account",
                    Holder::User { name } => {
                        identity = self.policies_of(Owner::User, name);
                        context.set("aws:username", &**name);
                        self.set_principal_tags(Owner::User, name, &mut context);
                        "User"
                    }
                    Holder::Role { name, .. } => {
                        identity = self.policies_of(Owner::Role, name);
                        self.set_principal_tags(Owner::Role, name, &mut context);
                        "AssumedRole"
                    }
                };
                // A tag of the session is in place of one of the role's.
                // Source: AWS IAM user guide, "Pass session tags in AWS STS".
                for (key, value) in &open.tags {
                    context.set(&format!("aws:PrincipalTag/{key}"), &**value);
                }
                let holder = open.holder_arn(account);
                arns.push(holder.clone());
                (holder, kind)
            }
        };
        context.set("aws:PrincipalArn", &*holder);
        context.set("aws:PrincipalType", kind);
        let actor = Actor::Member { account: account.to_owned(), arns };
        Subject { holder, identity, session, actor, context }
    }

    /// Sets `aws:PrincipalTag/…` of a user or role.
    fn set_principal_tags(&self, owner: Owner, name: &str, context: &mut Context) {
        self.read_iam(|iam| {
            let tags = match owner {
                Owner::User => iam.users.get(name).map(|it| &it.tags),
                Owner::Role => iam.roles.get(name).map(|it| &it.tags),
            };
            for (key, value) in tags.into_iter().flatten() {
                context.set(&format!("aws:PrincipalTag/{key}"), &**value);
            }
        });
    }

    /// All policies of a user or role: attached, inline, and those of files.
    pub(super) fn policies_of(&self, owner: Owner, name: &str) -> Vec<Named> {
        let mut policies = self.read_iam(|iam| {
            let held = iam.holdings(owner, name).map(|it| iam.documents(it));
            self.parsed(held.into_iter().flatten())
        });
        policies.extend(self.file_policies(owner, name));
        policies
    }

    /// The policies of files that a user or role has. A role that is not in IAM has the workflow's.
    ///
    /// Differs: policies of files are not shown by IAM's lists.
    fn file_policies(&self, owner: Owner, name: &str) -> Vec<Named> {
        let files = &self.permissions().files;
        match owner {
            Owner::User => {
                let own = files.by_user.get(name).into_iter().flatten();
                let workflow = self.is_workflow_user(name).then_some(&files.workflow).into_iter().flatten();
                own.chain(workflow).cloned().collect()
            }
            Owner::Role => {
                let exists = self.read_iam(|iam| iam.roles.contains_key(name));
                if exists { Vec::new() } else { files.workflow.clone() }
            }
        }
    }

    /// Documents of IAM as policies, by their names. They were read when they came, so that each is one.
    pub(crate) fn parsed<'d>(&self, documents: impl IntoIterator<Item = (&'d str, &'d str)>) -> Vec<Named> {
        const MOST: usize = 1000;
        let mut parsed = lock(&self.permissions().parsed);
        if parsed.len() > MOST {
            parsed.clear();
        }
        let read = |(name, text): (&str, &str)| {
            if !parsed.contains_key(text) {
                parsed.insert(text.to_owned(), Policy::parse(text, Kind::Identity).map(Arc::new).ok());
            }
            Some(Named { name: name.to_owned(), policy: parsed.get(text)?.clone()? })
        };
        documents.into_iter().filter_map(read).collect()
    }
}

fn everything() -> Named {
    let document = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    let policy = Policy::parse(document, Kind::Identity).expect("the document above is a policy");
    Named { name: "root".to_owned(), policy: Arc::new(policy) }
}

/// A denial as AWS words it.
///
/// Source: the AWS rules 5.5.
fn words(caller: &str, need: &Need, why: &Denial) -> String {
    let action = &need.action;
    let resource = need.shown.unwrap_or(&need.resource);
    let head = format!("User: {caller} is not authorized to perform: {action} on resource: {resource}");
    match why {
        Denial::ByIdentity(_) => format!("{head} with an explicit deny in an identity-based policy"),
        Denial::BySession(_) => format!("{head} with an explicit deny in a session policy"),
        Denial::ByResource(_) => format!("{head} with an explicit deny in a resource-based policy"),
        Denial::NoIdentity => format!("{head} because no identity-based policy allows the {action} action"),
        Denial::NoSession => format!("{head} because no session policy allows the {action} action"),
        Denial::NoTrust => head,
    }
}
