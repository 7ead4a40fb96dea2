//! The load balancers as processes see them: a port of loopback for each, and probes of the targets behind it.
//!
//! Connections go to targets that answer on loopback (`Answers::At`), and nowhere else.

mod answers;
mod door;
mod health;
mod http;

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) use self::health::keep_health;
use crate::account::{Account, lock};
use crate::protocol::ApiError;

/// A target, as what is in memory knows it: the target group's ARN, id and port.
pub(super) type TargetKey = (String, String, u16);

/// The load balancers that are being served, and what they are busy with. In memory only.
#[derive(Debug)]
pub(crate) struct DataPlane {
    running: Mutex<Option<Running>>,
    busy: Arc<Busy>,
    /// How many seconds a second of a target group's settings takes here.
    time_scale: f64,
}

#[derive(Debug)]
struct Running {
    account: Weak<Account>,
    closed: watch::Receiver<bool>,
    /// By ARN.
    doors: HashMap<String, JoinHandle<()>>,
}

/// Requests that are under way, and whose turn it is.
#[derive(Debug, Default)]
struct Busy {
    requests: Mutex<HashMap<TargetKey, usize>>,
    /// By target group, or by load balancer for its weighted groups.
    turns: Mutex<HashMap<String, usize>>,
}

/// A request that is under way to a target, until it is dropped.
#[derive(Debug)]
struct UnderWay {
    busy: Arc<Busy>,
    target: TargetKey,
}

impl DataPlane {
    pub(crate) fn new(time_scale: f64) -> Self {
        Self { running: Mutex::default(), busy: Arc::default(), time_scale }
    }

    /// Serves every load balancer there is, and from now on those that are created.
    ///
    /// Must be called inside a runtime, with an account whose endpoint starts.
    pub(crate) fn start(account: &Arc<Account>, closed: watch::Receiver<bool>) -> Result<(), ApiError> {
        let plane = account.data_plane();
        let (doors, weak) = (HashMap::new(), Arc::downgrade(account));
        *lock(&plane.running) = Some(Running { account: weak, closed, doors });
        for region in account.region_names() {
            if account.read(&region, |it| it.elbv2.load_balancers.is_empty()) {
                continue;
            }
            account.change(&region, |it| {
                for (arn, load_balancer) in &mut it.elbv2.load_balancers {
                    load_balancer.port = plane.open(&region, arn, load_balancer.port).map_err(|err| {
                        let message = format!("no port of 127.0.0.1 for load balancer `{}`: {err}", load_balancer.name);
                        ApiError::new("WfrunNoPort", message)
                    })?;
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Listens for a load balancer, on `port` if that is free, else on any; returns the port. `None` while nothing is served.
    pub(super) fn open(&self, region: &str, arn: &str, port: Option<u16>) -> io::Result<Option<u16>> {
        let mut running = lock(&self.running);
        let Some(running) = running.as_mut() else { return Ok(port) };
        let again = port.and_then(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok());
        let listener = again.map_or_else(|| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)), Ok)?;
        let port = listener.local_addr()?.port();
        listener.set_nonblocking(true)?;
        let door = door::Door {
            account: Weak::clone(&running.account),
            busy: Arc::clone(&self.busy),
            closed: running.closed.clone(),
            region: region.to_owned(),
            load_balancer: arn.to_owned(),
            port,
        };
        let server = door::serve(door, tokio::net::TcpListener::from_std(listener)?);
        running.doors.insert(arn.to_owned(), tokio::spawn(server));
        Ok(Some(port))
    }

    /// Stops listening for a load balancer. Its connections end by themselves.
    pub(super) fn close(&self, arn: &str) {
        let door = lock(&self.running).as_mut().and_then(|running| running.doors.remove(arn));
        if let Some(door) = door {
            door.abort();
        }
    }

    /// Stops all; what is still under way after `patience` is cut.
    pub(crate) async fn stop(&self, patience: Duration) {
        let running = lock(&self.running).take();
        for (arn, mut door) in running.into_iter().flat_map(|running| running.doors) {
            if tokio::time::timeout(patience, &mut door).await.is_err() {
                tracing::debug!(arn, "a load balancer's connections are cut");
                door.abort();
            }
        }
    }

    /// A duration of a target group's settings, in seconds, as it is here.
    fn scaled(&self, seconds: u32) -> Duration {
        Duration::from_secs(u64::from(seconds)).mul_f64(self.time_scale)
    }
}

impl Busy {
    /// Counts up: 0 first, then 1 …
    fn turn(&self, of: &str) -> usize {
        let mut turns = lock(&self.turns);
        let turn = turns.entry(of.to_owned()).or_default();
        let now = *turn;
        *turn = turn.wrapping_add(1);
        now
    }

    fn is_idle(&self, target: &TargetKey) -> bool {
        !lock(&self.requests).contains_key(target)
    }

    fn begin(self: &Arc<Self>, target: TargetKey) -> UnderWay {
        *lock(&self.requests).entry(target.clone()).or_default() += 1;
        UnderWay { busy: Arc::clone(self), target }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut requests = lock(&self.busy.requests);
        if let Some(count) = requests.get_mut(&self.target) {
            *count -= 1;
            if *count == 0 {
                requests.remove(&self.target);
            }
        }
    }
}
