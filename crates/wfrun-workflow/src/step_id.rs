use std::collections::HashSet;

use crate::{StepId, UsesTarget};

/// Makes ids for the steps of one job that have none, as GitHub does.
///
/// Source: GitHub: planning rules 1.6, execution rules E1.3.
#[derive(Debug)]
pub(crate) struct StepIds {
    taken: HashSet<String>,
}

/// Longest id, in characters.
const LONGEST: usize = 100;

impl StepIds {
    /// `written` are the ids that the job's steps have; they win over made-up ones.
    pub(crate) fn new<'a>(written: impl IntoIterator<Item = &'a str>) -> Self {
        Self { taken: written.into_iter().map(str::to_ascii_lowercase).collect() }
    }

    /// The id of a `run` step.
    pub(crate) fn run(&mut self) -> StepId {
        self.make("run")
    }

    /// The id of a step that uses `target`.
    pub(crate) fn uses(&mut self, target: &UsesTarget) -> StepId {
        match target {
            UsesTarget::Repository(it) => self.make(&format!("{}_{}", it.owner, it.repo)),
            UsesTarget::Local(_) => self.make("self"),
            UsesTarget::SelfRepository(_) => self.make("selfRepository"),
            UsesTarget::Docker(image) => self.make(image),
        }
    }

    /// The id of a step that waits or cancels, made of its key.
    pub(crate) fn named(&mut self, key: &str) -> StepId {
        self.make(key)
    }

    fn make(&mut self, text: &str) -> StepId {
        let legal = |it: char| if it.is_ascii_alphanumeric() || it == '_' || it == '-' { it } else { '_' };
        let base: String = "__".chars().chain(text.chars().map(legal)).collect();
        let with = |suffix: String| base.chars().take(LONGEST - suffix.len()).chain(suffix.chars()).collect::<String>();
        let numbered = std::iter::once(with(String::new())).chain((2..1000).map(|number| with(format!("_{number}"))));
        let free = numbered.into_iter().find(|it| !self.taken.contains(&it.to_ascii_lowercase()));
        let id = free.unwrap_or_else(|| with(String::new()));
        self.taken.insert(id.to_ascii_lowercase());
        StepId::new(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_ids() {
        let mut ids = StepIds::new(["__RUN_2"]);
        let uses = |text: &str| UsesTarget::parse(text).expect("a valid reference");
        let made = [
            ids.run(),
            ids.run(),
            ids.uses(&uses("actions/checkout@v3")),
            ids.uses(&uses("actions/checkout/sub@v4")),
            ids.uses(&uses("./x")),
            ids.uses(&uses("docker://alpine:3.18")),
        ];
        let made: Vec<_> = made.iter().map(StepId::as_str).collect();
        assert_eq!(made, ["__run", "__run_3", "__actions_checkout", "__actions_checkout_2", "__self", "__alpine_3_18"]);
    }
}
