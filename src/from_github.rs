//! `wfrun why --from-github`: a run on GitHub, and where it went other than is foreseen for it.
mod compare;
mod matching;

use std::io::Read as _;
use std::path::Path;

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer};
use wfrun_plan::{JobOutlook, Outlook, Prospect, Reason};

use self::compare::leg_of;
use self::matching::Matching;
use crate::cli::EventArgs;
use crate::foresight::{Foreseen, Foresight};
use crate::output::Help;
use crate::situation::runs_on_default;

/// Results decide which jobs there are, and these have results: so many times it is looked again.
const MOST_ROUNDS: usize = 10;

/// A run as `gh run view --json event,headBranch,headSha,conclusion,workflowName,jobs` prints it.
///
/// Source: <https://cli.github.com/manual/gh_run_view>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GithubRun {
    event: String,
    #[serde(deserialize_with = "text")]
    head_branch: String,
    head_sha: String,
    #[serde(deserialize_with = "text")]
    conclusion: String,
    #[serde(deserialize_with = "text")]
    workflow_name: String,
    jobs: Vec<GithubJob>,
}

/// A job of it: a leg where there is a matrix.
#[derive(Debug, Deserialize)]
struct GithubJob {
    name: String,
    #[serde(deserialize_with = "text")]
    conclusion: String,
    #[serde(default)]
    steps: Vec<GithubStep>,
}

/// A step of a job.
#[derive(Debug, Deserialize)]
struct GithubStep {
    name: String,
    number: u64,
    #[serde(deserialize_with = "text")]
    conclusion: String,
}

/// A text that has to be there; `null` is an empty one.
fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(from)?.unwrap_or_default())
}

