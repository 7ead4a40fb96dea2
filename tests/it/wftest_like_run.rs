//! `wfrun test` foresees what `wfrun run` does: workflows that are made up at random, played and run.
//!
//! Both have the same engine; what could part them is what a test takes away or makes up.
use std::fmt::Write as _;

use serde_json::{Map, Value as Json, json};

use crate::repo::{Ran, Repo};

/// So many workflows, unless `WFRUN_TEST_WORKFLOWS` says how many.
const WORKFLOWS: u64 = 16;
const CALLED: &str = ".github/workflows/called.yml";
const VARS: [&str; 4] = ["EMPTY=", "BROKEN={", "WHO=push", "Q=b"];

const OF_JOBS: [&str; 18] = [
    "always()",
    "failure()",
    "!failure()",
    "!cancelled()",
    "github.event_name == 'push'",
    "github.ref == 'refs/heads/x'",
    "always() && github.event_name == 'push'",
    "!failure() && !cancelled()",
    "needs.{n}.result == 'success'",
    "always() && needs.{n}.result == 'failure'",
    "always() && needs.{n}.result == 'cancelled'",
    "always() && contains(needs.*.result, 'failure')",
    "failure() && needs.{n}.result == 'skipped'",
    "always() && needs.{n}.outputs.o == 'v'",
    "needs.{n}.outputs.o == ''",
    "success('{n}')",
    "vars.Q == 'a' || !vars.Q",
    "fromJSON(vars.BROKEN).deploy",
];
const OF_STEPS: [&str; 10] = [
    "always()",
    "failure()",
    "false",
    "steps.s0.outcome == 'success'",
    "failure() && steps.s0.outcome == 'failure'",
    "always() && steps.s1.outcome == 'skipped'",
    "steps.s0.outputs.o == 'v'",
    "job.status == 'success'",
    "env.E == 'x'",
    "fromJSON(vars.BROKEN)",
];
/// Keys of jobs: some cannot be evaluated, some can and are of no matter.
const KEYS: [(&str, &str); 24] = [
    ("name", "\"${{ fromJSON(vars.BROKEN) }}\""),
    ("name", "\"named ${{ github.ref }}\""),
    ("concurrency", "\"${{ vars.EMPTY }}\""),
    ("concurrency", "\"the-group-of-${{ vars.WHO }}\""),
    ("concurrency", "\"two\""),
    ("environment", "\"${{ fromJSON(vars.BROKEN) }}\""),
    ("environment", "\"prod\""),
    ("environment", "{\"name\": \"prod\", \"url\": \"${{ fromJSON(vars.BROKEN) }}\"}"),
    ("environment", "{\"name\": \"prod\", \"url\": \"${{ steps.s0.outputs.o }}\"}"),
    ("timeout-minutes", "\"${{ fromJSON(vars.BROKEN) }}\""),
    ("timeout-minutes", "\"${{ vars.EMPTY }}\""),
    ("cancel-timeout-minutes", "\"${{ fromJSON(vars.BROKEN) }}\""),
    ("continue-on-error", "\"${{ fromJSON(vars.BROKEN) }}\""),
    ("continue-on-error", "true"),
    ("container", "\"${{ fromJSON(vars.BROKEN) }}\""),
    ("container", "\"${{ vars.EMPTY }}\""),
    ("services", "{\"db\": {\"image\": \"${{ fromJSON(vars.BROKEN) }}\"}}"),
    ("runs-on", "\"${{ fromJSON(vars.BROKEN) }}\""),
    ("strategy", "{\"matrix\": {\"m\": \"${{ fromJSON(vars.BROKEN) }}\"}}"),
    ("strategy", "{\"matrix\": {\"m\": [1, 2]}, \"fail-fast\": false}"),
    ("env", "{\"V\": \"${{ fromJSON(vars.BROKEN) }}\"}"),
    ("env", "{\"E\": \"x\"}"),
    ("defaults", "{\"run\": {\"working-directory\": \"${{ fromJSON(vars.BROKEN) }}\"}}"),
    ("outputs", "{\"o\": \"${{ fromJSON(steps.s0.outputs.o) }}\"}"),
];
/// Keys of steps.
const STEP_KEYS: [(&str, &str); 8] = [
    ("continue-on-error", "true"),
    ("continue-on-error", "\"${{ fromJSON(vars.BROKEN) }}\""),
    ("timeout-minutes", "\"${{ fromJSON(vars.BROKEN) }}\""),
    ("name", "\"${{ fromJSON(vars.BROKEN) }}\""),
    ("env", "{\"V\": \"${{ fromJSON(vars.BROKEN) }}\"}"),
    ("run", "\"echo ${{ fromJSON(vars.BROKEN) }}\""),
    ("run", "\"echo ${{ github.ref }} ${{ steps.s0.outputs.o }}\""),
    ("background", "true"),
];

