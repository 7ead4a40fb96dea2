use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    Actor, Applicable, Citation, Context, Decision, Denial, Kind, Named, Policy, Request, ResourceSide, decide,
};

const ROLE: &str = "arn:aws:iam::123456789012:role/ecsTaskExecutionRole";

fn named(name: &str, document: &Value, kind: Kind) -> Named {
    let policy = Policy::parse(&document.to_string(), kind).unwrap_or_else(|err| panic!("{document}: {err}"));
    Named { name: name.to_owned(), policy: Arc::new(policy) }
}

fn identity(statements: &Value) -> Named {
    named("p", &json!({ "Version": "2012-10-17", "Statement": statements }), Kind::Identity)
}

fn context(keys: &[(&str, &[&str])]) -> Context {
    let mut context = Context::default();
    for (key, values) in keys {
        context.list(key, values.iter().map(|it| (*it).to_owned()).collect());
    }
    context
}

/// Whether one policy of one identity allows it.
fn allows(policy: &Named, action: &str, resource: &str, context: &Context) -> bool {
    let request = Request { action, resource, aliases: &[], context };
    let identity = std::slice::from_ref(policy);
    matches!(decide(&request, Applicable { identity, session: None, resource: None }), Decision::Allowed(_))
}

/// Source: the AWS rules 5.3 and 7.5.
#[test]
fn actions_and_resources() {
    let nothing = Context::default();
    let on = |action: &str, resource: &str| json!({ "Effect": "Allow", "Action": action, "Resource": resource });
    let any_account = "arn:aws:iam::*:role/ecsTaskExecutionRole";
    let rows: [(Value, &str, &str, bool); 26] = [
        (on("ecr:*", "*"), "ecr:PutImage", "arn:x", true),
        (on("ECR:putimage", "*"), "ecr:PutImage", "arn:x", true),
        (on("ecr:*", "*"), "ecs:PutImage", "arn:x", false),
        (on("ecs:Describe?ervices", "*"), "ecs:DescribeServices", "arn:x", true),
        (on("ecs:Describe?ervices", "*"), "ecs:Describeervices", "arn:x", false),
        (on("*", "*"), "ecs:X", "*", true),
        (on("ecs:*Services", "*"), "ecs:DescribeServices", "*", true),
        (on("ecs:*Service", "*"), "ecs:DescribeServices", "*", false),
        (on("ecs:X", "*"), "ecs:X", "*", true),
        (on("ecs:X", "arn:aws:ecs:*:*:service/*"), "ecs:X", "*", false),
        (on("iam:PassRole", any_account), "iam:PassRole", ROLE, true),
        (
            on("iam:PassRole", any_account),
            "iam:PassRole",
            "arn:aws:iam::123456789012:role/service-role/ecsTaskExecutionRole",
            false,
        ),
        (
            on("iam:PassRole", any_account),
            "iam:PassRole",
            "arn:aws:iam::123456789012:role/ecsTaskExecutionRole2",
            false,
        ),
        (on("iam:PassRole", "arn:aws:iam::*:role/*"), "iam:PassRole", "arn:aws:iam::1:role/a/b", true),
        (on("a:b", "arn:aws:ecs:r:1:service/c/?"), "a:b", "arn:aws:ecs:r:1:service/c/s", true),
        (on("a:b", "arn:aws:ecs:r:1:service/C/s"), "a:b", "arn:aws:ecs:r:1:service/c/s", false),
        (on("a:b", "arn:*:s"), "a:b", "arn:aws:ecs:r:1:s", true),
        (json!({ "Effect": "Allow", "NotAction": "iam:*", "Resource": "*" }), "ecs:X", "*", true),
        (json!({ "Effect": "Allow", "NotAction": "iam:*", "Resource": "*" }), "iam:X", "*", false),
        (json!({ "Effect": "Allow", "NotAction": ["iam:*", "ecs:X"], "Resource": "*" }), "ecs:X", "*", false),
        (json!({ "Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::a" }), "s3:X", "arn:aws:s3:::b", true),
        (json!({ "Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::a" }), "s3:X", "arn:aws:s3:::a", false),
        (
            json!([on("ecs:*", "*"), { "Effect": "Deny", "Action": "ecs:Up*", "Resource": "*" }]),
            "ecs:Update",
            "*",
            false,
        ),
        (json!([on("ecs:*", "*"), { "Effect": "Deny", "Action": "ecs:Up*", "Resource": "*" }]), "ecs:Down", "*", true),
        (json!([{ "Effect": "Deny", "NotAction": "ecs:*", "Resource": "*" }, on("*", "*")]), "iam:X", "*", false),
        (
            json!({ "Effect": "Allow", "Action": ["a:b", "ecs:X"], "Resource": ["arn:aws:s3:::a", "*"] }),
            "ecs:X",
            "z",
            true,
        ),
    ];
    for (statements, action, resource, want) in rows {
        assert_eq!(
            allows(&identity(&statements), action, resource, &nothing),
            want,
            "{statements} {action} {resource}"
        );
    }
}

