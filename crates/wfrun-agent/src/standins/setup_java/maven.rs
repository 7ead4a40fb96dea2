//! Maven's files: `settings.xml`, `toolchains.xml`, and `MAVEN_ARGS`.
//!
//! Source: `actions/setup-java`, `src/auth.ts`, `src/toolchains.ts`, `src/maven-args.ts`.

use std::fs;
use std::path::{Path, PathBuf};

use super::{ACTION, is_true};
use crate::standins::error::{REAL_ACTION, StandInError};
use crate::standins::toolkit;
use crate::standins::xml::{Content, Element, Reading};

/// What an XML file begins with.
const DECLARATION: &str = "<?xml version=\"1.0\"?>";

/// Where Maven's files are: the folder that `settings-path` names, or `~/.m2`.
fn folder() -> Result<PathBuf, StandInError> {
    let given = toolkit::input("settings-path");
    let folder =
        if given.is_empty() { PathBuf::from(toolkit::variable("HOME")).join(".m2") } else { PathBuf::from(given) };
    fs::create_dir_all(&folder).map_err(StandInError::file("create", &folder))?;
    Ok(folder)
}

/// Writes `settings.xml` with the server's name and the variables that hold user and password.
pub(super) fn write_settings(action: u32, is_signing: bool) -> Result<(), StandInError> {
    let id = toolkit::input("server-id");
    toolkit::info(&format!("Creating settings.xml with server-id: {id}"));
    let given = toolkit::input("gpg-passphrase");
    let passphrase = if given.is_empty() && is_signing { "GPG_PASSPHRASE".to_owned() } else { given };
    let text =
        settings(&id, &toolkit::input("server-username"), &toolkit::input("server-password"), &passphrase, action);
    let file = folder()?.join("settings.xml");
    match (file.exists(), is_true("overwrite-settings")) {
        (true, true) => toolkit::info(&format!("Overwriting existing file {}", file.display())),
        (false, _) => toolkit::info(&format!("Writing to {}", file.display())),
        (true, false) => {
            toolkit::info(&format!(
                "Skipping generation {} because file already exists and overwriting is not required",
                file.display()
            ));
            return Ok(());
        }
    }
    fs::write(&file, text).map_err(StandInError::file("write", &file))
}

fn settings(id: &str, user: &str, password: &str, passphrase: &str, action: u32) -> String {
    let variable = |name: &str, value: &str| Element::text(name, &format!("${{env.{value}}}"));
    let server = vec![Element::text("id", id), variable("username", user), variable("password", password)];
    let mut servers = vec![Element::of("server", server)];
    if !passphrase.is_empty() {
        let signing = vec![Element::text("id", "gpg.passphrase"), variable("passphrase", passphrase)];
        servers.push(Element::of("server", signing));
    }
    let mut parts = vec![Element::of("servers", servers)];
    if action >= 5 {
        parts.insert(0, Element::text("interactiveMode", "false"));
    }
    let mut root = Element::of("settings", parts);
    root.attributes = attributes("SETTINGS/1.0.0", "settings-1.0.0");
    root.print(Some(80))
}

