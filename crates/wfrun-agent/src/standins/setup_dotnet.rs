//! Stand-in for `actions/setup-dotnet`: a .NET of this machine, first on `PATH`.
//!
//! It downloads nothing, and so there is no install script and none of its output. All SDKs that are asked for come from one
//! folder, as there; where none satisfies the version asked for, the nearest is used, and this is said and declared.

mod dependencies;
mod global_json;
mod machine;
mod nuget;
mod request;

use serde_json::json;

use super::error::StandInError;
use super::search_path::SearchPath;
use super::semver::SemVer;
use super::substitute::{self, Choice, Line};
use super::tool_cache::architecture;
use super::{Invocation, Phase, dependency_cache, problem_matchers, toolkit};
use machine::Root;
use request::Request;

const ACTION: &str = "actions/setup-dotnet";

/// Runs the action.
///
/// Source: `actions/setup-dotnet`, `src/setup-dotnet.ts`, each major version from v3 on.
pub(super) fn run(invocation: &Invocation) -> Result<(), StandInError> {
    match invocation.phase {
        Phase::Main => set_up(invocation.version.major),
        Phase::Post => dependencies::save(),
    }
}

fn set_up(action: u32) -> Result<(), StandInError> {
    let mut versions = toolkit::input_lines("dotnet-version");
    let processor = if action >= 5 { asked_architecture()? } else { None };
    let channel = if action >= 5 { asked_channel(&versions)? } else { String::new() };
    let file = toolkit::input("global-json-file");
    if !file.is_empty() {
        versions.push(global_json::read_named(&file, action)?);
    } else if versions.is_empty() {
        match global_json::read_default(action)? {
            Some(version) => versions.push(version),
            None => {
                toolkit::info("The global.json wasn't found in the root directory. No .NET version will be installed.");
            }
        }
    }
    let mut path = SearchPath::of_the_step();
    let installed = if versions.is_empty() {
        Vec::new()
    } else {
        provide(versions, &channel, processor.as_deref(), action, &mut path)?
    };
    let source = toolkit::input("source-url");
    if !source.is_empty() {
        nuget::write_config(&source)?;
    }
    tell_version(&installed, !file.is_empty())?;
    if toolkit::strict_boolean_input("cache")? && dependency_cache::is_available("setup-dotnet", true) {
        dependencies::restore(&path)?;
    }
    add_problem_matcher(action)
}

/// `None` where it is not given.
fn asked_architecture() -> Result<Option<String>, StandInError> {
    const KNOWN: &[&str] = &["x64", "x86", "arm64", "amd64", "arm", "s390x", "ppc64le", "riscv64"];
    let given = toolkit::input("architecture");
    let lower = given.to_lowercase();
    match lower.as_str() {
        "" => Ok(None),
        "amd64" => Ok(Some("x64".to_owned())),
        known if KNOWN.contains(&known) => Ok(Some(lower)),
        _ => Err(StandInError::action(format!(
            "Value '{given}' is not supported for the 'architecture' option. Supported values are: {}.",
            KNOWN.join(", ")
        ))),
    }
}

/// `dotnet-channel`, empty where it does not count.
fn asked_channel(versions: &[String]) -> Result<String, StandInError> {
    let channel = toolkit::input("dotnet-channel");
    let is_latest = versions.iter().any(|it| it.eq_ignore_ascii_case("latest"));
    let refusal = |and: &str| {
        format!(
            "Value '{channel}' is not supported for the 'dotnet-channel' option{and}. Supported values are: LTS, STS, A.B \
             (e.g. 8.0), A.B.Cxx (e.g. 8.0.1xx)."
        )
    };
    match (channel.is_empty() || request::is_channel(&channel), is_latest) {
        (true, true) => Ok(channel),
        (true, false) if channel.is_empty() => Ok(channel),
        (true, false) => {
            toolkit::warning("The 'dotnet-channel' input is only supported when 'dotnet-version' is set to 'latest'.");
            Ok(String::new())
        }
        (false, true) => Err(StandInError::action(refusal(""))),
        (false, false) => {
            toolkit::warning(&refusal(" and will be ignored because 'dotnet-version' is not set to 'latest'"));
            Ok(String::new())
        }
    }
}

