//! Which requests are about a registry of Amazon's, and what is asked of the engine in their place.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use wfrun_agent::ecr_registry::{EcrRegistry, account_and_region};
use wfrun_agent::image_name::ImageName;

use super::head::Head;
use super::{Names, names};

/// What becomes of a request.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Rewrite {
    /// `POST /auth`: the registry is in the body.
    Login,
    /// `POST /containers/create`: the image is in the body.
    Create,
    /// What asks for an image by its digest, or looks at it in its registry: with the target in its place.
    Look {
        target: String,
        names: Names,
    },
    /// A push without a tag.
    AllTags,
    /// Another registry of Amazon's than the account's: the host.
    Foreign(String),
    Push(Image),
    Pull(Image),
}

/// An image of the registry, under both its names.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Image {
    /// As `/v1.41`, or nothing.
    version: String,
    pub(super) names: Names,
    /// Without tag.
    pub(super) amazon: String,
    here: String,
    /// A tag, or a digest.
    reference: String,
    /// Of the query what is not the image.
    others: String,
}

impl Rewrite {
    /// `None` for a request that passes as it is.
    ///
    /// Source: Docker Engine API 1.41, `SystemAuth`, `ImagePush`, `ImageCreate`, `DistributionInspect`, `ContainerCreate`.
    pub(super) fn of(head: &Head, registry: &EcrRegistry) -> Option<Self> {
        let (path, query) = head.target.split_once('?').unwrap_or((&head.target, ""));
        let (version, path) = without_version(path);
        let path = percent_decode_str(path).decode_utf8().ok()?;
        let of_image = |name: &str, reference: &str, others: String, made: fn(Image) -> Self| {
            let (host, rest) = name.split_once('/')?;
            account_and_region(host)?;
            let Some(names) = names(registry, host) else { return Some(Self::Foreign(host.to_owned())) };
            Some(made(Image {
                version: version.to_owned(),
                amazon: name.to_owned(),
                here: format!("{}/{rest}", names.here),
                reference: reference.to_owned(),
                others,
                names,
            }))
        };
        let looked_at = |end: &str| format!("{version}{end}{}", if query.is_empty() { "" } else { "?" }) + query;
        match (&*head.method, &*path) {
            ("POST", "/auth") => Some(Self::Login),
            ("POST", "/containers/create") => Some(Self::Create),
            ("POST", "/images/create") => {
                let name = parameter(query, "fromImage")?;
                let tag = parameter(query, "tag").filter(|tag| !tag.is_empty());
                let (name, reference) = tag.map_or_else(|| split(&name), |tag| (name.clone(), tag));
                of_image(&name, &reference, others(query, &["fromImage", "tag"]), Self::Pull)
            }
            ("POST", path) if path.ends_with("/push") => {
                let name = path.strip_prefix("/images/")?.strip_suffix("/push")?;
                match parameter(query, "tag").filter(|tag| !tag.is_empty()) {
                    Some(tag) => of_image(name, &tag, others(query, &["tag"]), Self::Push),
                    None => of_image(name, "", String::new(), |_| Self::AllTags),
                }
            }
            ("GET", path) if path.starts_with("/distribution/") => {
                let name = path.strip_prefix("/distribution/")?.strip_suffix("/json")?;
                let looked_for = of_image(name, "", String::new(), Self::Pull)?;
                let Self::Pull(Image { here, names, .. }) = looked_for else { return Some(looked_for) };
                Some(Self::Look { target: looked_at(&format!("/distribution/{here}/json")), names })
            }
            (_, path) => {
                let name = path.strip_prefix("/images/").filter(|name| name.contains("@sha256:"))?;
                let Self::Pull(Image { here, names, .. }) = of_image(name, "", String::new(), Self::Pull)? else {
                    return None;
                };
                Some(Self::Look { target: looked_at(&format!("/images/{here}")), names })
            }
        }
    }
}

