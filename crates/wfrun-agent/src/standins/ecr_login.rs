//! Stand-in for `aws-actions/amazon-ecr-login`: `docker login` with a token of the account.

use std::process::Command;

use serde_json::{Value, json};

use super::aws_client::{AwsClient, ECR, ECR_PUBLIC};
use super::error::StandInError;
use super::toolkit::{self, How};
use super::{Invocation, Phase, Version, aws_client, docker, program};

const USER_AGENT: &str = "amazon-ecr-login-for-github-actions";

/// Runs the action.
///
/// Source: the AWS rules §1.3, and the README of `aws-actions/amazon-ecr-login`.
pub(super) fn run(invocation: &Invocation) -> Result<(), StandInError> {
    match invocation.phase {
        Phase::Main => {
            let mut logged_in = Vec::new();
            let result = log_in(invocation.version, &mut logged_in);
            // Kept after a failure too: what was logged in must be logged out.
            if !logged_in.is_empty() && !toolkit::loose_boolean_input("skip-logout") {
                toolkit::save_state("registries", &logged_in.join(","))?;
            }
            result
        }
        Phase::Post => log_out(),
    }
}

/// A registry and the name and password for it.
struct Login {
    endpoint: String,
    user: String,
    password: String,
}

fn log_in(version: Version, logged_in: &mut Vec<String>) -> Result<(), StandInError> {
    let kind = toolkit::input("registry-type").to_ascii_lowercase();
    if !matches!(kind.as_str(), "" | "private" | "public") {
        return Err(StandInError::action("Invalid input for 'registry-type', possible options are [private, public]"));
    }
    let mask_password = if version.major == 1 {
        toolkit::loose_boolean_input("mask-password")
    } else {
        !toolkit::input("mask-password").eq_ignore_ascii_case("false")
    };
    if !mask_password {
        warn_of_password(version);
    }
    if !toolkit::input("http-proxy").is_empty() {
        toolkit::declare(How::NotRun, "amazon-ecr-login http-proxy", "the account on this machine is asked directly");
    }
    let logins = if kind == "public" { public_login(version)? } else { private_logins(version)? };
    for login in &logins {
        let registry = without_scheme(&login.endpoint);
        toolkit::info(&format!("Logging into registry {registry}"));
        if logins.len() == 1 {
            // Before the login, so that the output is there even when that fails.
            toolkit::set_output("registry", registry)?;
        }
        if kind == "public" {
            not_logged_in(registry);
        } else {
            docker_login(login, registry)?;
            logged_in.push(registry.to_owned());
        }
        let suffix = output_suffix(registry);
        if mask_password {
            toolkit::mask(&login.password);
        }
        toolkit::set_output(&format!("docker_username_{suffix}"), &login.user)?;
        toolkit::set_output(&format!("docker_password_{suffix}"), &login.password)?;
    }
    Ok(())
}

/// Most log in there to pull what everybody may; a push says itself that it cannot be.
///
/// Differs: the stand-in for `aws-actions/amazon-ecr-login` gets a token of the account for `registry-type: public`, and does not log in
/// to `public.ecr.aws`, which is not on this machine; that is declared.
fn not_logged_in(registry: &str) {
    let detail = "the registry is not on this machine, so nothing was logged in to; the token is the account's";
    toolkit::declare(How::NotRun, &format!("docker login {registry}"), detail);
}

fn warn_of_password(version: Version) {
    let mut message = "Your docker password is not masked. See \
                       https://github.com/aws-actions/amazon-ecr-login#docker-credentials for more information."
        .to_owned();
    if version.major == 1 {
        message.push_str(
            " The default value of the 'mask-password' input has changed from 'false' to 'true' in the v2 release. \
             See https://github.com/aws-actions/amazon-ecr-login/issues/526 for more information.",
        );
    }
    toolkit::warning(&message);
}

fn client(version: Version, region: Option<&str>) -> Result<AwsClient, StandInError> {
    let credentials = aws_client::Credentials::from_environment();
    if version.major >= 2 && version.is_at_least(0, 2, (1, 7)) {
        let source =
            if credentials.is_some() { "environment variable credentials" } else { "default AWS credential chain" };
        toolkit::info(&format!("Using {source}."));
    }
    let Some(region) = region else {
        return AwsClient::from_environment(USER_AGENT).map_err(StandInError::from_sdk);
    };
    let credentials = credentials.ok_or_else(|| StandInError::from_sdk(aws_client::AwsError::NoCredentials))?;
    Ok(AwsClient::new(region, credentials, USER_AGENT))
}

