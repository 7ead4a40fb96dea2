//! Names of Amazon's registries, and where the emulated account has its own.

use std::net::IpAddr;

use serde_json::{Value, json};

use crate::ecr_registry::{self, EcrRegistry};
use crate::standins::aws_client::{self, AwsClient, Credentials, ECR, ECR_PUBLIC};
use crate::standins::error::StandInError;
use crate::standins::toolkit;

const USER_AGENT: &str = "docker-login-action";
const PUBLIC: &str = "public.ecr.aws";

/// A registry, with name and password for it.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) registry: String,
    pub(super) user: String,
    pub(super) password: String,
}

/// Account and region in the name of a private registry. `wide` takes the names with `dkr-ecr` and `on.aws`, too.
///
/// Source: `docker/login-action`, `src/aws.ts`: up to v3.4, and from v3.5 on.
fn parts(registry: &str, wide: bool) -> Option<(&str, &str)> {
    let host = registry.split('/').next()?;
    let (account, rest) = host.split_at_checked(12)?;
    if !account.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let rest = match rest.strip_prefix(".dkr.ecr.") {
        Some(rest) => rest,
        None if wide => rest.strip_prefix(".dkr-ecr.")?,
        None => return None,
    };
    let narrow_ends: &[&str] = &[".amazonaws.com", ".amazonaws.com.cn"];
    let wide_ends: &[&str] = if wide { &[".on.aws", ".amazonaws.eu"] } else { &[] };
    let region = narrow_ends.iter().chain(wide_ends).find_map(|end| rest.strip_suffix(end))?;
    (!region.is_empty()).then_some((account, region))
}

fn is_public(registry: &str, wide: bool) -> bool {
    if wide { registry.contains(PUBLIC) || registry.contains("ecr-public.aws.com") } else { registry == PUBLIC }
}

/// Whether a name is one of Amazon's registries.
pub(super) fn is_ecr(registry: &str, wide: bool) -> bool {
    is_public(registry, wide) || parts(registry, wide).is_some()
}

/// Where the emulated account has the registry of this name, as `127.0.0.1:5000`.
///
/// `None` for a name that is not a private registry of Amazon's, where `docker` knows it by this name, and where the job has no
/// account on this machine.
pub(super) fn emulated(registry: &str) -> Option<String> {
    parts(registry, true)?;
    let named = EcrRegistry::of_variable(&toolkit::variable(ecr_registry::VARIABLE));
    let host = registry.split('/').next().unwrap_or(registry);
    if named.is_some_and(|it| it.is_named(host)) {
        return None;
    }
    let own = toolkit::variable("AWS_ENDPOINT_URL_ECR");
    let url = if own.is_empty() { toolkit::variable("AWS_ENDPOINT_URL") } else { own };
    let address = url.strip_prefix("http://")?.trim_end_matches('/').to_owned();
    let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host);
    let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|it| it.is_loopback());
    is_here.then_some(address)
}

