//! Command lines of `docker` that move images.
//!
//! Source: <https://docs.docker.com/reference/cli/docker/>
use wfrun_workflow::shell_script::Word;

/// Options of `docker` itself that have a value.
const GLOBAL: [&str; 10] =
    ["--config", "--context", "--host", "--log-level", "--tlscacert", "--tlscert", "--tlskey", "-H", "-c", "-l"];

/// A command, taken apart.
pub(crate) struct Parts<'w> {
    /// `compose`, where it is one of Compose's.
    pub(crate) is_compose: bool,
    /// `push`, `pull`, `build` or another; what stands behind `image`, `compose` and `buildx`.
    pub(crate) command: &'w str,
    /// What stands behind that.
    pub(crate) rest: &'w [Word],
    /// How many words there are up to it.
    pub(crate) said: usize,
}

impl<'w> Parts<'w> {
    /// Takes a command apart whose first word is `docker`.
    pub(crate) fn of(words: &'w [Word]) -> Option<Self> {
        let text = |at: usize| words.get(at).map(|it| it.text.as_str());
        let mut at = 1;
        while let Some(option) = text(at).filter(|it| it.starts_with('-')) {
            at += if GLOBAL.contains(&option) { 2 } else { 1 };
        }
        let first = text(at)?;
        let (command, said) = match (first, text(at + 1)) {
            ("image", Some(it @ ("push" | "pull" | "build"))) | ("compose", Some(it)) => (it, at + 2),
            ("buildx", Some("build" | "b")) | ("builder", Some("build")) => ("build", at + 2),
            (it, _) => (it, at + 1),
        };
        Some(Self { is_compose: first == "compose", command, rest: &words[said..], said })
    }

    /// The images that it sends to a registry.
    pub(crate) fn pushes(&self) -> Vec<&'w str> {
        match self.command {
            _ if self.is_compose => Vec::new(),
            "push" => self.operand().into_iter().collect(),
            "build" if self.rest.iter().any(|it| it.text == "--push" || it.text.contains("push=true")) => self.tags(),
            _ => Vec::new(),
        }
    }

    /// The first word that is no option; `--platform linux/arm64` is the only one of `push` and `pull` that has a value.
    pub(crate) fn operand(&self) -> Option<&'w str> {
        let mut words = self.rest.iter();
        while let Some(word) = words.next() {
            if word.text == "--platform" {
                words.next();
            } else if !word.text.starts_with('-') {
                return Some(&word.text);
            }
        }
        None
    }

    /// The values of `-t` and `--tag`.
    fn tags(&self) -> Vec<&'w str> {
        let is_tag = |it: &&'w [Word]| ["-t", "--tag"].contains(&it[0].text.as_str());
        let behind = self.rest.windows(2).filter(is_tag).map(|it| it[1].text.as_str());
        let within = self.rest.iter().filter_map(|it| it.text.strip_prefix("--tag="));
        behind.chain(within).collect()
    }
}

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;
    use wfrun_workflow::shell_script::{Known, read};

    use super::*;

    #[test]
    fn what_is_pushed() {
        for (script, pushed) in [
            ("docker push a", "a"),
            ("docker push -q --platform linux/arm64 a/b:1", "a/b:1"),
            ("docker image push a", "a"),
            ("docker --context x -D push a", "a"),
            ("docker -H tcp://x image build --push -t a --tag=b --tag c .", "a c b"),
            ("docker buildx b --output type=image,push=true -t a .", "a"),
            ("docker builder build --push -t a .", "a"),
            ("docker build -t a .", ""),
            ("docker pull a", ""),
            ("docker compose push a", ""),
            ("docker run x push a", ""),
            ("docker push", ""),
            ("docker", ""),
        ] {
            let unknown = |_: &str| "?".to_owned();
            let known =
                Known { variables: &IndexMap::new(), expression: &unknown, substitution: &unknown, unknown: '?' };
            let script_read = read(script, &known);
            let found = Parts::of(&script_read.commands[0].words).map(|it| it.pushes().join(" "));
            assert_eq!(found.unwrap_or_default(), pushed, "{script}");
        }
    }
}
