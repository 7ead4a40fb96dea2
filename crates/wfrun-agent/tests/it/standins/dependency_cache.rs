use std::fs;

use super::cache::service;
use super::server::Server;
use super::{Job, Outcome, Step, script};

/// A set-up action with a cache: the step, the files that it needs, and what is kept.
struct Case {
    action: &'static str,
    version: &'static str,
    inputs: &'static [(&'static str, &'static str)],
    files: &'static [(&'static str, &'static str)],
    programs: &'static [(&'static str, &'static str)],
    /// Below the job's home folder.
    kept: &'static str,
    /// What the key begins with.
    key: &'static str,
}

const GO: &str = "#!/bin/sh
case \"$*\" in
version) echo 'go version go1.21.1 linux/amd64';;
'env GOPATH') echo $HOME/go;;
'env GOMODCACHE') echo $HOME/go/pkg/mod;;
'env GOCACHE') echo $HOME/.cache/go-build;;
esac
";

const CASES: &[Case] = &[
    Case {
        action: "actions/setup-go",
        version: "v5",
        inputs: &[("cache", "true")],
        files: &[("work/repo/go.sum", "sums")],
        programs: &[("go", GO)],
        kept: "go/pkg/mod/a",
        key: "setup-go-Linux-",
    },
    Case {
        action: "actions/setup-node",
        version: "v4",
        inputs: &[("cache", "npm")],
        files: &[("work/repo/package-lock.json", "{}")],
        programs: &[("npm", "#!/bin/sh\necho $HOME/.npm\n")],
        kept: ".npm/a",
        key: "node-cache-Linux-",
    },
    Case {
        action: "actions/setup-dotnet",
        version: "v5",
        inputs: &[("cache", "true")],
        files: &[("work/repo/packages.lock.json", "{}")],
        programs: &[("dotnet", "#!/bin/sh\necho \"global-packages: $HOME/.nuget/packages/\"\n")],
        kept: ".nuget/packages/a",
        key: "dotnet-cache-Linux-",
    },
    Case {
        action: "actions/setup-java",
        version: "v5",
        inputs: &[("cache", "maven"), ("distribution", "temurin"), ("java-version", "97"), ("job-status", "success")],
        files: &[
            ("home/.jdks/a/bin/javac", ""),
            ("home/.jdks/a/release", "IMPLEMENTOR=\"Temurin\"\nJAVA_RUNTIME_VERSION=\"97.0.2+9\"\n"),
            ("work/repo/pom.xml", "<project/>"),
        ],
        programs: &[],
        kept: ".m2/repository/a",
        key: "setup-java-Linux-",
    },
    Case {
        action: "actions/setup-python",
        version: "v5",
        inputs: &[("cache", "pip"), ("python-version", "3.9.1")],
        files: &[
            ("tools/Python/3.9.1/x64/bin/python", ""),
            ("tools/Python/3.9.1/x64.complete", ""),
            ("tools/Python/3.9.1/arm64/bin/python", ""),
            ("tools/Python/3.9.1/arm64.complete", ""),
            ("work/repo/requirements.txt", "thing"),
        ],
        programs: &[("pip", "#!/bin/sh\necho $HOME/.cache/pip\n")],
        kept: ".cache/pip/a",
        key: "setup-python-Linux-",
    },
];

impl Case {
    fn step<'a>(&self, job: &'a Job, server: &Server, phase: &str) -> Step<'a> {
        let folders = [job.path("bin"), "/usr/bin".into(), "/bin".into()];
        let mut step = job
            .step(&format!("{} {phase} {}", self.action, self.version))
            .env("PATH", std::env::join_paths(folders).expect("no colon"))
            .env("ACTIONS_RESULTS_URL", &server.url)
            .env("ACTIONS_RUNTIME_TOKEN", "runtime-token")
            .env("RUNNER_OS", "Linux");
        for (name, value) in self.inputs {
            step = step.input(name, value);
        }
        step
    }

    /// A main step and, with its state, the post step.
    fn main_and_post(&self, job: &Job, server: &Server) -> (Outcome, Outcome) {
        let main = self.step(job, server, "main").run();
        main.assert_success();
        let mut post = self.step(job, server, "post");
        for (name, value) in &main.state {
            post = post.env(&format!("STATE_{name}"), value);
        }
        let post = post.run();
        post.assert_success();
        (main, post)
    }
}

#[test]
fn what_one_run_saves_the_next_restores() {
    for case in CASES {
        let (job, server) = (Job::new(), service());
        for (path, text) in case.files {
            job.write(path, text);
        }
        for (name, text) in case.programs {
            script(&job, name, text);
        }
        let kept = format!("home/{}", case.kept);
        job.write(&kept, "kept");

        let (main, post) = case.main_and_post(&job, &server);
        assert_eq!(main.output("cache-hit"), Some("false"), "{main:#?}");
        let said = "Cache saved with the key: ";
        let key = post.lines.iter().find_map(|it| it.strip_prefix(said)).unwrap_or_else(|| panic!("{post:#?}"));
        assert!(key.starts_with(case.key), "{key}");

        fs::remove_file(job.path(&kept)).expect("can delete");
        let (main, post) = case.main_and_post(&job, &server);
        assert_eq!(main.output("cache-hit"), Some("true"), "{main:#?}");
        main.assert_line(&format!("Cache restored from key: {key}"));
        assert_eq!(fs::read_to_string(job.path(&kept)).expect("is back"), "kept", "{}", case.action);
        post.assert_line(&format!("Cache hit occurred on the primary key {key}, not saving cache."));
    }
}
