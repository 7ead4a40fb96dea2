//! The account: its state, who may use it, and what is told about it.

mod call;
mod identity;
mod injection;
mod notices;
mod seed;
mod sessions;
mod settings;
mod state;
mod store;

use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use uuid::Uuid;

pub(crate) use self::call::{Call, Caller, Input, Operation};
use self::identity::{Auth, Minted};
pub(crate) use self::identity::{Owned, Principal};
pub(crate) use self::injection::{Injected, TaskFaults};
pub use self::injection::{Injection, InjectionError};
use self::notices::Notices;
pub use self::sessions::WebIdentityError;
pub(crate) use self::sessions::{Holder, Session, SessionWishes};
use self::sessions::{IdentityProvider, Sessions};
pub use self::settings::{
    AccountError, AccountSettings, FailedDeployment, FailedService, Keys, Notice, RollingService, ServiceCall,
    ServiceView, Wanted, WantedService, WantedTaskDefinition,
};
pub(crate) use self::state::{Region, State};
use self::store::Store;
use crate::account_file::{Era, HostMode, IamMode, Runtime};
use crate::clock::Clock;
use crate::ecs::{Order, Step};
use crate::elbv2::DataPlane;
use crate::iam::{Permissions, PolicyFiles};
use crate::ids::{Arns, secret_key};
use crate::launcher::{RegistryLogin, Simulate, TaskLauncher, TaskReport, TaskReports};
use crate::logs::EventStore;
use crate::protocol::ApiError;
use crate::registry::{Registry, TOKEN_LIFE, Token, TokenKey, registry_name};

