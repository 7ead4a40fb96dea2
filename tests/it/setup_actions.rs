//! Set-up actions in whole runs: tools that work in later steps, caches from run to run.
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use regex::Regex;

use crate::actions::{can_run_node, real_actions};
use crate::repo::{Ran, Repo, can_sandbox};

/// Tools in the tool cache that know where their caches are, and a project for each.
const TOOLS: &str = r#"
tool() { mkdir -p "$(dirname "$1")"; printf '#!/bin/sh\n%s\n' "$2" > "$1"; chmod 755 "$1"; }
cd "$RUNNER_TOOL_CACHE"
mkdir -p node/20.2.0/x64/bin; ln -s "$(readlink -f "$(command -v node)")" node/20.2.0/x64/bin/node; touch node/20.2.0/x64.complete
tool node/20.2.0/x64/bin/npm 'if [ "$1" = config ]; then echo $HOME/.npm; else echo 9.6.6; fi'
tool go/1.21.1/x64/bin/go 'case "$*" in version) echo "go version go1.21.1 linux/amd64";; "env GOPATH") echo $HOME/go;; "env GOMODCACHE") echo $HOME/go/pkg/mod;; "env GOCACHE") echo $HOME/.cache/go-build;; env) echo GOARCH=amd64;; esac'
touch go/1.21.1/x64.complete
tool Java_Temurin-Hotspot_jdk/17.0.9-9/x64/bin/java ''; touch Java_Temurin-Hotspot_jdk/17.0.9-9/x64.complete
tool Python/3.9.1/x64/bin/python ''; tool Python/3.9.1/x64/bin/pip 'echo $HOME/.cache/pip'; touch Python/3.9.1/x64.complete
tool node/20.2.0/x64/bin/yarn 'case "$*" in --version) echo 1.22.19;; "cache dir") echo $HOME/.cache/yarn;; "config get enableGlobalCache") echo undefined;; esac'
tool node/20.2.0/x64/bin/pnpm 'echo $HOME/.pnpm-store'
tool Python/3.9.1/x64/bin/poetry 'if [ "$1" = config ]; then echo "cache-dir = \"$HOME/.cache/pypoetry\""; echo "virtualenvs.in-project = null"; echo "virtualenvs.path = \"{cache-dir}/virtualenvs\"  # here"; fi'
cd "$GITHUB_WORKSPACE"
echo '{}' > package-lock.json; echo x > go.sum; echo 'go 1.21' > go.mod; echo '<project/>' > pom.xml; echo 'x==1' > requirements.txt
mkdir -p .mvn/wrapper gradle/wrapper project below
echo x > .mvn/wrapper/maven-wrapper.properties; echo x > gradle/wrapper/gradle-wrapper.properties; echo x > build.gradle
echo x > build.sbt; echo x > project/build.properties; echo x > Pipfile.lock; echo x > below/poetry.lock
echo x > yarn.lock; echo x > below/yarn.lock; echo x > pnpm-lock.yaml
"#;

/// Actions with their inputs.
type Steps = &'static [(&'static str, &'static str)];

/// Each action with its inputs, at the versions `$node`, `$go` and so on.
const STEPS: Steps = &[
    ("actions/setup-node@$node", "{node-version: 20, cache: npm}"),
    ("actions/setup-go@$go", "{go-version: '1.21', cache: true}"),
    ("actions/setup-java@$java", "{java-version: 17, distribution: temurin, cache: maven}"),
    ("actions/setup-python@$python", "{python-version: '3.9', cache: pip}"),
];

/// Other caches of the same actions.
const OTHERS: Steps = &[
    ("actions/setup-node@$node", "{node-version: 20, cache: yarn}"),
    ("actions/setup-node@$node", "{cache: yarn, cache-dependency-path: '**/yarn.lock'}"),
    ("actions/setup-node@$node", "{cache: pnpm}"),
    ("actions/setup-java@$java", "{java-version: 17, distribution: temurin, cache: gradle}"),
    ("actions/setup-java@$java", "{java-version: 17, distribution: temurin, cache: sbt}"),
    ("actions/setup-python@$python", "{python-version: '3.9', cache: pipenv}"),
    ("actions/setup-python@$python", "{python-version: '3.9', cache: poetry}"),
];

/// Shows what was restored, and leaves something to be saved.
const USE: &str =
    "for folder in .npm go/pkg/mod .cache/go-build .m2/repository .m2/wrapper/dists .cache/pip .cache/yarn \
.pnpm-store .gradle/caches .gradle/wrapper .ivy2/cache .sbt .cache/coursier .local/share/virtualenvs \
.cache/pypoetry/virtualenvs; do
cat ~/$folder/kept 2>/dev/null || true; mkdir -p ~/$folder; echo $folder > ~/$folder/kept; done
";

fn workflow(steps_of: Steps, versions: &[(&str, &str)]) -> String {
    let indented = |text: &str| text.trim().lines().fold(String::new(), |all, it| all + "          " + it + "\n");
    let mut steps = format!("      - run: |\n{}", indented(TOOLS));
    for (uses, with) in steps_of {
        let uses = versions.iter().fold((*uses).to_owned(), |it, (name, version)| it.replace(name, version));
        writeln!(steps, "      - {{uses: '{uses}', with: {with}}}").expect("a String takes any text");
    }
    format!("on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps:\n{steps}      - run: |\n{}", indented(USE))
}

