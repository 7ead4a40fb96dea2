//! Where GitHub and other local runners part when they run a workflow: GitHub's answer, row by row.
//!
//! The rows that are elsewhere: 23 and 24, which take a minute, on the engine with a clock of the test's own
//! (`conditions::a_step_times_out`, `conditions::a_job_times_out`); 36 in `actions::a_javascript_action_runs_as_on_github`
//! and 37 to 40 in `actions::pre_and_post_parts_as_on_github`; of those that need Docker 41 and 42 in
//! `containers::a_container_action_is_built_and_run`, 44 in `containers::a_job_container_is_as_on_github`, 45 in
//! `containers::a_service_that_is_not_healthy_fails_the_job_and_says_why`, and 46 in
//! `containers::services_of_a_job_without_a_container_have_ports_here`. Row 47 is here with a stand-in; with GitHub's own client
//! it is `conformance::the_newest_client` of `wfrun-services`.
//!
//! Source: GitHub: execution rules E10; the numbers are theirs.
use crate::repo::{Ran, Repo};

/// A row: its number, the steps, the exit code, all lines that are printed, all annotations.
type Row<'a> = (u8, &'a str, i32, &'a [&'a str], &'a [&'a str]);

fn run(jobs: &str, files: &[(&str, &str)]) -> Ran {
    let repo = Repo::new(&format!("on: push\njobs: {jobs}\n"), files);
    repo.wfrun(&["w.yml", "--backend", "host", "--json", "--repository", "octo/demo"])
}

fn run_steps(steps: &str, files: &[(&str, &str)]) -> Ran {
    run(&format!("{{j: {{runs-on: ubuntu-latest, steps: {steps}}}}}"), files)
}

fn annotations(ran: &Ran) -> Vec<String> {
    let told = |it: &serde_json::Value| format!("{}: {}", it["level"], it["message"]).replace('"', "");
    ran.of_type("annotation").iter().map(told).collect()
}

