//! The Node that runs JavaScript actions.
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use tokio::sync::OnceCell;
use wfrun_backend::{Environment, Exec, ProcessEvent, Stream, chain};
use wfrun_engine::RawDeclaration;
use wfrun_journal::How;

/// Where this machine's Node is mounted for jobs whose image has none.
pub(crate) const MOUNTED: &str = "/opt/wfrun/node";
/// Where the one that was vendored is mounted.
pub(crate) const VENDORED: &str = "/opt/wfrun/vendored-node";

/// GitHub has taken the older ones out; what was written for them runs on this one as well.
const OLDEST: u32 = 20;

/// The Nodes of a job, looked for when the first JavaScript action asks.
#[derive(Debug, Default)]
pub(crate) struct JobNode {
    /// Where others are, behind those of the job.
    places: Vec<String>,
    /// Those of the job, old ones too.
    own: OnceCell<Vec<Node>>,
    others: OnceCell<Others>,
    declared: Mutex<HashSet<String>>,
}

/// Nodes from outside of the job.
#[derive(Debug, Default)]
struct Others {
    nodes: Vec<Node>,
    /// What they said where they cannot be started.
    refused: String,
}

/// A Node that can be started in a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) path: String,
    /// `v20.11.1`
    version: String,
    major: u32,
}

impl JobNode {
    /// Looks at these places, too.
    pub(crate) fn with(places: Vec<String>) -> Self {
        Self { places, ..Self::default() }
    }

    /// Finds the one for `using`: the first that GitHub would take, else the first that is new enough. The job's own go before this
    /// machine's, and that one before what was vendored. Without one says how to have one.
    pub(crate) async fn get(&self, environment: &Environment, using: &str) -> Result<Node, String> {
        let own = self.own.get_or_init(|| own(environment)).await;
        if let Some(node) = own.iter().find(|it| it.is_as_on_github(using)) {
            return Ok(node.clone());
        }
        let others = self.others.get_or_init(|| others(environment, &self.places)).await;
        let all = || own.iter().chain(&others.nodes);
        let found = all().find(|it| it.is_as_on_github(using)).or_else(|| all().find(|it| it.major >= OLDEST));
        found.cloned().ok_or_else(|| none(own, &others.refused))
    }

    /// What is to be declared of running `using` on a Node, the first time.
    ///
    /// Source: GitHub: execution rules E7.3: actions for Node 12, 16 and 20 run on 24, and ran on 20 before.
    /// Differs: a JavaScript action runs on the Node that is here, 20 or newer; where GitHub would take another major
    /// version, that is declared.
    pub(crate) fn deviation(&self, using: &str, node: &Node) -> Option<RawDeclaration> {
        let using = using.to_ascii_lowercase();
        let mut declared = self.declared.lock().unwrap_or_else(PoisonError::into_inner);
        if node.is_as_on_github(&using) || !declared.insert(using.clone()) {
            return None;
        }
        let subject = format!("{using} → {}", node.version);
        Some(RawDeclaration { how: How::StandIn, subject, detail: format!("JavaScript actions run on {}", node.path) })
    }
}

impl Node {
    /// Whether GitHub would take one of this major version.
    ///
    /// Source: GitHub: execution rules E7.3.
    fn is_as_on_github(&self, using: &str) -> bool {
        match using.to_ascii_lowercase().as_str() {
            "node12" | "node16" | "node20" => matches!(self.major, 20 | 24),
            other => other.strip_prefix("node").and_then(|it| it.parse().ok()) == Some(self.major),
        }
    }
}

/// Looks on the job's `PATH`, then in the tool cache.
async fn own(environment: &Environment) -> Vec<Node> {
    let facts = environment.facts();
    let script = "for it in \"$(command -v node)\" \"$1\"/node/*/*/bin/node; do [ -x \"$it\" ] && \
                  printf '%s %s\\n' \"$(\"$it\" --version 2>/dev/null)\" \"$it\"; done; true";
    let found = ask(environment, &["sh", "-c", script, "sh", &facts.tool_cache]).await;
    found.iter().flat_map(|it| it.output.lines()).filter_map(node).collect()
}

/// Looks at places that a job does not have of itself.
async fn others(environment: &Environment, places: &[String]) -> Others {
    let mut others = Others::default();
    for place in places {
        let asked = ask(environment, &["sh", "-c", "[ -e \"$1\" ] && exec \"$1\" --version", "sh", place]).await;
        let Some(asked) = asked else { continue };
        others.nodes.extend(node(&format!("{} {place}", asked.output.trim())));
        others.refused.push_str(asked.errors.trim());
    }
    others
}

/// Why there is none, and the way out.
fn none(seen: &[Node], refused: &str) -> String {
    let old: Vec<String> = seen.iter().map(|it| format!("{} ({}) is too old; ", it.path, it.version)).collect();
    let old = old.concat();
    let host = match refused {
        "" => String::new(),
        refused => format!("one from outside does not run with the job's libraries ({refused}); "),
    };
    format!(
        "there is no Node {OLDEST} or newer for JavaScript actions: {old}{host}install one on the job's PATH or in its tool \
         cache, take an image that has one (`--platform LABEL=IMAGE`), or the stand-in (`--actions builtin`)"
    )
}

