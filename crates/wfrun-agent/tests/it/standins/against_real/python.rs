use super::{Case, compare};

const TOOLS: &[(&str, &str)] = &[
    ("tools/Python/3.9.1/x64/bin/python", "#!/bin/sh\n"),
    ("tools/Python/3.9.1/x64.complete", ""),
    ("tools/Python/3.9.10/x64/bin/python", "#!/bin/sh\n"),
    ("tools/Python/3.9.10/x64.complete", ""),
    ("tools/Python/3.12.0/x64/bin/python", "#!/bin/sh\n"),
    ("tools/Python/3.12.0/x64.complete", ""),
    ("tools/Python/3.14.0-rc.1/x64/bin/python", "#!/bin/sh\n"),
    ("tools/Python/3.14.0-rc.1/x64.complete", ""),
    ("tools/Python/3.13.0/x64-freethreaded/bin/python", "#!/bin/sh\n"),
    ("tools/Python/3.13.0/x64-freethreaded.complete", ""),
    ("tools/Python/2.7.18/x64/bin/python", "#!/bin/sh\n"),
    ("tools/Python/2.7.18/x64.complete", ""),
    ("work/repo/.python-version", "3.9.1\n"),
    ("work/repo/envs.txt", "# old\n3.9/envs/name\n\n3.12.0\n"),
    ("work/repo/.tool-versions", "nodejs 20\npython 3.9.1\n"),
    ("work/repo/pyproject.toml", "[project]\nname = 'x'\nrequires-python = \">=3.9,<3.13\"\n"),
    ("work/repo/odd.toml", "[project]\nrequires-python = '>=3.9,!=3.12.0'\n"),
    ("work/repo/poetry.toml", "[tool.poetry.dependencies]\npython = '^3.9'\n"),
    ("work/repo/none.toml", "[project]\nname = 'x'\n"),
    ("work/repo/Pipfile", "[requires]\npython_version = '3.9'\n"),
];

const NEW: &[u32] = &[4, 5, 6, 7];

const CASES: &[Case] = &[
    case("a version", &[("python-version", "3.9.1")]),
    case("a minor", &[("python-version", "3.9")]),
    case("any of 3", &[("python-version", "3.x")]),
    case("a range", &[("python-version", ">=3.9 <3.12")]),
    case("a candidate", &[("python-version", "3.14.0-rc.1")]),
    case("in development", &[("python-version", "3.14-dev")]),
    case("Python 2", &[("python-version", "2.7")]),
    Case { majors: NEW, ..case("before the release", &[("python-version", "3.14"), ("allow-prereleases", "true")]) },
    Case { majors: NEW, ..case("several", &[("python-version", "3.9\n3.12")]) },
    Case { majors: NEW, ..case("no environment", &[("python-version", "3.9"), ("update-environment", "false")]) },
    Case { majors: NEW, ..case("no boolean", &[("python-version", "3.9"), ("update-environment", "never")]) },
    Case { majors: NEW, ..case("nothing", &[]) },
    Case { majors: NEW, ..case("a file", &[("python-version-file", ".python-version")]) },
    Case { majors: NEW, ..case("both", &[("python-version-file", ".python-version"), ("python-version", "3.12")]) },
    Case { majors: &[6, 7], ..case("a file of several", &[("python-version-file", "envs.txt")]) },
    Case { majors: &[5, 6, 7], ..case("a file of many tools", &[("python-version-file", ".tool-versions")]) },
    Case { majors: NEW, ..case("a project", &[("python-version-file", "pyproject.toml")]) },
    Case { majors: NEW, ..case("a project with a gap", &[("python-version-file", "odd.toml")]) },
    Case { majors: NEW, ..case("a project of poetry", &[("python-version-file", "poetry.toml")]) },
    Case { majors: NEW, ..case("a project without", &[("python-version-file", "none.toml")]) },
    Case { majors: &[6, 7], ..case("a Pipfile", &[("python-version-file", "Pipfile")]) },
    Case { majors: NEW, ..case("no file", &[("python-version-file", "none")]) },
    Case { majors: &[5, 6, 7], ..case("free-threaded", &[("python-version", "3.13t")]) },
    Case {
        majors: &[5, 6, 7],
        ..case("free-threaded by input", &[("python-version", "3.13"), ("freethreaded", "true")])
    },
    Case { env: &[("LD_LIBRARY_PATH", "/opt/lib")], ..case("with libraries", &[("python-version", "3.9")]) },
    Case { majors: &[6, 7], ..case("no version of pip", &[("python-version", "3.9"), ("pip-version", "newest")]) },
    Case { majors: &[6, 7], ..case("a version of pip", &[("python-version", "3.9"), ("pip-version", "24.0")]) },
    Case { majors: &[6], ..case("packages that cannot be had", &[("python-version", "3.9"), ("pip-install", "x y")]) },
];

const fn case(name: &'static str, inputs: &'static [(&'static str, &'static str)]) -> Case {
    Case { name, files: TOOLS, inputs, env: &[], majors: &[], is_unordered: false }
}

#[test]
fn setup_python() {
    compare("actions/setup-python", &[2, 3, 4, 5, 6, 7], CASES);
}
