//! Which crate may use which, what the pure ones may never see, and what the whole may weigh.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Finding;

/// The straight line: each may use those before it.
const LINE: [&str; 6] = ["wfrun-syntax", "wfrun-expr", "wfrun-workflow", "wfrun-plan", "wfrun-journal", "wfrun-engine"];

/// What the crates beyond the line may use of the workspace.
const BEYOND: &[(&str, &[&str])] = &[
    ("wfrun-agent", &[]),
    ("wfrun-services", &[]),
    ("wfrun-aws", &[]),
    ("wfrun-backend", &["wfrun-agent"]),
    ("wfrun-report", &["wfrun-syntax", "wfrun-expr", "wfrun-workflow", "wfrun-plan", "wfrun-journal"]),
    (
        "wfrun-runner",
        &[
            "wfrun-syntax",
            "wfrun-expr",
            "wfrun-workflow",
            "wfrun-plan",
            "wfrun-journal",
            "wfrun-engine",
            "wfrun-agent",
            "wfrun-backend",
            "wfrun-services",
            "wfrun-aws",
        ],
    ),
    ("xtask", &[]),
];

/// The crate that puts all together, and so may use all.
const BINARY: &str = "wfrun";

/// What the line never sees, not even through another crate.
const IMPURE: [&str; 5] = ["axum", "bollard", "clap", "hyper", "tokio"];

const PACKAGE_LIMIT: usize = 420;

const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Checks what `cargo metadata` says.
pub(super) fn check(metadata: &Value) -> Vec<Finding> {
    let packages: Vec<&Value> = metadata["packages"].as_array().into_iter().flatten().collect();
    let ours: BTreeSet<&str> =
        packages.iter().filter(|it| it["source"].is_null()).filter_map(|it| it["name"].as_str()).collect();
    let graph = normal_edges(metadata);
    let mut findings = Vec::new();
    for krate in &ours {
        let allowed = allowed(krate);
        let Some(allowed) = allowed else {
            findings.push(Finding::error(
                *krate,
                "this crate has no place in the order of crates: give it one in xtask/src/tidy/crates.rs",
            ));
            continue;
        };
        let used = graph.get(krate).into_iter().flatten().filter(|it| ours.contains(**it));
        findings.extend(
            used.filter(|it| !allowed.contains(*it))
                .map(|it| Finding::error(*krate, format!("may not depend on {it}"))),
        );
        if LINE.contains(krate) {
            let reached = reached(&graph, krate);
            findings.extend(
                IMPURE
                    .iter()
                    .filter(|it| reached.contains(**it))
                    .map(|it| Finding::error(*krate, format!("is pure, and depends on {it}"))),
            );
        }
    }
    findings.extend(packages.iter().filter_map(|it| licence(it)));
    if packages.len() > PACKAGE_LIMIT {
        findings.push(Finding::error(
            "Cargo.lock",
            format!("{} packages, at most {PACKAGE_LIMIT} are wanted: what can go?", packages.len()),
        ));
    }
    findings
}

/// The crates of the workspace that `krate` may use; `None` where no rule names it.
fn allowed(krate: &str) -> Option<Vec<&'static str>> {
    if krate == BINARY {
        return Some(
            LINE.iter().chain(BEYOND.iter().map(|(name, _)| name)).copied().filter(|it| *it != "xtask").collect(),
        );
    }
    let in_line = LINE.iter().position(|it| *it == krate).map(|index| LINE[..index].to_vec());
    in_line.or_else(|| BEYOND.iter().find(|(name, _)| *name == krate).map(|(_, allowed)| allowed.to_vec()))
}

/// Package names by the name of the package that uses them; tests and build scripts do not count.
fn normal_edges(metadata: &Value) -> BTreeMap<&str, BTreeSet<&str>> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let names: BTreeMap<&str, &str> =
        packages.filter_map(|it| Some((it["id"].as_str()?, it["name"].as_str()?))).collect();
    let is_normal = |dependency: &&Value| {
        dependency["dep_kinds"].as_array().is_some_and(|kinds| kinds.iter().any(|it| it["kind"].is_null()))
    };
    let nodes = metadata["resolve"]["nodes"].as_array().into_iter().flatten();
    let mut graph: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for node in nodes {
        let Some(name) = node["id"].as_str().and_then(|id| names.get(id)) else { continue };
        let used = node["deps"].as_array().into_iter().flatten().filter(is_normal);
        graph.entry(name).or_default().extend(used.filter_map(|it| names.get(it["pkg"].as_str()?)));
    }
    graph
}

