//! `docker`: builds and their layers, and pushes to a registry.

mod amazons_name;
mod engineless;
pub(crate) mod registry;
mod retries;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::process::Command;

use flate2::read::GzDecoder;
use serde_json::Value;

use super::{Ending, Surroundings};
use registry::Registry;

/// The image of a tag: its configuration, and its layers as lines of `mode uid:gid mtime path content`.
fn image(surroundings: &Surroundings, tag: &str) -> (Value, Vec<Vec<String>>) {
    let store = surroundings.home().join(".local/share/wfrun/images");
    let blob = |digest: &str| {
        let path = store.join("blobs/sha256").join(digest.trim_start_matches("sha256:"));
        fs::read(path).expect("the blob is there")
    };
    let index: Value = serde_json::from_slice(&fs::read(store.join("index.json")).expect("is there")).expect("is JSON");
    let id = index["tags"][tag].as_str().expect("the tag is there");
    let layers = index["images"][id]["layers"].as_array().expect("has layers").iter();
    let layers = layers.map(|layer| list(&blob(layer["digest"].as_str().expect("has a digest")))).collect();
    (serde_json::from_slice(&blob(id)).expect("is JSON"), layers)
}

fn list(layer: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(GzDecoder::new(layer));
    let line = |mut entry: tar::Entry<'_, GzDecoder<&[u8]>>| {
        let path = entry.path().expect("has a path").display().to_string();
        let link = entry.link_name().expect("reads").map(|link| format!(" -> {}", link.display())).unwrap_or_default();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("reads");
        let content = String::from_utf8(bytes).unwrap_or_default();
        let header = entry.header();
        let (mode, mtime) = (header.mode().expect("has one"), header.mtime().expect("has one"));
        let (uid, gid) = (header.uid().expect("has one"), header.gid().expect("has one"));
        format!("{mode:o} {uid}:{gid} {mtime} {path}{link} {content}").trim_end().to_owned()
    };
    archive.entries().expect("is an archive").map(|entry| line(entry.expect("reads"))).collect()
}

fn built(ending: &Ending) {
    assert_eq!(ending.code, 0, "{}{}", ending.output, ending.errors);
}

