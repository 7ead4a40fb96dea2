//! The Node that runs JavaScript actions.
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tokio::sync::OnceCell;
use wfrun_backend::{Environment, Exec, ProcessEvent, Stream, chain};
use wfrun_engine::RawDeclaration;
use wfrun_journal::How;

/// Where this machine's Node is mounted for jobs whose image has none.
pub(crate) const MOUNTED: &str = "/opt/wfrun/node";

/// GitHub has taken the older ones out; what was written for them runs on this one as well.
const OLDEST: u32 = 20;

/// The Node of a job, looked for when the first JavaScript action asks.
#[derive(Debug, Default)]
pub(crate) struct JobNode {
    found: OnceCell<Result<Node, String>>,
    declared: Mutex<HashSet<String>>,
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
    /// Finds it; without one says how to have one.
    pub(crate) async fn get(&self, environment: &Environment) -> Result<Node, String> {
        self.found.get_or_init(|| find(environment)).await.clone()
    }

    /// What is to be declared of running `using` on a Node, the first time.
    ///
    /// Source: GitHub: execution rules E7.3: actions for Node 12, 16 and 20 run on 24, and ran on 20 before.
    /// Differs: a JavaScript action runs on the Node that is here, 20 or newer; where GitHub would take another major
    /// version, that is declared.
    pub(crate) fn deviation(&self, using: &str, node: &Node) -> Option<RawDeclaration> {
        let using = using.to_ascii_lowercase();
        let as_github = match using.as_str() {
            "node12" | "node16" | "node20" => matches!(node.major, 20 | 24),
            other => other.strip_prefix("node").and_then(|it| it.parse().ok()) == Some(node.major),
        };
        let mut declared = self.declared.lock().unwrap_or_else(PoisonError::into_inner);
        if as_github || !declared.insert(using.clone()) {
            return None;
        }
        let subject = format!("{using} → {}", node.version);
        Some(RawDeclaration { how: How::StandIn, subject, detail: format!("JavaScript actions run on {}", node.path) })
    }
}

/// Looks on the job's `PATH`, then in the tool cache, then at this machine's own.
async fn find(environment: &Environment) -> Result<Node, String> {
    let facts = environment.facts();
    let script = "for it in \"$(command -v node)\" \"$1\"/node/*/*/bin/node; do [ -x \"$it\" ] && \
                  printf '%s %s\\n' \"$(\"$it\" --version 2>/dev/null)\" \"$it\"; done; true";
    let found = ask(environment, &["sh", "-c", script, "sh", &facts.tool_cache]).await;
    let seen: Vec<Node> = found.iter().flat_map(|it| it.output.lines()).filter_map(node).collect();
    if let Some(node) = seen.iter().find(|it| it.major >= OLDEST) {
        return Ok(node.clone());
    }
    let mounted = ask(environment, &["sh", "-c", "[ -e \"$1\" ] && exec \"$1\" --version", "sh", MOUNTED]).await;
    let machine = mounted.as_ref().and_then(|it| node(&format!("{} {MOUNTED}", it.output.trim())));
    if let Some(node) = machine.filter(|it| it.major >= OLDEST) {
        return Ok(node);
    }
    Err(none(&seen, mounted.as_ref().map_or("", |it| it.errors.trim())))
}

/// Why there is none, and the way out.
fn none(seen: &[Node], refused: &str) -> String {
    let old: Vec<String> = seen.iter().map(|it| format!("{} ({}) is too old; ", it.path, it.version)).collect();
    let old = old.concat();
    let host = match refused {
        "" => String::new(),
        refused => format!("this machine's own does not run with the image's libraries ({refused}); "),
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
    fn look(inside: &[&str], mounted: &[&str]) -> Result<Node, String> {
        let [inside, mounted] = [inside, mounted].map(|it| it.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
        let place = Scripted::new().on(move |exec: &Exec| {
            let is_mounted = exec.argv.iter().any(|it| it == MOUNTED);
            ScriptedReply { code: 0, lines: if is_mounted { mounted.clone() } else { inside.clone() } }
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let environment = place.open(EnvironmentSpec::default()).await.expect("it opens");
            JobNode::default().get(&environment).await
        })
    }

    /// Source: GitHub: execution rules E7.3.
    #[test]
    fn the_first_that_is_new_enough() {
        let path = |found: Result<Node, String>| found.map(|it| it.path);
        let cached = "/opt/hostedtoolcache/node/20.9.0/x64/bin/node";
        let (old, new) = ("v18.1.0 /usr/bin/node", "v20.9.0 /opt/hostedtoolcache/node/20.9.0/x64/bin/node");
        assert_eq!(path(look(&["v22.0.0 /usr/bin/node", new], &[])).as_deref(), Ok("/usr/bin/node"));
        assert_eq!(path(look(&[" /usr/bin/node", old, new], &["v24.0.0"])).as_deref(), Ok(cached));
        assert_eq!(path(look(&[old], &["v24.0.0"])).as_deref(), Ok(MOUNTED));
        let message = look(&[old], &["v19.0.0"]).expect_err("too old");
        assert!(message.contains("/usr/bin/node (v18.1.0) is too old") && message.contains("--platform"), "{message}");
        assert!(look(&[], &[]).is_err());
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
