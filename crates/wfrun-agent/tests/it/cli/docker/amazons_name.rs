//! The account's registry by Amazon's name.

use super::registry::Registry;
use super::{built, image};
use crate::cli::Surroundings;

/// Where the run says so, the emulated account's registry has Amazon's name; no other of Amazon's is known.
#[test]
fn amazons_name_of_the_accounts_registry() {
    let registry = Registry::start();
    let mut surroundings = Surroundings::new();
    surroundings.set("WFRUN_ECR_REGISTRY", &format!("123456789012={}", registry.address()));
    let name = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
    surroundings.write("Dockerfile", "FROM scratch\nUSER x\n");
    built(&surroundings.run(&format!("docker build -t {name}/news-api:1 .")));
    built(&surroundings.run_with_input(&format!("docker login -u AWS --password-stdin https://{name}"), "secret\n"));
    let pushed = surroundings.run(&format!("docker push {name}/news-api:1"));
    built(&pushed);
    assert!(
        pushed.output.starts_with(&format!("The push refers to repository [{name}/news-api]\n")),
        "{}",
        pushed.output
    );
    assert!(registry.manifest("news-api", "1").is_some(), "it is there");
    built(&surroundings.run(&format!("docker rmi {name}/news-api:1")));
    surroundings.write("Dockerfile", format!("FROM {name}/news-api:1\nUSER y\n"));
    built(&surroundings.run("docker build -t child ."));
    assert_eq!(image(&surroundings, "child:latest").0["config"]["User"], "y");
    let other = surroundings.run("docker pull 210987654321.dkr.ecr.eu-west-1.amazonaws.com/news-api:1");
    assert!(other.code == 1 && other.errors.contains("is not on this machine"), "{}", other.errors);
    surroundings.set("WFRUN_ECR_REGISTRY", "123456789012=10.0.0.1:5000");
    let elsewhere = surroundings.run(&format!("docker pull {name}/news-api:1"));
    assert!(elsewhere.code == 1 && elsewhere.errors.contains("is not on this machine"), "{}", elsewhere.errors);
}
