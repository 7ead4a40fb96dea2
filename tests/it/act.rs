//! act's habits: its command lines, `.actrc`, and the files that it reads by default.
use std::fs;

use insta::assert_snapshot;

use crate::repo::{Ran, Repo};

const WORKFLOW: &str = r#"
on: [push, workflow_dispatch, pull_request]
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - run: |
          echo "secret=${{ secrets.TOKEN }} length=${#TOKEN} var=${{ vars.PLACE }} env=$FROM act=${ACT-unset}"
          echo "event=$GITHUB_EVENT_NAME actor=$GITHUB_ACTOR repository=$GITHUB_REPOSITORY branch=${{ github.event.repository.default_branch }}"
        env:
          TOKEN: ${{ secrets.TOKEN }}
      - if: ${{ !env.ACT }}
        run: echo not with act
"#;

fn repo(files: &[(&str, &str)]) -> Repo {
    Repo::new(WORKFLOW, files)
}

/// Runs on this machine itself, which costs least.
fn run(repo: &Repo, words: &[&str]) -> Ran {
    let mut command = repo.command(words);
    command.args(["--backend", "host", "--json"]);
    Ran::of(&command.output().expect("wfrun starts"))
}

fn notices(ran: &Ran) -> Vec<String> {
    let all = ran.of_type("notice").into_iter();
    all.filter_map(|it| Some(it["message"].as_str()?.to_owned())).filter(|it| !it.contains("not in this run")).collect()
}

/// What stood in the second line of the first step.
fn values(ran: &Ran) -> String {
    ran.lines().into_iter().find(|it| it.starts_with("secret=")).unwrap_or_default()
}

#[test]
fn default_files_are_read_masked_and_said() {
    let files = [(".secrets", "token=hunter22\n"), (".vars", "PLACE=here\n"), (".env", "FROM='a file'\n")];
    let repo = repo(&files);
    let ran = run(&repo, &["w.yml"]).ends_with(0);
    assert_eq!(values(&ran), "secret=*** length=8 var=here env=a file act=unset");
    assert!(!ran.stdout.contains("hunter22"), "{}", ran.stdout);
    let said = "read, as act does: `.secrets`, `.vars`, `.env`; `--no-act-files` leaves them out; \
                steps on GitHub do not get what is in `.env`";
    assert_eq!(notices(&ran)[0], said);
    let ran = run(&repo, &["w.yml", "--no-act-files"]).ends_with(0);
    assert_eq!(values(&ran), "secret= length=0 var= env= act=unset");
    assert_eq!(notices(&ran), [] as [&str; 0]);
    // In a folder below the root they are found, too, and `-C` names another place.
    fs::create_dir_all(repo.root().join("below")).expect("a folder");
    let mut command = repo.command(&["w.yml", "--backend", "host", "--json"]);
    let ran = Ran::of(&command.current_dir(repo.root().join("below")).output().expect("it starts")).ends_with(0);
    assert_eq!(values(&ran), "secret=*** length=8 var=here env=a file act=unset");
    repo.write("below/.env", "FROM=below\n");
    let ran = run(&repo, &["w.yml", "-C", "below"]).ends_with(0);
    assert_eq!(values(&ran), "secret= length=0 var= env=below act=unset");
}