/// Numbers that are the same each time (splitmix64), and how often a key was taken: each has its turn.
struct Dice(u64, usize);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut it = self.0;
        it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((it ^ (it >> 31)) % most as u64).expect("it is below `most`")
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn in_turn(&mut self, of: &[(&'static str, &'static str)]) -> (&'static str, Json) {
        self.1 += 1;
        let (key, value) = of[self.1 % of.len()];
        (key, serde_json::from_str(value).expect("a value"))
    }

    fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}

fn step(dice: &mut Dice, index: usize) -> Json {
    let mut step = json!({"id": format!("s{index}"), "run": "true"});
    if index == 0 && dice.chance(60) {
        step["run"] = "echo o=v >> \"$GITHUB_OUTPUT\"".into();
    } else if dice.chance(20) {
        step["run"] = "exit 1".into();
    } else if dice.chance(35) {
        let (key, value) = dice.in_turn(&STEP_KEYS);
        step[key] = value;
    }
    if dice.chance(40) {
        // Conditions ask for steps that stand before.
        let condition = if index > 1 { dice.one(&OF_STEPS) } else { dice.one(&["always()", "failure()", "true"]) };
        step["if"] = condition.into();
    }
    step
}

fn job(dice: &mut Dice, before: &[String]) -> Json {
    let steps: Vec<Json> = (0..=dice.below(4)).map(|index| step(dice, index)).collect();
    let mut job = json!({"runs-on": "ubuntu-latest", "steps": steps});
    if dice.chance(30) {
        job["outputs"] = json!({"o": dice.one(&["v", "${{ steps.s0.outputs.o }}", "${{ steps.s0.outcome }}"])});
    }
    if dice.chance(70) {
        let (key, value) = dice.in_turn(&KEYS);
        job[key] = value;
    }
    need(dice, &mut job, before);
    job
}

fn need(dice: &mut Dice, job: &mut Json, before: &[String]) {
    if before.is_empty() || dice.chance(25) {
        return;
    }
    let need = before[dice.below(before.len())].clone();
    if dice.chance(55) {
        job["if"] = dice.one(&OF_JOBS).replace("{n}", &need).into();
    }
    job["needs"] = json!([need]);
}

fn jobs(dice: &mut Dice, prefix: &str, calls: bool) -> Json {
    let mut jobs = Map::new();
    let mut ids: Vec<String> = Vec::new();
    for index in 0..3 + dice.below(3) {
        let id = format!("{prefix}{index}");
        let job = if calls && dice.chance(20) {
            let mut job = json!({"uses": format!("./{CALLED}"), "with": {"s": "${{ vars.WHO }}"}});
            need(dice, &mut job, &ids);
            job
        } else if calls && index > 0 && dice.chance(20) {
            // A matrix that a step puts out.
            let before = ids[index - 1].clone();
            json!({"needs": [before], "runs-on": "x", "steps": [{"run": "true"}], "strategy": {"matrix": {
                "m": format!("${{{{ fromJSON(format('[\"a\", \"b{{0}}\"]', needs.{before}.outputs.o)) }}}}")
            }}})
        } else {
            job(dice, &ids)
        };
        jobs.insert(id.clone(), job);
        ids.push(id);
    }
    Json::Object(jobs)
}

