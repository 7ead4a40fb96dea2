//! `GITHUB_TOKEN`: made here for each job, or the caller's own.
use std::path::Path;

use indexmap::IndexMap;
use wfrun_journal::Secret;
use wfrun_plan::{ApiUrls, Plan, RunIdentity};
use wfrun_runner::Snapshot;
use wfrun_services::{Access, ApiGrant, ApiSettings, Services, new_token};
use wfrun_workflow::SCOPES;

use crate::environment::Environment;
use crate::output::Help;
use crate::secrets::Secrets;

const NAME: &str = "GITHUB_TOKEN";

/// Whose tokens the steps of a run get.
#[derive(Debug)]
pub(crate) enum GithubToken {
    /// Made on this machine, of no worth elsewhere; the API is served here.
    Made,
    /// The caller's, and the API is GitHub's.
    Real(Secret),
}

/// What a run has for its tokens.
pub(crate) struct Tokens {
    /// `github.token` outside of jobs.
    pub(crate) run: String,
    /// What those of jobs are made of, if each has its own.
    pub(crate) seed: Option<Secret>,
    /// Where the API is.
    pub(crate) api: ApiUrls,
    /// What is never to be shown, besides.
    pub(crate) hidden: Vec<Secret>,
    /// What to tell before anything runs.
    pub(crate) notices: Vec<String>,
}

impl GithubToken {
    /// Decides it by `--real-github`: only then the caller's token is looked for beyond what was given as a secret.
    pub(crate) fn of(is_real: bool, secrets: &Secrets) -> anyhow::Result<Self> {
        if !is_real {
            return Ok(Self::Made);
        }
        let given = secrets.get(NAME).map(|it| it.expose().to_owned());
        let token = given.or_else(|| Environment::variable(NAME)).filter(|it| !it.trim().is_empty());
        token.map(|it| Self::Real(Secret::new(it))).ok_or_else(|| {
            let help = "give `--secret GITHUB_TOKEN=…`, or set that variable: `gh auth token` prints one";
            Help::error("cli/real-github", "`--real-github` needs your token, and there is none", help)
        })
    }

    /// Serves the API if it is this machine's, and lets no real token of the caller's through to it.
    ///
    /// Differs: `--secret` with a token of GitHub's gives steps another that the API on this machine takes for one that may do
    /// all; with `--real-github` steps get the real ones, and the `permissions` of their jobs do not narrow what these may do.
    pub(crate) fn prepare(&self, services: &Services, secrets: &mut Secrets, settings: ApiSettings) -> Tokens {
        match self {
            Self::Real(token) => {
                let notice = "steps have your own GitHub token, and what they do with it is real (`--real-github`)";
                let (run, api) = (token.expose().to_owned(), ApiUrls::default());
                Tokens { run, seed: None, api, hidden: vec![token.clone()], notices: vec![notice.to_owned()] }
            }
            Self::Made => {
                services.serve_api(settings);
                let (hidden, replaced) = swap(secrets, |token| services.allow_api(token, everything()));
                let notices = if replaced.is_empty() { Vec::new() } else { vec![told(&replaced)] };
                let api = ApiUrls { rest: services.api_url(), graphql: services.graphql_url() };
                Tokens { run: new_token("ghs_"), seed: Some(Secret::new(new_token(""))), api, hidden, notices }
            }
        }
    }
}

/// What the API is told of a run.
pub(crate) fn api_settings(plan: &Plan, snapshot: &Snapshot, run_id: &str, number: u64, scratch: &Path) -> ApiSettings {
    let (event, root) = (&plan.event, &plan.set.root);
    ApiSettings {
        repository: event.repository.clone(),
        git: snapshot.dir.clone(),
        default_branch: event.default_branch.clone(),
        git_ref: event.git_ref.clone(),
        sha: snapshot.sha.clone(),
        actor: event.actor.clone(),
        event: event.name.clone(),
        payload: event.payload.clone(),
        run_id: run_id.to_owned(),
        run_number: number,
        workflow: root.display_name().to_owned(),
        workflow_path: root.source.path().to_owned(),
        scratch: scratch.to_owned(),
    }
}

