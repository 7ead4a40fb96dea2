//! The operations that are emulated.

use crate::account::Operation;
use crate::{ec2, ecr, ecr_public, ecs, elbv2, iam, logs, sts};

/// The operation `name` of `service`, or `None` where it is not emulated.
pub(super) fn find(service: &str, name: &str) -> Option<Operation> {
    match service {
        "sts" => sts::operation(name),
        "iam" => iam::operation(name),
        "ec2" => ec2::operation(name),
        "ecr" => ecr::operation(name),
        "ecr-public" => ecr_public::operation(name),
        "ecs" => ecs::operation(name),
        "elasticloadbalancing" => elbv2::operation(name),
        "logs" => logs::operation(name),
        _ => None,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use super::find;

    /// The headings of docs/aws.md, and the services as signatures name them.
    const SERVICES: [(&str, &str); 8] = [
        ("sts", "sts"),
        ("iam", "iam"),
        ("ec2", "ec2"),
        ("ecr", "ecr"),
        ("ecr-public", "ecr-public"),
        ("ecs", "ecs"),
        ("elbv2", "elasticloadbalancing"),
        ("logs", "logs"),
    ];

    /// The names that the functions `operation` below `path` match on.
    fn matched(path: &Path, names: &mut BTreeSet<String>) {
        if path.is_dir() {
            let entries = std::fs::read_dir(path).expect("the crate's sources").flatten();
            entries.for_each(|it| matched(&it.path(), names));
        } else if let Ok(text) = std::fs::read_to_string(path) {
            let bodies = text.split("fn operation(").skip(1);
            let arms = bodies.flat_map(|it| it.split("_ => return None").next().unwrap_or_default().lines());
            let patterns = arms.filter_map(|it| it.trim().strip_prefix('"')?.split_once(" =>")).map(|it| it.0);
            names.extend(patterns.flat_map(|it| it.split('|')).map(|it| it.trim().trim_matches('"').to_owned()));
        }
    }

    /// The operations of each service, by the name that signatures give it.
    pub(crate) fn emulated() -> BTreeMap<&'static str, BTreeSet<String>> {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let of = |(heading, service): (&str, &'static str)| {
            let mut names = BTreeSet::new();
            let module = heading.replace('-', "_");
            matched(&sources.join(format!("{module}.rs")), &mut names);
            matched(&sources.join(module), &mut names);
            (service, names)
        };
        SERVICES.map(of).into()
    }

    #[test]
    fn the_documented_operations_are_those_there_are() {
        let docs = include_str!("../../../../docs/aws.md");
        let all = emulated();
        for (heading, service) in SERVICES {
            let section = docs.split("\n### ").find(|it| it.lines().next() == Some(heading)).expect("a section");
            let rows = section.lines().filter_map(|it| it.strip_prefix("| `")?.split_once("` |"));
            let documented: BTreeSet<String> = rows.map(|(name, _)| name.to_owned()).collect();
            let there = &all[service];
            assert_eq!(documented, *there, "{heading}");
            assert!(there.iter().all(|it| find(service, it).is_some()), "{heading}");
            assert!(find(service, "Nothing").is_none());
        }
    }
}
