//! Trust policies: who may play a role.

use std::sync::Arc;

use super::needs::Need;
use super::policy::{Actor, Applicable, Context, Kind, Named, Policy, Request, ResourceSide, decide};
use crate::account::Account;

impl Account {
    /// The trust policy of a role, by the role's ARN; `None` where no such role is in IAM.
    pub(crate) fn trust_of(&self, role_arn: &str) -> Option<Named> {
        self.read_iam(|iam| {
            let (name, role) = iam.role(self.account_id(), role_arn)?;
            let policy = Policy::parse(&role.trust, Kind::Trust).ok()?;
            Some(Named { name: format!("trust policy of {name}"), policy: Arc::new(policy) })
        })
    }

    /// Whether a role lets in whom an identity provider vouches for, with these claims as condition keys. What is decided is
    /// remembered; a role that is not in IAM lets everybody in.
    pub(crate) fn permit_web_identity(&self, role_arn: &str, provider: &str, keys: Vec<(String, Vec<String>)>) -> bool {
        const ACTION: &str = "sts:AssumeRoleWithWebIdentity";
        if self.injected().denies(ACTION) {
            return false;
        }
        let Some(policy) = self.trust_of(role_arn) else { return true };
        let mut context = Context::default();
        for (key, values) in &keys {
            context.list(key, values.clone());
        }
        let actor = Actor::Federated(provider.to_owned());
        let resource = Some(ResourceSide { policy: &policy, actor: &actor, must_allow: true });
        let request = Request { action: ACTION, resource: role_arn, aliases: &[], context: &context };
        let decision = decide(&request, Applicable { identity: &[], session: None, resource });
        let need = Need { keys, trust: Some(policy.clone()), ..Need::new(ACTION, role_arn) };
        self.judge_web_identity(&need, provider, &context, &decision)
    }
}
