//! GitHub's API, call by call: a table of what is asked, and what comes.

pub(crate) mod hub;
mod refusals;

use serde_json::{Value, json};
use wfrun_services::ApiNote;

use hub::{EVERYTHING, Hub};

/// Method and path, body, status, and what members of the answer are: `pointer=JSON`, `#pointer=count`.
type Line<'a> = (&'a str, Value, u16, &'a [&'a str]);

#[track_caller]
fn check(call: &str, answer: &Value, expected: &[&str]) {
    for it in expected {
        let (pointer, value) = it.split_once('=').expect("a pointer and a value");
        if let Some(pointer) = pointer.strip_prefix('#') {
            let count = answer.pointer(pointer).and_then(Value::as_array).map(Vec::len);
            assert_eq!(count.map(|it| it.to_string()).as_deref(), Some(value), "{call}: {it} of {answer:#}");
        } else {
            let value: Value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
            assert_eq!(answer.pointer(pointer).unwrap_or(&Value::Null), &value, "{call}: {it} of {answer:#}");
        }
    }
}

async fn play(hub: &Hub, lines: &[Line<'_>]) {
    for (call, body, status, expected) in lines {
        let call = hub.filled(call);
        let answer = hub.ask(&call, body).await;
        assert_eq!(answer.status, *status, "{call}: {}", answer.text());
        let value = if answer.body.is_empty() { Value::Null } else { answer.json() };
        let expected: Vec<String> = expected.iter().map(|it| hub.filled(it)).collect();
        check(&call, &value, &expected.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

fn none() -> Value {
    Value::Null
}

/// `MAIN`, `FEATURE` and so on stand for ids of the repository.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_git_and_the_payload_know() {
    let hub = Hub::new(EVERYTHING).await;
    let lines: &[Line<'_>] = &[
        ("GET ", none(), 200, &["/full_name=octo/demo", "/default_branch=main", "/id=7", "/private=true"]),
        ("GET /branches", none(), 200, &["#=2", "/0/name=feature/x", "/1/commit/sha=MAIN"]),
        ("GET /branches/feature/x", none(), 200, &["/name=feature/x", "/commit/sha=FEATURE", "/protected=false"]),
        ("GET /branches/none", none(), 404, &["/message=Branch not found"]),
        ("GET /tags", none(), 200, &["#=2", "/0/name=v1.1", "/1/name=v1.0", "/1/commit/sha=FIRST"]),
        ("GET /git/ref/heads%2Fmain", none(), 200, &["/ref=refs/heads/main", "/object/type=commit"]),
        ("GET /git/ref/heads/feature/x", none(), 200, &["/object/sha=FEATURE"]),
        ("GET /git/ref/tags/v1.0", none(), 200, &["/object/type=tag", "/object/sha=TAG"]),
        ("GET /git/tags/TAG", none(), 200, &["/tag=v1.0", "/object/sha=FIRST", "/tagger/name=Mona"]),
        ("GET /git/ref/heads/mai", none(), 404, &["/message=Not Found", "/status=\"404\""]),
        ("GET /git/matching-refs/tags/v", none(), 200, &["#=2"]),
        ("GET /commits", none(), 200, &["#=2", "/0/sha=MAIN", "/1/commit/message=first", "/0/parents/0/sha=FIRST"]),
        ("GET /commits?sha=feature/x&path=src/b.txt", none(), 200, &["#=1", "/0/sha=FEATURE"]),
        ("GET /commits/v1.0", none(), 200, &["/sha=FIRST", "/commit/author/name=Mona", "#/files=3"]),
        (
            "GET /commits/main",
            none(),
            200,
            &["/stats/total=1", "/files/0/filename=README.md", "/files/0/status=modified"],
        ),
        ("GET /commits/pull/7/head", none(), 200, &["/sha=FEATURE"]),
        ("GET /git/ref/pull/7/merge", none(), 200, &["/object/sha=MAIN"]),
        ("GET /commits/none", none(), 422, &["/message=No commit found for SHA: none"]),
        ("GET /git/commits/MAIN", none(), 200, &["/message=second", "/tree/sha=TREE"]),
        ("GET /git/trees/main?recursive=1", none(), 200, &["#/tree=4", "/tree/2/path=src", "/truncated=false"]),
        ("GET /git/trees/TREE", none(), 200, &["#/tree=3"]),
        ("GET /contents", none(), 200, &["#=3", "/0/type=file", "/1/type=symlink", "/2/type=dir"]),
        ("GET /contents/src", none(), 200, &["#=1", "/0/path=src/a.txt"]),
        ("GET /contents/src%2Fa.txt?ref=v1.0", none(), 200, &["/content=YQo=\n", "/encoding=base64", "/size=2"]),
        ("GET /contents/link", none(), 200, &["/type=symlink", "/target=../../etc/passwd"]),
        ("GET /contents/none", none(), 404, &[]),
        ("GET /contents/README.md?ref=none", none(), 404, &["/message=No commit found for the ref none"]),
        ("GET /readme", none(), 200, &["/name=README.md"]),
        (
            "GET /compare/main...feature/x",
            none(),
            200,
            &["/status=diverged", "/ahead_by=1", "/behind_by=1", "#/files=2"],
        ),
        ("GET /compare/octo:main...octo:main", none(), 200, &["/status=identical"]),
        ("GET /compare/main...other:main", none(), 404, &[]),
        ("GET /pulls/7", none(), 200, &["/title=Add b", "/head/sha=FEATURE", "/labels/0/name=bug", "/state=open"]),
        ("GET /pulls", none(), 200, &["#=1", "/0/number=7"]),
        ("GET /pulls?head=octo:feature/x&base=main", none(), 200, &["#=1"]),
        ("GET /pulls?head=octo:other", none(), 200, &["#=0"]),
        ("GET /pulls/8", none(), 404, &[]),
        (
            "GET /pulls/7/files",
            none(),
            200,
            &[
                "#=2",
                "/0/filename=src/b.txt",
                "/0/status=added",
                "/0/patch=@@ -0,0 +1,2 @@\n+b\n+b",
                "/1/status=renamed",
            ],
        ),
        ("GET /pulls/7/commits", none(), 200, &["#=1", "/0/sha=FEATURE"]),
        ("GET /pulls/7/merge", none(), 404, &[]),
        ("GET /commits/FEATURE/pulls", none(), 200, &["#=1", "/0/number=7"]),
        ("GET /commits/FIRST/pulls", none(), 200, &["#=0"]),
        ("GET /issues/7", none(), 200, &["/title=Add b", "/pull_request/html_url=https://github.com/octo/demo/pull/7"]),
        ("GET /issues/7/labels", none(), 200, &["#=1", "/0/name=bug"]),
        ("GET /labels", none(), 200, &["#=1"]),
        ("GET /releases", none(), 200, &["#=0"]),
        ("GET /releases/latest", none(), 404, &[]),
        (
            "GET /actions/runs/17",
            none(),
            200,
            &["/status=in_progress", "/head_branch=feature/x", "/event=pull_request"],
        ),
        ("GET /actions/runs/18", none(), 404, &[]),
        ("GET //rate_limit", none(), 200, &["/rate/limit=1000"]),
        ("GET //user", none(), 403, &["/message=Resource not accessible by integration"]),
    ];
    play(&hub, lines).await;
    assert_eq!(hub.notes(), Vec::<ApiNote>::new(), "reads leave nothing to say");
}

/// A comment on a pull request tells of an issue, and of the comment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_issue_comment_tells_of() {
    let payload = json!({
        "issue": {"number": 5, "title": "Hi", "pull_request": {"url": "x"}, "labels": [{"name": "Bug"}]},
        "comment": {"id": 44, "body": "/deploy", "user": {"login": "mona"}},
    });
    let hub = Hub::of("issue_comment", EVERYTHING, |_| payload).await;
    let lines: &[Line<'_>] = &[
        ("GET /issues/5", none(), 200, &["/title=Hi", "/comments=1", "/labels/0/name=Bug"]),
        ("GET /issues/5/comments", none(), 200, &["#=1", "/0/body=/deploy"]),
        ("GET /issues/comments/44", none(), 200, &["/user/login=mona"]),
        ("POST /issues/comments/44/reactions", json!({"content": "+1"}), 201, &[]),
        ("GET /labels/bug", none(), 200, &["/name=Bug"]),
        ("GET /pulls/5", none(), 501, &[]),
        ("GET /pulls/6", none(), 404, &[]),
        ("GET /pulls", none(), 200, &["#=0"]),
    ];
    play(&hub, lines).await;
    let says = "pull request #5 is known as an issue only: the payload says nothing of its branches";
    assert!(
        hub.notes().iter().any(|it| matches!(it, ApiNote::Unserved(it) if it.ends_with(says))),
        "{:?}",
        hub.notes()
    );
}

/// A release that was published is there, and takes files.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_release_tells_of() {
    let hub =
        Hub::of("release", EVERYTHING, |_| json!({"release": {"id": 9, "tag_name": "v1.0", "body": "notes"}})).await;
    let release = hub.ask("GET /releases/tags/v1.0", &none()).await.json();
    check("the release", &release, &["/id=9", "/body=notes", "#/assets=0", "/draft=false"]);
    let address = release["upload_url"].as_str().expect("an address").replace("{?name,label}", "?name=a.txt");
    assert_eq!(hub.send("POST", &address, &[], Some(b"x")).await.status, 201);
    assert_eq!(hub.ask("GET /releases/9/assets", &none()).await.json()[0]["name"], "a.txt");
    assert_eq!(hub.ask("PATCH /releases/9", &json!({"body": "more"})).await.json()["body"], "more");
}

/// What is written can be read back, and says what it would be on GitHub.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_is_read_back() {
    let hub = Hub::new(EVERYTHING).await;
    let base64 = "bmV3Cg==";
    let lines: &[Line<'_>] = &[
        (
            "POST /issues/7/comments",
            json!({"body": "hello\nyou"}),
            201,
            &["/user/login=github-actions[bot]", "/id=1000000002"],
        ),
        ("GET /issues/7/comments", none(), 200, &["#=1", "/0/body=\"hello\\nyou\""]),
        ("PATCH /issues/comments/1000000002", json!({"body": "bye"}), 200, &["/body=bye"]),
        ("POST /issues/comments/1000000002/reactions", json!({"content": "rocket"}), 201, &["/content=rocket"]),
        ("DELETE /issues/comments/1000000002", none(), 204, &[]),
        ("GET /issues/comments/1000000002", none(), 404, &[]),
        ("POST /issues/7/labels", json!({"labels": ["good first issue"]}), 200, &["#=2"]),
        ("POST /issues/7/labels", json!(["BUG"]), 200, &["#=2"]),
        ("GET /pulls/7", none(), 200, &["/labels/1/name=good first issue"]),
        ("DELETE /issues/7/labels/bug", none(), 200, &["#=1"]),
        ("DELETE /issues/7/labels/bug", none(), 404, &["/message=Label does not exist"]),
        ("PUT /issues/7/labels", json!({"labels": []}), 200, &["#=0"]),
        ("POST /labels", json!({"name": "size/S", "color": "#00ff00"}), 201, &["/color=00ff00"]),
        ("POST /labels", json!({"name": "Size/s"}), 422, &["/errors/0/code=already_exists"]),
        ("GET /labels/size/S", none(), 200, &["/name=size/S"]),
        (
            "POST /issues",
            json!({"title": "Broken", "assignees": ["mona"]}),
            201,
            &["/number=8", "/assignees/0/login=mona"],
        ),
        ("PATCH /issues/8", json!({"state": "closed"}), 200, &["/state=closed"]),
        ("GET /issues", none(), 200, &["#=2", "/0/number=7", "/1/number=3"]),
        (
            "POST /releases",
            json!({"tag_name": "v1.2", "generate_release_notes": true}),
            201,
            &["/draft=false", "/name=v1.2", "/body=**Full Changelog**: https://github.com/octo/demo/commits/v1.2"],
        ),
        ("POST /releases", json!({"tag_name": "v1.2"}), 422, &["/errors/0/code=already_exists"]),
        ("GET /releases/tags/v1.2", none(), 200, &["/tag_name=v1.2", "/target_commitish=main"]),
        ("GET /releases/latest", none(), 200, &["/tag_name=v1.2"]),
        ("GET /git/ref/tags/v1.2", none(), 200, &["/object/sha=MAIN"]),
        ("POST /releases", json!({"tag_name": "v2", "draft": true}), 201, &["/draft=true", "/published_at=null"]),
        ("GET /releases/tags/v2", none(), 404, &[]),
        ("POST /statuses/MAIN", json!({"state": "success", "context": "lint"}), 201, &["/context=lint"]),
        ("GET /commits/main/status", none(), 200, &["/state=success", "/total_count=1"]),
        ("POST /statuses/MAIN", json!({"state": "fine"}), 422, &["/errors/0/field=state"]),
        (
            "POST /check-runs",
            json!({"name": "unit", "head_sha": "MAIN", "conclusion": "failure"}),
            201,
            &["/status=completed"],
        ),
        ("GET /commits/main/check-runs", none(), 200, &["/total_count=1", "/check_runs/0/name=unit"]),
        ("PUT /contents/new.txt", json!({"message": "add it", "content": base64}), 201, &["/content/path=new.txt"]),
        ("GET /contents/new.txt", none(), 200, &["/content=bmV3Cg==\n"]),
        ("PUT /contents/new.txt", json!({"message": "again", "content": base64}), 422, &[]),
        ("DELETE /contents/new.txt", json!({"message": "x", "sha": "MAIN"}), 409, &[]),
        ("POST /git/refs", json!({"ref": "refs/heads/next", "sha": "FIRST"}), 201, &["/object/sha=FIRST"]),
        (
            "POST /git/refs",
            json!({"ref": "refs/heads/next", "sha": "FIRST"}),
            422,
            &["/message=Reference already exists"],
        ),
        ("POST /git/refs", json!({"ref": "refs/x/y", "sha": "FIRST"}), 422, &["/message=Reference name is not valid"]),
        ("PATCH /git/refs/heads/next", json!({"sha": "MAIN"}), 200, &["/object/sha=MAIN"]),
        ("PATCH /git/refs/heads/next", json!({"sha": "FIRST"}), 422, &["/message=Update is not a fast forward"]),
        (
            "POST /pulls",
            json!({"title": "Next", "head": "next", "base": "main"}),
            201,
            &["/number=9", "/head/ref=next"],
        ),
        ("POST /pulls/7/reviews", json!({"event": "APPROVE"}), 200, &["/state=APPROVED"]),
        ("PUT /pulls/7/merge", json!({}), 200, &["/merged=true"]),
        ("GET /pulls/7/merge", none(), 204, &[]),
        ("DELETE /git/refs/heads/next", none(), 204, &[]),
        ("GET /git/ref/heads/next", none(), 404, &[]),
        ("POST /dispatches", json!({"event_type": "go"}), 204, &[]),
    ];
    play(&hub, lines).await;
    let would: Vec<String> =
        hub.notes().into_iter().map(|it| if let ApiNote::Would(it) = it { it } else { panic!("{it:?}") }).collect();
    let main = hub.filled("MAIN").chars().take(7).collect::<String>();
    let first = hub.filled("FIRST").chars().take(7).collect::<String>();
    let expected = format!(
        "comment on pull request #7: hello…
edit a comment on pull request #7: bye
react with rocket to a comment on pull request #7
delete a comment on pull request #7
label pull request #7 good first issue
label pull request #7 BUG
remove label bug of pull request #7
remove all labels of pull request #7
create label size/S
open issue #8: Broken
close issue #8
create release v1.2, with a new tag at {main}
create draft release v2
set status lint of {main} to success
create check run unit on {main} with failure
add new.txt on main (add it)
create branch next at {first}
move branch next to {main}
open pull request #9 from next into main: Next
approve pull request #7
merge pull request #7 into main
delete branch next
send repository_dispatch go"
    );
    assert_eq!(would.join("\n"), expected);
}

