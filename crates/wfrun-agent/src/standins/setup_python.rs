//! Stand-in for `actions/setup-python`: a Python in the tool cache, first on `PATH`, into which `pip install` works.
//!
//! It downloads nothing. What the tool cache does not hold is made from a Python of this machine; where none satisfies
//! the version asked for, the nearest is used, and this is said and declared.

mod dependencies;
mod environment;
mod interpreters;
mod request;
mod version_file;

use std::path::Path;

use super::error::{REAL_ACTION, StandInError};
use super::search_path::SearchPath;
use super::substitute::{self, Line};
use super::tool_cache::{Tool, ToolCache, architecture};
use super::{Invocation, Phase, problem_matchers, program, toolkit};
use environment::{NAME, PROGRAM};
use request::Request;

const ACTION: &str = "actions/setup-python";

/// Runs the action.
///
/// Source: GitHub: execution rules E9.10; `actions/setup-python`, `src/setup-python.ts`, each major version.
pub(super) fn run(invocation: &Invocation) -> Result<(), StandInError> {
    match invocation.phase {
        Phase::Main => set_up(invocation.version.major),
        Phase::Post => dependencies::save(),
    }
}

fn set_up(action: u32) -> Result<(), StandInError> {
    let versions = asked_versions(action)?;
    // Read before anything is done, as there: a value that is none fails the step.
    let boolean = |name: &str, from: u32| if action >= from { toolkit::boolean_input(name, false) } else { Ok(false) };
    let check_latest = boolean("check-latest", 4)?;
    let prereleases = boolean("allow-prereleases", 4)?;
    let freethreaded = boolean("freethreaded", 5)?;
    if versions.is_empty() && action >= 4 {
        toolkit::warning(
            "The `python-version` input is not set.  The version of Python currently in `PATH` will be used.",
        );
    }
    if versions.is_empty() {
        return add_problem_matcher();
    }
    let update_environment = action < 4 || toolkit::boolean_input("update-environment", true)?;
    let cache = ToolCache::of_the_agent()?;
    let mut path = SearchPath::of_the_step();
    let mut last = String::new();
    let mut libraries = toolkit::variable("LD_LIBRARY_PATH");
    if action >= 4 {
        toolkit::start_group("Installed versions");
    }
    for version in &versions {
        refuse_others(version)?;
        if version.starts_with('2') {
            say_end_of_2(action);
        }
        let mut request = Request::read(version, action, prereleases)?;
        request.is_freethreaded |= freethreaded;
        let tool = provide(&cache, &request, check_latest)?;
        if update_environment {
            export(&tool.folder, action, &mut path, &mut libraries)?;
        }
        last = if request.is_freethreaded { format!("{}t", tool.version) } else { tool.version.clone() };
        toolkit::set_output("python-version", &last)?;
        if action >= 4 {
            toolkit::set_output("python-path", &tool.folder.join(PROGRAM).to_string_lossy())?;
        }
        if action >= 6 {
            install_pip(&tool, &path)?;
        }
        let verb = if action >= 4 { "set up" } else { "setup" };
        toolkit::info(&format!("Successfully {verb} CPython ({last})"));
    }
    if action >= 4 {
        toolkit::end_group();
    }
    let manager = toolkit::input("cache");
    if !manager.is_empty() && super::dependency_cache::is_available("setup-python", true) {
        dependencies::restore(&manager, &last, action, &path)?;
    }
    if action == 6 {
        install_packages(&path)?;
    }
    add_problem_matcher()
}

fn asked_versions(action: u32) -> Result<Vec<String>, StandInError> {
    if action < 4 {
        return Ok(Some(toolkit::input("python-version")).filter(|it| !it.is_empty()).into_iter().collect());
    }
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
        return version_file::read(&file, action);
    }
    let default = ".python-version";
    toolkit::info(&format!(
        "[warning]Neither 'python-version' nor 'python-version-file' inputs were supplied. Attempting to find '{default}' \
         file."
    ));
    if let Ok(text) = std::fs::read_to_string(default) {
        return Ok(version_file::plain(default, &text, action));
    }
    toolkit::info(&format!("[warning]{default} doesn't exist."));
    Ok(Vec::new())
}

fn refuse_others(asked: &str) -> Result<(), StandInError> {
    if !asked.starts_with("pypy") && !asked.starts_with("graalpy") {
        return Ok(());
    }
    Err(StandInError::NotSupported {
        action: ACTION,
        what: format!("`python-version: {asked}`"),
        way_out: format!("use a version of CPython, such as '3.12', {REAL_ACTION}"),
    })
}

fn say_end_of_2(action: u32) {
    let tense = if action >= 4 { "was removed on June 19, 2023" } else { "will be removed on June 19" };
    toolkit::warning(&format!(
        "The support for python 2.7 {tense}. Related issue: https://github.com/actions/setup-python/issues/672"
    ));
}