/// The command line wins over a file that is named, and that takes the place of the default file.
#[test]
fn precedence() {
    let files = [
        (".secrets", "TOKEN=secret7\n"),
        (".vars", "PLACE=default\n"),
        (".env", "FROM=default\n"),
        ("s.yml", "TOKEN: named6\n"),
        ("v", "PLACE=named\n"),
        ("e", "FROM=named\n"),
        ("empty", ""),
    ];
    let repo = repo(&files);
    let named = ["--secret-file", "s.yml", "--var-file", "v", "--env-file", "e"];
    let empty = ["--secret-file", "empty", "--var-file", "empty", "--env-file", "empty"];
    let typed = ["-s", "TOKEN=five5", "--var", "PLACE=typed", "--env", "FROM=typed"];
    let table: [(&[&str], &[&str], &str); 5] = [
        (&[], &[], "secret=*** length=7 var=default env=default"),
        (&named, &[], "secret=*** length=6 var=named env=named"),
        (&empty, &[], "secret= length=0 var= env="),
        (&typed, &[], "secret=*** length=5 var=typed env=typed"),
        (&named, &typed, "secret=*** length=5 var=typed env=typed"),
    ];
    for (first, second, expected) in table {
        for words in [[first, second].concat(), [second, first].concat()] {
            let words: Vec<&str> = ["w.yml"].into_iter().chain(words).collect();
            let ran = run(&repo, &words).ends_with(0);
            assert_eq!(values(&ran), format!("{expected} act=unset"), "{words:?}");
        }
    }
    // A file that `.actrc` names is named, and the command line wins over it.
    repo.write(".actrc", "--var-file v\n--env FROM=rc\n--secret-file s.yml\n");
    let ran = run(&repo, &["w.yml"]).ends_with(0);
    assert_eq!(values(&ran), "secret=*** length=6 var=named env=rc act=unset");
    let ran = run(&repo, &["w.yml", "--var-file", "empty", "--env", "FROM=typed"]).ends_with(0);
    assert_eq!(values(&ran), "secret=*** length=6 var= env=typed act=unset");
    let ran = run(&repo, &["w.yml", "--no-act-files"]).ends_with(0);
    assert_eq!(values(&ran), "secret= length=0 var= env= act=unset");
}

#[test]
fn actrc_is_read_in_acts_order() {
    let repo = repo(&[]);
    let write = |folder: &str, name: &str, text: &str| {
        fs::create_dir_all(repo.beside(folder)).expect("a folder");
        fs::write(repo.beside(folder).join(name), text).expect("a file");
    };
    let values = |words: &[&str]| {
        let ran = run(&repo, &[&["w.yml"], words].concat()).ends_with(0);
        let line = ran.lines().into_iter().find(|it| it.starts_with("event=")).unwrap_or_default();
        (line.split(' ').nth(1).unwrap_or_default().to_owned(), ran.lines()[0].clone(), notices(&ran))
    };
    write("config/act", "actrc", "--actor config\n--env FROM=config\n--var PLACE=config\n");
    assert_eq!(values(&[]).0, "actor=config");
    write("home", ".actrc", "# mine\n-a home\n--env FROM=home\n--bind\n--reuse\n");
    assert_eq!(values(&[]).0, "actor=home");
    repo.write(".actrc", "--actor=repository\n");
    let (actor, all, said) = values(&[]);
    assert_eq!(actor, "actor=repository");
    assert!(all.ends_with("var=config env=home act=unset"), "{all}");
    let home = repo.beside("home/.actrc");
    let idle = format!("`--bind`, `--reuse` of {}: no effect; `wfrun doctor --from-act` says why", home.display());
    assert_eq!(said.iter().filter(|it| **it == idle).count(), 1, "{said:?}");
    assert_eq!(values(&["--actor", "typed"]).0, "actor=typed");
    assert_ne!(values(&["--no-act-files"]).0, "actor=repository");
    // The last one holds, also where it is act's own default.
    repo.write(".actrc", "-a nektos/act\n--concurrent-jobs 0\n");
    assert_eq!(values(&[]).0, "actor=nektos/act");
    // Switches can stand together; the workflow that is typed wins, and then that of a file is not read.
    repo.write(".actrc", "-W .github/workflows/w.yml\n-bn\n");
    repo.write(".github/workflows/other.yml", "on: push\njobs: {o: {runs-on: x, steps: [run: 'true']}}\n");
    let ran = repo.wfrun(&["other.yml"]).ends_with(0);
    assert!(ran.stdout.contains("other.yml: push") && ran.stdout.contains("stage 1"), "{}", ran.stdout);
    assert!(ran.stderr.contains("read, as act does: `--env`, `--var`, `--actor`, `--dryrun` of "), "{}", ran.stderr);
    // Files are those of the repository, wherever one stands.
    write("config/act", "actrc", "");
    repo.write(".actrc", "--env-file mine\n-W .github/workflows/w.yml\n");
    repo.write("mine", "FROM=mine\n");
    fs::create_dir_all(repo.root().join("below")).expect("a folder");
    let mut command = repo.command(&["push", "--backend", "host", "--json"]);
    command.current_dir(repo.root().join("below")).env("HOME", repo.root());
    let ran = Ran::of(&command.output().expect("it starts")).ends_with(0);
    assert!(ran.lines()[0].contains("env=mine"), "{:?}", ran.lines());
}

