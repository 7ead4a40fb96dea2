use std::ffi::OsString;
use std::path::Path;

use super::*;
use crate::act::{Refusal, read};
use crate::cli::{Cli, Command};
use crate::environment::Environment;

/// Source: `act --help` of act 0.2.89: name, letter, type, default.
const HELP: &str = include_str!("help.txt");

#[test]
fn every_flag_of_act_is_in_the_table() {
    let told: Vec<String> = HELP.lines().filter(|it| !it.starts_with('#')).map(str::to_owned).collect();
    let own: Vec<String> = FLAGS
        .iter()
        .map(|it| {
            let kind = match it.takes {
                Takes::Switch(usual) => format!("bool {usual}"),
                Takes::One(usual) => format!("value {usual}"),
                Takes::Many => "values ".to_owned(),
            };
            let letter = it.short.map_or("-".to_owned(), |it| it.to_string());
            format!("{} {letter} {kind}", it.name).trim_end().to_owned()
        })
        .collect();
    assert_eq!(own, told);
}

/// A repository with one workflow, in which nothing of this machine's is read.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new(rc: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let workflows = folder.path().join(".github/workflows");
        std::fs::create_dir_all(&workflows).expect("folders");
        std::fs::write(workflows.join("w.yml"), "on: push\njobs: {}\n").expect("a file");
        std::fs::write(folder.path().join(".actrc"), rc).expect("a file");
        Self { folder }
    }

    fn read(&self, words: &[String]) -> Result<Cli, String> {
        let nowhere = self.folder.path().join("nowhere");
        let mut environment = Environment::default();
        environment.config.clone_from(&nowhere);
        environment.home = nowhere;
        let own = ["wfrun", "run", "-C", &self.folder.path().display().to_string()].map(OsString::from);
        let words: Vec<_> = own.into_iter().chain(words.iter().map(OsString::from)).collect();
        read(&words, &environment).map_err(|err| match err {
            Refusal::CommandLine(err) => err.to_string(),
            Refusal::Meaning(err) => err.to_string(),
        })
    }
}

/// A value that changes something, of the kind that the flag takes.
fn value_of(flag: &Flag) -> Option<&'static str> {
    match (flag.takes, flag.name) {
        (Takes::Switch(_), _) => None,
        (_, "matrix") => Some("key:value"),
        (_, "concurrent-jobs" | "cache-server-port") => Some("3"),
        (_, "container-architecture") => Some("linux/riscv64"),
        (_, "workflows") => Some(".github/workflows/w.yml"),
        (_, "directory") => Some("."),
        (_, "secret-file" | "var-file" | "env-file" | "input-file" | "eventpath") => Some("/nowhere/name=value"),
        (Takes::One(_) | Takes::Many, _) => Some("name=value"),
    }
}

/// `--flag value` as act has it, and as wfrun has it.
fn words(flag: &Flag, name: &str) -> Vec<String> {
    match (flag.takes, value_of(flag)) {
        (Takes::Switch(true), _) => vec![format!("--{name}=false")],
        (_, Some(value)) => vec![format!("--{name}"), value.to_owned()],
        (_, None) => vec![format!("--{name}")],
    }
}

fn run_of(cli: &Cli) -> &crate::cli::RunArgs {
    let Command::Run(run) = &cli.command else { panic!("{:?}", cli.command) };
    run
}

/// What the table says of a flag is what the parser does with it, on the command line.
#[test]
fn each_flag_does_what_the_table_says() {
    let place = Place::new("");
    let workflow = "w.yml".to_owned();
    for flag in FLAGS {
        let mut all = words(flag, flag.name);
        if flag.name != "workflows" {
            all.push(workflow.clone());
        }
        let read = place.read(&all);
        match flag.here {
            // A folder is named already.
            Here::Same("help" | "version" | "directory") => {}
            Here::Same("workflows") => {
                assert_eq!(run_of(&read.expect("it is read")).situation.workflow, ".github/workflows/w.yml");
            }
            Here::Same("detect-event") => assert!(run_of(&read.expect("it is read")).situation.detect_event),
            Here::Same("remote-name") => {
                let read = read.expect("it is read");
                assert_eq!(run_of(&read).situation.remote_name.as_deref(), Some("name=value"));
                assert!(run_of(&read).situation.said[0].contains("git has no such remote"));
            }
            Here::Same(option) => {
                let mut same = words(flag, option);
                same.push(workflow.clone());
                let same = place.read(&same).expect("wfrun's own option");
                assert_eq!(format!("{:?}", read.expect("it is read")), format!("{same:?}"), "--{}", flag.name);
                let plain = place.read(std::slice::from_ref(&workflow)).expect("nothing but a workflow");
                assert_ne!(format!("{same:?}"), format!("{plain:?}"), "--{option} changes something");
            }
            Here::Command(command) => {
                let told = format!("{:?}", read.expect("it is read").command).to_ascii_lowercase();
                assert!(told.starts_with(command), "--{}: {told}", flag.name);
            }
            Here::NoEffect => {
                let read = read.expect("it is read");
                let said = format!("`--{}` has no effect: {}", flag.name, flag.note);
                assert_eq!(run_of(&read).situation.said, [said]);
            }
            Here::Refused => {
                let told = read.expect_err("it is refused");
                assert!(told.contains(&format!("act's `--{}", flag.name)) && told.contains(flag.note), "{told}");
            }
            // wfrun's own option of the name.
            Here::Other => assert_eq!(run_of(&read.expect("it is read")).situation.said, [] as [String; 0]),
        }
    }
}

