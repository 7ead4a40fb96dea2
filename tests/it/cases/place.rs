//! What a job's place looks like in a scripted run: as GitHub's.
use indexmap::{IndexMap, IndexSet};
use wfrun_engine::{IdTokenClaims, JobEnvironment, Layout, ResolvedAction};
use wfrun_workflow::{ActionRef, RunsKind, image_name};

/// Where job processes see their work folder.
pub(super) const WORK: &str = "/home/runner/work";
/// `github.workspace`
pub(super) const WORKSPACE: &str = "/home/runner/work/demo/demo";

pub(super) fn environment() -> JobEnvironment {
    let pairs =
        |pairs: &[(&str, &str)]| pairs.iter().map(|(name, it)| ((*name).to_owned(), (*it).to_owned())).collect();
    JobEnvironment {
        image: None,
        workspace: "files",
        os: "Linux".to_owned(),
        arch: "X64".to_owned(),
        name: "wfrun".to_owned(),
        layout: Layout::below(WORK, "demo", "/opt/hostedtoolcache", "/home/runner"),
        path: "/usr/bin:/bin".to_owned(),
        base_env: pairs(&[("LANG", "C.UTF-8"), ("HOME", "/home/runner"), ("PATH", "/usr/bin:/bin")]),
        step_env: IndexMap::new(),
        action_env: pairs(&[("ACTIONS_RUNTIME_TOKEN", "runtime-token"), ("ACTIONS_CACHE_SERVICE_V2", "True")]),
        actions: IndexMap::new(),
        secrets: vec!["runtime-token".to_owned()],
        containers: None,
        absent: None,
    }
}

/// What the log calls the images of container actions: those that steps name, then those to be pulled and to be built.
pub(super) fn images(named: &[String], actions: &IndexMap<ActionRef, ResolvedAction>) -> IndexSet<String> {
    let of_actions = actions.iter().filter_map(|(action, found)| match &found.manifest.runs.kind {
        RunsKind::Container { image, .. } => Some((action, image_name(image))),
        RunsKind::Node { .. } | RunsKind::Composite(_) => None,
    });
    let (pulled, built): (Vec<_>, Vec<_>) = of_actions.partition(|(_, image)| image.is_some());
    let named = named.iter().map(String::as_str).chain(pulled.into_iter().filter_map(|(_, image)| image));
    let pulled = named.map(|it| format!("Pull {it}"));
    pulled.chain(built.into_iter().map(|(action, _)| format!("Build {action}"))).collect()
}

/// Where a shell is, if it is one that every machine has.
pub(super) fn shell(command: &str) -> Option<String> {
    match command {
        "bash" | "cat" | "python" | "sh" => Some(format!("/usr/bin/{command}")),
        path => path.starts_with('/').then(|| path.to_owned()),
    }
}

/// Where a job asks for ID tokens: the token is the runtime's, the address says for whom it would be.
pub(super) fn id_token_env(claims: &IdTokenClaims) -> [(String, String); 2] {
    let subject = claims.get("sub").map(String::as_str).unwrap_or_default();
    [
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN".to_owned(), "runtime-token".to_owned()),
        ("ACTIONS_ID_TOKEN_REQUEST_URL".to_owned(), format!("for {subject}")),
    ]
}
