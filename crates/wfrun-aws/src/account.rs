//! The account: its state, who may use it, and what is told about it.

mod call;
mod identity;
mod seed;
mod sessions;
mod settings;
mod state;
mod store;

use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use uuid::Uuid;

pub(crate) use self::call::{Call, Caller, Input, Operation};
use self::identity::{Auth, Minted};
pub(crate) use self::identity::{Owned, Principal};
pub use self::sessions::WebIdentityError;
pub(crate) use self::sessions::{Holder, Session, SessionWishes};
use self::sessions::{IdentityProvider, Sessions};
pub use self::settings::{
    AccountError, AccountSettings, FailedDeployment, Keys, Notice, ServiceCall, ServiceView, Wanted, WantedService,
    WantedTaskDefinition,
};
pub(crate) use self::state::{Region, State};
use self::store::Store;
use crate::account_file::{Era, Fault, IamMode, Runtime};
use crate::clock::Clock;
use crate::iam::{Permissions, PolicyFiles};
use crate::ids::{Arns, secret_key};
use crate::protocol::ApiError;
use crate::registry::{Registry, TokenKey};

/// An AWS account that lives in a folder.
///
/// It keeps what was created in it between runs: task definition revisions grow, pushed images stay.
pub struct Account {
    id: String,
    region: String,
    era: Era,
    waiter_hold: Duration,
    faults: indexmap::IndexMap<String, Fault>,
    clock: Clock,
    observer: Box<dyn Fn(ServiceCall) + Send + Sync>,
    store: Store,
    state: Mutex<State>,
    minted: Minted,
    auth: Auth,
    permissions: Permissions,
    sessions: Sessions,
    identity_provider: Option<IdentityProvider>,
    /// Who updated which service since the account was opened: access key id and service ARN. Decides about the waiter hold.
    updates: Mutex<HashSet<(String, String)>>,
    registry_host: Mutex<String>,
    token_key: TokenKey,
    registry: Registry,
    changes: watch::Sender<u64>,
    _in_use: File,
}

impl Account {
    /// Opens the account below `settings.state_dir`, creating what the account file and the workflow name.
    ///
    /// `observer` is called once per request, after its answer is decided. The notices say what was created or is not emulated and
    /// are to be shown to people.
    pub fn open(
        settings: AccountSettings,
        observer: impl Fn(ServiceCall) + Send + Sync + 'static,
    ) -> Result<(Self, Vec<Notice>), AccountError> {
        Self::open_with_clock(settings, Clock::system(), observer)
    }

    /// Opens the account with a clock of the caller's.
    pub fn open_with_clock(
        settings: AccountSettings,
        clock: Clock,
        observer: impl Fn(ServiceCall) + Send + Sync + 'static,
    ) -> Result<(Self, Vec<Notice>), AccountError> {
        const DEFAULT_WAITER_HOLD_S: u64 = 12;
        let AccountSettings { file, file_dir, wanted, state_dir, iam_policies } = settings;
        refuse_what_is_not_emulated(&file)?;
        let id = file.account.clone().unwrap_or_else(|| "123456789012".to_owned());
        let region = file.region.clone().or_else(|| wanted.region.clone()).unwrap_or_else(|| "us-east-1".to_owned());
        let policy_files = PolicyFiles::read(&file.iam, &file_dir, &iam_policies)?;
        let nobody_may = file.iam.mode != IamMode::Off && policy_files.is_empty();
        let (store, in_use) = Store::open(&state_dir)?;
        let mut state = store.load(&id)?;
        let world = seed::World { account: &id, region: &region, now_ms: clock.now_ms() };
        state.forget_old_tasks(world.now_ms);
        state.take_over_users(world.now_ms);
        let mut notices = seed::from_file(&mut state, &file, &file_dir, &wanted, world)?;
        notices.extend(seed::from_workflow(&mut state, &wanted, world)?);
        if nobody_may && !state.iam.has_policies() {
            notices.push(Notice::new(
                "`iam.mode` is on and nobody has a policy, so that everything but `GetCallerIdentity` is denied; name policy files \
                 under `iam.users.<name>.policies`",
            ));
        }
        store.save(&state)?;
        let account = Self {
            id,
            region,
            era: file.ecs.task_definition_era,
            waiter_hold: Duration::from_secs(file.ecs.waiter_hold.unwrap_or(DEFAULT_WAITER_HOLD_S)),
            faults: file.ecs.faults,
            clock,
            observer: Box::new(observer),
            registry: Registry::open(&state_dir)?,
            store,
            state: Mutex::new(state),
            minted: Minted::default(),
            auth: Auth::new(&file.auth, file.iam.mode),
            permissions: Permissions::new(&file.iam, policy_files),
            sessions: Sessions::default(),
            identity_provider: None,
            updates: Mutex::default(),
            registry_host: Mutex::default(),
            token_key: TokenKey::new(Sha256::digest(secret_key()).into()),
            changes: watch::Sender::new(0),
            _in_use: in_use,
        };
        Ok((account, notices))
    }

