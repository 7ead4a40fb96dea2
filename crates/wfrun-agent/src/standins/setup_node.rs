//! Stand-in for `actions/setup-node`: a Node.js in the tool cache, first on `PATH`, with its npm.
//!
//! It downloads nothing. What the tool cache does not hold is made from a Node.js of this machine; where none satisfies the
//! version asked for, the nearest is used, and this is said and declared.

mod dependencies;
mod machine;
mod registry;
mod request;
mod version_file;

use serde_json::json;

use super::error::StandInError;
use super::search_path::SearchPath;
use super::substitute::{self, Line};
use super::tool_cache::{Tool, ToolCache, architecture};
use super::{Invocation, Phase, dependency_cache, problem_matchers, program, toolkit};
use request::Request;

/// The tool's name in the tool cache.
const NAME: &str = "node";
/// Its program there.
const PROGRAM: &str = "bin/node";

/// Runs the action.
///
/// Source: GitHub: execution rules E9.10; `actions/setup-node`, `src/main.ts`, each major version.
pub(super) fn run(invocation: &Invocation) -> Result<(), StandInError> {
    let action = invocation.version.major;
    match invocation.phase {
        Phase::Main => set_up(action),
        Phase::Post => dependencies::save(action),
    }
}

fn set_up(action: u32) -> Result<(), StandInError> {
    let asked = asked_version(action)?;
    let mut path = SearchPath::of_the_step();
    let processor = toolkit::input("architecture");
    if !processor.is_empty() && asked.is_empty() {
        toolkit::warning(
            "`architecture` is provided but `node-version` is missing. In this configuration, the version/architecture of \
             Node will not be changed. To fix this, provide `architecture` in combination with `node-version`",
        );
    }
    if !asked.is_empty() {
        let tool = provide(&asked, &processor, action)?;
        path.add(&tool.folder.join("bin"))?;
    }
    if action >= 3 {
        tell_versions(&path)?;
    }
    let url = toolkit::input("registry-url");
    if !url.is_empty() {
        registry::write(&url, action)?;
    }
    restore_dependencies(action, &path)?;
    add_problem_matchers(action)
}

fn asked_version(action: u32) -> Result<String, StandInError> {
    let mut version = toolkit::input("node-version");
    if version.is_empty() && action == 2 {
        version = toolkit::input("version");
    }
    let file = toolkit::input("node-version-file");
    if !version.is_empty() {
        if !file.is_empty() {
            toolkit::warning(
                "Both node-version and node-version-file inputs are specified, only node-version will be used",
            );
        }
        return Ok(version);
    }
    if file.is_empty() { Ok(version) } else { version_file::read(&file, action) }
}

fn provide(asked: &str, processor: &str, action: u32) -> Result<Tool, StandInError> {
    let cache = ToolCache::of_the_job()?;
    let own = architecture();
    let wanted = match processor {
        "" => own,
        "arm" => "armv7l",
        other => other,
    };
    let request = Request::read(asked, action)?;
    request.say();
    if toolkit::loose_boolean_input("check-latest") {
        toolkit::info("Attempt to resolve the latest version from manifest...");
        substitute::say_latest_is_not_asked("Node.js", asked, &request.spec);
    }
    if let Some(tool) = request.find_in(&cache, wanted) {
        toolkit::info(&format!("Found in cache @ {}", tool.folder.display()));
        return Ok(tool);
    }
    if wanted != own {
        substitute::say_architecture("Node.js", wanted, own);
    }
    let Some(range) = &request.range else { return Err(not_found(asked, wanted)) };
    let installed = machine::all().into_iter().map(|it| (it.version.clone(), it)).collect();
    let all = substitute::available(&cache, (NAME, PROGRAM), installed);
    let choice = substitute::choose(range, Line::Major, all).ok_or_else(|| not_found(asked, wanted))?;
    let used = choice.version.to_string();
    if request.is_newest {
        substitute::say_newest_is_not_known("Node.js", asked, &used);
    } else if !choice.is_asked_for {
        substitute::say("Node.js", &request.name(asked), &used, Line::Major);
    }
    choice.what.take(|node| machine::make(&cache, &node))
}

