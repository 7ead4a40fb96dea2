//! Names of images, as task definitions have them.

/// `host/repository:tag` or `host/repository@digest`, taken apart.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ImageReference<'a> {
    /// `None` for Docker Hub's short names.
    pub(crate) host: Option<&'a str>,
    pub(crate) repository: &'a str,
    /// A tag or a digest; `latest` where the name has none.
    pub(crate) reference: &'a str,
}

/// Which registry an image's host means.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Home<'a> {
    /// The account's ECR, in this region where the host says one.
    Ours { region: Option<&'a str> },
    /// Another registry.
    Elsewhere,
}

impl<'a> ImageReference<'a> {
    /// Source: Docker, reference grammar: the part before the first slash is a host if it has a dot or a colon or is `localhost`.
    pub(crate) fn read(image: &'a str) -> Self {
        let (host, rest) = match image.split_once('/') {
            Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (Some(first), rest),
            Some(_) | None => (None, image),
        };
        let (repository, reference) = match rest.split_once('@') {
            Some((name, digest)) => (name.split_once(':').map_or(name, |(name, _tag)| name), digest),
            None => rest.split_once(':').unwrap_or((rest, "latest")),
        };
        Self { host, repository, reference }
    }

    /// Every loopback address counts as the account's registry, because its port changes from run to run.
    pub(crate) fn home(&self, account: &str) -> Home<'a> {
        let Some(host) = self.host else { return Home::Elsewhere };
        let name = host.rsplit_once(':').map_or(host, |(name, _port)| name);
        if name == "localhost" || name.starts_with("127.") {
            return Home::Ours { region: None };
        }
        match registry_account_and_region(host).filter(|(it, _)| *it == account) {
            Some((_, region)) => Home::Ours { region: Some(region) },
            None => Home::Elsewhere,
        }
    }

    /// Whether it stands in ECR, of whichever account.
    pub(crate) fn is_amazons(&self) -> bool {
        self.host.is_some_and(|host| registry_account_and_region(host).is_some())
    }
}

/// Account and region of a host that is a private registry of Amazon's: what [`registry_name`] makes, and names with `ecr-fips`.
///
/// Source: AWS, Amazon ECR user guide, "Amazon ECR private registry"; AWS General Reference, "Amazon ECR endpoints and quotas".
pub fn registry_account_and_region(host: &str) -> Option<(&str, &str)> {
    let (account, rest) = host.split_once('.')?;
    let rest = rest.strip_prefix("dkr.ecr.").or_else(|| rest.strip_prefix("dkr.ecr-fips."))?;
    let region = rest.strip_suffix(".amazonaws.com").or_else(|| rest.strip_suffix(".amazonaws.com.cn"))?;
    let is_account = account.len() == 12 && account.bytes().all(|it| it.is_ascii_digit());
    (is_account && !region.is_empty() && !region.contains('.')).then_some((account, region))
}

/// Amazon's name of an account's registry in a region, as `123456789012.dkr.ecr.us-east-1.amazonaws.com`.
///
/// Source: AWS General Reference, "Amazon ECR endpoints and quotas".
pub fn registry_name(account: &str, region: &str) -> String {
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("{account}.dkr.ecr.{region}.{domain}")
}

#[cfg(test)]
mod tests {
    use super::{Home, ImageReference, registry_name};

    #[test]
    fn a_registry_s_name_is_the_account_s_own() {
        for (region, name) in [
            ("eu-west-1", "123456789012.dkr.ecr.eu-west-1.amazonaws.com"),
            ("cn-north-1", "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn"),
        ] {
            assert_eq!(registry_name("123456789012", region), name);
            let image = format!("{name}/a:b");
            assert_eq!(ImageReference::read(&image).home("123456789012"), Home::Ours { region: Some(region) });
        }
    }

    #[test]
    fn images_are_taken_apart() {
        let ours = |region| Home::Ours { region };
        let cases = [
            ("127.0.0.1:5000/news-api:abc", Some("127.0.0.1:5000"), "news-api", "abc", ours(None)),
            ("localhost/a/b", Some("localhost"), "a/b", "latest", ours(None)),
            (
                "123456789012.dkr.ecr.eu-west-1.amazonaws.com/a@sha256:00",
                Some("123456789012.dkr.ecr.eu-west-1.amazonaws.com"),
                "a",
                "sha256:00",
                ours(Some("eu-west-1")),
            ),
            (
                "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/a:b",
                Some("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn"),
                "a",
                "b",
                ours(Some("cn-north-1")),
            ),
            (
                "210987654321.dkr.ecr.eu-west-1.amazonaws.com/a:b",
                Some("210987654321.dkr.ecr.eu-west-1.amazonaws.com"),
                "a",
                "b",
                Home::Elsewhere,
            ),
            (
                "123456789012.dkr.ecr-fips.us-east-1.amazonaws.com/a:b",
                Some("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com"),
                "a",
                "b",
                ours(Some("us-east-1")),
            ),
            ("nginx", None, "nginx", "latest", Home::Elsewhere),
            ("library/nginx:1", None, "library/nginx", "1", Home::Elsewhere),
            ("ghcr.io/a/b:1@sha256:00", Some("ghcr.io"), "a/b", "sha256:00", Home::Elsewhere),
        ];
        for (image, host, repository, reference, home) in cases {
            let read = ImageReference::read(image);
            assert_eq!(read, ImageReference { host, repository, reference }, "{image}");
            assert_eq!(read.home("123456789012"), home, "{image}");
        }
    }
}
