//! What an expression reads that only a run can tell.

/// One thing an expression reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Leaf {
    /// `needs.ID.outputs.NAME`; no name stands for all.
    Need(String, Option<String>),
    /// `steps.ID.outputs.NAME`
    Step(String, Option<String>),
    /// `env.NAME`
    Env(String),
    /// `inputs.NAME`
    Input(String),
    /// `jobs.ID.outputs.NAME` of a called workflow; no name stands for all.
    Job(String, Option<String>),
    /// `matrix.…`
    Matrix,
    /// `hashFiles(…)`
    Hash,
    /// `secrets.NAME`
    Secret(String),
    /// What there is only during a run: `github.token`, `job.services`.
    Run(String),
}

/// Members of contexts that a case cannot say.
const OF_A_RUN: [(&str, &[&str]); 3] = [
    ("github", &["token", "run_id", "workspace", "event_path"]),
    ("job", &["container", "services", "check_run_id"]),
    ("runner", &["name", "environment", "temp", "tool_cache", "workspace"]),
];

/// Finds the leaves in the text of an expression; texts in quotes are passed over.
pub(super) fn leaves(text: &str) -> Vec<Leaf> {
    let mut found = Vec::new();
    for (index, code) in text.split('\'').enumerate() {
        // `steps['a b'].outputs` is written with a name that is no word: the quotes belong to it.
        if index % 2 == 0 {
            let words = code.split(|it: char| !(it.is_ascii_alphanumeric() || matches!(it, '_' | '-' | '.' | '*')));
            found.extend(words.filter_map(leaf));
        }
    }
    found
}

fn leaf(word: &str) -> Option<Leaf> {
    let mut parts = word.split('.');
    let root = parts.next()?.to_ascii_lowercase();
    let rest: Vec<&str> = parts.collect();
    let name = |at: usize| rest.get(at).filter(|it| **it != "*").map(|it| (*it).to_owned());
    let is_output = rest.get(1).is_none_or(|it| it.eq_ignore_ascii_case("outputs") || *it == "*");
    match root.as_str() {
        "needs" if is_output => Some(Leaf::Need(name(0).unwrap_or_default(), name(2))),
        "steps" if is_output => Some(Leaf::Step(name(0).unwrap_or_default(), name(2))),
        "jobs" if is_output => Some(Leaf::Job(name(0).unwrap_or_default(), name(2))),
        "inputs" => Some(Leaf::Input(name(0).unwrap_or_default())),
        "env" => Some(Leaf::Env(name(0).unwrap_or_default())),
        "matrix" => Some(Leaf::Matrix),
        "hashfiles" => Some(Leaf::Hash),
        "secrets" => Some(Leaf::Secret(name(0).unwrap_or_default())),
        other => {
            let (_, members) = OF_A_RUN.iter().find(|(context, _)| *context == other)?;
            let name = name(0).filter(|it| members.iter().any(|other| other.eq_ignore_ascii_case(it)))?;
            Some(Leaf::Run(format!("{other}.{name}")))
        }
    }
}

impl std::fmt::Display for Leaf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (context, id, name) = match self {
            Self::Need(id, name) => ("needs", id, name),
            Self::Step(id, name) => ("steps", id, name),
            Self::Job(id, name) => ("jobs", id, name),
            Self::Input(name) => return write!(f, "inputs.{name}"),
            Self::Env(name) => return write!(f, "env.{name}"),
            Self::Matrix => return f.write_str("the matrix"),
            Self::Secret(name) => return write!(f, "secrets.{name}"),
            Self::Run(name) => return f.write_str(name),
            Self::Hash => return f.write_str("hashFiles()"),
        };
        match name {
            Some(name) => write!(f, "{context}.{id}.outputs.{name}"),
            None if id.is_empty() => f.write_str(context),
            None => write!(f, "{context}.{id}.outputs"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_only_a_run_can_tell() {
        for (text, expected) in [
            ("github.ref == 'needs.a.outputs.b'", ""),
            ("needs.a.outputs.b == '1'", "needs.a.outputs.b"),
            ("needs.a.result == 'success'", ""),
            ("fromJSON(needs.a.outputs.b)[0]", "needs.a.outputs.b"),
            ("steps.x.outcome == 'failure' && steps.x.outputs.y", "steps.x.outputs.y"),
            ("contains(needs.*.outputs.x, 'a')", "needs"),
            ("toJSON(needs)", "needs"),
            ("env.A && matrix.os == 'b'", "env.A, the matrix"),
            ("hashFiles('**/x') != ''", "hashFiles()"),
            ("steps.a-b.outputs", "steps.a-b.outputs"),
            ("github.token != '' && github.actor == 'x'", "github.token"),
            ("runner.os == 'Linux' && runner.temp && job.status && job.services.db.id", "runner.temp, job.services"),
            ("secrets.TOKEN", "secrets.TOKEN"),
        ] {
            let found: Vec<String> = leaves(text).iter().map(ToString::to_string).collect();
            let found = found.join(", ");
            assert!(found == expected || (expected == "needs" && found.starts_with("needs")), "{text}: {found}");
        }
    }
}
