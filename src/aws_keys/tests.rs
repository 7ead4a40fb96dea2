use super::*;

const ID: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

fn set(text: &str) -> WorkflowSet {
    let source = wfrun_syntax::Source::new("w.yml", text);
    let node = wfrun_syntax::parse(&source).value;
    WorkflowSet::alone(std::sync::Arc::new(wfrun_workflow::lower(&source, node.as_ref()).value))
}

fn steps(steps: &str) -> WorkflowSet {
    set(&format!("on: push\njobs: {{j: {{runs-on: x, steps: {steps}}}}}\n"))
}

fn secrets(given: &[(&str, &str)]) -> Secrets {
    given.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect()
}

fn found(set: &WorkflowSet, given: &[(&str, &str)]) -> Vec<String> {
    let nowhere = OwnFiles::below(std::path::Path::new("/nowhere"));
    names(set, &secrets(given), &nowhere).into_iter().map(|(name, part)| format!("{name} {part:?}")).collect()
}

#[test]
fn keys_are_found_by_what_they_are_used_for() {
    for (text, expected) in [
        (
            "[{uses: aws-actions/configure-aws-credentials@v4, with: {aws-access-key-id: '${{ secrets.one }}', aws-secret-access-key: '${{ secrets.TWO }}'}}]",
            &["ONE Id", "TWO Secret"][..],
        ),
        (
            "[{run: x, env: {AWS_SECRET_ACCESS_KEY: '${{ secrets.a }}', aws_access_key_id: '${{ secrets.b || secrets.c }}'}}]",
            &["A Secret", "B Id", "C Id"],
        ),
        (
            "[{run: x, env: {S: '${{ secrets.a }}'}}, {uses: aws-actions/configure-aws-credentials@v4, with: {aws-secret-access-key: '${{ env.S }}'}}]",
            &["A Secret"],
        ),
        ("[{run: 'export AWS_SESSION_TOKEN=$T', env: {T: '${{ secrets.a }}'}}]", &["A Session"]),
        ("[{run: 'aws configure set aws_secret_access_key ${{ secrets.a }}'}]", &["A Secret"]),
        ("[{parallel: [{run: x, env: {AWS_ACCESS_KEY_ID: '${{ secrets.a }}'}}]}]", &["A Id"]),
        ("[{run: x, env: {OTHER: '${{ secrets.a }}', AWS_REGION: '${{ secrets.b }}'}}]", &[]),
    ] {
        assert_eq!(found(&steps(text), &[]), expected, "{text}");
    }
}

#[test]
fn keys_are_found_by_their_names_and_values() {
    let plain = steps("[{run: x}]");
    for (given, expected) in [
        (&[("THREE", ID), ("FOUR", "plain")][..], &["THREE Id"][..]),
        // Beside an id without its other half, what looks like that half is it.
        (&[("PROD_K", ID), ("PROD_S", SECRET)], &["PROD_K Id", "PROD_S Secret"]),
        (
            &[("PROD_K", ID), ("AWS_SECRET_ACCESS_KEY", "s"), ("HEROKU", SECRET)],
            &["PROD_K Id", "AWS_SECRET_ACCESS_KEY Secret"],
        ),
        (&[("HEROKU", SECRET)], &[]),
    ] {
        assert_eq!(found(&plain, given), expected, "{given:?}");
    }
}

#[test]
fn names_of_keys() {
    for (name, expected) in [
        ("AWS_ACCESS_KEY_ID", Some(KeyPart::Id)),
        ("prod_aws_secret_access_key", Some(KeyPart::Secret)),
        ("AWS_SECRET_KEY", Some(KeyPart::Secret)),
        ("AWS_ACCESS_KEY", Some(KeyPart::Id)),
        ("AWS_SESSION_TOKEN_DEV", Some(KeyPart::Session)),
        ("AWS_REGION", None),
        ("AWS_SECRETS_MANAGER_ARN", None),
        ("GCP_ACCESS_KEY_ID", None),
    ] {
        assert_eq!(key_part(name), expected, "{name}");
    }
}

