//! The `.npmrc` that `registry-url` asks for.

use std::path::PathBuf;

use crate::standins::error::StandInError;
use crate::standins::toolkit;

/// Writes the registry into `.npmrc` among the job's temporary files, and has npm read it from there.
///
/// Source: `actions/setup-node`, `src/authutil.ts`.
pub(super) fn write(url: &str, action: u32) -> Result<(), StandInError> {
    let folder = match toolkit::variable("RUNNER_TEMP") {
        folder if folder.is_empty() => std::env::current_dir().unwrap_or_default(),
        folder => PathBuf::from(folder),
    };
    let file = folder.join(".npmrc");
    let present = std::fs::read_to_string(&file).ok();
    let owner = toolkit::variable("GITHUB_REPOSITORY");
    let owner = owner.split('/').next().unwrap_or_default();
    let auth = (action < 6).then(|| toolkit::input("always-auth"));
    let text = npmrc(present.as_deref(), url, &scope_of(url, &toolkit::input("scope"), owner), auth.as_deref(), action);
    std::fs::write(&file, text).map_err(StandInError::file("write", &file))?;
    toolkit::export_variable("NPM_CONFIG_USERCONFIG", &file.to_string_lossy())?;
    let token = std::env::var_os("NODE_AUTH_TOKEN").map(|it| it.to_string_lossy().into_owned());
    match token {
        Some(token) if action >= 7 || !token.is_empty() => toolkit::export_variable("NODE_AUTH_TOKEN", &token),
        // Up to v6 npm shall find one in any case.
        Some(_) | None if action < 7 => toolkit::export_variable("NODE_AUTH_TOKEN", "XXXXX-XXXXX-XXXXX-XXXXX"),
        Some(_) | None => Ok(()),
    }
}

/// `@octo:`, or empty. GitHub's own registry has the scope of the repository's owner, if none is given.
fn scope_of(url: &str, given: &str, owner: &str) -> String {
    let scope = if given.is_empty() && url.contains("npm.pkg.github.com") { owner } else { given };
    match scope {
        "" => String::new(),
        scope if scope.starts_with('@') => format!("{}:", scope.to_lowercase()),
        scope => format!("@{}:", scope.to_lowercase()),
    }
}

fn npmrc(present: Option<&str>, url: &str, scope: &str, always_auth: Option<&str>, action: u32) -> String {
    let url = if url.ends_with('/') { url.to_owned() } else { format!("{url}/") };
    // Up to v2 a registry without a scope goes, whatever the new one's scope is.
    let replaced = if action == 2 { "registry".to_owned() } else { format!("{scope}registry") };
    let mut text = String::new();
    for line in present.map(|it| it.split('\n')).into_iter().flatten() {
        if !line.to_lowercase().starts_with(&replaced) {
            text.push_str(line);
            text.push('\n');
        }
    }
    let word = url.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(0);
    let address = if word > 0 && url[word..].starts_with(':') { &url[word + 1..] } else { &url };
    let always = always_auth.map(|it| format!("\nalways-auth={it}")).unwrap_or_default();
    format!("{text}{address}:_authToken=${{NODE_AUTH_TOKEN}}\n{scope}registry={url}{always}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_npmrc() {
        let token = "_authToken=${NODE_AUTH_TOKEN}";
        let cases = [
            (
                4,
                None,
                "https://npm.octo.io",
                "",
                format!("//npm.octo.io/:{token}\nregistry=https://npm.octo.io/\nalways-auth=false"),
            ),
            (
                6,
                None,
                "https://npm.octo.io/a/",
                "",
                format!("//npm.octo.io/a/:{token}\nregistry=https://npm.octo.io/a/"),
            ),
            (
                6,
                Some("registry=https://old/\n@b:registry=https://b/\nkeep=1\n"),
                "https://npm.octo.io/",
                "",
                format!("@b:registry=https://b/\nkeep=1\n\n//npm.octo.io/:{token}\nregistry=https://npm.octo.io/"),
            ),
            (
                6,
                Some("registry=https://old/\n@B:registry=https://b/"),
                "https://npm.octo.io/",
                "@b:",
                format!("registry=https://old/\n//npm.octo.io/:{token}\n@b:registry=https://npm.octo.io/"),
            ),
            (
                2,
                Some("registry=https://old/\n@b:registry=https://b/"),
                "https://npm.octo.io/",
                "@b:",
                format!(
                    "@b:registry=https://b/\n//npm.octo.io/:{token}\n@b:registry=https://npm.octo.io/\nalways-auth=false"
                ),
            ),
        ];
        for (action, present, url, scope, expected) in cases {
            let auth = (action < 6).then_some("false");
            assert_eq!(npmrc(present, url, scope, auth, action), expected, "v{action} {present:?}");
        }
    }

    #[test]
    fn knows_scopes() {
        for (url, given, expected) in [
            ("https://npm.octo.io", "", ""),
            ("https://npm.octo.io", "Octo", "@octo:"),
            ("https://npm.octo.io", "@octo", "@octo:"),
            ("https://npm.pkg.github.com", "", "@owner:"),
            ("https://npm.pkg.github.com", "other", "@other:"),
        ] {
            assert_eq!(scope_of(url, given, "Owner"), expected, "{url} {given}");
        }
    }
}