/// Source: AWS IAM user guide, "Condition operators" and "Single-valued and multivalued context keys".
#[test]
fn conditions() {
    let given = context(&[
        ("aws:username", &["ann"]),
        ("iam:PassedToService", &["ecs-tasks.amazonaws.com"]),
        ("aws:SourceIp", &["127.0.0.1"]),
        ("aws:CurrentTime", &["2026-11-23T09:00:00Z"]),
        ("aws:SecureTransport", &["true"]),
        ("aws:PrincipalArn", &["arn:aws:iam::123456789012:user/team/ann"]),
        ("aws:TagKeys", &["team", "stage"]),
        ("x:n", &["42"]),
        ("x:star", &["a*b"]),
        ("x:v6", &["fe80::1"]),
    ]);
    let rows: [(&str, &str, Value, bool); 62] = [
        ("StringEquals", "iam:PassedToService", json!("ecs-tasks.amazonaws.com"), true),
        ("StringEquals", "IAM:passedtoservice", json!("ecs-tasks.amazonaws.com"), true),
        ("StringEquals", "iam:PassedToService", json!("ec2.amazonaws.com"), false),
        ("StringEquals", "iam:PassedToService", json!(["ec2.amazonaws.com", "ecs-tasks.amazonaws.com"]), true),
        ("StringEquals", "aws:username", json!("Ann"), false),
        ("StringEquals", "aws:username", json!("a*"), false),
        ("StringEquals", "x:star", json!("a*b"), true),
        ("StringEqualsIgnoreCase", "aws:username", json!("Ann"), true),
        ("StringNotEqualsIgnoreCase", "aws:username", json!("Ann"), false),
        ("StringNotEquals", "aws:username", json!(["bob", "cid"]), true),
        ("StringNotEquals", "aws:username", json!(["bob", "ann"]), false),
        ("StringLike", "aws:username", json!("a?n"), true),
        ("StringLike", "x:star", json!("a${*}b"), true),
        ("StringLike", "aws:username", json!("a${*}n"), false),
        ("StringNotLike", "aws:username", json!("b*"), true),
        ("StringEquals", "absent:key", json!("x"), false),
        ("StringNotEquals", "absent:key", json!("x"), true),
        ("StringNotLike", "absent:key", json!("x"), true),
        ("StringEqualsIfExists", "absent:key", json!("x"), true),
        ("StringEqualsIfExists", "aws:username", json!("x"), false),
        ("StringEquals", "aws:username", json!("${aws:username}"), true),
        ("StringEquals", "aws:username", json!("${aws:PrincipalTag/who, 'ann'}"), true),
        ("StringEquals", "aws:username", json!("${aws:PrincipalTag/who}"), false),
        ("ArnLike", "aws:PrincipalArn", json!("arn:aws:iam::*:user/*"), true),
        ("ArnEquals", "aws:PrincipalArn", json!("arn:aws:iam::*:user/team/ann"), true),
        ("ArnLike", "aws:PrincipalArn", json!("arn:aws:*:user/team/ann"), false),
        ("ArnLike", "aws:PrincipalArn", json!("*"), false),
        ("ArnNotLike", "aws:PrincipalArn", json!("arn:aws:iam::*:role/*"), true),
        ("ArnNotEquals", "aws:PrincipalArn", json!("arn:aws:iam::*:user/*"), false),
        ("NumericEquals", "x:n", json!(42), true),
        ("NumericEquals", "x:n", json!("42.0"), true),
        ("NumericNotEquals", "x:n", json!(42), false),
        ("NumericLessThan", "x:n", json!(43), true),
        ("NumericLessThan", "x:n", json!(42), false),
        ("NumericLessThanEquals", "x:n", json!(42), true),
        ("NumericGreaterThan", "x:n", json!(42), false),
        ("NumericGreaterThanEquals", "x:n", json!(42), true),
        ("NumericEquals", "aws:username", json!(42), false),
        ("DateEquals", "aws:CurrentTime", json!("2026-11-23T10:00:00+01:00"), true),
        ("DateNotEquals", "aws:CurrentTime", json!("2026-11-23T09:00:00Z"), false),
        ("DateLessThan", "aws:CurrentTime", json!("2027-01-01"), true),
        ("DateLessThanEquals", "aws:CurrentTime", json!("2026-11-23T08:59:59Z"), false),
        ("DateGreaterThan", "aws:CurrentTime", json!(1_700_000_000), true),
        ("DateGreaterThanEquals", "aws:CurrentTime", json!("tomorrow"), false),
        ("Bool", "aws:SecureTransport", json!(true), true),
        ("Bool", "aws:SecureTransport", json!("FALSE"), false),
        ("IpAddress", "aws:SourceIp", json!("127.0.0.0/8"), true),
        ("IpAddress", "aws:SourceIp", json!(["10.0.0.0/8", "127.0.0.1"]), true),
        ("IpAddress", "aws:SourceIp", json!("128.0.0.0/1"), false),
        ("IpAddress", "aws:SourceIp", json!("0.0.0.0/0"), true),
        ("IpAddress", "aws:SourceIp", json!("127.0.0.0/99"), false),
        ("IpAddress", "x:v6", json!("fe80::/10"), true),
        ("NotIpAddress", "aws:SourceIp", json!("127.0.0.0/8"), false),
        ("Null", "absent:key", json!(true), true),
        ("Null", "aws:username", json!("true"), false),
        ("Null", "aws:username", json!("false"), true),
        ("ForAllValues:StringEquals", "aws:TagKeys", json!(["team", "stage", "x"]), true),
        ("ForAllValues:StringEquals", "aws:TagKeys", json!(["team"]), false),
        ("ForAllValues:StringEquals", "absent:key", json!(["team"]), true),
        ("ForAnyValue:StringEquals", "aws:TagKeys", json!(["stage", "x"]), true),
        ("ForAnyValue:StringEquals", "absent:key", json!(["team"]), false),
        ("ForAnyValue:StringNotEquals", "aws:TagKeys", json!(["team"]), true),
    ];
    for (operator, key, values, want) in rows {
        let statement = json!({
            "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": { operator: { key: values.clone() } },
        });
        assert_eq!(allows(&identity(&statement), "a:b", "*", &given), want, "{operator} {key} {values}");
    }
}