#[test]
fn builds_layers_and_configuration() {
    let surroundings = Surroundings::new();
    surroundings.write("app/main.py", "print()\n");
    surroundings.write("app/sub/x.txt", "x");
    surroundings.write("app/x.pyc", "no");
    surroundings.write("requirements.txt", "fastapi\n");
    surroundings.write("requirements-dev.txt", "pytest\n");
    surroundings.write(".dockerignore", "**/*.pyc\n");
    surroundings.write(
        "Dockerfile",
        "ARG BASE=scratch\nFROM $BASE\nARG VERSION=1 UNSET\nENV APP_VERSION=$VERSION HOME_DIR=/srv\nWORKDIR ${HOME_DIR}/app\n\
         COPY requirements*.txt ./\nCOPY --chown=10:20 --chmod=640 app .\nCOPY <<EOF conf/a.ini\nv=$VERSION\nEOF\n\
         LABEL a.b=\"c d\"\nEXPOSE 8000 53/udp\nVOLUME /data\nSTOPSIGNAL SIGINT\nUSER 10\n\
         HEALTHCHECK --interval=5s CMD curl -f localhost\nENTRYPOINT [\"python\"]\nCMD [\"main.py\"]\n",
    );
    built(
        &surroundings.run("docker build --build-arg VERSION=2 --label x=y -t news-api:1 -t 127.0.0.1:5000/news-api ."),
    );
    let (config, layers) = image(&surroundings, "news-api:1");
    let want: [&[&str]; 4] = [
        &["755 0:0 1700000000 srv/", "755 0:0 1700000000 srv/app/"],
        &[
            "755 0:0 1700000000 srv/",
            "755 0:0 1700000000 srv/app/",
            "644 0:0 1600000000 srv/app/requirements-dev.txt pytest",
            "644 0:0 1600000000 srv/app/requirements.txt fastapi",
        ],
        &[
            "755 0:0 1700000000 srv/",
            "755 0:0 1700000000 srv/app/",
            "640 10:20 1600000000 srv/app/main.py print()",
            "640 10:20 0 srv/app/sub/",
            "640 10:20 1600000000 srv/app/sub/x.txt x",
        ],
        &[
            "755 0:0 1700000000 srv/",
            "755 0:0 1700000000 srv/app/",
            "755 0:0 1700000000 srv/app/conf/",
            "644 0:0 1700000000 srv/app/conf/a.ini v=2",
        ],
    ];
    // The time of a folder of the context is the test's.
    let is_sub = |line: &String| line.ends_with(" srv/app/sub/");
    let layers: Vec<Vec<String>> = layers
        .into_iter()
        .map(|layer| layer.into_iter().map(|line| if is_sub(&line) { want[2][3].to_owned() } else { line }).collect())
        .collect();
    assert_eq!(layers, want);
    let run = &config["config"];
    let env = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "APP_VERSION=2", "HOME_DIR=/srv"];
    assert_eq!(run["Env"], serde_json::json!(env));
    assert_eq!(run["Labels"], serde_json::json!({"a.b": "c d", "x": "y"}));
    assert_eq!(run["ExposedPorts"], serde_json::json!({"8000/tcp": {}, "53/udp": {}}));
    assert_eq!(run["Healthcheck"]["Test"], serde_json::json!(["CMD-SHELL", "curl -f localhost"]));
    assert_eq!(
        (&run["WorkingDir"], &run["User"], &run["StopSignal"]),
        (&"/srv/app".into(), &"10".into(), &"SIGINT".into())
    );
    assert_eq!((&run["Entrypoint"], &run["Cmd"]), (&serde_json::json!(["python"]), &serde_json::json!(["main.py"])));
    let with_layer = config["history"].as_array().expect("is a list").iter().filter(|it| it["empty_layer"] != true);
    assert_eq!(with_layer.count(), config["rootfs"]["diff_ids"].as_array().expect("is a list").len());
    assert_eq!(image(&surroundings, "127.0.0.1:5000/news-api:latest").0, config);
}

#[test]
fn a_command_of_the_base_goes_with_its_entry_point() {
    let surroundings = Surroundings::new();
    let cases = [
        ("FROM scratch AS a\nCMD [\"b\"]\nFROM a\nENTRYPOINT [\"e\"]\n", serde_json::json!(null)),
        ("FROM scratch\nCMD [\"b\"]\nENTRYPOINT [\"e\"]\n", serde_json::json!(["b"])),
        ("FROM scratch\nENTRYPOINT [\"e\"]\nCMD []\n", serde_json::json!(null)),
    ];
    for (text, want) in cases {
        surroundings.write("Dockerfile", text);
        built(&surroundings.run("docker build -t x ."));
        assert_eq!(image(&surroundings, "x:latest").0["config"]["Cmd"], want, "{text}");
    }
}

#[test]
fn says_that_a_stage_is_for_another_platform() {
    let surroundings = Surroundings::new();
    surroundings.write("Dockerfile", "FROM --platform=$TARGETPLATFORM scratch\nUSER x\n");
    let ending = surroundings.run("docker build --platform linux/s390x -t x .");
    built(&ending);
    assert_eq!(image(&surroundings, "x:latest").0["architecture"], "s390x");
    assert!(
        ending.errors.contains("not run: --platform linux/s390x: the image says so, and no RUN"),
        "{}",
        ending.errors
    );
    assert!(ending.errors.contains("--platform=linux/s390x of `FROM"), "{}", ending.errors);
}

