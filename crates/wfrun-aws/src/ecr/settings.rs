//! The operations on the registry as a whole.

use serde_json::{Value, json};

use super::{Ecr, invalid};
use crate::account::Call;
use crate::protocol::ApiError;

/// Whether layers may be mounted from another repository.
pub(crate) const BLOB_MOUNTING: &str = "BLOB_MOUNTING";

/// Its name, the values it takes, and the one it has at first.
type Setting = (&'static str, &'static [&'static str], &'static str);

/// Source: AWS ECR API reference, `PutAccountSetting`.
static SETTINGS: [Setting; 3] = [
    (BLOB_MOUNTING, &["ENABLED", "DISABLED"], "DISABLED"),
    ("BASIC_SCAN_TYPE_VERSION", &["AWS_NATIVE"], "AWS_NATIVE"),
    ("REGISTRY_POLICY_SCOPE", &["V1", "V2"], "V2"),
];

/// The value of an account setting; an empty text for a name that is none.
pub(crate) fn setting<'a>(ecr: &'a Ecr, name: &str) -> &'a str {
    let first = SETTINGS.iter().find(|(known, ..)| *known == name).map_or("", |(.., first)| first);
    ecr.settings.get(name).map_or(first, String::as_str)
}

/// `PutAccountSetting`.
///
/// Source: AWS ECR API reference, `PutAccountSetting`.
/// Differs: of ECR's account settings only `BLOB_MOUNTING` has an effect.
pub(crate) fn put_account_setting(call: Call<'_>) -> Result<Value, ApiError> {
    let ((name, values, _), value) = (known(call)?, call.input.required("value")?);
    if !values.contains(&value) {
        return Err(invalid("value", format_args!("Member must satisfy enum value set: [{}]", values.join(", "))));
    }
    call.account.change(call.region(), |region| {
        region.ecr.settings.insert((*name).to_owned(), value.to_owned());
        Ok(json!({ "name": name, "value": value }))
    })
}

/// `GetAccountSetting`.
///
/// Source: AWS ECR API reference, `GetAccountSetting`.
pub(crate) fn get_account_setting(call: Call<'_>) -> Result<Value, ApiError> {
    let (name, ..) = known(call)?;
    let value = call.account.read(call.region(), |region| setting(&region.ecr, name).to_owned());
    Ok(json!({ "name": name, "value": value }))
}

/// `DescribeRegistry`: nothing is replicated.
///
/// Source: AWS ECR API reference, `DescribeRegistry`.
#[expect(clippy::unnecessary_wraps, reason = "operations may fail")]
pub(crate) fn describe_registry(call: Call<'_>) -> Result<Value, ApiError> {
    Ok(json!({ "registryId": call.account.account_id(), "replicationConfiguration": { "rules": [] } }))
}

/// The setting that an operation is about.
fn known(call: Call<'_>) -> Result<&'static Setting, ApiError> {
    let name = call.input.required("name")?;
    SETTINGS.iter().find(|(known, ..)| *known == name).ok_or_else(|| {
        let names = SETTINGS.map(|(name, ..)| name);
        invalid("name", format_args!("Member must satisfy enum value set: [{}]", names.join(", ")))
    })
}
