//! A process of a scripted run: how it was started, and what its script's texts become.
use std::sync::LazyLock;

use regex::Regex;
use wfrun_engine::{ContainerImage, Launch, Program};

/// `${NAME}`, `${NAME-else}`
static VARIABLE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\$\{([A-Za-z0-9_.]+)(?:-([^}]*))?\}").expect("a good pattern"));

/// `${x*5000}`
static REPEATED: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\$\{(.)\*(\d+)\}").expect("a good pattern"));

/// Puts the variables that the process got into a text, and repeats what is to be repeated.
pub(super) fn said(text: &str, launch: &Launch) -> String {
    let value = |captures: &regex::Captures<'_>| {
        let name = &captures[1];
        if name == "PWD" {
            return launch.cwd.clone();
        }
        let or = captures.get(2).map_or("", |it| it.as_str());
        launch.env.get(name).map_or(or, String::as_str).to_owned()
    };
    let repeated = |captures: &regex::Captures<'_>| captures[1].repeat(captures[2].parse().unwrap_or_default());
    REPEATED.replace_all(&VARIABLE.replace_all(text, value), repeated).into_owned()
}

/// How a process was started, in a line.
pub(super) fn command(launch: &Launch) -> String {
    let words = match &launch.program {
        Program::Script { command, arguments, path, .. } => {
            let command = command.strip_prefix("/usr/bin/").unwrap_or(command).to_owned();
            let extension = path.rsplit('/').next().and_then(|it| it.split_once('.')).map_or("", |(_, it)| it);
            let extension = if extension.is_empty() { String::new() } else { format!("(.{extension})") };
            std::iter::once(command)
                .chain(arguments.clone())
                .chain(Some(extension).filter(|it| !it.is_empty()))
                .collect()
        }
        Program::StandIn { action, phase, .. } => vec![action.to_string(), phase.to_string()],
        Program::Node { using, script } => vec![using.clone(), script.clone()],
        Program::Container { image, entrypoint, arguments } => {
            let image = match image {
                ContainerImage::Named(image) => image.clone(),
                ContainerImage::Built { dockerfile } => format!("build:{dockerfile}"),
            };
            let entrypoint = entrypoint.as_ref().map(|it| format!("--entrypoint {it}"));
            entrypoint
                .into_iter()
                .chain([image])
                .chain(arguments.iter().map(|it| format!("{it:?}")))
                .collect::<Vec<_>>()
        }
    };
    let quoted = words
        .iter()
        .map(|it| if it.contains(' ') && !it.starts_with(['"', '(', '-']) { format!("\"{it}\"") } else { it.clone() });
    quoted.collect::<Vec<_>>().join(" ")
}