fn node(line: &str) -> Option<Node> {
    let (version, path) = line.split_once(' ')?;
    let major = version.strip_prefix('v')?.split('.').next()?.parse().ok()?;
    Some(Node { path: path.to_owned(), version: version.to_owned(), major })
}

/// What a program printed.
struct Answer {
    output: String,
    errors: String,
}

/// Runs a program in a job; none where it could not be started.
async fn ask(environment: &Environment, argv: &[&str]) -> Option<Answer> {
    let facts = environment.facts();
    let argv = argv.iter().map(|it| (*it).to_owned()).collect();
    let exec = Exec { argv, env: facts.base_env.clone(), cwd: "/".to_owned() };
    let mut process = environment.spawn(exec).await.inspect_err(|err| tracing::debug!("{}", chain(err))).ok()?;
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    loop {
        match process.next().await? {
            ProcessEvent::Output { stream: Stream::Stdout, bytes } => output.extend(bytes),
            ProcessEvent::Output { stream: Stream::Stderr, bytes } => errors.extend(bytes),
            ProcessEvent::Warning(_) => {}
            ProcessEvent::Exited { code: _ } => break,
            ProcessEvent::FailedToStart { message } => {
                tracing::debug!("{message}");
                return None;
            }
        }
    }
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Some(Answer { output: text(output), errors: text(errors) })
}

/// The version of a Node, as `20.11.1`, where it is one that JavaScript actions can run on.
pub fn node_version(path: &Path) -> Option<String> {
    let asked = Command::new(path).arg("--version").output().ok()?;
    let found = node(&format!("{} {}", String::from_utf8_lossy(&asked.stdout).trim(), path.display()))?;
    (found.major >= OLDEST).then(|| found.version.trim_start_matches('v').to_owned())
}

/// The Node of this machine, to be mounted where an image has none.
pub fn node_of_machine(path: &str) -> Option<PathBuf> {
    let mut places = path.split(':').filter(|it| it.starts_with('/')).map(|it| Path::new(it).join("node"));
    // A version manager's shim is a script that needs more than itself.
    let found = places.find(|it| it.is_file() && !it.parent().is_some_and(|it| it.ends_with("shims")))?;
    std::fs::canonicalize(found).ok()
}

#[cfg(test)]
mod tests {
    use wfrun_backend::{Backend as _, EnvironmentSpec, Scripted, ScriptedReply};

    use super::*;

    /// Looks in a job whose programs print these lines: what is on its `PATH` and in its tool cache, what is mounted.
    fn look(using: &str, inside: &[&str], mounted: &[&str]) -> Result<Node, String> {
        let [inside, mounted] = [inside, mounted].map(|it| it.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
        let place = Scripted::new().on(move |exec: &Exec| {
            let is_mounted = exec.argv.iter().any(|it| it == MOUNTED);
            ScriptedReply { code: 0, lines: if is_mounted { mounted.clone() } else { inside.clone() } }
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let environment = place.open(EnvironmentSpec::default()).await.expect("it opens");
            JobNode::with(vec![MOUNTED.to_owned()]).get(&environment, using).await
        })
    }

    /// Source: GitHub: execution rules E7.3.
    #[test]
    fn the_first_that_is_as_on_github_or_else_new_enough() {
        let path = |found: Result<Node, String>| found.map(|it| it.path);
        let cached = "/opt/hostedtoolcache/node/20.9.0/x64/bin/node";
        let (old, new) = ("v18.1.0 /usr/bin/node", "v20.9.0 /opt/hostedtoolcache/node/20.9.0/x64/bin/node");
        let other = "v22.0.0 /usr/bin/node";
        for (using, inside, mounted, expected) in [
            ("node24", &[other, new][..], &[][..], "/usr/bin/node"),
            ("node20", &[other, new], &["v20.0.0"], cached),
            ("node20", &[" /usr/bin/node", old, new], &["v24.0.0"], cached),
            ("node20", &[old], &["v24.0.0"], MOUNTED),
            ("NODE24", &[other, new], &["v24.0.0"], MOUNTED),
            ("node24", &[other], &["v20.0.0"], "/usr/bin/node"),
        ] {
            assert_eq!(path(look(using, inside, mounted)).as_deref(), Ok(expected), "{using} {inside:?} {mounted:?}");
        }
        let message = look("node20", &[old], &["v19.0.0"]).expect_err("too old");
        assert!(message.contains("/usr/bin/node (v18.1.0) is too old") && message.contains("--platform"), "{message}");
        assert!(look("node20", &[], &[]).is_err());
    }

    #[test]
    fn another_major_is_declared_once() {
        let on = |version: &str| node(&format!("{version} /usr/bin/node")).expect("a version");
        let subjects = |using: &[&str], version: &str| {
            let job = JobNode::default();
            let declared = using.iter().filter_map(|it| job.deviation(it, &on(version)));
            declared.map(|it| it.subject).collect::<Vec<_>>()
        };
        assert_eq!(subjects(&["node24", "NODE24", "node20"], "v20.11.1"), ["node24 → v20.11.1"]);
        assert_eq!(subjects(&["node12", "node16", "node20", "node24"], "v24.1.0"), [""; 0]);
        assert_eq!(subjects(&["node20", "node24"], "v22.1.0"), ["node20 → v22.1.0", "node24 → v22.1.0"]);
        assert_eq!(node(" /usr/bin/node"), None);
    }
}
