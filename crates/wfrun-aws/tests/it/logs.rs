//! `CloudWatch` Logs: the operations, the files, and the lines of a runtime.

use serde_json::{Value, json};
use wfrun_aws::{Clock, LogLinesError};

use crate::support::World;

const NOW_MS: u64 = 1_795_425_600_000;

async fn world() -> (World, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    (World::open(folder.path(), "", Clock::from_fn(|| NOW_MS)).await, folder)
}

/// A call of an operation without output.
async fn done(world: &World, operation: &str, input: &Value) {
    let answer = world.call("logs", operation, input).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, ""), "{operation}");
}

async fn with_stream(world: &World) {
    done(world, "CreateLogGroup", &json!({ "logGroupName": "/ecs/news-api", "tags": { "team": "news" } })).await;
    done(world, "CreateLogStream", &json!({ "logGroupName": "/ecs/news-api", "logStreamName": "ecs/news-api/1" }))
        .await;
}

async fn put(world: &World, stream: &str, events: &[(u64, &str)]) -> Value {
    let events: Vec<Value> =
        events.iter().map(|(at, message)| json!({ "timestamp": NOW_MS - 1000 + at, "message": message })).collect();
    let input = json!({ "logGroupName": "/ecs/news-api", "logStreamName": stream, "logEvents": events });
    world.ok("logs", "PutLogEvents", &input).await
}

fn messages(answer: &Value) -> Vec<&str> {
    let events = answer["events"].as_array().expect("events are a list");
    events.iter().map(|event| event["message"].as_str().expect("a message is a text")).collect()
}

#[tokio::test]
async fn events_are_read_in_pages() {
    let (world, _folder) = world().await;
    with_stream(&world).await;
    let name = json!({ "logGroupName": "/ecs/news-api", "logStreamName": "ecs/news-api/1" });
    let get = async |more: Value| {
        let mut input = name.clone();
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world.ok("logs", "GetLogEvents", &input).await
    };
    let empty = get(json!({})).await;
    assert!(messages(&empty).is_empty());
    let from_start = empty["nextForwardToken"].clone();
    let answer = put(&world, "ecs/news-api/1", &[(1, "a"), (2, "b"), (2, "c"), (4, "d"), (5, "e")]).await;
    assert!(answer["nextSequenceToken"].is_string() && answer.get("rejectedLogEventsInfo").is_none(), "{answer}");
    assert_eq!(messages(&get(json!({ "nextToken": from_start })).await), ["a", "b", "c", "d", "e"]);
    assert_eq!(messages(&get(json!({})).await), ["a", "b", "c", "d", "e"]);
    let newest = get(json!({ "limit": 2 })).await;
    assert_eq!(messages(&newest), ["d", "e"]);
    let older = get(json!({ "limit": 2, "nextToken": newest["nextBackwardToken"] })).await;
    assert_eq!(messages(&older), ["b", "c"]);
    let oldest = get(json!({ "limit": 2, "nextToken": older["nextBackwardToken"] })).await;
    assert_eq!(messages(&oldest), ["a"]);
    let end = get(json!({ "nextToken": oldest["nextBackwardToken"] })).await;
    assert_eq!((messages(&end).len(), &end["nextBackwardToken"]), (0, &oldest["nextBackwardToken"]));
    let first = get(json!({ "limit": 3, "startFromHead": true })).await;
    assert_eq!(messages(&first), ["a", "b", "c"]);
    let rest = get(json!({ "nextToken": first["nextForwardToken"] })).await;
    assert_eq!(messages(&rest), ["d", "e"]);
    let end = get(json!({ "nextToken": rest["nextForwardToken"] })).await;
    assert_eq!((messages(&end).len(), &end["nextForwardToken"]), (0, &rest["nextForwardToken"]));
    put(&world, "ecs/news-api/1", &[(9, "f")]).await;
    assert_eq!(messages(&get(json!({ "nextToken": rest["nextForwardToken"] })).await), ["f"]);
    let from = NOW_MS - 1000;
    assert_eq!(messages(&get(json!({ "startTime": from + 2, "endTime": from + 5 })).await), ["b", "c", "d"]);
    let event = &get(json!({ "limit": 1 })).await["events"][0];
    assert_eq!(*event, json!({ "timestamp": from + 9, "message": "f", "ingestionTime": NOW_MS }));
}