#[test]
fn the_same_files_make_the_same_image() {
    let ids: Vec<String> = (0..2)
        .map(|_| {
            let surroundings = Surroundings::new();
            surroundings.write("a.txt", "a");
            surroundings.write("Dockerfile", "FROM scratch\nWORKDIR /x\nCOPY a.txt .\n");
            let ending = surroundings.run("docker build -q .");
            built(&ending);
            ending.output
        })
        .collect();
    assert_eq!(ids[0], ids[1]);
    assert!(ids[0].starts_with("sha256:") && ids[0].len() == 72, "{}", ids[0]);
}

#[test]
fn says_what_the_classic_builder_says() {
    let surroundings = Surroundings::new();
    surroundings.write("a.txt", "a");
    surroundings.write("Dockerfile", "FROM scratch AS one\nCOPY a.txt /\nFROM one\nUSER x\nFROM scratch\nUSER y\n");
    let ending = surroundings.run("docker build --target 1 -t x --iidfile id --build-arg NOPE=1 --progress plain .");
    built(&ending);
    let id = fs::read_to_string(surroundings.work().join("id")).expect("is written");
    let lines: Vec<&str> = ending.output.lines().collect();
    assert_eq!(lines[..2], ["Sending build context to Docker daemon  70B", "Step 1/4 : FROM scratch AS one"]);
    assert_eq!((lines[2], lines[3], lines[7]), (" ---> ", "Step 2/4 : COPY a.txt /", "Step 4/4 : USER x"));
    assert_eq!(lines[4], lines[6], "a stage begins with the image of the other");
    assert_eq!(lines[9..], [format!("Successfully built {}", &id[7..19]), "Successfully tagged x:latest".to_owned()]);
    assert_eq!(ending.errors, "[Warning] One or more build-args [NOPE] were not consumed\n");
    let want = "stand-in: docker build: wfrun's own builder: this environment has no Docker engine";
    assert_eq!(surroundings.declarations(), [want]);
}

#[test]
fn says_what_it_did_not_do() {
    let surroundings = Surroundings::new();
    surroundings.write("app.py", "");
    surroundings.write(
        "Dockerfile",
        "FROM python:3.11-slim AS build\nWORKDIR /app\nENV PATH=/x:$PATH\nRUN pip install -r requirements.txt\nFROM python:3.11-slim\n\
         COPY --from=build /opt/venv /opt/venv\nCOPY --chown=app app.py .\nCMD [\"python\"]\n",
    );
    let ending = surroundings.run("docker build -t x .");
    built(&ending);
    let base =
        "FROM python:3.11-slim (the image is not on this machine): the image has only this build's layers and settings";
    let copy = "COPY --from=build /opt/venv /opt/venv (build is incomplete here: the base image python:3.11-slim is \
                not on this machine)";
    let want = [
        base,
        "ENV PATH=/x:$PATH with $PATH of python:3.11-slim (it is not known here, and taken as empty)",
        "RUN pip install -r requirements.txt (no root file system for python:3.11-slim here)",
        base,
        copy,
        "--chown=app (there is no `app` in the part of the image that was made here): root owns the files",
    ];
    let errors: Vec<String> = want.iter().map(|it| format!("wfrun: not run: {it}")).collect();
    assert_eq!(ending.errors.lines().collect::<Vec<_>>(), errors);
    let declared: Vec<String> = want.iter().map(|it| format!("simulated: docker build: {it}")).collect();
    assert_eq!(surroundings.declarations()[1..], declared);
    let (config, layers) = image(&surroundings, "x:latest");
    assert_eq!((layers.len(), config["rootfs"]["diff_ids"].as_array().map(Vec::len)), (1, Some(1)));
}