/// Asks the account for logins.
///
/// Source: `docker/login-action`, `src/aws.ts`, `getRegistriesData`. The step's user and password are an access key.
pub(super) fn logins(
    registry: &str,
    user: &str,
    password: &str,
    wide: bool,
    is_masked: bool,
) -> Result<Vec<Login>, StandInError> {
    let region = match parts(registry, wide) {
        Some((_, region)) => Some(region.to_owned()),
        None => ["AWS_REGION", "AWS_DEFAULT_REGION"].map(toolkit::variable).into_iter().find(|it| !it.is_empty()),
    };
    let is_public = is_public(registry, wide);
    let region = region.or_else(|| is_public.then(|| "us-east-1".to_owned()));
    let kind = if is_public { "AWS Public ECR" } else { "AWS ECR" };
    toolkit::info(&format!("{kind} detected with {} region", region.as_deref().unwrap_or_default()));
    let region = region.ok_or_else(|| StandInError::from_sdk(aws_client::AwsError::NoRegion))?;
    let given = (!user.is_empty() && !password.is_empty()).then(|| Credentials {
        access_key_id: user.to_owned(),
        secret_access_key: password.to_owned(),
        session_token: None,
    });
    let credentials = given
        .or_else(Credentials::from_environment)
        .ok_or_else(|| StandInError::from_sdk(aws_client::AwsError::NoCredentials))?;
    let client = AwsClient::new(region, credentials, USER_AGENT);
    let ask = |service, request: &Value| {
        client.json(service, "GetAuthorizationToken", request).map_err(StandInError::from_sdk)
    };
    let found = if is_public {
        let answer = ask(ECR_PUBLIC, &json!({}))?;
        let token = answer["authorizationData"]["authorizationToken"].as_str();
        vec![login(PUBLIC, token, kind)?]
    } else {
        let answer = ask(ECR, &request(registry, wide))?;
        let entries = answer["authorizationData"].as_array().filter(|it| !it.is_empty());
        let entries = entries.ok_or_else(|| no_token(kind))?.iter();
        let read = |entry: &Value| {
            let endpoint = entry["proxyEndpoint"].as_str().unwrap_or_default();
            login(endpoint, entry["authorizationToken"].as_str(), kind)
        };
        entries.map(read).collect::<Result<_, _>>()?
    };
    if is_masked {
        for login in &found {
            toolkit::mask(&login.user);
            toolkit::mask(&login.password);
        }
    }
    Ok(found)
}

/// The registries asked for: the name's account, and those of `AWS_ACCOUNT_IDS`.
fn request(registry: &str, wide: bool) -> Value {
    let Some((account, _)) = parts(registry, wide) else { return json!({}) };
    let more = toolkit::variable("AWS_ACCOUNT_IDS");
    let mut accounts = vec![account];
    for other in more.split(',').filter(|it| !it.is_empty()) {
        if !accounts.contains(&other) {
            accounts.push(other);
        }
    }
    json!({ "registryIds": accounts })
}

fn login(registry: &str, token: Option<&str>, kind: &str) -> Result<Login, StandInError> {
    let (user, password) = token.and_then(aws_client::registry_login).ok_or_else(|| no_token(kind))?;
    Ok(Login { registry: registry.to_owned(), user, password })
}

fn no_token(kind: &str) -> StandInError {
    StandInError::action(format!("Could not retrieve an authorization token from {kind}"))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;

    use super::*;

    #[test]
    fn names_of_registries() {
        let own = |region| Some(("123456789012", region));
        for (registry, narrow, wide) in [
            ("123456789012.dkr.ecr.eu-west-3.amazonaws.com", own("eu-west-3"), own("eu-west-3")),
            ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", own("cn-north-1"), own("cn-north-1")),
            ("123456789012.dkr.ecr.eu-west-3.amazonaws.com/a/b", own("eu-west-3"), own("eu-west-3")),
            ("123456789012.dkr-ecr.us-west-1.on.aws", None, own("us-west-1")),
            ("12345678901.dkr.ecr.eu-west-3.amazonaws.com", None, None),
            ("123456789012.dkr.ecr..amazonaws.com", None, None),
            ("127.0.0.1:5000", None, None),
            ("ghcr.io", None, None),
            ("", None, None),
        ] {
            assert_eq!((parts(registry, false), parts(registry, true)), (narrow, wide), "{registry}");
        }
        assert!(is_ecr("public.ecr.aws", false) && is_ecr("https://ecr-public.aws.com", true));
        assert!(!is_ecr("https://public.ecr.aws", false));
    }

    #[test]
    fn tokens_are_a_name_and_a_password() {
        let token = BASE64_STANDARD.encode("AWS:secret");
        let found = login("http://127.0.0.1:1", Some(&token), "AWS ECR").expect("is a token");
        assert_eq!((found.user.as_str(), found.password.as_str()), ("AWS", "secret"));
        for wrong in [None, Some("?"), Some("QVdT")] {
            assert!(login("", wrong, "AWS ECR").is_err(), "{wrong:?}");
        }
    }
}
