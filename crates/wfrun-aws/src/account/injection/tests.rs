use std::time::Duration;

use super::{Injected, Injection};

#[test]
fn injections_are_read() {
    let deny = |action: &str| Injection::IamDeny { action: action.to_owned() };
    let cases = [
        ("ecs:unhealthy", Injection::EcsUnhealthy),
        ("ecs:crash", Injection::EcsCrash),
        ("ecs:slow=30s", Injection::EcsSlow(Duration::from_secs(30))),
        ("ecs:slow=2m", Injection::EcsSlow(Duration::from_mins(2))),
        ("ecs:slow=7", Injection::EcsSlow(Duration::from_secs(7))),
        ("ecs:slow=500ms", Injection::EcsSlow(Duration::from_millis(500))),
        ("ecr:throttle", Injection::EcrThrottle),
        ("sts:expired", Injection::StsExpired),
        ("iam:deny=ecs:UpdateService", deny("ecs:UpdateService")),
        ("iam:deny=ecr:*", deny("ecr:*")),
    ];
    for (text, want) in cases {
        assert_eq!(Injection::parse(text).as_ref(), Ok(&want), "{text}");
    }
    for known in Injection::KNOWN {
        assert!(known.parse::<Injection>().is_ok(), "{known}");
    }
}

#[test]
fn what_is_none_says_what_there_is() {
    let cases = [
        ("ecs:slowly", "there is no such fault"),
        ("", "there is no such fault"),
        ("ecs:slow", "it is written as `ecs:slow=30s`"),
        ("ecs:slow=soon", "it is written as `ecs:slow=30s`"),
        ("ecs:slow=999999999999999999m", "it is written as `ecs:slow=30s`"),
        ("ecs:crash=1", "it is written as `ecs:crash`"),
        ("iam:deny=x", "it is written as `iam:deny=ecs:UpdateService`"),
    ];
    for (text, want) in cases {
        assert_eq!(Injection::parse(text).unwrap_err().to_string(), want);
    }
}

#[test]
fn actions_are_covered_as_policies_cover_them() {
    for (pattern, action, want) in [
        ("ecs:updateservice", "ecs:updateservice", true),
        ("ecs:*", "ecs:updateservice", true),
        ("*:describe*", "ecs:describeservices", true),
        ("ecs:*s", "ecs:describeservices", true),
        ("ecs:update", "ecs:updateservice", false),
        ("ecr:*", "ecs:updateservice", false),
        ("*", "ecs:x", true),
        ("ECS:updateservice", "ecs:UpdateService", true),
        ("ECS:updateservice", "ecs:DescribeServices", false),
    ] {
        let injected = Injected::new(vec![Injection::IamDeny { action: pattern.to_owned() }]);
        assert_eq!(injected.denies(action), want, "{pattern} {action}");
    }
}

#[test]
fn the_first_requests_of_each_operation_are_throttled() {
    let injected = Injected::new(vec![Injection::EcrThrottle]);
    let met: Vec<_> = ["A", "A", "B", "A", "B", "B"].map(|operation| injected.throttles(operation)).into();
    assert_eq!(met, [true, true, true, false, true, false]);
    assert!(!Injected::default().throttles("A"));
}