impl GithubRun {
    /// Reads a run from a file, or from standard input (`-`).
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let failed = |what: String| {
            let help = "make the file with `gh run view <run-id> --json \
                        event,headBranch,headSha,conclusion,workflowName,jobs > run.json`";
            Help::error("file/run", format!("failed to read {}: {what}", path.display()), help)
        };
        let text = if path.as_os_str() == "-" {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map(|_| text)
        } else {
            std::fs::read_to_string(path)
        };
        let text = text.map_err(|err| failed(err.to_string()))?;
        // PowerShell begins a file with this mark.
        serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(&text)).map_err(|err| failed(err.to_string()))
    }

    /// Looks at the workflow for the situation of the run, with the results that its jobs had.
    pub(crate) fn foresee(
        &self,
        foresight: &mut Foresight<'_>,
        event: &mut EventArgs,
        force: &[String],
    ) -> anyhow::Result<Foreseen> {
        let mut notices = self.situate(event, foresight);
        let mut foreseen = foresight.foresee(event, force)?;
        // What the results of other jobs explain is not taken for given.
        for with_skipped in [false, true] {
            for _ in 0..MOST_ROUNDS {
                let results = self.results(&foreseen.outlook, with_skipped);
                if results == foresight.assumed {
                    break;
                }
                foresight.assumed = results;
                foreseen = foresight.foresee(event, force)?;
            }
        }
        notices.append(&mut foreseen.notices);
        Ok(Foreseen { notices, ..foreseen })
    }

    /// Fills in what the options leave open; says what is uncertain about it.
    fn situate(&self, event: &mut EventArgs, foresight: &Foresight<'_>) -> Vec<String> {
        let mut notices = Vec::new();
        let workflow = foresight.set.root.display_name();
        if !self.workflow_name.is_empty() && self.workflow_name != workflow {
            notices.push(format!(
                "GitHub's run is of the workflow `{}`, and this is `{workflow}`",
                plain(&self.workflow_name)
            ));
        }
        if self.conclusion.is_empty() {
            notices.push("GitHub's run was not over".to_owned());
        }
        let contradicted = [
            ("--event", event.event.as_deref(), "event", &self.event),
            ("--ref", event.git_ref.as_deref(), "headBranch", &self.head_branch),
            ("--head", event.head.as_deref(), "headBranch", &self.head_branch),
        ];
        for (option, given, member, told) in contradicted {
            let other = given.map(|it| it.strip_prefix("refs/heads/").unwrap_or(it));
            if let Some(given) = other.filter(|it| it != told && !told.is_empty()) {
                let told = plain(told);
                notices.push(format!("`{option} {given}` wins over `{member}` of GitHub's run, which is `{told}`"));
            }
        }
        event.event.get_or_insert_with(|| self.event.clone());
        // A payload says more about the ref than the run does.
        if !self.head_branch.is_empty() && event.event_path.is_none() {
            if event.head.is_none() {
                event.git_ref.get_or_insert_with(|| self.head_branch.clone());
            }
            if runs_on_default(&self.event) {
                event.default_branch.get_or_insert_with(|| self.head_branch.clone());
            }
        }
        if event.sha.is_none() && event.event_path.is_none() {
            if is_sha(&self.head_sha) && foresight.has_commit(&self.head_sha) {
                event.sha = Some(self.head_sha.clone());
            } else {
                let sha = plain(&self.head_sha);
                notices.push(format!("git does not have commit `{sha}` of GitHub's run: `git fetch` may bring it"));
            }
        }
        notices
    }

    /// How jobs ended, by key; those that were skipped are to be explained.
    fn results(&self, outlook: &Outlook, with_skipped: bool) -> IndexMap<String, String> {
        let matching = Matching::new(&self.jobs, outlook);
        let ended = outlook.jobs.iter().zip(&matching.with_called);
        let result = |job: &JobOutlook, of_github: &[&GithubJob]| {
            let skipped = || (with_skipped && was_left_out(job, of_github)).then_some("skipped");
            self.result(job, of_github).or_else(skipped)
        };
        let ended =
            ended.filter_map(|(job, of_github)| Some((job.key.to_string(), result(job, of_github)?.to_owned())));
        ended.collect()
    }

    /// How a job with these legs counts for what needs it; none where all were skipped, or one is not over.
    fn result(&self, job: &JobOutlook, legs: &[&GithubJob]) -> Option<&'static str> {
        let ended: Vec<Ended> = legs.iter().map(|it| Ended::of(&it.conclusion)).collect();
        let any = |wanted: Ended| ended.contains(&wanted);
        if any(Ended::Failure) {
            // Only `continue-on-error` keeps a failed job from making its run one.
            if self.conclusion == "success" {
                return Some("success");
            }
            // Of a leg that it forgives, those that need the job see a success.
            // Source: GitHub: planning rules 4.3 and 4.6.
            let failed = legs.iter().filter(|it| Ended::of(&it.conclusion) == Ended::Failure);
            let forgiven: Vec<Option<bool>> =
                failed.map(|it| leg_of(job, legs, it).map_or(Some(false), |leg| leg.forgives)).collect();
            return match (forgiven.contains(&Some(false)), forgiven.contains(&None)) {
                (true, _) => Some("failure"),
                (false, true) => None,
                (false, false) => Some("success"),
            };
        }
        let of = [(Ended::NotYet, None), (Ended::Cancelled, Some("cancelled")), (Ended::Success, Some("success"))];
        of.into_iter().find(|(it, _)| any(*it)).and_then(|(_, result)| result)
    }
}

/// Whether it was open that a job runs, and GitHub skipped it: what needs it has to know.
fn was_left_out(job: &JobOutlook, of_github: &[&GithubJob]) -> bool {
    let was_open = job.verdict == Prospect::Depends || matches!(job.reason, Some(Reason::Stated { .. }));
    was_open && !of_github.is_empty() && of_github.iter().all(|it| Ended::of(&it.conclusion) == Ended::Skipped)
}

/// How something ended on GitHub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Success,
    Failure,
    Cancelled,
    Skipped,
    NotYet,
}

impl Ended {
    /// Source: <https://docs.github.com/en/rest/actions/workflow-jobs> (`conclusion`)
    fn of(conclusion: &str) -> Self {
        match conclusion {
            "success" | "neutral" => Self::Success,
            "failure" | "timed_out" | "startup_failure" | "action_required" => Self::Failure,
            "cancelled" | "stale" => Self::Cancelled,
            "skipped" => Self::Skipped,
            _ => Self::NotYet,
        }
    }

    fn has_run(self) -> bool {
        matches!(self, Self::Success | Self::Failure)
    }
}

fn is_sha(text: &str) -> bool {
    text.len() >= 7 && text.bytes().all(|it| it.is_ascii_hexdigit())
}

/// A text of the file as it may be shown: on one line, and without what moves a cursor.
fn plain(text: &str) -> String {
    text.chars().filter(|it| !it.is_control()).collect()
}