#[test]
fn says_where_a_build_failed() {
    let surroundings = Surroundings::new();
    surroundings.write("a.txt", "a");
    surroundings.write("secret", "s");
    surroundings.write(".dockerignore", "secret");
    let not_found = "COPY failed: file not found in build context or excluded by .dockerignore: stat";
    let cases = [
        (
            "FROM scratch\nCOPY nope /",
            format!("{not_found} nope: file does not exist\nDockerfile:2: COPY nope /\nhelp: "),
        ),
        (
            "FROM scratch\n\n# c\nCOPY \\\n secret /",
            format!("{not_found} secret: file does not exist\nDockerfile:4: COPY  secret /"),
        ),
        ("FROM scratch\nCOPY no*e /", "COPY failed: no source files were specified\nDockerfile:2: ".to_owned()),
        ("FROM scratch\nCOPY a.txt a.txt /x", "the destination must be a directory and end with a /\n".to_owned()),
        ("FROM scratch\nADD https://x/y /", "ADD failed: `https://x/y` is a remote source".to_owned()),
        (
            "FROM scratch AS a\nFROM scratch\nCOPY --from=a /x /",
            "COPY failed: stat x: file does not exist\nDockerfile:3: ".to_owned(),
        ),
        ("FROM scratch\nCOPY --from=3 /x /", "invalid from flag value 3".to_owned()),
        ("FROM scratch\nCOPY --chmod=abc a.txt /", "invalid chmod parameter: 'abc'".to_owned()),
        ("FROM scratch\nCOPY --chown=app a.txt /", "can't find uid for user app: no such user: app".to_owned()),
        ("FROM scratch\nENV A=${B:?unset}", "line 2: B: unset\nDockerfile:2: ".to_owned()),
        (
            "FROM $NOPE",
            "base name ($NOPE) should not be blank\nDockerfile:1: FROM $NOPE\nhelp: give the variable".to_owned(),
        ),
        ("FROM Python", "repository name (Python) must be lowercase\nDockerfile:1: ".to_owned()),
        (
            "FORM scratch",
            "dockerfile parse error on line 1: unknown instruction: FORM\nDockerfile:1: FORM scratch".to_owned(),
        ),
    ];
    for (text, want) in cases {
        surroundings.write("Dockerfile", text);
        let ending = surroundings.run("docker build .");
        assert_eq!(ending.code, 1, "{text}");
        assert!(ending.errors.contains(&want), "{text}: {}", ending.errors);
    }
    for (line, code, want) in [
        ("docker build", 125, "docker: 'docker build' requires 1 argument"),
        ("docker build --target nope .", 1, "failed to reach build target nope in Dockerfile"),
        ("docker build nope", 1, "unable to prepare context: path \"nope\" not found"),
        ("docker build -f nope .", 1, "unable to evaluate symlinks in Dockerfile path: lstat"),
        ("docker build --secret id=x .", 125, "--secret is not supported by wfrun's stand-in for `docker`"),
        ("docker build -t A .", 125, "invalid argument \"A\" for \"-t, --tag\" flag: invalid reference format"),
    ] {
        surroundings.write("Dockerfile", "FROM scratch\nUSER x");
        let ending = surroundings.run(line);
        assert_eq!(ending.code, code, "{line}");
        assert!(ending.errors.contains(want), "{line}: {}", ending.errors);
    }
}

#[expect(clippy::print_stdout, reason = "a test that did not run says so")]
fn skip(reason: &str) {
    println!("skipped: {reason}");
}

/// A root file system of this machine's shell, as an archive; `None` where it cannot be made or used.
fn root_file_system() -> Option<Vec<u8>> {
    if !nix::unistd::geteuid().is_root() {
        skip("only root may change the root folder");
        return None;
    }
    let programs = ["/bin/sh", "/bin/rm", "/bin/mkdir"].map(|path| fs::canonicalize(path).ok());
    let [Some(sh), Some(rm), Some(mkdir)] = programs else {
        skip("this machine has no /bin/sh, rm and mkdir");
        return None;
    };
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (program, name) in [(sh, "bin/sh"), (rm, "bin/rm"), (mkdir, "bin/mkdir")] {
        let listed = Command::new("ldd").arg(&program).output().ok()?;
        for path in String::from_utf8_lossy(&listed.stdout).split_whitespace().filter(|word| word.starts_with('/')) {
            files.insert(path[1..].to_owned(), fs::read(path).expect("is readable"));
        }
        files.insert(name.to_owned(), fs::read(program).expect("is readable"));
    }
    files.insert("etc/passwd".to_owned(), b"root:x:0:0::/root:/bin/sh\napp:x:7:8::/:/bin/sh\n".to_vec());
    let mut archive = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_mode(0o755);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, path, content.as_slice()).expect("is written");
    }
    Some(archive.into_inner().expect("is written"))
}

