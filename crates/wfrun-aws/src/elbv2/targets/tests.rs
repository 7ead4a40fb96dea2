use crate::account::Region;
use crate::account_file::LoadBalancerEntry;
use crate::elbv2::create_load_balancer;
use crate::elbv2::model::{Answers, HealthState, TargetHealth};
use crate::elbv2::targets::{deregister, follow_use, register, set_health, target_health};
use crate::ids::Arns;

fn region() -> (Region, String) {
    let entry = LoadBalancerEntry { name: "alb".to_owned(), target_group: None, health_check: None };
    let mut region = Region::default();
    create_load_balancer(&mut region, &entry, Arns { account: "123456789012", region: "us-east-1" }, 7).unwrap();
    let group = region.elbv2.target_groups.keys().next().unwrap().clone();
    (region, group)
}

#[test]
fn a_target_comes_and_goes() {
    let (mut region, group) = region();
    let elb = &mut region.elbv2;
    let state = |elb: &crate::elbv2::Elbv2, id: &str| target_health(elb, &group, id, 8000).map(|health| health.state);
    register(elb, &group, "127.0.0.1", 8000, Answers::of("127.0.0.1", 8000)).unwrap();
    register(elb, &group, "10.0.0.7", 8000, Answers::Nobody).unwrap();
    assert_eq!(state(elb, "127.0.0.1"), Some(HealthState::Initial));
    assert!(set_health(elb, &group, "10.0.0.7", 8000, TargetHealth::healthy()));
    assert!(!set_health(elb, &group, "10.0.0.7", 8000, TargetHealth::healthy()), "no news");
    register(elb, &group, "10.0.0.7", 8000, Answers::Nobody).unwrap();
    assert_eq!(state(elb, "10.0.0.7"), Some(HealthState::Healthy), "a target that is there stays as it is");

    assert!(deregister(elb, &group, "127.0.0.1", 8000, 9));
    assert_eq!(state(elb, "127.0.0.1"), Some(HealthState::Draining));
    assert!(!set_health(elb, &group, "127.0.0.1", 8000, TargetHealth::healthy()), "it drains");
    register(elb, &group, "127.0.0.1", 8000, Answers::of("127.0.0.1", 8000)).unwrap();
    assert_eq!(state(elb, "127.0.0.1"), Some(HealthState::Initial), "it is back");
    assert!(deregister(elb, &group, "10.0.0.7", 8000, 9));
    assert_eq!(state(elb, "10.0.0.7"), None, "nobody has anything to finish");
    assert!(!deregister(elb, &group, "10.0.0.7", 8000, 9));
    let err = register(elb, "arn:nope", "10.0.0.7", 8000, Answers::Nobody).unwrap_err();
    assert_eq!((&*err.code, &*err.message), ("TargetGroupNotFound", "Target groups 'arn:nope' not found"));
}

#[test]
fn a_group_without_listener_is_not_used() {
    let (mut region, group) = region();
    let elb = &mut region.elbv2;
    register(elb, &group, "127.0.0.1", 8000, Answers::of("127.0.0.1", 8000)).unwrap();
    let listeners = std::mem::take(&mut elb.listeners);
    follow_use(elb);
    let health = target_health(elb, &group, "127.0.0.1", 8000).unwrap();
    assert_eq!((health.state, health.reason.as_deref()), (HealthState::Unused, Some("Target.NotInUse")));
    elb.listeners = listeners;
    follow_use(elb);
    assert_eq!(target_health(elb, &group, "127.0.0.1", 8000).unwrap().state, HealthState::Initial);
}

#[test]
fn what_was_probed_before_says_nothing_now() {
    let (mut region, group) = region();
    let elb = &mut region.elbv2;
    register(elb, &group, "127.0.0.1", 8000, Answers::of("127.0.0.1", 8000)).unwrap();
    register(elb, &group, "10.0.0.7", 8000, Answers::Nobody).unwrap();
    for id in ["127.0.0.1", "10.0.0.7"] {
        set_health(elb, &group, id, 8000, TargetHealth::healthy());
    }
    let text = serde_json::to_string(&elb).unwrap();
    let mut again: crate::elbv2::Elbv2 = serde_json::from_str(&text).unwrap();
    again.start_afresh();
    let state = |id| target_health(&again, &group, id, 8000).unwrap().state;
    assert_eq!((state("127.0.0.1"), state("10.0.0.7")), (HealthState::Initial, HealthState::Healthy));
}
