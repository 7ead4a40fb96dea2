//! A load balancer of the account file.

use super::model::{LoadBalancer, Texts};
use super::{listeners, load_balancers, target_groups};
use crate::account::Region;
use crate::account_file::LoadBalancerEntry;
use crate::ids::{Arns, DEFAULT_SUBNETS};

/// Creates a load balancer with its target group and a listener on port 80, where they are absent.
///
/// A changed health check path of the file is taken over. Fails with ELB's words for a name that it would refuse.
pub(crate) fn create_load_balancer(
    region: &mut Region,
    entry: &LoadBalancerEntry,
    arns: Arns<'_>,
    now_ms: u64,
) -> Result<(), String> {
    let group_name = entry.target_group.clone().unwrap_or_else(|| format!("{}-tg", entry.name));
    super::input::check_name(&entry.name, "Load balancer").map_err(|err| err.message)?;
    super::input::check_name(&group_name, "Target group").map_err(|err| err.message)?;
    let elb = &mut region.elbv2;
    let known = elb.target_group_named(&group_name).map(ToOwned::to_owned);
    let group = known.unwrap_or_else(|| target_groups::insert(elb, target_groups::plain(&group_name, 80), arns));
    if let (Some(path), Some(group)) = (&entry.health_check, elb.target_groups.get_mut(&group)) {
        group.check.path.clone_from(path);
    }
    if elb.load_balancers.values().any(|known| known.name == entry.name) {
        return Ok(());
    }
    let new = LoadBalancer {
        name: entry.name.clone(),
        created_at_ms: now_ms,
        scheme: "internet-facing".to_owned(),
        subnets: DEFAULT_SUBNETS.iter().take(2).map(|subnet| (*subnet).to_owned()).collect(),
        security_groups: Vec::new(),
        ip_address_type: "ipv4".to_owned(),
        attributes: Texts::new(),
        tags: Texts::new(),
        port: None,
    };
    let arn = load_balancers::insert(elb, new, arns);
    listeners::insert(elb, listeners::forwarding(&arn, 80, &group));
    super::targets::follow_use(elb);
    Ok(())
}
