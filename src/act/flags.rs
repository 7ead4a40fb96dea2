//! Every flag of act's, and what it means here.

/// A flag of act's.
#[derive(Debug)]
pub(crate) struct Flag {
    /// Its name, without dashes.
    pub(crate) name: &'static str,
    /// Its letter.
    pub(crate) short: Option<char>,
    /// What stands behind it.
    pub(crate) takes: Takes,
    /// What it means here.
    pub(crate) here: Here,
    /// More about that: a part of a sentence, without full stop.
    pub(crate) note: &'static str,
}

/// What stands behind a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Nothing, or `=true` and `=false`; with act's default.
    Switch(bool),
    /// A value, of which the last holds; with act's default.
    One(&'static str),
    /// A value; it can be repeated.
    Many,
}

/// What a flag means here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Here {
    /// What this option of wfrun's means.
    Same(&'static str),
    /// wfrun does it by this command of its own, which is carried out in place of `run`.
    Command(&'static str),
    /// Something else than the option of wfrun's that is called so; in `.actrc` it has no effect.
    Other,
    /// Nothing.
    NoEffect,
    /// It would change what a run means, so it is refused unless its value changes nothing.
    Refused,
}

impl Flag {
    /// As it is written: `--job`.
    pub(crate) fn long(&self) -> String {
        format!("--{}", self.name)
    }

    /// The flag that is called so; `name` is `--job`, `-j` or a longer word that begins so.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        if let Some(long) = name.strip_prefix("--") {
            return FLAGS.iter().find(|it| it.name == long);
        }
        let letter = name.strip_prefix('-')?.chars().next()?;
        FLAGS.iter().find(|it| it.short == Some(letter))
    }

    /// Whether a value changes nothing: it is act's own default, or what this machine is anyway.
    pub(crate) fn is_usual(&self, value: &str) -> bool {
        match self.takes {
            Takes::Switch(usual) => value == if usual { "true" } else { "false" },
            Takes::One(_) if self.name == "container-architecture" => {
                let own =
                    if cfg!(target_arch = "aarch64") { ["linux/arm64", "arm64"] } else { ["linux/amd64", "amd64"] };
                value.is_empty() || own.contains(&value)
            }
            // Without it, the actor is another one here.
            Takes::One(usual) => value == usual && self.name != "actor",
            Takes::Many => false,
        }
    }

    /// Whether its value is nobody's business.
    pub(crate) fn is_secret(&self) -> bool {
        matches!(self.name, "secret" | "replace-ghe-action-token-with-github-com")
    }
}

const fn flag(name: &'static str, short: Option<char>, takes: Takes, here: Here, note: &'static str) -> Flag {
    Flag { name, short, takes, here, note }
}

const ARTIFACTS: &str = "artifacts are always served to jobs on this machine, and kept in `.wfrun/runs/RUN/artifacts`";
const CACHES: &str = "caches are always served to jobs on this machine, and kept in `.wfrun/cache`";
const RIGHTS: &str = "jobs have the rights that wfrun gives them; `container: options:` in the workflow gives a job \
                      container more, as on GitHub";
const ENTERPRISE: &str = "`uses:` comes from github.com, or from `--mirror` and `--local-repository`";
const DEFAULT_FILE: &str = "a file that is named takes the default's place; YAML by its ending, else dotenv";

