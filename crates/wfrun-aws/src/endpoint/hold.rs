//! The waiter hold: a `DescribeServices` that waits for a rollout stays open until the rollout is over, and a `DescribeTargetHealth`
//! until a target is known to be healthy or not, or is gone.
//!
//! Clients poll every 15 s or, with back-off, after minutes. The rollout takes less than a second, so answering the first poll late is
//! what makes a deployment step take as long as the rollout, not as long as the client's patience.

use tokio::time::timeout;

use super::{Shared, wait_until};
use crate::account::Call;
use crate::{ecs, elbv2};

/// Waits while what the request names is on its way and the caller is waiting for it, at most the account's `waiter_hold`.
///
/// A caller waits for a service that rolls out when its key updated the service since the account was opened, or its user agent carries the
/// mark of a waiter (`m/…B…`); for tasks only with that mark. The look that a deployment takes before its update is never held.
/// `waiter_hold` stays far below the clients' read timeouts (60 s).
///
/// Differs: AWS answers at once with the state of the moment.
pub(super) async fn until_settled(shared: &Shared, call: Call<'_>, operation: (&str, &str)) {
    let account = call.account;
    let key = &call.caller.access_key_id;
    let waiter = marks_waiter(&call.caller.user_agent);
    match operation {
        ("ecs", "DescribeServices") => {
            let rolling = || ecs::rolling_out(call).iter().any(|arn| waiter || account.was_updated_by(key, arn));
            hold(shared, rolling).await;
        }
        ("ecs", "DescribeTasks") if waiter => {
            let seen = ecs::running(call).iter().any(|arn| account.was_updated_by(key, arn));
            hold(shared, || ecs::on_the_way(call, seen)).await;
            for arn in ecs::running(call) {
                account.remember_update(key, arn);
            }
        }
        ("elasticloadbalancing", "DescribeTargetHealth") if waiter => hold(shared, || elbv2::is_settling(call)).await,
        _ => {}
    }
}

async fn hold(shared: &Shared, on_the_way: impl Fn() -> bool) {
    let account = &shared.account;
    if account.waiter_hold().is_zero() {
        return;
    }
    let mut changes = account.changes();
    let settled = async {
        while on_the_way() {
            if changes.changed().await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        // A hold that ran out answers with the state of the moment, as does one that was settled.
        _ = timeout(account.waiter_hold(), settled) => {}
        () = wait_until(shared.closing.clone()) => {}
    }
}

/// Whether a user agent says that the request comes from a waiter.
///
/// Source: botocore, feature ids of the user agent's `m/` section (`B` is a waiter).
fn marks_waiter(user_agent: &str) -> bool {
    let marks = user_agent.split(' ').find_map(|part| part.strip_prefix("m/"));
    marks.is_some_and(|marks| marks.split(',').any(|mark| mark == "B"))
}

#[cfg(test)]
mod tests {
    use super::marks_waiter;

    #[test]
    fn waiters_are_known_by_their_mark() {
        let cases = [
            ("aws-cli/1.45 md/Botocore#1.43 ua/2.1 os/linux m/B,E,N", true),
            ("Boto3/1.43 m/N,B", true),
            ("aws-cli/1.45 m/E,N", false),
            ("aws-cli/1.45 m/Bx", false),
            ("", false),
        ];
        for (user_agent, want) in cases {
            assert_eq!(marks_waiter(user_agent), want, "{user_agent}");
        }
    }
}
