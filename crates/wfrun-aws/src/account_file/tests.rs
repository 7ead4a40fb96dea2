use super::{AccountFile, Era, Fault, HostMode, IamMode, Runtime, TagMutability, UnknownKeys, Verify};

const FULL: &str = r#"
account: "210987654321"
region: eu-west-1
ecr:
  host_mode: proxy
  repositories: [news-api, { name: team/tools, imageTagMutability: IMMUTABLE }]
ecs:
  runtime: docker
  task_definition_era: current
  waiter_hold: 3
  faults: { broken: crash, sick: unhealthy }
  task_definitions:
    - file: task-definition.json
  clusters:
    news-api-cluster:
      services:
        news-api-service: { task_definition: news-api-task, desired_count: 2 }
        other: { task_definition: "other:3" }
iam:
  mode: "enforce"
  passrole_on_update: true
  users:
    github-actions-deploy: { policies: [github-actions-policy.json] }
auth: { verify: none, unknown_keys: accept-as-root }
elbv2:
  load_balancers: [news-api-alb, { name: other, target_group: other-group, health_check: /health }]
  time_scale: 0.5
"#;

#[test]
fn every_field_is_read() {
    let file = AccountFile::parse(FULL).unwrap();
    assert_eq!(file.account.as_deref(), Some("210987654321"));
    assert_eq!(file.region.as_deref(), Some("eu-west-1"));
    assert_eq!(file.ecr.host_mode, HostMode::Proxy);
    assert_eq!(file.ecr.repositories[0].image_tag_mutability, TagMutability::Mutable);
    assert_eq!(file.ecr.repositories[1].name, "team/tools");
    assert_eq!(file.ecr.repositories[1].image_tag_mutability, TagMutability::Immutable);
    assert_eq!(file.ecs.runtime, Runtime::Docker);
    assert_eq!(file.ecs.task_definition_era, Era::Current);
    assert_eq!(file.ecs.waiter_hold, Some(3));
    assert_eq!(file.ecs.faults["broken"], Fault::Crash);
    assert_eq!(file.ecs.faults["sick"], Fault::Unhealthy);
    let services = &file.ecs.clusters["news-api-cluster"].services;
    assert_eq!((services["news-api-service"].desired_count, services["other"].desired_count), (2, 1));
    assert_eq!(file.iam.mode, IamMode::Enforce);
    assert!(file.iam.passrole_on_update);
    assert_eq!((file.auth.verify, file.auth.unknown_keys), (Verify::None, Some(UnknownKeys::AcceptAsRoot)));
    let [plain, full] = file.elbv2.load_balancers.as_slice() else { panic!("{file:?}") };
    assert_eq!(
        (&*plain.name, plain.target_group.as_deref(), plain.health_check.as_deref()),
        ("news-api-alb", None, None)
    );
    assert_eq!(
        (&*full.name, full.target_group.as_deref(), full.health_check.as_deref()),
        ("other", Some("other-group"), Some("/health"))
    );
    assert_eq!(file.elbv2.time_scale, Some(0.5));
}

#[test]
fn nothing_is_needed() {
    for text in ["", "\n# only a comment\n", "{}"] {
        assert_eq!(AccountFile::parse(text).unwrap(), AccountFile::default(), "{text:?}");
    }
}

#[test]
fn mistakes_have_place_and_help() {
    let cases = [
        ("regoin: us-east-1\n", "unknown field `regoin`", 1, "`region`"),
        ("region: us-east-1\necs:\n  runtime: podman\n", "unknown variant `podman`", 3, "`docker`"),
        ("ecr:\n  host_mode: hosts\n", "unknown variant `hosts`", 2, "`auto`, `loopback`, `proxy`"),
        ("auth:\n  verify: always\n", "unknown variant `always`", 2, "`signature`"),
        ("auth: { unknown_keys: accept }\n", "unknown variant `accept`", 1, "`reject`"),
        ("account: \"12\"\n", "account `12` is not 12 digits", 1, "docs/account-file.md"),
        ("ecr:\n  repositories: [[x]]\n", "invalid type: sequence", 2, "a repository's name"),
        ("ecs:\n  clusters:\n    c:\n      services:\n        s: {}\n", "missing field `task_definition`", 5, "docs/"),
        (
            "elbv2: { load_balancers: [{ name: x, health_check: health }] }\n",
            "health_check `health` is not a path",
            1,
            "docs/",
        ),
        ("elbv2: { load_balancers: [[x]] }\n", "invalid type: sequence", 1, "a load balancer's name"),
        ("elbv2: { time_scale: 0 }\n", "`0` is not above 0", 1, "docs/"),
        (
            "ecr:\n  repositories: [{ name: a, imageTagMutability: IMMUTABLE_WITH_EXCLUSION }]\n",
            "`imageTagMutabilityExclusionFilters` goes with",
            2,
            "docs/",
        ),
        ("region: us\n  ecr: x\n", "mapping values are not allowed", 2, "docs/"),
    ];
    for (text, message, line, help) in cases {
        let err = AccountFile::parse(text).unwrap_err();
        assert!(err.message.contains(message), "{text:?}: {err:?}");
        assert_eq!(err.line, line, "{text:?}: {err:?}");
        assert!(err.column >= 1, "{text:?}: {err:?}");
        assert!(err.help.contains(help), "{text:?}: {err:?}");
    }
}

#[test]
fn values_of_secrets_are_not_shown() {
    let file = AccountFile::parse("ecs: { secrets: { /app/url: hunter2 }, health_scale: 0.5 }").unwrap();
    assert_eq!((file.ecs.secrets.0["/app/url"].as_str(), file.ecs.health_scale), ("hunter2", Some(0.5)));
    let shown = format!("{file:?}");
    assert!(shown.contains("/app/url") && !shown.contains("hunter2"), "{shown}");
}