fn not_found(asked: &str, processor: &str) -> StandInError {
    StandInError::action(format!(
        "Unable to find Node version '{asked}' for platform linux and architecture {processor}. {}",
        machine::INSTALL
    ))
}

/// The group `Environment details`, and the output `node-version`.
fn tell_versions(path: &SearchPath) -> Result<(), StandInError> {
    toolkit::start_group("Environment details");
    // npm and yarn take their time to start.
    let told: Vec<(&str, String)> = std::thread::scope(|scope| {
        let asking = ["node", "npm", "yarn"].map(|tool| (tool, scope.spawn(move || version_of(tool, path))));
        asking.into_iter().map(|(tool, it)| (tool, it.join().unwrap_or_default())).collect()
    });
    for (tool, version) in told {
        if tool == "node" {
            toolkit::set_output("node-version", &version)?;
        }
        toolkit::info(&format!("{tool}: {version}"));
    }
    toolkit::end_group();
    Ok(())
}

fn version_of(tool: &str, path: &SearchPath) -> String {
    let Some(found) = path.find(tool) else { return String::new() };
    match program::output(path.command(&found).arg("--version"), None, machine::INSTALL) {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        Ok(output) => {
            toolkit::info(&format!("[warning]{}", String::from_utf8_lossy(&output.stderr)));
            String::new()
        }
        Err(_) => String::new(),
    }
}

fn restore_dependencies(action: u32, path: &SearchPath) -> Result<(), StandInError> {
    let asked = toolkit::input("cache");
    let automatic = toolkit::input("package-manager-cache");
    let is_automatic = action >= 5 && (automatic.is_empty() || automatic.eq_ignore_ascii_case("true"));
    let named = if is_automatic && asked.is_empty() { dependencies::named_in_package(action) } else { None };
    // From v6 on the service is looked for in any case.
    if (action >= 6 || !asked.is_empty())
        && !dependency_cache::is_available("setup-node", !asked.is_empty() || named.is_some())
    {
        return Ok(());
    }
    match (asked.as_str(), named) {
        ("", None) => Ok(()),
        ("", Some(manager)) => {
            if action >= 6 {
                toolkit::info(
                    "Detected npm as the package manager from package.json's packageManager field. Auto caching has been \
                     enabled for npm. If you want to disable it, set package-manager-cache input to false",
                );
            }
            dependencies::restore(manager, action, path)
        }
        (manager, _) => dependencies::restore(manager, action, path),
    }
}

/// What the TypeScript compiler and `eslint` print becomes annotations from here on.
///
/// Source: the output of `tsc`, and of `eslint`'s formatters `stylish` and `compact`; up to v3 of the action a file's name has
/// no space before it, and a severity a capital letter.
fn add_problem_matchers(action: u32) -> Result<(), StandInError> {
    let (indent, severities) = match action {
        ..=3 => ("", "Error|Warning|Info"),
        _ => (r"\s*", "[Ee]rror|[Ww]arning|[Ii]nfo"),
    };
    let tsc = json!([{
        "regexp": r"^(\S.*)[(:](\d+)[,:](\d+)(?:\):\s+|\s+-\s+)(error|warning|info)\s+TS(\d+)\s*:\s*(.*)$",
        "file": 1, "line": 2, "column": 3, "severity": 4, "code": 5, "message": 6
    }]);
    let stylish = json!([
        { "regexp": format!(r"^{indent}(\S.*)$"), "file": 1 },
        {
            "regexp": r"^\s+(\d+):(\d+)\s+(error|warning|info)\s+(.*)\s\s+(.*)$",
            "line": 1, "column": 2, "severity": 3, "message": 4, "code": 5, "loop": true
        }
    ]);
    let compact = json!([{
        "regexp": format!(r"^(.+):\sline\s(\d+),\scol\s(\d+),\s({severities})\s-\s(.+)\s\((.+)\)$"),
        "file": 1, "line": 2, "column": 3, "severity": 4, "message": 5, "code": 6
    }]);
    problem_matchers::add("setup_node", "tsc", &tsc)?;
    problem_matchers::add("setup_node", "eslint-stylish", &stylish)?;
    problem_matchers::add("setup_node", "eslint-compact", &compact)
}
