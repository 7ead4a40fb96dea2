//! One load balancer: it listens, picks a target, and hands the request over.

use std::net::SocketAddr;
use std::sync::{Arc, Weak};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONNECTION, HOST, HeaderName, UPGRADE};
use axum::http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use axum::serve::ListenerExt as _;
use futures_util::StreamExt as _;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::watch;
use uuid::Uuid;

use super::answers::{Fault, fixed, redirect};
use super::{Busy, UnderWay, http};
use crate::account::Account;
use crate::elbv2::actions::Action;
use crate::elbv2::model::{Answers, Elbv2, HealthState, Listener};
use crate::endpoint::wait_until;

/// Headers that are about one connection.
///
/// Source: RFC 9110, 7.6.1.
const OF_A_CONNECTION: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What a load balancer's connections see.
#[derive(Clone, Debug)]
pub(super) struct Door {
    /// Weak: a request that takes long must not keep the account open.
    pub(super) account: Weak<Account>,
    pub(super) busy: Arc<Busy>,
    pub(super) closed: watch::Receiver<bool>,
    pub(super) region: String,
    /// Its ARN.
    pub(super) load_balancer: String,
    pub(super) port: u16,
}

/// What is to be done with a request.
enum Verdict {
    Forward { to: SocketAddr, listener_port: u16, under_way: UnderWay },
    Answer(Response<Body>),
}

/// Serves until the endpoint closes.
pub(super) async fn serve(door: Door, listener: TcpListener) {
    let until_closed = wait_until(door.closed.clone());
    let listener = listener.tap_io(|stream| {
        if let Err(err) = stream.set_nodelay(true) {
            tracing::debug!(%err, "no TCP_NODELAY");
        }
    });
    let router = Router::new().fallback(answer).with_state(door);
    if let Err(err) = axum::serve(listener, router).with_graceful_shutdown(until_closed).await {
        tracing::error!(%err, "a load balancer ended");
    }
}

async fn answer(State(door): State<Door>, request: Request<Body>) -> Response<Body> {
    let verdict = match door.account.upgrade() {
        Some(account) => account.read(&door.region, |region| door.decide(&region.elbv2, &request)),
        None => Verdict::Answer(Fault::unavailable("the account is closed").answer()),
    };
    match verdict {
        Verdict::Answer(response) => response,
        Verdict::Forward { to, listener_port, under_way } => {
            let handed_over = hand_over(request, to, listener_port, under_way, door.closed).await;
            handed_over.unwrap_or_else(Fault::answer)
        }
    }
}

impl Door {
    fn decide(&self, elb: &Elbv2, request: &Request<Body>) -> Verdict {
        // A load balancer has one port here. Where one listener forwards and another sends to HTTPS, it is the first that is meant.
        let forwards = |listener: &Listener| matches!(listener.actions.first(), Some(Action::Forward(_)));
        let listeners = elb.listeners_of(&self.load_balancer).map(|(_, listener)| listener);
        let Some(listener) = listeners.min_by_key(|listener| (!forwards(listener), listener.port)) else {
            return Verdict::Answer(Fault::unavailable("the load balancer has no listener").answer());
        };
        match listener.actions.first() {
            None => Verdict::Answer(Fault::unavailable("the listener has no action").answer()),
            Some(Action::FixedResponse { status, content_type, body }) => {
                Verdict::Answer(fixed(*status, content_type.as_deref(), body.as_deref()))
            }
            Some(action @ Action::Redirect { .. }) => Verdict::Answer(redirect(action, listener, self.port, request)),
            Some(Action::Forward(groups)) => match self.pick(elb, groups) {
                Ok((to, under_way)) => Verdict::Forward { to, listener_port: listener.port, under_way },
                Err(fault) => Verdict::Answer(fault.answer()),
            },
        }
    }

    /// Whose turn it is among the healthy targets.
    ///
    /// Source: AWS ELB v2 user guide, "Target groups for your Application Load Balancers": round robin, weights of target groups.
    /// Differs: without a healthy target a load balancer answers 503; AWS sends requests to all unhealthy targets then ("fails open").
    fn pick(&self, elb: &Elbv2, groups: &[(String, u32)]) -> Result<(SocketAddr, UnderWay), Fault> {
        let total: usize = groups.iter().map(|(_, weight)| usize::try_from(*weight).unwrap_or(0)).sum();
        let mut turn = match groups {
            [_] => 0,
            _ => self.busy.turn(&self.load_balancer).checked_rem(total).unwrap_or(0),
        };
        let chosen = groups.iter().find(|(_, weight)| {
            let weight = usize::try_from(*weight).unwrap_or(0);
            let this = turn < weight;
            turn = turn.saturating_sub(weight);
            this
        });
        let Some((arn, group)) = chosen.and_then(|(arn, _)| Some((arn, elb.target_groups.get(arn)?))) else {
            return Err(Fault::unavailable("the listener forwards to no target group"));
        };
        let healthy: Vec<_> =
            group.targets.iter().filter(|target| target.health.state == HealthState::Healthy).collect();
        let reachable: Vec<_> = healthy
            .iter()
            .filter_map(|target| match target.answers {
                Answers::At(address) => Some((*target, address)),
                Answers::Nobody => None,
            })
            .collect();
        if reachable.is_empty() {
            return Err(Fault::unavailable(&why_nobody(group, !healthy.is_empty())));
        }
        let (target, address) = reachable[self.busy.turn(arn) % reachable.len()];
        Ok((address, self.busy.begin((arn.clone(), target.id.clone(), target.port))))
    }
}

