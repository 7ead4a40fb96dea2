//! Stand-in for `actions/setup-go`: a Go in the tool cache, first on `PATH`.
//!
//! It downloads nothing. What the tool cache does not hold is a link to a Go of this machine; where none satisfies the
//! version asked for, the nearest is used, and this is said and declared.

mod dependencies;
mod machine;
mod version_file;

use std::fs;
use std::path::Path;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::error::StandInError;
use super::search_path::SearchPath;
use super::semver::{Range, SemVer};
use super::substitute::{self, Line};
use super::tool_cache::{Tool, ToolCache, architecture};
use super::{Invocation, Phase, problem_matchers, program, toolkit};

/// The tool's name in the tool cache.
const NAME: &str = "go";
/// Its program there.
const PROGRAM: &str = "bin/go";
/// Which Go runs where a module asks for another: `local` is the one that was started.
const TOOLCHAIN: &str = "GOTOOLCHAIN";

/// Runs the action.
///
/// Source: GitHub: execution rules E9.10; `actions/setup-go`, `src/main.ts`, each major version.
pub(super) fn run(invocation: &Invocation) -> Result<(), StandInError> {
    let action = invocation.version.major;
    match invocation.phase {
        Phase::Main if action == 2 => set_up_v2(),
        Phase::Main => set_up(action),
        Phase::Post => dependencies::save(action),
    }
}

fn set_up(action: u32) -> Result<(), StandInError> {
    let spec = asked_version(action)?;
    let mut path = SearchPath::of_the_step();
    if action >= 6 {
        toolkit::export_variable(TOOLCHAIN, "local")?;
        path.set(TOOLCHAIN, "local");
    }
    let is_cached = toolkit::strict_boolean_input("cache")?;
    toolkit::info(&format!("Setup go version spec {spec}"));
    if spec.is_empty() {
        if action >= 4 {
            toolkit::info(
                "[warning]go-version input was not specified. The action will try to use pre-installed version.",
            );
        }
    } else {
        let tool = provide(&spec, action)?;
        path.add(&tool.folder.join("bin"))?;
        toolkit::info("Added go to the path");
        if SemVer::parse(&tool.version).is_some_and(|it| it < SemVer::new(1, 9, 0)) {
            toolkit::info("Setting GOROOT for Go version < 1.9");
            toolkit::export_variable("GOROOT", &tool.folder.to_string_lossy())?;
        }
        if action == 3 {
            add_programs_of_packages(&mut path)?;
        }
        toolkit::info(&format!("Successfully set up Go version {spec}"));
    }
    if action == 3 {
        if is_cached && super::dependency_cache::is_available("setup-go", true) {
            dependencies::restore(&spec, action, &path)?;
        }
        add_problem_matcher()?;
    } else {
        add_programs_of_packages(&mut path)?;
        let version = parse_version(&tell(&path, "version")?);
        if is_cached && super::dependency_cache::is_available("setup-go", true) {
            dependencies::restore(&version, action, &path)
                .unwrap_or_else(|err| toolkit::warning(&format!("Restore cache failed: {}", err.chain())));
        }
        add_problem_matcher()?;
    }
    let told = tell(&path, "version")?;
    toolkit::info(&told);
    toolkit::set_output("go-version", &parse_version(&told))?;
    tell_environment(&path)
}

/// Before v3 there was neither cache nor output, and `GOROOT` was always set.
fn set_up_v2() -> Result<(), StandInError> {
    let spec = toolkit::input("go-version");
    let stable = toolkit::input("stable");
    let is_stable = stable.is_empty() || stable.eq_ignore_ascii_case("true");
    toolkit::info(&format!("Setup go {} version spec {spec}", if is_stable { "stable" } else { "" }));
    let mut path = SearchPath::of_the_step();
    if !spec.is_empty() {
        let tool = provide(&spec, 2)?;
        toolkit::export_variable("GOROOT", &tool.folder.to_string_lossy())?;
        path.set("GOROOT", tool.folder.as_os_str());
        path.add(&tool.folder.join("bin"))?;
        toolkit::info("Added go to the path");
        add_programs_of_packages(&mut path)?;
        toolkit::info(&format!("Successfully setup go version {spec}"));
    }
    add_problem_matcher()?;
    toolkit::info(&tell(&path, "version")?);
    tell_environment(&path)
}

fn asked_version(action: u32) -> Result<String, StandInError> {
    let version = toolkit::input("go-version");
    let file = toolkit::input("go-version-file");
    if !version.is_empty() && !file.is_empty() {
        toolkit::warning("Both go-version and go-version-file inputs are specified, only go-version will be used");
    }
    if !version.is_empty() || file.is_empty() { Ok(version) } else { version_file::read(&file, action) }
}

/// A place to download from that is not Go's own: part of the tool's name in the tool cache.
fn base_url(action: u32) -> Option<String> {
    let given = Some(toolkit::input("go-download-base-url")).filter(|it| !it.is_empty());
    let url = given.unwrap_or_else(|| toolkit::variable("GO_DOWNLOAD_BASE_URL"));
    (action >= 6 && !url.is_empty()).then_some(url)
}