/// The jobs of the run fetch what was written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn git_sees_what_is_written() {
    let hub = Hub::new(EVERYTHING).await;
    let body = json!({"message": "m", "content": "bmV3Cg==", "branch": "feature/x"});
    assert_eq!(hub.ask("PUT /contents/deep/new.txt", &body).await.status, 201);
    assert_eq!(hub.git(&["show", "refs/heads/feature/x:deep/new.txt"]), "new");
    assert_eq!(hub.git(&["log", "-1", "--format=%an %s %P", "feature/x"]), hub.filled("github-actions[bot] m FEATURE"));
    let tree = hub
        .ask(
            "POST /git/trees",
            &json!({"base_tree": hub.filled("TREE"), "tree": [
                {"path": "README.md", "mode": "100644", "type": "blob", "sha": null},
                {"path": "x/y", "mode": "100755", "type": "blob", "content": "z"},
            ]}),
        )
        .await
        .json();
    let commit = json!({"message": "made", "tree": tree["sha"], "parents": [hub.filled("MAIN")]});
    let commit = hub.ask("POST /git/commits", &commit).await.json();
    assert_eq!(hub.ask("PATCH /git/refs/heads/main", &json!({"sha": commit["sha"]})).await.status, 200);
    assert_eq!(hub.git(&["ls-tree", "-r", "--name-only", "main"]), "link\nsrc/a.txt\nx/y");
    assert_eq!(hub.git(&["ls-tree", "-r", "--name-only", "origin/main"]), "link\nsrc/a.txt\nx/y");
}