fn why_nobody(group: &crate::elbv2::model::TargetGroup, simulated: bool) -> String {
    let name = &group.name;
    if simulated {
        return format!("the healthy targets of {name} are simulated: nothing runs behind them");
    }
    let state = |target: &crate::elbv2::model::Target| {
        let health = &target.health;
        let why = health.description.as_deref().map_or_else(String::new, |text| format!(" ({text})"));
        let word = serde_json::to_value(health.state).unwrap_or_default();
        format!("{}:{} is {}{why}", target.id, target.port, word.as_str().unwrap_or_default())
    };
    match group.targets.as_slice() {
        [] => format!("no target is registered in {name}"),
        targets => {
            format!("no healthy target in {name}: {}", targets.iter().take(5).map(state).collect::<Vec<_>>().join(", "))
        }
    }
}

/// Differs: a target of a target group of HTTPS is spoken to in plain HTTP.
async fn hand_over(
    mut request: Request<Body>,
    to: SocketAddr,
    listener_port: u16,
    under_way: UnderWay,
    closed: watch::Receiver<bool>,
) -> Result<Response<Body>, Fault> {
    let upgrade = is_upgrade(request.headers()).then(|| hyper::upgrade::on(&mut request));
    to_the_target(&mut request, upgrade.is_some(), listener_port);
    let mut response = http::send(to, request).await?;
    match upgrade {
        Some(client) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
            let target = hyper::upgrade::on(&mut response);
            tokio::spawn(splice(client, target, under_way, closed));
            Ok(response.map(|_| Body::empty()))
        }
        _ => {
            remove_of_a_connection(response.headers_mut());
            // The target is busy until the body's end.
            let counted = |body| {
                Body::new(body).into_data_stream().inspect(move |_| {
                    let _busy = &under_way;
                })
            };
            Ok(response.map(|body| Body::from_stream(counted(body))))
        }
    }
}

/// Source: AWS ELB v2 user guide, "HTTP headers and Application Load Balancers" and "Request tracing".
fn to_the_target(request: &mut Request<Body>, upgrade: bool, listener_port: u16) {
    let kept = upgrade.then(|| request.headers().get(UPGRADE).cloned()).flatten();
    let headers = request.headers_mut();
    remove_of_a_connection(headers);
    if let Some(protocol) = kept {
        headers.insert(UPGRADE, protocol);
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    }
    // Whoever connects to loopback is this machine.
    let forwarded_for = match headers.get("x-forwarded-for").and_then(|value| value.to_str().ok()) {
        Some(known) => format!("{known}, 127.0.0.1"),
        None => "127.0.0.1".to_owned(),
    };
    let (seconds, id) = (jiff::Timestamp::now().as_second(), Uuid::new_v4().simple().to_string());
    let added = [
        ("x-forwarded-for", forwarded_for),
        ("x-forwarded-proto", "http".to_owned()),
        ("x-forwarded-port", listener_port.to_string()),
        ("x-amzn-trace-id", format!("Root=1-{seconds:08x}-{}", &id[..24])),
    ];
    for (name, value) in added {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    if !headers.contains_key(HOST) {
        headers.insert(HOST, HeaderValue::from_static("127.0.0.1"));
    }
    *request.version_mut() = axum::http::Version::HTTP_11;
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    if let Ok(path) = path.parse() {
        *request.uri_mut() = path;
    }
}

fn is_upgrade(headers: &HeaderMap) -> bool {
    let asked = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let asked = asked.flat_map(|value| value.split(',')).any(|word| word.trim().eq_ignore_ascii_case("upgrade"));
    asked && headers.contains_key(UPGRADE)
}

fn remove_of_a_connection(headers: &mut HeaderMap) {
    let named: Vec<String> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(',').map(|name| name.trim().to_ascii_lowercase()))
        .collect();
    for name in named.iter().map(String::as_str).chain(OF_A_CONNECTION) {
        headers.remove(name);
    }
}

async fn splice(
    client: hyper::upgrade::OnUpgrade,
    target: hyper::upgrade::OnUpgrade,
    under_way: UnderWay,
    closed: watch::Receiver<bool>,
) {
    let both = async {
        let (client, target) = (client.await?, target.await?);
        let (mut client, mut target) = (TokioIo::new(client), TokioIo::new(target));
        // A connection that breaks off ends the splice as one that is closed.
        drop(tokio::io::copy_bidirectional(&mut client, &mut target).await);
        Ok::<_, hyper::Error>(())
    };
    tokio::select! {
        done = both => if let Err(err) = done {
            tracing::debug!(%err, "a connection was not upgraded");
        },
        () = wait_until(closed) => {}
    }
    drop(under_way);
}