    /// The account's number, 12 digits.
    pub fn account_id(&self) -> &str {
        &self.id
    }

    /// The region in which the account file and the workflow's names were created.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// What the service `service` of `cluster` runs now, in the account's region.
    pub fn service(&self, cluster: &str, service: &str) -> Option<ServiceView> {
        let state = lock(&self.state);
        state.regions.get(&self.region).and_then(|region| region.ecs.view(cluster, service))
    }

    pub(crate) fn era(&self) -> Era {
        self.era
    }

    pub(crate) fn waiter_hold(&self) -> Duration {
        self.waiter_hold
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(crate) fn token_key(&self) -> &TokenKey {
        &self.token_key
    }

    /// The host of image names, as `127.0.0.1:5000`: the endpoint's own address.
    pub(crate) fn registry_host(&self) -> String {
        lock(&self.registry_host).clone()
    }

    pub(crate) fn set_registry_host(&self, host: String) {
        *lock(&self.registry_host) = host;
    }

    pub(crate) fn observe(&self, call: ServiceCall) {
        (self.observer)(call);
    }

    pub(crate) fn permissions(&self) -> &Permissions {
        &self.permissions
    }

    pub(crate) fn remember_update(&self, access_key_id: &str, service_arn: String) {
        lock(&self.updates).insert((access_key_id.to_owned(), service_arn));
    }

    pub(crate) fn was_updated_by(&self, access_key_id: &str, service_arn: &str) -> bool {
        lock(&self.updates).contains(&(access_key_id.to_owned(), service_arn.to_owned()))
    }

    /// Counts up with every change of the state.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(crate) fn arns<'a>(&'a self, region: &'a str) -> Arns<'a> {
        Arns { account: &self.id, region }
    }

    pub(crate) fn read<T>(&self, region: &str, look: impl FnOnce(&Region) -> T) -> T {
        let state = lock(&self.state);
        match state.regions.get(region) {
            Some(region) => look(region),
            None => look(&Region::default()),
        }
    }

    /// Changes one region. A refused change must leave it as it was; only a successful one is written to disk.
    pub(crate) fn change<T>(
        &self,
        region: &str,
        alter: impl FnOnce(&mut Region) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let mut state = lock(&self.state);
        let done = alter(state.regions.entry(region.to_owned()).or_default())?;
        self.written(&state)?;
        Ok(done)
    }

    /// Drives every rollout by one tick. Returns whether anything changed.
    pub(crate) fn tick(&self) -> Result<bool, ApiError> {
        let mut state = lock(&self.state);
        let mut new_id = Uuid::new_v4;
        let changed = crate::ecs::tick(&mut state, &self.id, &self.faults, self.now_ms(), &mut new_id);
        if changed {
            self.written(&state)?;
        }
        Ok(changed)
    }

    fn written(&self, state: &MutexGuard<'_, State>) -> Result<(), ApiError> {
        self.store.save(state).map_err(|err| {
            // A 5xx would be retried by every client; the same disk would fail again.
            ApiError::new("WfrunStateNotWritten", format!("wfrun: {err}: {}", err.cause()))
        })?;
        self.changes.send_modify(|count| *count += 1);
        Ok(())
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("id", &self.id).field("region", &self.region).finish_non_exhaustive()
    }
}

/// Locks `mutex`, also after a panic elsewhere: every change of the state is complete before anything can panic.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn refuse_what_is_not_emulated(file: &crate::AccountFile) -> Result<(), AccountError> {
    let refused = |field, value, instead| Err(AccountError::NotEmulated { field, value, instead });
    match file.ecs.runtime {
        Runtime::Simulate => Ok(()),
        Runtime::Docker => refused("ecs.runtime", "docker", "simulate"),
    }
}