/// Of writes at the same time none is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_come_one_after_the_other() {
    let hub = Hub::new(EVERYTHING).await;
    let put = async |number: usize| {
        let body = json!({"message": format!("add {number}"), "content": "eA=="});
        hub.ask(&format!("PUT /contents/many/{number}.txt"), &body).await.status
    };
    let all = tokio::join!(put(0), put(1), put(2), put(3), put(4), put(5), put(6), put(7));
    assert_eq!(all, (201, 201, 201, 201, 201, 201, 201, 201));
    assert_eq!(hub.git(&["rev-list", "--count", &format!("{}..main", hub.filled("MAIN"))]), "8");
    assert_eq!(hub.git(&["ls-tree", "--name-only", "main:many"]).lines().count(), 8);
}

/// Source: GitHub: "Using pagination in the REST API".
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_and_their_links() {
    let hub = Hub::new(EVERYTHING).await;
    for number in 0..5 {
        assert_eq!(hub.ask("POST /issues/7/comments", &json!({"body": number.to_string()})).await.status, 201);
    }
    for (query, bodies, rels) in [
        ("", "01234", ""),
        ("?per_page=2", "01", "next last"),
        ("?per_page=2&page=2", "23", "prev next last first"),
        ("?per_page=2&page=3", "4", "prev first"),
        ("?per_page=2&page=9", "", "prev first"),
        ("?per_page=0", "0", "next last"),
        ("?per_page=x&page=0", "01234", ""),
        ("?per_page=1000", "01234", ""),
    ] {
        let answer = hub.ask(&format!("GET /issues/7/comments{query}"), &none()).await;
        let found: String =
            answer.json().as_array().expect("a list").iter().filter_map(|it| it["body"].as_str()).collect();
        let link = answer.header("link").unwrap_or_default().to_owned();
        let told: Vec<&str> = link.split(", ").filter_map(|it| it.split('"').nth(1)).collect();
        assert_eq!((found.as_str(), told.join(" ").as_str()), (bodies, rels), "{query}: {link}");
        assert!(link.is_empty() || link.contains("/api/v3/repos/octo/demo/issues/7/comments?"), "{link}");
    }
    let answer = hub.ask("GET /commits?per_page=1&sha=main", &none()).await;
    let link = answer.header("link").expect("links").to_owned();
    assert!(link.contains("sha=main&page=2>; rel=\"next\"") && link.contains("page=2>; rel=\"last\""), "{link}");
    let next = link.split(['<', '>']).nth(1).expect("an address");
    let next = hub.send("GET", next, &[], None).await;
    assert_eq!(next.json()[0]["commit"]["message"], "first");
}

