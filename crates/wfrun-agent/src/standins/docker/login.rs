//! Stand-in for `docker/login-action`: `docker login`, and `docker logout` after the job.
//!
//! Differs: a registry `ACCOUNT.dkr.ecr.REGION.amazonaws.com` is the emulated account's on this machine for `docker/login-action` and `docker/build-push-action`, where the job has one.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{docker, ecr, is_true, settings_folder, shown, silent};
use crate::standins::error::StandInError;
use crate::standins::toolkit::{self, How};
use crate::standins::{Invocation, Phase, Version};

/// The registry where none is named.
const DOCKER_HUB: &str = "docker.io";

/// What came with which release of the action.
///
/// Source: `docker/login-action`, `src/`, each release.
#[derive(Debug, Clone, Copy)]
struct Release(Version);

impl Release {
    fn is_at_least(self, (minor, patch): (u32, u32)) -> bool {
        self.0.major > 3 || (self.0.major == 3 && self.0.is_at_least(minor, patch, (7, 0)))
    }

    /// Passwords of Amazon's registries are masked.
    fn masks(self) -> bool {
        self.0.major > 2 || (self.0.major == 2 && self.0.is_at_least(1, 0, (2, 0)))
    }

    /// A user and a password are missed one by one.
    fn tells_what_is_missing(self) -> bool {
        self.is_at_least((2, 0))
    }

    fn knows_newer_names_of_amazon(self) -> bool {
        self.is_at_least((5, 0))
    }

    /// `registry-auth`, and `docker.io` where no registry is named.
    fn has_lists(self) -> bool {
        self.is_at_least((6, 0))
    }

    fn has_scopes(self) -> bool {
        self.is_at_least((7, 0))
    }
}

/// One login asked for.
#[derive(Debug, Default)]
struct Auth {
    registry: String,
    user: String,
    password: String,
    scope: String,
    ecr: String,
}

/// What the post step logs out of.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    registry: String,
    #[serde(rename = "configDir")]
    folder: String,
}

/// Runs the action.
///
/// Source: `docker/login-action`, `src/main.ts` and `src/docker.ts`, each major version.
pub(in crate::standins) fn run(invocation: &Invocation) -> Result<(), StandInError> {
    let release = Release(invocation.version);
    match invocation.phase {
        Phase::Main => log_in(release),
        Phase::Post => log_out(release),
    }
}

fn log_in(release: Release) -> Result<(), StandInError> {
    let is_logout = toolkit::strict_boolean_input("logout")?;
    let auths = auths(release)?;
    toolkit::save_state("logout", if is_logout { "true" } else { "false" })?;
    if release.has_lists() {
        let mut kept: Vec<Kept> = Vec::new();
        for auth in &auths {
            let one = Kept {
                registry: auth.registry.clone(),
                folder: scope_folder(&auth.registry, &auth.scope).display().to_string(),
            };
            if !kept.contains(&one) {
                kept.push(one);
            }
        }
        toolkit::save_state("registries", &serde_json::to_string(&kept).unwrap_or_default())?;
    } else {
        toolkit::save_state("registry", &auths.first().map(|it| it.registry.clone()).unwrap_or_default())?;
    }
    if let [auth] = auths.as_slice() {
        return log_in_to(auth, release);
    }
    for auth in &auths {
        toolkit::start_group(&format!("Login to {}", auth.registry));
        log_in_to(auth, release)?;
        toolkit::end_group();
    }
    Ok(())
}

fn auths(release: Release) -> Result<Vec<Auth>, StandInError> {
    let mut auth = Auth {
        registry: toolkit::input("registry"),
        user: toolkit::input("username"),
        password: toolkit::input("password"),
        scope: if release.has_scopes() { toolkit::input("scope") } else { String::new() },
        ecr: toolkit::input("ecr"),
    };
    let list = if release.has_lists() { toolkit::input("registry-auth") } else { String::new() };
    if list.is_empty() {
        if release.has_lists() {
            complete(&mut auth);
        }
        return Ok(vec![auth]);
    }
    if [&auth.registry, &auth.user, &auth.password, &auth.scope, &auth.ecr].iter().any(|it| !it.is_empty()) {
        return Err(StandInError::action("Cannot use registry-auth with other inputs"));
    }
    read_list(&list)
}

fn complete(auth: &mut Auth) {
    if auth.registry.is_empty() {
        DOCKER_HUB.clone_into(&mut auth.registry);
    }
    if auth.ecr.is_empty() {
        "auto".clone_into(&mut auth.ecr);
    }
}

fn read_list(text: &str) -> Result<Vec<Auth>, StandInError> {
    let wrong = |why: &str| StandInError::action(format!("registry-auth is not a list of YAML objects: {why}"));
    let entries: Vec<serde_yaml::Mapping> = serde_yaml::from_str(text).map_err(|error| wrong(&error.to_string()))?;
    let mut auths = Vec::new();
    for entry in entries {
        let field = |name: &str| match entry.get(name) {
            Some(serde_yaml::Value::String(text)) => text.clone(),
            Some(serde_yaml::Value::Number(number)) => number.to_string(),
            Some(serde_yaml::Value::Bool(value)) => value.to_string(),
            _ => String::new(),
        };
        let mut auth = Auth {
            registry: field("registry"),
            user: field("username"),
            password: field("password"),
            scope: field("scope"),
            ecr: field("ecr"),
        };
        toolkit::mask(&auth.password);
        complete(&mut auth);
        auths.push(auth);
    }
    if auths.is_empty() {
        return Err(StandInError::action("No registry to login"));
    }
    Ok(auths)
}

