//! The operations on scans. Nothing is scanned here, and nothing says so that could be taken for "no findings".

use serde_json::Value;

use super::image_ids::image_id;
use super::{look, named};
use crate::account::Call;
use crate::protocol::ApiError;

/// `StartImageScan` is refused.
///
/// Source: AWS ECR API reference, `StartImageScan`.
/// Differs: images are not scanned: `StartImageScan` is refused and `DescribeImageScanFindings` knows of no scan.
pub(crate) fn start_image_scan(call: Call<'_>) -> Result<Value, ApiError> {
    asked_for(call)?;
    let message = "wfrun: images are not scanned here, so there are no findings to trust";
    Err(ApiError::new("ValidationException", message))
}

/// `DescribeImageScanFindings`: there was no scan.
///
/// Source: AWS ECR API reference, `DescribeImageScanFindings`.
pub(crate) fn describe_image_scan_findings(call: Call<'_>) -> Result<Value, ApiError> {
    let image = asked_for(call)?;
    let (name, account) = (named(call)?, call.account.account_id());
    let message = format!(
        "Image scan does not exist for the image with '{image}' in the repository with name '{name}' in the registry with id \
         '{account}' (wfrun: images are not scanned)"
    );
    Err(ApiError::new("ScanNotFoundException", message))
}

/// The image that is asked for, as messages show it; it must be there.
fn asked_for(call: Call<'_>) -> Result<String, ApiError> {
    let name = named(call)?;
    let id = image_id(call.input)?;
    let is_there = look(call, name, |found| id.find(found).is_some())?;
    if is_there { Ok(id.shown()) } else { Err(id.not_found(name, call.account.account_id())) }
}
