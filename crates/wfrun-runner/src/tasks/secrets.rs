//! Values of `secrets` in container definitions.
use indexmap::IndexMap;

/// The value that `valueFrom` names, from the map of the account file; `Err` has ECS' words.
///
/// A secret of Secrets Manager is found by its ARN, or by its name with or without the six characters that AWS adds; a parameter by
/// its ARN or its name. `:key::` at an ARN's end takes that member of a JSON value.
///
/// Source: AWS ECS developer guide, "Pass sensitive data to an Amazon ECS container", and "Troubleshooting `ResourceInitializationError`".
/// Differs: values of secrets and parameters are those of `ecs.secrets` in the account file; no policy is asked for them.
pub(super) fn value(value_from: &str, known: &IndexMap<String, String>) -> Result<String, String> {
    let (names, member) = names(value_from);
    let Some(found) = names.iter().find_map(|name| known.get(name)) else { return Err(missing(value_from)) };
    let Some(member) = member else { return Ok(found.clone()) };
    let read: Option<serde_json::Value> = serde_json::from_str(found).ok();
    let value = read.as_ref().and_then(|it| it.get(&member));
    match value {
        Some(serde_json::Value::String(text)) => Ok(text.clone()),
        Some(other) => Ok(other.to_string()),
        None => Err(format!(
            "{UNABLE}: execution resource retrieval failed: unable to retrieve secret from asm: service call has been retried 1 \
             time(s): retrieved secret from Secrets Manager did not contain json key {member}"
        )),
    }
}

const UNABLE: &str = "ResourceInitializationError: unable to pull secrets or registry auth";

fn missing(value_from: &str) -> String {
    let what = if value_from.contains(":secretsmanager:") {
        format!(
            "unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch secret {value_from} \
             from secrets manager: ResourceNotFoundException: Secrets Manager can't find the specified secret."
        )
    } else {
        format!(
            "unable to retrieve secrets from ssm: service call has been retried 1 time(s): invalid parameters: {value_from}"
        )
    };
    format!(
        "{UNABLE}: execution resource retrieval failed: {what} (wfrun: give its value under `ecs.secrets` of the account file)"
    )
}

/// The names under which the account file may have it, and the member of its JSON.
fn names(value_from: &str) -> (Vec<String>, Option<String>) {
    let mut names = vec![value_from.to_owned()];
    if let Some((_, name)) = value_from.split_once(":parameter/") {
        names.extend([format!("/{name}"), name.to_owned()]);
        return (names, None);
    }
    let Some((head, rest)) = value_from.split_once(":secret:") else { return (names, None) };
    let mut parts = rest.split(':');
    let name = parts.next().unwrap_or_default();
    names.extend([format!("{head}:secret:{name}"), name.to_owned()]);
    // Source: AWS Secrets Manager user guide: a hyphen and six random characters end the ARN.
    if let Some((plain, _)) = name.rsplit_once('-').filter(|(_, suffix)| suffix.len() == 6) {
        names.extend([plain.to_owned(), format!("{head}:secret:{plain}")]);
    }
    (names, parts.next().filter(|member| !member.is_empty()).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf";

    #[test]
    fn a_secret_is_found_by_arn_or_name() {
        let parameter = "arn:aws:ssm:us-east-1:123456789012:parameter/app/url";
        let with_member = format!("{ARN}:password::");
        let cases = [
            (ARN, ARN, "v", "v"),
            (ARN, "db", "v", "v"),
            (ARN, "db-AbCdEf", "v", "v"),
            (with_member.as_str(), "db", r#"{"password": "p"}"#, "p"),
            (with_member.as_str(), ARN, r#"{"password": 5}"#, "5"),
            (parameter, "/app/url", "v", "v"),
            (parameter, "app/url", "v", "v"),
            ("/app/url", "/app/url", "v", "v"),
        ];
        for (value_from, name, given, expected) in cases {
            let known = IndexMap::from([(name.to_owned(), given.to_owned())]);
            assert_eq!(value(value_from, &known).as_deref(), Ok(expected), "{value_from} as {name}");
        }
    }

    #[test]
    fn a_missing_one_has_ecs_words_and_the_way_out() {
        let known = IndexMap::from([("db".to_owned(), "{}".to_owned())]);
        let cases = [
            (
                "arn:aws:secretsmanager:us-east-1:123456789012:secret:other",
                "Secrets Manager can't find the specified secret.",
            ),
            ("/app/url", "invalid parameters: /app/url"),
            (&format!("{ARN}:password::"), "did not contain json key password"),
        ];
        for (value_from, part) in cases {
            let said = value(value_from, &known).expect_err("nobody gave it");
            assert!(
                said.starts_with("ResourceInitializationError: unable to pull secrets or registry auth: "),
                "{said}"
            );
            assert!(said.contains(part), "{said}");
        }
    }
}
