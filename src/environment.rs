//! Every environment variable that wfrun reads, in one place.
use std::io::IsTerminal as _;
use std::path::PathBuf;

use tracing_subscriber::EnvFilter;
use wfrun_report::{ColorChoice, Style, Surroundings};

/// What wfrun takes from its environment.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    /// `WFRUN_LOG`: what to log for people who debug wfrun, as `tracing` filters.
    log: Option<String>,
    /// `NO_COLOR`
    no_color: Option<String>,
    /// `CLICOLOR_FORCE`
    clicolor_force: Option<String>,
    /// `TERM`
    term: Option<String>,
    /// `LC_ALL`, `LC_CTYPE` or `LANG`
    locale: Option<String>,
    /// `XDG_CACHE_HOME`, or `.cache` in `HOME`
    pub(crate) cache: PathBuf,
    /// `XDG_CONFIG_HOME`, or `.config` in `HOME`: where act has its `act/actrc`
    pub(crate) config: PathBuf,
    /// `HOME`
    pub(crate) home: PathBuf,
    /// `PATH`
    pub(crate) path: String,
    /// `USER` or `LOGNAME`: the default of `github.actor`
    pub(crate) user: Option<String>,
}

impl Environment {
    /// Reads the process's environment.
    pub(crate) fn read() -> Self {
        let get = |name: &str| std::env::var(name).ok().filter(|it| !it.is_empty());
        let home = get("HOME").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from);
        Self {
            log: get("WFRUN_LOG"),
            no_color: get("NO_COLOR"),
            clicolor_force: get("CLICOLOR_FORCE"),
            term: get("TERM"),
            locale: get("LC_ALL").or_else(|| get("LC_CTYPE")).or_else(|| get("LANG")),
            cache: get("XDG_CACHE_HOME").map_or_else(|| home.join(".cache"), PathBuf::from).join("wfrun"),
            config: get("XDG_CONFIG_HOME").map_or_else(|| home.join(".config"), PathBuf::from),
            path: get("PATH").unwrap_or_default(),
            home,
            user: get("USER").or_else(|| get("LOGNAME")),
        }
    }

    /// A variable's value, for `--secret NAME` without one, for `$NAME` in `.actrc`, and `GITHUB_TOKEN` for `--real-github`.
    pub(crate) fn variable(name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    /// All variables, of which [`wfrun_backend::outbound`] takes what is on its lists.
    pub(crate) fn variables() -> impl Iterator<Item = (String, String)> {
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
    }

    /// Starts logging for people who debug wfrun; off unless `WFRUN_LOG` says otherwise.
    pub(crate) fn start_logging(&self) {
        if let Some(filter) = &self.log {
            let filter = EnvFilter::new(filter);
            tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
        }
    }

    /// How text on standard output is shown.
    pub(crate) fn stdout_style(&self, color: ColorChoice) -> Style {
        self.style(color, std::io::stdout().is_terminal(), console::Term::stdout().size_checked())
    }

    /// How text on standard error is shown.
    pub(crate) fn stderr_style(&self, color: ColorChoice) -> Style {
        self.style(color, std::io::stderr().is_terminal(), console::Term::stderr().size_checked())
    }

    fn style(&self, color: ColorChoice, is_terminal: bool, size: Option<(u16, u16)>) -> Style {
        let surroundings = Surroundings {
            is_terminal,
            width: size.map(|(_, width)| width),
            no_color: self.no_color.as_deref(),
            clicolor_force: self.clicolor_force.as_deref(),
            term: self.term.as_deref(),
            locale: self.locale.as_deref(),
        };
        Style::detect(color, &surroundings)
    }
}