/// What each step said and how it ended, with what differs from run to run made equal.
fn told(ran: &Ran) -> BTreeMap<String, Vec<String>> {
    let same = [(r"\b[0-9a-f]{64}\b", "DIGEST"), (r"##\[add-matcher\].*", "matcher"), (r"127\.0\.0\.1:\d+", "ORIGIN")];
    let same = same.map(|(pattern, text)| (Regex::new(pattern).expect("a pattern"), text));
    // How an archive is made and sent differs, and Node warns of itself.
    let left_out = Regex::new(r"/tar |^Sent |^Received |^Cache Size|^\(node:|^\(Use `node|^$").expect("a pattern");
    let mut steps: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for event in ran.events() {
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let line = match event["type"].as_str().unwrap_or_default() {
            "line" if left_out.is_match(&text("text")) => continue,
            "line" => text("text"),
            "annotation" => format!("{}: {}", text("level"), text("message")),
            "step-finished" => format!("~{} {}", text("conclusion"), event["outputs"]),
            _ => continue,
        };
        let line = same.iter().fold(line, |it, (from, to)| from.replace_all(&it, *to).into_owned());
        steps.entry(text("step")).or_default().push(line);
    }
    // Real actions ask several programs at once.
    for lines in steps.values_mut() {
        lines.sort();
    }
    steps
}

fn mirror() -> Option<PathBuf> {
    let mirror = real_actions("actions/setup-node and others")?;
    for (uses, _) in STEPS {
        let name = uses.split('@').next().unwrap_or_default();
        if !mirror.join(name).exists() && !mirror.join(format!("{name}.git")).exists() {
            println!("skipped: {} has no {name}", mirror.display());
            return None;
        }
    }
    Some(mirror)
}

#[track_caller]
fn check_against_real(steps: Steps, versions: &[(&str, &str)]) {
    let Some(mirror) = mirror() else { return };
    if !can_sandbox() || !can_run_node() {
        return;
    }
    let workflow = workflow(steps, versions);
    let mirror = mirror.to_string_lossy();
    let runs = |arguments: &[&str]| {
        let repo = Repo::new(&workflow, &[]);
        [(); 2].map(|()| told(&repo.sandbox(arguments).ends_with(0)))
    };
    let (ours, theirs) = (runs(&["--actions", "builtin"]), runs(&["--actions", "real", "--mirror", &mirror]));
    let mut differences = String::new();
    for (run, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        for (step, lines) in theirs.iter().filter(|(step, lines)| ours.get(*step) != Some(*lines)) {
            let none = Vec::new();
            let ours = ours.get(step).unwrap_or(&none);
            let only = |these: &[String], others: &[String]| {
                these.iter().filter(|it| !others.contains(it)).cloned().collect::<Vec<_>>()
            };
            writeln!(
                differences,
                "run {run}, step {step}\n  stand-in {:#?}\n  real     {:#?}",
                only(ours, lines),
                only(lines, ours)
            )
            .expect("a String takes any text");
        }
    }
    assert!(differences.is_empty(), "{differences}");
    println!("{} and {} steps do the same", theirs[0].len(), theirs[1].len());
}

#[test]
fn stand_ins_cache_as_the_real_ones_before_the_newest_do() {
    check_against_real(STEPS, &[("$node", "v4"), ("$go", "v5"), ("$java", "v4"), ("$python", "v5")]);
}

#[test]
fn stand_ins_cache_as_the_newest_do() {
    check_against_real(STEPS, &[("$node", "v7"), ("$go", "v7"), ("$java", "v5"), ("$python", "v7")]);
}

#[test]
fn other_caches_of_stand_ins_are_those_of_the_real_ones() {
    check_against_real(OTHERS, &[("$node", "v4"), ("$java", "v4"), ("$python", "v5")]);
    check_against_real(OTHERS, &[("$node", "v7"), ("$java", "v5"), ("$python", "v7")]);
}

#[test]
fn caches_are_kept_from_run_to_run() {
    if !can_sandbox() || !can_run_node() {
        return;
    }
    let repo = Repo::new(&workflow(STEPS, &[("$node", "v4"), ("$go", "v5"), ("$java", "v5"), ("$python", "v5")]), &[]);
    let first = repo.sandbox(&[]).ends_with(0);
    let saved = first.lines().iter().filter(|it| it.contains("ache saved with the key: ")).count();
    assert_eq!(saved, 5, "{:#?}", first.lines());
    let second = repo.sandbox(&[]).ends_with(0);
    let lines = second.lines();
    for kept in [".npm", "go/pkg/mod", ".cache/go-build", ".m2/repository", ".m2/wrapper/dists", ".cache/pip"] {
        assert!(lines.iter().any(|it| it == kept), "{kept}: {lines:#?}");
    }
    let hits = lines.iter().filter(|it| it.contains("not saving cache.")).count();
    assert_eq!(hits, 5, "{lines:#?}");
}

#[test]
fn another_version_is_incomplete_where_it_matters() {
    if !can_sandbox() || !can_run_node() {
        return;
    }
    let steps = "- {id: node, uses: actions/setup-node@v4, with: {node-version: 9999}}
      - run: test \"$(node --version)\" = '${{ steps.node.outputs.node-version }}'";
    let repo =
        Repo::new(&format!("on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps:\n      {steps}\n"), &[]);
    let ran = repo.sandbox(&[]).ends_with(0);
    let warned = ran.of_type("annotation");
    assert!(warned.iter().any(|it| it["title"] == "Another version of Node.js"), "{warned:?}");
    repo.sandbox(&["--strict"]).ends_with(5);
}