/// A secret that the account gives is not missed.
#[test]
fn keys_that_nobody_gave_are_the_accounts() {
    let workflow = steps(
        "[{uses: aws-actions/configure-aws-credentials@v4, with: {aws-access-key-id: '${{ secrets.one }}', aws-secret-access-key: '${{ secrets.TWO }}'}}]",
    );
    let given = secrets(&[("THREE", ID), ("FOUR", "plain")]);
    let keys = names(&workflow, &given, &OwnFiles::below(std::path::Path::new("/nowhere")));
    assert_eq!(crate::secrets::check(&workflow.root, &given, &keys), [], "the account gives them");
    assert_eq!(crate::secrets::check(&workflow.root, &given, &KeyNames::new()).len(), 2);
}

/// A caller's secret is what the called workflow makes of it, and the called one's name is no secret of the run.
#[test]
fn through_a_call() {
    let called = set(
        "on: {workflow_call: {secrets: {sec: {required: true}}}}\njobs: {j: {runs-on: x, steps: [{run: x, env: {AWS_SECRET_ACCESS_KEY: '${{ secrets.sec }}'}}]}}\n",
    );
    let mut all =
        set("on: push\njobs: {c: {uses: ./.github/workflows/c.yml, secrets: {sec: '${{ secrets.PROD }}'}}}\n");
    let file = wfrun_workflow::FileRef { repository: None, path: ".github/workflows/c.yml".to_owned() };
    all.called.insert(file, called.root);
    assert_eq!(found(&all, &[]), ["PROD Secret"]);
}

/// What an action of the repository makes of its inputs.
#[test]
fn through_an_action_of_the_repository() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("act")).expect("a folder");
    let action = "inputs: {s: {}}\nruns:\n  using: composite\n  steps:\n  - uses: aws-actions/configure-aws-credentials@v4\n    with:\n      aws-secret-access-key: ${{ inputs.s }}\n";
    std::fs::write(folder.path().join("act/action.yml"), action).expect("a file");
    let workflow = steps("[{uses: ./act, with: {s: '${{ secrets.PROD }}', other: '${{ secrets.X }}'}}]");
    let found = names(&workflow, &Secrets::new(), &OwnFiles::below(folder.path()));
    assert_eq!(found.into_iter().collect::<Vec<_>>(), [("PROD".to_owned(), KeyPart::Secret)]);
}

#[test]
fn nothing_real_is_left() {
    let other = "AKIAOTHEROTHEROTHER1";
    let json = format!("{{\"id\": \"{ID}\", \"key\": \"{SECRET}\", \"other\": \"{other}\"}}");
    let mut given = secrets(&[("K", ID), ("S", SECRET), ("BOTH", &json), ("PLAIN", "plain")]);
    let mut vars = IndexMap::from([("KEY".to_owned(), other.to_owned()), ("V".to_owned(), "v".to_owned())]);
    let nowhere = OwnFiles::below(std::path::Path::new("/nowhere"));
    let names = names(&steps("[{run: x}]"), &given, &nowhere);
    let Swapped { hidden, notice } = swap(&names, &mut given, &mut vars, None);
    let left: Vec<&str> = given.values().map(Secret::expose).chain(vars.values().map(String::as_str)).collect();
    assert_eq!(left, ["", "", "{\"id\": \"\", \"key\": \"\", \"other\": \"\"}", "plain", "", "v"]);
    let notice = notice.expect("it is told");
    assert_eq!(notice, "nothing of this workflow asks for AWS, so these are empty: K, S, BOTH, vars.KEY");
    let hidden: Vec<&str> = hidden.iter().map(Secret::expose).collect();
    for real in [ID, SECRET, other] {
        assert!(hidden.contains(&real), "{hidden:?}");
    }
}
