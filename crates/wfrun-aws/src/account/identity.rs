//! Whose keys are whose.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use uuid::Uuid;

use super::sessions::{Holder, Session};
use super::{Account, Caller, Keys, lock};
use crate::account_file::{AuthSection, IamMode, UnknownKeys, Verify};
use crate::iam::{Iam, arn};
use crate::ids::{root_arn, secret_key, unique_id};
use crate::protocol::ApiError;

/// Who a request is from.
#[derive(Clone, Debug)]
pub(crate) enum Principal {
    /// The account's root: everything is allowed.
    Root,
    /// The IAM user of that name.
    User(String),
    /// Somebody for a while.
    Session(Arc<Session>),
    /// Nobody: the request is not signed.
    Nobody,
}

/// How keys are treated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Auth {
    verify: bool,
    /// A key that nobody has is the root's.
    unknown_is_root: bool,
}

impl Auth {
    pub(super) fn new(section: &AuthSection, mode: IamMode) -> Self {
        let unknown_is_root = match (section.unknown_keys, mode) {
            (Some(UnknownKeys::AcceptAsRoot), _) | (None, IamMode::Off | IamMode::Report) => true,
            (Some(UnknownKeys::Reject), _) | (None, IamMode::Enforce) => false,
        };
        Self { verify: section.verify == Verify::Signature, unknown_is_root }
    }
}

/// The access keys that were minted. In memory only: they end with the process.
#[derive(Default)]
pub(super) struct Minted(Mutex<HashMap<String, MintedKey>>);

#[derive(Clone)]
struct MintedKey {
    /// None for the root.
    user: Option<String>,
    secret: String,
}

/// Whose an access key is.
pub(crate) enum Owned {
    /// Somebody's, with the secret to verify signatures with.
    By(Caller, String),
    /// Somebody's who may not use it any more.
    Inactive,
    /// Nobody's.
    Unknown,
}

impl Account {
    /// Makes an access key for the IAM user `user`, who is created where absent. The key is valid until the account is dropped.
    ///
    /// Such a user is the workflow's identity: [`AccountSettings::iam_policies`](super::AccountSettings) are its policies, beside
    /// those that the account gives it.
    pub fn mint_keys(&self, user: &str) -> Keys {
        let now_ms = self.now_ms();
        lock(&self.state).iam.user_or_new(user, now_ms);
        self.mint(Some(user.to_owned()))
    }

    /// Makes an access key for the account's root, who may do everything. The key is valid until the account is dropped.
    pub fn mint_root_keys(&self) -> Keys {
        self.mint(None)
    }

    fn mint(&self, user: Option<String>) -> Keys {
        let access_key_id = unique_id("AKIA", 16, Uuid::new_v4());
        let secret = secret_key();
        lock(&self.minted.0).insert(access_key_id.clone(), MintedKey { user, secret: secret.clone() });
        Keys { access_key_id, secret_access_key: secret }
    }

    /// Whether a user has minted keys.
    pub(crate) fn is_workflow_user(&self, name: &str) -> bool {
        lock(&self.minted.0).values().any(|key| key.user.as_deref() == Some(name))
    }

    pub(crate) fn verifies_signatures(&self) -> bool {
        self.auth.verify
    }

    pub(crate) fn takes_unknown_keys(&self) -> bool {
        self.auth.unknown_is_root
    }

    /// Whose an access key is.
    pub(crate) fn owner_of(&self, access_key_id: &str, region: &str) -> Owned {
        if let Some(session) = self.session(access_key_id) {
            let (arn, user_id, secret) =
                (session.arn.clone(), session.user_id.clone(), session.secret_access_key.clone());
            let principal = Principal::Session(Arc::new(session));
            return Owned::By(Self::caller(access_key_id, region, principal, (arn, user_id)), secret);
        }
        let minted = lock(&self.minted.0).get(access_key_id).cloned();
        match minted {
            Some(MintedKey { user: None, secret }) => Owned::By(self.root(access_key_id, region, true), secret),
            Some(MintedKey { user: Some(user), secret }) => match self.user(access_key_id, region, &user) {
                Some(caller) => Owned::By(caller, secret),
                None => Owned::Inactive,
            },
            None => self.owner_in_iam(access_key_id, region),
        }
    }

    fn owner_in_iam(&self, access_key_id: &str, region: &str) -> Owned {
        let found = self.read_iam(|iam| {
            iam.key(access_key_id).map(|(user, key)| (user.to_owned(), key.active, key.secret.clone()))
        });
        match found {
            None => Owned::Unknown,
            Some((_, false, _)) => Owned::Inactive,
            Some((user, true, secret)) => match self.user(access_key_id, region, &user) {
                Some(caller) => Owned::By(caller, secret),
                None => Owned::Inactive,
            },
        }
    }

    /// The root, by a key of its own or by one that nobody has.
    pub(crate) fn root(&self, access_key_id: &str, region: &str, known: bool) -> Caller {
        let names = (root_arn(&self.id), self.id.clone());
        Caller { known, ..Self::caller(access_key_id, region, Principal::Root, names) }
    }

    /// Who calls without credentials.
    pub(crate) fn nobody(&self) -> Caller {
        let region = self.region.clone();
        Caller { known: false, ..Self::caller("", &region, Principal::Nobody, Default::default()) }
    }

    fn user(&self, access_key_id: &str, region: &str, name: &str) -> Option<Caller> {
        let names = self.read_iam(|iam| {
            iam.users.get(name).map(|user| (arn(&self.id, "user", &user.path, name), user.id.clone()))
        })?;
        Some(Self::caller(access_key_id, region, Principal::User(name.to_owned()), names))
    }

    fn caller(access_key_id: &str, region: &str, principal: Principal, names: (String, String)) -> Caller {
        let (arn, user_id) = names;
        Caller {
            region: region.to_owned(),
            access_key_id: access_key_id.to_owned(),
            arn,
            user_id,
            known: true,
            principal,
            user_agent: String::new(),
        }
    }

    pub(crate) fn read_iam<T>(&self, look: impl FnOnce(&Iam) -> T) -> T {
        look(&lock(&self.state).iam)
    }

    /// Changes IAM. A refused change must leave it as it was; only a successful one is written to disk.
    pub(crate) fn change_iam<T>(&self, alter: impl FnOnce(&mut Iam) -> Result<T, ApiError>) -> Result<T, ApiError> {
        let mut state = lock(&self.state);
        let done = alter(&mut state.iam)?;
        self.written(&state)?;
        Ok(done)
    }
}

impl Session {
    /// The ARN of whom the session stands for, without its name: what reports and policies are about.
    pub(crate) fn holder_arn(&self, account: &str) -> String {
        match &self.holder {
            Holder::Root => root_arn(account),
            Holder::User { .. } => self.arn.clone(),
            Holder::Role { arn, .. } => arn.clone(),
        }
    }
}
