//! `wfrun completions` and `wfrun man`.
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::repo::Repo;

fn repo() -> Repo {
    Repo::new("on: push\njobs: {}\n", &[])
}

/// The commands that `wfrun --help` lists.
fn commands(repo: &Repo) -> Vec<String> {
    let help = repo.wfrun(&["--help"]).ends_with(0).stdout;
    let listed = help.split("Commands:\n").nth(1).and_then(|it| it.split("\n\n").next()).expect("commands");
    let named = listed.lines().filter(|it| it.starts_with("  ") && !it.starts_with("   "));
    named.filter_map(|it| it.split_whitespace().next()).map(str::to_owned).collect()
}

/// What a program says of a text on its standard input; nothing where there is no such program.
fn asked(program: &str, arguments: &[&str], text: &str) -> Option<(bool, String)> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        println!("skipped: there is no {program}");
        return None;
    };
    let mut input = child.stdin.take().expect("a pipe");
    let text = text.to_owned();
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("no panic").expect("it is read to its end");
    Some((output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()))
}

#[test]
fn completions_name_every_command() {
    let repo = repo();
    let commands = commands(&repo);
    assert!(commands.len() > 12 && commands.contains(&"completions".to_owned()), "{commands:?}");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let text = repo.wfrun(&["completions", shell]).ends_with(0).stdout;
        let missing: Vec<_> = commands.iter().filter(|it| !text.contains(it.as_str())).collect();
        assert!(missing.is_empty(), "{shell} does not know {missing:?}");
        assert!(text.contains("--event-path") || text.contains("event-path"), "{shell} knows no options");
    }
    repo.wfrun(&["completions", "basic"]).ends_with(2);
}

#[test]
fn bash_takes_them() {
    let repo = repo();
    let text = repo.wfrun(&["completions", "bash"]).ends_with(0).stdout;
    let Some((is_good, said)) = asked("bash", &["-n"], &text) else { return };
    assert!(is_good && said.is_empty(), "{said}");
    // And offers what begins so.
    let script =
        format!("{text}\nCOMP_WORDS=(wfrun comp); COMP_CWORD=1; _wfrun wfrun comp wfrun; echo \"${{COMPREPLY[@]}}\"\n");
    let Some((_, said)) = asked("bash", &[], &script) else { return };
    assert_eq!(said.trim(), "completions");
}

#[test]
fn manual_pages() {
    let repo = repo();
    let page = repo.wfrun(&["man"]).ends_with(0).stdout;
    for command in commands(&repo) {
        assert!(page.contains(&format!("wfrun\\-{command}")), "{command}");
        let page = repo.wfrun(&["man", &command]).ends_with(0).stdout;
        assert!(page.contains(".SH NAME") && page.contains(&command), "{page}");
    }
    assert!(repo.wfrun(&["man", "run"]).stdout.contains("\\-\\-event\\-path"));
    repo.wfrun(&["man", "--dir", "pages/man1"]).ends_with(0);
    for command in commands(&repo) {
        assert!(repo.read(&format!("pages/man1/wfrun-{command}.1")).contains(".SH SYNOPSIS"), "{command}");
    }
    assert!(repo.read("pages/man1/wfrun.1").contains(".TH wfrun 1"));
    repo.write("file", "");
    repo.wfrun(&["man", "--dir", "file/below"]).ends_with(2);
    if let Some((is_good, said)) = asked("groff", &["-man", "-Tascii", "-ww"], &page) {
        assert!(is_good, "{said}");
    }
}
