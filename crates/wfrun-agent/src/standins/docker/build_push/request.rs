//! What a step asks for, and what of it `docker build` cannot do.

use super::ACTION;
use crate::standins::docker::input_list::{Split, fields, input_list};
use crate::standins::docker::is_true;
use crate::standins::error::StandInError;
use crate::standins::toolkit;

/// What is built, and what is done with it.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) context: String,
    /// The Dockerfile; empty for the context's own.
    pub(super) file: String,
    pub(super) tags: Vec<String>,
    /// The options of `docker build` that are passed on.
    pub(super) options: Vec<String>,
    pub(super) builder: String,
    pub(super) exports: Exports,
    /// The inputs that only say where a cache is.
    pub(super) caches: Vec<&'static str>,
    /// Whether `allow` grants something.
    pub(super) allows: bool,
    /// Whether `BuildKit` would add the attestation of provenance that nobody asked for.
    pub(super) has_default_provenance: bool,
}

/// Where the image goes.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "an image can go to several places")]
pub(super) struct Exports {
    /// To the registries of its tags.
    pub(super) push: bool,
    /// To the engine.
    pub(super) load: bool,
    /// Nowhere, by an exporter that says so.
    pub(super) cache_only: bool,
    /// To the builder's own images.
    pub(super) image: bool,
    /// Tags beside those of `tags`.
    pub(super) names: Vec<String>,
}

impl Request {
    /// Reads the inputs; one that cannot be carried out fails the step by its name.
    ///
    /// Source: `docker/build-push-action`, `src/context.ts`, `getInputs` and `getArgs`.
    pub(super) fn read(action: u32, own_platform: &str) -> Result<Self, StandInError> {
        refuse()?;
        refuse_platforms(&input_list("platforms", Split::Commas), own_platform)?;
        let split = if action >= 5 { Split::RawLines } else { Split::Lines };
        let mut exports = Exports::read(&input_list("outputs", split))?;
        exports.push |= toolkit::strict_boolean_input("push")?;
        exports.load |= toolkit::strict_boolean_input("load")?;
        let mut tags = input_list("tags", Split::Commas);
        tags.append(&mut exports.names);
        let mut options = Options::default();
        for host in input_list("add-hosts", Split::Commas) {
            // buildx takes `name=address`, too.
            options.value("--add-host", &host.replacen('=', ":", 1));
        }
        options.list("--build-arg", &input_list("build-args", Split::Lines));
        options.input("--cgroup-parent", "cgroup-parent");
        options.list("--label", &input_list("labels", Split::Lines));
        options.input("--network", "network");
        // Without a cache, all stages are built again, not only those of the filter.
        let filters = input_list("no-cache-filters", Split::Commas);
        options.switch("--no-cache", toolkit::strict_boolean_input("no-cache")? || !filters.is_empty());
        options.switch("--pull", toolkit::strict_boolean_input("pull")?);
        options.input("--shm-size", "shm-size");
        options.input("--target", "target");
        options.list("--ulimit", &input_list("ulimit", Split::Lines));
        let mut caches = vec!["cache-from", "cache-to"];
        caches.retain(|name| !toolkit::input(name).is_empty());
        Ok(Self {
            context: toolkit::input("context"),
            file: toolkit::input("file"),
            tags,
            options: options.0,
            builder: toolkit::input("builder"),
            caches,
            allows: !toolkit::input("allow").is_empty(),
            has_default_provenance: action >= 4
                && exports.push
                && !exports.load
                && toolkit::input("provenance").is_empty()
                && toolkit::input("attests").is_empty()
                && !is_true(&toolkit::variable("BUILDX_NO_DEFAULT_ATTESTATIONS")),
            exports,
        })
    }
}

#[derive(Default)]
struct Options(Vec<String>);

impl Options {
    fn value(&mut self, option: &str, value: &str) {
        self.0.extend([option.to_owned(), value.to_owned()]);
    }

    fn list(&mut self, option: &str, values: &[String]) {
        for value in values {
            self.value(option, value);
        }
    }

    fn input(&mut self, option: &str, name: &str) {
        let value = toolkit::input(name);
        if !value.is_empty() {
            self.value(option, &value);
        }
    }

    fn switch(&mut self, option: &str, is_on: bool) {
        if is_on {
            self.0.push(option.to_owned());
        }
    }
}

fn is_false(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "" | "0" | "f" | "false" | "disabled=true")
}

fn not_supported(what: impl Into<String>, way_out: &str) -> StandInError {
    StandInError::NotSupported {
        action: ACTION,
        what: what.into(),
        way_out: format!("{way_out}, or give the real action and a buildx by `--actions real`"),
    }
}

