//! Stand-in for `actions/setup-java`: a JDK for `JAVA_HOME` and `PATH`, and Maven's settings.
//!
//! It downloads nothing. What the tool cache does not hold is a JDK of this machine, taken where it is; another vendor's than
//! the one asked for, or the nearest version, is said and declared.

mod dependencies;
mod distribution;
mod gpg;
mod jdk_file;
mod machine;
mod maven;
mod version;
mod version_file;

use std::path::PathBuf;

use serde_json::json;

use super::error::StandInError;
use super::search_path::SearchPath;
use super::semver::{Range, Rules};
use super::substitute::{self, Line};
use super::tool_cache::{ToolCache, architecture};
use super::{Invocation, Phase, dependency_cache, problem_matchers, toolkit};
use distribution::Distribution;
use version::Request;

const ACTION: &str = "actions/setup-java";

/// Runs the action.
///
/// Source: `actions/setup-java`, `src/setup-java.ts` and `src/cleanup-java.ts`, each major version from v2 on.
pub(super) fn run(invocation: &Invocation) -> Result<(), StandInError> {
    let action = invocation.version.major;
    match invocation.phase {
        Phase::Main => set_up(action),
        Phase::Post => {
            let removed = gpg::remove();
            // Saving never fails the step.
            dependencies::save(action).unwrap_or_else(|err| toolkit::warning(&format!("Error: {}", err.chain())));
            removed
        }
    }
}

/// A Java that was found: its version as its vendor writes it, and its folder.
struct Found {
    version: String,
    folder: PathBuf,
}

/// Inputs that are the same for all versions that are asked for.
struct Wanted {
    action: u32,
    package: String,
    architecture: String,
    check_latest: bool,
    is_default: bool,
    jdk_file: String,
}

fn set_up(action: u32) -> Result<(), StandInError> {
    if action < 5 {
        toolkit::warning(&format!(
            "setup-java v{action} is deprecated and will no longer receive updates. Please migrate to actions/setup-java@v5."
        ));
    }
    let versions = match action {
        2 => vec![toolkit::required_input("java-version")?],
        _ => toolkit::input_lines("java-version"),
    };
    let name = if action < 5 { toolkit::required_input("distribution")? } else { toolkit::input("distribution") };
    let wanted = Wanted {
        action,
        package: toolkit::input("java-package"),
        architecture: Some(toolkit::input("architecture"))
            .filter(|it| !it.is_empty())
            .unwrap_or_else(|| architecture().to_owned()),
        check_latest: toolkit::loose_boolean_input("check-latest"),
        is_default: action < 5 || is_true("set-default"),
        jdk_file: jdk_file_input(action),
    };
    let mut path = SearchPath::of_the_step();
    if action >= 3 {
        toolkit::start_group("Installed distributions");
    }
    install_all(&versions, &name, &wanted, &mut path)?;
    if action >= 3 {
        toolkit::end_group();
    }
    add_problem_matchers(action)?;
    configure_maven(action)?;
    let manager = toolkit::input("cache");
    // Before v3 nobody asked whether there is a service.
    if !manager.is_empty() && (action == 2 || dependency_cache::is_available("setup-java", true)) {
        dependencies::restore(&manager, action)?;
    }
    Ok(())
}

/// An input that is true where it is empty.
fn is_true(name: &str) -> bool {
    toolkit::input(name).is_empty() || toolkit::loose_boolean_input(name)
}

fn jdk_file_input(action: u32) -> String {
    let old = toolkit::input("jdkFile");
    if action < 5 {
        return old;
    }
    if !old.is_empty() {
        toolkit::warning(
            "The 'jdkFile' input is deprecated and may be removed in a future release. Please use 'jdk-file' instead.",
        );
    }
    Some(toolkit::input("jdk-file")).filter(|it| !it.is_empty()).unwrap_or(old)
}

fn install_all(versions: &[String], name: &str, wanted: &Wanted, path: &mut SearchPath) -> Result<(), StandInError> {
    let file = toolkit::input("java-version-file");
    let ids =
        Some(toolkit::input_lines("mvn-toolchain-id")).filter(|it| it.len() == versions.len()).unwrap_or_default();
    if versions.is_empty() && (file.is_empty() || wanted.action == 2) {
        return Err(StandInError::action("java-version or java-version-file input expected"));
    }
    if !versions.is_empty() {
        if name.is_empty() {
            return Err(StandInError::action("distribution input is required"));
        }
        for (index, version) in versions.iter().enumerate() {
            install(version, name, ids.get(index), wanted, path)?;
        }
        return Ok(());
    }
    let found = version_file::read(&file, name, wanted.action)?;
    let name = match &found.distribution {
        Some(named) => {
            toolkit::info(&format!("Using distribution '{named}' from {file}"));
            named
        }
        None if name.is_empty() => {
            return Err(StandInError::action("distribution input is required when not specified in the version file"));
        }
        None => name,
    };
    install(&found.version, name, None, wanted, path)
}

fn install(
    version: &str,
    name: &str,
    toolchain: Option<&String>,
    wanted: &Wanted,
    path: &mut SearchPath,
) -> Result<(), StandInError> {
    let distribution = Distribution::find(name, wanted.action)
        .ok_or_else(|| StandInError::action(format!("No supported distribution was found for input {name}")))?;
    distribution.say_if_deprecated(wanted.action);
    let request = Request::read(version)?;
    let found = if distribution.name == "jdkfile" {
        jdk_file::provide(&request, wanted)?
    } else {
        provide(&request, version, distribution, wanted)?
    };
    export(&found, distribution, wanted, path)?;
    if wanted.action >= 3 {
        maven::add_toolchain(version, name, &found.folder, toolchain, wanted.action)?;
    }
    toolkit::info("");
    toolkit::info("Java configuration:");
    toolkit::info(&format!("  Distribution: {name}"));
    toolkit::info(&format!("  Version: {}", found.version));
    toolkit::info(&format!("  Path: {}", found.folder.display()));
    toolkit::info("");
    Ok(())
}