fn log_in_to(auth: &Auth, release: Release) -> Result<(), StandInError> {
    let wide = release.knows_newer_names_of_amazon();
    let asks_account =
        auth.ecr.to_ascii_lowercase().contains("true") || (auth.ecr == "auto" && ecr::is_ecr(&auth.registry, wide));
    if asks_account {
        toolkit::info("Retrieving registries data through AWS SDK...");
        let logins = ecr::logins(&auth.registry, &auth.user, &auth.password, wide, release.masks())?;
        for login in &logins {
            exec(&login.registry, &login.registry, &login.user, &login.password, &auth.scope)?;
        }
        return Ok(());
    }
    let missing = match (auth.user.is_empty(), auth.password.is_empty()) {
        (false, false) => None,
        (true, false) if release.tells_what_is_missing() => Some("Username required"),
        (false, true) if release.tells_what_is_missing() => Some("Password required"),
        _ => Some("Username and password required"),
    };
    if let Some(missing) = missing {
        return Err(StandInError::action(missing));
    }
    let address = ecr::emulated(&auth.registry);
    if let Some(address) = &address {
        let detail = format!("the login is to the registry of the emulated account, {address}");
        toolkit::declare(How::StandIn, &auth.registry, &detail);
    }
    exec(&auth.registry, address.as_deref().unwrap_or(&auth.registry), &auth.user, &auth.password, &auth.scope)
}

/// The password goes through a pipe: arguments of a process can be read by others.
fn exec(registry: &str, address: &str, user: &str, password: &str, scope: &str) -> Result<(), StandInError> {
    let mut command = docker(["login", "--password-stdin", "--username", user]);
    // Without a name it is Docker Hub.
    command.args(Some(address).filter(|it| !it.is_empty()));
    let folder = scope_folder(registry, scope);
    if folder.as_os_str().is_empty() {
        let shown = if registry.is_empty() { "Docker Hub" } else { registry };
        toolkit::info(&format!("Logging into {shown}..."));
    } else {
        toolkit::info(&format!("Logging into {registry} (scope {scope})..."));
        std::fs::create_dir_all(&folder).map_err(StandInError::file("create", &folder))?;
        command.env("DOCKER_CONFIG", &folder);
    }
    let ended = silent(&mut command, Some(password.as_bytes()))?;
    if ended.status.success() {
        toolkit::info("Login Succeeded!");
        return Ok(());
    }
    // The real action takes a failure that says nothing for a success.
    let told = ended.stderr.trim();
    Err(StandInError::action(if told.is_empty() { ended.last_line() } else { told.to_owned() }))
}

/// The settings that hold the login of a scope; empty where the login has none.
///
/// Source: `docker/login-action`, `src/context.ts`, `scopeToConfigDir`.
fn scope_folder(registry: &str, scope: &str) -> PathBuf {
    if scope.is_empty() || is_true(&toolkit::variable("DOCKER_LOGIN_SCOPE_DISABLED")) {
        return PathBuf::new();
    }
    let host = if registry == DOCKER_HUB { "registry-1.docker.io" } else { registry };
    if scope.starts_with('@') {
        scopes_folder().join(format!("{host}{scope}"))
    } else {
        scopes_folder().join(host).join(scope)
    }
}

/// Where logins of a scope are: of buildx's settings.
pub(super) fn scopes_folder() -> PathBuf {
    let own = toolkit::variable("BUILDX_CONFIG");
    let folder = if own.is_empty() { settings_folder().join("buildx") } else { PathBuf::from(own) };
    folder.join("config")
}

fn log_out(release: Release) -> Result<(), StandInError> {
    if !toolkit::state("logout").to_ascii_lowercase().contains("true") {
        return Ok(());
    }
    let kept = if release.has_lists() {
        serde_json::from_str(&toolkit::state("registries")).unwrap_or_default()
    } else {
        vec![Kept { registry: toolkit::state("registry"), folder: String::new() }]
    };
    for Kept { registry, folder } in kept {
        if release.has_scopes() {
            toolkit::start_group(&format!("Logout from {registry}"));
        }
        let mut command = docker(["logout"]);
        let address = ecr::emulated(&registry).unwrap_or_else(|| registry.clone());
        command.args(Some(address).filter(|it| !it.is_empty()));
        if !folder.is_empty() {
            toolkit::info(&format!("Alternative config dir: {folder}"));
            command.env("DOCKER_CONFIG", &folder);
        }
        let ended = shown(&mut command)?;
        if !ended.status.success() && !ended.stderr.is_empty() {
            toolkit::warning(ended.stderr.trim());
        }
        if release.has_scopes() {
            toolkit::end_group();
        }
    }
    Ok(())
}
