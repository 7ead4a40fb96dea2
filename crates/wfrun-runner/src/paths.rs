//! Paths of a job as its expressions have them, and as the processes in a container see them.
//!
//! Source: GitHub: execution rules E6.5.

/// Where GitHub has work folders; a job container's expressions have these paths, though nothing is there.
pub(crate) const WORK: &str = "/home/runner/work";

/// `github.workspace` of a job in containers, for a repository `owner/name`.
pub fn container_workspace(repository: &str) -> String {
    let name = repository.rsplit('/').next().unwrap_or("repository");
    format!("{WORK}/{name}/{name}")
}

/// Where GitHub has tools.
pub(crate) const TOOL_CACHE: &str = "/opt/hostedtoolcache";

/// Places of the runner's machine, and where a container has them; the first that fits counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Paths(Vec<(String, String)>);

impl Paths {
    /// Those of a job container.
    pub(crate) fn of_job_container() -> Self {
        Self::new([
            (format!("{WORK}/_temp/_github_workflow"), "/github/workflow"),
            (format!("{WORK}/_temp/_github_home"), "/github/home"),
            (WORK.to_owned(), "/__w"),
            (TOOL_CACHE.to_owned(), "/__t"),
        ])
    }

    /// Those of a container action; `work` and `workspace` as the job's expressions have them.
    pub(crate) fn of_container_action(work: &str, workspace: &str) -> Self {
        Self::new([
            (workspace.to_owned(), "/github/workspace"),
            (format!("{work}/_temp/_runner_file_commands"), "/github/file_commands"),
            (format!("{work}/_temp/_github_workflow"), "/github/workflow"),
            (format!("{work}/_temp/_github_home"), "/github/home"),
            (format!("{work}/_temp"), "/github/runner_temp"),
        ])
    }

    fn new<const N: usize>(places: [(String, &str); N]) -> Self {
        Self(places.into_iter().map(|(outside, inside)| (outside, inside.to_owned())).collect())
    }

    /// A value as a container's processes get it: only a value that is a path as a whole is another one there.
    pub(crate) fn inside(&self, value: &str) -> String {
        let found = self.0.iter().find_map(|(outside, inside)| {
            let rest = value.strip_prefix(outside.as_str())?;
            (rest.is_empty() || rest.starts_with('/')).then(|| format!("{inside}{rest}"))
        });
        found.unwrap_or_else(|| value.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: GitHub: execution rules E6.5.
    #[test]
    fn in_a_job_container() {
        let paths = Paths::of_job_container();
        let cases = [
            ("/home/runner/work/demo/demo", "/__w/demo/demo"),
            ("/home/runner/work", "/__w"),
            ("/home/runner/workshop", "/home/runner/workshop"),
            ("/home/runner/work/_temp/_github_workflow/event.json", "/github/workflow/event.json"),
            ("/home/runner/work/_temp/_github_home/x", "/github/home/x"),
            ("/home/runner/work/_temp/_runner_file_commands/set_env_1", "/__w/_temp/_runner_file_commands/set_env_1"),
            ("/opt/hostedtoolcache/Python", "/__t/Python"),
            ("--dir=/home/runner/work/x", "--dir=/home/runner/work/x"),
            ("", ""),
        ];
        for (outside, inside) in cases {
            assert_eq!(paths.inside(outside), inside);
        }
        assert_eq!(Paths::default().inside("/home/runner/work"), "/home/runner/work");
    }

    /// Source: GitHub: execution rules E6.5: tool cache and `RUNNER_WORKSPACE` stay.
    #[test]
    fn in_a_container_action() {
        let paths = Paths::of_container_action(WORK, "/home/runner/work/demo/demo");
        let cases = [
            ("/home/runner/work/demo/demo/a", "/github/workspace/a"),
            ("/home/runner/work/demo", "/home/runner/work/demo"),
            ("/home/runner/work/_temp/_runner_file_commands/x", "/github/file_commands/x"),
            ("/home/runner/work/_temp/_github_workflow/event.json", "/github/workflow/event.json"),
            ("/home/runner/work/_temp/y", "/github/runner_temp/y"),
            ("/opt/hostedtoolcache", "/opt/hostedtoolcache"),
        ];
        for (outside, inside) in cases {
            assert_eq!(paths.inside(outside), inside);
        }
    }
}
