//! Whether tags may be moved, and which are excepted.

use serde_json::{Value, json};

use super::invalid;
use crate::account::Input;
use crate::account_file::TagMutability;
use crate::protocol::ApiError;

/// `imageTagMutability` and `imageTagMutabilityExclusionFilters` of an input.
///
/// Source: AWS ECR API reference, `PutImageTagMutability`: one to five filters, exactly with the values that end in `_WITH_EXCLUSION`.
pub(super) fn read(input: Input<'_>) -> Result<(Option<TagMutability>, Vec<String>), ApiError> {
    const PARAMETER: &str = "imageTagMutability";
    const FILTERS: &str = "imageTagMutabilityExclusionFilters";
    let mutability = match input.text(PARAMETER)? {
        None => None,
        Some(text) => {
            let values = "Member must satisfy enum value set: [MUTABLE, IMMUTABLE, IMMUTABLE_WITH_EXCLUSION, MUTABLE_WITH_EXCLUSION]";
            let known = serde_json::from_value(json!(text));
            Some(known.map_err(|_| invalid(PARAMETER, values))?)
        }
    };
    let filters = input.list(FILTERS)?.iter().map(filter).collect::<Result<Vec<_>, _>>()?;
    let excepts =
        matches!(mutability, Some(TagMutability::ImmutableWithExclusion | TagMutability::MutableWithExclusion));
    match (excepts, filters.len()) {
        (true, 1..=5) | (false, 0) => Ok((mutability, filters)),
        (true, _) => Err(invalid(FILTERS, "Member must have length between 1 and 5")),
        (false, _) => Err(invalid(FILTERS, "Filters are for IMMUTABLE_WITH_EXCLUSION and MUTABLE_WITH_EXCLUSION only")),
    }
}

fn filter(value: &Value) -> Result<String, ApiError> {
    let text = value["filter"].as_str().filter(|text| is_filter(text) && value["filterType"] == "WILDCARD");
    let constraint = "filterType must be WILDCARD and filter must satisfy regular expression '^[0-9a-zA-Z._*-]{1,128}$' with at most 2 wildcards";
    text.map(ToOwned::to_owned).ok_or_else(|| invalid("imageTagMutabilityExclusionFilters", constraint))
}

/// Source: AWS ECR API reference, `ImageTagMutabilityExclusionFilter`; at most two wildcards (AWS ECR user guide).
fn is_filter(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._*-".contains(&byte);
    (1..=128).contains(&text.len()) && text.bytes().all(allowed) && text.matches('*').count() <= 2
}

/// Filters as AWS shows them; absent where there are none.
pub(super) fn described(exclusions: &[String]) -> Value {
    if exclusions.is_empty() {
        return Value::Null;
    }
    exclusions.iter().map(|filter| json!({ "filterType": "WILDCARD", "filter": filter })).collect()
}

#[cfg(test)]
mod tests {
    use super::is_filter;

    #[test]
    fn filters() {
        for good in ["a", "*", "dev-*", "*.rc*"] {
            assert!(is_filter(good), "{good}");
        }
        for bad in ["", "a b", "***", &"a".repeat(129)] {
            assert!(!is_filter(bad), "{bad}");
        }
    }
}
