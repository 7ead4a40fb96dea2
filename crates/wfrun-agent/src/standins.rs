//! Built-in stand-ins for well-known actions and commands.
//!
//! A stand-in is an ordinary program: the executable started as `__standin <owner/repo> <main|post> [ref]` in the step's
//! environment, with the `INPUT_*`, `STATE_*`, `GITHUB_*`, `RUNNER_*` and `ACTIONS_*` variables that GitHub gives a
//! JavaScript action. It writes the same files, prints the same workflow commands and ends with 0 or 1, so that it and
//! the real action are interchangeable.
//!
//! Invariant: what a stand-in does not do as GitHub would is declared ([`toolkit::declare`]) or fails the step; it is
//! never passed over.

mod artifact;
pub mod aws_client;
mod cache;
mod checkout;
pub mod cli;
mod configure_aws_credentials;
mod dependency_cache;
mod docker;
mod ecr_login;
mod ecs_deploy;
mod ecs_render;
mod error;
pub mod http;
mod node_path;
mod problem_matchers;
mod program;
mod search_path;
mod semver;
mod setup_dotnet;
mod setup_go;
mod setup_java;
mod setup_node;
mod setup_python;
mod substitute;
mod tool_cache;
pub mod toolkit;
mod version;
mod xml;

use std::ops::RangeInclusive;
use std::process::ExitCode;

pub use error::StandInError;
pub use semver::version_in_range;
pub use version::Version;

/// A built-in program that takes an action's place.
#[derive(Debug)]
pub struct StandIn {
    /// `owner/repo`, with a sub-folder where the action has one: `actions/cache/restore`.
    pub repository: &'static str,
    /// The major versions whose behaviour is known.
    pub majors: RangeInclusive<u32>,
    manifests: &'static [(u32, &'static str)],
    run: fn(&Invocation) -> Result<(), StandInError>,
}

impl StandIn {
    /// The text of `action.yml` as that version declares it: name, inputs with their defaults, outputs, `runs`.
    ///
    /// `git_ref` is what follows `@` in `uses:`. One that names no version gets the newest.
    /// Source: the action's own `action.yml` at that version.
    pub fn manifest(&self, git_ref: &str) -> &'static str {
        let major = self.version(git_ref).major;
        let known = self.manifests.iter().rev().find(|(from, _)| *from <= major);
        known.or_else(|| self.manifests.first()).map_or("", |(_, text)| text)
    }

    /// The version that `git_ref` stands for, moved into [`Self::majors`] where it lies outside.
    pub fn version(&self, git_ref: &str) -> Version {
        match Version::parse(git_ref) {
            Some(version) if self.majors.contains(&version.major) => version,
            Some(version) if version.major < *self.majors.start() => Version::floating(*self.majors.start()),
            Some(_) | None => Version::floating(*self.majors.end()),
        }
    }

    /// Whether `git_ref` names a version whose behaviour is known.
    pub fn knows(&self, git_ref: &str) -> bool {
        Version::parse(git_ref).is_some_and(|version| self.majors.contains(&version.major))
    }
}

/// When in a job the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Main,
    Post,
}

/// One start of a stand-in.
#[derive(Debug)]
struct Invocation {
    phase: Phase,
    version: Version,
}