fn provide(
    versions: Vec<String>,
    channel: &str,
    processor: Option<&str>,
    action: u32,
    path: &mut SearchPath,
) -> Result<Vec<SemVer>, StandInError> {
    let quality = asked_quality(action)?;
    let mut requests: Vec<Request> = Vec::new();
    for version in versions {
        let request = Request::read(&version, channel, action)?;
        if !requests.iter().any(|it| it.text == request.text) {
            requests.push(request);
        }
    }
    let (root, chosen) = machine::choose(&requests)
        .ok_or_else(|| StandInError::action(format!("Failed to install dotnet, exit code: 1. {}", machine::INSTALL)))?;
    for (request, choice) in requests.iter().zip(&chosen) {
        tell_choice(request, choice, &quality, &root);
    }
    if let Some(other) = processor.filter(|it| *it != architecture()) {
        substitute::say_architecture(".NET", other, architecture());
    }
    path.add(&root.folder)?;
    toolkit::export_variable("DOTNET_ROOT", &root.folder.to_string_lossy())?;
    path.set("DOTNET_ROOT", &root.folder);
    if action >= 5 {
        install_workloads(path)?;
    }
    Ok(chosen.into_iter().map(|it| it.version).collect())
}

fn asked_quality(action: u32) -> Result<String, StandInError> {
    let known: &[&str] =
        if action >= 5 { &["daily", "preview", "ga"] } else { &["daily", "signed", "validated", "preview", "ga"] };
    let quality = toolkit::input("dotnet-quality");
    if quality.is_empty() || known.contains(&quality.as_str()) {
        return Ok(quality);
    }
    Err(StandInError::action(format!(
        "Value '{quality}' is not supported for the 'dotnet-quality' option. Supported values are: {}.",
        known.join(", ")
    )))
}

/// Says what was chosen, and what of the request it is not.
fn tell_choice(request: &Request, choice: &Choice<()>, quality: &str, root: &Root) {
    if !quality.is_empty() && !request.takes_quality {
        toolkit::warning(&format!(
            "The 'dotnet-quality' input can be used only with .NET SDK version in A.B, A.B.x, A, A.x and A.B.Cxx formats where \
             the major tag is higher than 5. You specified: {}. 'dotnet-quality' input is ignored.",
            request.argument
        ));
    } else if !matches!(quality, "" | "ga") {
        substitute::declare(&format!(".net {}, quality {quality}", request.text), "what this machine has used");
    }
    let used = choice.version.to_string();
    if request.is_newest {
        substitute::say_newest_is_not_known(".NET", &request.text, &used);
    } else if !choice.is_asked_for {
        substitute::say(".NET", &request.text, &used, Line::Major);
    }
    toolkit::info(&format!(".NET SDK {used} found on this machine @ {}", root.folder.display()));
}

fn install_workloads(path: &SearchPath) -> Result<(), StandInError> {
    let given = toolkit::input("workloads");
    let workloads: Vec<&str> = given.split(',').map(str::trim).filter(|it| !it.is_empty()).collect();
    if workloads.is_empty() {
        return Ok(());
    }
    let failed = |err: StandInError| {
        StandInError::action(format!("Failed to install workloads [{}]: Error: {}", workloads.join(", "), err.chain()))
    };
    toolkit::info("Refreshing workload manifests...");
    path.exec(&["dotnet", "workload", "update"], None).map_err(failed)?;
    toolkit::info(&format!("Installing workloads: {}", workloads.join(", ")));
    path.exec(&[&["dotnet", "workload", "install"], workloads.as_slice()].concat(), None).map_err(failed)
}

/// The output `dotnet-version`: the highest, or the one of `global-json-file`, which comes last.
fn tell_version(installed: &[SemVer], is_from_file: bool) -> Result<(), StandInError> {
    let told = if is_from_file { installed.last() } else { installed.iter().max() };
    if let Some(version) = told {
        return toolkit::set_output("dotnet-version", &version.to_string());
    }
    toolkit::info("The 'dotnet-version' output will not be set.");
    Ok(())
}

/// What the C# compiler prints becomes annotations from here on.
///
/// Source: the format of `MSBuild`'s messages; up to v4 of the action without the number of the node and the column.
fn add_problem_matcher(action: u32) -> Result<(), StandInError> {
    let end = r"(error|warning)\s+([a-zA-Z]+(?<!MSB)\d";
    let pattern = if action >= 5 {
        json!([{
            "regexp": format!(r"^\s*(?:\d+>\s*)?(\S.*)\((\d+)(?:,(\d+))?(?:,\d+)*\):\s+{end}*):\s*(.*?)\s+\[(.*?)\]$"),
            "file": 1, "line": 2, "column": 3, "severity": 4, "code": 5, "message": 6, "fromPath": 7
        }])
    } else {
        json!([{
            "regexp": format!(r"^(\S.*)\((\d+)(?:,\d+|,\d+,\d+)?\):\s+{end}+):\s*(.*?)\s+\[(.*?)\]$"),
            "file": 1, "line": 2, "severity": 3, "code": 4, "message": 5, "fromPath": 6
        }])
    };
    problem_matchers::add("setup_dotnet", "csc", &pattern)
}
