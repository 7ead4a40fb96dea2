use super::{Case, compare};

/// A tool cache with some versions; their programs print what is compared.
const TOOLS: &[(&str, &str)] = &[
    ("tools/node/18.1.0/x64/bin/node", "#!/bin/sh\necho v18.1.0\n"),
    ("tools/node/18.1.0/x64.complete", ""),
    ("tools/node/20.2.0/x64/bin/node", "#!/bin/sh\necho v20.2.0\n"),
    ("tools/node/20.2.0/x64/bin/npm", NPM),
    ("tools/node/20.2.0/x64.complete", ""),
    ("tools/node/20.10.0/x64/bin/node", "#!/bin/sh\necho v20.10.0\n"),
    ("tools/node/20.10.0/x64/bin/npm", "#!/bin/sh\necho broken >&2; exit 3\n"),
    ("tools/node/20.10.0/x64.complete", ""),
    ("tools/node/20.11.0/x64/bin/node", "#!/bin/sh\necho v20.11.0\n"),
    ("tools/node/21.0.0-nightly2023/x64/bin/node", "#!/bin/sh\necho v21.0.0-nightly2023\n"),
    ("tools/node/21.0.0-nightly2023/x64.complete", ""),
    ("tools/node/21.0.0-rc.1/x64/bin/node", "#!/bin/sh\necho v21.0.0-rc.1\n"),
    ("tools/node/21.0.0-rc.1/x64.complete", ""),
    ("tools/node/20.9.0/armv7l/bin/node", "#!/bin/sh\necho v20.9.0\n"),
    ("tools/node/20.9.0/armv7l.complete", ""),
    ("bin/yarn", "#!/bin/sh\necho 1.22.0\n"),
    ("work/repo/.nvmrc", "v20.2.0\n"),
    ("work/repo/.node-version", "18\n"),
    ("work/repo/.tool-versions", "python 3.12\nnodejs 18.1.0\n"),
    ("work/repo/volta.json", r#"{"volta":{"node":"20.10.0"},"engines":{"node":"18"}}"#),
    ("work/repo/engines.json", r#"{"engines":{"node":">=18 <20"}}"#),
    (
        "work/repo/dev.json",
        r#"{"devEngines":{"runtime":[{"name":"bun"},{"name":"node","version":"20.2.0"}]},"engines":{"node":"18"}}"#,
    ),
    ("work/repo/extends.json", r#"{"volta":{"extends":"./volta.json"}}"#),
    ("work/repo/lost.json", r#"{"volta":{"extends":"./nowhere.json"}}"#),
    ("work/repo/nothing.json", r#"{"name":"nothing"}"#),
];

const NPM: &str = "#!/bin/sh\nif [ \"$1\" = config ]; then echo $HOME/.npm; else echo 9.6.6; fi\n";

const CASES: &[Case] = &[
    case("nothing", &[]),
    case("a version", &[("node-version", "20.2.0")]),
    case("with v", &[("node-version", "v20.2.0")]),
    case("a range", &[("node-version", "20")]),
    case("a range of npm's", &[("node-version", ">=18 <20")]),
    case("the newest of x", &[("node-version", "20.x")]),
    case("any", &[("node-version", "*")]),
    case("an architecture alone", &[("architecture", "x64")]),
    case("another architecture", &[("node-version", "20"), ("architecture", "arm")]),
    case("a file", &[("node-version-file", ".nvmrc")]),
    case("both", &[("node-version-file", ".nvmrc"), ("node-version", "18")]),
    case("another file", &[("node-version-file", ".node-version")]),
    Case { majors: &[3, 4, 5, 6, 7], ..case("a file of many tools", &[("node-version-file", ".tool-versions")]) },
    Case { majors: &[3, 4, 5, 6, 7], ..case("volta", &[("node-version-file", "volta.json")]) },
    Case { majors: &[3, 4, 5, 6, 7], ..case("engines", &[("node-version-file", "engines.json")]) },
    Case { majors: &[3, 4, 5, 6, 7], ..case("devEngines", &[("node-version-file", "dev.json")]) },
    Case { majors: &[4, 5, 6, 7], ..case("another's volta", &[("node-version-file", "extends.json")]) },
    Case { majors: &[4, 5, 6, 7], ..case("no version", &[("node-version-file", "nothing.json")]) },
    case("no file", &[("node-version-file", "none")]),
    Case { majors: &[3, 4, 5, 6, 7], ..case("a nightly", &[("node-version", "21-nightly")]) },
    Case { majors: &[3, 4, 5, 6, 7], ..case("a candidate", &[("node-version", "21.0.0-rc.1")]) },
    case("a registry", &[("registry-url", "https://npm.octo.io")]),
    case("a scoped one", &[("registry-url", "https://npm.octo.io/a/"), ("scope", "Octo")]),
    case("GitHub's", &[("registry-url", "https://npm.pkg.github.com")]),
    case("always", &[("registry-url", "https://npm.octo.io"), ("always-auth", "true")]),
    Case { env: &[("NODE_AUTH_TOKEN", "t0k3n")], ..case("with a token", &[("registry-url", "https://npm.octo.io")]) },
    Case { env: &[("NODE_AUTH_TOKEN", "")], ..case("with an empty token", &[("registry-url", "https://npm.octo.io")]) },
    Case {
        files: &[("temp/.npmrc", "registry=https://old/\n@octo:registry=https://b/\nkeep=1\n")],
        ..case("over another", &[("registry-url", "https://npm.octo.io"), ("scope", "@octo")])
    },
    Case {
        files: &[("temp/.npmrc", "Registry=https://old/\n@octo:registry=https://b/")],
        ..case("over another without a scope", &[("registry-url", "https://npm.octo.io")])
    },
];

const fn case(name: &'static str, inputs: &'static [(&'static str, &'static str)]) -> Case {
    Case { name, files: TOOLS, inputs, env: &[], majors: &[], is_unordered: false }
}

#[test]
fn setup_node() {
    compare("actions/setup-node", &[2, 3, 4, 5, 6, 7], CASES);
}
