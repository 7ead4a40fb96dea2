//! Images: what pushing and pulling them needs, and the `docker` commands that do.
use wfrun_aws::{ForeseenPermission, RequestTarget, UNKNOWN};
use wfrun_workflow::shell_script::Word;

use super::Asks;

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
        let (host, path) = name.split_once('/').unwrap_or((name, ""));
        let Some((account, rest)) = host.split_once(".dkr.ecr.").or_else(|| host.split_once(".dkr.ecr-fips.")) else {
            return if host.contains(UNKNOWN) && !host.starts_with(|it: char| it.is_ascii_alphanumeric()) {
                Self::NotKnown
            } else {
                Self::Elsewhere
            };
        };
        let region = rest.split(".amazonaws.com").next().unwrap_or_default();
        let path = path.split('@').next().unwrap_or_default();
        let tag = path.rfind(':').filter(|at| !path[*at..].contains('/'));
        Self::Ecr {
            repository: path[..tag.unwrap_or(path.len())].to_owned(),
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
    if image.contains('@') {
        return None;
    }
    let name = image.rsplit('/').next().unwrap_or_default();
    Some(name.split_once(':').map_or("latest", |(_, tag)| tag))
}

/// Reads the words behind `docker`; `None` for what has nothing to do with registries, with the number of words that say what it is.
pub(super) fn read(words: &[Word]) -> Option<(Asks, usize)> {
    let text = |at: usize| words.get(at).map(|it| it.text.as_str());
    let (command, skip) = match (text(1)?, text(2)) {
        ("image", Some(it @ ("push" | "pull"))) | ("compose", Some(it)) => (it, 3),
        ("buildx", Some("build" | "b")) => ("build", 3),
        (it, _) => (it, 2),
    };
    let shown: Vec<&str> = words[..skip].iter().map(|it| it.text.as_str()).collect();
    let mut asks = Asks::by(format!("`{}`", shown.join(" ")));
    let rest = &words[skip..];
    match (text(1)?, command) {
        ("compose", _) if rest.iter().chain(&words[1..skip]).any(|it| COMPOSE.contains(&it.text.as_str())) => {
            let what = format!("which images {} pushes or pulls, and what that asks of AWS", asks.by);
            asks.not_known.push(what);
        }
        (_, "push") => {
            asks.transfer(Transfer::Push, &operand(rest)?.text);
            if rest.iter().any(|it| ["-a", "--all-tags"].contains(&it.text.as_str())) {
                asks.pushes.clear();
            }
        }
        (_, "pull") => asks.transfer(Transfer::Pull, &operand(rest)?.text),
        (_, "run" | "create") => {
            let image = rest.iter().find(|it| matches!(Place::of(&it.text), Place::Ecr { .. }))?;
            asks.transfer(Transfer::Pull, &image.text);
        }
        (_, "build") if rest.iter().any(|it| it.text == "--push" || it.text.contains("push=true")) => {
            for tag in tags(rest) {
                asks.transfer(Transfer::Push, tag);
            }
        }
        _ => return None,
    }
    Some((asks, skip))
}

/// The first word that is no option; `--platform linux/arm64` is the only one of `push` and `pull` that has a value.
fn operand(words: &[Word]) -> Option<&Word> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word.text == "--platform" {
            words.next();
        } else if !word.text.starts_with('-') {
            return Some(word);
        }
    }
    None
}

/// The values of `-t` and `--tag`.
fn tags(words: &[Word]) -> Vec<&str> {
    let behind =
        words.windows(2).filter(|it| ["-t", "--tag"].contains(&it[0].text.as_str())).map(|it| it[1].text.as_str());
    let within = words.iter().filter_map(|it| it.text.strip_prefix("--tag="));
    behind.chain(within).collect()
}
