//! The names of Amazon's private registries, and the one that is the emulated account's.

use crate::image_name::ImageName;

/// The variable in which steps are told of the [`EcrRegistry`].
pub const VARIABLE: &str = "WFRUN_ECR_REGISTRY";

/// The emulated account's registry, which jobs call by Amazon's name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EcrRegistry {
    /// The account's number, 12 digits: with it a name in any region is this registry's.
    pub account: String,
    /// Where it is: a loopback address and a port, as `127.0.0.1:5000`. It speaks plain HTTP.
    pub here: String,
}

impl EcrRegistry {
    /// As the value of [`VARIABLE`].
    pub fn to_variable(&self) -> String {
        format!("{}={}", self.account, self.here)
    }

    /// Reads the value of [`VARIABLE`].
    pub fn of_variable(text: &str) -> Option<Self> {
        let (account, here) = text.split_once('=')?;
        Some(Self { account: account.to_owned(), here: here.to_owned() })
    }

    /// Whether a host is this registry's name, in any region.
    pub fn is_named(&self, host: &str) -> bool {
        account_and_region(host).is_some_and(|(account, _)| account == self.account)
    }

    /// Whether an image's name is one of this registry's, in any region.
    pub fn has(&self, image: &str) -> bool {
        ImageName::of(image).host.is_some_and(|host| self.is_named(host))
    }
}

/// Account and region of a host that is a private registry of Amazon's, as `123456789012.dkr.ecr.us-east-1.amazonaws.com`.
///
/// Source: AWS, Amazon ECR user guide, "Amazon ECR private registry"; AWS General Reference, "Amazon ECR endpoints and quotas".
pub fn account_and_region(host: &str) -> Option<(&str, &str)> {
    let is_account = |(account, _): &(&str, &str)| account.len() == 12 && account.bytes().all(|it| it.is_ascii_digit());
    as_written(host).filter(is_account)
}

/// As [`account_and_region`], where the account may be any text: of a host that is known in parts only.
pub fn as_written(host: &str) -> Option<(&str, &str)> {
    let (account, rest) = host.split_once('.')?;
    let region = ["amazonaws.com", "amazonaws.com.cn"].into_iter().find_map(|domain| {
        let rest = rest.strip_suffix(domain)?.strip_suffix('.')?;
        rest.strip_prefix("dkr.ecr.").or_else(|| rest.strip_prefix("dkr.ecr-fips."))
    })?;
    (!region.is_empty() && !region.contains('.')).then_some((account, region))
}

/// Whether an image's name is one of a private registry of Amazon's.
pub fn is_amazons(image: &str) -> bool {
    ImageName::of(image).host.is_some_and(|host| account_and_region(host).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_registries() {
        let ours = EcrRegistry { account: "123456789012".to_owned(), here: "127.0.0.1:5000".to_owned() };
        for (host, parts, is_ours) in [
            ("123456789012.dkr.ecr.us-east-1.amazonaws.com", Some(("123456789012", "us-east-1")), true),
            ("123456789012.dkr.ecr.eu-west-3.amazonaws.com", Some(("123456789012", "eu-west-3")), true),
            ("210987654321.dkr.ecr.eu-west-3.amazonaws.com", Some(("210987654321", "eu-west-3")), false),
            ("210987654321.dkr.ecr-fips.us-east-1.amazonaws.com", Some(("210987654321", "us-east-1")), false),
            ("210987654321.dkr.ecr.cn-north-1.amazonaws.com.cn", Some(("210987654321", "cn-north-1")), false),
            ("123456789012.dkr.ecr.us-east-1.amazonaws.com.evil", None, false),
            ("123456789012.dkr.ecr.us-east-1.evil.amazonaws.com", None, false),
            ("12345678901.dkr.ecr.us-east-1.amazonaws.com", None, false),
            ("123456789012.dkr.ecr..amazonaws.com", None, false),
            ("127.0.0.1:5000", None, false),
            ("ghcr.io", None, false),
        ] {
            assert_eq!((account_and_region(host), ours.is_named(host)), (parts, is_ours), "{host}");
            let image = format!("{host}/a:1");
            assert_eq!((is_amazons(&image), ours.has(&image)), (parts.is_some(), is_ours), "{image}");
        }
        assert_eq!(EcrRegistry::of_variable(&ours.to_variable()), Some(ours));
        assert_eq!(EcrRegistry::of_variable(""), None);
    }
}