/// What the case has to say: how steps end that fail, and what those put out that put something out.
fn said(prefix: &str, jobs: &Json, called: &Json, force: &mut Map<String, Json>, outputs: &mut Map<String, Json>) {
    for (id, job) in jobs.as_object().into_iter().flatten() {
        if job.get("uses").is_some() {
            said(&format!("{prefix}{id} / "), called, called, force, outputs);
        }
        for (index, step) in job["steps"].as_array().into_iter().flatten().enumerate() {
            let name = format!("{prefix}{id}.{}", index + 1);
            match step["run"].as_str().unwrap_or_default() {
                "exit 1" => drop(force.insert(name, "failure".into())),
                text if text.contains("GITHUB_OUTPUT") => drop(outputs.insert(name, json!({"o": "v"}))),
                // It puts out nothing, which is said, too.
                text if index == 0 && !text.contains("BROKEN") && step.get("env").is_none() => {
                    drop(outputs.insert(name, json!({})));
                }
                _ => {}
            }
        }
    }
}

#[test]
fn generated_workflows_come_to_the_same() {
    let given = std::env::var("WFRUN_TEST_WORKFLOWS").ok().and_then(|it| it.parse().ok());
    let count: u64 = given.unwrap_or(WORKFLOWS);
    let mut wrong = String::new();
    let mut kinds = std::collections::BTreeMap::<String, usize>::new();
    std::thread::scope(|scope| {
        let half = |from: u64| scope.spawn(move || (from..count).step_by(2).map(compare).collect::<Vec<_>>());
        for it in [half(0), half(1)] {
            for (results, failure) in it.join().expect("no panic") {
                for it in results {
                    *kinds.entry(it).or_default() += 1;
                }
                wrong.push_str(&failure);
            }
        }
    });
    assert!(wrong.is_empty(), "{wrong}");
    // A test of nothing but green jobs would show nothing.
    for kind in ["success", "failure", "skipped", "cancelled"] {
        assert!(kinds.get(kind).is_some_and(|it| *it > 0), "{kinds:?}");
    }
}

/// Where `wfrun why` says otherwise than the run. It is told what only a run can tell: how jobs end that begin, and which
/// give way to others.
fn unlike(repo: &Repo, ran: &Ran) -> Option<String> {
    let text = |it: &Json| it.as_str().unwrap_or_default().to_owned();
    let calling: Vec<String> = ran.of_type("workflow-called").iter().map(|it| text(&it["job"])).collect();
    let in_time = |it: &Json| match text(&it["reason"]["kind"]).as_str() {
        "fail-fast" | "cancelled" => true,
        "concurrency" => !text(&it["reason"]["message"]).contains("deadlock"),
        _ => false,
    };
    let skipped = ran.of_type("job-skipped");
    let mut stated: Vec<Json> = skipped.iter().filter(|it| in_time(it)).cloned().collect();
    let began = ran.of_type("job-finished");
    stated.extend(began.iter().filter(|it| it["result"] != "success" && !calling.contains(&text(&it["job"]))).cloned());
    let mut args: Vec<String> =
        ["why", "w.yml", "--json", "--event", "push", "--ref", "main"].map(str::to_owned).into();
    args.extend(VARS.iter().flat_map(|it| ["--var".to_owned(), (*it).to_owned()]));
    args.extend(
        stated.iter().flat_map(|it| ["--force".to_owned(), format!("{}={}", text(&it["job"]), text(&it["result"]))]),
    );
    let why = repo.wfrun(&args.iter().map(String::as_str).collect::<Vec<_>>());
    if why.code != 0 {
        return Some(why.stderr);
    }
    let why: Json = serde_json::from_str(&why.stdout).expect("one object");
    let mut wrong = String::new();
    for job in why["jobs"].as_array().into_iter().flatten().filter(|it| it["depends_on"] == json!([])) {
        let hindered = |key: &Json| job["hindered"].as_array()?.iter().find(|it| it["key"] == *key).cloned();
        let legs = job["legs"].as_array().filter(|it| !it.is_empty()).cloned().unwrap_or(vec![job["key"].clone()]);
        for leg in legs.iter().filter(|leg| !stated.iter().any(|it| it["job"] == **leg)) {
            let verdict = hindered(leg).map_or_else(|| text(&job["verdict"]), |it| text(&it["verdict"]));
            let skip = skipped.iter().find(|it| it["job"] == *leg);
            let result = skip.map_or("runs", |it| if it["result"] == "failure" { "fails" } else { "skipped" });
            if verdict != result && verdict != "depends" {
                write!(wrong, "{leg}: `why` says {verdict}, the run {result}; {args:?} {skip:?}\n{job}\n")
                    .expect("a text takes all");
            }
        }
    }
    (!wrong.is_empty()).then_some(wrong)
}

