use std::path::PathBuf;

use insta::assert_snapshot;
use wfrun_backend::docker::EngineFacts;
use wfrun_report::{Standing, Style, doctor_json, doctor_text};
use wfrun_runner::Way;

use super::{examine, is_new_enough};
use crate::doctor::{Engine, Folder, Machine, Problem, User};

const IMAGE: &str = "wfrun/runner:bookworm";

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn problem(what: &str, way_out: &str) -> Problem {
    Problem { what: what.to_owned(), way_out: way_out.to_owned() }
}

/// A server on which everything works.
fn server() -> Machine {
    let facts = EngineFacts {
        address: "unix:///var/run/docker.sock".to_owned(),
        version: "27.3.1".to_owned(),
        api: "1.47".to_owned(),
        cgroups: "2".to_owned(),
        driver: "overlay2".to_owned(),
        is_rootless: false,
    };
    Machine {
        system: "Linux 6.8.0, x86_64".to_owned(),
        user: User { name: "root".to_owned(), is_root: true },
        sandbox: Ok(5),
        docker: Ok(Engine { facts, image: (IMAGE, Ok(true)) }),
        git: Ok("2.43.0".to_owned()),
        node: Some((PathBuf::from("/usr/bin/node"), Some("v22.11.0".to_owned()))),
        outbound: Vec::new(),
        left_out: Vec::new(),
        loopback: Vec::new(),
        guard: Ok(()),
        folders: vec![Folder { name: "cache", path: "/var/cache/wfrun".into(), free: Ok(100_000_000_000) }],
        workspaces: Way::Overlay,
    }
}

/// A laptop in a company: no root, no group `docker`, a proxy on loopback, a company's certificates.
fn laptop() -> Machine {
    let denied = "Permission denied (os error 13)".to_owned();
    let bundle = "/etc/ssl/company.pem";
    Machine {
        user: User { name: "mona".to_owned(), is_root: false },
        docker: Err(problem(
            "this user may not use the Docker engine at /var/run/docker.sock",
            "join its group (`sudo usermod -aG docker $USER`, then log in again), or use `--backend sandbox`",
        )),
        node: Some((PathBuf::from("/usr/bin/node"), Some("v18.20.4".to_owned()))),
        outbound: pairs(&[
            ("HTTPS_PROXY", "http://***@127.0.0.1:3128"),
            ("HTTP_PROXY", "http://***@127.0.0.1:3128"),
            ("https_proxy", "http://***@127.0.0.1:3128"),
            ("http_proxy", "http://***@127.0.0.1:3128"),
            ("PIP_INDEX_URL", "https://***@index.example/simple"),
            ("GIT_SSL_CAINFO", bundle),
            ("SSL_CERT_FILE", bundle),
        ]),
        left_out: vec!["PIP_CERT names /etc/pip.pem, which is not there".to_owned()],
        loopback: vec![("HTTPS_PROXY".to_owned(), true), ("ALL_PROXY".to_owned(), false)],
        guard: Err(denied.clone()),
        folders: vec![
            Folder { name: "cache", path: "/home/mona/.cache/wfrun".into(), free: Ok(1_500_000_000) },
            Folder { name: "runs", path: "/home/mona/app/.wfrun".into(), free: Ok(3_000_000_000) },
        ],
        workspaces: Way::Copy { why: "Operation not permitted (os error 1)".to_owned() },
        ..server()
    }
}

/// A container in which nothing is allowed.
fn cell() -> Machine {
    Machine {
        user: User { name: "user 1000".to_owned(), is_root: false },
        sandbox: Err(problem(
            "no sandbox can be made here: user namespaces are switched off (user.max_user_namespaces=0)",
            "run wfrun as root, or set it with `sudo sysctl user.max_user_namespaces=15000`",
        )),
        docker: Err(problem("no Docker engine answers at unix:///var/run/docker.sock", "start it (`sudo dockerd`)")),
        git: Err("`git` could not be started: No such file or directory (os error 2)".to_owned()),
        node: None,
        folders: vec![Folder {
            name: "cache",
            path: "/tmp/.cache/wfrun".into(),
            free: Err("No space left".to_owned()),
        }],
        ..server()
    }
}

fn text(machine: &Machine) -> String {
    let style = Style { unicode: true, ..Style::plain(100) };
    doctor_text(&examine(machine), &style).replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

#[test]
fn a_machine_on_which_everything_works() {
    assert_snapshot!(text(&server()));
}

#[test]
fn a_machine_with_half_of_it() {
    assert_snapshot!(text(&laptop()));
}

#[test]
fn a_machine_with_nothing() {
    assert_snapshot!(text(&cell()));
}

#[test]
fn what_programs_get() {
    let json = format!("{:#}", doctor_json(&examine(&cell())));
    assert_snapshot!(json.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}

/// Whatever is not good has a way out, or is only told.
#[test]
fn nothing_is_wrong_without_a_way_out() {
    for machine in [server(), laptop(), cell()] {
        for it in examine(&machine).examined {
            assert!(it.standing != Standing::Missing || it.way_out.is_some(), "{it:?}");
        }
    }
}

#[test]
fn where_jobs_can_run() {
    let usable = |machine: &Machine| (examine(machine).usable, examine(machine).auto);
    assert_eq!(usable(&server()), (vec!["docker", "sandbox"], Some("docker")));
    assert_eq!(usable(&laptop()), (vec!["sandbox"], Some("sandbox")));
    assert_eq!(usable(&cell()), (vec![], None));
    let engine = |image| server().docker.map(|it| Engine { image: (IMAGE, image), ..it });
    let without_image = Machine { docker: engine(Ok(false)), ..server() };
    assert_eq!(usable(&without_image), (vec!["sandbox"], Some("sandbox")));
    let only_engine = Machine { docker: engine(Ok(false)), ..cell() };
    assert_eq!(usable(&Machine { git: Ok("2.43.0".to_owned()), ..only_engine }), (vec![], None));
    // Without git, or without room, nothing runs anywhere.
    assert_eq!(usable(&Machine { git: Err("none".to_owned()), ..server() }), (vec![], None));
    assert_eq!(usable(&Machine { git: Ok("2.20.1".to_owned()), ..server() }), (vec![], None));
    assert_eq!(usable(&Machine { folders: cell().folders, ..server() }), (vec![], None));
}

#[test]
fn versions() {
    for (version, is_new) in
        [("2.32.0", true), ("2.31.9", false), ("3.0", true), ("2.43.0.windows.1", true), ("", false)]
    {
        assert_eq!(is_new_enough(version), is_new, "{version}");
    }
}
