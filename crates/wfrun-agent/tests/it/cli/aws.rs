//! `aws`: what the AWS CLI printed for the same commands and the same answers.

use std::fs;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::server::{self, Answer, Request};
use super::{Ending, Surroundings, fixtures};

const IDENTITY: &str = "<GetCallerIdentityResponse><GetCallerIdentityResult>\
    <Arn>arn:aws:iam::123456789012:user/deploy</Arn><UserId>AIDAEXAMPLE</UserId><Account>123456789012</Account>\
    </GetCallerIdentityResult></GetCallerIdentityResponse>";

fn account() -> String {
    let text = fs::read_to_string(fixtures().join("aws/answers.json")).expect("is there");
    let answers: Value = serde_json::from_str(&text).expect("is JSON");
    server::start(move |request| {
        let (status, body) = answer(request, &answers);
        Answer { status, body: body.into_bytes(), ..Answer::default() }
    })
}

fn answer(request: &Request, answers: &Value) -> (u16, String) {
    let Some((_, operation)) = request.header("x-amz-target").split_once('.') else {
        return (200, IDENTITY.to_owned());
    };
    let input: Value = serde_json::from_slice(&request.body).expect("the body is JSON");
    let unknown = json!({ "__type": "UnknownOperationException", "message": "no" });
    let (status, answer) = match (operation, answers.get(operation)) {
        _ if input["cluster"] == "nope" => {
            (400, json!({ "__type": "ClusterNotFoundException", "message": "Cluster not found." }))
        }
        _ if input["services"] == json!(["missing"]) => {
            (200, json!({ "services": [], "failures": [{ "arn": "arn:x", "reason": "MISSING" }] }))
        }
        ("ListServices", _) if input["nextToken"].is_string() => (200, json!({ "serviceArns": ["arn:3"] })),
        ("ListServices", _) => (200, json!({ "serviceArns": ["arn:1", "arn:2"], "nextToken": "n1" })),
        (_, Some(answer)) => (200, answer.clone()),
        (_, None) => (400, unknown),
    };
    (status, answer.to_string())
}

fn surroundings(address: &str) -> Surroundings {
    let mut surroundings = Surroundings::new();
    surroundings.set("AWS_ENDPOINT_URL", &format!("http://{address}"));
    surroundings.set("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE");
    surroundings.set("AWS_SECRET_ACCESS_KEY", "example");
    surroundings.set("AWS_REGION", "us-east-1");
    surroundings.stand_in(fixtures().join("aws"));
    surroundings
}

/// A block of the recording: the command and how it ended.
fn read_block(block: &str) -> (&str, Ending) {
    let mut ending = Ending { code: 0, output: String::new(), errors: String::new() };
    let (command, rest) = block.split_once('\n').expect("has lines");
    for line in rest.lines() {
        match line.split_at_checked(2) {
            Some(("1|", text)) => ending.output.extend([text, "\n"]),
            Some(("2|", text)) => ending.errors.extend([text, "\n"]),
            Some(("= ", code)) => ending.code = code.parse().expect("is a code"),
            _ => assert!(line.is_empty(), "{line}"),
        }
    }
    (command, ending)
}

#[test]
fn prints_what_the_aws_cli_prints() {
    let surroundings = surroundings(&account());
    let recording = fs::read_to_string(fixtures().join("aws/recorded.txt")).expect("is there");
    let blocks = recording.split("\n$ ").skip(1);
    let mut count = 0;
    for (command, want) in blocks.map(read_block) {
        assert_eq!(surroundings.run(command), want, "{command}");
        count += 1;
    }
    assert!(count > 100, "the recording is whole: {count}");
}

#[test]
fn refuses_what_it_does_not_have() {
    let surroundings = surroundings("127.0.0.1:9");
    let cases = [
        (
            "aws s3 ls",
            252,
            "not supported by wfrun's stand-in for `aws`: s3 ls; the AWS account on this machine has no `s3` either, so that only a run with \
             `--aws off` does it",
        ),
        (
            "aws iam list-users",
            252,
            "for `aws`: iam list-users; install the AWS CLI, which asks the account on this machine",
        ),
        ("aws ecr get-login", 252, "which version 2 has not (get-login-password)"),
        ("aws ecs execute-command --task x", 252, "for `aws`: ecs execute-command; install"),
        (
            "aws ecs describe-services --services s --generate-cli-skeleton x",
            252,
            "for `aws`: --generate-cli-skeleton;",
        ),
        ("aws ecs list-clusters --output yaml", 252, "for `aws`: --output yaml;"),
        ("aws configure sso", 252, "for `aws`: configure sso;"),
        ("aws --profile nope sts get-caller-identity", 255, "The config profile (nope) could not be found"),
        ("aws ecs list-clusters", 255, "Could not connect to the endpoint URL: \"http://127.0.0.1:9/\""),
        ("aws ecs list-clusters --endpoint-url http://192.0.2.1", 255, "is not on this machine"),
    ];
    for (command, code, want) in cases {
        let ending = surroundings.run(command);
        assert_eq!((ending.code, ending.output.as_str()), (code, ""), "{command}: {}", ending.errors);
        assert!(ending.errors.starts_with("\naws: [ERROR]: ") && ending.errors.contains(want), "{}", ending.errors);
    }
    // A script may go on after each of them, so that it was not done must not be lost.
    let not_run = |it: &String| it.starts_with("not run: aws ");
    assert_eq!(surroundings.declarations().iter().filter(|it| not_run(it)).count(), 6);
}