fn reached<'a>(graph: &BTreeMap<&'a str, BTreeSet<&'a str>>, from: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&str> = graph.get(from).into_iter().flatten().copied().collect();
    while let Some(next) = open.pop() {
        if reached.insert(next) {
            open.extend(graph.get(next).into_iter().flatten());
        }
    }
    reached
}

/// A licence that is none of the accepted ones.
fn licence(package: &Value) -> Option<Finding> {
    let name = package["name"].as_str()?;
    let Some(licence) = package["license"].as_str() else {
        return Some(Finding::error(name, "names no licence"));
    };
    (!accepted(licence)).then(|| {
        Finding::error(
            name,
            format!("has the licence `{licence}`, which is none of those accepted in xtask/src/tidy/crates.rs"),
        )
    })
}

/// Whether one of the alternatives of an SPDX expression is accepted whole.
fn accepted(licence: &str) -> bool {
    let licence = licence.replace('/', " OR ").replace(['(', ')'], " ");
    let known = |it: &str| LICENCES.contains(&it.trim());
    // Without brackets `A AND B OR C` is read too strictly at worst: no alternative is invented.
    licence.split(" OR ").any(|alternative| alternative.split(" AND ").all(known))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{accepted, check};

    /// A workspace of packages as `(name, what it uses)`; those with a `!` are from a registry.
    fn findings(packages: &[(&str, &[&str])]) -> Vec<String> {
        let name = |it: &str| it.trim_start_matches('!').to_owned();
        let package = |(it, _): &(&str, &[&str])| json!({"id": name(it), "name": name(it), "license": "MIT", "source": it.starts_with('!').then_some("registry")});
        let uses =
            |used: &&str| json!({"pkg": name(used), "dep_kinds": [{"kind": used.starts_with('?').then_some("dev")}]});
        let node =
            |(it, used): &(&str, &[&str])| json!({"id": name(it), "deps": used.iter().map(uses).collect::<Vec<_>>()});
        let metadata = json!({"packages": packages.iter().map(package).collect::<Vec<_>>(), "resolve": {"nodes": packages.iter().map(node).collect::<Vec<_>>()}});
        check(&metadata).into_iter().map(|it| format!("{}: {}", it.place, it.message)).collect()
    }

    #[test]
    fn the_order_of_crates() {
        assert!(
            findings(&[
                ("wfrun-syntax", &[]),
                ("wfrun-expr", &["wfrun-syntax"]),
                ("wfrun", &["wfrun-expr", "wfrun-aws"]),
                ("wfrun-aws", &["!tokio"]),
                ("!tokio", &[])
            ])
            .is_empty()
        );
        assert_eq!(
            findings(&[("wfrun-syntax", &["wfrun-expr"]), ("wfrun-expr", &[])]),
            ["wfrun-syntax: may not depend on wfrun-expr"]
        );
        assert_eq!(
            findings(&[("wfrun-aws", &["wfrun-services"]), ("wfrun-services", &[])]),
            ["wfrun-aws: may not depend on wfrun-services"]
        );
        assert_eq!(
            findings(&[("wfrun-report", &["wfrun-engine"]), ("wfrun-engine", &[])]),
            ["wfrun-report: may not depend on wfrun-engine"]
        );
        assert_eq!(findings(&[("wfrun-new", &[])]).len(), 1);
    }

    #[test]
    fn the_line_is_pure_all_the_way_down() {
        assert_eq!(
            findings(&[("wfrun-plan", &["!harmless"]), ("!harmless", &["!tokio"]), ("!tokio", &[])]),
            ["wfrun-plan: is pure, and depends on tokio"]
        );
    }

    #[test]
    fn licences() {
        for good in [
            "MIT",
            "MIT OR Apache-2.0",
            "MIT/Apache-2.0",
            "GPL-3.0 OR MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR MIT",
        ] {
            assert!(accepted(good), "{good}");
        }
        for bad in ["GPL-3.0", "MIT AND GPL-3.0", ""] {
            assert!(!accepted(bad), "{bad}");
        }
    }
}
