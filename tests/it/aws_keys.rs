//! Real AWS keys stay on this machine, whatever they are called and whoever takes them.
use crate::repo::{Repo, can_sandbox};

const ID: &str = "AKIAREALREALREALREA1";
const SECRET: &str = "realSecretRealSecretRealSecretReal/12345";

/// The account's number, and the key backwards, which nothing masks.
const SHOW: &str = "aws sts get-caller-identity --query Arn --output text; echo $AWS_SECRET_ACCESS_KEY | rev";

fn check(repo: &Repo, arguments: &[&str]) {
    let secrets = format!("PROD_K={ID}\nPROD_SECRET={SECRET}\nBOTH={ID}:{SECRET}\n");
    std::fs::write(repo.beside("secrets"), secrets).expect("a file");
    let file = repo.beside("secrets").display().to_string();
    let ran = repo.sandbox(&[&["--secret-file", &file], arguments].concat()).ends_with(0);
    let backwards: String = SECRET.chars().rev().collect();
    for real in [ID, SECRET, &backwards] {
        assert!(!ran.stdout.contains(real), "{real}: {}", ran.stdout);
    }
    let lines = ran.lines();
    assert!(lines.iter().any(|it| it.contains(":user/github-actions-deploy")), "{lines:#?}");
    let notices = ran.of_type("notice");
    assert!(
        notices.iter().any(|it| it["message"].to_string().contains("take the place of PROD_K, PROD_SECRET")),
        "{notices:?}"
    );
}

#[test]
fn whoever_takes_a_key_gets_one_of_this_machine() {
    if !can_sandbox() {
        return;
    }
    let env = "AWS_ACCESS_KEY_ID: '${{ secrets.PROD_K }}', AWS_SECRET_ACCESS_KEY: '${{ secrets.PROD_SECRET }}', AWS_REGION: us-east-1";
    let job = "on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps:\n";
    let in_step = format!("{job}    - {{run: '{SHOW}', env: {{{env}}}}}\n");
    check(&Repo::new(&in_step, &[]), &[]);
    // Nothing of the workflow itself tells of AWS: the action does, and the script that it calls.
    let action = "inputs: {k: {required: true}, s: {required: true}}\nruns:\n  using: composite\n  steps:\n  - shell: bash\n    env: {AWS_ACCESS_KEY_ID: '${{ inputs.k }}', AWS_SECRET_ACCESS_KEY: '${{ inputs.s }}', AWS_REGION: us-east-1}\n    run: ./show.sh\n";
    let by_action = format!(
        "{job}    - uses: actions/checkout@v4\n    - uses: ./act\n      with: {{k: '${{{{ secrets.PROD_K }}}}', s: '${{{{ secrets.PROD_SECRET }}}}'}}\n"
    );
    let repo = Repo::new(&by_action, &[("act/action.yml", action), ("show.sh", SHOW)]);
    repo.git(&["update-index", "--chmod=+x", "show.sh"]);
    repo.git(&["commit", "--quiet", "--message", "run it"]);
    check(&repo, &[]);
}

/// A secret with both halves, of which nothing tells what it is.
#[test]
fn a_text_with_keys() {
    if !can_sandbox() {
        return;
    }
    let steps = "    - {run: 'echo \"$B\" | rev', env: {B: '${{ secrets.BOTH }}'}}\n";
    let repo = Repo::new(&format!("on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps:\n{steps}"), &[]);
    let ran = repo.sandbox(&["--secret", &format!("BOTH={ID}:{SECRET}")]).ends_with(0);
    let backwards: String = format!("{ID}:{SECRET}").chars().rev().collect();
    assert!(!ran.stdout.contains(&backwards), "{}", ran.stdout);
    assert!(ran.of_type("notice").iter().any(|it| it["message"].to_string().contains("take the place of BOTH")));
}
