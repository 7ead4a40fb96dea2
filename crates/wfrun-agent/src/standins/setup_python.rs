//! Stand-in for `actions/setup-python`: a Python in the tool cache, first on `PATH`, into which `pip install` works.
//!
//! It downloads nothing. What the tool cache does not hold is made from a Python of this machine; where none satisfies
//! the version asked for, the nearest is used, and this is said and declared.

mod environment;
mod interpreters;
mod semver;
mod version_file;

use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::StandInError;
use super::toolkit::{self, Annotation, How};
use super::{Invocation, Phase, program};
use environment::Tool;
use interpreters::Choice;
use semver::Range;

const ACTION: &str = "actions/setup-python";

/// Tells whether a version of a tool is in a range that a set-up action takes, such as `3.12`, `20.x` or `>=18`; none where
/// the text is no range, such as `lts/*`.
///
/// Source: the set-up actions go by the rules of npm's semantic versioning.
pub fn version_in_range(range: &str, version: &str) -> Option<bool> {
    let range = Range::parse(range, false)?;
    Some(semver::PythonVersion::parse(version).is_some_and(|it| range.contains(&it)))
}

/// Runs the action.
///
/// Source: GitHub: execution rules E9.10, and "Advanced usage" of `actions/setup-python`.
pub(super) fn run(invocation: &Invocation) -> Result<(), StandInError> {
    match invocation.phase {
        Phase::Main => set_up(invocation),
        // The real post step saves the cache that `cache:` asks for; that is declared as not run in the main step.
        Phase::Post => Ok(()),
    }
}

fn set_up(invocation: &Invocation) -> Result<(), StandInError> {
    let versions = asked_versions(invocation)?;
    if versions.is_empty() {
        toolkit::warning(
            "The `python-version` input is not set.  The version of Python currently in `PATH` will be used.",
        );
        return add_problem_matcher();
    }
    let update_environment = toolkit::boolean_input("update-environment", true)?;
    let prereleases = toolkit::boolean_input("allow-prereleases", false)?;
    check_architecture();
    let cache = tool_cache()?;
    toolkit::start_group("Installed versions");
    let mut last = None;
    for version in &versions {
        let tool = provide(&cache, version, prereleases)?;
        if update_environment {
            export(&tool.folder)?;
        }
        toolkit::set_output("python-version", &tool.version)?;
        if invocation.version.major >= 4 {
            toolkit::set_output("python-path", &tool.python().to_string_lossy())?;
        }
        toolkit::info(&format!("Successfully set up CPython ({})", tool.version));
        last = Some(tool);
    }
    toolkit::end_group();
    let dependency_cache = toolkit::input("cache");
    if !dependency_cache.is_empty() {
        let detail = "nothing is restored or saved; use actions/cache in a step of its own";
        toolkit::info(&format!("cache: {dependency_cache}: {detail}"));
        toolkit::declare(How::NotRun, &format!("setup-python cache: {dependency_cache}"), detail);
    }
    if let Some(tool) = last {
        install_packages(&tool)?;
    }
    add_problem_matcher()
}

fn asked_versions(invocation: &Invocation) -> Result<Vec<String>, StandInError> {
    let versions = toolkit::input_lines("python-version");
    let file = toolkit::input("python-version-file");
    if !versions.is_empty() {
        if !file.is_empty() {
            toolkit::warning(
                "Both python-version and python-version-file inputs are specified, only python-version will be used.",
            );
        }
        return Ok(versions);
    }
    if !file.is_empty() {
        return version_file::read(&file);
    }
    if invocation.version.major < 4 {
        return Ok(Vec::new());
    }
    toolkit::info(
        "[warning]Neither 'python-version' nor 'python-version-file' inputs were supplied. \
         Attempting to find '.python-version' file.",
    );
    if Path::new(".python-version").exists() {
        return version_file::read(".python-version");
    }
    toolkit::info("[warning].python-version doesn't exist.");
    Ok(Vec::new())
}

fn check_architecture() {
    let (asked, own) = (toolkit::input("architecture"), environment::architecture());
    if !asked.is_empty() && asked != own {
        toolkit::warning(&format!("architecture `{asked}` is not this machine's: Python for {own} is used"));
        toolkit::declare(How::StandIn, &format!("python for {asked}"), &format!("{own} used: this machine's"));
    }
}

fn tool_cache() -> Result<PathBuf, StandInError> {
    let agent = toolkit::variable("AGENT_TOOLSDIRECTORY");
    if agent.trim().is_empty() { toolkit::path_variable("RUNNER_TOOL_CACHE") } else { Ok(PathBuf::from(agent.trim())) }
}