#[track_caller]
fn check(rows: &[Row<'_>]) {
    for (row, steps, code, lines, said) in rows {
        let ran = run_steps(steps, &[]).ends_with(*code);
        assert_eq!(ran.lines(), *lines, "row {row}: {steps}");
        assert_eq!(annotations(&ran), *said, "row {row}: {steps}");
    }
}

const UNABLE: &str = "error: Unable to process file command 'output' successfully.";

#[test]
fn file_commands() {
    check(&[
        (
            1,
            r#"[{run: "printf 'A=$%s\n' '{{ github.repository }}' >> $GITHUB_ENV"}, {run: printenv A}]"#,
            0,
            &["${{ github.repository }}"],
            &[],
        ),
        (
            2,
            r#"[{id: a, run: "printf 'x=1\n\ny=2\n' >> $GITHUB_OUTPUT"}, {run: 'echo "[${{ steps.a.outputs.y }}]"'}]"#,
            0,
            &["[2]"],
            &[],
        ),
        (
            3,
            r#"[{id: a, run: "printf 'x<<E\n\nv\nE\n' >> $GITHUB_OUTPUT"}, {run: "printf '%s' '${{ toJSON(steps.a.outputs.x) }}'"}]"#,
            0,
            &[r#""\nv""#],
            &[],
        ),
        (
            4,
            "[{id: a, continue-on-error: true, run: 'echo junk >> $GITHUB_OUTPUT'}, {run: 'echo oc=${{ steps.a.outcome }}'}]",
            0,
            &["oc=failure"],
            &[UNABLE, "error: Invalid format 'junk'"],
        ),
        (
            5,
            r#"[{id: a, continue-on-error: true, run: "printf 'x=1\nbad\n' >> $GITHUB_OUTPUT"}, {run: 'echo "[${{ steps.a.outputs.x }}]"'}]"#,
            0,
            &["[1]"],
            &[UNABLE, "error: Invalid format 'bad'"],
        ),
        (
            6,
            r#"[{run: "printf 'b<<E\nl1\n' >> $GITHUB_OUTPUT"}, {run: echo reached}]"#,
            1,
            &[],
            &[UNABLE, "error: Invalid value. Matching delimiter not found 'E'"],
        ),
        (
            7,
            "[{run: 'echo =v >> $GITHUB_OUTPUT'}, {run: echo reached}]",
            1,
            &[],
            &[UNABLE, "error: Value cannot be null. (Parameter 'name')"],
        ),
        (
            8,
            r#"[{run: "printf 'A=1\r\n' >> $GITHUB_ENV"}, {run: 'printf %s "$A" | od -An -c'}]"#,
            0,
            &[r"   1  \r"],
            &[],
        ),
        (
            9,
            "[{run: 'echo NODE_OPTIONS=--no-warnings >> $GITHUB_ENV'}, {run: 'echo \"[$NODE_OPTIONS]\"'}]",
            0,
            &["[]"],
            &["error: Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command."],
        ),
        (
            10,
            r#"[{run: 'echo $GITHUB_OUTPUT > f'}, {run: 'test "$(cat f)" = "$GITHUB_OUTPUT" && echo SAME || echo DIFF'}]"#,
            0,
            &["DIFF"],
            &[],
        ),
    ]);
}

#[test]
fn workflow_commands() {
    let disabled = "error: The `set-env` command is disabled. Please upgrade to using Environment Files or opt into \
                    unsecure command execution by setting the `ACTIONS_ALLOW_UNSECURE_COMMANDS` environment variable \
                    to `true`. For more information see: https://github.blog/changelog/2020-10-01-github-actions-deprecating-set-env-and-add-path-commands/";
    let old = "warning: The `set-output` command is deprecated and will be disabled soon. Please upgrade to using \
               Environment Files. For more information see: https://github.blog/changelog/2022-10-11-github-actions-deprecating-save-state-and-set-output-commands/";
    let set = |command: &str| {
        format!(r#"[{{id: a, run: "printf '%b\n' '{command}'"}}, {{run: 'echo "[${{{{ steps.a.outputs.x }}}}]"'}}]"#)
    };
    check(&[
        (
            11,
            r#"[{run: 'echo "::set-env name=A::1"'}, {run: echo reached}]"#,
            1,
            &[],
            &["error: Unable to process command '::set-env name=A::1' successfully.", disabled],
        ),
        (12, &set("  ::set-output name=x::1"), 0, &["[1]"], &[old]),
        (13, &set("::SET-OUTPUT name=x::1"), 0, &["[1]"], &[old]),
        (14, &set(r"a\\r::set-output name=x::1"), 0, &["a", "[1]"], &[old]),
        (15, "[{run: \"echo '::foo::bar'\"}]", 0, &["::foo::bar"], &[]),
        (
            16,
            r"[{run: 'printf ''%s\n'' ::stop-commands::tok12345 ::warning::shown ::tok12345::'}]",
            0,
            &["::stop-commands::***", "::warning::shown", "::***::"],
            &[],
        ),
        (17, "[{run: 'echo \"x ##[error]bad\"'}]", 0, &[], &["error: bad"]),
        (18, "[{run: \"echo '::error title=a=b::100%250A'\"}]", 0, &[], &["error: 100%0A"]),
    ]);
    let titled = run_steps("[{run: \"echo '::error title=a=b::100%250A'\"}]", &[]).of_type("annotation");
    assert_eq!(titled[0]["title"], "a=b", "row 18");
}

#[test]
fn masking() {
    check(&[
        (
            19,
            "[{run: \"echo '::add-mask::alpha%0Abeta'\"}, {run: 'echo beta; printf alpha | base64'}]",
            0,
            &["***", "***"],
            &[],
        ),
        (20, "[{run: \"echo '::add-mask::abc'; echo '::add-mask::cdef'\"}, {run: echo abcdef}]", 0, &["***"], &[]),
    ]);
}

#[test]
fn processes() {
    let failed = "error: Process completed with exit code 1.";
    check(&[
        (21, "[{run: 'echo $LINENO; test -t 1 && echo tty; read -t 2 x; echo $?'}]", 1, &["1"], &[failed]),
        (
            22,
            "[{shell: bash -x, run: 'echo hi; exit 3'}]",
            1,
            &[],
            &[
                "error: Invalid shell option. Shell must be a valid built-in (bash, sh, cmd, powershell, pwsh) or a format string containing '{0}'",
            ],
        ),
    ]);
    let ran = run_steps("[{run: 'echo $GITHUB_ACTION; env'}]", &[]).ends_with(0);
    let lines = ran.lines();
    assert_eq!(lines[0], "__run", "row 25");
    for (name, value) in [
        ("RUNNER_WORKSPACE", ""),
        ("RUNNER_NAME", ""),
        ("RUNNER_ENVIRONMENT", ""),
        ("GITHUB_WORKFLOW_REF", "octo/demo/.github/workflows/w.yml@refs/heads/main"),
        ("GITHUB_REPOSITORY_ID", ""),
        ("GITHUB_TRIGGERING_ACTOR", ""),
        ("GITHUB_RETENTION_DAYS", "90"),
    ] {
        let found = lines.iter().find_map(|it| it.strip_prefix(name)?.strip_prefix('='));
        assert!(
            found.is_some_and(|it| !it.is_empty() && (value.is_empty() || it == value)),
            "row 25: {name} {found:?}"
        );
    }
    assert!(!lines.contains(&"GITHUB_RUN_ID=1".to_owned()), "row 25");
}

#[test]
fn contexts_and_status() {
    let ran = run_steps("[{run: 'true'}, {id: b, run: 'true'}, {run: \"printf '%s' '${{ toJSON(steps) }}'\"}]", &[]);
    let steps = ran.ends_with(0).lines().concat();
    assert_eq!(
        steps, r#"{  "b": {    "outputs": {},    "outcome": "success",    "conclusion": "success"  }}"#,
        "row 26"
    );
    check(&[(27, "[{env: {A: up}, run: 'echo \"[${{ env.a }}]\"'}]", 0, &["[]"], &[])]);
    for more in ["", "continue-on-error: true, "] {
        let step = format!("[{{id: a, {more}env: {{X: \"${{{{ fromJSON('{{') }}}}\"}}, run: echo ran}}]");
        let ran = run_steps(&step, &[]).ends_with(1);
        assert_eq!(ran.lines(), [""; 0], "row 28");
        assert_eq!(ran.steps(), ["Run echo ran: failure"], "row 28");
    }
    let ran = run_steps("[{run: \"printf '%s' '${{ toJSON(job) }}'\"}]", &[]).ends_with(0);
    let job: serde_json::Value = serde_json::from_str(&ran.lines().concat()).expect("row 31");
    assert_eq!(job["status"], "success", "row 31");
    assert!(job["check_run_id"].is_number(), "row 31: {job}");
    assert!(job.get("container").is_none() && job.get("services").is_none(), "row 31: {job}");
}

const CHECKOUT: &str = "{uses: actions/checkout@v4}";

/// What is printed by steps that use actions of the repository, but for what `actions/checkout` says.
#[track_caller]
fn with_action(row: u8, steps: &str, manifest: &str, code: i32, expected: &[&str]) {
    let ran = run_steps(&format!("[{CHECKOUT}, {steps}]"), &[("c/action.yml", manifest)]).ends_with(code);
    let lines = ran.of_type("line");
    let of_others = lines.iter().filter(|it| it["step"] != "1").filter_map(|it| it["text"].as_str());
    assert_eq!(of_others.collect::<Vec<_>>(), expected, "row {row}");
}

#[test]
fn composite_actions() {
    let status = "name: c\nruns: {using: composite, steps: [{shell: bash, run: exit 1}, {if: failure(), shell: bash, \
                  run: 'echo ${{ job.status }}'}]}\n";
    with_action(29, "{uses: ./c}", status, 1, &["success"]);
    let leak = "name: c\nruns: {using: composite, steps: [{shell: bash, run: 'echo inner=leak >> $GITHUB_OUTPUT'}]}\n";
    let steps = "{id: c, uses: ./c}, {run: \"printf '%s' '${{ toJSON(steps.c.outputs) }}'\"}";
    with_action(30, steps, leak, 0, &["{}"]);
}

#[test]
fn jobs() {
    let on = "runs-on: ubuntu-latest";
    let legs = format!(
        "{{a: {{{on}, strategy: {{max-parallel: 1, matrix: {{n: [1, 2, 3]}}}}, outputs: {{v: '${{{{ steps.s.outputs.v }}}}'}}, \
         steps: [{{id: s, run: 'echo v=${{{{ matrix.n }}}} >> $GITHUB_OUTPUT'}}]}}, \
         b: {{needs: a, {on}, steps: [{{run: 'echo ${{{{ needs.a.outputs.v }}}}'}}]}}}}"
    );
    assert_eq!(run(&legs, &[]).ends_with(0).lines(), ["3"], "row 32");
    let may_fail = format!(
        "{{a: {{{on}, continue-on-error: true, steps: [{{run: exit 1}}]}}, b: {{needs: a, {on}, steps: [{{run: echo b}}]}}}}"
    );
    assert_eq!(run(&may_fail, &[]).ends_with(0).lines(), ["b"], "row 33");
    let fail_fast = format!(
        "{{a: {{{on}, strategy: {{max-parallel: 1, matrix: {{n: [1, 2]}}}}, \
         steps: [{{run: 'test ${{{{ matrix.n }}}} = 2 && echo leg2'}}]}}}}"
    );
    let ran = run(&fail_fast, &[]).ends_with(1);
    assert_eq!((ran.lines().len(), ran.results()["a (2)"].as_str()), (0, Some("cancelled")), "row 34");
    let secret = format!(
        "{{a: {{{on}, outputs: {{e: '${{{{ steps.s.outputs.none }}}}', s: '${{{{ steps.s.outputs.s }}}}'}}, \
         steps: [{{id: s, run: \"echo '::add-mask::tops3cret'; echo s=tops3cret >> $GITHUB_OUTPUT\"}}]}}, \
         b: {{needs: a, {on}, steps: [{{run: \"printf '%s' '${{{{ toJSON(needs.a.outputs) }}}}'\"}}]}}}}"
    );
    let ran = run(&secret, &[]).ends_with(0);
    assert_eq!(ran.lines(), ["{}"], "row 35");
    assert_eq!(annotations(&ran), ["warning: Skip output 's' since it may contain secret."], "row 35");
}

#[test]
fn actions() {
    let steps = "[{id: c, uses: actions/checkout@v4}, {run: 'echo \"[${{ steps.c.outputs.commit }}]\"'}]";
    let repo = Repo::new(&format!("on: push\njobs: {{j: {{runs-on: ubuntu-latest, steps: {steps}}}}}\n"), &[]);
    let lines = repo.wfrun(&["w.yml", "--backend", "host", "--json"]).ends_with(0).lines();
    assert!(lines.contains(&format!("[{}]", repo.git(&["rev-parse", "HEAD"]))), "row 43: {lines:?}");
}

/// Row 48: of two that save the same key the second is refused, and fails nothing.
#[test]
fn caches() {
    let pair = "{uses: actions/cache@v4, with: {path: p, key: k}}, {run: 'mkdir -p p; date > p/x'}";
    let ran = run_steps(&format!("[{pair}, {pair}]"), &[]).ends_with(0);
    let calls = ran.of_type("service-called");
    let creates = calls.iter().filter(|it| it["operation"] == "CreateCacheEntry").map(|it| &it["status"]);
    assert_eq!(creates.collect::<Vec<_>>(), [200, 409], "row 48");
    let refused = "Failed to save: Unable to reserve cache with key k, another job may be creating this cache.";
    assert!(ran.lines().contains(&refused.to_owned()), "row 48: {:?}", ran.lines());
}

/// Row 47: fields of newer clients are taken, and what is signed opens. That blocks become the file in the order of their list
/// is in `artifacts::*` and `conformance::*` of `wfrun-services`, because stand-ins send none.
#[test]
fn artifacts() {
    let steps = "[{run: 'head -c 20000000 /dev/urandom > f; sha256sum f'}, \
                  {uses: actions/upload-artifact@v7, with: {name: f, path: f, compression-level: 0}}, {run: rm f}, \
                  {uses: actions/download-artifact@v8, with: {name: f}}, {run: sha256sum f}]";
    let ran = run_steps(steps, &[]).ends_with(0);
    let sums: Vec<String> = ran.lines().into_iter().filter(|it| it.ends_with("  f")).collect();
    assert_eq!(sums.len(), 2, "row 47: {:?}", ran.lines());
    assert_eq!(sums[0], sums[1], "row 47");
    let calls = ran.of_type("service-called");
    assert!(
        calls.iter().all(|it| it["service"] == "artifact" && it["status"].as_u64().is_some_and(|it| it < 300)),
        "row 47: {calls:?}"
    );
}
