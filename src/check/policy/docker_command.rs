//! Images: what pushing and pulling them needs, and the `docker` commands that do.
use wfrun_agent::ecr_registry;
use wfrun_agent::image_name::ImageName;
use wfrun_aws::{ForeseenPermission, RequestTarget, UNKNOWN};
use wfrun_workflow::shell_script::Word;

use super::Asks;
use crate::docker_cli::Parts;

/// Where an image is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// In a repository of ECR.
    Ecr { repository: String, target: RequestTarget },
    /// In another registry, which AWS has nothing to do with.
    Elsewhere,
    /// That is not known.
    NotKnown,
}

/// Commands of Compose that push or pull.
const COMPOSE: [&str; 5] = ["build", "pull", "push", "run", "up"];

/// What a command does with images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transfer {
    Push,
    Pull,
}

impl Place {
    /// Of an image's name, as `123456789012.dkr.ecr.us-east-1.amazonaws.com/news-api:latest`.
    pub(super) fn of(name: &str) -> Self {
        let host = name.split('/').next().unwrap_or_default();
        let Some((account, region)) = account_and_region(host) else {
            return if host.contains(UNKNOWN) && !host.starts_with(|it: char| it.is_ascii_alphanumeric()) {
                Self::NotKnown
            } else {
                Self::Elsewhere
            };
        };
        // A host alone is no image's name.
        let image = ImageName::of(name);
        Self::Ecr {
            repository: image.host.map_or_else(String::new, |_| image.path.to_owned()),
            target: RequestTarget { account: account.to_owned(), region: region.to_owned() },
        }
    }
}

impl Asks {
    /// Adds what the transfer of an image needs.
    pub(super) fn transfer(&mut self, what: Transfer, image: &str) {
        match (Place::of(image), what) {
            (Place::Ecr { repository, target }, Transfer::Push) => {
                self.pushes.extend(tag_of(image).map(|tag| (repository.clone(), tag.to_owned())));
                self.needs.extend(ForeseenPermission::of_push(&repository, &target));
            }
            (Place::Ecr { repository, target }, Transfer::Pull) => {
                self.needs.extend(ForeseenPermission::of_pull(&repository, &target));
            }
            (Place::NotKnown, Transfer::Push) => {
                self.not_known.push(format!("to which registry {} pushes, and what that asks of AWS", self.by));
            }
            (Place::NotKnown, Transfer::Pull) | (Place::Elsewhere, _) => {}
        }
    }
}

/// The tag of an image's name, `latest` where it has none; a digest is none.
fn tag_of(image: &str) -> Option<&str> {
    let image = ImageName::of(image);
    image.digest.is_none().then(|| image.tag.unwrap_or("latest"))
}

/// Account and region of a host of ECR, as far as they are known.
fn account_and_region(host: &str) -> Option<(&str, &str)> {
    let (account, region) = if host.ends_with(UNKNOWN) {
        // That may well be Amazon's domain.
        let (account, rest) = host.split_once(".dkr.ecr.").or_else(|| host.split_once(".dkr.ecr-fips."))?;
        (account, rest.split('.').next().unwrap_or(rest))
    } else {
        ecr_registry::as_written(host)?
    };
    let is_account = account.contains(UNKNOWN) || account.bytes().all(|it| it.is_ascii_digit()) && account.len() == 12;
    is_account.then_some((account, region))
}

/// Reads the words behind `docker`; `None` for what has nothing to do with registries, with the number of words that say what it is.
pub(super) fn read(words: &[Word]) -> Option<(Asks, usize)> {
    let parts = Parts::of(words)?;
    let shown: Vec<&str> = words[..parts.said].iter().map(|it| it.text.as_str()).collect();
    let mut asks = Asks::by(format!("`{}`", shown.join(" ")));
    let is_of_compose = || words[1..].iter().any(|it| COMPOSE.contains(&it.text.as_str()));
    match parts.command {
        _ if parts.is_compose && is_of_compose() => {
            let what = format!("which images {} pushes or pulls, and what that asks of AWS", asks.by);
            asks.not_known.push(what);
        }
        "pull" => asks.transfer(Transfer::Pull, parts.operand()?),
        "run" | "create" => {
            let image = parts.rest.iter().find(|it| matches!(Place::of(&it.text), Place::Ecr { .. }))?;
            asks.transfer(Transfer::Pull, &image.text);
        }
        _ => {
            let pushed = parts.pushes();
            if pushed.is_empty() {
                return None;
            }
            for image in pushed {
                asks.transfer(Transfer::Push, image);
            }
            let takes_all = |it: &Word| ["-a", "--all-tags"].contains(&it.text.as_str());
            if parts.command == "push" && parts.rest.iter().any(takes_all) {
                asks.pushes.clear();
            }
        }
    }
    Some((asks, parts.said))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `?` stands for what is not known. Source: AWS, Amazon ECR user guide, "Amazon ECR private registry".
    #[test]
    fn where_images_are() {
        for (name, place) in [
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/web:1", "team/web in 123456789012 eu-west-1"),
            ("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com/web@sha256:00", "web in 123456789012 us-east-1"),
            ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/web:1@sha256:00", "web in 123456789012 cn-north-1"),
            ("?.dkr.ecr.?.amazonaws.com/web:?", "web in ? ?"),
            ("123456789012.dkr.ecr.eu-?/web", "web in 123456789012 eu-?"),
            ("123456789012.dkr.ecr.eu-west-1.?/web", "web in 123456789012 eu-west-1"),
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", " in 123456789012 eu-west-1"),
            ("123456789012.dkr.ecr.r.evil/web", "elsewhere"),
            ("123456789012.dkr.ecr.r.amazonaws.com.evil/web", "elsewhere"),
            ("x.dkr.ecr.r.amazonaws.com/web", "elsewhere"),
            ("ghcr.io/x.dkr.ecr.r.amazonaws.com/web", "elsewhere"),
            ("web:1", "elsewhere"),
            ("?/web:1", "not known"),
        ] {
            let found = match Place::of(&name.replace('?', &UNKNOWN.to_string())) {
                Place::Ecr { repository, target } => {
                    format!("{repository} in {} {}", target.account, target.region).replace(UNKNOWN, "?")
                }
                Place::Elsewhere => "elsewhere".to_owned(),
                Place::NotKnown => "not known".to_owned(),
            };
            assert_eq!(found, place, "{name}");
        }
    }
}