fn private_logins(version: Version) -> Result<Vec<Login>, StandInError> {
    let registries = toolkit::input("registries");
    let request = if registries.is_empty() {
        json!({})
    } else {
        json!({ "registryIds": registries.split(',').collect::<Vec<_>>() })
    };
    let answer = client(version, None)?.json(ECR, "GetAuthorizationToken", &request)?;
    let entries = answer["authorizationData"]
        .as_array()
        .ok_or_else(|| StandInError::action("Amazon ECR authorization token is invalid"))?;
    if entries.is_empty() {
        return Err(StandInError::action("Amazon ECR authorization token does not contain any authorization data"));
    }
    entries.iter().map(|entry| login(entry, entry["proxyEndpoint"].as_str().unwrap_or_default())).collect()
}

fn public_login(version: Version) -> Result<Vec<Login>, StandInError> {
    // The public registry has its tokens in this region only; v1 asks in the job's region, as it always did.
    let region = if version.major >= 2 { Some("us-east-1") } else { None };
    let answer = client(version, region)?.json(ECR_PUBLIC, "GetAuthorizationToken", &json!({}))?;
    Ok(vec![login(&answer["authorizationData"], "public.ecr.aws")?])
}

fn login(entry: &Value, endpoint: &str) -> Result<Login, StandInError> {
    let invalid = || StandInError::action("Amazon ECR authorization token is invalid");
    let token = entry["authorizationToken"].as_str().ok_or_else(invalid)?;
    let (user, password) = aws_client::registry_login(token).ok_or_else(invalid)?;
    Ok(Login { endpoint: endpoint.to_owned(), user, password })
}

/// The password goes through a pipe: arguments of a process can be read by others.
fn docker_login(login: &Login, registry: &str) -> Result<(), StandInError> {
    let mut command = Command::new("docker");
    command.args(["login", "-u", &login.user, "--password-stdin", &login.endpoint]);
    let output = program::output(&mut command, Some(login.password.as_bytes()), docker::INSTALL)?;
    if output.status.success() {
        return Ok(());
    }
    toolkit::debug(&String::from_utf8_lossy(&output.stdout));
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(StandInError::action(format!("Could not login to registry {registry}: {stderr}")))
}

fn log_out() -> Result<(), StandInError> {
    let registries = toolkit::state("registries");
    let mut failed = Vec::new();
    for registry in registries.split(',').filter(|registry| !registry.is_empty()) {
        toolkit::info(&format!("Logging out of registry {registry}"));
        let mut command = Command::new("docker");
        let output = program::output(command.args(["logout", registry]), None, docker::INSTALL)?;
        if !output.status.success() {
            toolkit::debug(&String::from_utf8_lossy(&output.stdout));
            let stderr = String::from_utf8_lossy(&output.stderr);
            toolkit::error(&format!("Could not logout of registry {registry}: {stderr}"));
            failed.push(registry);
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(StandInError::action(format!("Failed to logout: {}", failed.join(","))))
}

fn without_scheme(endpoint: &str) -> &str {
    endpoint.strip_prefix("https://").or_else(|| endpoint.strip_prefix("http://")).unwrap_or(endpoint)
}

/// Every run of characters that a name may not have becomes one `_`.
fn output_suffix(registry: &str) -> String {
    let mut suffix = String::new();
    let mut in_run = false;
    for letter in registry.chars() {
        let is_plain = letter.is_ascii_alphanumeric() || letter == '_';
        if is_plain {
            suffix.push(letter);
        } else if !in_run {
            suffix.push('_');
        }
        in_run = !is_plain;
    }
    suffix
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;

    use super::*;

    #[test]
    fn names_outputs() {
        for (registry, expected) in [
            ("127.0.0.1:5557", "127_0_0_1_5557"),
            ("123456789012.dkr.ecr.us-east-1.amazonaws.com", "123456789012_dkr_ecr_us_east_1_amazonaws_com"),
            ("a.-:b_", "a_b_"),
        ] {
            assert_eq!(output_suffix(registry), expected);
        }
    }

    #[test]
    fn tokens_are_a_name_and_a_password() {
        let token = |text: &str| json!({ "authorizationToken": BASE64_STANDARD.encode(text) });
        let found = login(&token("AWS:secret"), "http://127.0.0.1:1").expect("is a token");
        assert_eq!((found.user.as_str(), found.password.as_str()), ("AWS", "secret"));
        assert!(login(&token("AWS"), "").is_err());
        assert!(login(&json!({}), "").is_err());
    }
}