#[tokio::test]
async fn streams_are_searched_together() {
    let (world, _folder) = world().await;
    with_stream(&world).await;
    done(&world, "CreateLogStream", &json!({ "logGroupName": "/ecs/news-api", "logStreamName": "other" })).await;
    put(&world, "ecs/news-api/1", &[(1, "GET /docs 200"), (3, "ERROR no database"), (5, "GET / 500")]).await;
    put(&world, "other", &[(2, "GET /health 200"), (4, "WARN slow")]).await;
    let filter = async |more: Value| {
        let mut input = json!({ "logGroupName": "/ecs/news-api" });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world.ok("logs", "FilterLogEvents", &input).await
    };
    let all = filter(json!({ "interleaved": true })).await;
    assert_eq!(messages(&all), ["GET /docs 200", "GET /health 200", "ERROR no database", "WARN slow", "GET / 500"]);
    assert!(all.get("nextToken").is_none() && all["searchedLogStreams"] == json!([]), "{all}");
    assert_eq!(messages(&filter(json!({ "filterPattern": "?ERROR ?WARN" })).await), ["ERROR no database", "WARN slow"]);
    assert_eq!(
        messages(&filter(json!({ "filterPattern": "GET -500", "logStreamNamePrefix": "ecs/" })).await),
        ["GET /docs 200"]
    );
    assert_eq!(
        messages(&filter(json!({ "logStreamNames": ["other"], "startTime": NOW_MS - 997 })).await),
        ["WARN slow"]
    );
    let mut seen = Vec::new();
    let mut page = filter(json!({ "limit": 2 })).await;
    loop {
        seen.extend(messages(&page).into_iter().map(ToOwned::to_owned));
        if page.get("nextToken").is_none() {
            break;
        }
        page = filter(json!({ "limit": 2, "nextToken": page["nextToken"] })).await;
    }
    assert_eq!(seen, messages(&all));

    let streams = async |more: Value| {
        let mut input = json!({ "logGroupName": "/ecs/news-api" });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = world.ok("logs", "DescribeLogStreams", &input).await;
        answer["logStreams"].as_array().unwrap().clone()
    };
    let newest = streams(json!({ "orderBy": "LastEventTime", "descending": true, "limit": 1 })).await;
    assert_eq!(newest[0]["logStreamName"], "ecs/news-api/1");
    assert_eq!(
        (&newest[0]["firstEventTimestamp"], &newest[0]["lastEventTimestamp"], &newest[0]["lastIngestionTime"]),
        (&json!(NOW_MS - 999), &json!(NOW_MS - 995), &json!(NOW_MS))
    );
    assert_eq!(
        newest[0]["arn"],
        "arn:aws:logs:us-east-1:123456789012:log-group:/ecs/news-api:log-stream:ecs/news-api/1"
    );
    assert_eq!(streams(json!({ "logStreamNamePrefix": "o" })).await.len(), 1);
}