/// In the order of `act --help`.
///
/// Source: act 0.2.89: `act --help`, and cmd/root.go of <https://github.com/nektos/act>
#[rustfmt::skip]
pub(crate) const FLAGS: &[Flag] = &[
    flag("action-cache-path", None, Takes::One(""), Here::NoEffect, "fetched actions are kept in wfrun's cache folder; `--action-store DIR` names another"),
    flag("action-offline-mode", None, Takes::Switch(false), Here::NoEffect, "what was fetched once is not fetched again; `--offline` fetches nothing at all"),
    flag("actor", Some('a'), Takes::One("nektos/act"), Here::Same("actor"), "without it the actor is you, not `nektos/act`"),
    flag("artifact-server-addr", None, Takes::One(""), Here::NoEffect, ARTIFACTS),
    flag("artifact-server-path", None, Takes::One(""), Here::NoEffect, ARTIFACTS),
    flag("artifact-server-port", None, Takes::One("34567"), Here::NoEffect, ARTIFACTS),
    flag("bind", Some('b'), Takes::Switch(false), Here::NoEffect, "a job never writes into your folder; `--dirty` gives it your uncommitted changes, `--keep-workspace` keeps what it changes"),
    flag("bug-report", None, Takes::Switch(false), Here::Command("doctor"), "what this machine offers to jobs"),
    flag("cache-server-addr", None, Takes::One(""), Here::NoEffect, CACHES),
    flag("cache-server-external-url", None, Takes::One(""), Here::NoEffect, CACHES),
    flag("cache-server-path", None, Takes::One(""), Here::NoEffect, CACHES),
    flag("cache-server-port", None, Takes::One("0"), Here::NoEffect, CACHES),
    flag("concurrent-jobs", None, Takes::One("0"), Here::Same("max-jobs"), "without it two for each processor, at least four, as far as memory goes"),
    flag("container-architecture", None, Takes::One(""), Here::Refused, "leave it out: jobs run on this machine's own architecture, and one for another kind of machine makes the run incomplete"),
    flag("container-cap-add", None, Takes::Many, Here::NoEffect, RIGHTS),
    flag("container-cap-drop", None, Takes::Many, Here::NoEffect, RIGHTS),
    flag("container-daemon-socket", None, Takes::One(""), Here::NoEffect, "the variable `DOCKER_HOST` says which engine is used, and its socket is not mounted into jobs by a flag"),
    flag("container-options", None, Takes::One(""), Here::NoEffect, RIGHTS),
    flag("defaultbranch", None, Takes::One(""), Here::Same("default-branch"), ""),
    flag("detect-event", None, Takes::Switch(false), Here::Same("detect-event"), "the first of the workflow's events by the alphabet, as with act"),
    flag("directory", Some('C'), Takes::One("."), Here::Same("directory"), ""),
    flag("dryrun", Some('n'), Takes::Switch(false), Here::Command("plan"), "the jobs as they would run; executes nothing"),
    flag("env", None, Takes::Many, Here::Same("env"), "a name alone is refused: write `NAME=`"),
    flag("env-file", None, Takes::One(".env"), Here::Same("env-file"), DEFAULT_FILE),
    flag("eventpath", Some('e'), Takes::One(""), Here::Same("event-path"), "merged over the payload that wfrun makes up; `-e` is `--event`, unless a `.json` file stands behind it"),
    flag("github-instance", None, Takes::One("github.com"), Here::Refused, "the repositories of another server are had by `--mirror https://SERVER`, and `--repository OWNER/NAME` says which one this is"),
    flag("graph", Some('g'), Takes::Switch(false), Here::Command("graph"), "of one workflow"),
    flag("help", Some('h'), Takes::Switch(false), Here::Same("help"), ""),
    flag("input", None, Takes::Many, Here::Same("input"), "one that the workflow does not declare is refused, as on GitHub"),
    flag("input-file", None, Takes::One(".input"), Here::Same("input-file"), DEFAULT_FILE),
    flag("insecure-secrets", None, Takes::Switch(false), Here::NoEffect, "secrets are masked wherever they are shown or kept"),
    flag("job", Some('j'), Takes::One(""), Here::Same("job"), "the job and what it needs; it can be repeated, `--no-needs` leaves the needs out"),
    flag("json", None, Takes::Switch(false), Here::Other, "`--json` prints the run's events in wfrun's own form"),
    flag("list", Some('l'), Takes::Switch(false), Here::Command("list"), "of all workflows, whatever event or job is named"),
    flag("list-options", None, Takes::Switch(false), Here::Refused, "`wfrun run --help` lists wfrun's options, docs/from-act.md act's flags"),
    flag("local-repository", None, Takes::Many, Here::Same("local-repository"), "OWNER/NAME, with or without @REF; of an URL the server is left out"),
    flag("log-prefix-job-id", None, Takes::Switch(false), Here::NoEffect, "lines stand below their job"),
    flag("man-page", None, Takes::Switch(false), Here::Command("man"), "`wfrun man run` is the page of one command"),
    flag("matrix", None, Takes::Many, Here::Same("matrix"), "a key with several values is any of them"),
    flag("network", None, Takes::One("host"), Here::NoEffect, "job containers and services have networks of their own, as on GitHub"),
    flag("no-cache-server", None, Takes::Switch(false), Here::NoEffect, CACHES),
    flag("no-recurse", None, Takes::Switch(false), Here::NoEffect, "workflows are the files of `.github/workflows` itself, as on GitHub"),
    flag("no-skip-checkout", None, Takes::Switch(false), Here::NoEffect, "`actions/checkout` is never skipped"),
    flag("platform", Some('P'), Takes::Many, Here::Same("platform"), "on the docker backend; the engine must have the image. `-self-hosted` has no effect: `--backend host` runs all jobs on this machine"),
    flag("privileged", None, Takes::Switch(false), Here::NoEffect, RIGHTS),
    flag("pull", Some('p'), Takes::Switch(true), Here::NoEffect, "an image that the engine has is taken as it is; `docker pull` makes it new"),
    flag("quiet", Some('q'), Takes::Switch(false), Here::Same("quiet"), "failures and the summary stay"),
    flag("rebuild", None, Takes::Switch(true), Here::NoEffect, "the engine builds the images of container actions in every run, from the layers that it has"),
    flag("remote-name", None, Takes::One("origin"), Here::Same("remote-name"), "the remote whose address names the repository"),
    flag("replace-ghe-action-token-with-github-com", None, Takes::One(""), Here::NoEffect, ENTERPRISE),
    flag("replace-ghe-action-with-github-com", None, Takes::Many, Here::NoEffect, ENTERPRISE),
    flag("reuse", Some('r'), Takes::Switch(false), Here::NoEffect, "each job begins anew, as on GitHub; `actions/cache` keeps what is to stay"),
    flag("rm", None, Takes::Switch(false), Here::NoEffect, "containers and work folders are always removed; `--keep-workspace` keeps what jobs left"),
    flag("secret", Some('s'), Takes::Many, Here::Same("secret"), "a name alone is taken from the environment, else asked for on a terminal"),
    flag("secret-file", None, Takes::One(".secrets"), Here::Same("secret-file"), DEFAULT_FILE),
    flag("strict", None, Takes::Switch(false), Here::Other, "the schema is always held to; wfrun's `--strict` makes whatever is not done as on GitHub an incomplete run"),
    flag("use-gitignore", None, Takes::Switch(true), Here::NoEffect, "jobs get the commit, and with `--dirty` what git does not ignore"),
    flag("use-new-action-cache", None, Takes::Switch(false), Here::NoEffect, "fetched actions are kept in wfrun's cache folder"),
    flag("userns", None, Takes::One(""), Here::NoEffect, RIGHTS),
    flag("validate", None, Takes::Switch(false), Here::Command("check"), "of the workflow, or of all"),
    flag("var", None, Takes::Many, Here::Same("var"), "a name alone is refused: write `NAME=VALUE`"),
    flag("var-file", None, Takes::One(".vars"), Here::Same("var-file"), DEFAULT_FILE),
    flag("verbose", Some('v'), Takes::Switch(false), Here::Same("verbose"), "plain lines; `::debug::` lines come with the secret or variable `ACTIONS_STEP_DEBUG`"),
    flag("version", None, Takes::Switch(false), Here::Same("version"), ""),
    flag("watch", Some('w'), Takes::Switch(false), Here::Refused, "`wfrun test --watch` runs the unit tests of workflows again whenever a file is changed"),
    flag("workflows", Some('W'), Takes::One("./.github/workflows/"), Here::Same("workflows"), "one file, or a folder with one file; what stands in the place of the workflow is then the event"),
];

#[cfg(test)]
mod tests;