/// Every action that has a stand-in.
pub const ACTIONS: &[StandIn] = &[
    StandIn {
        repository: "actions/checkout",
        majors: 2..=7,
        manifests: &[
            (2, include_str!("standins/manifests/checkout-v2.yml")),
            (3, include_str!("standins/manifests/checkout-v3.yml")),
            (4, include_str!("standins/manifests/checkout-v4.yml")),
        ],
        run: checkout::run,
    },
    StandIn {
        repository: "actions/setup-python",
        majors: 2..=7,
        manifests: &[
            (2, include_str!("standins/manifests/setup-python-v2.yml")),
            (3, include_str!("standins/manifests/setup-python-v3.yml")),
            (4, include_str!("standins/manifests/setup-python-v4.yml")),
            (5, include_str!("standins/manifests/setup-python-v5.yml")),
            (6, include_str!("standins/manifests/setup-python-v6.yml")),
            (7, include_str!("standins/manifests/setup-python-v7.yml")),
        ],
        run: setup_python::run,
    },
    StandIn {
        repository: "actions/setup-node",
        majors: 2..=7,
        manifests: &[
            (2, include_str!("standins/manifests/setup-node-v2.yml")),
            (3, include_str!("standins/manifests/setup-node-v3.yml")),
            (4, include_str!("standins/manifests/setup-node-v4.yml")),
            (5, include_str!("standins/manifests/setup-node-v5.yml")),
            (6, include_str!("standins/manifests/setup-node-v6.yml")),
            (7, include_str!("standins/manifests/setup-node-v7.yml")),
        ],
        run: setup_node::run,
    },
    StandIn {
        repository: "actions/setup-go",
        majors: 2..=7,
        manifests: &[
            (2, include_str!("standins/manifests/setup-go-v2.yml")),
            (3, include_str!("standins/manifests/setup-go-v3.yml")),
            (4, include_str!("standins/manifests/setup-go-v4.yml")),
            (5, include_str!("standins/manifests/setup-go-v5.yml")),
            (6, include_str!("standins/manifests/setup-go-v6.yml")),
        ],
        run: setup_go::run,
    },
    StandIn {
        repository: "actions/setup-java",
        majors: 2..=5,
        manifests: &[
            (2, include_str!("standins/manifests/setup-java-v2.yml")),
            (3, include_str!("standins/manifests/setup-java-v3.yml")),
            (4, include_str!("standins/manifests/setup-java-v4.yml")),
            (5, include_str!("standins/manifests/setup-java-v5.yml")),
        ],
        run: setup_java::run,
    },
    StandIn {
        repository: "actions/setup-dotnet",
        majors: 3..=6,
        manifests: &[
            (3, include_str!("standins/manifests/setup-dotnet-v3.yml")),
            (4, include_str!("standins/manifests/setup-dotnet-v4.yml")),
            (5, include_str!("standins/manifests/setup-dotnet-v5.yml")),
        ],
        run: setup_dotnet::run,
    },
    StandIn {
        repository: "actions/cache",
        majors: 1..=5,
        manifests: &[
            (1, include_str!("standins/manifests/cache-v1.yml")),
            (2, include_str!("standins/manifests/cache-v2.yml")),
            (3, include_str!("standins/manifests/cache-v3.yml")),
            (4, include_str!("standins/manifests/cache-v4.yml")),
        ],
        run: cache::run,
    },
    StandIn {
        repository: "actions/cache/restore",
        majors: 3..=5,
        manifests: &[(3, include_str!("standins/manifests/cache-restore-v3.yml"))],
        run: cache::run_restore_only,
    },
    StandIn {
        repository: "actions/cache/save",
        majors: 3..=5,
        manifests: &[(3, include_str!("standins/manifests/cache-save-v3.yml"))],
        run: cache::run_save_only,
    },
    StandIn {
        repository: "actions/upload-artifact",
        majors: 1..=7,
        manifests: &[
            (1, include_str!("standins/manifests/upload-artifact-v1.yml")),
            (4, include_str!("standins/manifests/upload-artifact-v4.yml")),
            (7, include_str!("standins/manifests/upload-artifact-v7.yml")),
        ],
        run: artifact::run_upload,
    },
    StandIn {
        repository: "actions/download-artifact",
        majors: 1..=8,
        manifests: &[
            (1, include_str!("standins/manifests/download-artifact-v1.yml")),
            (4, include_str!("standins/manifests/download-artifact-v4.yml")),
            (8, include_str!("standins/manifests/download-artifact-v8.yml")),
        ],
        run: artifact::run_download,
    },
    StandIn {
        repository: "aws-actions/configure-aws-credentials",
        majors: 1..=6,
        manifests: &[
            (1, include_str!("standins/manifests/configure-aws-credentials-v1.yml")),
            (2, include_str!("standins/manifests/configure-aws-credentials-v2.yml")),
            (3, include_str!("standins/manifests/configure-aws-credentials-v3.yml")),
            (4, include_str!("standins/manifests/configure-aws-credentials-v4.yml")),
            (5, include_str!("standins/manifests/configure-aws-credentials-v5.yml")),
            (6, include_str!("standins/manifests/configure-aws-credentials-v6.yml")),
        ],
        run: configure_aws_credentials::run,
    },
    StandIn {
        repository: "aws-actions/amazon-ecr-login",
        majors: 1..=2,
        manifests: &[
            (1, include_str!("standins/manifests/amazon-ecr-login-v1.yml")),
            (2, include_str!("standins/manifests/amazon-ecr-login-v2.yml")),
        ],
        run: ecr_login::run,
    },
    StandIn {
        repository: "aws-actions/amazon-ecs-render-task-definition",
        majors: 1..=1,
        manifests: &[(1, include_str!("standins/manifests/amazon-ecs-render-task-definition-v1.yml"))],
        run: ecs_render::run,
    },
    StandIn {
        repository: "aws-actions/amazon-ecs-deploy-task-definition",
        majors: 1..=2,
        manifests: &[
            (1, include_str!("standins/manifests/amazon-ecs-deploy-task-definition-v1.yml")),
            (2, include_str!("standins/manifests/amazon-ecs-deploy-task-definition-v2.yml")),
        ],
        run: ecs_deploy::run,
    },
    StandIn {
        repository: "docker/login-action",
        majors: 1..=4,
        manifests: &[
            (1, include_str!("standins/manifests/docker-login-action-v1.yml")),
            (2, include_str!("standins/manifests/docker-login-action-v2.yml")),
            (3, include_str!("standins/manifests/docker-login-action-v3.yml")),
            (4, include_str!("standins/manifests/docker-login-action-v4.yml")),
        ],
        run: docker::run_login,
    },
    StandIn {
        repository: "docker/setup-buildx-action",
        majors: 1..=4,
        manifests: &[
            (1, include_str!("standins/manifests/docker-setup-buildx-action-v1.yml")),
            (2, include_str!("standins/manifests/docker-setup-buildx-action-v2.yml")),
            (3, include_str!("standins/manifests/docker-setup-buildx-action-v3.yml")),
            (4, include_str!("standins/manifests/docker-setup-buildx-action-v4.yml")),
        ],
        run: docker::run_setup_buildx,
    },
    StandIn {
        repository: "docker/build-push-action",
        majors: 2..=7,
        manifests: &[
            (2, include_str!("standins/manifests/docker-build-push-action-v2.yml")),
            (3, include_str!("standins/manifests/docker-build-push-action-v3.yml")),
            (5, include_str!("standins/manifests/docker-build-push-action-v5.yml")),
            (6, include_str!("standins/manifests/docker-build-push-action-v6.yml")),
            (7, include_str!("standins/manifests/docker-build-push-action-v7.yml")),
        ],
        run: docker::run_build_push,
    },
];