#[tokio::test]
async fn what_was_written_is_there_after_the_account_was_closed() {
    let folder = tempfile::tempdir().unwrap();
    let clock = || Clock::from_fn(|| NOW_MS);
    let world = World::open(folder.path(), "", clock()).await;
    let lines = ["starting", "", "KeyError: 'DATABASE_URL'"];
    let failed = world.account.put_log_lines("us-east-1", "/ecs/x", "ecs/x/1", lines, false);
    assert!(matches!(failed, Err(LogLinesError::NoGroup { .. })));
    let failed = world.account.put_log_lines("us-east-1", "/ecs/x", "a:b", lines, true);
    assert!(matches!(failed, Err(LogLinesError::Refused { .. })));
    world.account.put_log_lines("us-east-1", "/ecs/x", "ecs/x/1", lines, true).unwrap();
    let World { account, endpoint, .. } = world;
    endpoint.stop().await;
    drop(account);
    let state = std::fs::read_to_string(folder.path().join("aws/state.json")).unwrap();
    assert!(state.contains("/ecs/x") && !state.contains("DATABASE_URL"), "events are not part of the state");

    let world = World::open(folder.path(), "", clock()).await;
    world.account.put_log_lines("us-east-1", "/ecs/x", "ecs/x/1", ["again"], false).unwrap();
    assert_eq!(
        world.account.last_log_lines("us-east-1", "/ecs/x", "ecs/x/1", 2),
        ["KeyError: 'DATABASE_URL'", "again"]
    );
    assert!(world.account.last_log_lines("us-east-1", "/ecs/x", "nope", 2).is_empty());
    let input = json!({ "logGroupName": "/ecs/x", "logStreamName": "ecs/x/1" });
    assert_eq!(
        messages(&world.ok("logs", "GetLogEvents", &input).await),
        ["starting", " ", "KeyError: 'DATABASE_URL'", "again"]
    );
    done(&world, "DeleteLogGroup", &json!({ "logGroupName": "/ecs/x" })).await;
    assert!(world.account.last_log_lines("us-east-1", "/ecs/x", "ecs/x/1", 2).is_empty());
}

#[tokio::test]
async fn groups_have_retention_and_tags() {
    let (world, _folder) = world().await;
    with_stream(&world).await;
    let group = json!({ "logGroupName": "/ecs/news-api", "retentionInDays": 7 });
    done(&world, "PutRetentionPolicy", &group).await;
    let groups = world.ok("logs", "DescribeLogGroups", &json!({ "logGroupNamePrefix": "/ecs" })).await;
    let arn = "arn:aws:logs:us-east-1:123456789012:log-group:/ecs/news-api";
    assert_eq!(
        groups["logGroups"],
        json!([{
            "logGroupName": "/ecs/news-api", "creationTime": NOW_MS, "retentionInDays": 7, "metricFilterCount": 0,
            "arn": format!("{arn}:*"), "logGroupArn": arn, "storedBytes": 0, "logGroupClass": "STANDARD",
        }])
    );
    done(&world, "DeleteRetentionPolicy", &group).await;
    assert!(world.ok("logs", "DescribeLogGroups", &json!({})).await["logGroups"][0].get("retentionInDays").is_none());
    done(&world, "TagResource", &json!({ "resourceArn": arn, "tags": { "env": "test" } })).await;
    done(&world, "UntagLogGroup", &json!({ "logGroupName": "/ecs/news-api", "tags": ["team"] })).await;
    let tags = world.ok("logs", "ListTagsForResource", &json!({ "resourceArn": format!("{arn}:*") })).await;
    assert_eq!(tags, json!({ "tags": { "env": "test" } }));
    done(&world, "CreateLogGroup", &json!({ "logGroupName": "a" })).await;
    let page = world.ok("logs", "DescribeLogGroups", &json!({ "limit": 1 })).await;
    assert_eq!(page["logGroups"][0]["logGroupName"], "/ecs/news-api");
    let page = world.ok("logs", "DescribeLogGroups", &json!({ "limit": 1, "nextToken": page["nextToken"] })).await;
    assert_eq!((&page["logGroups"][0]["logGroupName"], page.get("nextToken")), (&json!("a"), None));
    let old = world
        .ok(
            "logs",
            "PutLogEvents",
            &json!({
                "logGroupName": "/ecs/news-api", "logStreamName": "ecs/news-api/1",
                "logEvents": [{ "timestamp": NOW_MS - 15 * 86_400_000, "message": "old" }],
            }),
        )
        .await;
    assert_eq!(old["rejectedLogEventsInfo"], json!({ "tooOldLogEventEndIndex": 1 }));
}