impl Image {
    /// With tag or digest, and the loopback address.
    pub(super) fn as_here(&self) -> String {
        format!("{}:{}", self.here, self.reference)
    }

    /// With tag or digest.
    pub(super) fn as_amazon(&self) -> String {
        let separator = if self.reference.contains(':') { '@' } else { ':' };
        format!("{}{separator}{}", self.amazon, self.reference)
    }

    pub(super) fn tag_as_here(&self) -> String {
        self.tag(&self.amazon, &self.here)
    }

    /// `None` for a digest: an engine names one only after the registry it asked.
    pub(super) fn tag_as_amazon(&self) -> Option<String> {
        (!self.reference.contains(':')).then(|| self.tag(&self.here, &self.amazon))
    }

    pub(super) fn push(&self) -> String {
        format!("{}/images/{}/push?tag={}{}", self.version, self.here, encoded(&self.reference), self.others)
    }

    pub(super) fn pull(&self) -> String {
        let (image, tag) = (encoded(&self.here), encoded(&self.reference));
        format!("{}/images/create?fromImage={image}&tag={tag}{}", self.version, self.others)
    }

    /// Takes the loopback name away; the image stays under its other name.
    pub(super) fn forget_here(&self) -> String {
        format!("{}/images/{}:{}?noprune=1", self.version, self.here, self.reference)
    }

    fn tag(&self, from: &str, to: &str) -> String {
        let tag = encoded(&self.reference);
        format!("{}/images/{from}:{}/tag?repo={}&tag={tag}", self.version, self.reference, encoded(to))
    }
}

/// `/v1.41` and what follows.
pub(super) fn without_version(path: &str) -> (&str, &str) {
    let end = path.strip_prefix("/v1.").map(|rest| "/v1.".len() + rest.find('/').unwrap_or(rest.len()));
    path.split_at(end.unwrap_or(0))
}

/// Name and tag or digest; `latest` where there is none.
fn split(image: &str) -> (String, String) {
    let image = ImageName::of(image);
    (image.repository(), image.digest.or(image.tag).unwrap_or("latest").to_owned())
}

pub(super) fn parameter(query: &str, name: &str) -> Option<String> {
    let value = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name)?.1;
    Some(percent_decode_str(&value.replace('+', " ")).decode_utf8_lossy().into_owned())
}

/// The pairs of a query but for those of these names, each after an `&`.
pub(super) fn others(query: &str, names: &[&str]) -> String {
    let is_other = |pair: &&str| !pair.is_empty() && !names.contains(&pair.split('=').next().unwrap_or_default());
    query.split('&').filter(is_other).map(|pair| format!("&{pair}")).collect::<Vec<_>>().concat()
}

pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::{EcrRegistry, Head, Rewrite};

    /// `1.` and `2.` stand for the account's registry and for another's.
    fn of(line: &str) -> Option<Rewrite> {
        let registry = EcrRegistry { account: "111111111111".into(), here: "127.0.0.1:5".into() };
        let line = line.replace("1.dkr.", "111111111111.dkr.").replace("2.dkr.", "222222222222.dkr.");
        Rewrite::of(&Head::read(format!("{line} HTTP/1.1\r\n\r\n").as_bytes()).expect("a head"), &registry)
    }

    #[test]
    fn what_passes_as_it_is() {
        for line in [
            "GET /_ping",
            "POST /v1.41/images/ghcr.io/a/push?tag=x",
            "POST /v1.41/images/1.dkr.ecr.r.amazonaws.com.evil/a/push?tag=x",
            "POST /images/create?fromImage=nginx&tag=1",
            "POST /images/create?fromSrc=-",
            "POST /v1.41/images/1.dkr.ecr.r.amazonaws.com/a:x/tag?repo=b",
            "GET /v1.41/distribution/nginx/json",
            "GET /v1.41/images/1.dkr.ecr.r.amazonaws.com/a:x/json",
            "GET /v1.41/images/2.dkr.ecr.r.amazonaws.com/a@sha256:00/json",
            "GET /v1.41/images/nginx@sha256:00/json",
        ] {
            assert_eq!(of(line), None, "{line}");
        }
    }

    #[test]
    fn what_is_asked_in_its_place() {
        assert_eq!(of("POST /v1.41/auth"), Some(Rewrite::Login));
        assert_eq!(of("POST /auth"), Some(Rewrite::Login));
        assert_eq!(of("POST /v1.41/images/1.dkr.ecr.r.amazonaws.com/a/push"), Some(Rewrite::AllTags));
        assert_eq!(of("POST /v1.41/containers/create?name=a"), Some(Rewrite::Create));
        for (asked, in_its_place) in [
            ("distribution/1.dkr.ecr.r.amazonaws.com/a:x/json", "distribution/127.0.0.1:5/a:x/json"),
            ("images/1.dkr.ecr.r.amazonaws.com/a@sha256:00/json", "images/127.0.0.1:5/a@sha256:00/json"),
        ] {
            let Some(Rewrite::Look { target, .. }) = of(&format!("GET /v1.41/{asked}")) else { panic!("{asked}") };
            assert_eq!(target, format!("/v1.41/{in_its_place}"));
        }
        let Some(Rewrite::Push(image)) = of("POST /v1.41/images/1.dkr.ecr.r.amazonaws.com/t/a/push?tag=x&p=1") else {
            panic!("a push")
        };
        let tag = "/v1.41/images/111111111111.dkr.ecr.r.amazonaws.com/t/a:x/tag?repo=127%2E0%2E0%2E1%3A5%2Ft%2Fa&tag=x";
        assert_eq!(image.tag_as_here(), tag);
        assert_eq!(image.push(), "/v1.41/images/127.0.0.1:5/t/a/push?tag=x&p=1");
        assert_eq!(image.forget_here(), "/v1.41/images/127.0.0.1:5/t/a:x?noprune=1");
        for (query, reference) in [
            ("fromImage=1.dkr.ecr.r.amazonaws.com%2Fa&tag=x", "x"),
            ("fromImage=1.dkr.ecr.r.amazonaws.com%2Fa%3Ax", "x"),
            ("fromImage=1.dkr.ecr.r.amazonaws.com%2Fa", "latest"),
        ] {
            let Some(Rewrite::Pull(image)) = of(&format!("POST /images/create?{query}&platform=")) else {
                panic!("{query}")
            };
            let pull = format!("/images/create?fromImage=127%2E0%2E0%2E1%3A5%2Fa&tag={reference}&platform=");
            assert_eq!(image.pull(), pull);
            assert!(image.tag_as_amazon().is_some());
        }
        for query in
            ["fromImage=1.dkr.ecr.r.amazonaws.com/a&tag=sha256:00", "fromImage=1.dkr.ecr.r.amazonaws.com/a:x@sha256:00"]
        {
            let Some(Rewrite::Pull(image)) = of(&format!("POST /images/create?{query}")) else { panic!("{query}") };
            assert_eq!(image.tag_as_amazon(), None, "{query}");
            let pull = "/images/create?fromImage=127%2E0%2E0%2E1%3A5%2Fa&tag=sha256%3A00";
            assert_eq!(image.pull(), pull, "{query}");
        }
    }

    #[test]
    fn a_registry_of_amazon_s_that_is_not_the_account_s() {
        for line in [
            "POST /v1.41/images/2.dkr.ecr.r.amazonaws.com/a/push?tag=x",
            "POST /v1.41/images/2.dkr.ecr.r.amazonaws.com/a/push",
            "POST /images/create?fromImage=2.dkr.ecr.r.amazonaws.com%2Fa&tag=x",
            "GET /distribution/2.dkr.ecr.r.amazonaws.com/a:x/json",
        ] {
            assert_eq!(of(line), Some(Rewrite::Foreign("222222222222.dkr.ecr.r.amazonaws.com".to_owned())), "{line}");
        }
    }
}