/// Source: GitHub: "Media types".
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn media_types() {
    let hub = Hub::new(EVERYTHING).await;
    for (path, accept, begins, media_type) in [
        (
            "contents/src/a.txt",
            "application/vnd.github.raw+json",
            "a\n",
            "application/vnd.github.raw+json; charset=utf-8",
        ),
        (
            "contents/src/a.txt",
            "application/vnd.github.v3.raw",
            "a\n",
            "application/vnd.github.raw+json; charset=utf-8",
        ),
        ("commits/main", "application/vnd.github.sha", "MAIN", "application/vnd.github.sha; charset=utf-8"),
        (
            "pulls/7",
            "application/vnd.github.v3.diff",
            "diff --git a/src/b.txt",
            "application/vnd.github.diff; charset=utf-8",
        ),
        ("pulls/7", "application/vnd.github.patch", "From FEATURE", "application/vnd.github.patch; charset=utf-8"),
        (
            "compare/main...feature/x",
            "application/vnd.github.diff",
            "diff --git",
            "application/vnd.github.diff; charset=utf-8",
        ),
        ("contents", "application/json", "[{", "application/json; charset=utf-8"),
        ("contents/src", "application/vnd.github.object+json", "{", "application/json; charset=utf-8"),
    ] {
        let url = hub.url(&format!("/{path}"));
        let answer = hub.send("GET", &url, &[("accept", accept)], None).await;
        assert!(answer.text().starts_with(&hub.filled(begins)), "{path} {accept}: {}", answer.text());
        assert_eq!(answer.header("content-type"), Some(media_type), "{path} {accept}");
    }
}

