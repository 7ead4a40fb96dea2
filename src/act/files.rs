//! The files that act reads though nobody names them.
use std::path::{Path, PathBuf};

use crate::cli::EventArgs;

/// Those of one repository; nothing for one that is not there, or that a named file takes the place of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DefaultFiles {
    /// `.secrets`
    pub(crate) secrets: Option<PathBuf>,
    /// `.vars`
    pub(crate) vars: Option<PathBuf>,
    /// `.env`
    pub(crate) env: Option<PathBuf>,
    /// `.input`
    pub(crate) input: Option<PathBuf>,
}

/// One of the four.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DefaultFile {
    Secrets,
    Vars,
    Env,
    Input,
}

impl DefaultFile {
    pub(crate) const ALL: [Self; 4] = [Self::Secrets, Self::Vars, Self::Env, Self::Input];

    /// What it is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Secrets => ".secrets",
            Self::Vars => ".vars",
            Self::Env => ".env",
            Self::Input => ".input",
        }
    }
}

impl DefaultFiles {
    /// Those that lie in a folder and are not replaced by a file that the options name.
    ///
    /// Differs: a `.env` beside `.github` is laid below the workflow's own `env`, as act does, unless `--no-act-files` is given; GitHub reads no such file.
    pub(crate) fn of(folder: &Path, args: &EventArgs) -> Self {
        let find = |file: DefaultFile, named: &[PathBuf]| {
            let path = short(&folder.join(file.name()));
            (named.is_empty() && path.is_file()).then_some(path)
        };
        Self {
            secrets: find(DefaultFile::Secrets, &args.secret_file),
            vars: find(DefaultFile::Vars, &args.var_file),
            env: find(DefaultFile::Env, &args.env_file),
            input: find(DefaultFile::Input, &args.input_file),
        }
    }

    /// All that are there.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        [&self.secrets, &self.vars, &self.env, &self.input].into_iter().flatten().map(PathBuf::as_path)
    }
}

/// A path as one would type it where one stands.
pub(super) fn short(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let here = std::env::current_dir().unwrap_or_default();
    absolute.strip_prefix(&here).map_or_else(|_| absolute.clone(), Path::to_owned)
}
