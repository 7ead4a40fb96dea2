//! The engine of this machine, by its command, and an image of one static program.
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Images of these tests have names that begin so.
const NAME: &str = "wfrun-ecs-test";

/// The example `task`, which Cargo builds along with these tests.
pub(crate) fn task_executable() -> PathBuf {
    let own = std::env::current_exe().expect("the test's own path");
    let target = own.parent().and_then(Path::parent).expect("deps/ lies in the target directory");
    let example = target.join("examples/task");
    assert!(
        example.exists(),
        "{} is missing: build it with `cargo build --examples -p wfrun-runner`",
        example.display()
    );
    example
}

/// `docker` with a configuration of its own; its images go with it.
pub(crate) struct Docker {
    home: tempfile::TempDir,
    images: Vec<String>,
}

impl Docker {
    /// The engine, if one answers; a skipped test must be seen.
    #[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
    pub(crate) fn find() -> Option<Self> {
        let docker = Self { home: tempfile::tempdir().expect("a folder"), images: Vec::new() };
        let (answers, said) = docker.run(&["version", "--format", "{{.Server.Version}}"]);
        if answers {
            return Some(docker);
        }
        assert!(std::env::var_os("WFRUN_REQUIRE_DOCKER").is_none(), "docker is required here: {said}");
        eprintln!("skipped: no Docker engine: {said}");
        None
    }

    fn run(&self, args: &[&str]) -> (bool, String) {
        let mut command = Command::new("docker");
        command.env("DOCKER_CONFIG", self.home.path()).env("DOCKER_BUILDKIT", "0").args(args).stdin(Stdio::null());
        match command.output() {
            Ok(output) => {
                let text = [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned()).concat();
                (output.status.success(), text)
            }
            Err(err) => (false, err.to_string()),
        }
    }

    #[track_caller]
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let (good, said) = self.run(args);
        assert!(good, "docker {args:?}: {said}");
        said
    }

    /// An image of the example alone; it goes when this does.
    pub(crate) fn build(&mut self, test: &str) -> String {
        let context = self.home.path().join("context");
        std::fs::create_dir_all(&context).expect("a folder");
        std::fs::copy(task_executable(), context.join("task")).expect("it is copied");
        std::fs::write(context.join("Dockerfile"), "FROM scratch\nCOPY task /task\nENTRYPOINT [\"/task\"]\n")
            .expect("written");
        let name = format!("{NAME}-{test}:{}", std::process::id());
        self.ok(&["build", "--quiet", "--tag", &name, &context.display().to_string()]);
        self.images.push(name.clone());
        name
    }

    /// Gives an image to a registry under this name; it goes when this does.
    pub(crate) fn push(&mut self, image: &str, name: &str, password: &str) {
        let host = name.split('/').next().expect("a host");
        self.ok(&["login", "--username", "AWS", "--password", password, host]);
        self.ok(&["tag", image, name]);
        self.images.push(name.to_owned());
        self.ok(&["push", name]);
    }

    /// The containers of a run, also those that have ended.
    pub(crate) fn containers(&self, run_id: &str) -> Vec<String> {
        let filter = format!("label=wfrun.run={run_id}");
        let listed = self.ok(&["ps", "--all", "--filter", &filter, "--format", "{{.Names}}"]);
        listed.lines().map(str::to_owned).collect()
    }

    /// Volumes of a run.
    pub(crate) fn volumes(&self, run_id: &str) -> Vec<String> {
        let filter = format!("label=wfrun.run={run_id}");
        self.ok(&["volume", "ls", "--quiet", "--filter", &filter]).lines().map(str::to_owned).collect()
    }
}

impl Drop for Docker {
    fn drop(&mut self) {
        for image in &self.images {
            self.run(&["rmi", "--force", image]);
        }
    }
}