#[tokio::test]
async fn refusals_have_codes_and_texts() {
    let (world, _folder) = world().await;
    with_stream(&world).await;
    let (no_group, no_stream) = ("The specified log group does not exist.", "The specified log stream does not exist.");
    let g = "/ecs/news-api";
    let event = json!([{ "timestamp": NOW_MS, "message": "x" }]);
    let cases = [
        (
            "GetLogEvents",
            json!({ "logGroupName": "nope", "logStreamName": "x" }),
            "ResourceNotFoundException",
            no_group,
        ),
        ("GetLogEvents", json!({ "logGroupName": g, "logStreamName": "x" }), "ResourceNotFoundException", no_stream),
        ("FilterLogEvents", json!({ "logGroupName": "nope" }), "ResourceNotFoundException", no_group),
        (
            "FilterLogEvents",
            json!({ "logGroupName": g, "logStreamNames": ["x"] }),
            "ResourceNotFoundException",
            no_stream,
        ),
        (
            "FilterLogEvents",
            json!({ "logGroupName": g, "filterPattern": "{ $.a = 1 }" }),
            "InvalidParameterException",
            "wfrun: filter patterns of JSON are not emulated",
        ),
        ("DescribeLogStreams", json!({ "logGroupName": "nope" }), "ResourceNotFoundException", no_group),
        (
            "DescribeLogStreams",
            json!({ "logGroupName": g, "orderBy": "LastEventTime", "logStreamNamePrefix": "x" }),
            "InvalidParameterException",
            "Cannot order by LastEventTime with a logStreamNamePrefix.",
        ),
        (
            "PutLogEvents",
            json!({ "logGroupName": "nope", "logStreamName": "x", "logEvents": event }),
            "ResourceNotFoundException",
            no_group,
        ),
        (
            "PutLogEvents",
            json!({ "logGroupName": g, "logStreamName": "x", "logEvents": event }),
            "ResourceNotFoundException",
            no_stream,
        ),
        (
            "PutLogEvents",
            json!({ "logGroupName": g, "logStreamName": "ecs/news-api/1", "logEvents": [{ "timestamp": 2, "message": "x" }, { "timestamp": 1, "message": "x" }] }),
            "InvalidParameterException",
            "must be in chronological order.",
        ),
        (
            "PutLogEvents",
            json!({ "logGroupName": g, "logStreamName": "ecs/news-api/1", "logEvents": [] }),
            "InvalidParameterException",
            "logEvents",
        ),
        (
            "CreateLogGroup",
            json!({ "logGroupName": g }),
            "ResourceAlreadyExistsException",
            "The specified log group already exists",
        ),
        ("CreateLogGroup", json!({ "logGroupName": "a b" }), "InvalidParameterException", "logGroupName"),
        (
            "CreateLogStream",
            json!({ "logGroupName": g, "logStreamName": "ecs/news-api/1" }),
            "ResourceAlreadyExistsException",
            "The specified log stream already exists",
        ),
        (
            "CreateLogStream",
            json!({ "logGroupName": "nope", "logStreamName": "x" }),
            "ResourceNotFoundException",
            no_group,
        ),
        ("DeleteLogStream", json!({ "logGroupName": g, "logStreamName": "x" }), "ResourceNotFoundException", no_stream),
        ("DeleteLogGroup", json!({ "logGroupName": "nope" }), "ResourceNotFoundException", no_group),
        (
            "PutRetentionPolicy",
            json!({ "logGroupName": g, "retentionInDays": 8 }),
            "InvalidParameterException",
            "retentionInDays",
        ),
        (
            "PutRetentionPolicy",
            json!({ "logGroupName": "nope", "retentionInDays": 7 }),
            "ResourceNotFoundException",
            no_group,
        ),
        (
            "GetLogEvents",
            json!({ "logGroupName": g, "logStreamName": "ecs/news-api/1", "nextToken": "f/1/s" }),
            "InvalidParameterException",
            "The specified nextToken is invalid.",
        ),
        (
            "GetLogEvents",
            json!({ "logGroupName": g, "logStreamName": "ecs/news-api/1", "limit": 0 }),
            "InvalidParameterException",
            "limit",
        ),
        ("StartQuery", json!({}), "UnknownOperationException", "wfrun: logs:StartQuery is not emulated"),
    ];
    for (operation, input, want_code, want) in cases {
        let (code, message) = world.refused("logs", operation, &input).await;
        assert_eq!(code, want_code, "{operation} {input}: {message}");
        assert!(message.contains(want), "{operation} {input}: {message}");
    }
}
