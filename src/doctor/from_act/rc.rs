//! The lines of `.actrc`.
use std::path::Path;

use wfrun_report::{Bearing, Habit};

use crate::act::{Flag, Here, Line, Rc, Takes};
use crate::secrets;

/// What becomes of each line.
pub(super) fn habits(all: &[Rc], root: &Path) -> Vec<Habit> {
    let mut found = Vec::new();
    for (index, rc) in all.iter().enumerate() {
        for line in &rc.lines {
            let (bearing, message, way_out) =
                judge(line, root, || wins(line, all.get(index + 1..).unwrap_or_default()));
            found.push(Habit {
                file: rc.path.display().to_string(),
                line: Some(line.number),
                what: line.shown.clone(),
                bearing,
                message,
                way_out,
            });
        }
    }
    found
}

/// The later file that gives the same flag, of which the last holds.
fn wins(line: &Line, later: &[Rc]) -> Option<String> {
    let flag = line.given.as_ref()?.flag.filter(|it| it.takes != Takes::Many)?;
    let has = |it: &&Rc| {
        let flags = it.lines.iter().filter_map(|it| it.given.as_ref()?.flag);
        flags.map(|it| it.name).any(|it| it == flag.name)
    };
    later.iter().rfind(has).map(|it| it.path.display().to_string())
}

type Judged = (Bearing, String, Option<String>);

fn judge(line: &Line, root: &Path, wins: impl Fn() -> Option<String>) -> Judged {
    let same = |message: String| (Bearing::Same, message, None);
    let Some(given) = &line.given else {
        return (Bearing::NoEffect, "it does not begin with a dash; with act neither".to_owned(), None);
    };
    let Some(flag) = given.flag else {
        let message = "act 0.2.89 has no such flag, and ends with an error".to_owned();
        return (Bearing::NoEffect, message, None);
    };
    let Some(value) = &given.value else {
        let way_out = "write the value behind the flag, on the same line".to_owned();
        return (Bearing::Refused, "there is no value".to_owned(), Some(way_out));
    };
    if flag.is_usual(value) {
        return same("what it asks for is so anyway".to_owned());
    }
    if let Some(path) = wins() {
        return (Bearing::NoEffect, format!("{path} gives the same flag, and the later file wins, as with act"), None);
    }
    if value.contains(" #") {
        let way_out = "put the comment on a line of its own".to_owned();
        return (
            Bearing::Different,
            "what stands behind `#` belongs to the value, with act too".to_owned(),
            Some(way_out),
        );
    }
    match flag.here {
        Here::Same("platform") => platform(value),
        Here::Same("event-path") => {
            let message = format!("`--event-path`: {}", flag.note);
            let is_there = root.join(value).is_file();
            let way_out = (!is_there).then(|| format!("there is no file {value}"));
            (Bearing::Different, message, way_out)
        }
        Here::Same("env" | "var" | "input") if !value.contains('=') => {
            let way_out = format!("write `{} {value}=`, with a value behind it if there is one", flag.long());
            (Bearing::Refused, "there is no value".to_owned(), Some(way_out))
        }
        Here::Same("secret") if value.split('=').next().is_some_and(|it| it.eq_ignore_ascii_case("GITHUB_TOKEN")) => {
            (Bearing::NoEffect, secrets::NO_TOKEN.to_owned(), None)
        }
        // What there is to say of these is about a form that is not this one.
        Here::Same(option) if flag.note.is_empty() || ["env", "var", "input", "secret"].contains(&option) => {
            same(format!("`--{option}`"))
        }
        Here::Same(option) => same(format!("`--{option}`: {}", flag.note)),
        Here::Command(command) => {
            let message = format!("each `wfrun run` would be `wfrun {command}`, as with act: {}", flag.note);
            (Bearing::Same, message, None)
        }
        Here::Other | Here::NoEffect => (Bearing::NoEffect, no_effect(flag, value), None),
        Here::Refused => {
            let message = "wfrun does not do it, and no workflow is run as long as the line is there".to_owned();
            (Bearing::Refused, message, Some(flag.note.to_owned()))
        }
    }
}

fn platform(value: &str) -> Judged {
    let Some((label, image)) = value.split_once('=') else {
        let way_out = "write `-P LABEL=IMAGE`".to_owned();
        return (Bearing::Refused, "there is no image".to_owned(), Some(way_out));
    };
    if image == "-self-hosted" {
        let message = format!("jobs for `{label}` run as all others do, not on this machine itself");
        let way_out = "`--backend host` runs all jobs on this machine itself".to_owned();
        return (Bearing::NoEffect, message, Some(way_out));
    }
    let message = format!(
        "`--platform`: jobs for `{label}` run in this image on the docker backend, if the engine has it; without it, all jobs \
         run in a sandbox. It is not GitHub's image, so tools and versions differ from GitHub's"
    );
    (Bearing::Different, message, Some(format!("`docker pull {image}` once, or leave the line out")))
}

fn no_effect(flag: &Flag, value: &str) -> String {
    match (flag.name, value) {
        ("container-daemon-socket", "-") => "no job gets the engine's socket by this flag, as is asked for".to_owned(),
        _ => flag.note.to_owned(),
    }
}
