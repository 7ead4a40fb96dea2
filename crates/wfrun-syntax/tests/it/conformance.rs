//! GitHub's own cases of scalar typing, where the folder with them is at hand.

use std::path::{Path, PathBuf};

use wfrun_syntax::{Node, Source, parse};

use crate::tree::draw;

#[expect(
    clippy::disallowed_methods,
    reason = "a test may be given another folder, such as one with all of GitHub's cases"
)]
fn folder() -> PathBuf {
    let given = std::env::var_os("WFRUN_TEST_CONFORMANCE").map(PathBuf::from);
    given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance")).join("workflows")
}

#[expect(clippy::disallowed_methods, clippy::print_stderr, reason = "a test reads its cases and says when it has none")]
fn load(name: &str) -> Option<String> {
    let path = folder().join(name);
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        eprintln!("skipped: {} is not there", path.display());
    }
    text
}

fn root(text: &str) -> Node {
    let checked = parse(&Source::new("case.yml", text));
    assert_eq!(checked.diagnostics, []);
    checked.value.expect("a tree")
}

fn at(node: &Node, path: &[&str]) -> Node {
    path.iter().fold(node.clone(), |node, step| match (node.as_mapping(), node.as_sequence()) {
        (Some(mapping), _) => mapping.get(step).expect("the member is there").clone(),
        (_, Some(items)) => items[step.parse::<usize>().expect("a position")].clone(),
        (None, None) => panic!("{step} in a scalar"),
    })
}

#[test]
fn scalars_have_the_kinds_github_gives_them() {
    let vector: &[&str] = &["jobs", "build", "strategy", "matrix", "vector-1"];
    let expected: &[&str] = &["jobs", "0", "strategy", "map", "0", "Value", "map", "0", "Value", "seq"];
    let mut cases = 0;
    for name in ["bool", "exceptions", "int", "null", "str-block-styles", "str-flow-styles"] {
        let Some(text) = load(&format!("yaml-schema-{name}.yml")) else { return };
        let parts: Vec<_> = text.split("\n---\n").collect();
        // JSON is YAML.
        let (given, wanted) = (at(&root(parts[1]), vector), at(&root(parts[2]), expected));
        assert_eq!(draw(&given), draw(&wanted), "{name}");
        cases += wanted.as_sequence().map_or(0, <[Node]>::len);
    }
    assert!(cases > 60, "{cases}");
}

#[test]
fn errors_have_githubs_words() {
    for (name, message) in [
        ("errors-yaml-tags-explicit-unsupported", "Unexpected tag 'tag:yaml.org,2002:timestamp'"),
        (
            "errors-parse-float",
            "The value 'test' on line 4 and column 14 is invalid for the type 'tag:yaml.org,2002:float'",
        ),
        (
            "errors-parse-integer",
            "The value 'test' on line 4 and column 14 is invalid for the type 'tag:yaml.org,2002:int'",
        ),
        ("errors-value-already-defined", "'runs-on' is already defined"),
    ] {
        let Some(text) = load(&format!("{name}.yml")) else { return };
        let workflow = text.split("\n---\n").nth(1).expect("a workflow");
        let checked = parse(&Source::new("case.yml", workflow));
        let found: Vec<_> = checked.diagnostics.iter().map(|it| it.message.as_str()).collect();
        assert_eq!(found, [message], "{name}");
        assert!(text.contains(message), "{name}: the case says otherwise");
    }
}
