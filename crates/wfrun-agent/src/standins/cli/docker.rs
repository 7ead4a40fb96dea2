//! `docker`: builds, tags and pushes images without an engine, to registries on this machine.
//!
//! Source: Docker CLI reference; the classic builder of Docker Engine. Whatever runs containers is refused and declared.

mod bases;
mod build;
mod buildx;
mod context;
mod credentials;
mod dockerfile;
mod error;
mod glob;
mod image;
mod layer;
mod options;
mod pack;
mod prune;
mod reference;
mod registry;
mod show;
mod store;
mod tree;

pub use bases::base_images;
pub use pack::pack_context;

use super::process::{How, Process};
use error::DockerError;
use options::{Flag, Words, switch, value};
use reference::{DOCKER_HUB, Reference};
use store::Store;

/// The commands of the Docker CLI that make no sense without an engine, or that the stand-in does not have.
const NEEDS_ENGINE: &[&str] = &[
    "attach",
    "builder",
    "buildx",
    "checkpoint",
    "commit",
    "compose",
    "config",
    "container",
    "context",
    "cp",
    "create",
    "diff",
    "events",
    "exec",
    "export",
    "history",
    "image",
    "import",
    "kill",
    "load",
    "logs",
    "manifest",
    "network",
    "node",
    "pause",
    "plugin",
    "port",
    "ps",
    "rename",
    "restart",
    "rm",
    "run",
    "save",
    "scout",
    "search",
    "secret",
    "service",
    "stack",
    "start",
    "stats",
    "stop",
    "swarm",
    "system",
    "top",
    "trust",
    "unpause",
    "update",
    "volume",
    "wait",
];

/// Why a text is no name of an image; nothing where it is one.
pub(in crate::standins) fn check_image_name(name: &str) -> Result<(), String> {
    Reference::parse(name).map(drop).map_err(|error| error.to_string())
}

/// Runs `docker` with `args` and gives its exit code: 125 for what is refused, else 1 or a command's own.
pub(super) fn run(args: &[String], process: &mut Process<'_>) -> u8 {
    match command(args, process) {
        Ok(()) => 0,
        Err(error) => {
            // A script may go on after it: then nothing else would say that it was not done.
            if let Some((subject, why)) = error.not_done() {
                process.declare(How::NotRun, &subject, why);
            }
            process.error_line(&error.chain());
            error.exit_code()
        }
    }
}

fn command(args: &[String], process: &mut Process<'_>) -> Result<(), DockerError> {
    let mut words = args.iter();
    let mut rest: Vec<String> = Vec::new();
    while let Some(word) = words.next() {
        match word.as_str() {
            // Which engine to talk to has no meaning where there is none.
            "-H" | "--host" | "-c" | "--context" | "-l" | "--log-level" | "--tlscacert" | "--tlscert" | "--tlskey" => {
                words.next();
            }
            "--config" => {
                let folder = words.next().cloned().unwrap_or_default();
                process.variables.insert("DOCKER_CONFIG".to_owned(), folder);
            }
            "-D" | "--debug" | "--tls" | "--tlsverify" => {}
            "-v" | "--version" => {
                process.line(&format!("Docker version {}, build wfrun-stand-in", show::VERSION));
                return Ok(());
            }
            _ => {
                rest.push(word.clone());
                rest.extend(words.by_ref().cloned());
            }
        }
    }
    let words: Vec<&str> = rest.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["build", ..] => build::run("docker build", &rest[1..], process),
        ["image" | "builder", "build", ..] => build::run("docker build", &rest[2..], process),
        ["buildx", "build", ..] => build::run("docker buildx build", &rest[2..], process),
        ["buildx", "create", ..] => buildx::create(&rest[2..], process),
        ["buildx", "use", ..] => buildx::select(&rest[2..], process),
        ["buildx", "inspect", ..] => buildx::inspect(&rest[2..], process),
        ["buildx", "rm", ..] => buildx::remove(&rest[2..], process),
        [group @ ("image" | "system" | "container" | "volume" | "network" | "builder" | "buildx"), "prune", ..] => {
            prune::run(group, &rest[2..], process)
        }
        ["buildx", "version"] => {
            process.line("github.com/docker/buildx wfrun-stand-in");
            Ok(())
        }
        ["tag", ..] => tag(&rest[1..], process),
        ["image", "tag", ..] => tag(&rest[2..], process),
        ["push", ..] => push(&rest[1..], process),
        ["image", "push", ..] => push(&rest[2..], process),
        ["pull", ..] => pull(&rest[1..], process),
        ["image", "pull", ..] => pull(&rest[2..], process),
        ["login", ..] => login(&rest[1..], process),
        ["logout", ..] => logout(&rest[1..], process),
        ["images", ..] => show::images(&rest[1..], process),
        ["image", "ls" | "list", ..] => show::images(&rest[2..], process),
        ["inspect", ..] => show::inspect(&rest[1..], process),
        ["image", "inspect", ..] => show::inspect(&rest[2..], process),
        ["rmi", ..] => remove(&rest[1..], process),
        ["image", "rm" | "remove", ..] => remove(&rest[2..], process),
        ["version", ..] => show::version(&rest[1..], process),
        ["info", ..] => show::info(&rest[1..], process),
        ["system", "info", ..] => show::info(&rest[2..], process),
        [
            group @ ("image" | "buildx" | "system" | "container" | "network" | "volume" | "compose" | "builder"
            | "context"),
            sub,
            ..,
        ] => Err(DockerError::NotRun { command: format!("{group} {sub}") }),
        [name, ..] if NEEDS_ENGINE.contains(name) => Err(DockerError::NotRun { command: (*name).to_owned() }),
        [name, ..] => Err(DockerError::failed(format!(
            "docker: unknown command: docker {name}\n\nRun 'docker --help' for more information"
        ))),
        [] => Err(DockerError::usage("docker", "docker: a command is required")),
    }
}