fn provide(
    request: &Request,
    asked: &str,
    distribution: &Distribution,
    wanted: &Wanted,
) -> Result<Found, StandInError> {
    if wanted.action >= 5 && toolkit::loose_boolean_input("verify-signature") {
        if !distribution.has_signatures() {
            return Err(StandInError::action(format!(
                "Input 'verify-signature' is not supported for distribution '{}'.",
                distribution.title
            )));
        }
        substitute::declare(
            &format!("java {asked}, verify-signature"),
            "nothing is downloaded, so nothing is verified",
        );
    }
    let cached =
        request.find_in(&ToolCache::of_the_job()?, &distribution.folder(&wanted.package), &wanted.architecture);
    if wanted.check_latest {
        toolkit::info("Trying to resolve the latest version from remote");
        substitute::say_latest_is_not_asked("Java", asked, &request.spec);
    }
    if let Some(found) = cached {
        toolkit::info(&format!("Resolved Java {} from tool-cache", found.version));
        return Ok(found);
    }
    if wanted.architecture != architecture() {
        substitute::say_architecture("Java", &wanted.architecture, architecture());
    }
    let jdks = machine::all(&wanted.package);
    let exact: Vec<_> = jdks.iter().filter(|it| distribution.is_made_by(it) && request.accepts(&it.version)).collect();
    if let Some(jdk) = exact.into_iter().max_by(|a, b| a.version.cmp(&b.version)) {
        return Ok(jdk.taken());
    }
    let all: Vec<_> = jdks.into_iter().map(|it| (it.version.numbers.clone(), it)).collect();
    // A build number may be asked for that no other vendor has.
    let range = Range::parse(&request.spec, Rules::default()).unwrap_or_else(|| Range::exactly(&request.numbers()));
    let choice = substitute::choose(&range, Line::Major, all).ok_or_else(|| {
        StandInError::action(format!(
            "Could not find satisfied version for SemVer {}. {}",
            request.spec,
            machine::INSTALL
        ))
    })?;
    let used = format!("{} of {}", choice.what.version.text, choice.what.vendor);
    if choice.is_asked_for {
        say_vendor(asked, distribution, &used);
    } else {
        substitute::say("Java", asked, &used, Line::Major);
    }
    Ok(choice.what.taken())
}

/// Says and declares that the JDK is of another vendor, or another build, than asked for.
fn say_vendor(asked: &str, distribution: &Distribution, used: &str) {
    let message = format!(
        "Java {asked} of {} is not on this machine: {used} is used instead, of another vendor or build. Install the one asked \
         for to run it for real.",
        distribution.name
    );
    substitute::say_in_words("Java", &message);
    let subject = format!("java {asked} of {}", distribution.name);
    substitute::declare(&subject, &format!("{used} used: another vendor's or build"));
}

fn export(
    found: &Found,
    distribution: &Distribution,
    wanted: &Wanted,
    path: &mut SearchPath,
) -> Result<(), StandInError> {
    let folder = found.folder.to_string_lossy();
    if wanted.is_default {
        let the = if distribution.name == "jdkfile" && wanted.action < 5 { "" } else { "the " };
        toolkit::info(&format!("Setting Java {} as {the}default", found.version));
        toolkit::export_variable("JAVA_HOME", &folder)?;
        path.add(&found.folder.join("bin"))?;
    } else {
        toolkit::info(&format!("Installing Java {} (not setting as default)", found.version));
    }
    toolkit::set_output("distribution", distribution.title)?;
    toolkit::set_output("path", &folder)?;
    toolkit::set_output("version", &found.version)?;
    if wanted.action == 2 {
        return Ok(());
    }
    let major = found.version.split('.').next().unwrap_or_default();
    toolkit::export_variable(&format!("JAVA_HOME_{major}_{}", wanted.architecture.to_uppercase()), &folder)
}

/// Maven's settings for a registry that wants a password, the key it signs with, and how much it prints.
fn configure_maven(action: u32) -> Result<(), StandInError> {
    let key = toolkit::input("gpg-private-key");
    toolkit::mask(&key);
    maven::write_settings(action, !key.is_empty())?;
    if !key.is_empty() {
        toolkit::info("Importing private gpg key");
        gpg::import(&key)?;
    }
    if action >= 5 { maven::quieten() } else { Ok(()) }
}

/// Uncaught exceptions, and from v5 on what the compiler says, become annotations from here on.
fn add_problem_matchers(action: u32) -> Result<(), StandInError> {
    let java = json!([{ "regexp": "^Exception in thread \"(.*)\" (.*): (.*)$", "code": 2, "message": 3 }]);
    let javac = json!([
        { "regexp": r"^([^:]+):(\d+): (warning|error): (.+?)$", "file": 1, "line": 2, "severity": 3, "message": 4 }
    ]);
    let maven = json!([{
        "regexp": r"^\[(WARNING|ERROR)\]\s+(.+?\.java):\[(\d+),(\d+)\]\s+(.+)$",
        "severity": 1, "file": 2, "line": 3, "column": 4, "message": 5
    }]);
    let all = [("java", java), ("javac", javac), ("maven-javac", maven)];
    problem_matchers::add_all("setup_java", "java", &all[..if action >= 5 { 3 } else { 1 }])
}
