//! What an environment takes over from this process's own: an allow-list, so that nothing private gets in. What it needs
//! to get out to the network is in [`outbound`](crate::outbound).

use std::env;
use std::path::Path;

const LOCALE: [&str; 3] = ["LANG", "LANGUAGE", "TZ"];
const TOOL_ROOTS: [&str; 5] = ["GOROOT", "JAVA_HOME", "NVM_DIR", "PYENV_ROOT", "RUSTUP_HOME"];

/// Where directories for commands are when there is no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Language, time zone and roots of tools, in the order of their names.
pub(crate) fn variables() -> Vec<(String, String)> {
    select(env::vars_os().filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?))))
}

fn select(all: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    let is_listed = |key: &str| TOOL_ROOTS.contains(&key) || LOCALE.contains(&key) || key.starts_with("LC_");
    let mut variables: Vec<_> = all.filter(|(key, _)| is_listed(key)).collect();
    variables.sort();
    variables
}

/// This process's `PATH`: its absolute directories that exist, each once.
pub(crate) fn path() -> String {
    let path = env::var("PATH").unwrap_or_else(|_| DEFAULT_PATH.to_owned());
    let mut directories: Vec<&str> = Vec::new();
    for directory in path.split(':').filter(|it| it.starts_with('/')) {
        if !directories.contains(&directory) && Path::new(directory).is_dir() {
            directories.push(directory);
        }
    }
    directories.join(":")
}

/// Puts the parts of a base environment together; of two values for one variable the later one holds.
pub(crate) fn base_env(
    inherited: Vec<(String, String)>,
    path: &str,
    home: &str,
    extra: Vec<(String, String)>,
) -> Vec<(String, String)> {
    let fixed = [("PATH".to_owned(), path.to_owned()), ("HOME".to_owned(), home.to_owned())];
    let mut all: Vec<(String, String)> = Vec::new();
    for (key, value) in inherited.into_iter().chain(fixed).chain(extra) {
        match all.iter_mut().find(|(known, _)| *known == key) {
            Some(entry) => entry.1 = value,
            None => all.push((key, value)),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::{base_env, select};

    fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn only_what_is_listed_gets_in() {
        let all = pairs(&[
            ("TZ", "a"),
            ("LC_ALL", "b"),
            ("JAVA_HOME", "c"),
            ("AWS_SECRET_ACCESS_KEY", "d"),
            ("GITHUB_TOKEN", "e"),
            ("HTTPS_PROXY", "f"),
        ]);
        let kept: Vec<String> = select(all.into_iter()).into_iter().map(|(key, _)| key).collect();
        assert_eq!(kept, ["JAVA_HOME", "LC_ALL", "TZ"]);
    }

    #[test]
    fn the_later_value_holds() {
        let env = base_env(pairs(&[("A", "1"), ("PATH", "/x")]), "/bin", "/home/runner", pairs(&[("A", "2")]));
        assert_eq!(env, pairs(&[("A", "2"), ("PATH", "/bin"), ("HOME", "/home/runner")]));
    }
}