/// The same in `.actrc`.
#[test]
fn each_flag_does_what_the_table_says_in_a_file() {
    let workflow = "w.yml".to_owned();
    for flag in FLAGS {
        let place = Place::new(&words(flag, flag.name).join(" "));
        let typed = if flag.name == "workflows" { vec![] } else { vec![workflow.clone()] };
        let read = place.read(&typed);
        match flag.here {
            Here::Same("help" | "version" | "directory") => {}
            Here::Same("workflows") => {
                let read = read.expect("it is read");
                let situation = &run_of(&read).situation;
                let found = Path::new(&situation.workflow);
                assert!(found.is_absolute() && found.ends_with(".github/workflows/w.yml"), "{}", found.display());
                assert!(situation.said.iter().any(|it| it.contains("`--workflows` of ")), "{:?}", situation.said);
            }
            Here::Same(_) => {
                let mut direct = words(flag, flag.name);
                direct.extend(typed);
                let (mut read, mut direct) = (read.expect("it is read"), place.read(&direct).expect("it is read"));
                let said = std::mem::take(&mut happening(&mut read).said).join("\n");
                assert!(said.contains(&format!("`--{}` of ", flag.name)), "{said}");
                happening(&mut direct).said.clear();
                if flag.takes != Takes::Many {
                    assert_eq!(format!("{read:?}"), format!("{direct:?}"), "--{}", flag.name);
                }
            }
            Here::Command(command) => {
                let told = format!("{:?}", read.expect("it is read").command).to_ascii_lowercase();
                assert!(told.starts_with(command), "--{}: {told}", flag.name);
            }
            Here::NoEffect | Here::Other => {
                let said = run_of(&read.expect("it is read")).situation.said.join("\n");
                assert!(said.contains(&format!("`--{}` of ", flag.name)) && said.contains("no effect"), "{said}");
            }
            Here::Refused => {
                let told = read.expect_err("it is refused");
                assert!(told.contains(".actrc:1: ") && told.contains(flag.note), "{told}");
            }
        }
    }
}

fn happening(cli: &mut Cli) -> &mut crate::cli::EventArgs {
    let Command::Run(run) = &mut cli.command else { panic!("another command") };
    &mut run.situation.happening
}

/// A value that is act's own default changes nothing, so nothing is said and nothing refused.
#[test]
fn what_is_usual_anyway_is_taken() {
    let place = Place::new("");
    let own = if cfg!(target_arch = "aarch64") { "linux/arm64" } else { "linux/amd64" };
    for text in [
        "--network host",
        "--github-instance github.com",
        "--pull=true",
        "--watch=false",
        "--container-architecture OWN",
        "--artifact-server-port 34567",
        "--workflows ./.github/workflows/",
        "-bp=true --bind=false",
    ] {
        let words: Vec<String> = text.split(' ').chain(["w.yml"]).map(|it| it.replace("OWN", own)).collect();
        let read = place.read(&words);
        assert_eq!(run_of(&read.expect(text)).situation.said, [] as [String; 0], "{text}");
    }
}

#[test]
fn letters_are_acts() {
    let place = Place::new("");
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let read =
        place.read(&words("push -W .github/workflows/w.yml -brp -a me -j test -P x=y -s A=1 -qv")).expect("read");
    let run = run_of(&read);
    assert_eq!((run.situation.event.as_deref(), run.situation.actor.as_deref()), (Some("push"), Some("me")));
    assert_eq!(run.situation.said.len(), 2, "-b and -r; -p is act's default: {:?}", run.situation.said);
    for (letter, command) in [("-n", "Plan"), ("-g", "Graph"), ("-l", "List")] {
        let read = place.read(&words(&format!("{letter} w.yml"))).expect("read");
        assert!(format!("{:?}", read.command).starts_with(command), "{letter}");
    }
    assert!(place.read(&words("-l")).is_ok(), "it needs no workflow");
    let told = place.read(&words("-w w.yml")).expect_err("refused");
    assert!(told.contains("wfrun test --watch"), "{told}");
}

/// docs/from-act.md has the table; `WFRUN_BLESS=1` writes it.
#[test]
fn the_page_has_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/from-act.md");
    let page = std::fs::read_to_string(&path).expect("the page");
    let (before, rest) = page.split_once("<!-- flags -->\n").expect("a mark");
    let (_, after) = rest.split_once("<!-- end of flags -->").expect("a mark");
    let rows = FLAGS.iter().map(|it| {
        let letter = it.short.map(|it| format!("`-{it}` ")).unwrap_or_default();
        let here = match it.here {
            Here::Same("workflows" | "detect-event" | "remote-name") => "the same".to_owned(),
            Here::Same(option) if option == it.name => "the same".to_owned(),
            Here::Same(option) => format!("the same as `--{option}`"),
            Here::Command(command) => format!("`wfrun {command}`"),
            Here::Other => "another".to_owned(),
            Here::NoEffect => "none".to_owned(),
            Here::Refused => "refused".to_owned(),
        };
        format!("| {letter}`{}` | {here} | {} |\n", it.long(), it.note)
    });
    let table: String = rows.collect();
    let whole = format!(
        "{before}<!-- flags -->\n\n| flag of act | meaning here | more |\n|---|---|---|\n{table}\n<!-- end of flags -->{after}"
    );
    if std::env::var_os("WFRUN_BLESS").is_some() {
        std::fs::write(&path, &whole).expect("the page is written");
    }
    assert!(page == whole || std::env::var_os("WFRUN_BLESS").is_some(), "WFRUN_BLESS=1 writes docs/from-act.md anew");
}