fn provide(cache: &Path, asked: &str, prereleases: bool) -> Result<Tool, StandInError> {
    let lower = asked.to_ascii_lowercase();
    if lower.starts_with("pypy") || lower.starts_with("graalpy") {
        return Err(StandInError::NotSupported {
            action: ACTION,
            what: format!("`python-version: {asked}`"),
            way_out: "use a version of CPython, such as '3.12'".to_owned(),
        });
    }
    let range = Range::parse(asked, prereleases).ok_or_else(|| {
        StandInError::action(format!("`{asked}` is not a version or a range of versions, such as '3.12' or '>=3.9'"))
    })?;
    if let Some(tool) = environment::find(cache, &range) {
        return Ok(tool);
    }
    match interpreters::choose(&range) {
        Choice::Satisfies(interpreter) => environment::make(cache, &interpreter),
        Choice::Nearest(interpreter) => {
            say_nearest(asked, &interpreter.version.to_string());
            let exact = Range::parse(&interpreter.version.to_string(), true);
            match exact.and_then(|range| environment::find(cache, &range)) {
                Some(tool) => Ok(tool),
                None => environment::make(cache, &interpreter),
            }
        }
        Choice::Nothing => Err(StandInError::action(format!(
            "The version '{asked}' with architecture '{}' was not found on this machine, nor one of the same major \
             version; {}",
            environment::architecture(),
            environment::INSTALL
        ))),
    }
}

fn say_nearest(asked: &str, used: &str) {
    let message = format!(
        "Python {asked} is not on this machine: {used} is used instead, the nearest there is (the same minor version, \
         else the smallest distance, the newer of two). GitHub would use {asked}. Install Python {asked} to run it for real."
    );
    toolkit::warning_at(&message, &Annotation { title: Some("Another version of Python"), ..Annotation::default() });
    toolkit::declare(How::StandIn, &format!("python {asked}"), &format!("{used} used: nearest on this machine"));
}

/// Source: `actions/setup-python`: these variables and folders, in this order.
fn export(folder: &Path) -> Result<(), StandInError> {
    let location = folder.to_string_lossy();
    toolkit::export_variable("pythonLocation", &location)?;
    toolkit::export_variable("PKG_CONFIG_PATH", &format!("{location}/lib/pkgconfig"))?;
    for name in ["Python_ROOT_DIR", "Python2_ROOT_DIR", "Python3_ROOT_DIR"] {
        toolkit::export_variable(name, &location)?;
    }
    let library = format!("{location}/lib");
    let present = toolkit::variable("LD_LIBRARY_PATH");
    if !present.split(':').any(|entry| entry == library) {
        let value = if present.is_empty() { library } else { format!("{library}:{present}") };
        toolkit::export_variable("LD_LIBRARY_PATH", &value)?;
    }
    toolkit::add_path(folder)?;
    toolkit::add_path(&folder.join("bin"))
}

/// `pip-version` and `pip-install`, inputs from v6 on.
fn install_packages(tool: &Tool) -> Result<(), StandInError> {
    let (pip, packages) = (toolkit::input("pip-version"), toolkit::input("pip-install"));
    if !pip.is_empty() {
        let text = pip_install(
            tool,
            &["--upgrade", "--disable-pip-version-check", "--no-warn-script-location", &format!("pip=={pip}")],
        )?;
        toolkit::info(text.trim_end());
    }
    if !packages.is_empty() {
        let words: Vec<&str> = packages.split_whitespace().collect();
        let text = pip_install(tool, &words)?;
        toolkit::info(text.trim_end());
    }
    Ok(())
}

fn pip_install(tool: &Tool, arguments: &[&str]) -> Result<String, StandInError> {
    let mut command = Command::new(tool.python());
    program::stdout(command.args(["-m", "pip", "install"]).args(arguments), None, environment::INSTALL)
}

/// Tracebacks become annotations from here on.
fn add_problem_matcher() -> Result<(), StandInError> {
    let file = toolkit::path_variable("RUNNER_TEMP")?.join("_setup_python_problem_matcher.json");
    let matcher = serde_json::json!({ "problemMatcher": [{ "owner": "python", "pattern": [
        { "regexp": r#"^\s*File\s\"(.*)\",\sline\s(\d+),\sin\s(.*)$"#, "file": 1, "line": 2 },
        { "regexp": r"^\s*raise\s(.*)\(\'(.*)\'\)$", "message": 2 }
    ] }] });
    std::fs::write(&file, matcher.to_string()).map_err(StandInError::file("write", &file))?;
    toolkit::info(&format!("##[add-matcher]{}", file.display()));
    Ok(())
}