/// The inputs that need `BuildKit`: the image would be another without them.
fn refuse() -> Result<(), StandInError> {
    for (name, way_out) in [
        ("secrets", "build without them, by files that an earlier step writes into the context"),
        ("secret-envs", "build without them, by files that an earlier step writes into the context"),
        ("secret-files", "build without them, by files that an earlier step writes into the context"),
        ("ssh", "fetch what it is for in an earlier step, into the context"),
        ("build-contexts", "copy what they hold into the context in an earlier step"),
        ("annotations", "use `labels`, which are in the image's configuration"),
    ] {
        if !toolkit::input(name).is_empty() {
            return Err(not_supported(format!("`{name}`"), way_out));
        }
    }
    let call = toolkit::input("call");
    if !matches!(call.as_str(), "" | "build") {
        return Err(not_supported(format!("`call: {call}`"), "leave `call` out to build"));
    }
    for name in ["provenance", "sbom"] {
        let value = toolkit::input(name);
        if !is_false(&value) {
            return Err(not_supported(format!("`{name}: {value}`"), &format!("set `{name}: false`")));
        }
    }
    for attest in input_list("attests", Split::Lines) {
        if !fields(&attest).iter().any(|field| field == "disabled=true") {
            return Err(not_supported(format!("`attests: {attest}`"), "leave `attests` out"));
        }
    }
    Ok(())
}

fn refuse_platforms(platforms: &[String], own: &str) -> Result<(), StandInError> {
    match platforms.iter().find(|it| *it != own) {
        None => Ok(()),
        Some(other) => {
            let way_out = format!("build for this machine's own, `platforms: {own}`");
            Err(not_supported(format!("`platforms` with {other}"), &way_out))
        }
    }
}

impl Exports {
    /// Reads `outputs`.
    ///
    /// Source: Docker, "docker buildx build", `--output`; an entry without a type is a folder.
    fn read(outputs: &[String]) -> Result<Self, StandInError> {
        let mut exports = Self::default();
        for output in outputs {
            let refused = |part: &str| {
                let way_out = "use `push: true` or `load: true`, and `docker save` or `docker cp` in a later step";
                not_supported(format!("`{part}` of `outputs: {output}`"), way_out)
            };
            let fields = fields(output);
            let pairs: Vec<(&str, &str)> = fields.iter().map(|it| it.split_once('=').unwrap_or((it, ""))).collect();
            let of = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
            let kind = of("type").ok_or_else(|| refused(output))?;
            match kind {
                "docker" => exports.load = true,
                "registry" => exports.push = true,
                "image" => exports.image = true,
                "cacheonly" => exports.cache_only = true,
                _ => return Err(refused(&format!("type={kind}"))),
            }
            for (key, value) in &pairs {
                match *key {
                    "type" => {}
                    "push" if kind == "image" => exports.push |= is_true(value),
                    "name" => exports.names.extend(value.split(',').map(str::trim).map(str::to_owned)),
                    _ => return Err(refused(&format!("{key}={value}"))),
                }
            }
        }
        exports.names.retain(|it| !it.is_empty());
        Ok(exports)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_an_image() {
        let names = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let cases = [
            ("type=docker", Ok(Exports { load: true, ..Exports::default() })),
            ("type=registry", Ok(Exports { push: true, ..Exports::default() })),
            ("type=image", Ok(Exports { image: true, ..Exports::default() })),
            ("type=cacheonly", Ok(Exports { cache_only: true, ..Exports::default() })),
            (
                "type=image,\"name=a/b,c/d\",push=true",
                Ok(Exports { image: true, push: true, names: names(&["a/b", "c/d"]), ..Exports::default() }),
            ),
            ("./out", Err("`./out` of `outputs: ./out`")),
            ("type=local,dest=out", Err("`type=local` of")),
            ("type=docker,dest=out.tar", Err("`dest=out.tar` of")),
            ("type=image,push-by-digest=true", Err("`push-by-digest=true` of")),
            ("type=image,compression=zstd", Err("`compression=zstd` of")),
        ];
        for (output, want) in cases {
            match (Exports::read(&[output.to_owned()]), want) {
                (Ok(found), Ok(want)) => assert_eq!(found, want, "{output}"),
                (Err(error), Err(want)) => assert!(error.to_string().starts_with(want), "{output}: {error}"),
                (found, want) => panic!("{output}: {found:?}, not {want:?}"),
            }
        }
    }

    #[test]
    fn platforms_are_this_machines() {
        let list = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert!(refuse_platforms(&[], "linux/amd64").is_ok());
        assert!(refuse_platforms(&list("linux/amd64"), "linux/amd64").is_ok());
        let error = refuse_platforms(&list("linux/amd64 linux/arm64"), "linux/amd64").expect_err("is refused");
        assert!(error.to_string().starts_with("`platforms` with linux/arm64 is not supported yet"), "{error}");
        assert!(error.to_string().contains("`platforms: linux/amd64`"), "{error}");
    }
}
