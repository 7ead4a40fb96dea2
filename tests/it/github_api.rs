//! `GITHUB_TOKEN` and GitHub's API, as scripts and programs of steps use them.
use serde_json::{Value as Json, json};

use crate::actions::can_run_node;
use crate::repo::{Ran, Repo, can_sandbox};

/// What a run says at its end of what was not as on GitHub.
fn summary(repo: &Repo, arguments: &[&str]) -> Ran {
    let mut all = vec!["w.yml", "--backend", "sandbox"];
    all.extend(arguments);
    repo.wfrun(&all)
}

const RELEASE: &str = "on: push
permissions: {contents: write}
jobs:
  release:
    runs-on: ubuntu-latest
    env: {TOKEN: '${{ github.token }}'}
    steps:
    - name: publish
      run: |
        ask() { curl --silent --show-error --header \"authorization: Bearer $TOKEN\" \"$GITHUB_API_URL/$1\" \"${@:2}\"; }
        ask repos/$GITHUB_REPOSITORY/releases --data '{\"tag_name\": \"v1.2\"}' > /dev/null
        ask repos/$GITHUB_REPOSITORY/releases/tags/v1.2 | grep --only-matching '\"tag_name\":\"[^\"]*\"'
        ask repos/$GITHUB_REPOSITORY/contents/README.md --header 'accept: application/vnd.github.raw'
        echo \"${{ github.api_url == env.GITHUB_API_URL }} ${GITHUB_API_URL##*/api/} ${GITHUB_GRAPHQL_URL##*/api/}\"
";

/// A write is told where it happens, at the end, and in the journal; `--strict` lets nothing of it pass.
#[test]
fn what_would_be_written_is_shown() {
    if !can_sandbox() {
        return;
    }
    let repo = Repo::new(RELEASE, &[("README.md", "hello\n")]);
    let ran = repo.sandbox(&[]).ends_with(0);
    let lines = ran.lines();
    for line in ["\"tag_name\":\"v1.2\"", "hello", "false v3 graphql"] {
        assert!(lines.iter().any(|it| it == line), "{line}: {lines:#?}");
    }
    let calls: Vec<Json> = ran.of_type("service-called").into_iter().filter(|it| it["service"] == "github").collect();
    let told = |it: &Json| json!([it["operation"], it["status"], it["job"]]);
    let expected = [
        json!(["repos/create-release", 201, "release"]),
        json!(["repos/get-release-by-tag", 200, "release"]),
        json!(["repos/get-content", 200, "release"]),
    ];
    assert_eq!(calls.iter().map(told).collect::<Vec<_>>(), expected);
    let would = calls[0]["would"].as_str().expect("a write");
    assert!(would.starts_with("create release v1.2"), "{would}");
    assert_eq!(calls[1].get("would"), None);
    let finished = ran.of_type("step-finished");
    assert_eq!(finished[0]["how"], "simulated");
    let shown = summary(&repo, &[]).ends_with(0).stdout;
    assert_eq!(shown.matches("would create release v1.2").count(), 2, "{shown}");
    assert!(shown.contains("simulated: publish"), "{shown}");
    repo.sandbox(&["--strict"]).ends_with(5);
}

/// Scripts of Node's own, and what a pull request from a fork may do.
#[test]
fn a_fork_only_reads() {
    if !can_run_node() {
        return;
    }
    let workflow = "on: pull_request
permissions: {pull-requests: write, contents: read}
jobs:
  comment:
    runs-on: ubuntu-latest
    steps:
    - env: {TOKEN: '${{ secrets.GITHUB_TOKEN }}', NUMBER: '${{ github.event.number }}'}
      run: |
        cat > ask.mjs <<'END'
        const { GITHUB_API_URL: url, GITHUB_REPOSITORY: repository, TOKEN: token, NUMBER: number } = process.env;
        const headers = { authorization: `token ${token}` };
        const at = `${url}/repos/${repository}/issues/${number}/comments`;
        const made = await fetch(at, { method: 'POST', headers, body: JSON.stringify({ body: 'looks good' }) });
        console.log(made.status, (await made.json()).message ?? 'made', made.headers.get('x-accepted-github-permissions'));
        const files = await (await fetch(`${url}/repos/${repository}/pulls/${number}/files`, { headers })).json();
        console.log(files.map((it) => it.filename).join());
        END
        node ask.mjs
";
    let repo = Repo::new(workflow, &[("a.txt", "a\n")]);
    repo.git(&["checkout", "--quiet", "-b", "feature/x"]);
    repo.write("b.txt", "b\n");
    repo.commit("b");
    let fork = json!({"pull_request": {"head": {"repo": {"full_name": "someone/repo"}}}});
    repo.write("fork.json", &fork.to_string());
    let pull = ["--event", "pull_request", "--base", "main", "--pr", "7"];
    let own = repo.sandbox(&pull).ends_with(0);
    assert_eq!(own.lines(), ["201 made issues=write; pull_requests=write", "b.txt"]);
    let of_fork: Vec<&str> = pull.into_iter().chain(["--event-path", "fork.json"]).collect();
    let ran = repo.sandbox(&of_fork).ends_with(0);
    let refused = "403 Resource not accessible by integration issues=write; pull_requests=write";
    assert_eq!(ran.lines(), [refused, "b.txt"]);
    let notices: Vec<String> = ran.of_type("notice").iter().map(|it| it["message"].to_string()).collect();
    let reason = "issues/create-comment was refused with 403";
    let told = notices.iter().find(|it| it.contains(reason)).unwrap_or_else(|| panic!("{notices:#?}"));
    assert!(
        told.contains("`pull-requests: write`") && told.contains("a pull request from a fork reads at most"),
        "{told}"
    );
}

/// What is not served makes no run green, also where the step does not mind.
#[test]
fn what_is_not_served_makes_the_run_incomplete() {
    if !can_sandbox() {
        return;
    }
    let workflow = "on: push
jobs:
  j:
    runs-on: ubuntu-latest
    steps:
    - run: |
        curl --silent --header 'authorization: token ${{ github.token }}' $GITHUB_API_URL/repos/$GITHUB_REPOSITORY/pages
        curl --silent --output /dev/null --write-out '%{http_code}' $GITHUB_GRAPHQL_URL --data '{}'
";
    let repo = Repo::new(workflow, &[]);
    let ran = repo.sandbox(&[]).ends_with(5);
    let declared = ran.of_type("declared");
    let not_run: Vec<&Json> = declared.iter().filter(|it| it["how"] == "not run").collect();
    assert_eq!(not_run.len(), 1, "{declared:#?}");
    let detail = not_run[0]["detail"].as_str().expect("a text");
    assert!(detail.starts_with("GET /repos/local/repo/pages is not served by wfrun"), "{detail}");
    let shown = summary(&repo, &[]).ends_with(5).stdout;
    assert!(shown.contains("GET /repos/local/repo/pages is not served by wfrun"), "{shown}");
    assert!(ran.stdout.contains("401"), "without a token nothing is answered");
}

/// Jobs have tokens of their own, and each may do what its job says.
#[test]
fn permissions_are_each_jobs() {
    if !can_sandbox() {
        return;
    }
    let workflow = "on: push
permissions: {contents: read}
jobs:
  reads: &job
    runs-on: ubuntu-latest
    steps: &steps
    - run: |
        curl --silent --output /dev/null --write-out '%{http_code}\\n' --header 'authorization: token ${{ github.token }}' \\
          $GITHUB_API_URL/repos/$GITHUB_REPOSITORY/git/refs --data '{\"ref\": \"refs/tags/v1\", \"sha\": \"${{ github.sha }}\"}'
  writes:
    needs: reads
    permissions: {contents: write}
    runs-on: ubuntu-latest
    steps: *steps
  sees:
    needs: writes
    runs-on: ubuntu-latest
    steps:
    - uses: actions/checkout@v4
      with: {ref: v1}
    - run: git rev-parse HEAD
";
    let repo = Repo::new(workflow, &[]);
    let head = repo.git(&["rev-parse", "HEAD"]);
    let ran = repo.sandbox(&[]).ends_with(0);
    let lines = ran.lines();
    let codes: Vec<&String> = lines.iter().filter(|it| it.len() == 3).collect();
    assert_eq!(codes, ["403", "201"], "{lines:#?}");
    assert!(lines.contains(&head), "a tag that was made is there to check out: {lines:#?}");
    assert_eq!(repo.git(&["tag"]), "", "the user's repository is as it was");
}

/// Who keeps a token for later has nothing of it.
#[test]
fn a_token_ends_with_its_job() {
    if !can_sandbox() {
        return;
    }
    let workflow = "on: push
jobs:
  first:
    runs-on: ubuntu-latest
    outputs: {kept: '${{ steps.keep.outputs.kept }}'}
    steps:
    - id: keep
      run: echo \"kept=$(echo '${{ github.token }}' | rev)\" >> \"$GITHUB_OUTPUT\"
    - &ask
      env: {KEPT: '${{ needs.first.outputs.kept || steps.keep.outputs.kept }}'}
      run: |
        curl --silent --output /dev/null --write-out '%{http_code}' \\
          --header \"authorization: token $(echo \"$KEPT\" | rev)\" $GITHUB_API_URL/repos/$GITHUB_REPOSITORY/contents
  second:
    needs: first
    runs-on: ubuntu-latest
    steps: [*ask]
";
    let ran = Repo::new(workflow, &[]).sandbox(&[]).ends_with(0);
    assert_eq!(ran.lines(), ["200", "401"]);
}

/// `sha256sum` of a token, which is not masked.
fn digest(text: &str) -> String {
    use std::process::{Command, Stdio};
    let mut child = Command::new("sha256sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("sha256sum");
    std::io::Write::write_all(&mut child.stdin.take().expect("its input"), text.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    String::from_utf8_lossy(&output.stdout).split(' ').next().unwrap_or_default().to_owned()
}

/// The caller's own token is in no step, whatever it is called, unless it is asked for by name.
#[test]
fn real_tokens_stay_here() {
    if !can_sandbox() {
        return;
    }
    let workflow = "on: push
jobs:
  j:
    runs-on: ubuntu-latest
    steps:
    - env: {A: '${{ secrets.GITHUB_TOKEN }}', B: '${{ github.token }}', C: '${{ secrets.RELEASE_TOKEN }}'}
      run: |
        for it in \"$A\" \"$B\" \"$C\"; do printf %s \"$it\" | sha256sum; done
        echo \"$GITHUB_API_URL\"
        env | grep -c 'ghp_real' || true
    - if: ${{ !startsWith(github.api_url, 'https:') }}
      run: |
        curl --silent --output /dev/null --write-out '%{http_code}' --header 'authorization: token ${{ secrets.RELEASE_TOKEN }}' \\
          $GITHUB_API_URL/repos/$GITHUB_REPOSITORY/statuses/$GITHUB_SHA --data '{\"state\": \"success\"}'
";
    let repo = Repo::new(workflow, &[]);
    let (mine, release) = (format!("ghp_real{}", "a".repeat(32)), format!("ghp_real{}", "b".repeat(32)));
    let ask = |arguments: &[&str]| {
        let mut all =
            vec!["w.yml", "--backend", "sandbox", "--json", "--secret", "GITHUB_TOKEN", "--secret", "RELEASE_TOKEN"];
        all.extend(arguments);
        let mut command = repo.command(&all);
        let output = command.env("GITHUB_TOKEN", &mine).env("RELEASE_TOKEN", &release).output().expect("wfrun starts");
        Ran::of(&output).ends_with(0)
    };
    let ran = ask(&[]);
    let lines = ran.lines();
    let digests: Vec<&str> = lines[..3].iter().map(|it| it.split(' ').next().unwrap_or_default()).collect();
    assert_eq!(digests[0], digests[1], "the secret and the context are one");
    assert!(digests.iter().all(|it| *it != digest(&mine) && *it != digest(&release)), "{lines:#?}");
    assert!(lines[3].starts_with("http://127.0.0.1:") && lines[4] == "0", "{lines:#?}");
    assert_eq!(lines[5], "201", "the API knows what takes the place of a person's token");
    let told = ran.of_type("notice").iter().any(|it| {
        it["message"].as_str().is_some_and(|it| it.ends_with("take the place of GITHUB_TOKEN, RELEASE_TOKEN"))
    });
    assert!(told, "{}", ran.stdout);
    assert!(!ran.stdout.contains(&mine) && !ran.stdout.contains(&release), "{}", ran.stdout);

    let ran = ask(&["--real-github"]);
    let lines = ran.lines();
    let digests: Vec<&str> = lines[..3].iter().map(|it| it.split(' ').next().unwrap_or_default()).collect();
    assert_eq!(digests, [digest(&mine), digest(&mine), digest(&release)]);
    assert_eq!(lines[3], "https://api.github.com");
    assert!(!ran.stdout.contains(&mine) && !ran.stdout.contains(&release), "{}", ran.stdout);
    let told = "steps have your own GitHub token";
    assert!(ran.of_type("notice").iter().any(|it| it["message"].as_str().is_some_and(|it| it.starts_with(told))));
}

/// Without a token, and without a network, there is no real GitHub.
#[test]
fn what_real_github_needs() {
    let repo = Repo::new("on: push\njobs: {j: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}\n", &[]);
    let output = repo.command(&["w.yml", "--real-github"]).env_remove("GITHUB_TOKEN").output().expect("wfrun starts");
    let ran = Ran::of(&output).ends_with(2);
    assert!(ran.stderr.contains("error[cli/real-github]") && ran.stderr.contains("gh auth token"), "{}", ran.stderr);
    let ran = repo.wfrun(&["w.yml", "--real-github", "--offline"]).ends_with(2);
    assert!(ran.stderr.contains("cannot be used with"), "{}", ran.stderr);
}