/// An AWS account that lives in a folder.
///
/// It keeps what was created in it between runs: task definition revisions grow, pushed images stay.
pub struct Account {
    id: String,
    region: String,
    /// Of the account file.
    first_user: Option<String>,
    era: Era,
    waiter_hold: Duration,
    injected: Injected,
    reports: TaskReports,
    simulate: Simulate,
    /// Starts tasks in place of `simulate`.
    launcher: Option<Arc<dyn TaskLauncher>>,
    clock: Clock,
    observer: Box<dyn Fn(ServiceCall) + Send + Sync>,
    notices: Notices,
    store: Store,
    /// What there was since it was opened, also of what is deleted.
    had: Mutex<seed::Had>,
    state: Mutex<State>,
    minted: Minted,
    /// With which tasks pull their images.
    runtime_key: OnceLock<String>,
    auth: Auth,
    permissions: Permissions,
    sessions: Sessions,
    identity_provider: Option<IdentityProvider>,
    /// Who updated which service since the account was opened: access key id and service ARN. Decides about the waiter hold.
    updates: Mutex<HashSet<(String, String)>>,
    registry_host: Mutex<String>,
    host_mode: HostMode,
    /// Whether clients are told Amazon's name of the registry.
    has_amazons_name: AtomicBool,
    token_key: TokenKey,
    registry: Registry,
    data_plane: DataPlane,
    events: EventStore,
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
        const DEFAULT_TIME_SCALE: f64 = 0.1;
        let AccountSettings { file, file_dir, wanted, state_dir, iam_policies, injections, launcher } = settings;
        refuse_what_is_not_emulated(&file, launcher.is_some())?;
        let launcher = launcher.filter(|_| file.ecs.runtime == Runtime::Docker);
        let region = file.region.clone().or_else(|| wanted.region.clone()).unwrap_or_else(|| "us-east-1".to_owned());
        let policy_files = PolicyFiles::read(&file.iam, &file_dir, iam_policies)?;
        let nobody_may = file.iam.mode != IamMode::Off && policy_files.is_empty();
        let (store, in_use) = Store::open(&state_dir)?;
        let id = file.account.clone().or_else(|| store.account()).or_else(|| wanted.account.clone());
        let id = id.unwrap_or_else(|| "123456789012".to_owned());
        let mut state = store.load(&id)?;
        let wanted = seed::by_names(&wanted, &id);
        let world = seed::World { account: &id, region: &region, now_ms: clock.now_ms() };
        state.forget_old_tasks(world.now_ms);
        state.take_over_users(world.now_ms);
        state.regions.values_mut().for_each(|region| region.elbv2.start_afresh());
        crate::ecs::take_up(&mut state);
        let other = wanted.account.as_ref().filter(|it| **it != id).map(|other| {
            Notice::new(format!(
                "the workflow names account {other}, and the emulated one is {id}: `account: \"{other}\"` in the account file gives it \
                 that number, once the folder `{}` is deleted",
                state_dir.display()
            ))
        });
        let mut notices: Vec<Notice> = other.into_iter().collect();
        notices.extend(seed::from_file(&mut state, &file, &file_dir, &wanted, world)?);
        notices.extend(seed::from_workflow(&mut state, &wanted, world, false));
        if launcher.is_some() {
            crate::ecs::launch_anew(&mut state);
        }
        if nobody_may && !state.iam.has_policies() {
            notices.push(Notice::new(
                "`iam.mode` is on and nobody has a policy, so that everything but `GetCallerIdentity` is denied; name policy files \
                 under `iam.users.<name>.policies`",
            ));
        }
        store.save(&state)?;
        let reports = TaskReports::default();
        let registry = Registry::open(&state_dir)?;
        registry.sweep(|digest| state.regions.values().any(|region| region.ecr.names(digest)));
        let account = Self {
            id,
            region,
            first_user: file.iam.users.keys().next().cloned(),
            era: file.ecs.task_definition_era,
            waiter_hold: Duration::from_secs(file.ecs.waiter_hold.unwrap_or(DEFAULT_WAITER_HOLD_S)),
            injected: Injected::new(injections),
            simulate: Simulate::new(file.ecs.faults, reports.clone()),
            reports,
            launcher,
            clock,
            observer: Box::new(observer),
            notices: Notices::default(),
            registry,
            events: EventStore::new(&state_dir),
            data_plane: DataPlane::new(file.elbv2.time_scale.unwrap_or(DEFAULT_TIME_SCALE)),
            store,
            had: Mutex::new(seed::had(&state)),
            state: Mutex::new(state),
            minted: Minted::default(),
            runtime_key: OnceLock::new(),
            auth: Auth::new(&file.auth, file.iam.mode),
            permissions: Permissions::new(&file.iam, policy_files),
            sessions: Sessions::default(),
            identity_provider: None,
            updates: Mutex::default(),
            registry_host: Mutex::default(),
            host_mode: file.ecr.host_mode,
            has_amazons_name: AtomicBool::new(false),
            token_key: TokenKey::new(Sha256::digest(secret_key()).into()),
            changes: watch::Sender::new(0),
            _in_use: in_use,
        };
        Ok((account, notices))
    }

    /// Makes an access key for a person at a shell: of the first user of the account file, else of the account's root, who may do
    /// all.
    pub fn shell_keys(&self) -> Keys {
        match &self.first_user {
            Some(user) => self.mint_keys(user),
            None => self.mint_root_keys(),
        }
    }

    /// The account's number, 12 digits.
    pub fn account_id(&self) -> &str {
        &self.id
    }

    /// The region in which the account file and the workflow's names were created.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The ports of 127.0.0.1 at which load balancers listen while the account is served, in all regions.
    pub fn load_balancer_ports(&self) -> Vec<u16> {
        let state = lock(&self.state);
        state.regions.values().flat_map(|region| region.elbv2.ports()).collect()
    }

    /// What the service `service` of `cluster` runs now, in the account's region.
    pub fn service(&self, cluster: &str, service: &str) -> Option<ServiceView> {
        let state = lock(&self.state);
        state.regions.get(&self.region).and_then(|region| region.ecs.view(cluster, service))
    }

    /// The services that are being rolled out, in all regions.
    pub fn rolling_services(&self) -> Vec<RollingService> {
        let state = lock(&self.state);
        let clusters = state.regions.values().flat_map(|region| &region.ecs.clusters);
        let services =
            clusters.flat_map(|(name, cluster)| cluster.services.values().map(move |service| (name, service)));
        let rolling = services.filter(|(_, service)| service.is_rolling_out()).filter_map(|(cluster, service)| {
            let (cluster, deployment) = (cluster.clone(), service.deployments.first()?.id.clone());
            Some(RollingService { cluster, service: service.name.clone(), deployment })
        });
        rolling.collect()
    }

    /// The services whose newest deployment the circuit breaker gave up, in all regions; see [`ServiceView::failed`].
    pub fn failed_services(&self) -> Vec<FailedService> {
        let state = lock(&self.state);
        let clusters = state.regions.values().flat_map(|region| &region.ecs.clusters);
        let services =
            clusters.flat_map(|(name, cluster)| cluster.services.values().map(move |service| (name, service)));
        let failed = services.filter_map(|(cluster, service)| {
            let deployment = service.failed.clone()?;
            let is_ending = service.is_stopping_tasks_of(&deployment.id);
            Some(FailedService { cluster: cluster.clone(), service: service.name.clone(), deployment, is_ending })
        });
        failed.collect()
    }

    /// The faults that the run is to meet.
    pub(crate) fn injected(&self) -> &Injected {
        &self.injected
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

    pub(crate) fn events(&self) -> &EventStore {
        &self.events
    }

    pub(crate) fn data_plane(&self) -> &DataPlane {
        &self.data_plane
    }

    pub(crate) fn token_key(&self) -> &TokenKey {
        &self.token_key
    }

    /// What the account file says of the registry's name.
    pub fn host_mode(&self) -> HostMode {
        self.host_mode
    }

    /// Lets clients call the registry by Amazon's name, `ACCOUNT.dkr.ecr.REGION.amazonaws.com`, from here on.
    ///
    /// It is for the caller to lead that name to the endpoint; tasks pull from the endpoint's address as before.
    pub fn call_registry_by_amazons_name(&self) {
        self.has_amazons_name.store(true, Ordering::Release);
    }

    /// The host of image names, as clients are told it: the endpoint's own address, or Amazon's name in a region.
    pub(crate) fn image_host(&self, region: &str) -> String {
        if !self.has_amazons_name.load(Ordering::Acquire) {
            return self.registry_host();
        }
        registry_name(&self.id, region)
    }

    /// Where clients log in: [`Self::image_host`] as a URL.
    pub(crate) fn login_url(&self, region: &str) -> String {
        let scheme = if self.has_amazons_name.load(Ordering::Acquire) { "https" } else { "http" };
        format!("{scheme}://{}", self.image_host(region))
    }

    /// The endpoint's own address, as `127.0.0.1:5000`.
    pub(crate) fn registry_host(&self) -> String {
        lock(&self.registry_host).clone()
    }

    pub(crate) fn set_registry_host(&self, host: String) {
        *lock(&self.registry_host) = host;
    }

    pub(crate) fn observe(&self, call: ServiceCall) {
        (self.observer)(ServiceCall { notices: self.take_notices(), ..call });
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

    /// The regions in which anything was ever changed.
    pub(crate) fn region_names(&self) -> Vec<String> {
        lock(&self.state).regions.keys().cloned().collect()
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

    /// Drives every rollout by one tick: takes in what launchers reported, decides, and tells them what to start and stop. Returns whether
    /// anything changed.
    pub(crate) fn tick(&self) -> Result<bool, ApiError> {
        self.simulate.advance();
        let reports = self.reports.take();
        let (changed, orders, written) = {
            let mut state = lock(&self.state);
            let login = |region: &str| self.registry_login(region);
            let mut step = Step {
                account: &self.id,
                now_ms: self.now_ms(),
                reports: &reports,
                simulate: self.launcher.is_none(),
                faults: self.injected.tasks(),
                login: &login,
                new_id: &mut Uuid::new_v4,
            };
            let (changed, orders) = crate::ecs::tick(&mut state, &mut step);
            let written = if changed { self.written(&state) } else { Ok(()) };
            (changed, orders, written)
        };
        // Launchers are called without the lock: they may take their time, and report at once. An order is given once, also where the
        // disk is full.
        for order in orders {
            self.carry_out(order);
        }
        written.map(|()| changed)
    }

    fn carry_out(&self, order: Order) {
        match order {
            Order::Refuse { task, reason } => self.reports.reporter(&task).report(TaskReport::CannotStart { reason }),
            Order::Start { task, simulated, fault } => {
                let reporter = self.reports.reporter(&task.id);
                match &self.launcher {
                    Some(launcher) if !simulated => launcher.start(*task, reporter),
                    _ => self.simulate.start_with(&task, reporter, fault),
                }
            }
            Order::Stop { task, simulated } => match &self.launcher {
                Some(launcher) if !simulated => launcher.stop(&task),
                _ => self.simulate.stop(&task),
            },
        }
    }

    fn registry_login(&self, region: &str) -> RegistryLogin {
        let expires_at_ms = self.now_ms() + u64::try_from(TOKEN_LIFE.as_millis()).unwrap_or_default();
        let principal = format!("arn:aws:iam::{}:role/ecsTaskExecutionRole", self.id);
        // What a task pulls is not the workflow's doing: no policy of the account is asked.
        let access_key_id = self.runtime_key.get_or_init(|| self.mint_root_keys().access_key_id).clone();
        let token = Token { access_key_id, principal, region: region.to_owned(), expires_at_ms };
        RegistryLogin { host: self.registry_host(), user: "AWS".to_owned(), password: self.token_key.seal(&token) }
    }

    /// Creates what a step that is about to run names and the account never had, in `wanted.region` or the account's own; the notices
    /// say what. What calls deleted does not come back.
    pub fn provide(&self, wanted: &Wanted) -> Result<Vec<Notice>, AccountError> {
        let region = wanted.region.as_deref().filter(|it| !it.is_empty()).unwrap_or(&self.region);
        let world = seed::World { account: &self.id, region, now_ms: self.now_ms() };
        let mut state = lock(&self.state);
        let wanted = {
            let mut had = lock(&self.had);
            // What calls created since counts as well.
            had.extend(seed::had(&state));
            seed::never_there(&mut had, &seed::by_names(wanted, &self.id), region)
        };
        if wanted == Wanted::default() {
            return Ok(Vec::new());
        }
        let mut notices = seed::from_workflow(&mut state, &wanted, world, true);
        self.store.save(&state)?;
        drop(state);
        self.changes.send_modify(|count| *count += 1);
        if region != self.region {
            for it in &mut notices {
                it.message = format!("{}, in {region}", it.message);
            }
        }
        Ok(notices)
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

fn refuse_what_is_not_emulated(file: &crate::AccountFile, has_launcher: bool) -> Result<(), AccountError> {
    let refused = |field, value, instead| Err(AccountError::NotEmulated { field, value, instead });
    match file.ecs.runtime {
        Runtime::Docker if !has_launcher => refused("ecs.runtime", "docker", "simulate"),
        Runtime::Simulate | Runtime::Docker => Ok(()),
    }
}