fn tag(words: &[String], process: &mut Process<'_>) -> Result<(), DockerError> {
    let words = Words::read("docker tag", &[], words)?;
    let [source, target] = words.operands::<2>("docker tag")?;
    let name = Reference::parse(target)?.with_default_tag();
    if name.digest.is_some() {
        return Err(DockerError::daemon("refusing to create a tag with a digest reference"));
    }
    let shown = Reference::parse(source).map_or_else(|_| source.to_owned(), |it| it.with_default_tag().to_string());
    Store::of(process).update(|index| {
        let id = index.resolve(source).ok_or_else(|| DockerError::daemon(format!("No such image: {shown}")))?;
        index.tags.insert(name.to_string(), id);
        Ok(())
    })?;
    declare(process, "docker tag");
    Ok(())
}

fn push(words: &[String], process: &mut Process<'_>) -> Result<(), DockerError> {
    const FLAGS: &[Flag] =
        &[switch("all-tags").or('a'), switch("quiet").or('q'), switch("disable-content-trust"), value("platform")];
    let words = Words::read("docker push", FLAGS, words)?;
    let [name] = words.operands::<1>("docker push")?;
    let is_quiet = words.is_on("quiet");
    declare(process, "docker push");
    if words.is_on("all-tags") {
        if Reference::parse(name)?.tag.is_some() {
            return Err(DockerError::failed("tag can't be used with --all-tags/-a"));
        }
        registry::push_tags(name, None, is_quiet, process)?;
    } else {
        registry::push(name, is_quiet, process)?;
    }
    if is_quiet {
        let name = Reference::parse(name)?;
        let pushed = if words.is_on("all-tags") { name } else { name.with_default_tag() };
        process.line(&pushed.to_string());
    }
    Ok(())
}

fn pull(words: &[String], process: &mut Process<'_>) -> Result<(), DockerError> {
    const FLAGS: &[Flag] = &[switch("quiet").or('q'), value("platform")];
    let words = Words::read("docker pull", FLAGS, words)?;
    let [name] = words.operands::<1>("docker pull")?;
    let given = Reference::parse(name)?;
    let is_quiet = words.is_on("quiet");
    if given.tag.is_none() && given.digest.is_none() && !is_quiet {
        process.line("Using default tag: latest");
    }
    let reference = given.with_default_tag();
    declare(process, "docker pull");
    registry::pull(&reference, &Store::of(process), is_quiet, process)?;
    process.line(&reference.to_string());
    Ok(())
}