fn attributes(namespace: &str, schema: &str) -> Vec<(String, String)> {
    let namespace = format!("http://maven.apache.org/{namespace}");
    let location = format!("{namespace} https://maven.apache.org/xsd/{schema}.xsd");
    let all = [
        ("xmlns", namespace),
        ("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance".to_owned()),
        ("xsi:schemaLocation", location),
    ];
    all.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

/// Adds a JDK to `toolchains.xml`.
pub(super) fn add_toolchain(
    version: &str,
    distribution: &str,
    home: &Path,
    id: Option<&String>,
    action: u32,
) -> Result<(), StandInError> {
    let vendor = Some(toolkit::input("mvn-toolchain-vendor")).filter(|it| !it.is_empty());
    let vendor = vendor.unwrap_or_else(|| distribution.to_owned());
    let id = id.cloned().unwrap_or_else(|| format!("{vendor}_{version}"));
    toolkit::info(&format!("Creating toolchains.xml for JDK version {version} from {vendor}"));
    let file = folder()?.join("toolchains.xml");
    let present = fs::read_to_string(&file).ok().filter(|it| !it.is_empty());
    let provides =
        [("version", version), ("vendor", &vendor), ("id", &id)].map(|(name, text)| Element::text(name, text));
    let configuration = vec![Element::text("jdkHome", &home.to_string_lossy())];
    let added = Element::of(
        "toolchain",
        vec![
            Element::text("type", "jdk"),
            Element::of("provides", provides.to_vec()),
            Element::of("configuration", configuration),
        ],
    );
    let text = match present {
        None => toolchains(None, DECLARATION, added, action),
        Some(text) => {
            let root = Element::parse(&text, Reading::Whole).ok_or_else(|| StandInError::NotSupported {
                action: ACTION,
                what: format!("`{}` with comments or other text between its elements", file.display()),
                way_out: format!("remove them, {REAL_ACTION}"),
            })?;
            let declaration = text.trim_start().strip_prefix("<?xml").and_then(|it| it.split_once("?>"));
            let declaration = declaration.map(|(inside, _)| format!("<?xml{inside}?>")).filter(|_| action < 5);
            toolchains(Some(root), declaration.as_deref().unwrap_or(DECLARATION), added, action)
        }
    };
    let overwrites = is_true("overwrite-settings");
    match (file.exists(), action) {
        (true, 5..) => toolkit::info(&format!("Updating existing file {}", file.display())),
        (true, _) if overwrites => toolkit::info(&format!("Overwriting existing file {}", file.display())),
        (true, _) => {
            toolkit::info(&format!(
                "Skipping generation of {} because file already exists and overwriting is not enabled",
                file.display()
            ));
            return Ok(());
        }
        (false, _) => toolkit::info(&format!("Writing to {}", file.display())),
    }
    fs::write(&file, text).map_err(StandInError::file("write", &file))
}

/// The file with one JDK more. Up to v4 it comes last, also where it is there already; from v5 on it comes first, and takes
/// the place of one with the same id.
fn toolchains(present: Option<Element>, declaration: &str, added: Element, action: u32) -> String {
    let attributes = attributes("TOOLCHAINS/1.1.0", "toolchains-1.1.0");
    let mut root = present.unwrap_or_else(|| {
        let mut root = Element::of("toolchains", Vec::new());
        root.attributes.clone_from(&attributes);
        root
    });
    let mut all = root.children().to_vec();
    if action >= 5 {
        let key = |it: &Element| {
            let provides = it.children().iter().find(|it| it.name == "provides");
            (it.text_of("type").to_owned(), provides.map(|it| it.text_of("id").to_owned()).unwrap_or_default())
        };
        let own = key(&added);
        all.retain(|it| key(it) != own);
        all.insert(0, added);
        for (name, value) in attributes {
            if !root.attributes.iter().any(|(it, _)| *it == name) {
                root.attributes.push((name, value));
            }
        }
    } else {
        all.push(added);
    }
    root.content = Content::Elements(all);
    format!("{declaration}\n{}", root.print(Some(80)))
}

/// Has Maven leave out what it prints while it downloads, unless `show-download-progress` wants it.
pub(super) fn quieten() -> Result<(), StandInError> {
    let present = toolkit::variable("MAVEN_ARGS");
    let present = present.trim();
    let is_quiet = present.split_whitespace().any(|it| matches!(it, "-ntp" | "--no-transfer-progress"));
    if toolkit::loose_boolean_input("show-download-progress") || is_quiet {
        return Ok(());
    }
    let value = if present.is_empty() { "-ntp".to_owned() } else { format!("{present} -ntp") };
    toolkit::export_variable("MAVEN_ARGS", &value)?;
    toolkit::info(
        "Configured MAVEN_ARGS to include -ntp to suppress Maven transfer progress logs. Set 'show-download-progress: true' \
         to keep the download progress output.",
    );
    Ok(())
}