#[test]
fn needs_keys_and_an_account() {
    let mut surroundings = surroundings("127.0.0.1:9");
    surroundings.set("AWS_ENDPOINT_URL", "");
    let ending = surroundings.run("aws sts get-caller-identity");
    assert_eq!(ending.code, 253);
    assert!(ending.errors.contains("no AWS account to talk to"), "{}", ending.errors);
    surroundings.set("AWS_SECRET_ACCESS_KEY", "");
    let ending = surroundings.run("aws sts get-caller-identity");
    assert_eq!(ending.code, 253);
    assert!(ending.errors.contains("(NoCredentials): Unable to locate credentials."), "{}", ending.errors);
}

#[test]
fn declares_that_it_stood_in() {
    let surroundings = surroundings(&account());
    assert_eq!(surroundings.run("aws ecs describe-services --services s").code, 0);
    assert_eq!(surroundings.run("aws ecs wait services-stable --services s").code, 0);
    assert_eq!(surroundings.run("aws ecr get-login-password").code, 0);
    let subjects: Vec<String> =
        surroundings.declarations().iter().map(|it| it.split(": ").take(2).collect::<Vec<_>>().join(": ")).collect();
    let want = [
        "stand-in: aws ecs describe-services",
        "stand-in: aws ecs wait services-stable",
        "stand-in: aws ecr get-login-password",
    ];
    assert_eq!(subjects, want);
}

#[test]
fn says_who_asks() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let address = server::start(move |request| {
        let seen = [request.header("user-agent"), request.header("authorization")].map(str::to_owned);
        sender.send(seen).expect("the test listens");
        let body = br#"{"services": [], "failures": []}"#.to_vec();
        Answer { status: 200, body, ..Answer::default() }
    });
    let surroundings = surroundings(&address);
    let cases = [
        ("aws ecs wait services-stable --services s", " md/command#ecs.wait.services-stable m/B,N", "us-east-1"),
        (
            "aws ecs describe-services --services s --region eu-west-1",
            " md/command#ecs.describe-services m/N",
            "eu-west-1",
        ),
    ];
    for (command, agent, region) in cases {
        assert_eq!(surroundings.run(command).code, 0);
        let [user_agent, authorization] = receiver.recv().expect("was asked");
        assert!(user_agent.ends_with(agent), "{user_agent}");
        assert!(authorization.contains(&format!("/{region}/ecs/aws4_request")), "{authorization}");
    }
}

#[test]
fn keeps_a_configuration() {
    let surroundings = surroundings("127.0.0.1:9");
    let lines = [
        "aws configure set region eu-west-1",
        "aws configure set aws_access_key_id AKIA1 --profile ci",
        "aws configure set ci.output text",
        "aws configure set region us-west-2 --profile ci",
    ];
    let codes: Vec<u8> = lines.iter().map(|line| surroundings.run(line).code).collect();
    assert_eq!(codes, [0, 0, 252, 0]);
    assert_eq!(surroundings.run("aws configure get region").output, "eu-west-1\n");
    assert_eq!(surroundings.run("aws configure get region --profile ci").output, "us-west-2\n");
    assert_eq!(surroundings.run("aws configure get aws_access_key_id --profile ci").output, "AKIA1\n");
    let credentials = fs::read_to_string(surroundings.home().join(".aws/credentials")).expect("is written");
    assert_eq!(credentials, "[ci]\naws_access_key_id = AKIA1\n");
}

/// Source: AWS SDKs reference, "Retry behavior": the standard mode has three attempts.
#[test]
fn who_asks_too_often_is_asked_again() {
    let json = |code: &str| json!({ "__type": code, "message": "no" }).to_string();
    let xml =
        |code: &str| format!("<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>");
    let (identity, clusters) = ("aws sts get-caller-identity", "aws ecs list-clusters");
    // The refusal, how often it comes, how often the service is asked, and the exit code.
    let cases = [
        (clusters, json("ThrottlingException"), 2, 3, 0),
        (clusters, json("com.amazonaws.ecs#ThrottlingException"), 1, 2, 0),
        (clusters, json("ThrottlingException:http://internal.amazon.com/coral/"), 1, 2, 0),
        (clusters, json("TooManyRequestsException"), 1, 2, 0),
        (clusters, json("ThrottlingException"), 3, 3, 254),
        (clusters, json("ClientException"), 1, 1, 254),
        (identity, xml("Throttling"), 2, 3, 0),
        (identity, xml("RequestLimitExceeded"), 1, 2, 0),
        (identity, xml("Throttling"), 3, 3, 254),
        (identity, xml("AccessDenied"), 1, 1, 254),
    ];
    for (command, refusal, refusals, attempts, code) in cases {
        let asked = Arc::new(Mutex::new(0));
        let (counted, sent) = (Arc::clone(&asked), refusal.clone());
        let address = server::start(move |request| {
            let mut count = counted.lock().expect("no thread panicked");
            *count += 1;
            let is_json = !request.header("x-amz-target").is_empty();
            let (status, body) = match (*count <= refusals, is_json) {
                (true, _) => (400, sent.clone()),
                (false, true) => (200, json!({ "clusterArns": [] }).to_string()),
                (false, false) => (200, IDENTITY.to_owned()),
            };
            Answer { status, body: body.into_bytes(), ..Answer::default() }
        });
        let ending = surroundings(&address).run(command);
        let count = *asked.lock().expect("no thread panicked");
        assert_eq!((count, ending.code), (attempts, code), "{refusals} times {refusal}: {}", ending.errors);
    }
}
