//! `GITHUB_TOKEN` of each job, and what is said of its calls.
use wfrun_engine::ApiNote;
use wfrun_journal::{AnnotationLevel, How, RunEventKind};
use wfrun_plan::StepPath;
use wfrun_workflow::{Level, Permissions, SCOPES};

use crate::driver::World;

/// The scopes of each job's token, in order: `contents: read, issues: write`.
fn scopes(world: World) -> Vec<String> {
    let of = |level: Level| if level == Level::None { None } else { Some(level) };
    let world = world.run();
    let tokens = world.tokens.iter().map(|it| it.as_ref().expect("a token"));
    let named = |it: &Permissions| {
        let named = SCOPES.iter().filter_map(|name| Some(format!("{name}: {}", of(it.level(name))?)));
        named.collect::<Vec<_>>().join(", ")
    };
    tokens.map(|it| named(&it.permissions)).collect()
}

fn one_job(permissions: &str) -> World {
    World::new(&format!(
        "on: [push, pull_request]\n{permissions}\njobs: {{j: {{runs-on: linux, steps: [{{run: a}}]}}}}\n"
    ))
    .with_own_tokens()
}

/// Source: GitHub: planning rules 4.9; "How permissions are calculated for a workflow job".
#[test]
fn what_tokens_may_do() {
    for (permissions, of_push, of_fork) in [
        ("", "contents: read, packages: read", "contents: read, packages: read"),
        ("permissions: {}", "", ""),
        (
            "permissions: {contents: write, issues: read}",
            "contents: write, issues: read",
            "contents: read, issues: read",
        ),
        ("permissions: {pull-requests: write}", "pull-requests: write", "pull-requests: read"),
    ] {
        assert_eq!(scopes(one_job(permissions)), [of_push], "{permissions}");
        assert_eq!(scopes(one_job(permissions).of_a_fork()), [of_fork], "{permissions}");
    }
    let all = scopes(one_job("permissions: write-all"));
    assert!(all[0].contains("contents: write") && all[0].contains("models: read"), "{all:?}");
    let fork = scopes(one_job("permissions: write-all").of_a_fork());
    assert!(!fork[0].contains("write") && fork[0].contains("contents: read"), "{fork:?}");
}

/// A token is a job's own, the same wherever the job reads it, and hidden.
#[test]
fn each_job_has_its_own() {
    let steps = "[{run: 'x ${{ github.token }} ${{ secrets.GITHUB_TOKEN }}'}]";
    let workflow =
        format!("on: push\njobs:\n  a: {{runs-on: linux, steps: {steps}}}\n  b: {{runs-on: linux, steps: {steps}}}\n");
    let world = World::new(&workflow).with_own_tokens().run();
    let texts: Vec<&str> = world.tokens.iter().map(|it| it.as_ref().expect("a token").text.expose()).collect();
    assert_eq!(texts.len(), 2);
    assert_ne!(texts[0], texts[1]);
    assert!(texts.iter().all(|it| it.len() == 40 && it.starts_with("ghs_")), "{texts:?}");
    let expected: Vec<String> = texts.iter().map(|it| format!("x {it} {it}")).collect();
    assert_eq!(world.scripts(), expected);
    let journal = serde_json::to_string(&world.journal).expect("JSON");
    assert!(texts.iter().all(|it| !journal.contains(it)), "{journal}");
    assert!(journal.contains("x *** ***"), "{journal}");
}

/// `GITHUB_TOKEN` that a call hands over is that of each called job.
#[test]
fn a_token_that_is_handed_over_is_the_called_jobs() {
    let callee = "on: {workflow_call: {secrets: {t: {}}}}\njobs: {d: {runs-on: linux, permissions: {contents: read}, \
                  steps: [{run: 'x ${{ secrets.t }} ${{ github.token }}'}]}}\n";
    for secrets in ["{t: '${{ secrets.GITHUB_TOKEN }}'}", "{t: '${{ github.token }}'}"] {
        let call = format!("on: push\njobs: {{c: {{uses: ./.github/workflows/callee.yml, secrets: {secrets}}}}}\n");
        let world = World::new(&call).with("callee.yml", callee).with_own_tokens().run();
        let token = world.tokens[0].as_ref().expect("a token").text.expose();
        assert_eq!(world.scripts(), [format!("x {token} {token}")], "{secrets}");
    }
}

/// With the caller's token no job has another.
#[test]
fn without_tokens_of_their_own_all_have_the_runs() {
    let world = World::steps("[{run: 'x ${{ github.token }}'}]").run();
    assert_eq!(world.scripts(), ["x ghs_token"]);
    assert_eq!(world.tokens, [None]);
}

/// What is declared, and of which step, and how the step and the run count.
fn declared(world: &World) -> Vec<String> {
    let one = |it: &RunEventKind| {
        if let RunEventKind::Declared(it) = it {
            let step = it.step.as_ref().map(ToString::to_string).unwrap_or_default();
            Some(format!("{step} {}: {}", it.how, it.detail))
        } else if let RunEventKind::Notice(it) = it {
            Some(format!("notice: {}", it.message))
        } else if let RunEventKind::StepFinished(it) = it {
            (it.how != How::Real).then(|| format!("{} is {}", it.step, it.how))
        } else {
            None
        }
    };
    world.journal.iter().filter_map(|it| one(&it.kind)).collect()
}

