//! Where texts, such as scripts and files of actions, take a part of an AWS key from.
use std::sync::LazyLock;

use regex::Regex;

use super::KeyPart;

/// Who has a value; names are in upper case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Holder {
    /// `secrets.NAME`
    Secret(String),
    /// `env.NAME`, `$NAME`
    Variable(String),
    /// `inputs.NAME`
    Input(String),
}

impl Holder {
    pub(super) fn secret(name: &str) -> Self {
        Self::Secret(name.to_ascii_uppercase())
    }

    pub(super) fn variable(name: &str) -> Self {
        Self::Variable(name.to_ascii_uppercase())
    }

    pub(super) fn input(name: &str) -> Self {
        Self::Input(name.to_ascii_uppercase())
    }
}

/// `aws_secret_access_key ${{ secrets.X }}`, `aws-access-key-id: "$ID"`, `AWS_SESSION_TOKEN=${TOKEN}`
static MENTION: LazyLock<Regex> = LazyLock::new(|| {
    let part = r"aws[_-](access[_-]key[_-]id|secret[_-]access[_-]key|session[_-]token)";
    let expression = r"\$\{\{\s*(secrets|env|inputs)\.([\w-]+)\s*\}\}";
    let variable = r"\$\{?([a-z_]\w*)\}?";
    let pattern = format!(r#"(?i){part}["']?[\s:=]+["']?(?:{expression}|{variable})"#);
    Regex::new(&pattern).expect("the pattern is right")
});

/// Every place of a text that gives a part of a key a value that somebody has.
pub(super) fn mentions(text: &str) -> Vec<(KeyPart, Holder)> {
    // Most runs have nothing to do with AWS, and need no expression for it.
    if !text.to_ascii_lowercase().contains("aws") {
        return Vec::new();
    }
    let found = MENTION.captures_iter(text).filter_map(|it| {
        let part = match it.get(1)?.as_str().to_ascii_lowercase().split(['_', '-']).next()? {
            "access" => KeyPart::Id,
            "secret" => KeyPart::Secret,
            _ => KeyPart::Session,
        };
        let name = |at| it.get(at).map(|it| it.as_str());
        let holder = match it.get(2).map(|it| it.as_str().to_ascii_lowercase()).as_deref() {
            Some("secrets") => Holder::secret(name(3)?),
            Some("env") => Holder::variable(name(3)?),
            Some(_) => Holder::input(name(3)?),
            None => Holder::variable(name(4)?),
        };
        Some((part, holder))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_keys_come_from() {
        let secret = |name: &str| Holder::Secret(name.to_owned());
        let variable = |name: &str| Holder::Variable(name.to_owned());
        for (text, expected) in [
            ("aws configure set aws_secret_access_key ${{ secrets.prod }}", vec![(KeyPart::Secret, secret("PROD"))]),
            ("aws configure set aws_access_key_id \"$ID\" --profile x", vec![(KeyPart::Id, variable("ID"))]),
            ("export AWS_SESSION_TOKEN=${TOKEN}", vec![(KeyPart::Session, variable("TOKEN"))]),
            (
                "with:\n  aws-secret-access-key: '${{ inputs.my-key }}'",
                vec![(KeyPart::Secret, Holder::Input("MY-KEY".to_owned()))],
            ),
            ("{\"AWS_ACCESS_KEY_ID\": \"${{env.A}}\"}", vec![(KeyPart::Id, variable("A"))]),
            ("AWS_ACCESS_KEY_ID=AKIA", vec![]),
            ("echo $AWS_ACCESS_KEY_ID ${{ secrets.X }}", vec![(KeyPart::Id, secret("X"))]),
            ("other_secret_access_key=$X", vec![]),
        ] {
            assert_eq!(mentions(text), expected, "{text}");
        }
    }
}
