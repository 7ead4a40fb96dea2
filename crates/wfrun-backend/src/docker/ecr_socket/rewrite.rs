//! Which requests are about a registry of Amazon's, and what is asked of the engine in their place.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::RegistryNames;
use super::head::Head;

/// What becomes of a request.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Rewrite {
    /// `POST /auth`.
    Login,
    /// `GET /distribution/…/json`, with the target in its place.
    Look {
        target: String,
    },
    /// A push without a tag.
    AllTags,
    Push(Image),
    Pull(Image),
}

/// An image of the registry, under both its names.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Image {
    /// As `/v1.41`, or nothing.
    version: String,
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
    /// Source: Docker Engine API 1.41, `SystemAuth`, `ImagePush`, `ImageCreate`, `DistributionInspect`.
    pub(super) fn of(head: &Head, names: &RegistryNames) -> Option<Self> {
        let (path, query) = head.target.split_once('?').unwrap_or((&head.target, ""));
        let (version, path) = without_version(path);
        let path = percent_decode_str(path).decode_utf8().ok()?;
        let image = |name: &str, reference: &str, others| {
            let rest = name.strip_prefix(&names.amazon).filter(|rest| rest.starts_with('/'))?;
            Some(Image {
                version: version.to_owned(),
                amazon: name.to_owned(),
                here: format!("{}{rest}", names.here),
                reference: reference.to_owned(),
                others,
            })
        };
        match (&*head.method, &*path) {
            ("POST", "/auth") => Some(Self::Login),
            ("POST", "/images/create") => {
                let name = parameter(query, "fromImage")?;
                let tag = parameter(query, "tag").filter(|tag| !tag.is_empty());
                let (name, reference) = match tag {
                    Some(tag) => (name, tag),
                    None => split(&name),
                };
                image(&name, &reference, others(query, &["fromImage", "tag"])).map(Self::Pull)
            }
            ("POST", path) => {
                let name = path.strip_prefix("/images/")?.strip_suffix("/push")?;
                match parameter(query, "tag").filter(|tag| !tag.is_empty()) {
                    Some(tag) => image(name, &tag, others(query, &["tag"])).map(Self::Push),
                    None => image(name, "", String::new()).map(|_| Self::AllTags),
                }
            }
            ("GET", path) => {
                let name = path.strip_prefix("/distribution/")?.strip_suffix("/json")?;
                let image = image(name, "", String::new())?;
                Some(Self::Look { target: format!("{version}/distribution/{}/json", image.here) })
            }
            _ => None,
        }
    }
}

impl Image {
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
fn without_version(path: &str) -> (&str, &str) {
    let end = path.strip_prefix("/v1.").map(|rest| "/v1.".len() + rest.find('/').unwrap_or(rest.len()));
    path.split_at(end.unwrap_or(0))
}

/// Name and tag or digest; `latest` where there is none.
fn split(image: &str) -> (String, String) {
    let found = image.split_once('@').or_else(|| image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')));
    let (name, reference) = found.unwrap_or((image, "latest"));
    (name.to_owned(), reference.to_owned())
}

fn parameter(query: &str, name: &str) -> Option<String> {
    let value = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name)?.1;
    Some(percent_decode_str(&value.replace('+', " ")).decode_utf8_lossy().into_owned())
}

/// The pairs of a query but for those of these names, each after an `&`.
fn others(query: &str, names: &[&str]) -> String {
    let is_other = |pair: &&str| !pair.is_empty() && !names.contains(&pair.split('=').next().unwrap_or_default());
    query.split('&').filter(is_other).map(|pair| format!("&{pair}")).collect::<Vec<_>>().concat()
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::{Head, RegistryNames, Rewrite};

    fn of(line: &str) -> Option<Rewrite> {
        let names = RegistryNames { amazon: "1.dkr.ecr.r.amazonaws.com".into(), here: "127.0.0.1:5".into() };
        Rewrite::of(&Head::read(format!("{line} HTTP/1.1\r\n\r\n").as_bytes()).expect("a head"), &names)
    }

    #[test]
    fn what_passes_as_it_is() {
        for line in [
            "GET /_ping",
            "POST /v1.41/build?t=1.dkr.ecr.r.amazonaws.com%2Fa",
            "POST /v1.41/images/ghcr.io/a/push?tag=x",
            "POST /v1.41/images/1.dkr.ecr.r.amazonaws.com.evil/a/push?tag=x",
            "POST /images/create?fromImage=nginx&tag=1",
            "POST /images/create?fromSrc=-",
            "POST /v1.41/images/1.dkr.ecr.r.amazonaws.com/a:x/tag?repo=b",
            "GET /v1.41/distribution/nginx/json",
        ] {
            assert_eq!(of(line), None, "{line}");
        }
    }

    #[test]
    fn what_is_asked_in_its_place() {
        assert_eq!(of("POST /v1.41/auth"), Some(Rewrite::Login));
        assert_eq!(of("POST /auth"), Some(Rewrite::Login));
        assert_eq!(of("POST /v1.41/images/1.dkr.ecr.r.amazonaws.com/a/push"), Some(Rewrite::AllTags));
        let look = Rewrite::Look { target: "/v1.41/distribution/127.0.0.1:5/a:x/json".to_owned() };
        assert_eq!(of("GET /v1.41/distribution/1.dkr.ecr.r.amazonaws.com/a:x/json"), Some(look));
        let Some(Rewrite::Push(image)) = of("POST /v1.41/images/1.dkr.ecr.r.amazonaws.com/t/a/push?tag=x&p=1") else {
            panic!("a push")
        };
        let tag = "/v1.41/images/1.dkr.ecr.r.amazonaws.com/t/a:x/tag?repo=127%2E0%2E0%2E1%3A5%2Ft%2Fa&tag=x";
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
        let Some(Rewrite::Pull(image)) = of("POST /images/create?fromImage=1.dkr.ecr.r.amazonaws.com/a&tag=sha256:00")
        else {
            panic!("a pull")
        };
        assert_eq!(image.tag_as_amazon(), None);
    }
}
