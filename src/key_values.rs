//! Files of names and values: dotenv, or a flat YAML mapping.
mod dotenv;

use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;
use wfrun_syntax::{Checked, Diagnostic, Node, Severity, Source};

use self::dotenv::dotenv;
pub(crate) use self::dotenv::unknown_names;
use crate::cli::EventArgs;
use crate::output::Help;

/// A value and where it was given.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Given {
    /// The name as written.
    pub(crate) name: String,
    /// The value.
    pub(crate) value: String,
}

/// Reads a file by its ending: `.yml` and `.yaml` are YAML, all else is dotenv.
pub(crate) fn read(path: &Path) -> anyhow::Result<Checked<Vec<Given>>> {
    let text = std::fs::read_to_string(path).map_err(|err| {
        let help = "give the path of a dotenv or YAML file, relative to where wfrun is started";
        Help::error("file/unreadable", format!("failed to read {}: {err}", path.display()), help)
    })?;
    let source = Source::new(path.display().to_string(), text);
    let is_yaml = path.extension().is_some_and(|it| it == "yml" || it == "yaml");
    Ok(if is_yaml { yaml(&source) } else { dotenv(&source) })
}

/// Splits `NAME=VALUE`.
pub(crate) fn pair(text: &str, option: &str) -> anyhow::Result<(String, String)> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(Help::error("cli/pair", format!("`{option} {text}` is no pair"), "write NAME=VALUE")),
    }
}

/// Reads a file that nobody named: what is wrong with it is no more than a warning, and the rest holds.
pub(crate) fn read_default(path: Option<&Path>) -> anyhow::Result<Checked<Vec<Given>>> {
    let Some(path) = path else { return Ok(Checked::clean(Vec::new())) };
    let mut read = read(path)?;
    for it in &mut read.diagnostics {
        it.severity = Severity::Warning;
        it.help = Some("the other lines are read; `--no-act-files` leaves the file out".to_owned());
    }
    Ok(read)
}

/// Puts a default file, files and options together; the later wins, names compare as written.
pub(crate) fn collect(
    default: Option<&Path>,
    files: &[std::path::PathBuf],
    pairs: &[String],
    option: &str,
) -> anyhow::Result<Checked<IndexMap<String, String>>> {
    let mut all = Checked::clean(IndexMap::new());
    for read in std::iter::once(read_default(default)).chain(files.iter().map(|it| read(it))) {
        let Checked { value, diagnostics } = read?;
        all.value.extend(value.into_iter().map(|it| (it.name, it.value)));
        all.diagnostics.extend(diagnostics);
    }
    for text in pairs {
        let (name, value) = pair(text, option)?;
        all.value.insert(name, value);
    }
    Ok(all)
}

/// The variables below the workflow's own `env`: of a default file, of files and of options.
pub(crate) fn environment(args: &EventArgs) -> anyhow::Result<Checked<IndexMap<String, String>>> {
    let mut all = collect(args.defaults.env.as_deref(), &args.env_file, &args.env, "--env")?;
    if args.act_compat {
        all.value.entry("ACT".to_owned()).or_insert_with(|| "true".to_owned());
    }
    Ok(all)
}

fn yaml(source: &Arc<Source>) -> Checked<Vec<Given>> {
    let Checked { value, mut diagnostics } = wfrun_syntax::parse(source);
    // An empty file is a null, and no other root that is not a mapping comes back.
    let Some(mapping) = value.as_ref().and_then(Node::as_mapping) else {
        return Checked { value: Vec::new(), diagnostics };
    };
    let mut given = Vec::new();
    for entry in mapping {
        if let Some(value) = entry.value.scalar_text() {
            given.push(Given { name: entry.key.value.clone(), value });
        } else {
            let message = format!("the value of `{}` is {}", entry.key.value, entry.value.describe());
            let found = Diagnostic::error("file/not-a-text", message);
            diagnostics.push(found.at(source, entry.value.span).help("a value is one text; quote it if need be"));
        }
    }
    Checked { value: given, diagnostics }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_values() {
        let read = yaml(&Source::new("s.yml", "A: 1\nB: 'x y'\nC: [1]\n"));
        assert_eq!(read.value.len(), 2);
        assert_eq!(read.diagnostics.len(), 1);
    }
}