/// A release's file goes to disk and comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_releases() {
    let hub = Hub::new(EVERYTHING).await;
    let release = hub.ask("POST /releases", &json!({"tag_name": "v1.1"})).await.json();
    let address =
        release["upload_url"].as_str().expect("an address").replace("{?name,label}", "?name=a%20b.bin&label=L");
    let content = vec![7_u8; 300_000];
    let media_type = [("content-type", "application/x-thing")];
    let answer = hub.send("POST", &address, &media_type, Some(&content)).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let asset = answer.json();
    check("upload", &asset, &["/name=a.b.bin", "/label=L", "/size=300000", "/content_type=application/x-thing"]);
    assert_eq!(hub.send("POST", &address, &media_type, Some(b"x")).await.status, 422, "the name is taken");
    let url = asset["url"].as_str().expect("an address");
    let octets = [("accept", "application/octet-stream")];
    assert!(hub.send("GET", url, &octets, None).await.body == content, "it comes as it went");
    assert_eq!(hub.send("GET", url, &[], None).await.json()["digest"], asset["digest"]);
    assert_eq!(hub.ask("GET /releases/tags/v1.1", &none()).await.json()["assets"][0]["name"], "a.b.bin");
    assert_eq!(asset["browser_download_url"], "https://github.com/octo/demo/releases/download/v1.1/a.b.bin");
    assert_eq!(hub.send("DELETE", url, &[], None).await.status, 204);
    assert_eq!(hub.send("GET", url, &octets, None).await.status, 404);
    assert_eq!(hub.files_in_scratch(), 0, "nothing is left of it");
}
