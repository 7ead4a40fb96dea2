//! ID tokens as GitHub's toolkit gets them, verified by a library that knows nothing of wfrun.
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value as Json;

use crate::actions::can_run_node;
use crate::npm::{packages, seen_by_steps};
use crate::repo::{Ran, Repo, can_sandbox, copy};

const ACTION: &str =
    "name: ask\ninputs: {audience: {}}\noutputs: {claims: {}}\nruns: {using: node20, main: main.mjs}\n";

/// Asks with both generations of the toolkit, and verifies as any service would that trusts the issuer.
const MAIN: &str = "import * as core from 'core-new';
import old from 'core-old';
import * as jose from 'jose';
const audience = core.getInput('audience') || undefined;
const tokens = [await core.getIDToken(audience), await old.getIDToken(audience)];
const origin = new URL(process.env.ACTIONS_ID_TOKEN_REQUEST_URL).origin;
const { issuer, jwks_uri } = await (await fetch(`${origin}/.well-known/openid-configuration`)).json();
const keys = jose.createRemoteJWKSet(new URL(jwks_uri));
for (const token of tokens) {
  const { payload, protectedHeader } = await jose.jwtVerify(token, keys, { issuer, audience, algorithms: ['RS256'] });
  core.setOutput('claims', JSON.stringify(payload));
  console.log(`verified ${protectedHeader.typ} for ${payload.sub} and ${payload.aud}`);
}
console.log(`shown as ${tokens[0]}`);
const changed = tokens[0].replace(/.[^.]*$/, (it) => '.' + jose.base64url.encode(Buffer.alloc(256, 1)));
await jose.jwtVerify(changed, keys).then(() => console.log('a forged one, too'), (it) => console.log(it.code));
";

/// Source: GitHub: execution rules E9.8.
#[test]
fn the_toolkit_gets_tokens_that_verify() {
    if !can_run_node() {
        return;
    }
    let wanted = ["core-new@npm:@actions/core@3.0.1", "core-old@npm:@actions/core@1.11.1", "jose@6.1.0"];
    let Some(installed) = packages("core", &wanted) else { return };
    let workflow = "on: push
jobs:
  asks:
    runs-on: ubuntu-latest
    permissions: {id-token: write, contents: read}
    environment: prod
    steps:
    - uses: actions/checkout@v4
    - id: ask
      uses: ./ask
      with: {audience: 'api://service'}
    - uses: ./ask
    - run: |
        curl --silent --fail --header \"authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN\" \
          \"$ACTIONS_ID_TOKEN_REQUEST_URL&audience=a%20b\" | grep --only-matching '\"count\":'
  may-not:
    runs-on: ubuntu-latest
    steps:
    - uses: actions/checkout@v4
    - uses: ./ask
";
    let repo = Repo::new(workflow, &[("ask/action.yml", ACTION), ("ask/main.mjs", MAIN)]);
    copy(&installed.join("node_modules"), &repo.root().join("ask/node_modules"));
    repo.commit("packages");
    let ran = repo.sandbox(&["--expect", "may-not=failure", "--expect", "asks=success"]).ends_with(0);
    let lines = ran.lines();
    let verified = |aud: &str| format!("verified JWT for repo:local/repo:environment:prod and {aud}");
    let owner = "https://github.com/local";
    let expected = [
        verified("api://service"),
        verified("api://service"),
        "shown as ***".to_owned(),
        "ERR_JWS_SIGNATURE_VERIFICATION_FAILED".to_owned(),
        verified(owner),
        verified(owner),
    ];
    assert_eq!(lines.iter().filter(|it| expected.contains(it)).count(), 8, "{lines:#?}");
    assert!(lines.iter().any(|it| it == "\"count\":"), "scripts may ask, too: {lines:#?}");
    let refused = "Unable to get ACTIONS_ID_TOKEN_REQUEST_URL env variable";
    assert!(ran.stdout.contains(refused), "{lines:#?}");
    let steps = ran.of_type("step-finished");
    let claims = steps.iter().find_map(|it| it["outputs"]["claims"].as_str()).expect("claims");
    let claims: Json = serde_json::from_str(claims).expect("JSON");
    for (name, value) in
        [("environment", "prod"), ("ref", "refs/heads/main"), ("event_name", "push"), ("ref_protected", "false")]
    {
        assert_eq!(claims[name], value, "{name}");
    }
    let calls = ran.of_type("service-called");
    let of_oidc =
        calls.iter().filter(|it| it["service"] == "oidc").map(|it| it["operation"].as_str().unwrap_or_default());
    let mut of_oidc: Vec<&str> = of_oidc.collect();
    of_oidc.sort_unstable();
    of_oidc.dedup();
    assert_eq!(of_oidc, ["GetIDToken", "jwks", "openid-configuration"]);
}