/// The stand-in for `owner/repo` (or `owner/repo/folder`), compared without case as GitHub does.
pub fn find(repository: &str) -> Option<&'static StandIn> {
    ACTIONS.iter().find(|action| action.repository.eq_ignore_ascii_case(repository))
}

/// Runs a stand-in: `args` are what follows `__standin`, that is `<owner/repo> <main|post> [ref]`.
///
/// Ends with 0 or 1 as the action would; 2 means that the arguments name no stand-in.
pub fn main(args: impl IntoIterator<Item = String>) -> ExitCode {
    let args: Vec<String> = args.into_iter().collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let (repository, phase, git_ref) = match words.as_slice() {
        [repository, phase] => (*repository, *phase, ""),
        [repository, phase, git_ref] => (*repository, *phase, *git_ref),
        _ => return usage("expected `<owner/repo> <main|post> [ref]`"),
    };
    let phase = match phase {
        "main" => Phase::Main,
        "post" => Phase::Post,
        _ => return usage("the phase is `main` or `post`"),
    };
    let Some(action) = find(repository) else {
        return usage(&format!("there is no stand-in for `{repository}`"));
    };
    if phase == Phase::Main && !git_ref.is_empty() && !action.knows(git_ref) {
        declare_unknown_version(action, git_ref);
    }
    let invocation = Invocation { phase, version: action.version(git_ref) };
    match (action.run)(&invocation) {
        Ok(()) => ExitCode::SUCCESS,
        Err(StandInError::Said) => ExitCode::FAILURE,
        Err(error) => {
            if let StandInError::NotSupported { action, what, .. } = &error {
                // The step may go on after it by `continue-on-error`: then nothing else would say that it was not done.
                let what = what.trim_end_matches(',');
                toolkit::declare(toolkit::How::NotRun, action, &format!("its stand-in does not have {what}"));
            }
            toolkit::error(&error.chain());
            ExitCode::FAILURE
        }
    }
}

fn declare_unknown_version(action: &StandIn, git_ref: &str) {
    let version = action.version(git_ref);
    let detail = format!("behaves as v{}: nothing is known of `{git_ref}` beyond its name", version.major);
    toolkit::declare(toolkit::How::StandIn, &format!("{}@{git_ref}", action.repository), &detail);
}

fn usage(message: &str) -> ExitCode {
    toolkit::error(&format!("stand-in: {message}"));
    ExitCode::from(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_without_case() {
        assert_eq!(find("Actions/Checkout").map(|it| it.repository), Some("actions/checkout"));
        assert!(find("actions/check").is_none());
    }

    #[test]
    fn manifests_are_those_of_the_major() {
        let login = find("aws-actions/amazon-ecr-login").expect("is there");
        let default = |git_ref: &str| -> String {
            let manifest: serde_yaml::Value = serde_yaml::from_str(login.manifest(git_ref)).expect("is YAML");
            manifest["inputs"]["mask-password"]["default"].as_str().expect("is text").to_owned()
        };
        assert_eq!(default("v1"), "false");
        assert_eq!(default("v1.7.1"), "false");
        assert_eq!(default("v2"), "true");
        assert_eq!(default("main"), "true");
    }

    #[test]
    fn every_manifest_is_whole() {
        for action in ACTIONS {
            for (major, text) in action.manifests {
                let manifest: serde_yaml::Value = serde_yaml::from_str(text).expect("is YAML");
                let name = format!("{} v{major}", action.repository);
                assert!(manifest["name"].is_string() && manifest["runs"]["main"].is_string(), "{name}");
                assert!(action.majors.contains(major), "{name}");
            }
            assert_eq!(action.manifests.first().map(|(from, _)| from), Some(action.majors.start()));
        }
    }
}