#[test]
fn a_command_line_of_act() {
    let repo = repo(&[
        ("event.json", r#"{"repository": {"default_branch": "trunk"}}"#),
        (".github/workflows/other.yml", "on: push\njobs: {}\n"),
    ]);
    let words =
        ["push", "-j", "test", "-W", ".github/workflows/w.yml", "-P", "ubuntu-latest=image", "-e", "event.json"];
    let ran = run(&repo, &words).ends_with(0);
    let line = ran.lines().into_iter().find(|it| it.starts_with("event=")).unwrap_or_default();
    assert!(line.starts_with("event=push ") && line.ends_with(" branch=trunk"), "{line}");
    assert_eq!(notices(&ran)[0], "`-e event.json` is taken as `--event-path event.json`, as act has it");
    // The first by the alphabet; and the repository of another remote.
    repo.git(&["remote", "add", "upstream", "https://github.com/some/where.git"]);
    let words = ["-W", ".github/workflows/w.yml", "--detect-event", "--remote-name", "upstream"];
    let ran = repo.wfrun(&[&["plan"], &words[..]].concat()).ends_with(0);
    assert!(ran.stdout.contains("pull_request"), "{}", ran.stdout);
    let ran = run(&repo, &["w.yml", "--remote-name", "upstream", "-brp=false"]).ends_with(0);
    assert!(ran.lines().iter().any(|it| it.contains(" repository=some/where ")), "{:?}", ran.lines());
    assert_eq!(notices(&ran).iter().filter(|it| it.contains("` has no effect: ")).count(), 3, "{:?}", notices(&ran));
    // Each by its own command.
    assert!(repo.wfrun(&["-l"]).ends_with(0).stdout.contains("other.yml"));
    assert!(repo.wfrun(&["push", "-n", "-W", ".github/workflows/w.yml"]).ends_with(0).stdout.contains("test"));
    assert_eq!(repo.wfrun(&["-g", "w.yml"]).ends_with(0).stdout, repo.wfrun(&["graph", "w.yml"]).stdout);
    assert!(repo.wfrun(&["--validate"]).stderr.contains("checked 2 workflows"));
}

/// What act would take for all workflows is offered as command lines, and they are good.
#[test]
fn an_event_in_the_place_of_the_workflow() {
    let repo = repo(&[(".github/workflows/other.yml", "on: push\njobs: {}\n")]);
    let said = |words: &[&str]| format!("{}exit code {}", repo.wfrun(words).stderr, repo.wfrun(words).code);
    assert_snapshot!(said(&["push"]), @r"
    error[workflow/not-found]: `push` is an event, and wfrun runs one workflow at a time
     |
     = help: name it: `wfrun other.yml --event push`, `wfrun w.yml --event push`
    exit code 2
    ");
    assert_snapshot!(said(&["push", "-j", "test", "-s", "TOKEN=abc", "-P", "ubuntu-latest=image"]), @r"
    error[workflow/not-found]: `push` is an event, and wfrun runs one workflow at a time
     |
     = help: name it: `wfrun w.yml --event push -j test -s 'TOKEN=…' -P ubuntu-latest=image`
    exit code 2
    ");
    assert_snapshot!(said(&["release"]), @r"
    error[workflow/not-found]: `release` is an event, and wfrun runs one workflow at a time
     |
     = help: no workflow here listens to it; `wfrun list` shows what each listens to
    exit code 2
    ");
    assert_snapshot!(said(&["-j", "test"]), @r"
    error[workflow/not-found]: no workflow is named, and wfrun runs one at a time
     |
     = help: name it: `wfrun w.yml -j test`
    exit code 2
    ");
    assert_snapshot!(said(&["plan", "-j", "test"]), @r"
    error[workflow/not-found]: no workflow is named, and wfrun runs one at a time
     |
     = help: name it: `wfrun plan w.yml -j test`
    exit code 2
    ");
    assert_snapshot!(said(&["push", "-W", ".github/workflows"]), @r"
    error[cli/act]: the folder of `-W .github/workflows` holds 2 workflows
     |
     = help: wfrun runs one at a time: `wfrun push -W .github/workflows/other.yml`,
             `wfrun push -W .github/workflows/w.yml`
    exit code 2
    ");
    assert_snapshot!(said(&["ci.yml", "-W", ".github/workflows/w.yml"]), @r"
    error[cli/act]: `-W .github/workflows/w.yml` names the workflow, so `ci.yml` would be the event, and GitHub has none so called
     |
     = help: name one workflow, by itself or with `-W`
    exit code 2
    ");
    assert_snapshot!(said(&["w.yml", "--watch"]), @r"
    error[cli/act]: wfrun does not do what act's `--watch` asks for
     |
     = help: `wfrun test --watch` runs the unit tests of workflows again whenever a file is changed
    exit code 2
    ");
    repo.write(".actrc", "--github-instance ghe.example.com\n");
    assert_snapshot!(said(&["w.yml"]), @r"
    error[cli/act]: .actrc:1: wfrun does not do what act's `--github-instance ghe.example.com` asks for
     |
     = help: the repositories of another server are had by `--mirror https://SERVER`, and
             `--repository OWNER/NAME` says which one this is
    exit code 2
    ");
    repo.write(".actrc", "-P\n");
    assert_snapshot!(said(&["w.yml"]), @r"
    error[cli/act]: .actrc:1: `--platform` has no value
     |
     = help: write `--flag value`, one a line
    exit code 2
    ");
    // `why` takes a job in the place of the workflow, also one that is called like an event.
    repo.write(".github/workflows/rel.yml", "on: push\njobs: {release: {runs-on: x, steps: [run: 'true']}}\n");
    let ran = repo.wfrun(&["why", "release", "--no-act-files"]).ends_with(0);
    assert!(ran.stdout.contains("rel.yml: push of refs/heads/main triggers it"), "{}", ran.stdout);
    fs::remove_file(repo.root().join(".github/workflows/rel.yml")).expect("it is there");
    // A workflow that is called like an event is one.
    fs::remove_file(repo.root().join(".actrc")).expect("it is there");
    repo.write(".github/workflows/push.yml", "on: push\njobs: {}\n");
    repo.wfrun(&["plan", "push"]).ends_with(2);
    assert!(!repo.wfrun(&["plan", "push"]).stderr.contains("is an event"));
}

#[test]
fn a_token_that_is_given_has_no_effect() {
    let repo = repo(&[(".secrets", "github_token=hunter22\n")]);
    let ran = run(&repo, &["w.yml"]).ends_with(0);
    assert!(
        notices(&ran).iter().any(|it| it.starts_with("the secret `GITHUB_TOKEN` has no effect: ")),
        "{:?}",
        notices(&ran)
    );
}

#[test]
fn conditions_on_act() {
    let repo = repo(&[]);
    let ran = run(&repo, &["w.yml"]).ends_with(0);
    assert_eq!(ran.lines().last().map(String::as_str), Some("not with act"));
    let ran = run(&repo, &["w.yml", "--act-compat"]).ends_with(0);
    assert!(values(&ran).ends_with(" act=true"), "{:?}", ran.lines());
    assert!(!ran.lines().contains(&"not with act".to_owned()), "{:?}", ran.lines());
    assert_eq!(notices(&ran), ["`ACT` is set, which GitHub does not do: conditions on it are decided as by act"]);
}

#[test]
fn broken_lines_of_a_default_file_are_warnings() {
    let repo = repo(&[(".secrets", "TOKEN=abc\nnonsense abc\n"), ("named", "nonsense\n")]);
    let ran = run(&repo, &["w.yml"]).ends_with(0);
    assert_snapshot!(ran.stderr, @r"
    warning[file/broken-line]: .secrets:2:1: the line cannot be read: expected NAME=VALUE
     |
     = help: the other lines are read; `--no-act-files` leaves the file out
    ");
    assert!(values(&ran).starts_with("secret=*** length=3 "), "{:?}", ran.lines());
    run(&repo, &["w.yml", "--secret-file", "named"]).ends_with(2);
}

#[test]
fn inputs_of_all_workflows_in_one_file() {
    let workflow = "on: {workflow_dispatch: {inputs: {level: {type: number}}}}\njobs:\n  j:\n    runs-on: x\n    \
                    if: inputs.level == 3\n    steps: [run: 'true']\n";
    let repo = Repo::new(workflow, &[(".input", "LEVEL=3\nother=1\n"), ("bad", "nonsense\n")]);
    let ran = repo.wfrun(&["why", "w.yml", "--json"]).ends_with(0);
    assert!(ran.stderr.contains("`other` of .input: no inputs of this workflow"), "{}", ran.stderr);
    let told: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(told["jobs"][0]["verdict"], "runs", "{told:#}");
    let ran = repo.wfrun(&["eval", "inputs.other", "--event", "workflow_dispatch"]).ends_with(0);
    assert_eq!(ran.stdout.trim(), "\"1\"", "{}", ran.stderr);
    let ran = repo.wfrun(&["plan", "w.yml", "--input", "level=x"]).ends_with(2);
    assert!(ran.stderr.contains("input/not-a-number"), "{}", ran.stderr);
    let ran = repo.wfrun(&["plan", "w.yml", "--input-file", "bad"]).ends_with(2);
    assert!(ran.stderr.contains("file/broken-line") && ran.stderr.contains("bad:1:1"), "{}", ran.stderr);
}

#[test]
fn what_changes_for_a_repository() {
    let rc = "-P ubuntu-latest=catthehacker/ubuntu:act-latest\n-P macos-latest=-self-hosted\n# words\n\
              --container-architecture linux/riscv64\n--artifact-server-path /tmp/artifacts\n--env REGION=eu\n\
              -s TOKEN=hunter22\n--pull=true\n--bind\n--nonsense\n--eventpath event.json\n--env A\n-n\n";
    let workflow = "on:\n  push:\n    branches: [main]\njobs:\n  test:\n    runs-on: ubuntu-latest\n    timeout-minutes: 5\n    \
                    steps:\n      - if: ${{ !env.ACT }}\n        run: test -z \"$ACT\" || echo $ACTIVE\n  mac:\n    \
                    runs-on: macos-latest\n    if: github.actor != 'nektos/act'\n    steps: [run: 'true']\n";
    let repo = Repo::new(
        workflow,
        &[
            (".actrc", rc),
            (
                ".secrets",
                "TOKEN=hunter23\nAWS_ACCESS_KEY_ID=hunter26\nGITHUB_TOKEN=hunter25\nnonsense hunter24\nURL=https://$HOST/\n",
            ),
            (".env", "DEBUG=1\nGITHUB_REF=refs/heads/x\n"),
            ("event.json", r#"{"act": true, "ref": "refs/tags/v1"}"#),
        ],
    );
    let ran = repo.wfrun(&["doctor", "--from-act"]).ends_with(0);
    let root = repo.root().canonicalize().expect("a folder");
    let text =
        ran.stdout.replace(&root.display().to_string(), "ROOT").replace(&repo.root().display().to_string(), "ROOT");
    assert_snapshot!(text, @r###"
    from act to wfrun: ROOT

    .actrc
      !   1 -P ubuntu-latest=catthehacker/ubuntu:act-latest
            `--platform`: jobs for `ubuntu-latest` run in this image on the docker backend, if the
            engine has it; without it, all jobs run in a sandbox. It is not GitHub's image, so tools and
            versions differ from GitHub's
            → `docker pull catthehacker/ubuntu:act-latest` once, or leave the line out
      ·   2 -P macos-latest=-self-hosted
            without effect: jobs for `macos-latest` run as all others do, not on this machine itself
            → `--backend host` runs all jobs on this machine itself
      ·   3 # words
            without effect: it does not begin with a dash; with act neither
      ✗   4 --container-architecture linux/riscv64
            refused: wfrun does not do it, and no workflow is run as long as the line is there
            → leave it out: jobs run on this machine's own architecture, and one for another kind of
              machine makes the run incomplete
      ·   5 --artifact-server-path /tmp/artifacts
            without effect: artifacts are always served to jobs on this machine, and kept in
            `.wfrun/runs/RUN/artifacts`
      ✓   6 --env REGION=eu
            `--env`
      ✓   7 -s TOKEN=***
            `--secret`
      ✓   8 --pull=true
            what it asks for is so anyway
      ·   9 --bind
            without effect: a job never writes into your folder; `--dirty` gives it your uncommitted
            changes, `--keep-workspace` keeps what it changes
      ·  10 --nonsense
            without effect: act 0.2.89 has no such flag, and ends with an error
      !  11 --eventpath event.json
            `--event-path`: merged over the payload that wfrun makes up; `-e` is `--event`, unless a
            `.json` file stands behind it
      ✗  12 --env A
            refused: there is no value
            → write `--env A=`, with a value behind it if there is one
      ✓  13 -n
            each `wfrun run` would be `wfrun plan`, as with act: the jobs as they would run; executes
            nothing

    .secrets
      ✓     `TOKEN`, `AWS_ACCESS_KEY_ID`, `GITHUB_TOKEN`, `URL`
            secrets by default, masked wherever they are shown
      ·     `GITHUB_TOKEN`
            without effect: a job's own token is always used for `GITHUB_TOKEN`, and it opens nothing
            outside of this machine
      !     `AWS_ACCESS_KEY_ID`
            real AWS keys stay here: steps get keys of an AWS account on this machine in their place,
            where act lets them work on the real one
            → docs/account-file.md says what is in that account
      !     .secrets
            git has the file: whoever has the repository has the secrets
            → `git rm --cached .secrets`, name it in `.gitignore`, and change the secrets
      !   4 a line
            the line cannot be read: expected NAME=VALUE; it is left out, and act ends with an error
            → write NAME=VALUE, one a line
      !   5 $HOST
            no such name stands before, so it stays as it is written; act puts a variable of this
            machine in its place, or nothing
            → quote the value with single quotes, or write it out

    .env
      !     `DEBUG`, `GITHUB_REF`
            every step gets it, as with act; on GitHub no step does, so one that needs it fails there
            → what steps need is `env` in the workflow; `--no-act-files` shows how a run fares without
      !     `GITHUB_REF`
            act changes the run by these; here, as on GitHub, a job's own values hold
            → `--ref`, `--sha`, `--repository` and `--actor` change the run

    event.json
      !     a payload with `act`, `ref`
            `--event-path event.json` takes it; `github.event.act` is then there for conditions, and on
            GitHub it never is: they are decided otherwise there
            → leave `act` out to see what GitHub would do

    .github/workflows/w.yml
      !   2 `branches` of `push`
            act takes every event for one that passes; here, as on GitHub, one that does not pass
            triggers nothing, with exit code 4
            → `wfrun why` says what passes; `--ref`, `--base` and `--changed` say what happened
      !   7 `timeout-minutes` of `test`
            act ignores it; here it holds, as on GitHub
      !   9 - if: ${{ !env.ACT }}
            `env.ACT` is not set, so the condition is decided as on GitHub
            → `--act-compat` sets it, to have it decided as with act
      !  10 run: test -z "$ACT" || echo $ACTIVE
            `ACT` is not set, as on GitHub
            → `--act-compat` sets it
      !  11 `runs-on: macos-latest` of `mac`
            act leaves the job out and ends with 0; here the run is incomplete, with exit code 5
            → `--job` chooses those that can run here
      !  13 if: github.actor != 'nektos/act'
            the actor is you, so the condition is decided as on GitHub
            → `--actor nektos/act`, to have it decided as with act

    ✗ 28 things: 5 the same, 15 different, 6 without effect, 2 refused; docs/from-act.md says more
    "###);
    let ran = repo.wfrun(&["doctor", "--from-act", "--json"]).ends_with(0);
    assert!(!ran.stdout.contains("hunter"), "{}", ran.stdout);
    let told: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let count = |bearing: &str| {
        let all = told["findings"].as_array().expect("findings");
        all.iter().filter(|it| it["bearing"] == bearing).count()
    };
    for bearing in ["same", "different", "no-effect", "refused"] {
        assert!(count(bearing) > 0, "{bearing}");
        assert_eq!(told["counts"][bearing], count(bearing), "{bearing}");
    }
    let repo = Repo::new("on: push\njobs: {}\n", &[]);
    let ran = repo.wfrun(&["doctor", "--from-act"]).ends_with(0);
    assert!(ran.stdout.contains("nothing here is act's"), "{}", ran.stdout);
}

/// A secret without a value is asked for on the terminal, and what is typed is not shown.
#[test]
fn a_secret_is_asked_for_on_a_terminal() {
    use std::fs::File;
    use std::io::{Read as _, Write as _};

    use nix::sys::termios::{LocalFlags, tcgetattr};

    let repo = repo(&[]);
    let nix::pty::OpenptyResult { master, slave } = nix::pty::openpty(None, None).expect("a terminal");
    let mut command = repo.command(&["w.yml", "--backend", "host", "--json", "--secret", "token"]);
    command.stdin(slave.try_clone().expect("a copy")).stderr(slave).stdout(std::process::Stdio::piped());
    let child = command.spawn().expect("wfrun starts");
    drop(command);
    let mut terminal = File::from(master);
    let mut shown = String::new();
    let mut bytes = [0; 512];
    while !shown.contains("value of the secret `token`: ") {
        let read = terminal.read(&mut bytes).expect("a question");
        shown.push_str(&String::from_utf8_lossy(&bytes[..read]));
    }
    // What is typed before the terminal is silent is thrown away.
    let echoes = || tcgetattr(&terminal).expect("its settings").local_flags.contains(LocalFlags::ECHO);
    for _ in 0..600 {
        if !echoes() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(!echoes(), "the terminal shows what is typed");
    (&terminal).write_all(b"hunter22\n").expect("an answer");
    let ran = Ran::of(&child.wait_with_output().expect("it ends")).ends_with(0);
    assert!(values(&ran).starts_with("secret=*** length=8 "), "{:?}", ran.lines());
    // Once nobody has the other end, reading is an error.
    while let Ok(read @ 1..) = terminal.read(&mut bytes) {
        shown.push_str(&String::from_utf8_lossy(&bytes[..read]));
    }
    assert!(!shown.contains("hunter22"), "{shown}");
}