#[test]
fn runs_commands_where_there_is_a_root_file_system() {
    let Some(root) = root_file_system() else { return };
    let surroundings = Surroundings::new();
    surroundings.write("root.tar", root);
    surroundings.write(
        "Dockerfile",
        "FROM scratch AS base\nADD root.tar /\nARG WORD=hello\nENV DEEP=yes\n\
         RUN echo $WORD $DEEP > /out && rm /bin/rm && mkdir /srv && echo said && echo lost > /dev/null\n\
         RUN <<EOF\nset -e\necho two > /srv/two\nEOF\nUSER app\nRUN [\"/bin/sh\", \"-c\", \"echo $HOME > /srv/no || echo refused\"]\n\
         FROM scratch\nCOPY --from=base /srv /out /\n",
    );
    let ending = surroundings.run("docker build -t base --target base .");
    if ending.errors.contains("failed to start the command of RUN: EPERM") {
        skip("this environment allows no mount namespace");
        return;
    }
    built(&ending);
    assert!(ending.output.contains("\nsaid\n") && ending.output.contains("\nrefused\n"), "{}", ending.output);
    let (config, layers) = image(&surroundings, "base:latest");
    let strip = |line: &String| {
        line.split(' ').filter(|word| word.parse::<u64>().is_err() || *word == "0:0").collect::<Vec<_>>().join(" ")
    };
    let shown: Vec<Vec<String>> = layers[1..].iter().map(|layer| layer.iter().map(strip).collect()).collect();
    assert_eq!(shown[0], ["0:0 bin/", "0:0 bin/.wh.rm", "0:0 out hello yes", "0:0 srv/"]);
    assert_eq!(shown[1], ["0:0 srv/", "0:0 srv/two two"]);
    assert_eq!(config["rootfs"]["diff_ids"].as_array().map(Vec::len), Some(3));
    built(&surroundings.run("docker build -t copied ."));
    let (_, layers) = image(&surroundings, "copied:latest");
    let shown: Vec<String> = layers[0].iter().map(strip).collect();
    assert_eq!(shown, ["0:0 out hello yes", "0:0 two two"]);
    surroundings.write("Dockerfile", "FROM base\nUSER root\nRUN exit 3\n");
    let ending = surroundings.run("docker build .");
    assert_eq!(ending.code, 3);
    let want = "The command '/bin/sh -c exit 3' returned a non-zero code: 3\nDockerfile:3: RUN exit 3\n";
    assert!(ending.errors.ends_with(want), "{}", ending.errors);
    assert!(
        !surroundings.declarations().iter().any(|it| it.starts_with("simulated")),
        "{:?}",
        surroundings.declarations()
    );
}

