//! How inputs name images.

use serde_json::Value;

use super::{Repository, invalid};
use crate::account::Input;
use crate::protocol::ApiError;

/// What `imageIds` and `imageId` may name: a tag, a digest, or both.
pub(super) struct ImageId<'a> {
    pub(super) tag: Option<&'a str>,
    pub(super) digest: Option<&'a str>,
}

impl<'a> ImageId<'a> {
    pub(super) fn find<'r>(&self, repository: &'r Repository) -> Option<&'r str> {
        let by = |reference: Option<&'a str>| reference.map(|reference| repository.resolve(reference));
        match (by(self.tag), by(self.digest)) {
            (Some(tagged), Some(named)) => named.filter(|digest| tagged == Some(*digest)),
            (Some(found), None) | (None, Some(found)) => found,
            (None, None) => None,
        }
    }

    fn read(value: &'a Value, parameter: &str) -> Result<Self, ApiError> {
        let wrong = || ApiError::new("SerializationException", format!("`{parameter}` does not name images"));
        let id = Input(value.as_object().ok_or_else(wrong)?);
        Ok(Self { tag: id.text("imageTag")?, digest: id.text("imageDigest")? })
    }

    /// As ECR's messages show it.
    pub(super) fn shown(&self) -> String {
        let shown = |text: Option<&str>| text.map_or_else(|| "null".to_owned(), |text| format!("'{text}'"));
        format!("{{imageDigest:{}, imageTag:{}}}", shown(self.digest), shown(self.tag))
    }

    pub(super) fn not_found(&self, name: &str, account: &str) -> ApiError {
        let message = format!(
            "The image with imageId {} does not exist within the repository with name '{name}' in the registry with id \
             '{account}'",
            self.shown()
        );
        ApiError::new("ImageNotFoundException", message)
    }
}

/// `imageIds`: at most 100.
pub(super) fn image_ids(input: Input<'_>) -> Result<Vec<ImageId<'_>>, ApiError> {
    let ids = input.list("imageIds")?;
    if ids.len() > 100 {
        return Err(invalid("imageIds", "Member must have length less than or equal to 100"));
    }
    ids.iter().map(|id| ImageId::read(id, "imageIds")).collect()
}

/// `imageIds` of an operation that wants at least one.
pub(super) fn some_image_ids(input: Input<'_>) -> Result<Vec<ImageId<'_>>, ApiError> {
    let ids = image_ids(input)?;
    if ids.is_empty() {
        Err(invalid("imageIds", "Member must have length greater than or equal to 1"))
    } else {
        Ok(ids)
    }
}

/// `imageId`.
pub(super) fn image_id(input: Input<'_>) -> Result<ImageId<'_>, ApiError> {
    let id = input.get("imageId").ok_or_else(|| invalid("imageId", "Member must not be null"))?;
    ImageId::read(id, "imageId")
}
