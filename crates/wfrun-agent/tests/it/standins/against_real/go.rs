use super::{Case, compare};

/// A Go that prints what is compared; its version is that of its folder.
const GO: &str = "#!/bin/sh
version=$(basename $(dirname $(dirname $(dirname $0))))
case \"$*\" in
version) echo \"go version go$version linux/amd64\";;
'env GOPATH') echo $HOME/go;;
'env GOMODCACHE') echo $HOME/go/pkg/mod;;
'env GOCACHE') echo $HOME/.cache/go-build;;
env) echo \"GOPATH='$HOME/go'\"; echo \"GOTOOLCHAIN='$GOTOOLCHAIN'\"; echo \"GOROOT='$GOROOT'\";;
esac
";

const TOOLS: &[(&str, &str)] = &[
    ("tools/go/1.8.7/x64/bin/go", GO),
    ("tools/go/1.8.7/x64.complete", ""),
    ("tools/go/1.21.1/x64/bin/go", GO),
    ("tools/go/1.21.1/x64.complete", ""),
    ("tools/go/1.21.13/x64/bin/go", GO),
    ("tools/go/1.21.13/x64.complete", ""),
    ("tools/go/1.22.0-rc.1/x64/bin/go", GO),
    ("tools/go/1.22.0-rc.1/x64.complete", ""),
    ("tools/go/1.21.5/arm64/bin/go", GO),
    ("tools/go/1.21.5/arm64.complete", ""),
    ("tools/go-7fbe241c/1.21.9/x64/bin/go", GO),
    ("tools/go-7fbe241c/1.21.9/x64.complete", ""),
    ("work/repo/go.mod", "module octo\n\ngo 1.21.1\n\ntoolchain go1.21.13\n"),
    ("work/repo/sub/go.mod", "module octo\n\ngo 1.8\n"),
    ("work/repo/sub/go.work", "go 1.21\n\nuse ./a\n"),
    ("work/repo/.go-version", "1.21.1\n"),
    ("work/repo/.tool-versions", "nodejs 20\ngolang 1.21.1 # old\n"),
];

const NEW: &[u32] = &[3, 4, 5, 6, 7];

const CASES: &[Case] = &[
    case("a version", &[("go-version", "1.21.1")]),
    case("a minor", &[("go-version", "1.21")]),
    case("a range", &[("go-version", ">=1.8 <1.21.13")]),
    case("a caret", &[("go-version", "^1.8")]),
    case("a candidate", &[("go-version", "1.22.0-rc.1")]),
    case("an old one", &[("go-version", "1.8")]),
    Case { majors: &[2], ..case("not stable", &[("go-version", "1.21"), ("stable", "false")]) },
    Case { majors: NEW, ..case("another architecture", &[("go-version", "1.21"), ("architecture", "arm64")]) },
    Case { majors: NEW, ..case("a module", &[("go-version-file", "go.mod")]) },
    Case { majors: NEW, ..case("a module below", &[("go-version-file", "sub/go.mod")]) },
    Case { majors: NEW, ..case("a workspace", &[("go-version-file", "sub/go.work")]) },
    Case { majors: NEW, ..case("a file", &[("go-version-file", ".go-version")]) },
    Case { majors: &[6, 7], ..case("a file of many tools", &[("go-version-file", ".tool-versions")]) },
    Case { majors: NEW, ..case("both", &[("go-version-file", ".go-version"), ("go-version", "1.8.7")]) },
    Case { majors: NEW, ..case("no file", &[("go-version-file", "none")]) },
    Case { majors: NEW, ..case("no boolean", &[("go-version", "1.21"), ("cache", "yes")]) },
    Case { majors: NEW, ..case("no other boolean", &[("go-version", "1.21"), ("check-latest", "yes")]) },
    Case { majors: NEW, ..case("no cache", &[("go-version", "1.21"), ("cache", "false")]) },
    Case {
        env: &[("GOTOOLCHAIN", "local")],
        majors: NEW,
        ..case("a local toolchain", &[("go-version-file", "go.mod")])
    },
    Case {
        majors: &[6, 7],
        ..case("another source", &[("go-version", "1.21"), ("go-download-base-url", "https://octo.io/go/")])
    },
    Case {
        majors: &[6, 7],
        ..case(
            "an alias of another source",
            &[("go-version", "stable"), ("go-download-base-url", "https://octo.io/go/")],
        )
    },
    Case { files: &[("bin/go", GO)], majors: NEW, is_unordered: true, ..case("nothing", &[]) },
];

const fn case(name: &'static str, inputs: &'static [(&'static str, &'static str)]) -> Case {
    Case { name, files: TOOLS, inputs, env: &[], majors: &[], is_unordered: false }
}

#[test]
fn setup_go() {
    compare("actions/setup-go", &[2, 3, 4, 5, 6, 7], CASES);
}
