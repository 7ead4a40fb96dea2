//! What `BuildKit` reads of a Dockerfile and `docker build` of an older engine does not.

use std::fs;
use std::path::{Path, PathBuf};

use super::ACTION;
use crate::standins::docker::{docker, silent};
use crate::standins::error::StandInError;
use crate::standins::toolkit;

/// The arguments that every build has by itself, for a platform such as `linux/arm64`.
///
/// Source: Docker, "Dockerfile reference", "Automatic platform ARGs in the global scope". Variants are empty on both.
fn automatic(platform: &str) -> [(&'static str, String); 6] {
    let (os, architecture) = platform.split_once('/').unwrap_or((platform, ""));
    [
        ("BUILDPLATFORM", platform.to_owned()),
        ("BUILDOS", os.to_owned()),
        ("BUILDARCH", architecture.to_owned()),
        ("TARGETPLATFORM", platform.to_owned()),
        ("TARGETOS", os.to_owned()),
        ("TARGETARCH", architecture.to_owned()),
    ]
}

/// Those of the automatic arguments that the Dockerfile takes by an `ARG` without a default, as `NAME=value`.
pub(super) fn automatic_arguments(text: &str, platform: &str, options: &[String]) -> Vec<String> {
    let declared: Vec<&str> = text
        .lines()
        .filter_map(|line| line.trim().split_once(char::is_whitespace))
        .filter(|(name, _)| name.eq_ignore_ascii_case("ARG"))
        .flat_map(|(_, names)| names.split_whitespace())
        .collect();
    let is_given = |name: &str| options.iter().any(|it| it == name || it.starts_with(&format!("{name}=")));
    let is_taken = |name: &str| {
        declared.contains(&name) && !declared.iter().any(|it| it.starts_with(&format!("{name}="))) && !is_given(name)
    };
    let taken = automatic(platform).into_iter().filter(|(name, _)| is_taken(name));
    taken.map(|(name, value)| format!("{name}={value}")).collect()
}

/// The Dockerfile without `FROM --platform=$BUILDPLATFORM` and `$TARGETPLATFORM`, where it has that.
///
/// Both are this machine's platform, which is an older engine's without being named; it has no such variables there.
pub(super) fn without_own_platform(text: &str) -> Option<String> {
    let mut is_other = false;
    let lines = text.split_inclusive('\n').map(|line| {
        let is_from = line.trim_start().get(..5).is_some_and(|it| it.trim_end().eq_ignore_ascii_case("FROM"));
        let flag = ["$BUILDPLATFORM", "${BUILDPLATFORM}", "$TARGETPLATFORM", "${TARGETPLATFORM}"]
            .into_iter()
            .map(|name| format!("--platform={name} "))
            .find(|flag| is_from && line.contains(flag.as_str()));
        is_other |= flag.is_some();
        flag.map_or_else(|| line.to_owned(), |flag| line.replacen(&flag, "", 1))
    });
    let text: String = lines.collect();
    is_other.then_some(text)
}

/// Sees to `<Dockerfile>.dockerignore`, which an older engine's builder does not know.
///
/// In a context of the stand-in's own it takes the place of `.dockerignore`; in a folder of the workspace the step fails,
/// since more would get into the image than on GitHub.
pub(super) fn heed_own_ignore_file(dockerfile: &Path, context: &Path, is_own: bool) -> Result<(), StandInError> {
    let mut name = dockerfile.as_os_str().to_owned();
    name.push(".dockerignore");
    let ignore = PathBuf::from(name);
    if !ignore.is_file() || knows_own_ignore_file()? {
        return Ok(());
    }
    let general = context.join(".dockerignore");
    if is_own {
        return fs::copy(&ignore, &general).map(drop).map_err(StandInError::file("write", general));
    }
    Err(StandInError::NotSupported {
        action: ACTION,
        what: format!("`{}` by this engine's `docker build`", ignore.display()),
        way_out: "name it `.dockerignore` in the context, or set `env: { DOCKER_BUILDKIT: \"1\" }` at the step"
            .to_owned(),
    })
}

/// Whether `docker build` is `BuildKit`'s: by the environment, or from version 23 on with buildx.
fn knows_own_ignore_file() -> Result<bool, StandInError> {
    match toolkit::variable("DOCKER_BUILDKIT").as_str() {
        "1" | "true" => return Ok(true),
        "0" | "false" => return Ok(false),
        _ => {}
    }
    let version = silent(&mut docker(["version", "--format", "{{.Client.Version}}"]), None)?.stdout;
    let is_new = toolkit::parse_int(&version).is_some_and(|major| major >= 23);
    Ok(is_new && silent(&mut docker(["buildx", "version"]), None)?.status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_of_stages() {
        let cases = [
            ("FROM a\n", None),
            ("FROM --platform=linux/arm64 a\n", None),
            ("# FROM --platform=$BUILDPLATFORM a\nFROM b", None),
            (
                "# x\nFROM --platform=$BUILDPLATFORM a AS b\n from --platform=${TARGETPLATFORM} c",
                Some("# x\nFROM a AS b\n from c"),
            ),
        ];
        for (text, want) in cases {
            assert_eq!(without_own_platform(text).as_deref(), want, "{text}");
        }
    }

    #[test]
    fn arguments_that_a_build_has_by_itself() {
        let cases: &[(&str, &[&str], &[&str])] = &[
            ("FROM scratch\n", &[], &[]),
            ("FROM a\nARG TARGETARCH\nRUN x\n", &[], &["TARGETARCH=arm64"]),
            ("FROM a\n arg TARGETOS TARGETARCH\n", &[], &["TARGETOS=linux", "TARGETARCH=arm64"]),
            ("ARG BUILDPLATFORM\nFROM --platform=$BUILDPLATFORM a\n", &[], &["BUILDPLATFORM=linux/arm64"]),
            ("FROM a\nARG TARGETARCH=x\n", &[], &[]),
            ("FROM a\nARG TARGETARCH\n", &["--build-arg", "TARGETARCH=s390x"], &[]),
            ("FROM a\nARG TARGETARCHITECTURE\nRUN echo ARG TARGETOS\n", &[], &[]),
        ];
        for (text, options, want) in cases {
            let options: Vec<String> = options.iter().map(|it| (*it).to_owned()).collect();
            assert_eq!(automatic_arguments(text, "linux/arm64", &options), *want, "{text}");
        }
    }
}