/// What tells a run from others.
pub(crate) fn identity(tokens: &Tokens, run_id: &str, run_number: u64, workflow_sha: &str) -> RunIdentity {
    let (token, api) = (tokens.run.clone(), tokens.api.clone());
    let (run_id, workflow_sha) = (run_id.to_owned(), workflow_sha.to_owned());
    RunIdentity { run_id, run_number, run_attempt: 1, token, workflow_sha, api }
}

/// A token of a person's may do what the person may; nobody knows what that is.
fn everything() -> ApiGrant {
    let scopes = SCOPES.into_iter().map(|it| (it.to_owned(), Access::Write)).collect();
    ApiGrant { job: String::new(), scopes }
}

/// Puts a token that is known here only into the place of each real one; gives back those, and their names.
fn swap(secrets: &mut Secrets, mut know: impl FnMut(&str)) -> (Vec<Secret>, Vec<String>) {
    let (mut hidden, mut names) = (Vec::new(), Vec::new());
    let mut made: IndexMap<String, String> = IndexMap::new();
    for (name, secret) in secrets.iter_mut() {
        let value = secret.expose().trim().to_owned();
        let Some(prefix) = prefix(&value).or((name == NAME && !value.is_empty()).then_some("ghp_")) else { continue };
        let token = made.entry(value).or_insert_with(|| new_token(prefix)).clone();
        know(&token);
        hidden.push(std::mem::replace(secret, Secret::new(token)));
        names.push(name.clone());
    }
    (hidden, names)
}

/// What a token of GitHub's begins with.
///
/// Source: GitHub: "About authentication to GitHub", "GitHub's token formats".
fn prefix(value: &str) -> Option<&'static str> {
    const PREFIXES: [&str; 6] = ["ghp_", "github_pat_", "gho_", "ghu_", "ghs_", "ghr_"];
    let rest = |prefix: &&str| value.strip_prefix(*prefix);
    let is_token = |it: &str| it.len() >= 20 && it.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_');
    PREFIXES.into_iter().find(|it| rest(it).is_some_and(is_token))
}

fn told(names: &[String]) -> String {
    let names = names.join(", ");
    format!("real GitHub tokens stay here: others, which the API on this machine knows, take the place of {names}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_tokens_are_swapped_and_nothing_else() {
        let classic = format!("ghp_{}", "a1B2".repeat(9));
        let fine = format!("github_pat_{}", "x_9".repeat(20));
        let given = [
            ("GITHUB_TOKEN", "of-any-form"),
            ("RELEASE_TOKEN", classic.as_str()),
            ("THE_SAME", &classic),
            ("OTHER", &fine),
            ("PLAIN", "value"),
            ("NAMED_LIKE_ONE", "ghp_short"),
        ];
        let mut secrets: Secrets = given.iter().map(|(name, it)| ((*name).to_owned(), Secret::new(*it))).collect();
        let mut known = Vec::new();
        let (hidden, names) = swap(&mut secrets, |it| known.push(it.to_owned()));
        assert_eq!(names, ["GITHUB_TOKEN", "RELEASE_TOKEN", "THE_SAME", "OTHER"]);
        let hidden: Vec<&str> = hidden.iter().map(Secret::expose).collect();
        assert_eq!(hidden, ["of-any-form", &classic, &classic, &fine]);
        let now = |name: &str| secrets[name].expose().to_owned();
        assert_eq!((now("PLAIN"), now("NAMED_LIKE_ONE")), ("value".to_owned(), "ghp_short".to_owned()));
        assert_eq!(now("RELEASE_TOKEN"), now("THE_SAME"));
        assert!(now("OTHER").starts_with("github_pat_") && now("OTHER") != fine);
        assert!(names.iter().all(|it| known.contains(&now(it))));
    }
}