#[test]
fn pushes_and_pulls() {
    let registry = Registry::start();
    let name = registry.address();
    let surroundings = Surroundings::new();
    surroundings.write("a.txt", "a");
    surroundings.write("Dockerfile", "FROM scratch\nCOPY a.txt /\nWORKDIR /x\n");
    built(&surroundings.run(&format!(
        "docker build -t {name}/news-api:1 -t {name}/news-api:latest -t {name}/nope -t {name}/locked ."
    )));

    let ending = surroundings.run(&format!("docker push {name}/news-api:1"));
    assert_eq!((ending.code, ending.errors.as_str()), (1, "no basic auth credentials\n"));
    let ending = surroundings.run_with_input(&format!("docker login -u AWS --password-stdin http://{name}"), "wrong\n");
    let want = format!(
        "Error response from daemon: login attempt to http://{name}/v2/ failed with status: 401 Unauthorized\n"
    );
    assert_eq!((ending.code, ending.errors.as_str()), (1, want.as_str()));
    let ending =
        surroundings.run_with_input(&format!("docker login -u AWS --password-stdin http://{name}"), "secret\n");
    assert_eq!((ending.code, ending.output.as_str()), (0, "Login Succeeded\n"));
    let config = fs::read_to_string(surroundings.home().join(".docker/config.json")).expect("is written");
    assert_eq!(
        config,
        format!("{{\n\t\"auths\": {{\n\t\t\"{name}\": {{\n\t\t\t\"auth\": \"QVdTOnNlY3JldA==\"\n\t\t}}\n\t}}\n}}")
    );

    let (config, _) = image(&surroundings, &format!("{name}/news-api:1"));
    let short: Vec<String> = config["rootfs"]["diff_ids"]
        .as_array()
        .expect("is a list")
        .iter()
        .filter_map(|id| Some(id.as_str()?[7..19].to_owned()))
        .collect();
    let ending = surroundings.run(&format!("docker push {name}/news-api:1"));
    built(&ending);
    let (digest, size) = registry.manifest("news-api", "1").expect("was pushed");
    let lines = |outcome: &str, tag: &str| {
        format!(
            "The push refers to repository [{name}/news-api]\n{top}: Preparing\n{low}: Preparing\n{top}: {outcome}\n{low}: {outcome}\n\
             {tag}: digest: {digest} size: {size}\n",
            top = short[1],
            low = short[0]
        )
    };
    assert_eq!(ending.output, lines("Pushed", "1"));
    let ending = surroundings.run(&format!("docker push {name}/news-api"));
    assert_eq!(ending.output, format!("Using default tag: latest\n{}", lines("Layer already exists", "latest")));
    built(&surroundings.run(&format!("docker push -a {name}/news-api")));

    let cases = [
        (
            "nope",
            "name unknown: The repository with name 'nope' does not exist in the registry with id '123456789012'\n",
        ),
        ("locked", "denied: User: x is not authorized to perform: ecr:InitiateLayerUpload\n"),
        ("news-api:2", "tag does not exist: HERE/news-api:2\n"),
        ("other", "An image does not exist locally with the tag: HERE/other\n"),
    ];
    for (repository, want) in cases {
        let ending = surroundings.run(&format!("docker push {name}/{repository}"));
        assert_eq!((ending.code, ending.errors), (1, want.replace("HERE", &name)));
    }

    let inspected = surroundings.run(&format!("docker inspect -f '{{{{index .RepoDigests 0}}}}' {name}/news-api:1"));
    assert_eq!(inspected.output, format!("{name}/news-api@{digest}\n"));
    built(&surroundings.run(&format!("docker rmi {name}/news-api:1 {name}/news-api {name}/nope {name}/locked")));
    assert_eq!(surroundings.run("docker images -q").output, "");
    built(&surroundings.run(&format!("docker pull {name}/news-api:1")));
    assert_eq!(image(&surroundings, &format!("{name}/news-api:1")).0, config);
    surroundings.write("Dockerfile", format!("FROM {name}/news-api@{digest}\nCOPY a.txt b.txt\n"));
    built(&surroundings.run("docker build -t child ."));
    assert_eq!(image(&surroundings, "child:latest").1.len(), 3);

    let ending = surroundings.run(&format!("docker logout {name}"));
    assert_eq!((ending.code, ending.output), (0, format!("Removing login credentials for {name}\n")));
    let ending = surroundings.run(&format!("docker push {name}/news-api:1"));
    assert_eq!(ending.errors, "no basic auth credentials\n");
}