/// The key outlives the run, only its owner may read it, and steps see none.
#[test]
fn the_key_is_made_once_and_no_step_sees_it() {
    if !can_sandbox() {
        return;
    }
    let workflow = "on: push
permissions: {id-token: write}
jobs:
  j:
    runs-on: ubuntu-latest
    steps:
    - run: curl --silent --fail \"${ACTIONS_ID_TOKEN_REQUEST_URL%/idtoken*}/.well-known/jwks\"
    - run: ls -A \"${{ vars.FOLDER }}\" | wc -l
";
    let repo = Repo::new(workflow, &[]);
    // Where steps see no such folder, nothing would have to be hidden.
    let cache = tempfile::tempdir_in(seen_by_steps()).expect("a folder");
    let folder = cache.path().join("wfrun/oidc");
    let run = || {
        let var = format!("FOLDER={}", folder.display());
        let mut command = repo.command(&["w.yml", "--backend", "sandbox", "--json", "--var", &var]);
        let output = command.env("XDG_CACHE_HOME", cache.path()).output().expect("wfrun starts");
        Ran::of(&output).ends_with(0).lines()
    };
    let (first, second) = (run(), run());
    let key = |lines: &[String]| lines.iter().find(|it| it.contains("\"kty\":\"RSA\"")).cloned().expect("a key set");
    assert_eq!(key(&first), key(&second));
    assert_eq!(first.last().map(String::as_str), Some("0"), "{first:?}");
    assert_eq!(second.last().map(String::as_str), Some("0"), "{second:?}");
    let file = fs::read_dir(&folder).expect("a folder").flatten().next().expect("the key").path();
    assert_eq!(fs::metadata(file).expect("the key").permissions().mode() & 0o777, 0o600);
}

/// `aws-actions/configure-aws-credentials` with a role and no keys: the account verifies the job's token.
#[test]
fn a_role_of_the_account_is_assumed_with_an_id_token() {
    if !can_sandbox() {
        return;
    }
    let workflow = "on: push
permissions: {id-token: write}
jobs:
  assumes:
    runs-on: ubuntu-latest
    steps:
    - id: aws
      uses: aws-actions/configure-aws-credentials@v4
      with: {role-to-assume: 'arn:aws:iam::123456789012:role/deploy', aws-region: eu-west-1}
    - run: echo '${{ steps.aws.outputs.aws-account-id }} ${{ steps.aws.outputs.authenticated-arn }}'
    - run: aws sts get-caller-identity --query Arn --output text
    - run: |
        curl --silent --data \"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=me\" \\
          --data-urlencode \"RoleArn=arn:aws:iam::123456789012:role/deploy\" --data-urlencode \"WebIdentityToken=$(
            curl --silent --header \"authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN\" \
              \"$ACTIONS_ID_TOKEN_REQUEST_URL\" | cut -d'\"' -f6)\" \"$AWS_ENDPOINT_URL\" | grep -o '<Message>.*</Message>'
  may-not:
    runs-on: ubuntu-latest
    permissions: {contents: read}
    steps:
    - uses: aws-actions/configure-aws-credentials@v4
      with: {role-to-assume: 'arn:aws:iam::123456789012:role/deploy', aws-region: eu-west-1}
";
    let repo = Repo::new(workflow, &[]);
    let ran = repo.sandbox(&["--expect", "may-not=failure", "--expect", "assumes=success"]).ends_with(0);
    let lines = ran.lines();
    let arn = "arn:aws:sts::123456789012:assumed-role/deploy/GitHubActions";
    for line in [&format!("123456789012 {arn}"), arn, "<Message>Incorrect token audience</Message>"] {
        assert!(lines.iter().any(|it| it == line), "{line}: {lines:#?}");
    }
    assert!(ran.stdout.contains("Could not load credentials from any providers"), "{lines:#?}");
    let calls = ran.of_type("service-called");
    let assumed = calls.iter().filter(|it| it["operation"] == "AssumeRoleWithWebIdentity");
    let told: Vec<_> = assumed.map(|it| (it["service"].as_str(), it["status"].as_u64())).collect();
    assert_eq!(told, [(Some("sts"), Some(200)), (Some("sts"), Some(400))]);
}
