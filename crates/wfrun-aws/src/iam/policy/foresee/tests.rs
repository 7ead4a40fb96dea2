use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Certainty, Foreseen, PartlyKnown, UNKNOWN, foresee};
use crate::iam::policy::{Applicable, Context, Decision, Kind, Named, Pattern, Policy, Request, decide};

/// `?` in these rows is [`UNKNOWN`].
#[test]
fn patterns_and_texts_of_which_a_part_is_known() {
    let rows = [
        ("abc", "abc", Certainty::Yes),
        ("abc", "abd", Certainty::No),
        ("abc", "a?", Certainty::Maybe),
        ("abc", "?", Certainty::Maybe),
        ("abc", "?d", Certainty::No),
        ("abc", "abc?", Certainty::Maybe),
        ("*", "?", Certainty::Yes),
        ("a*", "a?", Certainty::Yes),
        ("a*c", "a?c", Certainty::Yes),
        ("a*c", "a?b", Certainty::No),
        ("a*c", "?c", Certainty::Maybe),
        ("a*", "?a", Certainty::Maybe),
        ("", "?", Certainty::Maybe),
        ("", "?a", Certainty::No),
    ];
    for (pattern, text, want) in rows {
        let text = text.replace('?', &UNKNOWN.to_string());
        assert_eq!(Pattern::plain(pattern).may_match(&text), want, "{pattern} {text}");
    }
    let text = format!("a{UNKNOWN}c");
    assert_eq!(Pattern::plain("a?c").may_match(&text), Certainty::Maybe);
    assert_eq!(Pattern::plain("a?b").may_match(&text), Certainty::No);
}

fn named(statements: &[Value]) -> Named {
    let document = json!({ "Version": "2012-10-17", "Statement": statements });
    let policy = Policy::parse(&document.to_string(), Kind::Identity).unwrap_or_else(|err| panic!("{document}: {err}"));
    Named { name: "p".to_owned(), policy: Arc::new(policy) }
}

#[test]
fn an_account_that_is_not_known_is_the_policy_s() {
    let arn = |account: &str| format!("arn:aws:ecr:r:{account}:repository/news");
    let (wanted, nothing) = (arn(&UNKNOWN.to_string()), Context::default());
    let request = PartlyKnown { action: "ecr:PutImage", resource: &wanted, aliases: &[], context: &nothing };
    let allow = |resource: &str| json!({ "Effect": "Allow", "Action": "ecr:*", "Resource": resource });
    for (resource, want) in [
        (arn("123456789012"), Foreseen::Allowed),
        (arn("*"), Foreseen::Allowed),
        (arn("123456789012").replace("news", "olds"), Foreseen::Denied(None)),
        (arn("123456789012").replace(":r:", ":other:"), Foreseen::Denied(None)),
    ] {
        assert_eq!(foresee(&request, &[named(&[allow(&resource)])]), want, "{resource}");
    }
    let deny = json!({ "Effect": "Deny", "Action": "*", "Resource": arn("123456789012") });
    let denied = foresee(&request, &[named(&[allow("*"), deny])]);
    assert!(matches!(denied, Foreseen::Denied(Some(by)) if by.statement == 1));
}

const KNOWN_KEY: &str = "ecs:cluster";
const OTHER_KEY: &str = "aws:SourceIp";

fn any_statement() -> impl Strategy<Value = Value> {
    let action = prop::sample::select(vec!["*", "ecr:*", "ecr:PutImage", "ecs:X"]);
    let resource = prop::sample::select(vec![
        "*",
        "arn:a:b:c:1:x",
        "arn:a:b:c:*:x/*",
        "arn:a:b:c:1:x/?",
        "arn:a:b:c:1:${aws:username}",
    ]);
    let key = prop::option::of(prop::sample::select(vec![KNOWN_KEY, OTHER_KEY]));
    let operator = prop::sample::select(vec!["StringEquals", "StringNotEquals", "StringEqualsIfExists"]);
    (any::<bool>(), action, any::<bool>(), resource, any::<bool>(), key, operator).prop_map(
        |(allows, action, not_action, resource, not_resource, key, operator)| {
            let mut statement = json!({
                "Effect": if allows { "Allow" } else { "Deny" },
                if not_action { "NotAction" } else { "Action" }: action,
                if not_resource { "NotResource" } else { "Resource" }: resource,
            });
            if let Some(key) = key {
                statement["Condition"] = json!({ operator: { key: ["v", "${aws:userid}"] } });
            }
            statement
        },
    )
}

proptest! {
    /// Whatever is filled in for what is not known, a run decides as it was foreseen; where all is known, it is foreseen.
    #[test]
    fn runs_decide_as_was_foreseen(
        statements in prop::collection::vec(any_statement(), 1..5),
        resource in prop::sample::select(vec!["*", "arn:a:b:c:1:x", "arn:a:b:c:1:?", "arn:a:b:c:1:x/?", "arn:a:b:c:1:?x", "?"]),
        filled in prop::sample::select(vec!["", "x", "x/y", "y", "*", "arn:a:b:c:1:x/z", "jo"]),
        keys in prop::collection::vec(prop::option::of(prop::sample::select(vec!["v", "w"])), 2),
        is_key_known in any::<bool>(),
        user in prop::option::of(Just("jo")),
    ) {
        let policies = [named(&statements)];
        let mut context = Context::default();
        if let (Some(value), true) = (keys[0], is_key_known) {
            context.set(KNOWN_KEY, value);
        }
        let partly = resource.replace('?', &UNKNOWN.to_string());
        let foreseen = foresee(
            &PartlyKnown { action: "ecr:PutImage", resource: &partly, aliases: &[], context: &context },
            &policies,
        );
        let is_wholly_known = !resource.contains('?')
            && !statements.iter().any(|it| it["Condition"].is_object() || it.to_string().contains("${"));
        prop_assert!(!is_wholly_known || foreseen != Foreseen::Open);
        for (key, value) in [KNOWN_KEY, OTHER_KEY].into_iter().zip(&keys) {
            if let Some(value) = value {
                context.set(key, *value);
            }
        }
        if let Some(user) = user {
            context.set("aws:username", user);
        }
        let whole = resource.replace('?', filled);
        let request = Request { action: "ecr:PutImage", resource: &whole, aliases: &[], context: &context };
        let decision = decide(&request, Applicable { identity: &policies, session: None, resource: None });
        match foreseen {
            Foreseen::Allowed => prop_assert!(matches!(decision, Decision::Allowed(_))),
            Foreseen::Denied(_) => prop_assert!(matches!(decision, Decision::Denied(_))),
            Foreseen::Open => {}
        }
    }
}
