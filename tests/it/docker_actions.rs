//! The stand-ins for Docker's own actions, in a run: they build, and push to the account's registry.
use crate::repo::{Repo, can_sandbox};

const WORKFLOW: &str = r#"on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
    - {id: buildx, uses: docker/setup-buildx-action@v3}
    - uses: docker/login-action@v3
      with:
        registry: 123456789012.dkr.ecr.us-east-1.amazonaws.com
        username: ${{ secrets.AWS_ACCESS_KEY_ID }}
        password: ${{ secrets.AWS_SECRET_ACCESS_KEY }}
    - id: image
      uses: docker/build-push-action@v6
      with:
        push: true
        tags: 123456789012.dkr.ecr.us-east-1.amazonaws.com/news-api:${{ github.sha }}
        cache-from: type=gha
    - run: |
        echo "before: $(docker images -q)"
        docker pull "123456789012.dkr.ecr.us-east-1.amazonaws.com/news-api:$GITHUB_SHA"
        test "$(docker images -q --no-trunc)" = "${{ steps.image.outputs.imageid }}" && echo "the same image"
        ls -A
"#;

/// Source: Docker, "Build and push Docker images", the workflows of its README.
#[test]
fn an_image_is_built_from_the_commit_and_pushed() {
    if !can_sandbox() {
        return;
    }
    let account = "account: \"123456789012\"\nregion: us-east-1\necr:\n  repositories: [news-api]\n";
    let dockerfile = "FROM scratch\nCOPY a.txt /\n";
    let files = [("Dockerfile", dockerfile), ("a.txt", "a"), (".wfrun/aws.yml", account)];
    let repo = Repo::new(WORKFLOW, &files);
    let secrets = ["-s", "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "-s", "AWS_SECRET_ACCESS_KEY=key"];
    let ran = repo.sandbox(&[["--repository", "octo/news", "--offline"].as_slice(), &secrets].concat()).ends_with(0);
    let lines = ran.lines();
    for line in ["Login Succeeded!", "before: ", "the same image"] {
        assert!(lines.iter().any(|it| it.trim_end() == line.trim_end()), "{line}: {lines:?}");
    }
    assert!(!lines.iter().any(|it| it == "Dockerfile"), "the workspace is empty: {lines:?}");
    let declared = ran.of_type("declared");
    let subjects: Vec<&str> = declared.iter().filter_map(|it| it["subject"].as_str()).collect();
    for subject in ["docker/setup-buildx-action", "docker/build-push-action", "build-push-action cache-from"] {
        assert!(subjects.contains(&subject), "{subject}: {subjects:?}");
    }
    let strict = repo.sandbox(&[["--repository", "octo/news", "--strict"].as_slice(), &secrets].concat());
    strict.ends_with(5);
}

/// The public registry is not here: its token is, and that nothing was logged in to is declared.
#[test]
fn the_public_registry_is_declared() {
    if !can_sandbox() {
        return;
    }
    let workflow = "on: push
jobs:
  j:
    runs-on: ubuntu-latest
    env: {AWS_ACCESS_KEY_ID: '${{ secrets.AWS_ACCESS_KEY_ID }}', AWS_SECRET_ACCESS_KEY: '${{ secrets.AWS_SECRET_ACCESS_KEY }}', AWS_REGION: us-east-1}
    steps:
    - {id: l, uses: aws-actions/amazon-ecr-login@v2, with: {registry-type: public}}
    - run: echo \"${{ steps.l.outputs.registry }} ${{ steps.l.outputs.docker_username_public_ecr_aws }}\"
";
    // Green, and something did not run.
    let ran = Repo::new(workflow, &[]).sandbox(&[]).ends_with(5);
    assert!(ran.lines().iter().any(|it| it == "public.ecr.aws AWS"), "{:#?}", ran.lines());
    let declared = ran.of_type("declared");
    let login = declared.iter().find(|it| it["subject"] == "docker login public.ecr.aws").expect("it is declared");
    assert_eq!(login["how"], "not run");
    assert!(!ran.lines().iter().any(|it| it.contains("Logging out")), "{:#?}", ran.lines());
}
