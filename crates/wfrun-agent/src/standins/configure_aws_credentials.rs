//! Stand-in for `aws-actions/configure-aws-credentials`: access keys of the inputs, or of a role, into the job's environment.

mod web_identity;

use super::aws_client::{AwsClient, AwsError, Credentials, STS, xml_text};
use super::error::{REAL_ACTION, StandInError};
use super::toolkit::{self, How};
use super::{Invocation, Phase, Version};

const ACTION: &str = "aws-actions/configure-aws-credentials";
const USER_AGENT: &str = "configure-aws-credentials-for-github-actions";

/// Runs the action.
///
/// Source: the AWS rules §1.2, and the README of `aws-actions/configure-aws-credentials`.
/// Differs: `aws-actions/configure-aws-credentials` v6 retries a refused call for up to 100 s; the stand-in reports the refusal at once.
pub(super) fn run(invocation: &Invocation) -> Result<(), StandInError> {
    match invocation.phase {
        Phase::Main => configure(invocation.version),
        Phase::Post => clean_up(invocation.version),
    }
}

/// The inputs that decide something here.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "the action has these switches")]
struct Settings {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    region: String,
    mask_account: bool,
    output_credentials: bool,
    export_credentials: bool,
    unset_current: bool,
    use_existing: bool,
    allowed_accounts: Vec<String>,
}

/// Who the keys belong to.
#[derive(Debug)]
struct Identity {
    account: String,
    arn: String,
}

impl Settings {
    fn from_inputs(version: Version) -> Result<Self, StandInError> {
        let region = input(version, "aws-region");
        if region.is_empty() {
            return Err(StandInError::action("Input required and not supplied: aws-region"));
        }
        let mask_account = if version.major <= 2 {
            // Whatever is not a word for false hides the account, nothing at all too.
            matches!(toolkit::input("mask-aws-account-id").to_ascii_lowercase().as_str(), "" | "true")
        } else {
            boolean(version, "mask-aws-account-id", false)?
        };
        let allowed = toolkit::input("allowed-account-ids");
        Ok(Self {
            access_key_id: toolkit::input("aws-access-key-id"),
            secret_access_key: toolkit::input("aws-secret-access-key"),
            session_token: toolkit::input("aws-session-token"),
            region,
            mask_account,
            output_credentials: boolean(version, "output-credentials", false)?,
            export_credentials: boolean(version, "output-env-credentials", true)?,
            unset_current: boolean(version, "unset-current-credentials", false)?,
            use_existing: boolean(version, "use-existing-credentials", false)?,
            allowed_accounts: allowed
                .split(',')
                .map(str::trim)
                .filter(|id| !id.is_empty())
                .map(str::to_owned)
                .collect(),
        })
    }
}

fn configure(version: Version) -> Result<(), StandInError> {
    refuse_what_is_missing(version)?;
    let settings = Settings::from_inputs(version)?;
    if settings.unset_current && settings.export_credentials {
        export_empty(&[
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AWS_REGION",
            "AWS_DEFAULT_REGION",
        ])?;
    }
    let region = &settings.region;
    if !region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-') {
        return Err(StandInError::action(format!("Region is not valid: {region}")));
    }
    if settings.export_credentials {
        toolkit::export_variable("AWS_DEFAULT_REGION", region)?;
        toolkit::export_variable("AWS_REGION", region)?;
    }
    if settings.use_existing {
        if Credentials::from_environment().is_some_and(|keys| identify(&settings, keys).is_ok()) {
            toolkit::notice("Pre-existing credentials are valid. No need to generate new ones.");
            return Ok(());
        }
        toolkit::notice("No valid credentials exist. Running as normal.");
    }
    let credentials = if web_identity::is_wanted(version) {
        let credentials = web_identity::assume(version, &settings)?;
        export_keys(version, &settings, &credentials)?;
        credentials
    } else if settings.access_key_id.is_empty() {
        web_identity::hint(version);
        Credentials::from_environment().ok_or_else(|| {
            StandInError::action(
                "Credentials could not be loaded, please check your action inputs: \
                 Could not load credentials from any providers",
            )
        })?
    } else {
        export(version, &settings)?
    };
    let identity = identify(&settings, credentials).map_err(|error| refused(version, error))?;
    check_account(&settings, &identity)?;
    tell_account(version, &settings, &identity)?;
    if version.major >= 3 && !web_identity::is_wanted(version) {
        toolkit::info("Proceeding with IAM user credentials");
    }
    Ok(())
}

fn refuse_what_is_missing(version: Version) -> Result<(), StandInError> {
    // Without keys it takes an ID token; without that either, the action finds no credentials.
    let has_keys = !toolkit::input("aws-access-key-id").is_empty() || Credentials::from_environment().is_some();
    let is_role_taken = web_identity::is_wanted(version) || !has_keys;
    for (name, what) in [
        ("role-to-assume", "assuming a role with keys (`role-to-assume`)"),
        ("web-identity-token-file", "a web identity (`web-identity-token-file`)"),
        ("aws-profile", "writing a profile (`aws-profile`)"),
    ] {
        let is_taken = name == "role-to-assume" && is_role_taken;
        if !input(version, name).is_empty() && !is_taken {
            return Err(StandInError::NotSupported {
                action: ACTION,
                what: what.to_owned(),
                way_out: format!(
                    "give the step `aws-access-key-id` and `aws-secret-access-key` alone, since the emulated account takes any \
                     pair, {REAL_ACTION}"
                ),
            });
        }
    }
    for name in ["http-proxy", "sts-endpoint"] {
        if !toolkit::input(name).is_empty() {
            toolkit::declare(How::NotRun, &format!("{ACTION} {name}"), "the account on this machine is asked directly");
        }
    }
    Ok(())
}

