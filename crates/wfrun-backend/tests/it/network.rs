use std::net::{IpAddr, Ipv4Addr};

use wfrun_backend::network::start_dns_guard;

use crate::support::{open_with, sandbox};

#[tokio::test(flavor = "multi_thread")]
async fn steps_cannot_reach_aws_by_name() {
    let Some(backend) = sandbox() else { return };
    let address = Ipv4Addr::new(127, 77, 0, 53);
    // Only root has this port.
    let Ok(guard) = start_dns_guard(address).await else { return };
    let place = open_with(&backend, |spec| spec.dns = Some(IpAddr::V4(address))).await;
    assert_eq!(place.output("getent hosts ecs.eu-west-1.amazonaws.com || echo none").await, "none\n");
    assert_eq!(place.output("getent hosts localhost >/dev/null && echo localhost").await, "localhost\n");
    assert_eq!(guard.blocked(), ["ecs.eu-west-1.amazonaws.com"]);
    place.close().await;
}