#[test]
fn what_an_image_lacks_goes_with_it() {
    let registry = Registry::start();
    let name = registry.address();
    let surroundings = Surroundings::new();
    let login = surroundings.run_with_input(&format!("docker login -u AWS --password-stdin {name}"), "secret");
    built(&login);
    surroundings.write(
        "Dockerfile",
        "FROM scratch AS build\nRUN --mount=type=cache,target=/x make\nFROM scratch\nCOPY --from=build /bin/app /app\n",
    );
    built(&surroundings.run(&format!("docker build -t {name}/news-api .")));
    built(&surroundings.run(&format!("docker push {name}/news-api")));
    let lack =
        "COPY --from=build /bin/app /app (build is incomplete here: RUN --mount=type=cache,target=/x make was not run)";
    let pushed = format!("simulated: docker push: the image of {name}/news-api:latest is incomplete: {lack}");
    assert_eq!(surroundings.declarations().last(), Some(&pushed));
    built(&surroundings.run(&format!("docker rmi {name}/news-api")));
    surroundings.write("Dockerfile", format!("FROM {name}/news-api\nRUN make\n"));
    let ending = surroundings.run("docker build -t child .");
    built(&ending);
    assert!(ending.errors.contains("wfrun: not run: RUN make (no root file system for"), "{}", ending.errors);
    let (config, _) = image(&surroundings, "child:latest");
    let notes = config["history"].as_array().expect("is a list").iter();
    let notes: Vec<&str> = notes
        .filter(|step| step["comment"] == "not made by wfrun's stand-in for docker")
        .filter_map(|step| step["created_by"].as_str())
        .collect();
    assert_eq!(notes, [lack, "RUN make was not run"]);
}

#[test]
fn never_leaves_the_machine() {
    let surroundings = Surroundings::new();
    surroundings.write("Dockerfile", "FROM scratch\nUSER x\n");
    built(&surroundings.run("docker build -t ghcr.io/o/r:1 -t r:1 ."));
    for line in
        ["docker push ghcr.io/o/r:1", "docker push r:1", "docker login -u a -p b ghcr.io", "docker pull ghcr.io/o/x"]
    {
        let ending = surroundings.run(line);
        assert_eq!(ending.code, 1, "{line}");
        assert!(
            ending.errors.contains("is not on this machine, and the stand-in for `docker` never leaves it"),
            "{}",
            ending.errors
        );
    }
}

#[test]
fn refuses_and_declares_what_needs_an_engine() {
    let surroundings = Surroundings::new();
    let ending = surroundings.run("docker frob");
    assert_eq!((ending.code, surroundings.declarations().len()), (1, 0));
    assert!(ending.errors.starts_with("docker: unknown command: docker frob\n"), "{}", ending.errors);
    for (line, name) in [
        ("docker run --rm hello", "run"),
        ("docker compose up -d", "compose up"),
        ("docker --debug ps", "ps"),
        ("docker buildx bake", "buildx bake"),
    ] {
        let ending = surroundings.run(line);
        let want = format!("docker: `docker {name}` not run: no engine in this environment\n");
        assert_eq!(ending.code, 125, "{line}");
        assert!(ending.errors.starts_with(&want), "{}", ending.errors);
        let declared = format!("not run: docker {name}: there is no Docker engine in this environment");
        assert_eq!(surroundings.declarations().last(), Some(&declared));
    }
    assert_eq!(surroundings.run("docker version").code, 0);
    assert!(surroundings.run("docker info").output.contains("nothing runs containers here"));
}

#[test]
fn login_needs_a_whole_command_line() {
    let surroundings = Surroundings::new();
    let cases = [
        ("docker login -u a 127.0.0.1:9", "Error: Cannot perform an interactive login from a non TTY device\n"),
        ("docker login --password-stdin 127.0.0.1:9", "the --password-stdin option requires --username to be set\n"),
        (
            "docker login -u a -p b --password-stdin x",
            "conflicting options: cannot specify both --password and --password-stdin\n",
        ),
    ];
    for (line, want) in cases {
        let ending = surroundings.run(line);
        assert_eq!((ending.code, ending.errors.as_str()), (1, want), "{line}");
    }
}
