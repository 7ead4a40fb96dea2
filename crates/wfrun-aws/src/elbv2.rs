//! Elastic Load Balancing, version 2: load balancers, their listeners and target groups.
//!
//! An application load balancer is real: a port of loopback that forwards to the healthy targets ([`plane`]), whose health is probed.
//! What a runtime needs of it is in [`targets`]: register, deregister, health.

mod actions;
mod attributes;
mod check;
mod input;
mod listeners;
mod load_balancers;
mod model;
mod plane;
mod seed;
mod tags;
mod target_groups;
mod target_health;
pub(crate) mod targets;

use crate::account::Operation;

pub(crate) use self::model::Elbv2;
pub(crate) use self::plane::{DataPlane, keep_health};
pub(crate) use self::seed::create_load_balancer;
pub(crate) use self::target_health::is_settling;

/// The operation of that name, if it is emulated.
pub(crate) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateLoadBalancer" => load_balancers::create,
        "DescribeLoadBalancers" => load_balancers::describe,
        "DeleteLoadBalancer" => load_balancers::delete,
        "CreateTargetGroup" => target_groups::create,
        "DescribeTargetGroups" => target_groups::describe,
        "ModifyTargetGroup" => target_groups::modify,
        "DeleteTargetGroup" => target_groups::delete,
        "CreateListener" => listeners::create,
        "DescribeListeners" => listeners::describe,
        "ModifyListener" => listeners::modify,
        "DeleteListener" => listeners::delete,
        "RegisterTargets" => target_health::register_targets,
        "DeregisterTargets" => target_health::deregister_targets,
        "DescribeTargetHealth" => target_health::describe,
        "DescribeLoadBalancerAttributes" => attributes::describe_load_balancer,
        "ModifyLoadBalancerAttributes" => attributes::modify_load_balancer,
        "DescribeTargetGroupAttributes" => attributes::describe_target_group,
        "ModifyTargetGroupAttributes" => attributes::modify_target_group,
        "DescribeTags" => tags::describe,
        "AddTags" => tags::add,
        "RemoveTags" => tags::remove,
        _ => return None,
    })
}