/// Runs and plays a workflow: the results of its jobs, and what differs.
fn compare(seed: u64) -> (Vec<String>, String) {
    let mut dice = Dice(seed * 7919 + 4, usize::try_from(seed).expect("it is small") * 7);
    let called_jobs = jobs(&mut dice, "q", false);
    let main_jobs = jobs(&mut dice, "j", true);
    let mut called = json!({"on": {"workflow_call": {"inputs": {"s": {"type": "string"}}, "outputs": {"o": {"value": "${{ jobs.q0.outputs.o }}"}}}}});
    let mut main = json!({"on": "push"});
    if dice.chance(60) {
        main["concurrency"] = "the-group-of-${{ github.event_name }}".into();
    }
    if dice.chance(60) {
        called["concurrency"] = "the-group-of-${{ inputs.s }}".into();
    }
    (called["jobs"], main["jobs"]) = (called_jobs.clone(), main_jobs.clone());
    let (main, called) = (main.to_string(), called.to_string());
    let repo = Repo::new(&main, &[(CALLED, &called)]);
    let mut args =
        vec!["run", "w.yml", "--backend", "host", "--json", "--event", "push", "--ref", "main", "--env", "E=y"];
    args.extend(VARS.iter().flat_map(|it| ["--var", *it]));
    let ran = repo.wfrun(&args);
    let results = ran.results();
    let (mut force, mut outputs) = (Map::new(), Map::new());
    said("", &main_jobs, &called_jobs, &mut force, &mut outputs);
    let steps: Map<String, Json> = ["step-finished", "step-skipped"]
        .iter()
        .flat_map(|kind| ran.of_type(kind))
        .filter(|it| it["phase"] == "main")
        .map(|it| {
            let name =
                format!("{}.{}", it["job"].as_str().unwrap_or_default(), it["step"].as_str().unwrap_or_default());
            (name, it.get("outcome").cloned().unwrap_or_else(|| "skipped".into()))
        })
        .collect();
    let vars: Map<String, Json> =
        VARS.iter().filter_map(|it| it.split_once('=')).map(|(name, it)| (name.to_owned(), it.into())).collect();
    let case = json!({
        "event": "push", "ref": "main", "vars": vars, "env": {"E": "y"}, "force": force, "outputs": outputs,
        "expect": {"jobs": results, "steps": steps},
    });
    repo.write("w.wftest.yml", &json!({"workflow": ".github/workflows/w.yml", "cases": [case]}).to_string());
    let played = repo.wfrun(&["test"]);
    let mut failure = String::new();
    if played.code != 0 || results.as_object().is_none_or(Map::is_empty) {
        write!(failure, "seed {seed}: {}{}\n{main}\n{called}\n{}\n\n", played.stdout, played.stderr, ran.stderr)
            .expect("a text takes all");
    }
    failure.push_str(
        &unlike(&repo, &ran).map(|it| format!("seed {seed}: {it}\n{main}\n{called}\n\n")).unwrap_or_default(),
    );
    let words = results.as_object().into_iter().flatten().filter_map(|(_, it)| it.as_str().map(str::to_owned));
    (words.collect(), failure)
}