const KNOWN: &str =
    " stand-in: asked on this machine: git, the event's payload and what this run wrote are all that it knows";

#[test]
fn what_is_said_of_calls() {
    let would = ApiNote::Would("create release v1.2".to_owned());
    let unserved = ApiNote::Unserved("GET /x is not served".to_owned());
    let refused = ApiNote::Refused("issues/create was refused".to_owned());
    let no_permissions =
        "; the workflow writes no `permissions`, and then it reads contents and packages, as in a new repository";
    for (note, expected, result, strictly) in [
        (
            &would,
            vec![KNOWN.to_owned(), "2 simulated: would create release v1.2".into(), "2 is simulated".into()],
            "success",
            "incomplete",
        ),
        (&unserved, vec![KNOWN.to_owned(), "2 not run: GET /x is not served".into()], "incomplete", "incomplete"),
        (
            &refused,
            vec![KNOWN.to_owned(), format!("notice: job `j`: issues/create was refused{no_permissions}")],
            "success",
            "incomplete",
        ),
    ] {
        let world = || World::steps("[{run: a}, {run: b}]").calls("b", 200, note.clone());
        assert_eq!(declared(&world().run()), expected);
        assert_eq!(world().run().results(), format!("j success: {result}"));
        assert_eq!(world().strict().run().results(), format!("j success: {strictly}"));
    }
}

/// That the API is asked here is said once; with two steps at the same time nobody knows which one asked.
#[test]
fn calls_of_steps_that_run_at_the_same_time() {
    let would = |what: &str| ApiNote::Would(what.to_owned());
    let world = World::steps("[{run: a, background: true}, {run: b}, {wait-all: }]")
        .endless("a")
        .calls("b", 201, would("one"))
        .calls("b", 201, would("two"));
    assert_eq!(
        declared(&world.cancelled_in("b").run())[..3],
        [KNOWN.to_owned(), " simulated: would one".into(), " simulated: would two".into()]
    );
}

/// What a call says can hold a secret.
#[test]
fn calls_are_masked() {
    let world = World::steps("[{run: a}]")
        .secret("S", "hidden-value")
        .calls("a", 201, ApiNote::Would("comment hidden-value".to_owned()))
        .calls("a", 501, ApiNote::Unserved("GET /hidden-value".to_owned()))
        .calls("a", 403, ApiNote::Refused("hidden-value".to_owned()))
        .run();
    let journal = serde_json::to_string(&world.journal).expect("JSON");
    assert!(journal.contains("comment ***") && !journal.contains("hidden-value"), "{journal}");
    assert!(journal.contains("\"would\":\"comment ***\"") && journal.contains("\"job\":\"j\""), "{journal}");
}

/// What the policies deny is pointed out at its step, once for each resource.
#[test]
fn a_denied_call_is_pointed_out_at_its_step() {
    let what = "ecs:UpdateService on arn:***/";
    for (script, level, message) in [
        ("aws", "", String::new()),
        ("aws missing", "error", format!("AWS denied {what}missing: the policies lack {{\"Effect\":\"Allow\"}}")),
        ("aws explicit", "error", format!("AWS denied {what}explicit: *** is not authorized")),
        (
            "aws injected",
            "error",
            format!("AWS denied {what}injected: `--inject iam:deny=ecs:UpdateService` asks for it"),
        ),
        (
            "aws reported",
            "warning",
            format!("AWS would deny {what}reported: the policies lack {{\"Effect\":\"Allow\"}}"),
        ),
        (
            "aws head",
            "error",
            format!(
                "AWS denied {what}head: the policies lack {{\"Effect\":\"Allow\"}}. The command cannot say so: this answer has no \
                 body"
            ),
        ),
    ] {
        let world = World::steps(&format!("[{{run: a}}, {{run: {script}}}, {{run: {script}}}]"))
            .secret("HIDDEN", "hidden-value")
            .run();
        let record = world.record();
        let found: Vec<_> = record.annotations.iter().map(|it| (it.step.as_ref(), it.message.as_str())).collect();
        let step = StepPath::at(1);
        let want = if message.is_empty() { Vec::new() } else { vec![(Some(&step), message.as_str())] };
        assert_eq!(found, want, "{script}");
        assert!(record.annotations.iter().all(|it| it.level.as_str() == level), "{script}");
        assert!(!serde_json::to_string(&world.journal).expect("JSON").contains("hidden-value"), "{script}");
    }
}

/// What the account did not do is declared once at each step that asked: `|| true` behind a command makes no green run.
#[test]
fn what_the_account_does_not_do_is_declared_at_its_step() {
    let world =
        World::steps("[{run: a}, {run: aws nothing}, {run: aws nothing}]").secret("HIDDEN", "hidden-value").run();
    let declared =
        world.journal.iter().filter_map(|it| if let RunEventKind::Declared(it) = &it.kind { Some(it) } else { None });
    let found: Vec<_> = declared
        .filter(|it| it.how == How::NotRun)
        .map(|it| (it.subject.as_str(), it.step.clone(), it.detail.as_str()))
        .collect();
    let detail = "*** is not emulated";
    assert_eq!(found, [1, 2].map(|at| ("AWS", Some(StepPath::at(at)), detail)));
}