fn login(words: &[String], process: &mut Process<'_>) -> Result<(), DockerError> {
    const FLAGS: &[Flag] = &[value("username").or('u'), value("password").or('p'), switch("password-stdin")];
    let words = Words::read("docker login", FLAGS, words)?;
    if words.operands.len() > 1 {
        return Err(DockerError::usage("docker login", "docker: 'docker login' requires at most 1 argument"));
    }
    let (user, typed) = (words.value("username"), words.value("password"));
    let from_input = words.is_on("password-stdin");
    if typed.is_some() && from_input {
        return Err(DockerError::failed("conflicting options: cannot specify both --password and --password-stdin"));
    }
    if from_input && user.is_none() {
        return Err(DockerError::failed("the --password-stdin option requires --username to be set"));
    }
    if typed.is_some() {
        process.error_line("WARNING! Using --password via the CLI is insecure. Use --password-stdin.");
    }
    let mut password = typed.unwrap_or_default().to_owned();
    if from_input {
        process.input.read_to_string(&mut password).map_err(DockerError::file("read", "the password"))?;
        let length = password.trim_end_matches(['\r', '\n']).len();
        password.truncate(length);
    }
    let Some(user) = user.filter(|_| !password.is_empty()) else {
        return Err(DockerError::failed("Error: Cannot perform an interactive login from a non TTY device"));
    };
    declare(process, "docker login");
    registry::login(words.operands.first().map(String::as_str), user, &password, process)?;
    let path = credentials::path(process);
    process.error_line(&format!(
        "\nWARNING! Your credentials are stored unencrypted in '{}'.\nConfigure a credential helper to remove this warning. See\n\
         https://docs.docker.com/go/credential-store/\n",
        path.display()
    ));
    process.line("Login Succeeded");
    Ok(())
}

fn logout(words: &[String], process: &mut Process<'_>) -> Result<(), DockerError> {
    let words = Words::read("docker logout", &[], words)?;
    let name = credentials::host(words.operands.first().map_or(DOCKER_HUB, String::as_str)).to_owned();
    process.line(&format!("Removing login credentials for {name}"));
    credentials::forget(&name, process)?;
    Ok(())
}

fn remove(words: &[String], process: &mut Process<'_>) -> Result<(), DockerError> {
    let words = Words::read("docker rmi", &[switch("force").or('f'), switch("no-prune")], words)?;
    if words.operands.is_empty() {
        return Err(DockerError::usage("docker rmi", "docker: 'docker rmi' requires at least 1 argument"));
    }
    let store = Store::of(process);
    let mut missing = Vec::new();
    for name in &words.operands {
        let tag = Reference::parse(name).ok().map(|it| it.with_default_tag().to_string());
        let removed = store.update(|index| {
            let Some(id) = index.resolve(name) else {
                return Ok(None);
            };
            let mut lines = Vec::new();
            let named = tag.as_ref().is_some_and(|tag| index.tags.contains_key(tag));
            index.tags.retain(|other, of| {
                let goes = if named { Some(other) == tag.as_ref() } else { *of == id };
                if goes {
                    lines.push(format!("Untagged: {other}"));
                }
                !goes
            });
            if index.tags_of(&id).is_empty() {
                index.images.shift_remove(&id);
                lines.push(format!("Deleted: {id}"));
            }
            store.sweep(index);
            Ok(Some(lines))
        })?;
        match removed {
            Some(lines) => lines.iter().for_each(|line| process.line(line)),
            None => missing
                .push(format!("Error response from daemon: No such image: {}", tag.unwrap_or_else(|| name.clone()))),
        }
    }
    if missing.is_empty() || words.is_on("force") { Ok(()) } else { Err(DockerError::failed(missing.join("\n"))) }
}

fn declare(process: &mut Process<'_>, subject: &str) {
    process.declare(How::StandIn, subject, "wfrun's own `docker`: this environment has no Docker engine");
}

/// The twelve digits by which Docker shows a digest.
fn short(digest: &str) -> &str {
    let hex = digest.trim_start_matches("sha256:");
    hex.get(..12).unwrap_or(hex)
}

/// A size as Docker shows it: four digits at most, in powers of a thousand.
fn human_size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "four digits are shown")]
    let mut size = bytes as f64;
    let mut units = ["B", "kB", "MB", "GB", "TB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    while size >= 1000.0 {
        let Some(next) = units.next() else { break };
        size /= 1000.0;
        unit = next;
    }
    let decimals = if size >= 100.0 {
        1
    } else if size >= 10.0 {
        2
    } else {
        3
    };
    let text = format!("{size:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_sizes() {
        for (bytes, want) in
            [(0, "0B"), (5, "5B"), (4608, "4.608kB"), (12_345_678, "12.35MB"), (999, "999B"), (1000, "1kB")]
        {
            assert_eq!(human_size(bytes), want);
        }
    }
}
