//! `aws-actions/configure-aws-credentials` with a role and an ID token of the job.

use super::aws::configure;
use super::server::Server;
use super::{Job, Step};

pub(super) const ROLE: &str = "arn:aws:iam::123456789012:role/deploy";

/// Asks for a role with an ID token of the job.
fn with_id_token<'a>(job: &'a Job, server: &Server, version: &str) -> Step<'a> {
    configure(job, server, version)
        .input("aws-access-key-id", "")
        .input("aws-secret-access-key", "")
        .input("role-to-assume", ROLE)
        .env("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{}/idtoken?api-version=2.0", server.url))
        .env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "request-token")
}

#[test]
fn a_role_is_assumed_with_the_jobs_token() {
    let job = Job::new();
    let server = Server::start(|request, _| {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let keys = "<R><Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>role-secret</SecretAccessKey>\
                    <SessionToken>role-token</SessionToken><Expiration>2027-01-01T00:00:00Z</Expiration></Credentials></R>";
        let who = "<R><Account>123456789012</Account><Arn>arn:aws:sts::123456789012:assumed-role/deploy/G</Arn></R>";
        if request.path.starts_with("/idtoken") {
            (200, br#"{"count":3,"value":"a.b.c"}"#.to_vec())
        } else if body.starts_with("Action=AssumeRoleWithWebIdentity") {
            (200, keys.into())
        } else {
            (200, who.into())
        }
    });
    let step = with_id_token(&job, &server, "v4").input("output-credentials", "true").input("audience", "a b");
    let outcome = step.run();
    outcome.assert_success();
    assert_eq!(outcome.exported("AWS_ACCESS_KEY_ID"), Some("ASIAROLE"));
    assert_eq!(outcome.exported("AWS_SESSION_TOKEN"), Some("role-token"));
    for masked in ["a.b.c", "ASIAROLE", "role-secret", "role-token"] {
        assert!(outcome.lines.contains(&format!("::add-mask::{masked}")), "{masked}: {:?}", outcome.lines);
    }
    assert!(outcome.lines.contains(&"Assuming role with OIDC".to_owned()));
    assert!(outcome.outputs.contains(&("aws-expiration".to_owned(), "2027-01-01T00:00:00Z".to_owned())));
    let requests = server.requests();
    let [asks, assumes, identifies] = requests.as_slice() else { panic!("three calls: {requests:?}") };
    assert_eq!((asks.path.as_str(), asks.method.as_str()), ("/idtoken?api-version=2.0&audience=a%20b", "GET"));
    assert_eq!(asks.header("authorization"), "Bearer request-token");
    let sent = String::from_utf8_lossy(&assumes.body).into_owned();
    let role = "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fdeploy&RoleSessionName=GitHubActions";
    assert!(sent.contains(role) && sent.ends_with("&DurationSeconds=3600&WebIdentityToken=a.b.c"), "{sent}");
    assert_eq!(assumes.header("authorization"), "", "nobody signs it");
    assert_eq!(identifies.header("x-amz-security-token"), "role-token");
}

#[test]
fn a_role_that_is_refused() {
    let job = Job::new();
    let refused = "<E><Code>InvalidIdentityToken</Code><Message>Incorrect token audience</Message></E>";
    let server = Server::start(|request, _| {
        let asks = request.path.starts_with("/idtoken");
        if asks { (200, br#"{"value":"a.b.c"}"#.to_vec()) } else { (400, refused.into()) }
    });
    let outcome = with_id_token(&job, &server, "v4").run();
    outcome.assert_failure("Could not assume role with OIDC: Incorrect token audience");
    with_id_token(&job, &server, "v2").run().assert_failure("Incorrect token audience");
    with_id_token(&job, &server, "v4")
        .input("role-to-assume", "deploy")
        .run()
        .assert_failure("Source Account ID is needed");
    let refusing = Server::start(|_, _| (403, br#"{"message":"the job has no permission"}"#.to_vec()));
    with_id_token(&job, &refusing, "v4").run().assert_failure("the job has no permission");
}