/// What is to be heeded about one of several steps that run is pointed out at that one, of two jobs and of one.
#[test]
fn a_warning_about_a_step_is_pointed_out_at_it() {
    let two =
        "on: push\njobs: {a: {runs-on: x, steps: [{run: endless}]}, b: {runs-on: x, steps: [{run: a}, {run: warned}]}}";
    // When it comes, the other one has begun as well, as the last.
    let group = "on: push\njobs: {b: {runs-on: x, steps: [{run: a}, {parallel: [{run: warned}, {run: b}]}]}}";
    for (jobs, step) in [(two, StepPath::at(1)), (group, StepPath::at(1).child(0))] {
        let world = World::new(jobs).secret("HIDDEN", "hidden-value").endless("endless").cancelled_in("warned").run();
        let record = world.record();
        let found: Vec<_> = record
            .annotations
            .iter()
            .filter(|it| it.level == AnnotationLevel::Warning)
            .map(|it| (it.job.to_string(), it.step.clone(), it.message.as_str()))
            .collect();
        assert_eq!(found, [("b".to_owned(), Some(step), "*** was asked")]);
        assert!(world.story().contains("warning: *** was asked"), "{}", world.story());
    }
}

/// Which of two steps called, nobody knows.
#[test]
fn a_denied_call_of_one_of_two_jobs_is_a_notice() {
    let jobs =
        "on: push\njobs: {a: {runs-on: x, steps: [{run: endless}]}, b: {runs-on: x, steps: [{run: aws missing}]}}";
    let world = World::new(jobs).endless("endless").cancelled_in("aws missing").run();
    let record = world.record();
    assert!(!record.annotations.iter().any(|it| it.message.as_str().contains("AWS")), "{:?}", record.annotations);
    let notices: Vec<_> = record.notices.iter().map(|it| it.message.as_str()).collect();
    assert_eq!(notices.len(), 1);
    assert!(notices[0].starts_with("AWS denied ecs:UpdateService"), "{notices:?}");
}

/// Who asked AWS first is known where one step is under way.
#[test]
fn the_step_that_asked_aws_first() {
    let world = World::steps("[{run: 'true'}, {run: aws}, {run: aws}]").run();
    let first: Vec<_> = world.record().first_asked.into_iter().map(|it| (it.job.to_string(), it.step)).collect();
    assert_eq!(first, [("j".to_owned(), StepPath::at(1))]);
    let jobs = "on: push\njobs: {a: {runs-on: x, steps: [{run: endless}]}, b: {runs-on: x, steps: [{run: aws}]}}";
    let world = World::new(jobs).endless("endless").cancelled_in("aws").run();
    assert_eq!(world.record().first_asked, []);
}

/// The account on this machine is declared once, and what it does with tasks as it is.
#[test]
fn what_the_aws_account_did_is_declared() {
    let world = || World::steps("[{run: aws}, {run: aws}]");
    let begin = " simulated: calls went to an account on this machine: its ECR and STS answer for real, ";
    assert_eq!(declared(&world().run()), [format!("{begin}its ECS tasks run in appearance only")]);
    let tasks = "its ECS tasks are containers of this machine, but for placeholders and injected faults";
    assert_eq!(declared(&world().with_real_tasks().run()), [format!("{begin}{tasks}")]);
}

/// What fails on github.com is said where it does not fail here, at the step.
#[test]
fn a_definition_that_a_version_would_refuse() {
    let steps = |fetch: &str, version: &str| {
        let deploy = format!("aws-actions/amazon-ecs-deploy-task-definition@{version}");
        World::steps(&format!("[{{run: {fetch}}}, {{parallel: [{{uses: {deploy}}}]}}]"))
    };
    let fetch = "'true; aws ecs describe-task-definition'";
    let told = |world: World| {
        let world = world.run();
        let annotations = world.record().annotations;
        annotations.iter().map(|it| (it.step.clone(), it.message.as_str().to_owned())).collect::<Vec<_>>()
    };
    let message = "`aws-actions/amazon-ecs-deploy-task-definition@v1` refuses a task definition with `enableFaultInjection`, which AWS \
                   puts into each that it describes: on GitHub this step fails. The AWS account of this run leaves it out (`--aws-era \
                   today` puts it in); take v2, or leave it out of the file: `jq 'del(.enableFaultInjection)'`";
    let step = StepPath::at(1).child(0);
    assert_eq!(told(steps(fetch, "v1").with_old_definitions()), [(Some(step), message.to_owned())]);
    for (world, why) in [
        (steps(fetch, "v1"), "as AWS describes it, the step fails by itself"),
        (steps(fetch, "v2").with_old_definitions(), "it knows all of it"),
        (steps("'true'", "v1").with_old_definitions(), "it is of the repository"),
    ] {
        assert_eq!(told(world), [], "{why}");
    }
}
