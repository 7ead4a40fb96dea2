//! The operations that are emulated.

use crate::account::Operation;
use crate::{ec2, ecr, ecs, elbv2, iam, logs, sts};

/// The operation `name` of `service`, or `None` where it is not emulated.
pub(super) fn find(service: &str, name: &str) -> Option<Operation> {
    match service {
        "sts" => sts::operation(name),
        "iam" => iam::operation(name),
        "ec2" => ec2::operation(name),
        "ecr" => ecr::operation(name),
        "ecs" => ecs::operation(name),
        "elasticloadbalancing" => elbv2::operation(name),
        "logs" => logs::operation(name),
        _ => None,
    }
}