fn provide(cache: &ToolCache, request: &Request, check_latest: bool) -> Result<Tool, StandInError> {
    let own = architecture();
    let asked = Some(toolkit::input("architecture")).filter(|it| !it.is_empty()).unwrap_or_else(|| own.to_owned());
    let wanted = if request.is_freethreaded { format!("{asked}-freethreaded") } else { asked.clone() };
    if check_latest {
        substitute::say_latest_is_not_asked("Python", &request.text, &request.spec);
    }
    if let Some(tool) = cache.find(NAME, &request.spec, &wanted, PROGRAM) {
        return Ok(tool);
    }
    if request.is_freethreaded {
        return Err(StandInError::NotSupported {
            action: ACTION,
            what: format!("a free-threaded Python {} that the tool cache does not hold", request.text),
            way_out: format!(
                "put one into {}, leave out `freethreaded`, {REAL_ACTION}",
                cache.folder(NAME, "<version>", &wanted).display()
            ),
        });
    }
    if asked != own {
        substitute::say_architecture("Python", &asked, own);
        if let Some(tool) = cache.find(NAME, &request.spec, own, PROGRAM) {
            return Ok(tool);
        }
    }
    toolkit::info(&format!("Version {} was not found in the local cache", request.spec));
    let all = substitute::available(cache, (NAME, PROGRAM), interpreters::find(&request.range));
    let choice = substitute::choose(&request.range, Line::Minor, all).ok_or_else(|| {
        StandInError::action(format!(
            "The version '{}' with architecture '{asked}' was not found on this machine, nor one of the same major version; \
             {}",
            request.text,
            environment::INSTALL
        ))
    })?;
    if !choice.is_asked_for {
        substitute::say("Python", &request.text, &choice.version.to_string(), Line::Minor);
    }
    choice.what.take(|interpreter| environment::make(cache, &interpreter))
}

/// Source: `actions/setup-python`: these variables and folders, in this order; up to v3 fewer.
fn export(folder: &Path, action: u32, path: &mut SearchPath, libraries: &mut String) -> Result<(), StandInError> {
    let location = folder.to_string_lossy();
    toolkit::export_variable("pythonLocation", &location)?;
    if action >= 4 {
        toolkit::export_variable("PKG_CONFIG_PATH", &format!("{location}/lib/pkgconfig"))?;
        for name in ["Python_ROOT_DIR", "Python2_ROOT_DIR", "Python3_ROOT_DIR"] {
            toolkit::export_variable(name, &location)?;
        }
    }
    let library = format!("{location}/lib");
    if !libraries.split(':').any(|entry| entry == library) {
        *libraries = if libraries.is_empty() { library } else { format!("{library}:{libraries}") };
        toolkit::export_variable("LD_LIBRARY_PATH", libraries)?;
    }
    path.add(folder)?;
    path.add(&folder.join("bin"))
}

/// `pip-version`, an input from v6 on.
fn install_pip(tool: &Tool, path: &SearchPath) -> Result<(), StandInError> {
    let version = toolkit::input("pip-version");
    if version.is_empty() {
        return Ok(());
    }
    let numbers: Vec<&str> = version.split('.').collect();
    if numbers.len() > 3 || !numbers.iter().all(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit())) {
        return Err(StandInError::action(format!(
            "Invalid pip-version \"{version}\". Please specify a version in the format major[.minor][.patch]."
        )));
    }
    toolkit::info(&format!("pip-version input is specified. Installing pip version {version}"));
    let python = tool.folder.join(PROGRAM).to_string_lossy().into_owned();
    let install = ["-m", "pip", "install", "--upgrade"];
    let wanted = format!("pip=={version}");
    let quiet = ["--disable-pip-version-check", "--no-warn-script-location"];
    let words = [&[python.as_str()], &install[..], &[&wanted], &quiet].concat();
    path.exec(&words, None)
}

/// `pip-install`, an input of v6 alone.
fn install_packages(path: &SearchPath) -> Result<(), StandInError> {
    let packages = toolkit::input("pip-install");
    if packages.is_empty() {
        return Ok(());
    }
    toolkit::info(&format!("Installing pip packages: {packages}"));
    let words: Vec<&str> = ["python", "-m", "pip", "install"].into_iter().chain(packages.split_whitespace()).collect();
    path.exec(&words, None).map_err(|_| {
        StandInError::action(format!(
            "Failed to install pip packages from \"{packages}\". Please verify that the package names, versions, or \
             requirements files provided are correct and installable, that the specified packages and versions can be \
             resolved from PyPI or the configured package index, and that your network connection is stable and allows \
             access to the package index."
        ))
    })?;
    toolkit::info("Successfully installed pip packages");
    Ok(())
}

/// Tracebacks become annotations from here on.
fn add_problem_matcher() -> Result<(), StandInError> {
    problem_matchers::add(
        "setup_python",
        "python",
        &serde_json::json!([
            { "regexp": r#"^\s*File\s\"(.*)\",\sline\s(\d+),\sin\s(.*)$"#, "file": 1, "line": 2 },
            { "regexp": r"^\s*raise\s(.*)\(\'(.*)\'\)$", "message": 2 }
        ]),
    )
}