/// Source: the AWS rules §1.2: the masks come before the exports, and the exports before any check of the keys.
fn export(version: Version, settings: &Settings) -> Result<Credentials, StandInError> {
    if settings.secret_access_key.is_empty() {
        return Err(StandInError::action(
            "'aws-secret-access-key' must be provided if 'aws-access-key-id' is provided",
        ));
    }
    let credentials = Credentials {
        access_key_id: settings.access_key_id.clone(),
        secret_access_key: settings.secret_access_key.clone(),
        session_token: Some(settings.session_token.clone()).filter(|token| !token.is_empty()),
    };
    export_keys(version, settings, &credentials)?;
    Ok(credentials)
}

fn export_keys(version: Version, settings: &Settings, credentials: &Credentials) -> Result<(), StandInError> {
    let pairs = [
        ("AWS_ACCESS_KEY_ID", "aws-access-key-id", Some(&credentials.access_key_id)),
        ("AWS_SECRET_ACCESS_KEY", "aws-secret-access-key", Some(&credentials.secret_access_key)),
        ("AWS_SESSION_TOKEN", "aws-session-token", credentials.session_token.as_ref()),
    ];
    for (_, _, value) in &pairs {
        if let Some(value) = value {
            toolkit::mask(value);
        }
    }
    for (variable, output, value) in &pairs {
        match value {
            Some(value) => {
                if settings.export_credentials {
                    toolkit::export_variable(variable, value)?;
                }
                if settings.output_credentials && version.major >= 3 {
                    toolkit::set_output(output, value)?;
                }
            }
            // A token of earlier credentials does not fit these keys.
            None if settings.export_credentials && !toolkit::variable(variable).is_empty() => {
                toolkit::export_variable(variable, "")?;
            }
            None => {}
        }
    }
    Ok(())
}

fn identify(settings: &Settings, credentials: Credentials) -> Result<Identity, AwsError> {
    let client = AwsClient::new(settings.region.as_str(), credentials, USER_AGENT);
    let answer = client.query(STS, "GetCallerIdentity", &[])?;
    Ok(Identity {
        account: xml_text(&answer, "Account").unwrap_or_default(),
        arn: xml_text(&answer, "Arn").unwrap_or_default(),
    })
}

fn refused(version: Version, error: AwsError) -> StandInError {
    let error = StandInError::Aws(error);
    if version.major < 6 {
        return error;
    }
    StandInError::action(format!("Credentials could not be loaded, please check your action inputs: {}", error.chain()))
}

fn check_account(settings: &Settings, identity: &Identity) -> Result<(), StandInError> {
    if settings.allowed_accounts.is_empty() || settings.allowed_accounts.contains(&identity.account) {
        return Ok(());
    }
    Err(StandInError::action(format!(
        "The account ID of the provided credentials ({}) does not match any of the expected account IDs: {}",
        identity.account,
        settings.allowed_accounts.join(", ")
    )))
}

fn tell_account(version: Version, settings: &Settings, identity: &Identity) -> Result<(), StandInError> {
    let knows_arn = version.major > 4 || (version.major == 4 && version.is_at_least(3, 0, (3, 1)));
    if version.major >= 3 && (identity.account.is_empty() || identity.arn.is_empty()) {
        return Err(StandInError::action("Could not get Account ID or ARN from STS. Did you set credentials?"));
    }
    if settings.mask_account {
        toolkit::mask(&identity.account);
        if knows_arn {
            toolkit::mask(&identity.arn);
        }
    }
    toolkit::set_output("aws-account-id", &identity.account)?;
    if knows_arn { toolkit::set_output("authenticated-arn", &identity.arn) } else { Ok(()) }
}

fn clean_up(version: Version) -> Result<(), StandInError> {
    // Empty counts as absent for the AWS tools; a variable cannot be taken away.
    let default = version.major < 6 || toolkit::input("aws-profile").is_empty();
    if !boolean(version, "output-env-credentials", default)? {
        return Ok(());
    }
    export_empty(&[
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
    ])
}

fn export_empty(names: &[&str]) -> Result<(), StandInError> {
    names.iter().try_for_each(|name| toolkit::export_variable(name, ""))
}

/// From v4.2 on a variable of the input's name stands in for a missing input: `AWS_REGION` for `aws-region`.
fn input(version: Version, name: &str) -> String {
    let value = toolkit::input(name);
    let reads_variables = version.major > 4 || (version.major == 4 && version.is_at_least(2, 0, (3, 1)));
    let has_variable = matches!(
        name,
        "aws-region"
            | "role-to-assume"
            | "role-session-name"
            | "role-duration-seconds"
            | "audience"
            | "web-identity-token-file"
            | "mask-aws-account-id"
            | "output-credentials"
            | "unset-current-credentials"
            | "use-existing-credentials"
    );
    if value.is_empty() && reads_variables && has_variable {
        return toolkit::variable(&name.replace('-', "_").to_uppercase()).trim().to_owned();
    }
    value
}

/// Up to v4 only the word `true` is true; from v5 on what is no boolean is an error.
fn boolean(version: Version, name: &str, default: bool) -> Result<bool, StandInError> {
    let value = input(version, name);
    match value.as_str() {
        "" => Ok(default),
        _ if version.major < 5 => Ok(value.eq_ignore_ascii_case("true")),
        _ => toolkit::boolean(name, &value),
    }
}