#[test]
fn all_operators_and_keys_of_a_condition_must_hold() {
    let given = context(&[("a:x", &["1"]), ("a:y", &["2"])]);
    let check = |condition: Value| {
        let statement = json!({ "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition });
        allows(&identity(&statement), "a:b", "*", &given)
    };
    assert!(check(json!({ "StringEquals": { "a:x": "1", "a:y": "2" } })));
    assert!(!check(json!({ "StringEquals": { "a:x": "1", "a:y": "3" } })));
    assert!(!check(json!({ "StringEquals": { "a:x": "1" }, "NumericEquals": { "a:y": 3 } })));
}

#[test]
fn variables_in_resources() {
    let given = context(&[("aws:username", &["a*"]), ("aws:TagKeys", &["x", "y"])]);
    let rows = [
        ("2012-10-17", "arn:aws:s3:::home/${aws:username}", "arn:aws:s3:::home/a*", true),
        // A wildcard that a variable brings in is none.
        ("2012-10-17", "arn:aws:s3:::home/${aws:username}", "arn:aws:s3:::home/abc", false),
        ("2012-10-17", "arn:aws:s3:::home/${aws:userid}", "arn:aws:s3:::home/", false),
        ("2012-10-17", "arn:aws:s3:::home/${aws:userid, 'x'}", "arn:aws:s3:::home/x", true),
        ("2012-10-17", "arn:aws:s3:::home/${aws:TagKeys}", "arn:aws:s3:::home/x", false),
        ("2012-10-17", "arn:aws:s3:::${$}{x}${?}", "arn:aws:s3:::${x}?", true),
        ("2012-10-17", "arn:aws:s3:::a${b", "arn:aws:s3:::a${b", true),
        ("2008-10-17", "arn:aws:s3:::home/${aws:username}", "arn:aws:s3:::home/${aws:username}", true),
        ("2008-10-17", "arn:aws:s3:::home/${aws:username}", "arn:aws:s3:::home/a*", false),
    ];
    for (version, pattern, resource, want) in rows {
        let statement = json!({ "Effect": "Allow", "Action": "*", "Resource": pattern });
        let policy = named("p", &json!({ "Version": version, "Statement": statement }), Kind::Identity);
        assert_eq!(allows(&policy, "s3:X", resource, &given), want, "{version} {pattern} {resource}");
    }
}

/// Source: AWS IAM user guide, "Policy evaluation logic".
#[test]
fn what_all_policies_together_say() {
    let allow = identity(&json!({ "Sid": "Yes", "Effect": "Allow", "Action": "ecs:*", "Resource": "*" }));
    let deny = identity(&json!([
        { "Effect": "Allow", "Action": "ecs:*", "Resource": "*" },
        { "Effect": "Deny", "Action": "ecs:Update*", "Resource": "*" },
    ]));
    let narrow = identity(&json!({ "Effect": "Allow", "Action": "ecs:Describe*", "Resource": "*" }));
    let nothing = Context::default();
    let cite = |sid: Option<&str>, statement| Citation { policy: "p".into(), sid: sid.map(Into::into), statement };
    let ask = |action: &str, identity: &[Named], session: Option<&[Named]>| {
        let request = Request { action, resource: "*", aliases: &[], context: &nothing };
        decide(&request, Applicable { identity, session, resource: None })
    };
    let (allow, deny, narrow) = ([allow], [deny], [narrow]);
    assert_eq!(ask("ecs:UpdateService", &allow, None), Decision::Allowed(cite(Some("Yes"), 0)));
    assert_eq!(ask("ecr:PutImage", &allow, None), Decision::Denied(Denial::NoIdentity));
    assert_eq!(ask("ecs:UpdateService", &[], None), Decision::Denied(Denial::NoIdentity));
    let both = [allow[0].clone(), deny[0].clone()];
    assert_eq!(ask("ecs:UpdateService", &both, None), Decision::Denied(Denial::ByIdentity(cite(None, 1))));
    assert_eq!(ask("ecs:DescribeServices", &allow, Some(&narrow)), Decision::Allowed(cite(Some("Yes"), 0)));
    assert_eq!(ask("ecs:UpdateService", &allow, Some(&narrow)), Decision::Denied(Denial::NoSession));
    assert_eq!(ask("ecs:UpdateService", &allow, Some(&deny)), Decision::Denied(Denial::BySession(cite(None, 1))));
    assert_eq!(ask("ecs:UpdateService", &narrow, Some(&allow)), Decision::Denied(Denial::NoIdentity));
}

#[test]
fn whom_a_trust_policy_means() {
    let user = "arn:aws:iam::123456789012:user/ann";
    let member = Actor::Member { account: "123456789012".into(), arns: vec![user.into()] };
    let provider = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";
    let web = Actor::Federated(provider.into());
    let allow = [identity(&json!({ "Effect": "Allow", "Action": "sts:*", "Resource": "*" }))];
    let (none, denied) = (Denial::NoTrust, Denial::NoIdentity);
    let rows = [
        (json!({ "AWS": "123456789012" }), &member, Err(&denied), true),
        (json!({ "AWS": "arn:aws:iam::123456789012:root" }), &member, Err(&denied), true),
        (json!({ "AWS": user }), &member, Ok(()), true),
        (json!({ "AWS": ["arn:aws:iam::123456789012:user/bob", user] }), &member, Ok(()), true),
        (json!({ "AWS": "arn:aws:iam::123456789012:user/bob" }), &member, Err(&none), false),
        (json!({ "AWS": "210987654321" }), &member, Err(&none), false),
        (json!("*"), &member, Ok(()), true),
        (json!({ "AWS": "*" }), &member, Ok(()), true),
        (json!({ "Service": "ecs-tasks.amazonaws.com" }), &member, Err(&none), false),
        (json!({ "Federated": provider }), &member, Err(&none), false),
        (json!({ "Federated": provider }), &web, Ok(()), true),
        (json!({ "Federated": "cognito-identity.amazonaws.com" }), &web, Err(&none), false),
        (json!({ "AWS": "123456789012" }), &web, Err(&none), false),
    ];
    let nothing = Context::default();
    for (principal, actor, alone, with_identity) in rows {
        let statement = json!({ "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole" });
        let policy = named("trust", &json!({ "Version": "2012-10-17", "Statement": statement }), Kind::Trust);
        let request = Request { action: "sts:AssumeRole", resource: ROLE, aliases: &[], context: &nothing };
        let ask = |identity: &[Named]| {
            let resource = Some(ResourceSide { policy: &policy, actor, must_allow: true });
            match decide(&request, Applicable { identity, session: None, resource }) {
                Decision::Allowed(_) => Ok(()),
                Decision::Denied(why) => Err(why),
            }
        };
        assert_eq!(ask(&[]).as_ref().copied(), alone, "{principal}");
        assert_eq!(ask(&allow).is_ok(), with_identity, "{principal}");
    }
}

#[test]
fn what_is_no_policy_says_where() {
    let allow = json!({ "Effect": "Allow", "Action": "ecs:X", "Resource": "*" });
    let with = |key: &str, value: Value| {
        let mut statement = allow.clone();
        statement[key] = value;
        json!({ "Version": "2012-10-17", "Statement": [allow, statement] }).to_string()
    };
    let without = |key: &str| {
        let mut statement = allow.clone();
        statement.as_object_mut().unwrap().remove(key);
        json!({ "Version": "2012-10-17", "Statement": statement }).to_string()
    };
    let rows = [
        ("{".to_owned(), "Syntax errors in policy. (not JSON: "),
        ("[]".to_owned(), "Syntax errors in policy. (a policy is a JSON object)"),
        ("{}".to_owned(), "Syntax errors in policy. (`Statement` is missing)"),
        (r#"{"Statement":[]}"#.to_owned(), "Syntax errors in policy. (`Statement` is empty)"),
        (r#"{"Statement":["x"]}"#.to_owned(), "Syntax errors in policy. (Statement[0]: not a JSON object)"),
        (r#"{"Statements":[]}"#.to_owned(), "Syntax errors in policy. (unknown element `Statements`)"),
        (
            json!({ "Version": "2026-01-01", "Statement": allow }).to_string(),
            "The policy must contain a valid version string (Version: \"2026-01-01\" is neither",
        ),
        (with("Efect", json!("Allow")), "Syntax errors in policy. (Statement[1]: unknown element `Efect`)"),
        (with("Effect", json!("allow")), "Syntax errors in policy. (Statement[1]: Effect `allow` is neither"),
        (without("Effect"), "Missing required field Effect (Statement[0]"),
        (without("Action"), "Policy statement must contain actions. (Statement[0]"),
        (without("Resource"), "Policy statement must contain resources. (Statement[0]"),
        (with("NotAction", json!("x:y")), "Syntax errors in policy. (Statement[1]: `Action` and `NotAction` exclude"),
        (with("NotResource", json!("*")), "Syntax errors in policy. (Statement[1]: `Resource` and `NotResource`"),
        (with("Action", json!([])), "Syntax errors in policy. (Statement[1]: `Action` is neither"),
        (with("Action", json!(7)), "Syntax errors in policy. (Statement[1]: `Action` is neither"),
        (with("Action", json!("UpdateService")), "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb"),
        (with("Resource", json!("news-api")), "Resource news-api must be in ARN format or \"*\". (Statement[1]"),
        (with("Principal", json!("*")), "Policy document should not specify a principal. (Statement[1]"),
        (with("Sid", json!("a b")), "Statement IDs (SID) must be alpha-numeric."),
        (with("Condition", json!([])), "Syntax errors in policy. (Statement[1]: `Condition` is not"),
        (with("Condition", json!({ "Equals": {} })), "Invalid Condition type : Equals. (Statement[1]"),
        (with("Condition", json!({ "NullIfExists": {} })), "Invalid Condition type : NullIfExists."),
        (with("Condition", json!({ "ForSome:StringEquals": {} })), "Invalid Condition type : ForSome:StringEquals."),
        (with("Condition", json!({ "Bool": { "x": true } })), "Actions/Conditions must be prefaced by a vendor"),
        (
            with("Condition", json!({ "Bool": { "a:x": {} } })),
            "Syntax errors in policy. (Statement[1]: Condition.Bool.a:x",
        ),
    ];
    for (text, want) in rows {
        let err = Policy::parse(&text, Kind::Identity).unwrap_err().to_string();
        assert!(err.starts_with(want), "{text}: {err}");
    }
    let twice = json!({ "Sid": "A", "Effect": "Allow", "Action": "ecs:X", "Resource": "*" });
    let text = json!({ "Statement": [twice, twice] }).to_string();
    let err = Policy::parse(&text, Kind::Identity).unwrap_err().to_string();
    assert_eq!(err, "Statement IDs (SID) in a single policy must be unique. (`A` is there twice)");
    let trust = |statement: Value| {
        let text = json!({ "Version": "2012-10-17", "Statement": statement }).to_string();
        Policy::parse(&text, Kind::Trust).unwrap_err().to_string()
    };
    let rows = [
        (json!({ "Effect": "Allow", "Action": "sts:AssumeRole" }), "Missing required field Principal"),
        (
            json!({ "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*", "Resource": "*" }),
            "Has prohibited field Resource",
        ),
        (
            json!({ "Effect": "Allow", "Action": "ecs:X", "Principal": "*" }),
            "AssumeRole policy may only specify STS AssumeRole actions. (Statement[0]: `ecs:X`)",
        ),
        (json!({ "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "ann" }), "Invalid principal in policy"),
        (json!({ "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "User": "x" } }), "Invalid principal"),
    ];
    for (statement, want) in rows {
        let err = trust(statement.clone());
        assert!(err.starts_with(want), "{statement}: {err}");
    }
    let text = "{\n  \"Version\": }";
    let bad = Policy::parse(text, Kind::Identity).unwrap_err();
    assert_eq!(bad.range(text), 15..16);
}

fn any_statement() -> impl Strategy<Value = Value> {
    let action =
        prop::sample::select(vec!["*", "ecs:*", "ecs:Update?ervice", "ECR:*", "ecs:UpdateService", "iam:PassRole"]);
    let resource = prop::sample::select(vec!["*", "arn:aws:ecs:*:*:service/*", "arn:aws:ecs:r:1:service/c/s", ROLE]);
    (any::<bool>(), action, any::<bool>(), resource, any::<bool>(), any::<bool>()).prop_map(
        |(allow, action, not_action, resource, not_resource, conditioned)| {
            let mut statement = json!({ "Effect": if allow { "Allow" } else { "Deny" } });
            statement[if not_action { "NotAction" } else { "Action" }] = json!(action);
            statement[if not_resource { "NotResource" } else { "Resource" }] = json!(resource);
            if conditioned {
                statement["Condition"] = json!({ "StringEquals": { "aws:username": "ann" } });
            }
            statement
        },
    )
}

fn any_request() -> impl Strategy<Value = (&'static str, &'static str, bool)> {
    let action = prop::sample::select(vec!["ecs:UpdateService", "ecr:PutImage", "iam:PassRole", "sts:X"]);
    let resource = prop::sample::select(vec!["*", "arn:aws:ecs:r:1:service/c/s", ROLE]);
    (action, resource, any::<bool>())
}

proptest! {
    #[test]
    fn a_deny_more_never_allows_more(
        statements in prop::collection::vec(any_statement(), 1..5),
        more in any_statement(),
        (action, resource, ann) in any_request(),
    ) {
        let given = if ann { context(&[("aws:username", &["ann"])]) } else { Context::default() };
        let mut denying = more;
        denying["Effect"] = json!("Deny");
        let mut all = statements.clone();
        all.push(denying);
        let (before, after) = (identity(&json!(statements)), identity(&json!(all)));
        let was = allows(&before, action, resource, &given);
        prop_assert!(was || !allows(&after, action, resource, &given));
        // An order of statements means nothing.
        all.reverse();
        prop_assert_eq!(allows(&identity(&json!(all)), action, resource, &given), allows(&after, action, resource, &given));
        // A session's policies only take away.
        let request = Request { action, resource, aliases: &[], context: &given };
        let (identity, session) = ([before], [after]);
        let decision = decide(&request, Applicable { identity: &identity, session: Some(&session), resource: None });
        prop_assert!(was || !matches!(decision, Decision::Allowed(_)));
    }

    #[test]
    fn a_star_allows_all(action in "[a-z]{1,8}:[A-Za-z*?]{1,12}", resource in ".{0,40}") {
        let all = identity(&json!({ "Effect": "Allow", "Action": "*", "Resource": "*" }));
        prop_assert!(allows(&all, &action, &resource, &Context::default()));
    }

    #[test]
    fn no_text_breaks_the_parser(text in ".{0,200}") {
        if let Ok(policy) = Policy::parse(&text, Kind::Identity) {
            prop_assert!(!policy.statements.is_empty());
        }
    }
}
