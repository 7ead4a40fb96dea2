//! What goes to the terminal outside of the views: data to standard output, findings to standard error.
#![expect(clippy::print_stderr, reason = "this is where the program talks")]
use wfrun_backend::BackendError;
use wfrun_report::{ColorChoice, Style, render_diagnostics};
use wfrun_syntax::Diagnostic;

use crate::environment::Environment;
use crate::exit::Exit;

/// The two streams and how text on them is shown.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) stdout: Style,
    pub(crate) stderr: Style,
}

impl Output {
    pub(crate) fn new(environment: &Environment, color: ColorChoice) -> Self {
        Self { stdout: environment.stdout_style(color), stderr: environment.stderr_style(color) }
    }

    /// Writes findings to standard error.
    pub(crate) fn diagnostics(&self, diagnostics: &[Diagnostic]) {
        eprint!("{}", render_diagnostics(diagnostics, &self.stderr));
    }

    /// Writes an error and its causes to standard error.
    pub(crate) fn error(&self, err: &anyhow::Error) {
        self.diagnostics(&[Self::finding(err)]);
    }

    /// An error as a finding without a place.
    pub(crate) fn finding(err: &anyhow::Error) -> Diagnostic {
        if let Some(it) = err.downcast_ref::<Help>() {
            Diagnostic::error(it.code, it.message.clone()).help(it.way_out.clone())
        } else if let Some(it) = err.downcast_ref::<BackendError>() {
            unavailable(it)
        } else {
            Diagnostic::error("wfrun/failed", format!("{err:#}"))
        }
    }

    /// A person's mistake is invalid; what wfrun could not do is not their fault.
    pub(crate) fn exit_of(err: &anyhow::Error) -> Exit {
        match err.downcast_ref::<Help>() {
            Some(it)
                if !["wfrun/", "vendor/"].iter().any(|area| it.code.starts_with(area)) && it.code != "git/missing" =>
            {
                Exit::Invalid
            }
            Some(_) | None => Exit::CouldNot,
        }
    }

    /// Writes data to standard output.
    pub(crate) fn data(text: &str) {
        use std::io::Write as _;
        // A closed pipe is the reader's wish.
        if std::io::stdout().write_all(text.as_bytes()).is_err() {
            tracing::debug!("standard output is closed");
        }
    }

    /// Writes a line in red to standard error, for what cannot be taken back.
    pub(crate) fn alarm(&self, text: &str) {
        eprintln!("{}", self.stderr.alarm(text));
    }

    /// Writes a line to standard error.
    pub(crate) fn note(text: &str) {
        eprintln!("{text}");
    }
}

/// A backend's message is `what is wrong; the way out`, and its cause is a sentence of its own.
fn unavailable(err: &BackendError) -> Diagnostic {
    let text = err.to_string();
    let (message, way_out) = text.split_once("; ").unwrap_or((&text, "`wfrun run --help` names the backends"));
    let cause = std::error::Error::source(err).map(|it| format!(" ({it})")).unwrap_or_default();
    Diagnostic::error("backend/unavailable", format!("{message}{cause}")).help(way_out)
}

/// An error with its way out.
#[derive(Debug)]
pub(crate) struct Help {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) way_out: String,
}

impl Help {
    pub(crate) fn error(code: &'static str, message: impl Into<String>, help: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(Self { code, message: message.into(), way_out: help.into() })
    }
}

impl std::fmt::Display for Help {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.message, self.way_out)
    }
}

impl std::error::Error for Help {}