fn provide(spec: &str, action: u32) -> Result<Tool, StandInError> {
    let cache = ToolCache::of_the_job()?;
    let check_latest = toolkit::strict_boolean_input("check-latest")?;
    let own = architecture();
    let asked = Some(toolkit::input("architecture")).filter(|it| !it.is_empty()).unwrap_or_else(|| own.to_owned());
    let is_alias = action >= 3 && matches!(spec, "stable" | "oldstable");
    let base = base_url(action);
    if let Some(url) = &base {
        toolkit::info(&format!("Using custom Go download base URL: {url}"));
        if is_alias {
            return Err(StandInError::action(format!(
                "Version aliases '{spec}' are not supported with a custom download base URL. Please specify an exact Go \
                 version."
            )));
        }
    }
    match &base {
        Some(_) if check_latest => toolkit::info(
            "check-latest is not supported with a custom download base URL. Using the provided version spec directly.",
        ),
        None if check_latest => {
            toolkit::info("Attempting to resolve the latest version from the manifest...");
            substitute::say_latest_is_not_asked("Go", spec, spec);
        }
        Some(_) | None => {}
    }
    let name = base.as_deref().map_or_else(|| NAME.to_owned(), custom_name);
    if let Some(tool) = cache.find(&name, spec, &asked, PROGRAM).filter(|_| !is_alias) {
        toolkit::info(&format!("Found in cache @ {}", tool.folder.display()));
        return Ok(tool);
    }
    if asked != own {
        substitute::say_architecture("Go", &asked, own);
    }
    if let Some(url) = base {
        substitute::declare(&format!("go {spec} of {url}"), "this machine's used: nothing is downloaded");
    }
    nearest(&cache, spec, is_alias, &asked)
}

fn nearest(cache: &ToolCache, spec: &str, is_alias: bool, asked: &str) -> Result<Tool, StandInError> {
    let not_found = || {
        StandInError::action(format!(
            "Unable to find Go version '{spec}' for platform linux and architecture {asked}. {}",
            machine::INSTALL
        ))
    };
    let range = if is_alias { Range::strict("*") } else { Range::of_spec(spec) };
    let installed = machine::all().into_iter().map(|it| (it.version.clone(), it)).collect();
    let all = substitute::available(cache, (NAME, PROGRAM), installed);
    let choice = range.and_then(|it| substitute::choose(&it, Line::Minor, all)).ok_or_else(not_found)?;
    let used = choice.version.to_string();
    if is_alias {
        substitute::say_newest_is_not_known("Go", spec, &used);
        toolkit::info(&format!("{spec} version resolved as {used}"));
    } else if !choice.is_asked_for {
        substitute::say("Go", spec, &used, Line::Minor);
    }
    choice.what.take(|go| machine::make(cache, &go))
}

/// Source: `actions/setup-go`, `customToolCacheName`.
fn custom_name(url: &str) -> String {
    let digest = hex::encode(Sha256::digest(url.trim_end_matches('/')));
    format!("{NAME}-{}", &digest[..8])
}

/// `$(go env GOPATH)/bin`, where `go install` puts programs.
fn add_programs_of_packages(path: &mut SearchPath) -> Result<(), StandInError> {
    let Some(go) = path.find("go") else { return Ok(()) };
    let told = program::stdout(path.command(&go).args(["env", "GOPATH"]), None, machine::INSTALL)?;
    let folder = told.trim();
    if folder.is_empty() {
        return Ok(());
    }
    let programs = Path::new(folder).join("bin");
    fs::create_dir_all(&programs).map_err(StandInError::file("create", &programs))?;
    path.add(&programs)
}

/// What `go version` or `go env` prints.
fn tell(path: &SearchPath, what: &str) -> Result<String, StandInError> {
    let go = path
        .find("go")
        .ok_or_else(|| StandInError::action(format!("there is no `go` on the search path. {}", machine::INSTALL)))?;
    program::stdout(path.command(&go).arg(what), None, machine::INSTALL)
}

fn tell_environment(path: &SearchPath) -> Result<(), StandInError> {
    toolkit::start_group("go env");
    toolkit::info(&tell(path, "env")?);
    toolkit::end_group();
    Ok(())
}

/// `1.22.1` of `go version go1.22.1 linux/amd64`.
fn parse_version(told: &str) -> String {
    told.split(' ').nth(2).and_then(|it| it.get("go".len()..)).unwrap_or_default().to_owned()
}

/// What the compiler and `go vet` print becomes annotations from here on.
fn add_problem_matcher() -> Result<(), StandInError> {
    problem_matchers::add(
        "setup_go",
        "go",
        &json!([
            { "regexp": r"^\s*(.+\.go):(?:(\d+):(\d+):)? (.*)", "file": 1, "line": 2, "column": 3, "message": 4 }
        ]),
    )
}

/// A version as Go writes it, by npm's rules: `1.22rc1` is `1.22.0-rc.1`.
///
/// Source: `actions/setup-go`, `makeSemver`.
fn go_version(text: &str) -> Option<SemVer> {
    let text = text.trim_start_matches("go").replace("beta", "-beta.").replace("rc", "-rc.");
    let (numbers, stage) =
        text.split_once('-').map_or((text.as_str(), None), |(numbers, stage)| (numbers, Some(stage)));
    let mut parts: Vec<&str> = numbers.split('.').collect();
    parts.resize(3, "0");
    let stage = stage.map(|it| format!("-{it}")).unwrap_or_default();
    SemVer::parse(&format!("{}{stage}", parts.join(".")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_gos_versions() {
        for (text, expected) in [
            ("go1.22.1", "1.22.1"),
            ("go1.21", "1.21.0"),
            ("1.22rc1", "1.22.0-rc.1"),
            ("go1.8beta2", "1.8.0-beta.2"),
            ("devel", ""),
        ] {
            assert_eq!(go_version(text).map(|it| it.to_string()).unwrap_or_default(), expected, "{text}");
        }
        assert_eq!(parse_version("go version go1.22.1 linux/amd64\n"), "1.22.1");
        assert_eq!(parse_version("odd"), "");
    }

    #[test]
    fn names_tools_by_their_source() {
        assert_eq!(custom_name("https://octo.io/go/"), custom_name("https://octo.io/go"));
        assert!(custom_name("https://octo.io/go").starts_with("go-") && custom_name("x").len() == 11);
    }
}
